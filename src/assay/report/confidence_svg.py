"""How sure a model is: the histogram of its confidences as inline SVG, with their mean and the accuracy.

After Guo et al. 2017, On calibration of modern neural networks, figure 1. Deviations: counts are on a logarithmic axis
and those of wrong answers are drawn apart, since nearly all answers of a good model lie in the last bar, and the few
wrong ones of high confidence are what matters.
"""

from collections.abc import Sequence
from math import ceil, log10

from markupsafe import Markup
from torch import Tensor

from assay.metrics.accuracy import hits
from assay.metrics.calibration import confidence_histogram, top_label
from assay.report.lines_svg import Axis, Line, Mark, lines_svg
from assay.report.score_histogram import steps

RIGHT, WRONG = "right answers", "wrong answers"
NAMES = (RIGHT, WRONG)
NONE = -0.3  # below a count of one on the logarithmic axis

_CONFIDENCES = Axis(title="confidence", low=0, high=1, ticks=[(k / 4, f"{25 * k} %" if k else "0") for k in range(5)])


def confidence_svg(logits: Tensor, labels: Tensor, label: str) -> Markup:
    """The histogram for logits (N, K) and labels (N,); the dashed line is the mean confidence, the other accuracy."""
    confidence, right = top_label(logits), hits(logits, labels)
    counts = confidence_histogram(confidence, right)
    top = ceil(log10(max(int(own.max()) for own in counts)))
    y = Axis(title="images", low=NONE, high=max(top, 1), ticks=[(k, f"{10**k:,}") for k in range(max(top, 1) + 1)])
    lines = [
        Line(name=name, points=steps(_logarithms(own.tolist()), 0, 1), area=True)
        for name, own in zip(NAMES, counts, strict=True)
    ]
    share, mean = float(right.double().mean()), float(confidence.mean())
    marks = [
        Mark(x=share, text=f"accuracy {100 * share:.1f} %", dashed=False),
        Mark(x=mean, text=f"mean confidence {100 * mean:.1f} %"),
    ]
    return lines_svg(lines, NAMES, _CONFIDENCES, y, label, marks=marks)


def _logarithms(counts: Sequence[int]) -> list[float]:
    return [log10(count) if count else NONE for count in counts]
