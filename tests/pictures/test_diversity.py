"""Measures of diversity against closed forms, and the bounds that mixing pictures keep."""

import math

import pytest
import torch

from assay.data import load
from assay.errors import BadValueError
from assay.pictures import mixing_pictures
from assay.pictures.diversity import coarse_share, duplicates, likeness, tone_entropy, vendi_score
from assay.randomness import derive

N = 2000


def waves(size: int) -> torch.Tensor:
    """size - 1 pictures of one row that are orthogonal to each other and of mean 0: cosines of rising frequency."""
    places = (torch.arange(size) + 0.5) / size
    return torch.cos(math.pi * torch.arange(1, size)[:, None] * places)[:, None, None, :]


@pytest.mark.parametrize("size", [2, 5, 40])
def test_vendi_score_of_orthogonal_pictures_is_their_number(size: int) -> None:
    assert vendi_score(waves(size)) == pytest.approx(size - 1)
    assert vendi_score(waves(size).repeat(3, 1, 1, 1)) == pytest.approx(size - 1)  # copies add nothing


def test_vendi_score_of_equal_pictures_is_one_whatever_their_contrast() -> None:
    one = torch.rand(1, 1, 6, 6, generator=derive(0))
    assert vendi_score(torch.cat([one, 3 * one, 0.5 - one])) == pytest.approx(1)


def test_vendi_score_of_two_pictures_follows_from_their_correlation() -> None:
    a, b = waves(3)
    x = torch.stack([a, 0.6 * a / a.norm() + 0.8 * b / b.norm()])  # correlation 0.6: eigenvalues 0.8 and 0.2
    assert vendi_score(x) == pytest.approx(math.exp(-0.8 * math.log(0.8) - 0.2 * math.log(0.2)))


def test_likeness_counts_negatives_and_leaves_out_the_picture_itself() -> None:
    a, b, c = waves(4)
    x = torch.stack([a, -2 * a + 1, b, 0.6 * b / b.norm() + 0.8 * c / c.norm()])
    torch.testing.assert_close(likeness(x), torch.tensor([1.0, 1.0, 0.6, 0.6], dtype=torch.float64))
    with pytest.raises(BadValueError, match="at least two"):
        likeness(x[:1])


def test_likeness_is_the_same_in_blocks() -> None:
    x = torch.rand(1100, 1, 4, 4, generator=derive(1))
    whole = torch.corrcoef(x.flatten(1).double()).abs().fill_diagonal_(0).amax(dim=1)
    torch.testing.assert_close(likeness(x), whole)


def test_duplicates() -> None:
    x = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 1, 3, 3)
    assert duplicates(x) == 0
    assert duplicates(x[[0, 1, 1, 1, 4]]) == 2


def test_coarse_share_tells_waves_by_their_length() -> None:
    places = torch.arange(32)
    long, short = (torch.cos(2 * math.pi * places / period).expand(1, 1, 32, 32) for period in (16, 4))
    torch.testing.assert_close(coarse_share(torch.cat([long, short])), torch.tensor([1.0, 0.0], dtype=torch.float64))
    mixed = coarse_share(2 * long + short)  # energies 4 to 1
    torch.testing.assert_close(mixed, torch.tensor([0.8], dtype=torch.float64))


def test_tone_entropy() -> None:
    x = torch.arange(256).view(1, 1, 16, 16).to(torch.uint8)
    torch.testing.assert_close(
        tone_entropy(torch.cat([x, x // 128 * 255, 0 * x])), torch.tensor([4.0, 1.0, 0.0], dtype=torch.float64)
    )


def test_mixing_pictures_are_diverse_and_structured() -> None:
    x = mixing_pictures(N, (1, 28, 28))
    assert duplicates(x) == 0
    assert (likeness(x) > 0.9).double().mean() < 0.01  # measured: none; of Fashion-MNIST 48 %
    assert vendi_score(x) > 3 * vendi_score(load("fashion_mnist", "outliers").x[:N])  # measured: 107 and 23
    assert coarse_share(x).median() > 0.5  # measured: 0.66; white noise has 0.05
    assert tone_entropy(x).median() > 2.5
