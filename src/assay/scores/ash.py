"""ASH-S: the energy where an image's small features are set to 0 and the others scaled up.

Djurisic, Bozanic, Ashok and Liu 2023, "Extremely simple activation shaping for out-of-distribution detection". The
paper shapes the activations of a late layer, feature maps in its ImageNet networks; we see the features before the head
alone, and shape those. Negative features, which its rectified networks do not have, are set to 0 first: the scale is
then at most exp(D / kept).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from assay.classifier import Classifier
from assay.parts import check_number
from assay.scores.base import Fitted, Training, head_logits, kept, linear_head


@dataclass(frozen=True, kw_only=True)
class ASH:
    """score = -logsumexp_k (W g + b)_k, where g = exp(sum f / sum h) * h, for features f (B, D).

    h is f with all but the image's largest values set to 0; what ties with the last of those stays. For an ensemble,
    features are the members' side by side, and the head is that of the mean of their logits.

    Attributes:
        percentile: per cent of an image's features that go; 90 is the paper's for ImageNet and CIFAR-100.
    """

    name: ClassVar[str] = "ash"
    version: ClassVar[int] = 1
    needs_train: ClassVar[bool] = False
    needs_linear_head: ClassVar[bool] = True

    percentile: float = 90

    def __post_init__(self) -> None:
        check_number(self.name, "percentile", self.percentile, low=0, high=100)

    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        """Take the model's head.

        Raises:
            BadValueError: the head is not linear.
        """
        head = linear_head(self.name, model)
        return lambda outputs: -head_logits(shaped(outputs.features, self.percentile), head).logsumexp(dim=1)


def shaped(features: Tensor, percentile: float) -> Tensor:
    """The shaped features g (B, D) of features f (B, D)."""
    f = features.clamp(min=0)
    last = f.topk(kept(f.shape[1], percentile), dim=1).values[:, -1:]
    h = f.where(f >= last, 0)
    whole, rest = f.sum(dim=1, keepdim=True), h.sum(dim=1, keepdim=True)
    return h * (whole / rest.where(rest > 0, 1)).exp()  # where all features are 0, so is what stays of them
