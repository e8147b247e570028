"""How varied a set of pictures is, and whether its pictures have structure.

Pictures are standardised first: the mean taken off each, then scaled to length 1, so that brightness and contrast tell
no two pictures apart. A variety of pictures counts only together with structure: noise is as varied as can be.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from assay.errors import BadValueError

BLOCK = 1024  # rows of the matrix of likenesses held at once
TONES = 16


def standardised(x: Tensor) -> Tensor:
    """Pictures (N, C, H, W) as rows (N, C * H * W) float64 of mean 0 and length 1; a flat picture gives zeros."""
    rows = x.flatten(1).double()
    rows = rows - rows.mean(dim=1, keepdim=True)
    return functional.normalize(rows, dim=1)


def duplicates(x: Tensor) -> int:
    """How many pictures repeat another one exactly: N less the number of distinct ones."""
    return len(x) - len({row.tobytes() for row in x.flatten(1).numpy()})


def likeness(x: Tensor) -> Tensor:
    """Each picture's likeness to its nearest neighbour: the largest |correlation of pixels| with another picture.

    Args:
        x: (N, C, H, W), N >= 2.

    Returns:
        (N,) in [0, 1]; 1 for a copy, up to brightness, contrast and negation.

    Raises:
        BadValueError: fewer than two pictures.
    """
    if len(x) < 2:
        raise BadValueError(f"likeness: expected at least two pictures, got {len(x)}")
    rows = standardised(x)
    nearest = []
    for start in range(0, len(rows), BLOCK):
        alike = (rows[start : start + BLOCK] @ rows.T).abs()
        alike.diagonal(start).zero_()
        nearest.append(alike.amax(dim=1))
    return torch.cat(nearest).clamp(max=1)


def vendi_score(x: Tensor) -> float:
    """The effective number of distinct pictures: exp(-sum_i l_i log l_i), l the eigenvalues of K / N.

    K holds the correlations of all pairs. N pictures that are all alike score 1, N uncorrelated ones N; the score is at
    most the number of values in a picture, less one. Source: Friedman and Dieng 2023, The Vendi score: a diversity
    evaluation metric for machine learning.

    Args:
        x: (N, C, H, W); no picture flat.
    """
    rows = standardised(x)
    gram = rows.T @ rows if rows.shape[1] < len(rows) else rows @ rows.T  # both have the eigenvalues of K beyond 0
    values = torch.linalg.eigvalsh(gram / len(rows)).clamp(min=0)
    return math.exp(-torch.special.xlogy(values, values).sum().item())


def coarse_share(x: Tensor) -> Tensor:
    """The share of each picture's spectral energy, its mean left out, in waves of 8 pixels and longer.

    White noise has about pi / 64 = 5 %; large shapes have nearly all.

    Args:
        x: (N, C, H, W), not flat.

    Returns:
        (N,) in [0, 1].
    """
    energy = torch.fft.fft2(x.double() - x.double().mean(dim=(2, 3), keepdim=True)).abs().square()
    down, across = (torch.fft.fftfreq(size, dtype=torch.float64) for size in x.shape[2:])
    coarse = (down[:, None].square() + across.square()).sqrt() <= 1 / 8
    share: Tensor = (energy * coarse).sum(dim=(1, 2, 3)) / energy.sum(dim=(1, 2, 3)).clamp(min=1e-12)
    return share


def tone_entropy(x: Tensor) -> Tensor:
    """The entropy, in bits, of each picture's values in 16 equal bins: 0 for one tone, 4 for all tones alike.

    Args:
        x: (N, C, H, W) uint8.

    Returns:
        (N,) float64 in [0, 4].
    """
    bins = functional.one_hot(x.flatten(1).long() * TONES // 256, TONES).sum(dim=1)
    share = bins / bins.sum(dim=1, keepdim=True).double()
    entropy: Tensor = -torch.special.xlogy(share, share).sum(dim=1) / math.log(2)
    return entropy
