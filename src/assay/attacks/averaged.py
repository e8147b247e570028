"""Several passes of a model as one: for models whose output is random.

The mean of the softmaxes, with the scale of the logits that `Ensemble` gives its own:
z = log mean_i softmax(z_i) + mean_i logsumexp(z_i).
"""

import math

import torch
from torch import Tensor

from assay.classifier import Classifier, Outputs, check_input


class Averaged(Classifier):
    """A classifier whose every pass is several of the model that it holds; its weights and modes are the model's.

    Its members are the model's, once for each pass: what averages over the members of an ensemble averages here over
    passes. Features are those of the passes, side by side.
    """

    def __init__(self, model: Classifier, samples: int) -> None:
        super().__init__()
        self.n_classes, self.model, self.samples = model.n_classes, model, samples
        self.training = model.training

    @property
    def members(self) -> tuple[Classifier, ...]:
        """The model's members, `samples` times; the model itself is its only one."""
        return self.model.members * self.samples

    def outputs(self, x: Tensor) -> Outputs:
        """The features and the mean of `samples` passes of x (B, C, H, W)."""
        check_input(x)
        passes = [self.model.outputs(x) for _ in range(self.samples)]
        return Outputs(torch.cat([one.features for one in passes], dim=1), _mean([one.logits for one in passes]))

    def features(self, x: Tensor) -> Tensor:
        """The features of `samples` passes of x (B, C, H, W), side by side."""
        return torch.cat([self.model.features(x) for _ in range(self.samples)], dim=1)

    def head(self, features: Tensor) -> Tensor:
        """The mean over passes with these features."""
        return _mean([self.model.head(piece) for piece in features.chunk(self.samples, dim=1)])


def _mean(passes: list[Tensor]) -> Tensor:
    """Logits (B, K) whose softmax is the mean of those of the passes."""
    if len(passes) == 1:
        return passes[0]
    logits = torch.stack(passes)
    scales = logits.logsumexp(dim=2, keepdim=True)
    return (logits - scales).logsumexp(dim=0) - math.log(len(passes)) + scales.mean(dim=0)
