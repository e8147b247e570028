import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor
from torch.nn import functional as F

from assay.augmentations.mixup import MixUp
from assay.errors import BadValueError
from assay.parts import describe


def batch(seed: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.rand(6, 1, 4, 4, generator=g), F.one_hot(torch.randint(0, 3, (6,), generator=g), 3).float()


@given(alpha=st.floats(0.05, 8), seed=st.integers(0, 999))
def test_one_share_and_one_permutation_mix_images_and_labels_alike(alpha: float, seed: int) -> None:
    x, y = batch(seed)
    mixed, labels = MixUp(alpha=alpha)(x, y, torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed)
    share = MixUp(alpha=alpha).share(generator)
    partner = torch.randperm(6, generator=generator)
    assert 0 <= share <= 1
    torch.testing.assert_close(mixed, share * x + (1 - share) * x[partner])
    torch.testing.assert_close(labels, share * y + (1 - share) * y[partner])


@pytest.mark.parametrize("alpha", [0.25, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    generator = torch.Generator().manual_seed(0)
    shares = np.array([MixUp(alpha=alpha).share(generator) for _ in range(2000)])
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def test_a_background_stays_exactly_what_it_is() -> None:
    x = torch.zeros(8, 1, 3, 3)
    x[..., 1] = 1
    mixed, _ = MixUp(alpha=1.0)(x, torch.eye(8), torch.Generator().manual_seed(3))
    assert torch.equal(mixed, x)


def test_names_and_refusals() -> None:
    assert describe(MixUp(alpha=0.25)) == "mixup(alpha=0.25)"
    assert MixUp.needs_soft_labels
    with pytest.raises(BadValueError, match="mixup: alpha: expected a number > 0, got 0"):
        MixUp(alpha=0)
    with pytest.raises(BadValueError, match=r"mixup: y: expected probabilities \(B, K\), got torch.int64"):
        MixUp(alpha=1.0)(batch(0)[0], torch.arange(6), torch.Generator())
