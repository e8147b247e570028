"""Attacks side by side in one run: foolbox, torchattacks, the Adversarial Robustness Toolbox, and ours.

    make bench-attacks

Two trained `lenet5`, one undefended and one trained with PGD (about an hour, once), meet two tasks:
- the curve: accuracy in the worst case of FGSM and PGD with 40 steps of 2.5 * eps / 40, at eps 0.1, 0.2, 0.3 and 0.4;
- the AutoAttack set at one eps: APGD with cross entropy, targeted APGD, targeted FAB, Square with 5,000 queries. A
  start takes 10 steps as torchattacks runs it; ours takes at least as many, and more where, on training images of the
  robust model, they found more for their time (100, 30, 10), and Square's queries go to images that still give way.

All get the same weights, images, budgets, number of threads and batch size. The other libraries get them in PyTorch's
own layers, as their users would have them; ours runs on `lenet5` as it is. Seconds are of the processor. Accuracies
stand beside them: a lower one is a tighter bound. Then the speed of the attack loop, as a fraction of what the machine
reaches on matrix products, and the operations that take the rest.
"""

import argparse
import copy
import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from assay.architectures.thin_convolution import ThinConv2d
from assay.attacks import APGD, APGDT, FABT, FGSM, PGD, Square, WorstCase
from assay.attacks.base import BLOCK
from assay.cells import assemble
from assay.classifier import Classifier, predict_logits, to_unit
from assay.data import Images, Task, load, load_task, sample
from assay.evaluations import Adversarial, Calibration
from assay.plan import plan
from assay.randomness import derive
from assay.recipe import Recipe, Train
from assay.run import run_study
from assay.store import Store
from assay.study import Study

BUDGETS = (0.1, 0.2, 0.3, 0.4)
STEPS = 40
RECIPES = {
    "undefended": Recipe(train=Train(epochs=2, batch_size=16, learning_rate=5e-4, images=15000)),
    "robust": Recipe(train=Train(epochs=5, batch_size=50, learning_rate=1e-3), pipeline=(PGD(eps=0.3, steps=40),)),
}
ROUNDS = 7
HEADROOM = 2  # see assay.attacks.headroom and assay.attacks.square
Curve = dict[float, float]  # accuracy by eps


def step_of(eps: float) -> float:
    """The step size that all PGDs take."""
    return 2.5 * eps / STEPS


def plain(model: Classifier) -> nn.Module:
    """The same weights in PyTorch's own layers and memory format."""
    copied = copy.deepcopy(model)
    for module in list(copied.modules()):
        for name, child in module.named_children():
            if isinstance(child, ThinConv2d):
                sizes: Any = (child.kernel_size, child.stride, child.padding)
                other = nn.Conv2d(child.in_channels, child.out_channels, *sizes)
                other.load_state_dict(child.state_dict())
                setattr(module, name, other)
    return copied.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload,no-any-return]


def batches(images: Images, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Images as floats, and labels."""
    yield from zip(torch.split(to_unit(images.x), size), torch.split(images.y, size), strict=True)


def ours_curve(model: Classifier, images: Images, batch: int) -> Curve:  # noqa: ARG001 the evaluation has its own
    """Our evaluation: survivors alone, over attacks, steps and budgets, and no steps where no room is left to rise."""
    evaluation = Adversarial(
        attacks=(FGSM(eps=1), PGD(eps=1, steps=STEPS, early_stop=True, restarts=2, headroom=HEADROOM)),
        budgets=BUDGETS,
        examples=0,
        single=False,
        checked=0,
    )
    seen = evaluation.observe(model, Task(name="bench", test=images), seed=0).tensors
    return {eps: float(seen[f"worst/{eps:g}"].float().mean()) for eps in BUDGETS}


def curve_of(
    attack: Callable[[float, Tensor, Tensor], list[Tensor]], model: nn.Module, images: Images, batch: int
) -> Curve:
    """The worst case over the points that `attack` gives for each eps, batch by batch, as their users write it."""
    found = {}
    for eps in BUDGETS:
        stands = []
        for x, y in batches(images, batch):
            with torch.no_grad():
                right = model(x).argmax(1) == y
            for points in attack(eps, x, y):
                with torch.no_grad():
                    right &= model(points).argmax(1) == y
            stands.append(right)
        found[eps] = float(torch.cat(stands).float().mean())
    return found


def foolbox_curve(model: Classifier, images: Images, batch: int) -> Curve:
    """Rauber et al. (2020)."""
    fb, module = importlib.import_module("foolbox"), plain(model)
    wrapped = fb.PyTorchModel(module, bounds=(0, 1), device="cpu")
    fgsm, pgd = fb.attacks.LinfFastGradientAttack(), fb.attacks.LinfPGD(rel_stepsize=2.5 / STEPS, steps=STEPS)

    def attack(eps: float, x: Tensor, y: Tensor) -> list[Tensor]:
        return [each(wrapped, x, y, epsilons=eps)[1] for each in (fgsm, pgd)]

    return curve_of(attack, module, images, batch)


def torchattacks_curve(model: Classifier, images: Images, batch: int) -> Curve:
    """Kim (2020)."""
    ta, module = importlib.import_module("torchattacks"), plain(model)

    def attack(eps: float, x: Tensor, y: Tensor) -> list[Tensor]:
        each = (ta.FGSM(module, eps=eps), ta.PGD(module, eps=eps, alpha=step_of(eps), steps=STEPS))
        return [one(x, y) for one in each]

    return curve_of(attack, module, images, batch)


def art_curve(model: Classifier, images: Images, batch: int) -> Curve:
    """The Adversarial Robustness Toolbox (Nicolae et al. 2018)."""
    estimators = importlib.import_module("art.estimators.classification")
    evasion, module = importlib.import_module("art.attacks.evasion"), plain(model)
    wrapped = estimators.PyTorchClassifier(
        module, nn.CrossEntropyLoss(), images.shape, images.n_classes, clip_values=(0.0, 1.0), device_type="cpu"
    )

    def attack(eps: float, x: Tensor, y: Tensor) -> list[Tensor]:
        fgsm = evasion.FastGradientMethod(wrapped, eps=eps, batch_size=batch)
        pgd = evasion.ProjectedGradientDescentPyTorch(
            wrapped, eps=eps, eps_step=step_of(eps), max_iter=STEPS, num_random_init=1, batch_size=batch, verbose=False
        )
        return [torch.from_numpy(one.generate(x.numpy(), y.numpy())) for one in (fgsm, pgd)]

    return curve_of(attack, module, images, batch)


def ours_set(model: Classifier, images: Images, batch: int, eps: float) -> Curve:
    """Our worst case over the AutoAttack set."""
    attacks = (
        APGD(eps=eps, steps=100),
        APGDT(eps=eps, steps=30),
        FABT(eps=eps, steps=10, early_stop=True),
        Square(eps=eps, headroom=HEADROOM),
    )
    attack, right = WorstCase(eps=eps, attacks=attacks), []
    for start, (x, y) in enumerate(batches(images, batch)):
        points = attack(model, x, y, derive(0, "bench", start))
        right.append(predict_logits(model, points).argmax(1) == y)
    return {eps: float(torch.cat(right).float().mean())}


def torchattacks_set(model: Classifier, images: Images, batch: int, eps: float) -> Curve:
    """AutoAttack as torchattacks has it."""
    module, right = plain(model), []
    attack = importlib.import_module("torchattacks").AutoAttack(
        module, norm="Linf", eps=eps, n_classes=images.n_classes
    )
    for x, y in batches(images, batch):
        points = attack(x, y)
        with torch.no_grad():
            right.append(module(points).argmax(1) == y)
    return {eps: float(torch.cat(right).float().mean())}


def timed(name: str, work: Callable[[], Curve]) -> tuple[float, Curve]:
    """Seconds of the processor, and what came; printed as soon as it is there."""
    start, wall = time.process_time(), time.perf_counter()
    found = work()
    seconds = time.process_time() - start
    texts = "  ".join(f"{eps:g}: {accuracy:6.1%}" for eps, accuracy in found.items())
    print(f"  {name:14} {seconds:8.1f} s ({time.perf_counter() - wall:.1f} s on the clock)   {texts}", flush=True)
    return seconds, found


def compare(title: str, contestants: dict[str, Callable[[], Curve]]) -> None:
    """Run the contestants one after the other; print the ratio to the fastest of the others."""
    print(title, flush=True)
    results: dict[str, tuple[float, Curve]] = {}
    for name, work in contestants.items():
        try:
            results[name] = timed(name, work)
        except ImportError as error:
            print(f"  {name:14} not measured: {error}", flush=True)
    others = {name: seconds for name, (seconds, _) in results.items() if name != "ours"}
    if not others:
        return
    fastest = min(others, key=others.__getitem__)
    seconds, own = results["ours"]
    higher = [
        f"{eps:g} ({own[eps]:.1%} against {curve[eps]:.1%} of {name})"
        for name, (_, curve) in results.items()
        if name in others
        for eps in own
        if own[eps] > curve[eps]
    ]
    print(f"  ours is {others[fastest] / seconds:.1f} x as fast as {fastest}, the fastest of the others", flush=True)
    print(f"  our accuracy is higher at: {', '.join(higher) or 'no budget'}", flush=True)


def where_time_goes(model: Classifier, images: Images) -> None:
    """The attack loop's speed against matrix products, both now, and what the loop spends its time on."""
    (x, y), evaluation = next(batches(images, BLOCK)), PGD(eps=0.3, steps=10)
    square, module = torch.rand(1024, 1024), plain(model).requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        nn.functional.cross_entropy(module(x.clone().requires_grad_()), y).backward()  # type: ignore[no-untyped-call]
    work, speeds = counter.get_total_flops() * evaluation.steps, []
    for _ in range(ROUNDS):
        product = seconds_of(lambda: [square @ square for _ in range(10)]) / 10
        loop = seconds_of(lambda: evaluation(model, x, y, derive(0, "bench")))
        speeds.append((2 * 1024**3 / product / 1e9, work / loop / 1e9))
    peak, reached = (sorted(column)[ROUNDS // 2] for column in zip(*speeds, strict=True))
    print(
        f"the attack loop: {reached:.0f} GFLOPS, {reached / peak:.0%} of the {peak:.0f} of matrix products", flush=True
    )
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        evaluation(model, x, y, derive(0, "bench"))
    events = sorted(profile.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    for event in events[:10]:
        print(f"  {event.self_cpu_time_total / total:6.1%}  {event.key}", flush=True)


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    start = time.process_time()
    work()
    return time.process_time() - start


def models(store: Path, names: Sequence[str]) -> dict[str, Classifier]:
    """The models of those names; trained on the first run, and then kept in the store."""
    recipes = tuple(RECIPES[name] for name in names)
    study = Study(
        name="bench_attacks",
        title="Models of the benchmark of attacks",
        question="How fast are attacks?",
        recipes=recipes,
        evaluations=(Calibration(),),
        outliers=(),
    )
    run_study(study, out=store, jobs=2)
    task = load_task(outliers=())
    kept = Store(store)
    return {
        cell.recipe.label: assemble(cell.recipe, task, [kept.read("models", cell.key, "model.safetensors")])
        for cell in plan(study, task).training
    }


def main() -> None:
    """Train or load the models, and print all comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000, help="test images")
    parser.add_argument("--batch", type=int, default=250, help="batch size of the other libraries")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--eps", type=float, default=0.3, help="of the AutoAttack set")
    parser.add_argument("--tasks", default="curve,set,profile", help="which of curve, set and profile")
    parser.add_argument("--others", default="foolbox,torchattacks,art", help="which of the other libraries")
    parser.add_argument("--models", default=",".join(RECIPES), help="which of the two")
    parser.add_argument("--store", type=Path, default=Path("assay-out"), help="where the models are kept")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    images, batch = sample(load("mnist", "test"), arguments.images), arguments.batch
    for label, model in models(arguments.store, arguments.models.split(",")).items():
        if "curve" in arguments.tasks:
            contestants = {
                "ours": ours_curve,
                "foolbox": foolbox_curve,
                "torchattacks": torchattacks_curve,
                "art": art_curve,
            }
            compare(
                f"{label}: FGSM and PGD-{STEPS}, {len(images)} images",
                {
                    name: partial(curve, model, images, batch)
                    for name, curve in contestants.items()
                    if name in ("ours", *arguments.others.split(","))
                },
            )
        if "set" in arguments.tasks:
            eps = arguments.eps
            compare(
                f"{label}: the AutoAttack set at eps {eps:g}, {len(images)} images",
                {
                    "ours": partial(ours_set, model, images, batch, eps),
                    "torchattacks": partial(torchattacks_set, model, images, batch, eps),
                },
            )
        if "profile" in arguments.tasks:
            where_time_goes(model, images)


if __name__ == "__main__":
    main()
