"""The monitoring page's answer, from tables made by hand."""

from assay.analysis.measures import Cell
from assay.report.monitoring import Alarm, Grid
from assay.report.monitoring_answer import sentences

NOTHING = Grid(title="", rows=(), columns=(), metrics=(), better=(), cells=())


def grid(title: str, columns: tuple[str, ...], **rows: tuple[float | None, ...]) -> Grid:
    return Grid(
        title=title,
        rows=tuple(rows),
        columns=columns,
        metrics=("auroc",) * len(columns),
        better=(True,) * len(columns),
        cells=tuple(tuple(Cell(value=value, n=10) for value in values) for values in rows.values()),
    )


def alarm(score: str, wanted: float, caught: dict[str, float | None]) -> Alarm:
    return Alarm(
        recipe="baseline",
        score=score,
        wanted=wanted,
        threshold=Cell(value=1.0),
        promised=Cell(value=wanted, low=0.0, high=0.1),
        found=Cell(value=wanted + 0.002),
        caught=tuple((name, Cell(value=value)) for name, value in caught.items()),
    )


def test_the_best_score_of_each_kind_of_set_and_its_hardest_set() -> None:
    columns = ("near: mean", "near: kmnist", "near: glyphs", "far: fashion_mnist", "odd")
    table = grid(
        "baseline",
        columns,
        msp=(0.85, 0.95, 0.75, 0.9, 1.0),
        vim=(0.9, 0.9, 0.9, 0.8, 0.0),
        knn=(None, None, 1, None, 1),
    )
    other = grid("zzz", columns, msp=(0, 0, 0, 0, 0), vim=(1, 1, 1, 1, 1))
    (found,) = sentences([other, table], NOTHING, [])
    assert found == (
        "Of the scores of baseline, vim finds near outliers best: AUROC 90.0 % in the mean, 90.0 % on its hardest set, "
        "kmnist; msp finds far outliers best: AUROC 90.0 % on fashion mnist."
    )
    assert sentences([grid("one", columns, msp=(1, 1, 1, 1, 1))], NOTHING, []) == []


def test_what_calibration_gives_and_costs() -> None:
    rows = {
        "baseline": (0.03, 0.9, 0.8),
        "temperature": (0.02, 0.8, 0.8),
        "matrix": (0.025, 0.9, 0.9),
        "bbq": (0.01, None, 0.99),
        "swag": (0.05, 0.1, 0.1),  # no calibrator
        "mixup(alpha=1)": (0.04, 0.7, 0.7),
        "mixup(alpha=1) > histogram(bins=5)": (0.06, 0.6, 0.6),
    }
    table = grid("", ("nll", "AUROC of msp, kmnist", "AUROC of msp, blobs"), **rows)
    lowest, first, second = sentences([], table, [])
    assert lowest == "bbq has the lowest NLL, 0.0100."
    assert first == (
        "MSP of baseline has an AUROC of 85.0 % on 2 outlier sets, 80.0 % after temperature and 90.0 % after matrix."
    )
    assert second == ("MSP of mixup(alpha=1) has an AUROC of 70.0 % on 2 outlier sets, 60.0 % after histogram(bins=5).")


def test_the_threshold_that_catches_most_at_the_largest_rate() -> None:
    made = [
        alarm("msp", 0.05, {"kmnist": 0.5, "blobs": 0.7}),
        alarm("max_logit", 0.05, {"kmnist": 0.6, "blobs": 0.8}),
        alarm("vim", 0.05, {"kmnist": 1.0, "blobs": None}),
        alarm("knn", 0.01, {"kmnist": 1.0, "blobs": 1.0}),
    ]
    (found,) = sentences([], NOTHING, made)
    assert "that of max logit on baseline catches most: 70.0 % of an outlier set in the mean, 60.0 % of kmnist" in found
    assert "while it flags 5.2 % of the test images" in found
    assert sentences([], NOTHING, made[2:3]) == []
