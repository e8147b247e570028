"""A substitute of a model: a small network, taught by the model's predicted classes alone.

The formulas and their source are in `transfer`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assay.attacks.base import Aim, input_gradient
from assay.classifier import CHUNK, Classifier
from assay.randomness import integers, uniform

BATCH = 64
LEARNING_RATE = 1e-3
HIDDEN = 64


class Substitute(Classifier):
    """The network; it is initialised from `seed`, on the CPU."""

    def __init__(self, shape: torch.Size, n_classes: int, seed: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        channels, height, width = shape
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.body = nn.Sequential(
                *(nn.Conv2d(channels, 16, 5, stride=2, padding=2), nn.ReLU()),
                *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()),
                *(nn.Linear(32 * -(-height // 4) * -(-width // 4), HIDDEN), nn.ReLU()),
            )
            self.last = nn.Linear(HIDDEN, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Map x (B, C, H, W) in [0, 1] to features (B, 64)."""
        features: Tensor = self.body(2 * x - 1)
        return features

    def head(self, features: Tensor) -> Tensor:
        """Map features (B, 64) to logits (B, K)."""
        logits: Tensor = self.last(features)
        return logits

    def __repr__(self) -> str:
        """A word: errors print attacks with what they hold."""
        return "substitute"


def decide(model: Classifier, x: Tensor) -> Tensor:
    """The predicted classes (N,) of x (N, C, H, W), and nothing else of the model."""
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in torch.split(x, CHUNK)])


def teach(
    model: Classifier, x: Tensor, *, rounds: int, epochs: int, step: float, generator: torch.Generator
) -> Substitute:
    """Teach a substitute of the model, which is asked about len(x) * 2^rounds images.

    Args:
        model: the classifier; its gradients are never asked for.
        x: seed images (N, C, H, W) in [0, 1].
        rounds: how often the set is doubled.
        epochs: over the set, before the first doubling and after each.
        step: of the augmentation, in pixel units.
        generator: where every draw comes from.
    """
    with torch.inference_mode(False), torch.enable_grad():
        x = x.detach().clone()
        seed = int(integers(0, 2**62, (), generator, like=x))
        substitute = Substitute(x.shape[1:], model.n_classes, seed).to(x).eval()
        optimiser = torch.optim.Adam(substitute.parameters(), lr=LEARNING_RATE)
        labels = decide(model, x)
        _train(substitute, optimiser, x, labels, epochs, generator)
        for r in range(rounds):
            signs = x.new_full((len(x),), (-1.0) ** r)  # the goal is sign * cross entropy: minus the log probability
            slope = input_gradient(substitute, x, Aim(labels, signs)).gradient
            new = (x + step * slope.sign()).clamp_(0, 1)
            x, labels = torch.cat([x, new]), torch.cat([labels, decide(model, new)])
            _train(substitute, optimiser, x, labels, epochs, generator)
    return substitute.requires_grad_(False)


def _train(
    substitute: Substitute,
    optimiser: torch.optim.Optimizer,
    x: Tensor,
    labels: Tensor,
    epochs: int,
    generator: torch.Generator,
) -> None:
    for _ in range(epochs):
        order = uniform((len(x),), generator, like=x).argsort()
        for part in torch.split(order, BATCH):
            optimiser.zero_grad()
            loss = F.cross_entropy(substitute(x[part]), labels[part])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
