"""The random corruptions have the distribution of the original generator's outputs.

Reference and ours damage the same 1,000 clean images with independent draws, so under the null hypothesis the two are
exchangeable image by image. Over 20 statistics of an image we take two-sample Kolmogorov-Smirnov and Wilcoxon
signed-rank tests (which see the digits' variance taken out); over all pixels, the largest standardised difference of
the pixel's mean, its mean square, and its mean product with the neighbours. The level is 0.01 over all tests of a
corruption, by Bonferroni's correction. The last test shows what this notices.
"""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, norm, wilcoxon
from torch import Tensor

from assay.corruptions import MNIST_C, Corruption, Fog, GlassBlur, ImpulseNoise, ShotNoise, Spatter
from assay.randomness import derive

LEVEL = 0.01
RANDOM = ["shot_noise", "impulse_noise", "glass_blur", "motion_blur", "fog", "spatter"]
DEFAULT: dict[str, Corruption] = {corruption.name: corruption for corruption in MNIST_C}


def statistics(x: Tensor, clean: Tensor) -> dict[str, Tensor]:
    """Numbers of each image: x and clean (B, 28, 28) float64 in [0, 255] -> (B,) by name."""
    mass = x.sum((1, 2)) + 1
    place = torch.arange(28, dtype=torch.float64)
    row, column = (x.sum(2) @ place / mass, x.sum(1) @ place / mass)
    down, right = x.diff(dim=1), x.diff(dim=2)
    diagonal = x[:, 1:, 1:] - x[:, :-1, :-1]
    other = x[:, 1:, :-1] - x[:, :-1, 1:]
    curve = x[:, 1:-1, 1:-1] * 4 - x[:, :-2, 1:-1] - x[:, 2:, 1:-1] - x[:, 1:-1, :-2] - x[:, 1:-1, 2:]
    ordered = x.flatten(1).sort(1).values
    return {
        "mean": x.mean((1, 2)),
        "std": x.std((1, 2)),
        "black": (x == 0).sum((1, 2)).double(),
        "white": (x == 255).sum((1, 2)).double(),
        "variation down": down.abs().sum((1, 2)),
        "variation right": right.abs().sum((1, 2)),
        "roughness down": down.square().sum((1, 2)),
        "roughness right": right.square().sum((1, 2)),
        "variation diagonal": diagonal.abs().sum((1, 2)),
        "variation other diagonal": other.abs().sum((1, 2)),
        "curvature": curve.abs().sum((1, 2)),
        "distance": (x - clean).abs().sum((1, 2)),
        "square distance": (x - clean).square().sum((1, 2)),
        "centroid row": row,
        "centroid column": column,
        "spread of rows": (x.sum(2) @ place.square()) / mass - row.square(),
        "spread of columns": (x.sum(1) @ place.square()) / mass - column.square(),
        "quarter": ordered[:, 196],
        "median": ordered[:, 392],
        "nine tenths": ordered[:, 706],
    }


def fields(x: Tensor) -> Tensor:
    """Pixel maps whose means are compared: values, squares, products with neighbours: (B, 28, 28) -> (B, 4, 784)."""
    products = [x * x.roll(-1, axis) for axis in (1, 2)]
    return torch.stack([x, x.square(), *products], dim=1).flatten(2)


def p_values(ours: Tensor, theirs: Tensor, clean: Tensor) -> dict[str, float]:
    """One p-value a test: both sets uint8 (B, 1, 28, 28), clean float in [0, 1]."""
    a, b = (x[:, 0].double() for x in (ours, theirs))
    original = (clean[:, 0].double() * 255).round()
    found: dict[str, float] = {}
    mine, yours = statistics(a, original), statistics(b, original)
    for name in mine:
        s, t = mine[name].numpy(), yours[name].numpy()
        found[f"ks {name}"] = float(ks_2samp(s, t, method="asymp").pvalue)
        found[f"wilcoxon {name}"] = float(wilcoxon(s - t, method="approx").pvalue) if np.any(s != t) else 1.0
    difference = fields(a) - fields(b)
    changed = (difference != 0).sum(0) >= 30  # fewer changes are no normal sum
    z = difference.mean(0) / (difference.std(0) / len(a) ** 0.5).clamp(min=1e-12)
    worst = float(torch.where(changed, z.abs(), 0).max())
    found["pixels"] = min(1.0, int(changed.sum()) * 2 * float(norm.sf(worst)))
    return found


def rejected(corruption: Corruption, theirs: Tensor, clean: Tensor, seed: int = 1) -> dict[str, float]:
    """The tests that reject equality of `corruption` with the reference, at the corrected level, with p-values."""
    ours = (corruption(clean, derive(seed, corruption.name)) * 255).round().to(torch.uint8)
    found = p_values(ours, theirs, clean)
    return {name: p for name, p in found.items() if p < LEVEL / len(found)}


@pytest.mark.parametrize("name", RANDOM)
def test_equal_in_distribution(name: str, clean: Tensor, reference: dict[str, Tensor]) -> None:
    assert rejected(DEFAULT[name], reference[name], clean) == {}


WRONG: list[Any] = [
    ShotNoise(photons=4),
    ImpulseNoise(amount=0.2),
    ImpulseNoise(amount=0.18),
    GlassBlur(both_axes=True),
    GlassBlur(sigma=0.75),
    Fog(decay=1.7),
    Fog(density=2.5),
    Spatter(soften=1.3),
    Spatter(cut=0.75),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_parameter_is_noticed(wrong: Corruption, clean: Tensor, reference: dict[str, Tensor]) -> None:
    assert rejected(wrong, reference[wrong.name], clean)
