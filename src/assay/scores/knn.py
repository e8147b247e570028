"""KNN: the distance to the k-th nearest training image, between features of length 1.

Sun, Ming, Zhu and Li 2022, "Out-of-distribution detection with deep nearest neighbors".
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from assay.classifier import Classifier
from assay.errors import BadValueError
from assay.parts import check_count
from assay.scores.base import Fitted, Training, given

GROUP = 64  # training images of which only the nearest is looked at first
BLOCK = 250  # images that meet all training images at once


@dataclass(frozen=True, kw_only=True)
class KNN:
    """score = ||z - z_(k)||, in [0, 2], for z = f / ||f|| and the k-th nearest z of training.

    The nearest are found by inner products in the features' own type; the distance to the k-th is then that of the
    difference, so that it is 0 where the two are equal. Features that are all 0 stay 0.

    Attributes:
        k: 50, the paper's for ten classes and 50,000 training images; it takes 200 for 100 classes.
    """

    name: ClassVar[str] = "knn"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = True
    needs_linear_head: ClassVar[bool] = False

    k: int = 50

    def __post_init__(self) -> None:
        check_count(self.name, "k", self.k)

    def fit(self, model: Classifier, train: Training | None) -> Fitted:  # noqa: ARG002
        """Keep the training images' features, each of length 1.

        Raises:
            BadValueError: there are no training outputs, or fewer than k of them.
        """
        bank = F.normalize(given(self.name, train).features.cpu(), dim=1)
        if len(bank) < self.k:
            raise BadValueError(
                f"knn: expected at least k = {self.k} training images, got {len(bank)}; give more, or a smaller k"
            )
        return lambda outputs: kth_distance(F.normalize(outputs.features, dim=1), bank.to(outputs.features), self.k)


def kth_distance(z: Tensor, bank: Tensor, k: int) -> Tensor:
    """The distance (B,) of each row of z (B, D) to the k-th nearest row of bank (N, D); all rows of length 1."""
    blocks = torch.split(z, BLOCK)
    return torch.cat([(block - bank[_kth_nearest(block, bank, k)]).norm(dim=1) for block in blocks])


def _kth_nearest(z: Tensor, bank: Tensor, k: int) -> Tensor:
    """Index (B,) of the k-th largest inner product.

    The k largest lie in the k groups whose own largest are largest, so that only those groups have to be sorted.
    """
    products = z @ bank.T
    groups = len(bank) // GROUP
    if groups <= k:
        return products.topk(k, dim=1).indices[:, -1]
    # Group g holds the columns g, g + groups, g + 2 * groups ...; what is left at the end is looked at in any case.
    whole = products[:, : groups * GROUP].view(len(z), GROUP, groups)
    best = whole.amax(dim=1).topk(k, dim=1).indices
    columns = (best[:, :, None] + groups * torch.arange(GROUP, device=z.device)).flatten(1)
    rest = torch.arange(groups * GROUP, len(bank), device=z.device).expand(len(z), -1)
    columns = torch.cat([columns, rest], dim=1)
    place = products.gather(1, columns).topk(k, dim=1).indices[:, -1:]
    return columns.gather(1, place).squeeze(1)
