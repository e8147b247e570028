"""What attacks share that look for the nearest misclassified point: how it is kept, and what is returned of it.

Such an attack returns the nearest misclassified point that it met where that lies within eps, else the point of the
ball next to it, so that whoever predicts again comes to the right verdict. A point counts as misclassified only if
another class leads by more than rounding: the same image in a batch of another size may differ in its last digits.
"""

import torch
from torch import Tensor

from assay.attacks.norms import Norm, lengths, project_, wide
from assay.classifier import Classifier

ROUNDING = 1e-5  # of the largest logit: what a lead must exceed to outlast another order of summation


def lead(logits: Tensor, y: Tensor) -> Tensor:
    """How far (B,) the best other class leads the label: max_{c != y} z_c - z_y, less rounding; above 0 it is wrong."""
    own = logits.gather(1, y[:, None])
    others = logits.scatter(1, y[:, None], -torch.inf)
    return others.amax(1) - own.squeeze(1) - ROUNDING * logits.abs().amax(1)


def leads(model: Classifier, x: Tensor, y: Tensor) -> Tensor:
    """As `lead`, of the model's logits for x, without gradients."""
    with torch.no_grad():
        return lead(model(x), y)


class Nearest:
    """The nearest misclassified point to each image so far.

    Attributes:
        x: (B, C, H, W), the images.
        point: (B, C, H, W), the nearest misclassified points; where there are none, the last that were offered.
        distance: (B,), how far they are; infinite where there are none.
    """

    def __init__(self, x: Tensor, norm: Norm) -> None:
        self.x, self.norm = x, norm
        self.point = x.clone()
        self.distance = x.new_full((len(x),), torch.inf)

    def offer(self, index: Tensor, point: Tensor, wrong: Tensor) -> None:
        """Take points (N, C, H, W) that are nearer, for the images at `index` (N,), if they are misclassified."""
        distance = lengths(point - self.x[index], self.norm).masked_fill_(~wrong, torch.inf)
        best = self.distance[index]
        better = (distance < best) | best.isinf()
        chosen = index[better]
        self.point[chosen], self.distance[chosen] = point[better], distance[better]

    def within(self, eps: float) -> Tensor:
        """The points where they lie within eps, else the points of the ball next to them."""
        inside = wide(self.distance <= eps, self.x)
        return torch.where(inside, self.point, project_(self.point.clone(), self.x, eps, self.norm))

    def refine(self, model: Classifier, y: Tensor, steps: int) -> None:
        """Move the points towards their images, by the rule of false position on the lead, while they stay wrong."""
        index = self.distance.isfinite().nonzero().squeeze(1)
        if len(index) == 0:
            return
        right, wrong, labels = self.x[index], self.point[index], y[index]
        below, above = leads(model, right, labels), leads(model, wrong, labels)
        for _ in range(steps):
            share = (above / (above - below).clamp_(min=torch.finfo(above.dtype).tiny)).clamp_(0, 1)
            between = torch.lerp(wrong, right, wide(share, right))
            height = leads(model, between, labels)
            fools = height > 0
            self.offer(index, between, fools)
            wrong, above = torch.where(wide(fools, wrong), between, wrong), torch.where(fools, height, above)
            right, below = torch.where(wide(fools, right), right, between), torch.where(fools, below, height)
