"""What each anomaly score costs on `lenet5`, beside pytorch-ood, in one run.

    make bench-monitoring

The scores are those of the study `monitoring`. All of MNIST's 60,000 training images, and 30,000 others: the test sets
of MNIST, Fashion-MNIST and KMNIST. The model sees each image once, and its outputs serve all scores and both libraries;
ODIN alone runs it again. Seconds of the processor, with one thread: of the fit, and of scoring in batches of 1,000.
Beside them AUROC, and the rank correlation of the two libraries' scores. `benchmarks/calibration.py`, which the same
command runs, does as much for calibration.
"""

import argparse
import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from assay.architectures.ensemble import Ensemble
from assay.classifier import CHUNK, Classifier, Outputs, predict_all, to_unit
from assay.data import load, sample
from assay.errors import MissingDataError
from assay.fit import fit
from assay.metrics.detection import auroc
from assay.recipe import Recipe, Train
from assay.scores import Disagreement
from assay.scores.base import AnyScore, ImageScore, Training
from assay.studies.monitoring import SCORES

SINGLE: tuple[AnyScore, ...] = tuple(score for score in SCORES if not isinstance(score, Disagreement))
SHORT = Train(epochs=1, batch_size=50, learning_rate=1e-3, images=15_000)
Scoring = Callable[[Outputs, Tensor], Tensor]


class Scene(NamedTuple):
    """A model, its outputs on training images, and on others by set: images and outputs."""

    model: Classifier
    train: Training
    sets: dict[str, tuple[Tensor, Outputs]]


class Timed(NamedTuple):
    """Processor seconds of the fit and of scoring, and the scores by set."""

    fit: float
    score: float
    values: dict[str, Tensor]


def ours(score: AnyScore, scene: Scene) -> Callable[[], Scoring]:
    """Our fit."""
    if isinstance(score, ImageScore):
        return lambda: score.fit(scene.model, scene.train)
    return lambda: _blind(score.fit(scene.model, scene.train))


def _blind(function: Callable[[Outputs], Tensor]) -> Scoring:
    return lambda outputs, _: function(outputs)


def detectors() -> ModuleType:
    """Import pytorch-ood's detectors alone: the rest of the package asks for torchvision."""
    spec = importlib.util.find_spec("pytorch_ood")
    if spec is None:
        raise ImportError("pytorch-ood is not installed; make bench-monitoring installs it")
    package = ModuleType("pytorch_ood")
    package.__path__ = list(spec.submodule_search_locations or [])
    sys.modules["pytorch_ood"] = package
    return importlib.import_module("pytorch_ood.detector")


def theirs(ood: ModuleType, scene: Scene) -> dict[str, Callable[[], Scoring]]:
    """pytorch-ood's fits (Kirchheim, Filax and Ortmeier 2022), for those of our scores that it has, by our names."""
    head = scene.model.linear_head
    assert head is not None, "lenet5 ends in a linear layer"
    weight, bias = head.weight.detach(), head.bias.detach()
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.load_state_dict({"weight": weight, "bias": bias})
    flat = nn.Sequential(nn.Flatten(), linear).requires_grad_(False)
    features, logits, labels = scene.train

    def fitted(detector: Any) -> Scoring:
        detector.fit_features(features, labels)
        return lambda outputs, _: detector.predict_features(outputs.features)

    def matched() -> Scoring:
        detector = ood.KLMatching(None).to("cpu").fit_logits(logits)
        return lambda outputs, _: detector.predict_logits(outputs.logits)

    def clipped() -> Scoring:
        detector = ood.ReAct(None, flat).fit_feature_maps(features, labels)
        return lambda outputs, _: detector.predict_feature_maps(outputs.features)

    def pulled() -> Scoring:
        detector = ood.GradNorm(linear, param_filter=lambda name: name == "weight")
        return lambda outputs, _: detector.predict(outputs.features)

    def shaped() -> Scoring:
        detector = ood.ASH(None, flat, percentile=0.9)
        return lambda outputs, _: detector.predict_feature_maps(outputs.features[:, :, None, None])

    def stepped() -> Scoring:
        detector = ood.ODIN(scene.model.eval())
        return lambda _, x: detector.predict(to_unit(x))

    return {
        "msp": lambda: lambda outputs, _: ood.MaxSoftmax.score(outputs.logits),
        "max_logit": lambda: lambda outputs, _: ood.MaxLogit.score(outputs.logits),
        "energy": lambda: lambda outputs, _: ood.EnergyBased.score(outputs.logits),
        "kl_matching": matched,
        "gradnorm": pulled,
        "react": clipped,
        "dice": lambda: fitted(ood.DICE(None, weight, bias, 0.9)),
        "ash": shaped,
        "vim": lambda: fitted(ood.ViM(None, weight.shape[1] // 2, weight, bias)),
        "mahalanobis": lambda: fitted(ood.Mahalanobis(None).to("cpu")),
        "relative_mahalanobis": lambda: fitted(ood.RMD(None).to("cpu")),
        "knn": lambda: fitted(ood.KNN(None, k=50)),
        "odin": stepped,
    }


def timed(fit_it: Callable[[], Scoring], scene: Scene) -> Timed:
    """Fit, then score each set in batches."""
    start = time.process_time()
    function = fit_it()
    fitted = time.process_time()
    values = {}
    for name, (x, (features, logits)) in scene.sets.items():
        batches = zip(*(torch.split(tensor, CHUNK) for tensor in (x, features, logits)), strict=True)
        values[name] = torch.cat([function(Outputs(f, z), part).detach().double() for part, f, z in batches])
    return Timed(fitted - start, time.process_time() - fitted, values)


def line(name: str, mine: Timed, other: Timed | None) -> str:
    """One row of the table."""
    inside, *outside = mine.values.values()
    areas = "".join(f"{auroc(inside, values):9.2%}" for values in outside)
    text = f"{name:22}{mine.fit:7.2f}{mine.score:8.2f}{areas}"
    if other is None:
        return text
    ranks = spearmanr(torch.cat(list(mine.values.values())), torch.cat(list(other.values.values()))).statistic
    ratio = (other.fit + other.score) / (mine.fit + mine.score)
    return f"{text}   {other.fit:7.2f}{other.score:8.2f}{ratio:8.1f} x{ranks:10.4f}"


def observe(models: list[Classifier], images: int | None) -> Scene:
    """The outputs of the model, or of the ensemble, on all sets; KMNIST only where it is here."""
    model = models[0] if len(models) == 1 else Ensemble(models)
    start, train, sets = time.process_time(), sample(load("mnist", "train"), images), {}
    for name in ("mnist", "fashion_mnist", "kmnist"):
        try:
            x = sample(load(name, "test"), images).x
            sets[name] = (x, predict_all(model, x))
        except MissingDataError as error:
            print(error)
    scene = Scene(model, Training(*predict_all(model, train.x), train.y), sets)
    print(f"the pass over {len(train)} and {sum(len(x) for x, _ in sets.values())} images: ", end="")
    print(f"{time.process_time() - start:.1f} s")
    return scene


def main() -> None:
    """Train two models shortly, and print seconds of each score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, help="of each set; all where left out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="without pytorch-ood")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    models = [fit(Recipe(train=SHORT), load("mnist", "train"), seed=seed).model for seed in (0, 1)]
    scene, others = observe(models[:1], arguments.images), dict[str, Callable[[], Scoring]]()
    if not arguments.alone:
        try:
            others = theirs(detectors(), scene)
        except ImportError as error:
            print(f"not compared: {error}")
    outside = "".join(f"{name[:7]:>9}" for name in list(scene.sets)[1:])
    print(f"{'':22}{'fit s':>7}{'score s':>8}{outside}   {'fit s':>7}{'score s':>8}{'ratio':>10}{'ranks':>10}")
    total = 0.0
    for score in SINGLE:
        mine = timed(ours(score, scene), scene)
        other = timed(others[score.name], scene) if score.name in others else None
        total += mine.fit + mine.score
        print(line(score.name, mine, other), flush=True)
    print(f"all scores: {total:.1f} s")
    pair = observe(models, arguments.images)
    print(line("disagreement of two", timed(ours(Disagreement(), pair), pair), None))


if __name__ == "__main__":
    main()
