import math

import pytest
import torch
from scipy.stats import norm
from sklearn.metrics import average_precision_score
from torch import Tensor

from assay.errors import BadValueError
from assay.metrics.detection import auroc, average_precision, fpr_at_tpr
from assay.metrics.detection_intervals import (
    auroc_interval,
    average_precision_interval,
    average_precision_intervals,
    average_precisions,
    fpr_at_tpr_interval,
)
from assay.metrics.intervals import bootstrap_weights, wilson
from assay.randomness import derive


def drawn(shift: float, n0: int, n1: int, *names: object) -> tuple[Tensor, Tensor]:
    generator = derive(0, *names)
    negatives = torch.randn(n0, generator=generator, dtype=torch.float64)
    return negatives, torch.randn(n1, generator=generator, dtype=torch.float64) + shift


def test_delong_equals_the_definition_over_all_pairs() -> None:
    negatives, positives = (scores.round(decimals=1) for scores in drawn(1, 80, 50, "pairs"))
    wins = (positives[:, None] > negatives).double() + 0.5 * (positives[:, None] == negatives).double()
    area = float(wins.mean())
    variance = float(wins.mean(1).var() / 50 + wins.mean(0).var() / 80)
    half = norm.ppf(0.975) * math.sqrt(variance) / (area * (1 - area))
    centre = math.log(area / (1 - area))
    expected = tuple(1 / (1 + math.exp(-end)) for end in (centre - half, centre + half))
    assert auroc_interval(negatives, positives) == pytest.approx(expected, abs=1e-12)


def test_a_perfect_sample_leaves_room_below_1() -> None:
    negatives, positives = torch.arange(50.0), torch.arange(80.0) + 100
    assert auroc_interval(negatives, positives) == (wilson(50, 50).low, 1.0)
    assert auroc_interval(positives, negatives) == (0.0, wilson(0, 50).high)
    low, high = average_precision_interval(negatives, positives, derive(0))
    assert 0.5 < low < 1
    assert high == 1
    assert fpr_at_tpr_interval(negatives, positives, derive(0)) == wilson(0, 50)


def test_one_more_misordered_pair_does_not_narrow_the_interval() -> None:
    negatives, positives = torch.arange(1000.0), torch.arange(1000.0) + 999.5
    nearly = auroc_interval(torch.cat([negatives, torch.tensor([999.7])]), positives)
    assert nearly.low <= wilson(1000, 1000).low


def test_a_single_example_tells_nothing_of_the_spread() -> None:
    assert auroc_interval(torch.tensor([0.0]), torch.arange(9.0)) == (0.0, 1.0)


def test_intervals_cover_the_truth() -> None:
    # Two normals at distance d: AUROC = Phi(d / sqrt 2); the FPR at TPR 0.95 is 1 - Phi(d - 1.645).
    d, trials, covered = 2.0, 100, {"auroc": 0, "fpr": 0, "ap": 0}
    big = drawn(d, 400_000, 400_000, "truth")
    precision = average_precision(*big)
    for trial in range(trials):
        negatives, positives = drawn(d, 200, 200, "cover", trial)
        low, high = auroc_interval(negatives, positives)
        covered["auroc"] += low <= norm.cdf(d / math.sqrt(2)) <= high
        low, high = fpr_at_tpr_interval(negatives, positives, derive(1, trial))
        covered["fpr"] += low <= 1 - norm.cdf(d - norm.ppf(0.95)) <= high
        low, high = average_precision_interval(negatives, positives, derive(2, trial), resamples=300)
        covered["ap"] += low <= precision <= high
    # With a coverage of 0.95, fewer than 87 of 100 happen with probability 0.0005; a percentile interval of 200
    # examples a side may fall a little short of 0.95.
    assert min(covered.values()) >= 87, covered


def test_resampled_average_precision_equals_sklearn_with_weights() -> None:
    negatives, positives = (scores.round(decimals=1).sort().values for scores in drawn(1, 60, 40, "weights"))
    (found,) = average_precisions([(negatives, positives)], derive(3), resamples=5)
    generator = derive(3)
    of_negatives, of_positives = bootstrap_weights(60, 5, generator), bootstrap_weights(40, 5, generator)
    y, scores = torch.arange(100) >= 60, torch.cat([negatives, positives])
    for row in range(5):
        weights = torch.cat([of_negatives[row].flip(0), of_positives[row].flip(0)])  # drawn for falling scores
        expected = average_precision_score(y, scores, sample_weight=weights)
        assert float(found[row]) == pytest.approx(expected, abs=1e-6)


def test_intervals_of_several_scores_are_those_of_each_alone() -> None:
    sides = [drawn(d, 70, 50, "several", d) for d in (0.5, 1, 2)]
    alone = [average_precision_interval(*side, derive(8), resamples=200) for side in sides]
    assert average_precision_intervals(sides, derive(8), resamples=200) == alone
    assert len(set(alone)) == len(sides)
    assert average_precision_intervals([], derive(8)) == []


@pytest.mark.parametrize("sizes", [(71, 50), (69, 50), (70, 49)])
def test_scores_of_other_images_share_no_resamples(sizes: tuple[int, int]) -> None:
    sides = [drawn(1, 70, 50, "several"), drawn(1, *sizes, "several")]
    with pytest.raises(BadValueError, match="sides: expected scores of the same images, got"):
        average_precision_intervals(sides, derive(8), resamples=20)


def test_fpr_bootstrap_equals_resampling() -> None:
    negatives, positives = (scores.round(decimals=1) for scores in drawn(1.5, 150, 120, "fpr"))
    values = []
    for row in range(2000):
        generator = derive(4, row)
        some = negatives[torch.randint(150, (150,), generator=generator)]
        values.append(fpr_at_tpr(some, positives[torch.randint(120, (120,), generator=generator)]))
    ends = torch.tensor(values, dtype=torch.float64).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64))
    found = fpr_at_tpr_interval(negatives, positives, derive(5), resamples=20_000)
    assert found == pytest.approx(tuple(ends.tolist()), abs=0.02)


def test_intervals_hold_their_estimates_and_repeat() -> None:
    negatives, positives = drawn(1, 500, 300, "hold")
    for metric, interval in (
        (auroc, auroc_interval(negatives, positives)),
        (average_precision, average_precision_interval(negatives, positives, derive(6))),
        (fpr_at_tpr, fpr_at_tpr_interval(negatives, positives, derive(6))),
    ):
        assert interval.low < metric(negatives, positives) < interval.high
    again = average_precision_interval(negatives.flip(0), positives, derive(6))
    assert again == average_precision_interval(negatives, positives, derive(6))


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadValueError, match="negatives"):
        auroc_interval(torch.empty(0), torch.ones(2))
    with pytest.raises(BadValueError, match="level"):
        average_precision_interval(torch.ones(2), torch.ones(2), derive(0), level=0.0)
