"""Calibration of each class's probability on its own, one against the rest, after which all are brought to the sum 1.

The way from two classes to many of Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass
probability estimates". Whole probability vectors are calibrated, not the predicted class's alone, as the Brier score,
the NLL and anomaly scores read all of them; predictions may change.

A class of which a bin has no example would get a probability of exactly 0 and, once it comes, an infinite NLL. Each is
at least 1 / (K (n + 2)): Laplace's 1 / (n + 2) for what never happened in n trials, shared by K classes.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from assay.metrics.bins import bin_counts, bin_sums, equal_mass
from assay.metrics.checks import logits_and_labels
from assay.posthoc.base import Calibration

Curve = tuple[Tensor, Tensor]  # borders or knots (M,), ascending, and values: (M + 1,) of steps, (M,) of knots


class PerClass(Calibration):
    """A map of probabilities for each class: a constant between borders, or linear between knots; without gradients.

    A probability on a border belongs to the step below it; beyond the outer knots the values stay.
    """

    log_probabilities: ClassVar[bool] = True

    def __init__(self, curves: Sequence[Curve], n: int, *, linear: bool) -> None:
        super().__init__()
        self.linear, self.floor = linear, 1 / (len(curves) * (n + 2))
        self.register_buffer("places", _padded([places for places, _ in curves], torch.inf))
        self.register_buffer("values", _padded([values for _, values in curves], 0.0))
        self.register_buffer("last", torch.tensor([len(places) - 1 for places, _ in curves]))
        self.places: Tensor
        self.values: Tensor
        self.last: Tensor

    def forward(self, logits: Tensor) -> Tensor:
        """Calibrated log-probabilities (B, K), cut off from the gradients of the logits."""
        p = logits.detach().to(self.places.dtype).softmax(1).T.contiguous()
        q = (self._between(p) if self.linear else self._stepped(p)).T.clamp(min=self.floor)
        return (q / q.sum(1, keepdim=True)).log().to(logits.dtype)

    def _stepped(self, p: Tensor) -> Tensor:
        return self.values.gather(1, torch.searchsorted(self.places, p))

    def _between(self, p: Tensor) -> Tensor:
        p = p.clamp(self.places[:, :1], self.places.gather(1, self.last[:, None]))
        above = torch.searchsorted(self.places, p)
        below = (above - 1).clamp(min=0)
        low, high = self.places.gather(1, below), self.places.gather(1, above)
        share = torch.where(above > 0, (p - low) / (high - low), 0)
        return torch.lerp(self.values.gather(1, below), self.values.gather(1, above), share)


def _padded(rows: Sequence[Tensor], value: float) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=value)


def fit_per_class(
    logits: Tensor, labels: Tensor, curve: Callable[[Tensor, Tensor], Curve], *, linear: bool = False
) -> PerClass:
    """Fit a curve to each class: `curve` takes probabilities (N,), ascending, and whether each is of the class (N,).

    Raises:
        BadValueError: a shape is wrong, a logit is not finite, or a label lies outside the classes.
    """
    z, y = logits_and_labels(logits, labels)
    p, order = z.softmax(1).sort(dim=0, stable=True)
    curves = [curve(p[:, k].contiguous(), (y[order[:, k]] == k).double()) for k in range(z.shape[1])]
    return PerClass(curves, len(z), linear=linear)


def borders(p: Tensor, bins: int) -> Tensor:
    """Borders (M,) of bins of equal mass of ascending p (N,), midway between neighbours; equal ones stay together."""
    ends = equal_mass(len(p), min(bins, len(p)))[:-1]
    ends = ends[p[ends - 1] < p[ends]]
    return (p[ends - 1] + p[ends]) / 2


def counts(p: Tensor, hits: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """How many examples each step holds, and how many of the class: (M + 1,) float64 each."""
    ends = torch.cat([torch.searchsorted(p, places, right=True), torch.tensor([len(p)])])
    return bin_counts(ends), bin_sums(hits, ends)
