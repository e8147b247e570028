import pytest
import torch

from assay.corruptions import GRADED, MNIST_C, UNGRADED
from assay.data import load
from assay.randomness import derive

# Which of the five MNIST-C takes, from the defaults of its generator.
OF_MNIST_C = {
    "shot_noise": 5, "impulse_noise": 4, "glass_blur": 1, "motion_blur": 1, "shear": 2, "scale": 3, "rotate": 2,
    "brightness": 5, "translate": 3, "fog": 5, "spatter": 4,
}  # fmt: skip


def test_mnist_c_takes_one_of_the_five_of_each_and_the_others_once() -> None:
    for corruption in MNIST_C:
        if corruption.name in GRADED:
            assert GRADED[corruption.name].index(corruption) + 1 == OF_MNIST_C[corruption.name]
        else:
            assert corruption in UNGRADED
    assert len(GRADED) + len(UNGRADED) == len(MNIST_C)


@pytest.mark.parametrize("name", GRADED)
def test_the_fifth_severity_moves_images_further_than_the_first(name: str) -> None:
    """In the mean absolute difference on digits; glass blur and spatter do not rise at every step between."""
    images = load("mnist", "test")
    x = images.x[:100].float() / 255
    moved = [float((one(x, derive(0, name)) - x).abs().mean()) for one in GRADED[name]]
    assert len(moved) == 5
    assert moved[0] < moved[-1]
    assert torch.tensor(moved).isfinite().all()
