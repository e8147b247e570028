"""Glyphs: letters of other scripts that look like no digit, as if written by hand: MNIST's strokes, none of its shapes.

Each image is one letter (see `assay.data.generated.letters`), slanted, turned, stretched and bent a little, and drawn
with a round pen. As MNIST's digits are (LeCun, Bottou, Bengio, Haffner 1998), it is fitted into a box of 20 x 20 pixels
and put with its centre of mass into the middle of 28 x 28, moved by at most what keeps all of its ink on the image.
Images of other sizes are drawn in proportion to their shorter side. The pen's width and the softness of its edge are
drawn so that ink and grey levels are like MNIST's. In colour, ink and ground have colours of their own, half the range
apart in every channel.
"""

import math

import torch
from torch import Tensor

from assay.data.generated.letters import boxed, strokes
from assay.png import to_bytes
from assay.randomness import integers, normal, uniform

FRAME, BOX = 28, 20  # sides of MNIST's images, and of the box that holds their ink
SLANT, TURN, STRETCH = 0.2, 0.12, 0.15  # standard deviations: shear, radians, logarithm of width by height
MOST = 2.0  # standard deviations
WAVES, BEND = 3, 0.035  # waves of bending in each direction, and their amplitude as a share of the letter's side
PEN, SPREAD = 2.5, 0.25  # median width of the stroke in pixels of 28, and the deviation of its logarithm
EDGE = (0.8, 1.6)  # pixels over which ink turns into ground
FAINT = 0.4  # of an edge's width: where its ink is a tenth of full
EXACT = "donot_use_mm_for_euclid_dist"
VALUES = 2**24  # distances of points to pixels that are computed at once


def glyphs(x: Tensor, generator: torch.Generator) -> Tensor:
    """As many glyphs as x (n, C, H, W) has images, of its shape, uint8.

    Raises:
        MissingDataError: matplotlib, which brings the font, is not installed.
    """
    count, channels, height, width = x.shape
    unit = min(height, width) / FRAME
    points = written(_letters(count, generator), generator)
    pen = PEN * (SPREAD * normal((count,), generator, like=points).clamp(-MOST, MOST)).exp()
    edge = EDGE[0] + (EDGE[1] - EDGE[0]) * uniform((count,), generator, like=points)
    side = BOX - pen - 2 * FAINT * edge
    middle = torch.tensor([width / unit, height / unit]) / 2
    ink = centred(drawn(points * side[:, None, None] + middle, pen, edge, (height, width), unit))
    if channels == 1:
        return to_bytes(ink)
    ground = uniform((count, channels, 1, 1), generator, like=ink)
    return to_bytes(ground + ink * ((ground + 0.5) % 1 - ground))


def _letters(count: int, generator: torch.Generator) -> Tensor:
    """Letters drawn with replacement, as points (count, P, 2); those of fewer points have some of them twice."""
    found = strokes()
    index = integers(0, len(found), (count,), generator, like=torch.empty(0)).tolist()
    most = max(len(found[place]) for place in index)
    return torch.stack([found[place][torch.arange(most) % len(found[place])] for place in index])


def written(points: Tensor, generator: torch.Generator) -> Tensor:
    """Bend, stretch, slant and turn letters (n, P, 2), each in its own way; their box has the longer side 1 again."""
    like, n = points, len(points)
    phase = 2 * math.pi * uniform((n, 1, WAVES, 4), generator, like=like)
    height = BEND * normal((n, 1, WAVES, 4), generator, like=like) / torch.arange(1.0, 1 + WAVES)[:, None]
    along = points[:, :, None, [0, 1, 0, 1]] * math.pi * torch.arange(1.0, 1 + WAVES)[:, None]
    waves = (height * torch.sin(along + phase)).sum(2)
    points = boxed(points + torch.stack([waves[..., :2].sum(2), waves[..., 2:].sum(2)], 2))
    slant, turn, stretch = normal((3, n), generator, like=like).clamp(-MOST, MOST) * torch.tensor(
        [[SLANT], [TURN], [STRETCH]]
    )
    right, down = points.unbind(2)
    right = right * stretch.exp()[:, None] - slant[:, None] * down
    cos, sin = turn.cos()[:, None], turn.sin()[:, None]
    return boxed(torch.stack([cos * right - sin * down, sin * right + cos * down], 2))


def drawn(points: Tensor, pen: Tensor, edge: Tensor, shape: tuple[int, int], unit: float) -> Tensor:
    """Ink (n, 1, H, W) in [0, 1]: 1 within half a pen's width of the points, less in the width `edge` around it."""
    height, width = shape
    down, right = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    pixels = torch.stack([right, down], 2).view(1, -1, 2) / unit
    step = max(1, VALUES // (points.shape[1] * height * width))
    parts = [
        torch.cdist(pixels.expand(len(part), -1, -1).contiguous(), part, compute_mode=EXACT).amin(2)
        for part in torch.split(points, step)
    ]
    inside = pen[:, None] / 2 - torch.cat(parts)
    return (0.5 + inside / edge[:, None]).clamp(0, 1).view(-1, 1, height, width)


def centred(ink: Tensor) -> Tensor:
    """Move ink (n, 1, H, W) by whole pixels, its centre of mass to pixel (H // 2, W // 2), and no ink off the image."""
    for axis in (2, 3):
        mass = ink.sum((1, 5 - axis))
        size = mass.shape[1]
        places = torch.arange(size)
        wanted = (size // 2 - (mass * places).sum(1) / mass.sum(1)).round().long()
        first = (mass > 0).int().argmax(1)
        last = size - 1 - (mass > 0).flip(1).int().argmax(1)
        move = torch.maximum(torch.minimum(wanted, size - 1 - last), -first)
        index = (places - move[:, None]) % size
        index = index[:, None, :, None] if axis == 2 else index[:, None, None, :]
        ink = ink.gather(axis, index.expand_as(ink))
    return ink
