"""What every metric demands of its input: finite numbers, of the right shape, at least one."""

import torch
from torch import Tensor

from assay.errors import BadValueError


def vector(what: str, x: Tensor) -> Tensor:
    """A vector x (N,) as float64 on the CPU.

    Raises:
        BadValueError: x is not a vector, is empty, or holds NaN or infinity.
    """
    if x.ndim != 1 or len(x) == 0:
        raise BadValueError(f"{what}: expected shape (N,) with N >= 1, got {tuple(x.shape)}")
    values = x.detach().cpu().double()
    if not bool(values.isfinite().all()):
        raise BadValueError(f"{what}: expected finite numbers, got NaN or infinity")
    return values


def confidence_and_correct(confidence: Tensor, correct: Tensor) -> tuple[Tensor, Tensor]:
    """Take confidence (N,) in [0, 1] and correct (N,), 0 or 1 (or bool), both as float64 on the CPU.

    Raises:
        BadValueError: a value lies outside, or the shapes differ.
    """
    c, hit = vector("confidence", confidence), vector("correct", correct)
    if c.shape != hit.shape:
        raise BadValueError(f"correct: expected shape {tuple(c.shape)} as confidence, got {tuple(hit.shape)}")
    if float(c.min()) < 0 or float(c.max()) > 1:
        raise BadValueError(f"confidence: expected numbers in [0, 1], got {float(c.min()):g} to {float(c.max()):g}")
    if not bool(((hit == 0) | (hit == 1)).all()):
        raise BadValueError("correct: expected 0 or 1 for each example, got other numbers")
    return c, hit


def logits_and_labels(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Take logits (N, K) as float64 and labels (N,) as int64 in 0..K-1, both on the CPU.

    Raises:
        BadValueError: a shape is wrong, a logit is not finite, or a label lies outside the classes.
    """
    if logits.ndim != 2 or len(logits) == 0 or logits.shape[1] < 2:
        raise BadValueError(f"logits: expected shape (N, K) with N >= 1 and K >= 2, got {tuple(logits.shape)}")
    if labels.shape != logits.shape[:1] or labels.is_floating_point() or labels.dtype == torch.bool:
        raise BadValueError(
            f"labels: expected whole numbers ({len(logits)},), got {labels.dtype} of shape {tuple(labels.shape)}"
        )
    z, y = logits.detach().cpu().double(), labels.detach().cpu().long()
    if not bool(z.isfinite().all()):
        raise BadValueError("logits: expected finite numbers, got NaN or infinity")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= z.shape[1]:
        raise BadValueError(f"labels: expected numbers in 0..{z.shape[1] - 1}, got {low} to {high}")
    return z, y
