"""Spans of rows or columns, of which rectangles in images are made."""

import torch
from torch import Tensor


def inside(first: Tensor, length: Tensor | int, size: int) -> Tensor:
    """Where rows 0 ... size - 1 lie in first ... first + length - 1.

    Args:
        first: (..., 1) whole numbers; a span may begin before 0 or end beyond the last row.
        length: (..., 1) or one for all.
        size: the number of rows.

    Returns:
        (..., size) bool.
    """
    offset = torch.arange(size, device=first.device) - first
    return (offset >= 0) & (offset < length)
