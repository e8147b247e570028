"""The original generator's outputs, pixel by pixel: nothing is drawn, or what is drawn has few values.

Where a corruption draws a sign, a row or an angle, every output of the original must equal one of the images that we
can produce; which one tells what the original drew, and that must be as ours is.
"""

import itertools
import math
import sys
from collections.abc import Iterable

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest
from torch import Tensor

from assay.corruptions import (
    MNIST_C,
    CannyEdges,
    Corruption,
    DottedLine,
    MotionBlur,
    Rotate,
    Shear,
    Translate,
    Zigzag,
)
from assay.corruptions.base import to_grid
from assay.randomness import derive

DEFAULT: dict[str, Corruption] = {corruption.name: corruption for corruption in MNIST_C}


def to_bytes(x: Tensor) -> Tensor:
    return (x * 255).round().to(torch.uint8)


@pytest.mark.parametrize(("name", "exact"), [("brightness", 1.0), ("scale", 0.9999), ("stripe", 1.0)])
def test_deterministic_ones_agree_within_rounding(
    name: str, exact: float, clean: Tensor, reference: dict[str, Tensor]
) -> None:
    gap = (to_bytes(DEFAULT[name](clean, derive(0))).int() - reference[name].int()).abs()
    assert gap.max() <= 1
    assert (gap == 0).double().mean() >= exact


def test_canny_edges_agree(clean: Tensor, reference: dict[str, Tensor]) -> None:
    ours, theirs = CannyEdges()(clean, derive(0)) > 0.5, reference["canny_edges"] > 127
    assert (ours & theirs).sum() / (ours | theirs).sum() >= 0.9999


def nearest(candidates: Iterable[Tensor], reference: Tensor) -> tuple[Tensor, Tensor]:
    """For each reference image the candidate with the smallest largest difference, and that difference in 1/255."""
    best, which = torch.full((len(reference),), 256), torch.zeros(len(reference), dtype=torch.int64)
    for k, candidate in enumerate(candidates):
        gap = (to_bytes(candidate).int() - reference.int()).abs().flatten(1).amax(1)
        which[gap < best] = k
        best = torch.minimum(best, gap.to(best.dtype))
    return which, best


@pytest.mark.parametrize("corruption", [Rotate(), Shear(), Translate()], ids=str)
def test_signs(
    corruption: Corruption, clean: Tensor, reference: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = 2 if isinstance(corruption, Translate) else 1
    candidates = []
    for outcome in itertools.product((-1.0, 1.0), repeat=drawn):
        given = torch.tensor(outcome, dtype=torch.float64).view((1, drawn, 1) if drawn == 2 else (1,))
        module = sys.modules[type(corruption).__module__]
        monkeypatch.setattr(module, "signs", lambda shape, *_, given=given, **__: given.expand(shape))
        candidates.append(corruption(clean, derive(0)))
    which, gap = nearest(candidates, reference[corruption.name])
    assert gap.max() <= 1
    assert (gap == 0).double().mean() > 0.99
    assert chisquare(torch.bincount(which, minlength=2**drawn).numpy()).pvalue > 0.001


def test_dotted_line_ends(clean: Tensor, reference: dict[str, Tensor]) -> None:
    part, ends, few = DottedLine(), list(itertools.product(range(27), repeat=2)), slice(0, 150)
    lines = part.line(torch.tensor(ends).double().T, 28, 28)[:, None]
    which, gap = nearest((to_grid(clean[few] + line, like=clean) for line in lines), reference["dotted_line"][few])
    assert gap.max() == 0
    for rows in (which // 27, which % 27):
        assert chisquare(torch.bincount(rows, minlength=27).numpy()).pvalue > 0.001


def test_zigzag_start_and_rise(clean: Tensor, reference: dict[str, Tensor]) -> None:
    part, rows, few = Zigzag(), torch.arange(27).double(), slice(0, 300)
    patterns = torch.cat([part.pattern(rows, rise, 28, 28) for rise in range(-5, 5)])[:, None]
    which, gap = nearest((to_grid(clean[few] + pattern, like=clean) for pattern in patterns), reference["zigzag"][few])
    assert gap.max() == 0
    assert chisquare(torch.bincount(which % 27, minlength=27).numpy()).pvalue > 0.001
    assert chisquare(torch.bincount(which // 27, minlength=10).numpy()).pvalue > 0.001


def trails(bound: float) -> list[float]:
    """One angle in each interval between those at which an offset round(k sin a) or round(k cos a) jumps, k <= 20."""
    jumps = {-bound, bound}
    for half in {(h + 0.5) / k for k in range(1, 21) for h in range(-k, k)}:
        jumps |= {a for a in (math.asin(half), math.acos(half), -math.acos(half)) if abs(a) < bound}
    ordered = sorted(jumps)
    return [(low + high) / 2 for low, high in itertools.pairwise(ordered) if high - low > 1e-12]


def test_motion_blur_angle(clean: Tensor, reference: dict[str, Tensor]) -> None:
    few, angles = slice(0, 50), trails(math.pi / 4)
    x = clean[few]
    blurred = (MotionBlur().blur(x, torch.full((len(x),), angle, dtype=torch.float64)) for angle in angles)
    which, gap = nearest(blurred, reference["motion_blur"][few])
    assert gap.max() == 0
    assert kstest(np.degrees(angles)[which], "uniform", args=(-45, 90)).pvalue > 0.001
