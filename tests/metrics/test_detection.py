import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.detection import auroc, average_precision, base_rate, fpr_at_tpr, roc_curve, roc_points
from assay.randomness import derive

METRICS = [auroc, average_precision, fpr_at_tpr]
Metric = Callable[[Tensor, Tensor], float]
SCORES = st.lists(st.integers(-5, 5), min_size=1, max_size=40).map(lambda xs: torch.tensor(xs, dtype=torch.float64))


def drawn(shift: float = 1.5, n0: int = 700, n1: int = 300) -> tuple[Tensor, Tensor]:
    generator = derive(0, "detection")
    return torch.randn(n0, generator=generator), torch.randn(n1, generator=generator) + shift


def labelled(negatives: Tensor, positives: Tensor) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([0, 1], [len(negatives), len(positives)]), torch.cat([negatives, positives]).numpy()


@pytest.mark.parametrize("digits", [0, 1, 6])  # rounding makes ties
def test_equal_sklearn(digits: int) -> None:
    negatives, positives = (scores.round(decimals=digits) for scores in drawn())
    y, scores = labelled(negatives, positives)
    assert auroc(negatives, positives) == pytest.approx(roc_auc_score(y, scores), abs=1e-12)
    assert average_precision(negatives, positives) == pytest.approx(average_precision_score(y, scores), abs=1e-12)
    fpr, tpr, _ = sklearn_roc_curve(y, scores, drop_intermediate=False)
    assert fpr_at_tpr(negatives, positives) == pytest.approx(fpr[tpr >= 0.95].min(), abs=1e-12)


def test_by_hand() -> None:
    negatives, positives = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0])
    # Pairs: 4 beats 3; 2 beats 1 and ties with 2: (3 + 1.5) / 6.
    assert auroc(negatives, positives) == pytest.approx(0.75, abs=1e-12)
    # Precision at 4: 1 / 1; at 2: 2 of {4, 3, 2, 2}.
    assert average_precision(negatives, positives) == pytest.approx((1 + 0.5) / 2, abs=1e-12)
    # Both positives must be flagged: threshold 2, which flags 2 (a tie) and 3.
    assert fpr_at_tpr(negatives, positives) == pytest.approx(2 / 3, abs=1e-12)
    assert fpr_at_tpr(negatives, positives, 0.5) == 0
    assert base_rate(negatives, positives) == 0.4


def test_the_threshold_is_exact_where_95_percent_is_a_whole_number() -> None:
    # Of 20 positives 1..20, the 19th highest is 2: only the negatives 2 and 3 reach it.
    assert fpr_at_tpr(torch.tensor([0.0, 1.0, 2.0, 3.0]), torch.arange(1.0, 21.0)) == 0.5


def test_constant_scores_are_chance() -> None:
    negatives, positives = torch.zeros(30), torch.zeros(10)
    assert auroc(negatives, positives) == 0.5
    assert average_precision(negatives, positives) == base_rate(negatives, positives)
    assert fpr_at_tpr(negatives, positives) == 1


def test_parted_scores_are_perfect() -> None:
    negatives, positives = torch.arange(5.0), torch.arange(5.0) + 10
    assert (auroc(negatives, positives), average_precision(negatives, positives)) == (1, 1)
    assert fpr_at_tpr(negatives, positives) == 0


@pytest.mark.parametrize("metric", METRICS)
@given(negatives=SCORES, positives=SCORES, seed=st.integers(0, 100))
def test_increasing_maps_and_orders_change_nothing(
    metric: Metric, negatives: Tensor, positives: Tensor, seed: int
) -> None:
    value = metric(negatives, positives)
    assert 0 <= value <= 1
    assert metric(negatives.exp() * 3 - 1, positives.exp() * 3 - 1) == value
    order = torch.randperm(len(negatives), generator=derive(seed))
    assert metric(negatives[order], positives.flip(0)) == pytest.approx(value, abs=1e-12)


@given(negatives=SCORES, positives=SCORES)
def test_swapping_the_sides_mirrors_auroc(negatives: Tensor, positives: Tensor) -> None:
    assert auroc(positives, negatives) == pytest.approx(1 - auroc(negatives, positives), abs=1e-12)
    assert auroc(-positives, -negatives) == pytest.approx(auroc(negatives, positives), abs=1e-12)


@pytest.mark.parametrize("digits", [0, 1, 6])  # rounding makes ties
def test_the_whole_curve_equals_that_of_sklearn(digits: int) -> None:
    negatives, positives = (scores.round(decimals=digits) for scores in drawn())
    fpr, tpr, _ = sklearn_roc_curve(*labelled(negatives, positives), drop_intermediate=False)
    found = roc_points(negatives, positives)
    np.testing.assert_allclose(found.fpr, fpr, atol=1e-12)
    np.testing.assert_allclose(found.tpr, tpr, atol=1e-12)


def test_the_whole_curve_by_hand() -> None:
    found = roc_points(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0]))
    # Flagged from 4: a positive; from 3: a negative more; from 2: one of each, a slanted step; from 1: all.
    assert found.fpr.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])
    assert found.tpr.tolist() == pytest.approx([0, 0.5, 0.5, 1, 1])


@given(negatives=SCORES, positives=SCORES)
def test_the_area_under_the_whole_curve_is_the_auroc(negatives: Tensor, positives: Tensor) -> None:
    curve = roc_points(negatives, positives)
    assert float(torch.trapezoid(curve.tpr, curve.fpr)) == pytest.approx(auroc(negatives, positives), abs=1e-12)


@given(negatives=SCORES, positives=SCORES)
def test_the_area_under_the_full_curve_is_the_auroc(negatives: Tensor, positives: Tensor) -> None:
    curve = roc_curve(negatives, positives)
    assert float(torch.trapezoid(curve.tpr, curve.fpr)) == pytest.approx(auroc(negatives, positives), abs=1e-9)
    assert curve.fpr[[0, -1]].tolist() == curve.tpr[[0, -1]].tolist() == [0, 1]


@pytest.mark.parametrize("shift", [0.0, 1.5, 4.0])
def test_a_thinned_curve_keeps_its_shape(shift: float) -> None:
    negatives, positives = drawn(shift, 4000, 4000)
    full, thin = roc_curve(negatives, positives, 10_000), roc_curve(negatives, positives, 60)
    assert len(thin.fpr) <= 60 < len(full.fpr)
    assert bool((thin.fpr.diff() >= 0).all() & (thin.tpr.diff() >= 0).all())
    assert float(torch.trapezoid(thin.tpr, thin.fpr)) == pytest.approx(auroc(negatives, positives), abs=0.003)
    along, across = full.fpr + full.tpr, full.tpr - full.fpr
    off = np.interp(along.numpy(), (thin.fpr + thin.tpr).numpy(), (thin.tpr - thin.fpr).numpy()) - across.numpy()
    assert np.abs(off).max() < 0.01


@pytest.mark.parametrize("metric", [*METRICS, roc_points, roc_curve])
@pytest.mark.parametrize("bad", [torch.empty(0), torch.tensor([math.nan]), torch.tensor([math.inf]), torch.zeros(2, 2)])
def test_bad_input_is_refused(metric: Metric, bad: Tensor) -> None:
    with pytest.raises(BadValueError, match="negatives"):
        metric(bad, torch.ones(2))
    with pytest.raises(BadValueError, match="positives"):
        metric(torch.ones(2), bad)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(BadValueError, match="tpr"):
        fpr_at_tpr(torch.ones(1), torch.ones(1), 0.0)
    with pytest.raises(BadValueError, match="points"):
        roc_curve(torch.ones(1), torch.ones(1), 1)
