"""A model's decisions: the predicted class alone, asked for within a budget of queries for each image."""

import torch
from torch import Tensor

from assay.attacks.norms import wide
from assay.classifier import Classifier

BLOCK = 256  # points asked about at once


class Decisions:
    """Tells which points a model misclassifies, and counts what it is asked.

    Attributes:
        left: (B,) int64, how many more queries each image has.
    """

    def __init__(self, model: Classifier, y: Tensor, queries: int) -> None:
        self.model, self.y = model, y
        self.left = torch.full_like(y, queries)

    def wrong(self, index: Tensor, points: Tensor) -> Tensor:
        """Where (N,) the points (N, C, H, W) are misclassified, for the images at `index` (N,); one query each."""
        self.left -= torch.bincount(index, minlength=len(self.left))
        with torch.no_grad():
            predicted = [self.model(part).argmax(1) for part in torch.split(points, BLOCK)] if len(points) else [index]
        return torch.cat(predicted) != self.y[index]

    def normals(self, index: Tensor, point: Tensor, radius: Tensor, counts: Tensor, noise: Tensor) -> Tensor:
        """Which way the boundary faces at points on it, by the Monte Carlo estimate of HopSkipJump.

        Args:
            index: images (N,).
            point: (N, C, H, W), next to the boundary.
            radius: (N,), how far from the points to ask.
            counts: (N,) int64, how many of the directions to ask for each, >= 1.
            noise: the directions (M, C, H, W).

        Returns:
            (N, C, H, W), of any length, towards what is misclassified.
        """
        which = torch.repeat_interleave(counts)
        nth = torch.arange(len(which), device=which.device) - (counts.cumsum(0) - counts)[which]
        moves = point.new_zeros(2, len(index), point[0].numel())  # summed plain, and with signs
        balance = point.new_zeros(len(index))
        for row, column in zip(torch.split(which, BLOCK), torch.split(nth, BLOCK), strict=True):
            here = point[row]
            there = (here + wide(radius[row], here) * noise[column]).clamp_(0, 1)
            sign = 2 * self.wrong(index[row], there).to(here) - 1
            first, last = int(row[0]), int(row[-1]) + 1
            own = (row == torch.arange(first, last, device=row.device)[:, None]).to(here)  # sums in a fixed order
            moves[:, first:last] += torch.stack([own, own * sign]) @ (there - here).flatten(1)
            balance[first:last] += own @ sign
        mean = (balance / counts)[:, None]
        towards = torch.where(mean.abs() < 1, moves[1] - mean * moves[0], moves[1])
        return towards.view_as(point)
