"""Noise without structure, and blobs.

Uniform and Gaussian noise and blobs are synthetic anomalies of Hendrycks, Mazeika and Dietterich 2019, "Deep anomaly
detection with outlier exposure", with their parameters for pixels in [0, 1]; values are rounded to 8 bits. Deviation:
each channel of a blob is blurred apart, where theirs are blurred into each other.
"""

import torch
from torch import Tensor

from assay.png import to_bytes
from assay.randomness import normal, uniform

SIGMA = 1.5  # pixels of the blobs' blur, at any size of image
WHITE = 0.7  # the share of white pixels before it
LEVEL = 0.75  # below it a blob is black


def uniform_noise(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every value U[0, 1), independent."""
    return to_bytes(uniform(x.shape, generator, like=torch.empty(0)))


def gaussian_noise(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every value N(0.5, 0.5^2), independent, clipped to [0, 1]."""
    return to_bytes(0.5 + 0.5 * normal(x.shape, generator, like=torch.empty(0)))


def blobs(x: Tensor, generator: torch.Generator) -> Tensor:
    """Bernoulli(0.7) noise, blurred, and black where it is below 0.75."""
    from scipy.ndimage import gaussian_filter  # here, since it takes a third of a second and most commands need none

    field = (uniform(x.shape, generator, like=torch.empty(0)) < WHITE).float().numpy()
    blurred = torch.from_numpy(gaussian_filter(field, (0, 0, SIGMA, SIGMA), mode="nearest"))
    return to_bytes(torch.where(blurred < LEVEL, 0.0, blurred))
