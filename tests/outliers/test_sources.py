"""Outliers to train on: each source against what it says of itself."""

import pytest
import torch
from torch import Tensor

from assay.data import Images
from assay.errors import BadValueError, MissingDataError
from assay.outliers import DataSet, Fractals, Noise, Patches
from assay.pictures import mixing_pictures
from assay.pictures.patches import shuffled


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def named(name: str, values: Tensor) -> Images:
    return Images(name=name, x=values, y=torch.zeros(len(values), dtype=torch.int64), classes=("any",))


def test_a_data_sets_images_are_drawn_with_replacement_and_about_equally_often() -> None:
    values = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 1, 2, 2) * 85
    draw = DataSet(of="other").open({"other": named("other/outliers", values.contiguous())})
    found = draw(torch.zeros(4000, 1, 2, 2), generator())
    counts = torch.stack([(found == level).all((1, 2, 3)).sum() for level in (0, 85 / 255, 170 / 255, 1)])
    assert int(counts.sum()) == 4000
    assert bool((counts - 1000).abs().lt(5 * (4000 * 0.25 * 0.75) ** 0.5).all())


def test_a_data_set_that_is_not_there_or_of_another_shape_is_named() -> None:
    with pytest.raises(MissingDataError, match="no such set to train on; pass outliers="):
        DataSet().open({})
    draw = DataSet(of="other").open({"other": named("other/outliers", torch.zeros(2, 1, 3, 3, dtype=torch.uint8))})
    with pytest.raises(BadValueError, match=r"other/outliers: expected outliers of shape \(1, 2, 2\).*got \(1, 3, 3\)"):
        draw(torch.zeros(1, 1, 2, 2), generator())
    with pytest.raises(BadValueError, match="of: expected a data set's name, got ''"):
        DataSet(of="")


def test_fractals_are_other_pictures_than_those_that_are_mixed_in() -> None:
    found = Fractals(pictures=24).open({})(torch.zeros(60, 1, 12, 12), generator())
    mixed = mixing_pictures(24, (1, 12, 12)).float() / 255
    assert not any(torch.equal(one, other) for one in found for other in mixed)
    assert len(torch.unique(found.flatten(1), dim=0)) > 12


def test_noise_is_grey_or_black_and_white_and_fine_or_coarse() -> None:
    found = Noise().open({})(torch.zeros(2000, 1, 16, 16), generator())
    binary = ((found == 0) | (found == 1)).all(3).all(2).all(1)
    assert 0.45 < float(binary.float().mean()) < 0.55
    grey = found[~binary]
    rough = (grey[:, :, :, 1:] - grey[:, :, :, :-1]).abs().mean((1, 2, 3))
    fine = float((rough > 0.25).float().mean())  # independent neighbours differ by 1/3 on average
    assert 0.2 < fine < 0.3
    assert float((rough < 0.12).float().mean()) > 0.4


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 13, 17)])
def test_patches_are_the_images_own_in_another_order(shape: tuple[int, int, int]) -> None:
    x = torch.rand(6, *shape, generator=generator())
    found = Patches(grid=4).open({})(x, generator(1))
    high, wide = shape[1] // 4, shape[2] // 4

    def cut(images: Tensor) -> list[list[tuple[float, ...]]]:
        return [
            sorted(
                tuple(image[:, r * high : (r + 1) * high, c * wide : (c + 1) * wide].flatten().tolist())
                for r in range(4)
                for c in range(4)
            )
            for image in images
        ]

    assert cut(found) == cut(x)
    assert not any(torch.equal(one, other) for one, other in zip(found, x, strict=True))
    assert torch.equal(found[:, :, 4 * high :], x[:, :, 4 * high :])
    assert torch.equal(found[:, :, :, 4 * wide :], x[:, :, :, 4 * wide :])


def test_patches_take_no_grid_that_leaves_images_as_they_are_or_is_finer_than_they() -> None:
    with pytest.raises(BadValueError, match="grid: expected a whole number >= 3, got 2"):
        Patches(grid=2)
    with pytest.raises(BadValueError, match="expected at most 5, the image's side, got 6"):
        shuffled(torch.rand(1, 1, 5, 9), 6, generator())


def test_what_is_tested_on_is_not_trained_on() -> None:
    tested = named("other/test", torch.zeros(2, 1, 3, 3, dtype=torch.uint8))
    with pytest.raises(BadValueError, match="expected images to train on, got other/test, which is tested on"):
        DataSet(of="other").open({"other": tested})
    with pytest.raises(BadValueError, match="data_set: other: expected Images, got Tensor"):
        DataSet(of="other").open({"other": torch.zeros(2, 1, 3, 3)})  # type: ignore[dict-item]
