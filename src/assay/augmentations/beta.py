"""Draws from Beta and symmetric Dirichlet distributions: their inverse distribution functions at uniform draws."""

import torch
from scipy.special import betaincinv
from torch import Tensor


def beta_quantile(level: Tensor, a: float, b: float) -> Tensor:
    """Where the distribution function of Beta(a, b) reaches each level: any shape, in [0, 1], float64 on the CPU."""
    if b == 1:
        return level ** (1 / a)
    if a == 1:
        return 1 - (1 - level) ** (1 / b)
    return torch.from_numpy(betaincinv(a, b, level.numpy()))


def dirichlet_quantile(level: Tensor, alpha: float) -> Tensor:
    """Weights from Dirichlet(alpha, ..., alpha) of k parts, from uniform levels (k - 1, n), float64 on the CPU.

    Part i takes the share Beta(alpha, (k - 1 - i) alpha) of what those before it left, and the last one the rest.
    Unlike normalised gamma draws, this has no 0 / 0 where alpha is small.

    Returns:
        (k, n) >= 0, with sum 1 over the first dimension.
    """
    weights, left = [], torch.ones(level.shape[1:], dtype=level.dtype)
    for behind, share_level in zip(range(len(level), 0, -1), level, strict=True):
        share = beta_quantile(share_level, alpha, behind * alpha)
        weights.append(left * share)
        left = left * (1 - share)
    return torch.stack([*weights, left])
