import dataclasses

from assay.analysis.columns import Column
from assay.analysis.measures import Cell, Measure
from assay.report.answer import answer
from assay.report.summary import Headline, Row, entry, headline
from assay.results import Results


def made(values: dict[str, dict[str, float | None]], *, baseline: str | None = "base", width: float = 0.01) -> Headline:
    """A headline with one column an axis; every interval is value -+ width."""
    recipes = list(next(iter(values.values())))
    columns = []
    for axis, own in values.items():
        cells = {
            name: Cell(value=None, reason="broken")
            if value is None
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
    assert [text for _, text in answer(table).leaders[0].costs] == ["−20.0 points"] * 3


def test_claims_nothing_within_noise() -> None:
    table = made({"attack": {"base": 0.500, "a": 0.515}, "shift": {"base": 0.8, "a": 0.79}})
    found = answer(table)
    assert found.sentences[0] == "No recipe is clearly better than the baseline under attack or under corruption."
    assert not any(item.clear for item in found.leaders)
    assert found.leaders[0].level == ("base",)
    assert found.sentences[1] == (
        "No leader is clearly worse than the baseline on another axis; "
        "no recipe gains without a clear loss somewhere else."
    )


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


def test_baseline_that_was_not_measured_is_no_gain() -> None:
    found = answer(made({"attack": {"base": None, "a": 0.9}}))
    assert not found.leaders[0].clear
