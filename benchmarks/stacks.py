"""Small networks trained one at a time, and as a stack, side by side in one run.

    .venv/bin/python benchmarks/stacks.py                    or, with a GPU,   benchmarks/stacks.py --device cuda

The same recipes and seeds train on the same images; the two ways take turns, so that a noisy machine disturbs both
alike, and each way's best round counts. On a CPU it is one thread, and seconds are the processor's; on a GPU they are
the clock's, waiting for the GPU at both ends. The gain is one at a time over stack: below 1 a stack is slower.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch

from assay.attacks import PGD, Attack
from assay.augmentations import Augmentation, CutOut
from assay.data import Images, load, sample
from assay.fit import fit
from assay.recipe import Recipe, Train
from assay.stacks import fit_stack


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


def main() -> None:
    """Print a row for each recipe, batch size and number of networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=320, help="training images of each network")
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
                best = dict.fromkeys(ways, float("inf"))
                for _ in range(arguments.rounds):
                    for way, work in ways.items():
                        best[way] = min(best[way], seconds(work, device))
                alone, stack = best["alone"], best["stack"]
                row = f"{name:14} {size:5} {count:8} {alone:12.2f} {stack:8.2f} {alone / stack:6.2f}"
                print(row, flush=True)


if __name__ == "__main__":
    main()
