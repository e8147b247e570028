"""Deep ensembles: the mean of the members' softmaxes.

Lakshminarayanan, Pritzel, Blundell 2017, "Simple and scalable predictive uncertainty estimation using deep ensembles".
"""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from assay.classifier import Classifier, LinearHead
from assay.errors import ContractError


class Ensemble(Classifier):
    """Independently trained members; the output is the mean of their softmaxes.

    Features are the members' features side by side. A mean of probabilities fixes logits only up to a constant per
    image, which scores such as energy would read; we choose the constant so that logsumexp(z) is the mean of the
    members' logsumexp: z = log mean_m softmax(z_m) + mean_m logsumexp(z_m). One member alone gives its own logits.
    """

    version: ClassVar[int] = 1  # bumped when the same members give other outputs

    def __init__(self, members: Sequence[Classifier]) -> None:
        super().__init__()
        if not members or len({member.n_classes for member in members}) != 1:
            raise ContractError("ensemble: expected at least one member, all with the same number of classes")
        self.n_classes = members[0].n_classes
        self.models = nn.ModuleList(members)

    @property
    def members(self) -> tuple[Classifier, ...]:
        """The members, whose loss gradients an attack averages; of a member that is an ensemble too, its own."""
        return tuple(
            member for model in self._models for member in (model.members if isinstance(model, Ensemble) else (model,))
        )

    @property
    def _models(self) -> tuple[Classifier, ...]:
        return tuple(model for model in self.models if isinstance(model, Classifier))

    def features(self, x: Tensor) -> Tensor:
        """The members' features side by side: (B, N * D)."""
        pieces = [model.features(x) for model in self._models]
        if len({piece.shape[1] for piece in pieces}) != 1:
            raise ContractError("ensemble: expected members with features of one width, as one architecture gives")
        return torch.cat(pieces, dim=1)

    def head(self, features: Tensor) -> Tensor:
        """Logits (B, K) whose softmax is the mean of the members' softmaxes."""
        logits = _logits(self._models, features)
        energies = logits.logsumexp(dim=2, keepdim=True)
        mean_probability = (logits - energies).logsumexp(dim=0) - math.log(len(self.models))
        return mean_probability + energies.mean(dim=0)

    def member_logits(self, features: Tensor) -> Tensor:
        """Each member's own logits, (N, B, K), from the members' features side by side (B, N * D)."""
        return _logits(self.members, features)

    @property
    def linear_head(self) -> LinearHead | None:
        """The head of the mean of the members' logits, for scores that need a linear one; None if a member has none."""
        heads = [model.linear_head for model in self._models]
        linear = [head for head in heads if head is not None]
        if len(linear) != len(heads):
            return None
        weight = torch.cat([head.weight for head in linear], dim=1) / len(linear)
        return LinearHead(weight, torch.stack([head.bias for head in linear]).mean(dim=0))


def _logits(models: Sequence[Classifier], features: Tensor) -> Tensor:
    """The logits (N, B, K) of N models, from their features side by side."""
    pieces = features.chunk(len(models), dim=1)
    return torch.stack([model.head(piece) for model, piece in zip(models, pieces, strict=True)])
