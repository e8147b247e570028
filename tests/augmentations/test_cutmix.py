import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.augmentations.cutmix import CutMix
from assay.augmentations.mixup import MixUp
from assay.errors import BadValueError
from assay.parts import describe


def marked(batch: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Image i holds the value i / batch everywhere, and has class i."""
    x = (torch.arange(batch) / batch).view(-1, 1, 1, 1).expand(batch, 2, height, width).clone()
    return x, torch.eye(batch)


@given(alpha=st.floats(0.1, 5), seed=st.integers(0, 999), height=st.integers(1, 12), width=st.integers(1, 12))
def test_labels_hold_the_share_of_every_images_pixels(alpha: float, seed: int, height: int, width: int) -> None:
    """What each image's pixels say of whose they are is what its label says."""
    x, y = marked(5, height, width)
    mixed, labels = CutMix(alpha=alpha)(x, y, torch.Generator().manual_seed(seed))
    shares = torch.stack([(mixed[:, 0] == i / 5).float().mean((1, 2)) for i in range(5)], 1)
    torch.testing.assert_close(labels, shares, atol=1e-6, rtol=0)
    kept = mixed[:, 0] == x[:, 0]
    other = ~kept[shares.max(1).values < 1]
    assert all(torch.equal(item, other[0]) for item in other), "one rectangle for the batch"
    if len(other):
        assert int(other[0].sum()) == int(other[0].any(0).sum()) * int(other[0].any(1).sum())


@given(seed=st.integers(0, 999), alpha=st.floats(0.2, 4))
def test_the_rectangle_is_the_one_drawn_step_by_step(seed: int, alpha: float) -> None:
    """Against the same draws and slices of an array; that shares follow Beta(a, a) is tested with mixup."""
    x, y = marked(4, 11, 9)
    mixed, _ = CutMix(alpha=alpha)(x, y, torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed)
    share = MixUp(alpha=alpha).share(generator)
    partner = torch.randperm(4, generator=generator)
    row, column = (int(torch.randint(0, size, (), generator=generator)) for size in (11, 9))
    tall, wide = int(11 * (1 - share) ** 0.5), int(9 * (1 - share) ** 0.5)
    expected = x.numpy().copy()
    rows = slice(max(row - tall // 2, 0), max(row - tall // 2 + tall, 0))
    columns = slice(max(column - wide // 2, 0), max(column - wide // 2 + wide, 0))
    expected[:, :, rows, columns] = x.numpy()[partner.numpy()][:, :, rows, columns]
    assert np.array_equal(mixed.numpy(), expected)


def test_names_and_refusals() -> None:
    assert describe(CutMix()) == "cutmix"
    with pytest.raises(BadValueError, match="cutmix: alpha: expected a number > 0, got 0"):
        CutMix(alpha=0)
    with pytest.raises(BadValueError, match="cutmix: y: expected probabilities"):
        CutMix()(torch.zeros(2, 1, 4, 4), torch.tensor([0, 1]), torch.Generator())
