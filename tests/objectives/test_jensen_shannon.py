import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import entropy
from torch import Tensor

from assay.augmentations import AugMix, MixUp, PixMix
from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.objectives import Batch, CrossEntropy, JensenShannon
from assay.objectives.jensen_shannon import jensen_shannon
from assay.parts import describe


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_divergence_of_two_is_scipys() -> None:
    logits = torch.randn(2, 20, 7, dtype=torch.float64, generator=generator()) * 3
    p = softmax(logits.numpy(), axis=2)
    expected = float((jensenshannon(p[0], p[1], axis=1) ** 2).mean())
    assert float(jensen_shannon(logits)) == pytest.approx(expected, rel=1e-10)


def test_the_divergence_of_three_is_the_mean_divergence_to_their_mean() -> None:
    logits = torch.randn(3, 20, 7, dtype=torch.float64, generator=generator()) * 3
    p = softmax(logits.numpy(), axis=2)
    expected = np.mean([entropy(version, p.mean(0), axis=1) for version in p])
    assert float(jensen_shannon(logits)) == pytest.approx(float(expected), rel=1e-10)


def test_it_is_0_where_all_agree_and_log_3_where_none_does() -> None:
    same = torch.randn(1, 5, 4, generator=generator()).repeat(3, 1, 1)
    assert float(jensen_shannon(same)) == pytest.approx(0, abs=1e-6)
    certain = 1000 * torch.eye(3).view(3, 1, 3).repeat(1, 5, 1)
    certain.requires_grad_()
    value = jensen_shannon(certain)
    assert float(value.detach()) == pytest.approx(math.log(3))
    value.backward()  # type: ignore[no-untyped-call]
    assert certain.grad is not None
    assert bool(certain.grad.isfinite().all())


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Adds what it draws, and counts nothing: two calls give two versions."""

    name: ClassVar[str] = "noise"
    version: ClassVar[int] = 1
    needs_soft_labels: ClassVar[bool] = False

    def __call__(self, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return (x + 0.3 * torch.rand(x.shape, generator=generator)).clamp(0, 1), y


@pytest.mark.parametrize("soft", [False, True])
def test_it_is_the_clean_loss_plus_the_weighted_divergence(linear: Any, soft: bool) -> None:
    model = linear(torch.randn(4, 144, generator=generator(1)) / 6)
    x, y = torch.rand(6, 1, 12, 12, generator=generator(2)), torch.arange(6) % 4
    if soft:
        y = torch.rand(6, 4, generator=generator(3)).softmax(1)
    found = JensenShannon(augmentation=Noise(), weight=5.0)(model, Batch(x, y), generator(4))
    g = generator(4)
    first, second = Noise()(x, y, g)[0], Noise()(x, y, g)[0]
    divergence = jensen_shannon(torch.stack([model(points) for points in (x, first, second)]))
    clean = CrossEntropy()(model, Batch(x, y), g).value
    torch.testing.assert_close(found.value, clean + 5 * divergence)
    torch.testing.assert_close(found.logits, model(x))
    assert not torch.equal(first, second)


def test_all_versions_go_through_the_network_in_one_pass(small: Classifier) -> None:
    small.train()
    batch = Batch(torch.rand(6, 1, 12, 12, generator=generator()), torch.arange(6) % 4)
    loss = JensenShannon(augmentation=AugMix())(small, batch, generator())
    assert int(small.body[1].num_batches_tracked) == 1  # type: ignore[index, union-attr]
    assert loss.logits.shape == (6, 4)
    loss.value.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None and bool(weight.grad.isfinite().all()) for weight in small.parameters())


def test_names_and_refusals() -> None:
    assert describe(JensenShannon()) == "jensen_shannon"
    assert describe(JensenShannon(augmentation=PixMix(), weight=1)) == "jensen_shannon(augmentation=pixmix, weight=1)"
    with pytest.raises(BadValueError, match="expected one that leaves labels alone, got mixup, which mixes them"):
        JensenShannon(augmentation=MixUp(alpha=1.0))
    with pytest.raises(BadValueError, match="jensen_shannon: augmentation: expected an augmentation, got 3"):
        JensenShannon(augmentation=3)  # type: ignore[arg-type]
    with pytest.raises(BadValueError, match="jensen_shannon: weight: expected a number >= 0, got -1"):
        JensenShannon(weight=-1)
