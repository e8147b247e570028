"""Images: uint8 pixels, labels and names, checked once when they enter."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from assay.classifier import check_unit
from assay.errors import BadValueError


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Images:
    """A labelled set of images.

    Attributes:
        name: such as "mnist/test".
        x: (N, C, H, W) uint8, 0..255, on the CPU.
        y: (N,) int64, each in 0..K-1, on the CPU.
        classes: the K classes' names.

    Raises:
        BadValueError: a shape or type is wrong, the set is empty, or a label lies outside the classes.
    """

    name: str
    x: Tensor
    y: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.x.ndim != 4 or self.x.dtype != torch.uint8:
            raise BadValueError(
                f"{self.name}: x: expected uint8 (N, C, H, W), got {self.x.dtype} of shape {tuple(self.x.shape)}; "
                "Images.from_floats takes floats in [0, 1]"
            )
        if len(self.x) == 0:
            raise BadValueError(f"{self.name}: expected at least one image, got an empty set")
        if self.y.shape != (len(self.x),) or self.y.dtype != torch.int64:
            raise BadValueError(
                f"{self.name}: y: expected int64 ({len(self.x)},), got {self.y.dtype} of shape {tuple(self.y.shape)}"
            )
        low, high = int(self.y.min()), int(self.y.max())
        if low < 0 or high >= len(self.classes):
            raise BadValueError(
                f"{self.name}: y: expected labels in 0..{len(self.classes) - 1} ({len(self.classes)} classes), "
                f"got labels from {low} to {high}"
            )

    @classmethod
    def from_floats(cls, x: Tensor, y: Tensor, *, name: str = "images", classes: tuple[str, ...] = ()) -> "Images":
        """Take float images in [0, 1], rounded to 8 bits; classes default to the numbers 0..max(y).

        Raises:
            BadValueError: x is not float, holds NaN or leaves [0, 1]; y is not of whole numbers; or what `Images`
                checks.
        """
        if not x.is_floating_point():
            raise BadValueError(f"{name}: x: expected floats in [0, 1], got {x.dtype}; Images takes uint8 as it is")
        if y.is_floating_point():
            raise BadValueError(f"{name}: y: expected whole numbers, got {y.dtype}")
        check_unit(x, name)
        names = classes or tuple(str(label) for label in range(int(y.max()) + 1 if len(y) else 0))
        return cls(name=name, x=(x * 255).round().to("cpu", torch.uint8), y=y.to("cpu", torch.int64), classes=names)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Images(name={self.name!r}, images={len(self)}, shape={self.shape}, classes={self.n_classes})"

    @property
    def n_classes(self) -> int:
        """K, the number of classes."""
        return len(self.classes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.x.shape[1:]
        return channels, height, width

    def take(self, index: Tensor | slice, *, name: str | None = None) -> "Images":
        """The images at `index` (a slice or an int64 tensor), under the same name or a new one."""
        return replace(self, x=self.x[index], y=self.y[index], name=name or self.name)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over pixels, labels, shape and class names: what a key needs to know about the data."""
        digest = hashlib.sha256(repr((tuple(self.x.shape), self.classes)).encode())
        digest.update(self.x.contiguous().numpy().tobytes())
        digest.update(self.y.contiguous().numpy().tobytes())
        return digest.hexdigest()
