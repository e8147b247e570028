"""Mixing pictures: structurally rich pictures to mix into training images, generated from a seed.

PixMix mixes images with fractals and with visualisations of features (Hendrycks, Zou, Mazeika, Tang, Li, Song and
Steinhardt 2022, PixMix: dreamlike pictures comprehensively improve safety measures). Deviation: its pictures, collected
from the web and from a network trained on ImageNet, are replaced by fractals of three kinds that are generated here.

What is trained depends on what is drawn here: a change of the pictures bumps the versions of `PixMix` and `Fractals`.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from assay.errors import BadValueError
from assay.parts import check_count
from assay.pictures.clouds import clouds, map_side
from assay.pictures.dull import dull
from assay.pictures.escape_time import escape_time
from assay.pictures.ifs import ifs
from assay.pictures.tones import coloured
from assay.randomness import derive


class Kind(NamedTuple):
    """How a kind is drawn, (count, height, width, generator) -> fields, and how often its tones may turn."""

    draw: Callable[[int, int, int, torch.Generator], Tensor]
    waves: int


DRAWN = {"ifs": Kind(ifs, 2), "escape_time": Kind(escape_time, 4), "plasma": Kind(clouds, 3)}
KINDS = tuple(DRAWN)
FINER = 2  # each pixel is the mean of FINER x FINER samples
CHUNK = 64  # pictures of one kind that are drawn at once,
PIXELS = 2**20  # unless these many samples are exceeded,
MAPS = 2**23  # or, of clouds, these many values of the square maps that oblong pictures are cut from
ATTEMPTS = 4  # how often dull pictures are drawn anew


def mixing_pictures(count: int, shape: tuple[int, int, int], *, seed: int = 0) -> Tensor:
    """Draw pictures whose kinds take turns: picture i is of kind KINDS[i % 3].

    The first n pictures of a larger count are the same pictures. Calls with the same arguments share one tensor: do not
    write to it.

    Args:
        count: how many, >= 1.
        shape: (C, H, W) of one picture; channels get tone curves of their own.
        seed: pictures of different seeds are independent.

    Returns:
        (count, C, H, W) uint8.

    Raises:
        BadValueError: a count or a side that is no whole number >= 1.
    """
    check_count("mixing_pictures", "count", count)
    if len(shape) != 3:
        raise BadValueError(f"mixing_pictures: shape: expected (channels, height, width), got {tuple(shape)}")
    for name, value in zip(("channels", "height", "width"), shape, strict=True):
        check_count("mixing_pictures", name, value)
    channels, height, width = shape
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the operations are small: on a busy machine threads would only wait for each other
    try:
        return _pictures(count, (channels, height, width), seed)
    finally:
        torch.set_num_threads(threads)


@functools.lru_cache(maxsize=4)
def _pictures(count: int, shape: tuple[int, int, int], seed: int) -> Tensor:
    result = torch.empty(count, *shape, dtype=torch.uint8)
    for start, kind in enumerate(KINDS):
        size = chunk_size(kind, *shape[1:])
        places = result[start :: len(KINDS)]
        for number in range(math.ceil(len(places) / size)):
            part = places[number * size : (number + 1) * size]
            part.copy_(_chunk(kind, number, size, shape, seed)[: len(part)])
    return result


def chunk_size(kind: str, height: int, width: int) -> int:
    """How many pictures are drawn at once, on which the draws depend.

    MAPS bounds none whose sides are as 2 to 1 or closer: the map's side is less than twice the picture's longer one.
    """
    height, width = FINER * height, FINER * width
    most = min(CHUNK, PIXELS // (height * width))
    if DRAWN[kind].draw is clouds:
        most = min(most, MAPS // map_side(height, width) ** 2)
    return max(1, most)


def _chunk(kind: str, number: int, size: int, shape: tuple[int, int, int], seed: int) -> Tensor:
    """Draw a whole chunk, however much of it is wanted; dull pictures are drawn anew, ATTEMPTS times at most."""
    result = torch.empty(size, *shape)
    wanted = torch.arange(size)
    for attempt in range(1 + ATTEMPTS):
        generator = derive(seed, "mixing pictures", kind, *shape, number, attempt)
        drawn = _draw(DRAWN[kind], len(wanted), shape, generator)
        result[wanted] = drawn
        wanted = wanted[dull(drawn)]
        if len(wanted) == 0:
            break
    return (result * 255).round().to(torch.uint8)


def _draw(kind: Kind, count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Pictures (count, C, H, W), each stretched to span 0 to 1."""
    channels, height, width = shape
    field = kind.draw(count, FINER * height, FINER * width, generator)
    x = functional.avg_pool2d(coloured(field, channels, kind.waves, generator), FINER)
    low, high = x.amin(dim=(1, 2, 3), keepdim=True), x.amax(dim=(1, 2, 3), keepdim=True)
    return (x - low) / (high - low).clamp(min=1e-9)
