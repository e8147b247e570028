"""Canny edges: the image replaced by its outlines, or mixed with them."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from assay.corruptions.base import to_grid
from assay.corruptions.filters import gaussian, sobel
from assay.parts import check_number

# One octant pair each: where the gradient (down, right) lies, the nearer axis neighbour, and the diagonal one, as
# (rows, columns); the opposite neighbours are their negatives.
_OCTANTS = (
    (True, True, (1, 0), (1, 1)),
    (True, False, (0, 1), (1, 1)),
    (False, False, (0, 1), (-1, 1)),
    (False, True, (-1, 0), (-1, 1)),
)


@dataclass(frozen=True, kw_only=True)
class CannyEdges:
    """Replace the image by its edges, white on black: x + share * (edges - x). Nothing is drawn.

    Blur (zeros outside, divided by the blurred mask of the image), Sobel gradient, keep pixels that are not below the
    gradient's magnitude interpolated on both sides along the gradient, keep chains of pixels above `low` that hold one
    above `high`. The outermost pixels hold no edge.

    Source: Mu and Gilmer, 2019, MNIST-C: A Robustness Benchmark for Computer Vision; Canny, 1986, A Computational
    Approach to Edge Detection. Colours are averaged to a grey first, and the edges are the same in all channels. A
    share below 1 is ours.

    Attributes:
        sigma: standard deviation of the blur, in pixels.
        low: magnitude of the Sobel gradient, per pixel of a [0, 1] image, that continues an edge.
        high: magnitude that starts an edge.
        share: of the edges in what comes.

    Raises:
        BadValueError: sigma is not in [0.1, 100], low is negative, high is below low, or share is not in [0, 1].
    """

    name: ClassVar[str] = "canny_edges"
    version: ClassVar[int] = 1
    sigma: float = 1
    low: float = 0.1
    high: float = 0.2
    share: float = 1

    def __post_init__(self) -> None:
        check_number(self.name, "sigma", self.sigma, low=0.1, high=100)
        check_number(self.name, "low", self.low, low=0)
        check_number(self.name, "high", self.high, low=self.low)
        check_number(self.name, "share", self.share, low=0, high=1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 - the contract's signature
        """Corrupt x (B, C, H, W) in [0, 1]."""
        grey = x.double().mean(dim=1, keepdim=True)
        inside = gaussian(torch.ones_like(grey[:1]), self.sigma, border="constant")
        smooth = gaussian(grey, self.sigma, border="constant") / (inside + torch.finfo(torch.float64).eps)
        down, right = sobel(smooth, -2), sobel(smooth, -1)
        strength = torch.hypot(down, right)
        ridge = _ridges(down, right, strength)
        edges = _connected(ridge & (strength >= self.low), ridge & (strength >= self.high))
        return to_grid(torch.lerp(x, edges.to(x.dtype).expand_as(x), self.share), like=x)


def _ridges(down: Tensor, right: Tensor, strength: Tensor) -> Tensor:
    """Where the magnitude (B, 1, H, W) is not exceeded on either side along the gradient."""
    steep, flat = down.abs() >= right.abs(), down.abs() <= right.abs()
    ratio = torch.minimum(down.abs(), right.abs()) / torch.maximum(down.abs(), right.abs()).clamp(min=1e-300)
    ridge = torch.zeros_like(strength, dtype=torch.bool)
    for same_sign, is_steep, near, diagonal in _OCTANTS:
        along = (down >= 0) & (right >= 0) | (down <= 0) & (right <= 0)
        against = (down <= 0) & (right >= 0) | (down >= 0) & (right <= 0)
        here = (along if same_sign else against) & (steep if is_steep else flat)
        peak = torch.ones_like(ridge)
        for sign in (1, -1):
            beside, corner = (_shifted(strength, sign * rows, sign * columns) for rows, columns in (near, diagonal))
            peak &= corner * ratio + beside * (1 - ratio) <= strength
        ridge = torch.where(here, peak, ridge)
    return ridge & (strength > 0) & _interior(strength)


def _shifted(x: Tensor, rows: int, columns: int) -> Tensor:
    """At each pixel the value `rows` down and `columns` right of it; wraps around, which only the outermost see."""
    return x.roll((-rows, -columns), (-2, -1))


def _interior(x: Tensor) -> Tensor:
    """A mask (H, W) of all but the outermost pixels."""
    mask = torch.zeros(x.shape[-2:], dtype=torch.bool, device=x.device)
    mask[1:-1, 1:-1] = True
    return mask


def _connected(weak: Tensor, strong: Tensor) -> Tensor:
    """The weak pixels (B, 1, H, W) that are linked to a strong one through weak ones, over eight neighbours."""
    found = strong
    while True:
        grown = (F.max_pool2d(found.float(), 3, stride=1, padding=1) > 0) & weak
        if torch.equal(grown, found):
            return found
        found = grown
