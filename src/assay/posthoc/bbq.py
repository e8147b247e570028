"""BBQ, Bayesian binning into quantiles: the mean over binnings, weighted by how well each explains what was observed.

For each class, binnings of equal mass with B = n^(1/3) / 10 to 10 n^(1/3) bins, of about five images at least. With a
Beta prior of weight 2 / B in each bin around the bin's middle p_b, N_b images of which m_b are of the class,
alpha_b = 2 p_b / B and beta_b = 2 (1 - p_b) / B, a binning's weight is its marginal likelihood

    prod_b G(2 / B) / G(N_b + 2 / B) * G(m_b + alpha_b) / G(alpha_b) * G(N_b - m_b + beta_b) / G(beta_b)

and its estimate in bin b the posterior mean (m_b + alpha_b) / (N_b + 2 / B). Source: Naeini, Cooper and Hauskrecht
2015, "Obtaining well calibrated probabilities using Bayesian binning". See `per_class` for many classes.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from assay.classifier import Classifier
from assay.data.images import Images
from assay.posthoc.base import Calibration, calibrate
from assay.posthoc.per_class import Curve, borders, counts, fit_per_class

SPAN = 10  # the numbers of bins lie within this factor of n^(1/3)
FEWEST = 5  # images a bin
PRIOR = 2.0  # the prior's weight over all bins, in images
INSIDE = 1e-12  # how near to 0 or 1 a bin's middle may lie: its prior must leave room for both


@dataclass(frozen=True, kw_only=True)
class BBQ:
    """The mean of many histogram binnings by their likelihood; no gradients, predictions may change."""

    name: ClassVar[str] = "bbq"
    version: ClassVar[int] = 1
    needs_validation: ClassVar[bool] = True
    networks: ClassVar[int] = 1
    differentiable: ClassVar[bool] = False

    def fit(self, model: Classifier, validation: Images) -> Classifier:
        """Calibrate the model on validation images."""
        return calibrate(self, model, validation)

    def fit_logits(self, logits: Tensor, labels: Tensor) -> Calibration:
        """Fit to logits (N, K) and labels (N,)."""
        return fit_per_class(logits, labels, mixed)


class Binning(NamedTuple):
    """Borders (M,), the estimate of each bin (M + 1,), and the log of the marginal likelihood."""

    places: Tensor
    estimates: Tensor
    evidence: float


def binning(p: Tensor, hits: Tensor, bins: int) -> Binning:
    """One binning of ascending p (N,) and whether each is of the class (N,)."""
    places = borders(p, bins)
    held, of_class = counts(p, hits, places)
    weight = torch.tensor(PRIOR / len(held), dtype=torch.float64)
    ends = torch.cat([places.new_zeros(1), places, places.new_ones(1)])
    middle = ((ends[1:] + ends[:-1]) / 2).clamp(INSIDE, 1 - INSIDE)
    alpha, beta = weight * middle, weight * (1 - middle)
    terms = torch.lgamma(weight) - torch.lgamma(held + weight) + torch.lgamma(of_class + alpha) - torch.lgamma(alpha)
    terms += torch.lgamma(held - of_class + beta) - torch.lgamma(beta)
    return Binning(places, (of_class + alpha) / (held + weight), float(terms.sum()))


def mixed(p: Tensor, hits: Tensor) -> Curve:
    """The mean of all binnings, as steps between the borders of any."""
    root = len(p) ** (1 / 3)
    fewest, most = max(1, math.floor(root / SPAN)), min(math.ceil(len(p) / FEWEST), math.ceil(root * SPAN))
    found = [binning(p, hits, bins) for bins in range(fewest, most + 1)]
    places = torch.unique(torch.cat([one.places for one in found]))
    at = torch.cat([places, places.new_full((1,), torch.inf)])  # a border belongs to the step that it ends
    weights = torch.tensor([one.evidence for one in found], dtype=torch.float64).softmax(0)
    values = torch.stack([one.estimates[torch.searchsorted(one.places, at)] for one in found])
    return places, weights @ values
