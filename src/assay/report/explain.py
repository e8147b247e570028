"""What each number means: its name for people, its unit, how it is computed and where it comes from."""

from dataclasses import dataclass

from assay.analysis.measures import Measure

PERCENT, PLAIN = "percent", "plain"
MINUS, MISSING = "−", "not measured"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric as the report presents it.

    Attributes:
        label: its name for people.
        text: what is computed, in a sentence.
        source: author, year and title, or "".
        unit: PERCENT for proportions (shown times 100), PLAIN otherwise.
        digits: decimals shown.
    """

    label: str
    text: str
    source: str = ""
    unit: str = PLAIN
    digits: int = 3


_GUO = "Guo et al. 2017, On calibration of modern neural networks"
_HENDRYCKS = "Hendrycks and Dietterich 2019, Benchmarking neural network robustness to common corruptions"

METRICS: dict[str, Metric] = {
    "accuracy": Metric(
        label="accuracy",
        text="the share of images classified rightly. Under attack=worst_case an image counts only if no attack at "
        "that budget or a smaller one fools the model; under a single attack's name, if that attack alone does not",
        source="Carlini et al. 2019, On evaluating adversarial robustness; Mu and Gilmer 2019, MNIST-C",
        unit=PERCENT,
        digits=1,
    ),
    "mean_accuracy": Metric(
        label="mean accuracy",
        text="the mean of the accuracies over all budgets of the attack, or over all corruptions",
        source="Mu and Gilmer 2019, MNIST-C: a robustness benchmark for computer vision",
        unit=PERCENT,
        digits=1,
    ),
    "queries_per_image": Metric(
        label="queries an image",
        text="passes forward that the attack spent on an image, over all budgets; those with a gradient count too",
        digits=1,
    ),
    "gradients_per_image": Metric(
        label="gradients an image",
        text="gradients that the attack spent on an image, over all budgets",
        digits=1,
    ),
    "mce": Metric(
        label="mCE",
        text="mean corruption error: the mean over corruptions of the error divided by the baseline's error; the "
        "baseline is 1 by definition, so differences are to 1",
        source=_HENDRYCKS,
        digits=2,
    ),
    "relative_mce": Metric(
        label="relative mCE",
        text="as mCE with the rise in error over the clean images in place of the error",
        source=_HENDRYCKS,
        digits=2,
    ),
    "auroc": Metric(
        label="AUROC",
        text="the probability that an anomalous image gets a higher anomaly score than an ordinary one; 50 % is chance",
        source="Hendrycks and Gimpel 2017, A baseline for detecting misclassified and out-of-distribution examples; "
        "DeLong et al. 1988, Comparing the areas under correlated ROC curves",
        unit=PERCENT,
        digits=1,
    ),
    "aupr": Metric(
        label="AUPR",
        text="the area under precision against recall, anomaly = positive; chance is the base rate",
        source="Davis and Goadrich 2006, The relationship between precision-recall and ROC curves",
        unit=PERCENT,
        digits=1,
    ),
    "fpr95": Metric(
        label="FPR at 95 % TPR",
        text="the share of ordinary images that raise an alarm where 95 % of the anomalous ones do",
        source="Hendrycks, Mazeika and Dietterich 2019, Deep anomaly detection with outlier exposure",
        unit=PERCENT,
        digits=1,
    ),
    "base_rate": Metric(
        label="base rate", text="the share of anomalous images among all, which AUPR depends on", unit=PERCENT, digits=1
    ),
    "aurc": Metric(
        label="AURC",
        text="the area under the risk-coverage curve: the mean, over thresholds on the score, of the share of errors "
        "among the images that are answered",
        source="Geifman and El-Yaniv 2017, Selective classification for deep neural networks",
        digits=4,
    ),
    "excess_aurc": Metric(
        label="excess AURC",
        text="AURC less that of a score that puts every error above every right answer",
        source="Geifman, Uziel and El-Yaniv 2019, Bias-reduced uncertainty estimation for deep neural classifiers",
        digits=4,
    ),
    "failure_auroc": Metric(
        label="AUROC of errors",
        text="the probability that an image that the model gets wrong has a higher score than one it gets right",
        source="Hendrycks and Gimpel 2017, A baseline for detecting misclassified and out-of-distribution examples",
        unit=PERCENT,
        digits=1,
    ),
    "selective_accuracy": Metric(
        label="accuracy on what is answered",
        text="the accuracy on the share of test images (coverage) with the lowest scores, ties answered together",
        source="Geifman and El-Yaniv 2017, Selective classification for deep neural networks",
        unit=PERCENT,
        digits=1,
    ),
    "threshold": Metric(
        label="threshold",
        text="flag images whose score is at or above it; chosen on validation images for a wanted false positive rate",
        digits=4,
    ),
    "promised_false_positive_rate": Metric(
        label="promised false positive rate",
        text="the rate that the threshold has in expectation, with the interval that holds 95 % of the rates on test "
        "sets of this size",
        source="Vovk, Gammerman and Shafer 2005, Algorithmic learning in a random world",
        unit=PERCENT,
        digits=1,
    ),
    "false_positive_rate": Metric(
        label="false positive rate",
        text="the share of test images that the threshold flags",
        unit=PERCENT,
        digits=1,
    ),
    "caught": Metric(
        label="caught", text="the share of an outlier set that the threshold flags", unit=PERCENT, digits=1
    ),
    "mean_ece": Metric(label="mean ECE", text="the mean of the ECE over corruptions", digits=4),
    "mean_nll": Metric(label="mean NLL", text="the mean of the NLL over corruptions", digits=4),
    "mean_brier": Metric(label="mean Brier score", text="the mean of the Brier score over corruptions", digits=4),
    "mean_auroc": Metric(
        label="mean AUROC",
        text="the mean over corruptions of the AUROC of outliers against corrupted test images",
        source="Ovadia et al. 2019, Can you trust your model's uncertainty?",
        unit=PERCENT,
        digits=1,
    ),
    "ece": Metric(
        label="ECE",
        text="expected calibration error: the mean distance between confidence and accuracy over bins of equal width, "
        "weighted by their counts",
        source=f"Naeini et al. 2015, Obtaining well calibrated probabilities using Bayesian binning; {_GUO}",
        digits=4,
    ),
    "adaptive_ece": Metric(
        label="adaptive ECE",
        text="as ECE, over bins that hold equally many images",
        source="Nguyen and O'Connor 2015, Posterior calibration and exploratory analysis for NLP models",
        digits=4,
    ),
    "smooth_ece": Metric(
        label="smooth ECE",
        text="the mean distance between confidence and accuracy, not over bins but smoothed by a kernel as wide as "
        "that distance",
        source="Blasiok and Nakkiran 2023, Smooth ECE: principled reliability diagrams via kernel smoothing",
        digits=4,
    ),
    "classwise_ece": Metric(
        label="classwise ECE",
        text="as ECE, of every class's probability, not of the predicted class's alone; the mean over classes",
        source="Kull et al. 2019, Beyond temperature scaling: obtaining well-calibrated multiclass probabilities with "
        "Dirichlet calibration",
        digits=4,
    ),
    "max_calibration_error": Metric(
        label="max calibration error",
        text="the largest distance between confidence and accuracy in any bin",
        source="Naeini et al. 2015, Obtaining well calibrated probabilities using Bayesian binning",
    ),
    "rms_calibration_error": Metric(
        label="RMS calibration error",
        text="the root of the mean squared distance between confidence and accuracy over bins of 100 images",
        source="Hendrycks, Mazeika and Dietterich 2019, Deep anomaly detection with outlier exposure",
        digits=4,
    ),
    "rms_calibration_error_without_last_bin": Metric(
        label="RMS calibration error without the last bin",
        text="as RMS calibration error, leaving out the most confident bin as widely copied code does; only to compare "
        "with published numbers",
        digits=4,
    ),
    "brier": Metric(
        label="Brier score",
        text="the squared distance between the probabilities and the one-hot label, summed over classes",
        source="Brier 1950, Verification of forecasts expressed in terms of probability",
        digits=4,
    ),
    "brier_top_label": Metric(
        label="Brier score of the top label",
        text="the mean of (confidence - correct)²",
        source="Brier 1950, Verification of forecasts expressed in terms of probability",
        digits=4,
    ),
    "brier_calibration": Metric(
        label="Brier score: calibration",
        text="the part of the top label's Brier score that confidence being off explains",
        source="Murphy 1973, A new vector partition of the probability score",
        digits=4,
    ),
    "brier_refinement": Metric(
        label="Brier score: refinement",
        text="the part of the top label's Brier score that remains with perfect calibration",
        source="Murphy 1973, A new vector partition of the probability score",
        digits=4,
    ),
    "nll": Metric(
        label="NLL",
        text="negative log-likelihood: the mean of -log of the probability given to the right class, in nats",
        source="Gneiting and Raftery 2007, Strictly proper scoring rules, prediction, and estimation",
        digits=4,
    ),
}

INTERVALS: dict[str, str] = {
    "beta-binomial": "beta-binomial prediction of a rate from its rank among validation scores",
    "wilson": "Wilson's score interval of a proportion (Wilson 1927)",
    "bootstrap": "percentile bootstrap over the test images (Efron and Tibshirani 1993)",
    "delong": "DeLong's interval of an AUROC (DeLong et al. 1988)",
    "student t across seeds": "Student's t over the seeds",
    "": "no interval",
}


def metric_of(name: str) -> Metric:
    """How the report presents a metric; one that it does not know keeps its own name."""
    return METRICS.get(name) or Metric(label=name.replace("_", " "), text="a number of an evaluation of your own")


def interval_text(name: str) -> str:
    """How an interval was made, in words."""
    return INTERVALS.get(name, name)


def arrow(higher_is_better: bool | None) -> str:
    """The direction in which a metric gets better: ↑, ↓ or nothing."""
    return "" if higher_is_better is None else "↑" if higher_is_better else "↓"


def show(metric: str, value: float | None, *, unit: bool = True) -> str:
    """A value as people read it, such as "97.3 %" or "0.0121"; a missing one reads "not measured"."""
    if value is None:
        return MISSING
    known = metric_of(metric)
    if known.unit == PERCENT:
        return f"{100 * value:.{known.digits}f}{' %' if unit else ''}"
    return f"{value:.{known.digits}f}".replace("-", MINUS)


def show_interval(metric: str, low: float | None, high: float | None) -> str:
    """An interval such as "96.9–97.6", or "" where there is none."""
    if low is None or high is None:
        return ""
    return f"{show(metric, low, unit=False)}–{show(metric, high, unit=False)}"


def show_difference(metric: str, value: float | None, *, unit: bool = False) -> str:
    """A signed difference such as "+1.2" (points of percent) or "−0.0121"."""
    if value is None:
        return ""
    known = metric_of(metric)
    percent = known.unit == PERCENT
    text = f"{abs(value) * (100 if percent else 1):.{known.digits}f}"
    sign = "±" if float(text) == 0 else "+" if value > 0 else MINUS
    return f"{sign}{text}{' points' if unit and percent else ''}"


def title_of(measure: Measure) -> str:
    """A measure in words, such as "accuracy, attack=fgsm, eps=0.3"."""
    setting = ", ".join(f"{key}={value}" for key, value in measure.setting.items())
    return ", ".join(part for part in (metric_of(measure.metric).label, setting) if part)
