"""Bootstrap draws of every measurement: the same numbers on 1,000 resamples of the images.

Draw b of a number is its value on resample b (Efron and Tibshirani 1993, "An introduction to the bootstrap"). Which
images a resample holds depends on the set and its size alone, never on the model: draws of two models are paired, and
so are draws of two numbers that are measured on the same test images, even across evaluations. Test and outlier sets
are resampled on their own, the base rate being given.

Draws are the raw values on the resamples. Their spread is that of the estimate; their centre is not always:

- Calibration errors are norms of noisy gaps, and a resample adds noise once more, so their draws lie above the estimate
  near calibration, and percentiles of them are no interval (see `assay.metrics.calibration_intervals`). In a difference
  of two models the shifts cancel only where both are calibrated alike. Whoever uses draws should therefore take their
  spread about their own mean, around the estimate: estimate + (draws - mean of draws).
- What never occurs in the sample occurs in no resample: of a number at its floor or ceiling, such as a robust accuracy
  of 0, all draws are equal.
"""

import json
from collections.abc import Mapping

import torch
from torch import Tensor

from assay.evaluations.adversarial import WORST
from assay.evaluations.anomaly import INSIDE
from assay.evaluations.base import Observations
from assay.metrics.calibration import BINS
from assay.metrics.calibration_draws import BINNED, calibration_draws
from assay.metrics.detection_draws import detection_draws, falling
from assay.metrics.intervals import BLOCK, RESAMPLES, bootstrap_blocks
from assay.randomness import derive

Setting = Mapping[str, str | float]


def draw_name(metric: str, setting: Setting) -> str:
    """A number's name: its metric and its setting as JSON, such as 'accuracy {"attack":"fgsm","eps":0.3}'.

    Names are sorted and numbers have six significant digits, as in the names of observations.
    """
    plain = {key: value if isinstance(value, str) else float(f"{value:g}") for key, value in setting.items()}
    return f"{metric} {json.dumps(plain, sort_keys=True, separators=(',', ':'), allow_nan=False)}"


def draws(observations: Observations, *, bins: int = BINS) -> dict[str, Tensor]:
    """Draw every number that the adversarial, shift, anomaly or calibration evaluation measures.

    Not "accuracy_rise", "out_of_bounds", "one_class", "flag" and "evidence", which are warnings, nor "base_rate", which
    is no estimate;
    mean corruption errors follow from the accuracies of two models.

    Args:
        observations: of one of these evaluations; of another they give no draws.
        bins: the calibration evaluation's number of bins.

    Returns:
        (1000,) float32 for each number, by `draw_name`.
    """
    tensors = {name: tensor.cpu() for name, tensor in observations.tensors.items() if not name.startswith("example/")}
    if {"logits", "labels"} <= tensors.keys():
        return _calibration(tensors["logits"], tensors["labels"], bins)
    if any(name.startswith(f"score/{INSIDE}/") for name in tensors):
        return _anomaly(tensors)
    if "clean" in tensors:
        return _adversarial(tensors) | _shift(tensors)
    return {}


def _test(n: int) -> torch.Generator:
    return derive(0, "draws", "test", n)


def _adversarial(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    worst = {float(eps): right for eps, right in _below(tensors, "worst/").items()}
    if not worst:
        return {}
    single = {tuple(name.rsplit("/", 1)): right for name, right in _below(tensors, "single/").items()}
    named = {draw_name("accuracy", {"eps": 0.0}): tensors["clean"]}
    named |= {draw_name("accuracy", {"attack": WORST, "eps": eps}): right for eps, right in worst.items()}
    named |= {
        draw_name("accuracy", {"attack": attack, "eps": float(eps)}): right for (attack, eps), right in single.items()
    }
    found = _shares(named)
    mean = torch.stack([found[draw_name("accuracy", {"attack": WORST, "eps": eps})] for eps in worst]).mean(0)
    return found | {draw_name("mean_accuracy", {"attack": WORST}): mean}


def _shift(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    corrupted = {draw_name("accuracy", {"corruption": k}): v for k, v in _below(tensors, "correct/").items()}
    if not corrupted:
        return {}
    found = _shares({draw_name("accuracy", {"corruption": "clean"}): tensors["clean"]} | corrupted)
    mean = torch.stack([found[name] for name in corrupted]).mean(0)
    return found | {draw_name("mean_accuracy", {}): mean}


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _shares(named: dict[str, Tensor]) -> dict[str, Tensor]:
    """Draws of the shares of images that are right, (N,) bool by name."""
    columns = torch.stack(list(named.values()), 1).float()
    n = len(columns)
    values = torch.cat([weights @ columns for weights in bootstrap_blocks(n, RESAMPLES, _test(n))]) / n
    return {name: column.contiguous() for name, column in zip(named, values.unbind(1), strict=True)}


def _anomaly(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    scores = {name: falling(tensor) for name, tensor in _below(tensors, "score/").items()}
    sizes = {name.rsplit("/", 1)[0]: len(side.scores) for name, side in scores.items()}
    rows = max(1, BLOCK // max(sizes.values()))
    streams = [
        bootstrap_blocks(
            n, RESAMPLES, _test(n) if group == INSIDE else derive(0, "draws", "outliers", group, n), block=rows * n
        )
        for group, n in sizes.items()
    ]
    pieces: dict[str, list[Tensor]] = {}
    for blocks in zip(*streams, strict=True):
        weights = dict(zip(sizes, blocks, strict=True))
        for score in _below(tensors, f"score/{INSIDE}/"):
            inside = scores[f"{INSIDE}/{score}"]
            below = inside.running(weights[INSIDE])
            for group in sizes:
                outside = scores.get(f"{group}/{score}")
                if group == INSIDE or outside is None:
                    continue
                found = detection_draws(inside, outside, below, outside.running(weights[group]))
                for metric, values in found._asdict().items():
                    pieces.setdefault(draw_name(metric, {"outliers": group, "score": score}), []).append(values)
    return {name: torch.cat(parts) for name, parts in pieces.items()}


def _calibration(logits: Tensor, labels: Tensor, bins: int) -> dict[str, Tensor]:
    found = calibration_draws(logits, labels, _test(len(labels)), bins=bins)
    return {draw_name(metric, {"bins": bins} if metric in BINNED else {}): values for metric, values in found.items()}
