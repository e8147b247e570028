"""Calibration errors and calibrators beside netcal, in one run.

    make bench-monitoring

A `lenet5` trained for an epoch, and 10,000 test images of MNIST: every other one fits the calibrators, and the rest is
calibrated and measured. Both libraries get the same outputs: ours logits, netcal their softmax, ready made. Seconds of
the processor with one thread, the median of several rounds: of a metric once, of a calibrator's fit and of calibrating
the other half. Beside them what came: the metric, or the NLL of the calibrated half, with its ECE in brackets; and how
far the two are apart, of NLLs on the images where neither is infinite.

The metrics, temperature scaling and isotonic regression are defined alike, but that our isotonic regression leaves each
class at least 1 / (K (n + 2)), so that the NLL of no image is infinite. The others share the name alone: netcal's
`LogisticCalibration` weighs log-probabilities where vector scaling weighs logits; its histogram binning and BBQ have
bins of equal width where ours, as in the papers, have equal mass; its BBQ weighs binnings by the BIC, ours, as in the
paper, by the marginal likelihood.
"""

import argparse
import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from assay.classifier import predict_logits
from assay.data import load
from assay.fit import fit
from assay.metrics.calibration import (
    BINS,
    adaptive_calibration_error,
    expected_calibration_error,
    max_calibration_error,
    top_label,
)
from assay.metrics.classwise import classwise_calibration_error
from assay.posthoc import BBQ, Calibrator, Histogram, Isotonic, Temperature, Vector
from assay.recipe import Recipe, Train

SHORT = Train(epochs=1, batch_size=50, learning_rate=1e-3, images=15_000)
ROUNDS = 5
Found = float | Tensor  # a metric, or calibrated log-probabilities (N, K)


class Half(NamedTuple):
    """Logits (N, K) float64 and labels (N,), and what netcal takes: probabilities and labels as arrays."""

    logits: Tensor
    labels: Tensor
    p: np.ndarray
    y: np.ndarray


class Netcal(NamedTuple):
    """netcal's modules; scaling is None where pyro is missing."""

    metrics: ModuleType
    binning: ModuleType
    scaling: ModuleType | None


class Pair(NamedTuple):
    """The same work in both libraries; theirs needs the scaling or not."""

    ours: Callable[[], Found]
    theirs: Callable[[Netcal], Found]
    scaling: bool = False


def netcal() -> Netcal:
    """Import netcal (Küppers et al. 2020).

    Its scaling imports tensorboard, which only writes a fit's course where told to: an empty module stands in for it.
    """
    metrics, binning = (importlib.import_module(f"netcal.{name}") for name in ("metrics", "binning"))
    try:
        importlib.import_module("pyro")
    except ImportError as error:
        print(f"scaling is not compared: {error}; make bench-monitoring installs it")
        return Netcal(metrics, binning, None)
    empty: Any = ModuleType("torch.utils.tensorboard")
    empty.SummaryWriter = None
    sys.modules["torch.utils.tensorboard"] = empty
    return Netcal(metrics, binning, importlib.import_module("netcal.scaling"))


def metrics(half: Half) -> dict[str, Pair]:
    """The metrics that both have; told of a detection, netcal takes the predicted class's confidence."""
    confidence, right = top_label(half.logits), half.logits.argmax(1) == half.labels
    c, r = confidence.numpy(), right.numpy().astype(int)

    def of(kind: str, **settings: Any) -> Callable[[Netcal], float]:
        return lambda other: float(getattr(other.metrics, kind)(bins=BINS, detection=True, **settings).measure(c, r))

    def classwise(other: Netcal) -> float:
        error = other.metrics.ECE(bins=BINS, detection=True)
        return float(np.mean([error.measure(p, (half.y == k).astype(int)) for k, p in enumerate(half.p.T)]))

    return {
        "ece": Pair(lambda: expected_calibration_error(confidence, right), of("ECE")),
        "max_calibration_error": Pair(lambda: max_calibration_error(confidence, right), of("MCE")),
        "adaptive_ece": Pair(lambda: adaptive_calibration_error(confidence, right), of("ECE", equal_intervals=False)),
        "classwise_ece": Pair(lambda: classwise_calibration_error(half.logits, half.labels), classwise),
    }


def calibrators(fitted: Half, half: Half) -> dict[str, Pair]:
    """The calibrators that both have: fitted to one half, they calibrate the other."""

    def pair(part: Calibrator, module: str, kind: str) -> Pair:
        scaling = module == "scaling"
        settings = {"tensorboard": False} if scaling else {}

        def theirs(other: Netcal) -> Tensor:
            fit = getattr(getattr(other, module), kind)().fit(fitted.p, fitted.y, **settings)
            return torch.from_numpy(fit.transform(half.p)).log()

        return Pair(lambda: part.fit_logits(fitted.logits, fitted.labels)(half.logits).log_softmax(1), theirs, scaling)

    return {
        "temperature": pair(Temperature(), "scaling", "TemperatureScaling"),
        "vector": pair(Vector(), "scaling", "LogisticCalibration"),
        "isotonic": pair(Isotonic(), "binning", "IsotonicRegression"),
        "histogram": pair(Histogram(), "binning", "HistogramBinning"),
        "bbq": pair(BBQ(), "binning", "BBQ"),
    }


def timed(work: Callable[[], Found]) -> tuple[float, Found]:
    """The median of the processor's seconds, and what came; without the bars that netcal draws."""
    seconds: list[float] = []
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):  # noqa: PTH123
        for _ in range(ROUNDS):
            start = time.process_time()
            found = work()
            seconds.append(time.process_time() - start)
    return median(seconds), found


def text(found: Found, half: Half) -> str:
    """The metric; or of calibrated log-probabilities the NLL, and the ECE in brackets."""
    if isinstance(found, float):
        return f"{found:9.5f}          "
    confidence, predicted = found.exp().max(1)
    ece = expected_calibration_error(confidence.clamp(max=1), predicted == half.labels)
    return f"{float(losses(found, half).mean()):9.5f} ({ece:.4f}) "


def losses(found: Tensor, half: Half) -> Tensor:
    """The NLL of each image, infinite where its label has a probability of 0."""
    return -found.gather(1, half.labels[:, None])


def apart(mine: Found, found: Found, half: Half) -> float:
    """Between the metrics, or between the mean NLLs of the images of which both are finite."""
    if isinstance(mine, float) or isinstance(found, float):
        return abs(float(mine) - float(found))
    difference = losses(mine, half) - losses(found, half)
    return abs(float(difference[difference.isfinite()].mean()))


def line(name: str, pair: Pair, other: Netcal | None, half: Half) -> str:
    """One row of the table."""
    seconds, mine = timed(pair.ours)
    row = f"{name:22}{1000 * seconds:9.1f}   {text(mine, half)}"
    if other is None or (pair.scaling and other.scaling is None):
        return row
    more, found = timed(lambda: pair.theirs(other))
    return f"{row}{1000 * more:9.1f}   {text(found, half)}{seconds / more:8.2f} x{apart(mine, found, half):10.1e}"


def halves() -> tuple[Half, Half]:
    """The outputs of a model trained shortly, on every other test image each."""
    model, test = fit(Recipe(train=SHORT), load("mnist", "train"), seed=0).model, load("mnist", "test")
    z = predict_logits(model, test.x).double()

    def half(rows: slice) -> Half:
        return Half(z[rows], test.y[rows], z[rows].softmax(1).numpy(), test.y[rows].numpy())

    return half(slice(0, None, 2)), half(slice(1, None, 2))


def main() -> None:
    """Train a model shortly, and print milliseconds and results of each metric and calibrator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    try:
        other = netcal()
    except ImportError as error:
        print(f"not compared: {error}; make bench-monitoring installs it")
        other = None
    fitted, half = halves()
    print(f"{'':22}{'ours ms':>9}   {'metric, or NLL (ECE)':20}{'netcal ms':>9}{'':23}{'of theirs':>10}{'apart':>10}")
    for name, pair in (metrics(half) | calibrators(fitted, half)).items():
        print(line(name, pair, other, half), flush=True)


if __name__ == "__main__":
    main()
