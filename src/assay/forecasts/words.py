"""What each score is called, what it means, and how its numbers are written."""

import math
from typing import NamedTuple

from assay.forecasts.scores import CLIMATOLOGY, GIVEN, QUANTILES, UNIFORM, Score


class Meaning(NamedTuple):
    """A metric's name for people, and what is computed, with its source."""

    label: str
    text: str


MEANINGS = {
    "brier": Meaning(
        "Brier score",
        "Mean of (p − y)² over forecasts, p stated and y 1 where it happened, else 0; of all classes the sum over "
        "classes, in [0, 2], so that two classes give twice the score of one event (Brier 1950).",
    ),
    "brier_calibration": Meaning(
        "calibration",
        "The part of the Brier score that is due to stated probabilities being off, over the bins of the ECE; "
        "calibration + refinement = Brier score. Also called reliability.",
    ),
    "brier_refinement": Meaning(
        "refinement",
        "The rest of the Brier score: what remains after perfect recalibration of the bins; "
        "refinement = uncertainty − resolution + within bins.",
    ),
    "brier_uncertainty": Meaning(
        "uncertainty", "The Brier score of always stating the base rate; a property of the outcomes (Murphy 1973)."
    ),
    "brier_resolution": Meaning(
        "resolution", "How far the shares that happened differ between bins (Murphy 1973); higher is better."
    ),
    "brier_within_bins": Meaning(
        "within bins",
        "What different probabilities inside a bin add or take; makes the sum exact (Stephenson, Coelho and "
        "Jolliffe 2008).",
    ),
    "log_score": Meaning(
        "Log score",
        "Mean of −ln p in nats, p what was stated for what happened (Good 1952). Nothing is clipped: infinite where "
        "what was given the probability 0 happened.",
    ),
    "rms_calibration_error": Meaning(
        "RMS calibration error",
        "Root mean square distance of stated probability and share that happened, over bins of 100 forecasts in "
        "order of probability (Hendrycks, Mazeika and Dietterich 2019). Chance alone lifts it above 0.",
    ),
    "ece": Meaning(
        "ECE",
        "Expected calibration error: mean distance of stated probability and share that happened, over 15 bins of "
        "equal width (Naeini, Cooper and Hauskrecht 2015). Chance alone lifts it above 0.",
    ),
    "base_rate": Meaning("Base rate", "The share of rows in which it happened."),
    "mean_probability": Meaning("Mean probability", "The mean of what was stated; without a bias, the base rate."),
    "accuracy": Meaning(
        "Accuracy", "The share of rows in which the class of the largest probability came (the first of equal ones)."
    ),
    "coverage": Meaning(
        "Coverage", "The share of outcomes inside their interval, ends included; calibrated where it is the level."
    ),
    "interval_score": Meaning(
        "Interval score",
        "Mean of (high − low) + 2/(1 − level) × the distance by which the outcome lies outside, in the units of the "
        "outcome (Gneiting and Raftery 2007).",
    ),
    "mean_width": Meaning("Mean width", "Mean of high − low, in the units of the outcome; narrow is not good alone."),
}  # fmt: skip
SKILL = Meaning("Skill", "1 − score / score of the baseline: 1 is perfect, 0 as good as the baseline, below 0 worse.")
BASELINES = {
    CLIMATOLOGY: "climatology states for every row the shares of these outcomes (in-sample: it knows them beforehand)",
    UNIFORM: "uniform states the same probability for everything: 1/2 for an event, 1/K for each of K classes",
    QUANTILES: "quantiles states for every row the empirical quantiles (1 − level)/2 and (1 + level)/2 of the "
    "level's outcomes (in-sample: it knows them beforehand)",
}  # fmt: skip
WHO = {GIVEN: "forecasts", CLIMATOLOGY: "climatology", UNIFORM: "uniform", QUANTILES: "quantiles"}
PARTS = tuple(name for name in MEANINGS if name.startswith("brier_"))  # of the Brier score
IN_UNITS = ("mean_width", "interval_score")  # in the units of the outcome, whatever their size


def label(metric: str) -> str:
    """A metric's name for people."""
    return MEANINGS[metric].label


def arrow(higher: bool | None) -> str:
    """The direction: ↑ higher is better, ↓ lower is better, "" for none."""
    return "" if higher is None else "↑" if higher else "↓"


def number(value: float, metric: str = "") -> str:
    """A value as people read it: four decimals, or four figures in the units of the outcome; a real minus."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    digits = 4 if metric not in IN_UNITS or value == 0 else 3 - math.floor(math.log10(abs(value)))
    text = f"{value:.3e}" if digits > 8 else f"{value:,.{max(digits, 0)}f}"
    text = text.removeprefix("-") if float(text.replace(",", "")) == 0 else text
    return text.replace("-", "−")


def value(row: Score) -> str:
    """The value of a row, "–" where there is none."""
    return "–" if row.value is None else number(row.value, row.metric)


def interval(row: Score) -> str:
    """The interval of a row in brackets, or ""."""
    if row.low is None or row.high is None:
        return ""
    return f"[{number(row.low, row.metric)}, {number(row.high, row.metric)}]"
