"""What a training step, a forward pass and an attack's gradient cost on each architecture, against `lenet5`.

    .venv/bin/python benchmarks/architectures.py

All take turns in one run, so that a noisy machine disturbs all alike; each one's best round counts. The first column is
what an architecture's `cost` says.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from assay import architectures
from assay.architectures import LeNet5
from assay.classifier import Classifier, to_unit
from assay.data import load, sample
from assay.fit import build
from assay.recipe import Recipe, part_classes

Work = Callable[[], object]


def contestants(name: str, x: Tensor, y: Tensor, batch_size: int) -> dict[str, Work]:
    """What is timed of an architecture, by what it is called."""
    model = build(Recipe(architecture=part_classes(architectures)[name]()), (1, 28, 28), 10, seed=0)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    print(f"{name}: {sum(weight.numel() for weight in model.parameters()):,} weights")
    return {
        f"step of {batch_size}": lambda: train(model, optimiser, x[:320], y[:320], batch_size),
        "step of 128": lambda: train(model, optimiser, x[:384], y[:384], 128),
        "forward": lambda: forward(model, x[:500]),
        "attack": lambda: gradient(model, x[:128], y[:128]),
    }


def train(model: Classifier, optimiser: torch.optim.Optimizer, x: Tensor, y: Tensor, size: int) -> None:
    """Train on each batch once."""
    model.train()
    for index in torch.split(torch.arange(len(x)), size):
        loss = F.cross_entropy(model(x[index]), y[index])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def forward(model: Classifier, x: Tensor) -> None:
    """Predict."""
    with torch.inference_mode():
        model.eval()(x)


def gradient(model: Classifier, x: Tensor, y: Tensor) -> None:
    """The gradient with respect to the images, as a step of an attack takes it."""
    moved = x.clone().requires_grad_()
    torch.autograd.grad(F.cross_entropy(model.eval()(moved), y), moved)


def seconds(work: Work) -> float:
    """Processor seconds that the work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print each architecture's times over those of `lenet5`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = sample(load("mnist", "train"), 500)
    x, y = to_unit(images.x), images.y
    works = {name: contestants(name, x, y, arguments.batch_size) for name in part_classes(architectures)}
    best: dict[tuple[str, str], float] = {}
    for _ in range(arguments.rounds):
        for what in next(iter(works.values())):
            for name, work in works.items():
                best[name, what] = min(best.get((name, what), float("inf")), seconds(work[what]))
    for name, work in works.items():
        ratios = (f"{what} {best[name, what] / best[LeNet5.name, what]:5.2f}" for what in work)
        print(f"{name:13} " + "   ".join(ratios))


if __name__ == "__main__":
    main()
