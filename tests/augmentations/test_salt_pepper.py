import pytest
import torch

from assay.augmentations.salt_pepper import SaltPepper
from assay.errors import BadValueError
from assay.parts import describe


def strewn(amount: float, shape: tuple[int, ...] = (64, 3, 28, 28)) -> torch.Tensor:
    return SaltPepper(amount=amount)(torch.full(shape, 0.5), torch.zeros(64), torch.Generator().manual_seed(0))[0]


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.6, 1.0])
def test_half_of_the_replaced_pixels_are_white_and_half_black(amount: float) -> None:
    pixels = strewn(amount)[:, 0].flatten()
    error = 5 * (0.25 / len(pixels)) ** 0.5  # five standard deviations of a share
    for value in (0.0, 1.0):
        assert float((pixels == value).float().mean()) == pytest.approx(amount / 2, abs=error)
    assert float((pixels == 0.5).float().mean()) == pytest.approx(1 - amount, abs=error)


def test_channels_share_their_pixels_and_images_do_not() -> None:
    x = strewn(0.3)
    assert torch.equal(x[:, 0], x[:, 1])
    assert not torch.equal(x[0], x[1])


def test_names_and_refusals() -> None:
    assert describe(SaltPepper(amount=0.1)) == "salt_pepper(amount=0.1)"
    with pytest.raises(BadValueError, match="salt_pepper: amount: expected"):
        SaltPepper(amount=1.5)
