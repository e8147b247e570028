import dataclasses

import numpy as np
import torch

from assay.evaluations.base import Observations
from assay.metrics.detection import roc_curve
from assay.report.observed import GRID, by_set, collect_observed, reliability, roc
from assay.results import Results


def scores(negatives: torch.Tensor, positives: torch.Tensor) -> Observations:
    return Observations(tensors={"score/in/msp": negatives, "score/kmnist/msp": positives})


def test_curve_lies_on_the_roc_curve() -> None:
    generator = torch.Generator().manual_seed(0)
    negatives, positives = torch.randn(300, generator=generator), torch.randn(200, generator=generator) + 1
    found = roc(scores(negatives, positives))["kmnist"]["msp"]
    exact = roc_curve(negatives, positives, points=10**6)
    for rate, caught in zip(GRID, found, strict=True):
        reachable = exact.tpr[exact.fpr <= rate + 1e-12].max()
        # roc_curve leaves out points on its straight lines, so a step may end at a point between two of its own
        assert reachable - 1e-4 <= caught <= np.interp(rate + 1e-9, exact.fpr, exact.tpr) + 1e-4


def test_curve_with_ties_by_hand() -> None:
    found = roc(scores(torch.tensor([0.0, 1.0, 1.0, 2.0]), torch.tensor([1.0, 2.0, 3.0, 3.0])))["kmnist"]["msp"]
    at = dict(zip((round(float(rate), 4) for rate in GRID), found, strict=True))
    assert at[0.0] == 0.5  # above 2: the two 3s
    assert at[0.25] == 0.75  # from 2 on: one false alarm of four
    assert at[0.7] == 0.75  # the tied 1s come together
    assert at[0.75] == 1.0
    assert at[1.0] == 1.0


def test_a_set_may_have_a_slash_in_its_name() -> None:
    one = torch.tensor([1.0])
    seen = Observations(tensors={"score/in/msp": 0 * one, "score/my/own/msp": one, "wrong": one})
    assert by_set(seen) == {"in": {"msp": 0 * one}, "my/own": {"msp": one}}
    assert roc(seen) == {"my/own": {"msp": [1.0] * len(GRID)}}


def test_reliability_counts_every_image() -> None:
    logits = torch.tensor([[0.0, 0.0], [0.0, 40.0], [5.0, 0.0]])
    bins = reliability(Observations(tensors={"logits": logits, "labels": torch.tensor([0, 1, 1])}))
    assert sum(bins["count"]) == 3
    assert bins["count"][-1] == 2  # confidences 1 and 0.993
    assert bins["accuracy"][-1] == 0.5
    assert bins["confidence"][7] == 0.5
    assert [value for count, value in zip(bins["count"], bins["accuracy"], strict=True) if not count] == [None] * 13


def test_same_pictures_are_kept_once(complete: Results) -> None:
    data, _ = collect_observed(complete, list(complete.recipes))
    assert len(set(data["images"])) == len(data["images"])
    columns = [data["corrupted"][recipe]["columns"] for recipe in complete.recipes]
    assert len({str([column["images"] for column in own]) for own in columns}) == 1  # all models meet the same images
    attacked = data["attacked"]["baseline"]
    assert attacked["labels"] == [0, 1, 2, 3, 4]
    assert [column["title"] for column in attacked["columns"]] == [
        "as it was",
        *(f"ε = {e}" for e in (0.1, 0.2, 0.3, 0.4)),
    ]


def test_absent_observations_give_a_reason(complete: Results) -> None:
    data, notes = collect_observed(dataclasses.replace(complete, load=lambda *_: None), ["baseline"])
    assert notes == {}
    for part in ("roc", "reliability", "attacked", "corrupted"):
        assert "no" in data[part]["baseline"]
        assert isinstance(data[part]["baseline"], str)


def test_columns_do_not_depend_on_the_order_in_the_store(complete: Results) -> None:
    def shuffled(recipe: str, seed: int, evaluation: str) -> Observations | None:
        found = complete.load(recipe, seed, evaluation)
        return found and Observations(tensors=dict(reversed(found.tensors.items())))

    one, _ = collect_observed(complete, ["baseline"])
    two, _ = collect_observed(dataclasses.replace(complete, load=shuffled), ["baseline"])
    for part in ("attacked", "corrupted"):
        titles = [[column["title"] for column in data[part]["baseline"]["columns"]] for data in (one, two)]
        assert titles[0] == titles[1]
