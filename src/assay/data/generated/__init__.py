"""Generated outlier sets: anomalous test images that need no file and no network, in any size, from a seed.

They are made to go beside a test set: of its shape, and as many.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from assay.data.generated.edits import inverted, shuffled_patches
from assay.data.generated.fractals import fractals
from assay.data.generated.glyphs import glyphs
from assay.data.generated.letters import font_file
from assay.data.generated.noise import blobs, gaussian_noise, uniform_noise
from assay.data.images import Images
from assay.data.known import FAR, NEAR
from assay.errors import BadValueError, nearest
from assay.randomness import derive

CHUNK = 500  # images made at once, from a generator of their own


@dataclass(frozen=True, kw_only=True)
class GeneratedSet:
    """A set that is generated.

    Attributes:
        text: what its images are, in a few words.
        kind: NEAR or FAR, as `assay.data.kind_of` says it.
        edits: whether its images are made from the test images; else from their shape alone.
        check: raises MissingDataError where it cannot be made.
        make: (test images x (n, C, H, W) uint8, generator) -> outliers of the same shape and type.
    """

    text: str
    kind: str
    edits: bool
    make: Callable[[Tensor, torch.Generator], Tensor]
    check: Callable[[], object] = tuple  # most need nothing


GENERATED = {
    "glyphs": GeneratedSet(
        text="letters of other scripts that look like no digit, as if written by hand",
        kind=NEAR,
        edits=False,
        make=glyphs,
        check=font_file,
    ),
    "shuffled_patches": GeneratedSet(
        text="the test images cut into 4 x 4 patches in random order", kind=NEAR, edits=True, make=shuffled_patches
    ),
    "inverted": GeneratedSet(
        text="the test images with black and white exchanged", kind=FAR, edits=True, make=inverted
    ),
    "fractals": GeneratedSet(
        text="fractals and clouds, others than models are trained on", kind=FAR, edits=False, make=fractals
    ),
    "blobs": GeneratedSet(text="amorphous shapes with definite edges", kind=FAR, edits=False, make=blobs),
    "gaussian_noise": GeneratedSet(
        text="independent normal values, clipped", kind=FAR, edits=False, make=gaussian_noise
    ),
    "uniform_noise": GeneratedSet(text="independent uniform values", kind=FAR, edits=False, make=uniform_noise),
}


def generated(name: str, like: Images, *, seed: int = 0) -> Images:
    """Generate an outlier set to go beside a test set.

    Args:
        name: one of `GENERATED`, such as "glyphs".
        like: the test images: the outliers have their shape and number, and some are made from them.
        seed: other images.

    Returns:
        Images named such as "glyphs/test", of a single class. The same on every run; on another machine or with other
        versions of libraries a grey level may differ by rounding, which the fingerprint then tells.

    Raises:
        BadValueError: an unknown name, or images too small to be cut into patches.
        MissingDataError: "glyphs" without matplotlib, whose fonts it takes; the message names the remedy.
    """
    if name not in GENERATED:
        raise BadValueError(f"{name}: no such generated set; {nearest(name, GENERATED)}")
    made = GENERATED[name]
    x = torch.empty_like(like.x)
    for start in range(0, len(x), CHUNK):
        part = like.x[start : start + CHUNK]
        x[start : start + CHUNK] = made.make(part, derive(seed, "generated", name, *like.shape, start))
    return Images(name=f"{name}/test", x=x, y=torch.zeros(len(x), dtype=torch.int64), classes=(name,))
