"""Training throughput against a bare hand-written PyTorch loop on the same network, side by side in one run.

    .venv/bin/python benchmarks/training.py

Three contestants take turns, so that a noisy machine disturbs all alike; each one's best round counts:
- assay: `fit` as a study runs it, with progress and history;
- bare: the loop one would write by hand, with assay's choices (channels last, fused Adam);
- plain: the same loop with PyTorch's defaults.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from assay.data import Images, load, sample
from assay.fit import build, fit
from assay.recipe import Recipe, Train


def bare_loop(images: Images, batch_size: int, *, tuned: bool) -> None:
    """Train one epoch by hand."""
    model = build(Recipe(), images.shape, images.n_classes, seed=0)
    model.to(memory_format=torch.channels_last if tuned else torch.contiguous_format)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=tuned)
    criterion = nn.CrossEntropyLoss()
    x, y = images.x.float() / 255, images.y
    model.train()
    for index in torch.split(torch.randperm(len(x)), batch_size):
        loss = criterion(model(x[index]), y[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        F.cross_entropy(model(x[:1000]), y[:1000]).item()


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds that the work takes: one thread, whatever else the machine does."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print images per second of each contestant and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=6000, help="training images a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contestant")
    parser.add_argument("--batch-size", type=int, default=16)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = sample(load("mnist", "train"), arguments.images)
    recipe = Recipe(train=Train(epochs=1, batch_size=arguments.batch_size))
    contestants: dict[str, Callable[[], object]] = {
        "assay": lambda: fit(recipe, images, seed=0),
        "bare": lambda: bare_loop(images, arguments.batch_size, tuned=True),
        "plain": lambda: bare_loop(images, arguments.batch_size, tuned=False),
    }
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(arguments.rounds):
        for name, work in contestants.items():
            best[name] = min(best[name], seconds(work))
    for name, took in best.items():
        rate = len(images) / took
        print(
            f"{name:6} {rate:8,.0f} images/s  {best['bare'] / took:6.1%} of bare  {best['plain'] / took:6.1%} of plain"
        )


if __name__ == "__main__":
    main()
