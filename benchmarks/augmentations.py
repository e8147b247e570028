"""What each augmentation costs, beside the training step of `lenet5` that it feeds, in one run.

    .venv/bin/python benchmarks/augmentations.py

The step is that of `fit`: forward, backward, fused Adam, channels last. All take turns, so that a noisy machine
disturbs all alike; medians count. It is done with one thread, as studies run, and with all that the machine has.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from assay.augmentations import Augmentation, AugMix, CutMix, CutOut, MixUp, PixMix, RandomErasing, SaltPepper
from assay.fit import build
from assay.objectives import Batch, CrossEntropy
from assay.recipe import Recipe

AUGMENTATIONS: tuple[Augmentation, ...] = (
    CutOut(length=7, holes=1),
    MixUp(alpha=0.5),
    CutMix(),
    RandomErasing(),
    SaltPepper(amount=0.1),
    AugMix(),
    PixMix(),
)


def training_step(x: Tensor, y: Tensor) -> Callable[[], object]:
    """Make one step of the baseline's training on the batch, to be repeated."""
    model = build(Recipe(), (1, 28, 28), 10, seed=0).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        loss = CrossEntropy()(model, Batch(x, y), generator).value
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def applied(augmentation: Augmentation, x: Tensor, y: Tensor) -> Callable[[], object]:
    """Make one application to the batch, to be repeated with new draws."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.nn.functional.one_hot(y, 10).float() if augmentation.needs_soft_labels else y
    return lambda: augmentation(x, labels, generator)


def medians(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each, taking turns; the first round warms up and does not count."""
    took: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name, act in work.items():
            start = time.perf_counter()
            act()
            took[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(times[1:]) for name, times in took.items()}


def main() -> None:
    """Print milliseconds a batch of each augmentation, and their ratio to the step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 64, 128])
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--rounds", type=int, default=60, help="times that each takes its turn")
    arguments = parser.parse_args()
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for size in arguments.batch_sizes:
            generator = torch.Generator().manual_seed(0)
            x, y = torch.rand(size, 1, 28, 28, generator=generator), torch.arange(size) % 10
            work = {"step": training_step(x, y)} | {part.name: applied(part, x, y) for part in AUGMENTATIONS}
            took = medians(work, arguments.rounds)
            print(f"threads {threads}, batch size {size}: one step takes {took['step']:.1f} ms")
            for part in AUGMENTATIONS:
                print(f"  {part.name:16} {took[part.name]:7.2f} ms  {took[part.name] / took['step']:7.1%} of a step")


if __name__ == "__main__":
    main()
