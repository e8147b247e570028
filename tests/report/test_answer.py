import dataclasses

import pytest

from assay.analysis.columns import Column
from assay.analysis.measures import Cell, Measure
from assay.report.answer import answer
from assay.report.findings import beaten, largest_loss
from assay.report.summary import Headline, Row, entry, headline
from assay.results import Results


def made(
    values: dict[str, dict[str, float | None]], *, baseline: str | None = "base", width: float | None = 0.01
) -> Headline:
    """A headline with one column an axis; every interval is value -+ width, without one there is none."""
    recipes = list(next(iter(values.values())))
    columns = []
    for axis, own in values.items():
        cells = {
            name: Cell(value=None, reason="broken")
            if value is None
            else Cell(value=value, n=9)
            if width is None
            else Cell(value=value, low=value - width, high=value + width, n=9)
            for name, value in own.items()
        }
        measure = Measure(evaluation=axis, metric="accuracy", setting={}, higher_is_better=True, cells=cells)
        columns.append(Column(axis=axis, label="accuracy", primary=True, measure=measure))
    rows = [
        Row(
            recipe=name,
            baseline=name == baseline,
            entries=tuple(entry(column.measure, name, baseline) for column in columns),
        )
        for name in recipes
    ]
    return Headline(columns=tuple(columns), rows=tuple(rows))


def test_names_the_leader_and_its_price() -> None:
    table = made({"attack": {"base": 0.0, "hard": 0.9, "soft": 0.5}, "shift": {"base": 0.8, "hard": 0.6, "soft": 0.8}})
    found = answer(table)
    assert found.sentences[0] == ("hard leads under attack; under corruption none is clearly better than the baseline.")
    assert found.sentences[1] == (
        "Against the baseline hard pays under corruption (accuracy −20.0 points), "
        "while soft gains without a clear loss anywhere."
    )
    attack = found.leaders[0]
    assert (attack.recipe, attack.clear, attack.level) == ("hard", True, ())


def test_many_losses_are_named_without_numbers() -> None:
    values: dict[str, dict[str, float | None]] = {"attack": {"base": 0.1, "hard": 0.9}}
    for axis in ("clean", "shift", "anomaly"):
        values[axis] = {"base": 0.8, "hard": 0.6}
    table = made(values)
    assert answer(table).sentences[1] == (
        "Against the baseline hard pays on clean images, under corruption and at telling anomalies apart; "
        "no recipe gains without a clear loss somewhere else."
    )
    assert [cost.difference for cost in answer(table).leaders[0].costs] == ["−20.0 points"] * 3
    assert answer(table).more == (
        "The largest clear loss is that of hard on clean images: accuracy −20.0 points, to 60.0 %.",
    )


def test_claims_nothing_within_noise() -> None:
    table = made({"attack": {"base": 0.500, "a": 0.515}, "shift": {"base": 0.8, "a": 0.79}})
    found = answer(table)
    assert found.sentences[0] == "No recipe is clearly better than the baseline under attack or under corruption."
    assert not any(item.clear for item in found.leaders)
    assert found.leaders[0].level == ("base",)
    assert found.sentences[1] == "No recipe gains beyond noise on any axis, and none loses."
    assert found.more == ()


def test_where_nothing_is_gained_it_counts_who_loses() -> None:
    found = answer(made({"attack": {"base": 0.5, "a": 0.5, "b": 0.5}, "shift": {"base": 0.8, "a": 0.6, "b": 0.8}}))
    assert found.sentences[1] == "No recipe gains beyond noise on any axis, and 1 loses on some."
    assert found.more[0].startswith("The largest clear loss is that of a under corruption: ")
    bare = answer(made({"shift": {"base": 0.8, "a": 0.6}}, width=None))
    assert bare.sentences[1].startswith("No difference to the baseline could be judged, ")


def test_the_largest_loss_is_named_whoever_makes_it() -> None:
    values: dict[str, dict[str, float | None]] = {
        "attack": {"base": 0.2, "leads": 0.9, "loses": 0.2},
        "shift": {"base": 0.8, "leads": 0.75, "loses": 0.4},
    }
    found = answer(made(values))
    assert "leads pays under corruption (accuracy −5.0 points)" in found.sentences[1]
    assert found.more == (
        "The largest clear loss is that of loses under corruption: accuracy −40.0 points, to 40.0 %.",
    )
    values["shift"]["loses"] = 0.78
    assert answer(made(values)).more == ()  # the leader's own, which the sentence before has named


def test_a_price_paid_on_a_seen_test_is_marked() -> None:
    table = made({"attack": {"base": 0.0, "hard": 0.9}, "shift": {"base": 0.8, "hard": 0.6}})
    base, hard = table.rows
    met = dataclasses.replace(hard.entries[1], seen="trained on a corruption like this: fog")
    hard = dataclasses.replace(hard, entries=(hard.entries[0], met))
    found = answer(dataclasses.replace(table, rows=(base, hard)))
    assert "hard pays under corruption (accuracy −20.0 points ‡)" in found.sentences[1]
    assert found.leaders[0].costs[0].seen == met.seen
    assert (found.marked, answer(table).marked) == (True, False)


def test_shares_and_other_units_are_not_compared() -> None:
    table = made({"shift": {"base": 0.8, "a": 0.7}, "calibration": {"base": 5.0, "a": 3.0}})
    other = dataclasses.replace(table.columns[1].measure, metric="nll")
    nll = dataclasses.replace(table, columns=(table.columns[0], dataclasses.replace(table.columns[1], measure=other)))
    assert [item.column.axis for item in (largest_loss(table), largest_loss(nll)) if item] == ["calibration", "shift"]


@pytest.mark.parametrize(("best", "led"), [(0.099, False), (0.101, True)])
def test_nobody_leads_where_nobody_withstands(best: float, led: bool) -> None:
    values: dict[str, dict[str, float | None]] = {
        "attack": {"base": 0.0, "a": best, "b": 0.0},
        "shift": {"base": 0.8, "a": 0.8, "b": 0.9},
    }
    found = answer(made(values))
    attack = found.leaders[0]
    assert (attack.clear, attack.void == "") == (led, led)
    if led:
        assert "a leads under attack" in found.sentences[0].replace("No single recipe is best at everything: ", "")
    else:
        told = "Under attack no recipe withstands these attacks (at most 9.9 %)."
        assert found.sentences[0] == f"b leads under corruption. {told}"
        assert "while b gains without a clear loss anywhere" in found.sentences[1]
        values["attack"]["b"], values["attack"]["base"] = 0.0, 0.09
        assert "b gains without a clear loss anywhere" in answer(made(values)).sentences[1]  # nor is that a loss
        alone = answer(made({"attack": values["attack"]}, baseline=None))
        assert alone.sentences[0] == told


def test_a_recipe_on_which_attacks_fail_leads_nowhere_under_attack() -> None:
    table = made(
        {"attack": {"base": 0.0, "masked": 0.9, "hard": 0.5}, "shift": {"base": 0.8, "masked": 0.8, "hard": 0.8}}
    )
    rows = tuple(
        dataclasses.replace(row, doubted=("gradients vanish", "model is random")) if row.recipe == "masked" else row
        for row in table.rows
    )
    assert answer(table).leaders[0].recipe == "masked"
    found = answer(dataclasses.replace(table, rows=rows))
    assert found.leaders[0].recipe == "hard"
    assert found.sentences[0].startswith("hard leads under attack")
    assert "masked" not in " ".join(found.sentences)
    [doubt] = found.more
    assert doubt == (
        "Do not trust the accuracy of masked under attack: it is too high, as 2 checks for failing attacks found "
        "(gradients vanish and model is random); see the signs to distrust."
    )


def test_names_the_budget_that_nobody_withstands() -> None:
    assert beaten("attack", "accuracy", 0.3, [0.0, 0.049]) == "no recipe withstands ε = 0.3 (at most 4.9 %)"
    assert beaten("attack", "accuracy", 0.3, [0.0, 0.2]) == ""
    assert beaten("attack", "accuracy", 0.3, []) == ""
    assert beaten("shift", "accuracy", 0.3, [0.0]) == ""


def test_lower_is_better_turns_the_order_round(complete: Results) -> None:
    table = headline(complete)
    place = next(number for number, column in enumerate(table.columns) if column.label == "ECE")
    best = min(table.rows, key=lambda row: row.entries[place].cell.value or 0)
    leader = next(item for item in answer(table).leaders if item.column.label == "ECE")
    assert leader.recipe == best.recipe


def test_says_so_where_nothing_is_measured_or_there_is_no_baseline(complete: Results) -> None:
    empty = dataclasses.replace(complete, table=complete.table.iloc[:0])
    assert answer(headline(empty)).sentences[0] == "Nothing is measured yet, so there is no answer."
    lone = answer(made({"attack": {"a": 0.2, "b": 0.9}}, baseline=None))
    assert lone.sentences[0] == "Best values: b under attack."
    assert "no baseline" in lone.sentences[1]
    one = answer(made({"attack": {"a": 0.2}, "shift": {"a": 0.9}}, baseline=None))
    assert one.sentences[0].startswith("a reaches 20.0 % under attack (")
    assert "and 90.0 % under corruption (" in one.sentences[0]


def test_the_baseline_alone_is_compared_with_nothing() -> None:
    values: dict[str, dict[str, float | None]] = {"attack": {"base": 0.0, "a": None}, "shift": {"base": 0.8, "a": None}}
    first, second = answer(made(values)).sentences
    assert first.startswith("base reaches 0.0 % under attack (")
    assert second == "Only the baseline is measured yet, so there is nothing to compare."


def test_baseline_that_was_not_measured_is_no_gain() -> None:
    found = answer(made({"attack": {"base": None, "a": 0.9}}))
    assert not found.leaders[0].clear
