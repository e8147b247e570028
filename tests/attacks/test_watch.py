import torch
from torch import Tensor, nn

from assay.attacks import FGSM, PGD
from assay.attacks.watch import look
from assay.classifier import Classifier


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_it_is_the_accuracy_under_both_attacks(trained: tuple[Classifier, Tensor, Tensor]) -> None:
    model, x, y = trained
    model.train()
    found = look(model, x, y, 0.04, "linf", generator())
    assert model.training
    model.eval()
    attacked = PGD(eps=0.04, steps=10)(model, x, y, generator()), FGSM(eps=0.04)(model, x, y, generator())
    pgd, fgsm = (float((model(points).argmax(1) == y).float().mean()) for points in attacked)
    assert abs(found.fgsm - fgsm) < 1e-6
    assert abs(found.pgd - pgd) <= 0.01  # a point that stops early may be turned back by later steps
    assert 0.1 < found.pgd <= found.fgsm < 1


class Narrow(Classifier):
    """Of two classes, with a band of errors around a mean brightness of 0.57: z_1 - z_0 = (m - 0.57)^2 - 0.003."""

    def __init__(self) -> None:
        super().__init__()
        self.n_classes = 2
        self.weight = nn.Parameter(torch.ones(()))

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1).mean(1, keepdim=True)

    def head(self, features: Tensor) -> Tensor:
        z = self.weight * ((features - 0.57).square() - 0.003)
        return torch.cat([-z, z], dim=1) / 2


def test_what_withstands_a_single_step_alone_is_seen() -> None:
    """From 0.5 a single step of 0.2 goes the right way and beyond the band; steps of 0.05 cannot miss it."""
    x, y = torch.full((40, 1, 4, 4), 0.5), torch.ones(40, dtype=torch.int64)
    assert look(Narrow(), x, y, 0.2, "linf", generator()) == (0.0, 1.0)
