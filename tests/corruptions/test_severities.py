import pytest
import torch

from assay.corruptions import GRADED, MNIST_C, CannyEdges, Corruption, DottedLine, Zigzag
from assay.data import load
from assay.errors import BadValueError
from assay.randomness import derive, integers

# Which of the five MNIST-C takes, from the defaults of its generator.
OF_MNIST_C = {
    "shot_noise": 5, "impulse_noise": 4, "glass_blur": 1, "motion_blur": 1, "shear": 2, "scale": 3, "rotate": 2,
    "brightness": 5, "translate": 3, "fog": 5, "spatter": 4,
}  # fmt: skip


OURS = {"stripe": 3, "dotted_line": 1, "zigzag": 5, "canny_edges": 5}


def test_mnist_c_takes_one_of_the_five_of_each() -> None:
    places = OF_MNIST_C | OURS
    assert GRADED.keys() == places.keys() == {corruption.name for corruption in MNIST_C}
    for corruption in MNIST_C:
        assert GRADED[corruption.name].index(corruption) + 1 == places[corruption.name]


@pytest.mark.parametrize("name", OURS)
def test_our_severities_move_images_further_at_every_step(name: str) -> None:
    """In the mean distance on digits; they stay pictures, and the same draws give the same ones."""
    x = load("mnist", "test").x[:100].float() / 255
    damaged = [one(x, derive(0, name)) for one in GRADED[name]]
    moved = [float((y - x).flatten(1).norm(dim=1).mean()) for y in damaged]
    assert moved == sorted(set(moved))
    assert all(0 <= float(y.min()) <= float(y.max()) <= 1 for y in damaged)
    assert all(torch.equal(one(x, derive(0, name)), y) for one, y in zip(GRADED[name], damaged, strict=True))


def test_shares_and_intensities_lie_between_the_image_and_mnist_cs() -> None:
    x = load("mnist", "test").x[:20].double() / 255
    for name in ("zigzag", "canny_edges"):
        *milder, whole = (one(x, derive(0, name)) for one in GRADED[name])
        assert all(bool(((y - x) * (whole - y) >= -1 / 255**2).all()) for y in milder)
    edges = CannyEdges()(x, derive(0))
    torch.testing.assert_close(CannyEdges(share=0.25)(x, derive(0)), 0.75 * x + 0.25 * edges, rtol=0, atol=1 / 255)
    assert torch.equal(Zigzag(intensity=0)(x, derive(0)), x)


def test_more_dotted_lines_are_as_many_single_ones() -> None:
    x, rows = torch.zeros(6, 1, 28, 28).double(), integers(0, 27, (2, 18), derive(3), like=torch.zeros(1)).double()
    each = DottedLine().line(rows, 28, 28).view(3, 6, 1, 28, 28)
    torch.testing.assert_close(DottedLine(lines=3)(x, derive(3)), each.sum(0).clamp(max=1), rtol=0, atol=1 / 255)


@pytest.mark.parametrize(
    ("kind", "settings"), [(DottedLine, {"lines": 0}), (Zigzag, {"intensity": 1.5}), (CannyEdges, {"share": -0.1})]
)
def test_impossible_grades_are_refused(kind: type[Corruption], settings: dict[str, float]) -> None:
    with pytest.raises(BadValueError, match=next(iter(settings))):
        kind(**settings)


@pytest.mark.parametrize("name", GRADED)
def test_the_fifth_severity_moves_images_further_than_the_first(name: str) -> None:
    """In the mean absolute difference on digits; glass blur and spatter do not rise at every step between."""
    images = load("mnist", "test")
    x = images.x[:100].float() / 255
    moved = [float((one(x, derive(0, name)) - x).abs().mean()) for one in GRADED[name]]
    assert len(moved) == 5
    assert moved[0] < moved[-1]
    assert torch.tensor(moved).isfinite().all()
