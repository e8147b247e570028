"""The scores by hand, against scikit-learn, and at the edges."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

import assay
from assay.forecasts.scores import COLUMNS, Score, Scores
from assay.metrics.intervals import wilson

RANDOM = np.random.default_rng(0)


def event(p: list[float], y: list[int]) -> Scores:
    return assay.score_forecasts(pd.DataFrame({"probability": p, "outcome": y}))


def row(scores: Scores, of: str, metric: str, forecast: str = "given", against: str = "") -> Score:
    found = scores.find(of, metric, forecast, against)
    assert found is not None, (of, metric, forecast, against)
    return found


def value(scores: Scores, of: str, metric: str, forecast: str = "given", against: str = "") -> float:
    found = row(scores, of, metric, forecast, against).value
    assert found is not None
    return found


def classes(n: int = 400) -> pd.DataFrame:
    p = RANDOM.dirichlet([1, 1, 1], n)
    outcome = (p.cumsum(1) < RANDOM.random((n, 1))).sum(1).clip(0, 2)
    return pd.DataFrame({"p_a": p[:, 0], "p_b": p[:, 1], "p_c": p[:, 2], "outcome": np.array(list("abc"))[outcome]})


def test_event_by_hand() -> None:
    # Squares .04, .09, .04, .36: mean .1325. Base rate 1/2: .25. Skill 1 - .1325 / .25 = .47.
    found = event([0.8, 0.3, 0.8, 0.4], [1, 0, 1, 1])
    assert value(found, "event", "brier") == pytest.approx((0.04 + 0.09 + 0.04 + 0.36) / 4)
    assert value(found, "event", "brier", "climatology") == pytest.approx(0.75 * 0.25)
    assert value(found, "event", "brier", "uniform") == 0.25
    assert value(found, "event", "brier_skill", against="uniform") == pytest.approx(1 - 0.1325 / 0.25)
    assert value(found, "event", "brier_skill", against="climatology") == pytest.approx(1 - 0.1325 / 0.1875)
    logs = -(2 * math.log(0.8) + math.log(0.7) + math.log(0.4)) / 4
    assert value(found, "event", "log_score") == pytest.approx(logs)
    assert value(found, "event", "log_score", "uniform") == pytest.approx(math.log(2))
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert value(found, "event", "log_score", "climatology") == pytest.approx(entropy)
    # Bins of 0.3, 0.4 and 0.8 (twice): gaps -.3, +.6 and +.2, with shares 1/4, 1/4 and 1/2.
    assert value(found, "event", "ece") == pytest.approx(0.25 * 0.3 + 0.25 * 0.6 + 0.5 * 0.2)
    assert value(found, "event", "brier_calibration") == pytest.approx(0.25 * 0.09 + 0.25 * 0.36 + 0.5 * 0.04)
    # One bin of 100 holds all: mean of y - p = 3/4 - 2.3/4.
    assert value(found, "event", "rms_calibration_error") == pytest.approx(0.175)
    assert value(found, "event", "base_rate") == 0.75
    assert value(found, "event", "mean_probability") == pytest.approx(0.575)


def test_event_equals_sklearn_and_its_intervals_hold_it() -> None:
    p = RANDOM.random(500)
    y = (RANDOM.random(500) < p).astype(int)
    found = event(p.tolist(), y.tolist())
    assert value(found, "event", "brier") == pytest.approx(brier_score_loss(y, p), abs=1e-12)
    assert value(found, "event", "log_score") == pytest.approx(log_loss(y, p), abs=1e-12)
    for item in found.rows:
        assert item.value is not None
        if item.interval:
            assert item.low is not None
            assert item.high is not None
            assert item.low <= item.value <= item.high
    # The bootstrap's standard error of a mean is the sample's.
    assert half_width(row(found, "event", "brier")) == pytest.approx(standard_error((p - y) ** 2), rel=0.1)


def test_means_of_classes_have_the_intervals_of_means() -> None:
    frame = classes()
    found = assay.score_forecasts(frame)
    squares = [(frame[f"p_{name}"] - (frame["outcome"] == name)) ** 2 for name in "abc"]
    for name, each in zip("abc", squares, strict=True):
        assert half_width(row(found, f"class {name}", "brier")) == pytest.approx(standard_error(each), rel=0.1)
    expected = standard_error(squares[0] + squares[1] + squares[2])
    assert half_width(row(found, "all classes", "brier")) == pytest.approx(expected, rel=0.1)
    p, names = frame[["p_a", "p_b", "p_c"]].to_numpy(), np.array(list("abc"))
    wrong = (p.max(1) - (names[p.argmax(1)] == frame["outcome"])) ** 2
    assert half_width(row(found, "top label", "brier")) == pytest.approx(standard_error(wrong), rel=0.1)


def half_width(item: Score) -> float:
    assert item.low is not None
    assert item.high is not None
    return (item.high - item.low) / (2 * 1.96)


def standard_error(each: Any) -> float:
    return float(np.std(np.asarray(each)) / math.sqrt(len(each)))


def test_the_parts_sum_to_the_score() -> None:
    found = assay.score_forecasts(classes())
    for of in ("all classes", "top label"):
        calibration, refinement = value(found, of, "brier_calibration"), value(found, of, "brier_refinement")
        assert calibration + refinement == pytest.approx(value(found, of, "brier"), abs=1e-12)
        parts = value(found, of, "brier_uncertainty") - value(found, of, "brier_resolution")
        assert parts + value(found, of, "brier_within_bins") == pytest.approx(refinement, abs=1e-12)
    summed = sum(value(found, f"class {name}", "brier") for name in "abc")
    assert summed == pytest.approx(value(found, "all classes", "brier"), abs=1e-12)
    # The uncertainty is the climatology's score.
    uncertainty = value(found, "all classes", "brier_uncertainty")
    assert uncertainty == pytest.approx(value(found, "all classes", "brier", "climatology"), abs=1e-12)


def test_classes_equal_sklearn() -> None:
    frame = classes()
    p, names = frame[["p_a", "p_b", "p_c"]].to_numpy(), np.array(list("abc"))
    found = assay.score_forecasts(frame)
    assert value(found, "all classes", "log_score") == pytest.approx(log_loss(frame["outcome"], p), abs=1e-12)
    accuracy = accuracy_score(frame["outcome"], names[p.argmax(1)])
    assert value(found, "top label", "accuracy") == pytest.approx(accuracy)
    right = names[p.argmax(1)] == frame["outcome"]
    assert value(found, "top label", "brier") == pytest.approx(brier_score_loss(right, p.max(1)), abs=1e-12)
    assert value(found, "class b", "brier") == pytest.approx(brier_score_loss(frame["outcome"] == "b", p[:, 1]))
    shares = frame["outcome"].value_counts(normalize=True).to_numpy()
    assert value(found, "all classes", "brier", "climatology") == pytest.approx(1 - (shares**2).sum())
    assert value(found, "all classes", "log_score", "climatology") == pytest.approx(-(shares * np.log(shares)).sum())
    assert value(found, "all classes", "brier", "uniform") == pytest.approx(2 / 3)
    assert value(found, "all classes", "log_score", "uniform") == pytest.approx(math.log(3))
    assert value(found, "top label", "accuracy", "climatology") == pytest.approx(shares.max())


def test_two_classes_are_one_event_twice() -> None:
    p, y = RANDOM.random(200), RANDOM.integers(2, size=200)
    one = event(p.tolist(), y.tolist())
    frame = pd.DataFrame({"p_no": 1 - p, "p_yes": p, "outcome": np.where(y == 1, "yes", "no")})
    two = assay.score_forecasts(frame)
    assert value(two, "all classes", "brier") == pytest.approx(2 * value(one, "event", "brier"))
    assert value(two, "all classes", "log_score") == pytest.approx(value(one, "event", "log_score"))


def test_ranges_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "low": [0, 0, 0, 0, 5.0],
            "high": [10, 10, 10, 10, 5.0],
            "level": [0.8, 0.8, 0.8, 0.8, 0.5],
            "outcome": [10, 5, 12, -1, 5],
        }
    )
    found = assay.score_forecasts(frame)
    assert value(found, "level 0.8", "coverage") == 0.5
    ends = row(found, "level 0.8", "coverage")
    assert (ends.low, ends.high) == wilson(2, 4)
    assert value(found, "level 0.8", "mean_width") == 10
    # 10 for each width, 2 / 0.2 = 10 times the distances 2 and 1 outside.
    assert value(found, "level 0.8", "interval_score") == pytest.approx(10 + (20 + 10) / 4)
    outcomes = frame["outcome"][:4]
    low, high = np.quantile(outcomes, [0.1, 0.9])
    outside = (low - outcomes).clip(lower=0) + (outcomes - high).clip(lower=0)
    base = high - low + 10 * outside.mean()
    assert value(found, "level 0.8", "interval_score", "quantiles") == pytest.approx(base)
    assert value(found, "level 0.8", "mean_width", "quantiles") == pytest.approx(high - low)
    assert value(found, "level 0.8", "interval_score_skill", against="quantiles") == pytest.approx(1 - 17.5 / base)
    assert value(found, "level 0.5", "coverage") == 1  # an interval of one point holds it
    assert value(found, "level 0.5", "interval_score") == 0
    none = row(found, "level 0.5", "interval_score_skill", against="quantiles")
    assert none.value is None
    assert "every outcome is the same" in none.reason


def test_true_intervals_cover_and_narrow_ones_do_not() -> None:
    x = RANDOM.normal(size=4000)
    good = pd.DataFrame({"low": -1.2816, "high": 1.2816, "level": 0.8, "outcome": x})
    answer = assay.score_forecasts(good).answer
    assert "as stated, within noise" in answer[0]
    assert "within noise of the quantiles" in answer[1]
    assert "too narrow" in assay.score_forecasts(good.assign(low=-0.8, high=0.8)).answer[0]
    assert "too wide" in assay.score_forecasts(good.assign(low=-2, high=2)).answer[0]


def test_the_impossible_happened() -> None:
    found = event([0.0, 0.2, 1.0, 0.5], [1, 0, 0, 1])
    score = row(found, "event", "log_score")
    assert score.value == math.inf
    assert score.low is None
    assert "the probability 0 happened, on rows 0, 2" in score.reason
    assert score.reason in found.warnings
    assert value(found, "event", "log_score_skill", against="uniform") == -math.inf
    assert value(found, "event", "brier") == pytest.approx((1 + 0.04 + 1 + 0.25) / 4)


def test_perfect_certainty() -> None:
    found = event([1.0, 0.0, 1.0], [1, 0, 1])
    for metric in ("brier", "log_score", "ece", "rms_calibration_error"):
        assert value(found, "event", metric) == 0
    assert value(found, "event", "brier_skill", against="climatology") == 1
    (stated,) = {(point.x, point.y) for point in found.diagrams[0].points} - {(0.0, 0.0)}
    assert stated == (1.0, 1.0)


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_outcome_only_has_no_skill_against_the_base_rate(outcome: int) -> None:
    found = event([0.3, 0.6, 0.6], [outcome] * 3)
    skill = row(found, "event", "brier_skill", against="climatology")
    assert skill.value is None
    assert "every outcome is the same" in skill.reason
    assert any("Every outcome is the same" in text for text in found.warnings)
    assert row(found, "event", "brier_skill", against="uniform").value is not None


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"probability": [0.7], "outcome": [1]}),
        pd.DataFrame({"p_a": [0.7], "p_b": [0.3], "outcome": ["a"]}),
        pd.DataFrame({"low": [1.0], "high": [2.0], "level": [0.9], "outcome": [3.0]}),
    ],
)
def test_one_row_has_scores_and_no_bootstrap(frame: pd.DataFrame, tmp_path: Path) -> None:
    found = assay.score_forecasts(frame)
    assert {item.interval for item in found.rows} <= {"", "wilson"}
    assert found.warnings
    assert assay.write_scores(found, tmp_path).exists()


def test_ties_go_to_the_first_column_and_are_told() -> None:
    frame = pd.DataFrame({"p_a": [0.5, 0.5], "p_b": [0.5, 0.5], "outcome": ["a", "b"]})
    found = assay.score_forecasts(frame)
    assert value(found, "top label", "accuracy") == 0.5
    assert any("In 2 of 2 rows several classes share" in text for text in found.warnings)


def test_calibrated_forecasts_beat_the_base_rate_and_the_base_rate_does_not_beat_itself() -> None:
    p = RANDOM.random(2000)
    y = (RANDOM.random(2000) < p).astype(int)
    assert "better than the base rate" in event(p.tolist(), y.tolist()).answer[0]
    assert "no clear bias" in event(p.tolist(), y.tolist()).answer[1]
    assert "worse than the base rate" in event((1 - p).tolist(), y.tolist()).answer[0]
    same = event([float(y.mean())] * 2000, y.tolist())
    assert "within noise of the base rate" in same.answer[0]
    assert value(same, "event", "brier_skill", against="climatology") == pytest.approx(0)
    assert "too much was stated" in event((0.8 + 0.2 * p).tolist(), y.tolist()).answer[1]
    assert "too little was stated" in event((0.2 * p).tolist(), y.tolist()).answer[1]


def test_the_order_of_rows_changes_no_value() -> None:
    frame = classes()
    one, other = assay.score_forecasts(frame), assay.score_forecasts(frame[::-1])
    for item in one.rows:
        assert value(other, item.of, item.metric, item.forecast, item.against) == pytest.approx(item.value, abs=1e-12)


def test_tables(tmp_path: Path) -> None:
    found = event([0.0, 0.2], [1, 0])
    assay.write_scores(found, tmp_path)
    document = json.loads((tmp_path / "scores.json").read_text())
    assert document["format"] == 1
    assert [list(item) for item in document["rows"]] == [list(COLUMNS)] * len(found.rows)
    logs = [item for item in document["rows"] if item["metric"] == "log_score" and item["forecast"] == "given"]
    assert logs[0]["value"] == "inf"
    lines = list(csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text())))
    assert [float(line["value"]) for line in lines] == [item.value for item in found.rows]
    assert pd.read_csv(tmp_path / "scores.csv")["value"].tolist() == found.table["value"].tolist()
