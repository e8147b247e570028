"""Small networks trained and evaluated one at a time, and together, side by side in one run.

    .venv/bin/python benchmarks/stacks.py                    or, with a GPU,   benchmarks/stacks.py --device cuda

The same recipes and seeds train on the same images, and the same networks are evaluated on the same images; the two
ways take turns, so that a noisy machine disturbs both alike, and each way's best round counts. On a CPU it is one
thread, and seconds are the processor's; on a GPU they are the clock's, waiting for the GPU at both ends. The gain is
one at a time over together: below 1 a stack is slower. The operations are those that torch is asked for, views left
out; on a GPU each is a program to be started, which is what takes the time of networks as small as these.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from assay.attacks import APGD, PGD, Attack
from assay.augmentations import Augmentation, CutOut
from assay.classifier import Classifier
from assay.data import Images, Task, load, load_task, sample
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Shift
from assay.fit import fit
from assay.recipe import Recipe, Train
from assay.stacks import fit_stack, together

VIEWS = {
    "alias",
    "as_strided",
    "chunk",
    "detach",
    "diagonal",
    "expand",
    "is_same_size",
    "narrow",
    "permute",
    "select",
    "slice",
    "split",
    "split_with_sizes",
    "squeeze",
    "t",
    "transpose",
    "unbind",
    "unfold",
    "unsqueeze",
    "view",
    "view_as",
    "_reshape_alias",
    "_unsafe_view",
}  # fmt: skip - they compute nothing


def seconds(work: Callable[[], object], device: str) -> float:
    """Seconds that the work takes."""
    on_gpu = device.startswith("cuda")
    clock = time.perf_counter if on_gpu else time.process_time
    if on_gpu:
        torch.cuda.synchronize()
    start = clock()
    work()
    if on_gpu:
        torch.cuda.synchronize()
    return clock() - start


def one_by_one(recipe: Recipe, images: Images, count: int, device: str) -> None:
    """Train as many networks, one after the other."""
    for seed in range(count):
        fit(recipe, images, seed=seed, device=device)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what torch is asked to compute, in the threads that it is entered in."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count one, and do it."""
        self.count += func._schema.name.split("::")[1] not in VIEWS
        return func(*args, **(kwargs or {}))


def side_by_side(ways: Mapping[str, Callable[[], object]], rounds: int, device: str) -> str:
    """The best seconds of both ways, which take turns, and the gain."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for way, work in ways.items():
            best[way] = min(best[way], seconds(work, device))
    alone, stack = best["alone"], best["stack"]
    return f"{alone:12.2f} {stack:8.2f} {alone / stack:6.2f}"


def evaluate(networks: Sequence[Classifier], evaluation: Evaluation, task: Task, counter: Operations | None) -> None:
    """Evaluate the networks one by one."""
    for network in networks:
        observe(network, evaluation, task, counter)


def observe(network: Classifier, evaluation: Evaluation, task: Task, counter: Operations | None) -> None:
    """Evaluate a network, and count, if wanted."""
    if counter is None:
        evaluation.observe(network, task, 0)
        return
    with counter:
        evaluation.observe(network, task, 0)


def evaluate_together(
    networks: Sequence[Classifier], evaluation: Evaluation, task: Task, counter: Operations | None
) -> None:
    """Evaluate the networks at once; what breaks one is raised."""

    def work(_: int, stand_ins: Sequence[Classifier]) -> None:
        observe(stand_ins[0], evaluation, task, counter)

    for found in together([[network] for network in networks], work):
        if isinstance(found, Exception):
            raise found


def evaluations(arguments: argparse.Namespace) -> None:
    """Print a row for each evaluation and number of networks."""
    device, task = arguments.device, load_task("mnist", limit=1000)
    assert task.train is not None, "mnist has training images"
    recipe = Recipe(train=Train(epochs=1))
    networks = [fit(recipe, task.train, seed=seed).model.to(device) for seed in range(max(arguments.networks))]
    images = arguments.images
    kinds: dict[str, Evaluation] = {
        "calibration": Calibration(images=images),
        "shift": Shift(images=images),
        "anomaly": Anomaly(),
        "pgd, 20 steps": Adversarial(attacks=(PGD(eps=0.3, steps=20, early_stop=True),), images=images),
        "apgd, 20 steps": Adversarial(attacks=(APGD(eps=0.3, steps=20),), images=images),
    }
    print(f"{'evaluation':14} {'networks':>8} {'one by one s':>12} {'stack s':>8} {'gain':>6} {'fewer operations':>17}")
    for name, evaluation in kinds.items():
        for count in arguments.networks:
            given = (networks[:count], evaluation, task)
            ways = {"alone": partial(evaluate, *given, None), "stack": partial(evaluate_together, *given, None)}
            row = f"{name:14} {count:8} {side_by_side(ways, arguments.rounds, device)}"
            alone, stack = Operations(), Operations()
            evaluate(*given, alone)
            with stack:  # the joint passes are this thread's
                evaluate_together(*given, stack)
            print(f"{row} {alone.count / stack.count:16.2f}x", flush=True)


def main() -> None:
    """Print a row for each recipe, batch size and number of networks, and then for each evaluation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=320, help="training images of each network, and test images")
    parser.add_argument("--networks", type=int, nargs="+", default=[4, 8], help="networks in a stack")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each way")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images, device = sample(load("mnist", "train"), arguments.images), arguments.device
    pipelines: dict[str, tuple[Augmentation | Attack, ...]] = {
        "baseline": (),
        "cutout": (CutOut(length=7, holes=1),),
        "pgd, 5 steps": (PGD(eps=0.3, steps=5),),
    }
    print(f"{'recipe':14} {'batch':>5} {'networks':>8} {'one by one s':>12} {'stack s':>8} {'gain':>6}")
    for name, pipeline in pipelines.items():
        for size in arguments.batch_sizes:
            recipe = Recipe(pipeline=pipeline, train=Train(epochs=1, batch_size=size))
            for count in arguments.networks:
                ways: dict[str, Callable[[], object]] = {
                    "alone": partial(one_by_one, recipe, images, count, device),
                    "stack": partial(fit_stack, [recipe] * count, images, seeds=range(count), device=device),
                }
                row = side_by_side(ways, arguments.rounds, device)
                print(f"{name:14} {size:5} {count:8} {row}", flush=True)
    evaluations(arguments)


if __name__ == "__main__":
    main()
