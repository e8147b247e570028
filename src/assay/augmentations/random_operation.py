"""A random operation of random strength for each image of a batch.

Source: as of the operations; from the authors' public definition of PixMix and AugMix. One of the nine is drawn
uniformly, with a level l ~ U[0.1, severity): posterize keeps 4 - [0.4 l] bits, rotate turns by [3 l] degrees, solarize
has the threshold 256 - [25.6 l], shears are by 0.03 l, and translations by [l s / 30] pixels of the image's width or
height s, where [.] cuts decimals off. What moves pixels goes either way with equal probability.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.augmentations.operations import (
    LEVELS,
    MOVES,
    autocontrast_table,
    equalize_table,
    moved,
    posterize_table,
    solarize_table,
    toned,
)
from assay.parts import check_number

TONES = ("autocontrast", "equalize", "posterize", "solarize")
OPERATIONS = (*TONES, *MOVES)
SEVERITY = (0.1, 10.0)  # the least level there is, and the level of the strongest operations


class Drawn(NamedTuple):
    """What was drawn for n images, on the CPU: indices of `OPERATIONS`, levels and signs, (n,) each."""

    kind: Tensor
    level: Tensor
    sign: Tensor

    def at(self, index: Tensor) -> "Drawn":
        """Those of some images."""
        return Drawn(*(item[index] for item in self))


def draw(count: int, severity: float, generator: torch.Generator) -> Drawn:
    """Draw an operation for each of `count` images."""
    kind, level, sign = torch.rand(3, count, dtype=torch.float64, generator=generator)
    least = SEVERITY[0]
    return Drawn((kind * len(OPERATIONS)).long(), least + (severity - least) * level, 1 - 2 * (sign < 0.5).double())


def operate(grid: Tensor, drawn: Drawn) -> Tensor:
    """Apply to each image its own operation.

    Args:
        grid: (n, C, H, W) values 0 to 255, as of `to_grid`.
        drawn: an operation for each.

    Returns:
        The same shape and form.
    """
    new = torch.empty_like(grid)
    tonal = drawn.kind < len(TONES)
    for chosen, act in ((tonal, _tone), (~tonal, _move)):
        index = chosen.nonzero().squeeze(1)
        if len(index):
            there = index.to(grid.device)
            new[there] = act(grid[there], drawn.at(index))
    return new


def _tone(grid: Tensor, drawn: Drawn) -> Tensor:
    """The operations that look up new values, in one look-up; the first two need the images' own values."""
    table = torch.empty(*grid.shape[:2], LEVELS, device=grid.device)
    bits, threshold = 4 - _whole(drawn.level * 4), LEVELS - _whole(drawn.level * LEVELS)
    for kind, of_images in enumerate((autocontrast_table, equalize_table)):
        index = (drawn.kind == kind).nonzero().squeeze(1).to(grid.device)
        table[index] = of_images(grid[index])
    for kind, strength, of_strengths in ((2, bits, posterize_table), (3, threshold, solarize_table)):
        index = (drawn.kind == kind).nonzero().squeeze(1)
        table[index.to(grid.device)] = of_strengths(strength[index]).to(grid.device)
    return toned(grid, table)


def _move(grid: Tensor, drawn: Drawn) -> Tensor:
    """The operations that move pixels, in one map of places."""
    height, width = grid.shape[2:]
    level, kinds = drawn.level, torch.arange(len(TONES), len(OPERATIONS))
    shear = level * 0.3 / 10
    sizes = (_whole(level * 30), shear, shear, _whole(level * (width / 3)), _whole(level * (height / 3)))
    strengths = torch.stack(sizes, 1) * drawn.sign[:, None]
    return moved(grid, strengths * (drawn.kind[:, None] == kinds))


def _whole(level: Tensor) -> Tensor:
    """A tenth, without its decimals."""
    return (level / 10).trunc()


def check_severity(part: str, severity: object) -> None:
    """Raise BadValueError unless it is a number in [0.1, 10]."""
    check_number(part, "severity", severity, low=SEVERITY[0], high=SEVERITY[1])
