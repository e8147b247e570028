"""How far attacks transfer: which models are fooled by points that were made on another.

For models i and j, R the images that both get right, and x_i' the points made of them on i,

    rate(i, j) = |{x in R: j errs on x_i'}| / |R|

so that the diagonal is the attack's success where it is made, and an image that j gets wrong anyway counts for nothing.
Sources: Papernot, McDaniel and Goodfellow (2016), Transferability in machine learning: from phenomena to black-box
attacks using adversarial samples; Liu, Chen, Liu and Song (2017), Delving into transferable adversarial examples and
black-box attacks. Deviation: Liu et al. take images that all models get right.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.intervals import wilson


class Rates(NamedTuple):
    """Rates with the ends of their 95 % intervals, (M, M) float64, and the images behind each, (M, M) int64.

    A row is the model that the points were made on, a column the model that judges. NaN where there are no images.
    """

    value: Tensor
    low: Tensor
    high: Tensor
    n: Tensor


def transfer_rates(clean: Tensor, attacked: Tensor) -> Rates:
    """Fooling rates between M models on N images, with Wilson's intervals.

    Args:
        clean: (M, N) bool, where a model is right on the image.
        attacked: (M, M, N) bool, where [i, j] tells on which of i's points j is right.

    Raises:
        BadValueError: the shapes do not fit.
    """
    models, images = clean.shape
    if attacked.shape != (models, models, images):
        raise BadValueError(
            f"attacked: expected shape {(models, models, images)} with clean {tuple(clean.shape)}, "
            f"got {tuple(attacked.shape)}"
        )
    both = clean[:, None] & clean[None]
    n, fooled = both.sum(2), (both & ~attacked).sum(2)
    ends = [
        wilson(hits, count) if count else (torch.nan, torch.nan)
        for hits, count in zip(fooled.flatten().tolist(), n.flatten().tolist(), strict=True)
    ]
    low, high = torch.tensor(ends, dtype=torch.float64).view(models, models, 2).unbind(2)
    return Rates(fooled.double() / n, low, high, n)
