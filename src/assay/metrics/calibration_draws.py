"""Bootstrap draws of accuracy, the calibration errors and the proper scores, of resamples given by their weights.

Bins of equal width are the same in every resample, so those draws are the metric of the resample exactly. Bins of equal
mass and of fixed size keep the borders that the original sample gave them, as in `calibration_intervals`: a resample's
own bins would differ from them only by which neighbours in confidence lie together. Equal confidences across which a
border falls are spread over both bins in the shares of the original sample, as `share_ties` does there. Smooth ECE
keeps the
kernel width of the sample, so that its draws spread a little more than those of widths found anew (`linear_gaps`).

The draws of calibration errors are biased upwards: see `assay.evaluations.draws`.
"""

import torch
from torch import Tensor

from assay.metrics.accuracy import hits
from assay.metrics.bins import equal_mass, equal_width, of_size
from assay.metrics.calibration import BIN_SIZE, BINS, top_label
from assay.metrics.intervals import RESAMPLES, bootstrap_blocks
from assay.metrics.linear_gaps import classwise_gaps, linear_draws, smooth_gaps
from assay.metrics.proper_scores import brier_each, nll_each

BINNED = (  # depend on `bins`
    "ece", "adaptive_ece", "max_calibration_error", "classwise_ece", "brier_calibration", "brier_refinement",
)  # fmt: skip


def calibration_draws(
    logits: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    bins: int = BINS,
    resamples: int = RESAMPLES,
) -> dict[str, Tensor]:
    """Every metric of the calibration evaluation in each of R resamples: (R,) float32 by the metric's name.

    "rms_calibration_error_without_last_bin" is there only with at least two bins of 100.

    Args:
        logits: (N, K).
        labels: (N,) whole numbers in 0..K-1.
        generator: a CPU generator.
        bins: bins of equal width or equal mass.
        resamples: the number of resamples.

    Raises:
        BadValueError: a shape is wrong, a logit is not finite, or a label lies outside the classes.
    """
    right = hits(logits, labels).double()
    confidence = top_label(logits)
    means = {
        "accuracy": right,
        "brier": brier_each(logits, labels),
        "brier_top_label": (confidence - right).square(),
        "nll": nll_each(logits, labels),
    }
    columns = torch.stack(list(means.values()), 1).float()
    binned = _Binned(confidence, right, bins)
    linear = {"smooth_ece": smooth_gaps(confidence, right), "classwise_ece": classwise_gaps(logits, labels, bins)}
    blocks = [
        dict(zip(means, (weights @ columns / len(right)).unbind(1), strict=True))
        | binned.of(weights)
        | {name: linear_draws(error, weights) for name, error in linear.items()}
        for weights in bootstrap_blocks(len(right), resamples, generator)
    ]
    found = {name: torch.cat([block[name] for block in blocks]) for name in blocks[0]}
    refinement = found["brier_top_label"] - found["brier_calibration"]
    return found | {"brier_refinement": refinement.clamp(min=0)}


class _Binned:
    """The binned metrics of resamples, for confidence and right (N,) float64."""

    def __init__(self, confidence: Tensor, right: Tensor, bins: int) -> None:
        ordered, self.order = confidence.sort(stable=True)
        self.n = len(ordered)
        self.error = (right[self.order] - ordered).float()
        _, counts = torch.unique_consecutive(ordered, return_counts=True)
        self.groups = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        self.width, self.mass = equal_width(ordered, bins), equal_mass(self.n, bins)
        self.size = of_size(self.n, BIN_SIZE)

    def of(self, weights: Tensor) -> dict[str, Tensor]:
        """The metrics of resamples with those weights (R, N)."""
        ordered = weights.index_select(1, self.order)
        counts, errors = _running(ordered), _running(ordered * self.error)
        held, gaps = self._sums(counts, self.width), self._sums(errors, self.width)
        squares = (gaps.square() / held.clamp(min=1)).sum(1) / self.n
        of_size, in_size = self._sums(errors, self.size), self._sums(counts, self.size)
        parts = torch.where(in_size > 0, of_size.square() / in_size, 0) / self.n
        found = {
            "ece": gaps.abs().sum(1) / self.n,
            "adaptive_ece": self._sums(errors, self.mass).abs().sum(1) / self.n,
            "max_calibration_error": (gaps.abs() / held.clamp(min=1)).amax(1).clamp(max=1),
            "rms_calibration_error": parts.sum(1).sqrt(),
            "brier_calibration": squares,
        }
        if self.n >= 2 * BIN_SIZE:
            found["rms_calibration_error_without_last_bin"] = parts[:, :-1].sum(1).sqrt()
        return {name: values.float() for name, values in found.items()}

    def _sums(self, running: Tensor, ends: Tensor) -> Tensor:
        """Sums over each bin from running sums (R, N + 1): (R, B) float64.

        Inside a group of equal confidences a running sum rises evenly: so each bin gets its share of the group.
        """
        group = torch.searchsorted(self.groups, ends, right=True) - 1
        first, last = self.groups[group], self.groups[(group + 1).clamp(max=len(self.groups) - 1)]
        share = (ends - first) / (last - first).clamp(min=1).double()
        low, high = running.index_select(1, first).double(), running.index_select(1, last).double()
        at_ends = low + share * (high - low)
        return at_ends.diff(dim=1, prepend=at_ends.new_zeros(len(at_ends), 1))


def _running(values: Tensor) -> Tensor:
    return torch.nn.functional.pad(values.cumsum(1), (1, 0))
