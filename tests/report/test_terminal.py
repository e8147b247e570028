import dataclasses
import io
from collections.abc import Iterable

import pytest
from rich.console import Console

from assay.report import print_headline
from assay.report.answer import answer
from assay.report.explain import show
from assay.report.summary import headline
from assay.results import Results


def printed(results: Results, width: int = 200) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    print_headline(results, console)
    return console.export_text()


def test_shows_values_verdicts_and_the_answer(complete: Results) -> None:
    text = printed(dataclasses.replace(complete, title="[x] quick"))
    assert "[x] quick" in text
    for sign in ("✓ ", "✗ ", "≈ ", "baseline ★", "AUROC", "ECE ↓", "–"):
        assert sign in text
    for sentence in answer(headline(complete)).sentences:
        assert sentence in " ".join(text.split())


@pytest.mark.parametrize(("width", "columns"), [(80, (0, 2, 3, 6, 7)), (120, range(9))])
def test_narrow_terminals_keep_every_value_of_what_they_show(
    complete: Results, width: int, columns: Iterable[int]
) -> None:
    text = printed(complete, width).split("✓ better")[0]
    assert "–" not in text
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= width
    table = headline(complete)
    for row in table.rows:
        for place in columns:
            value = show(table.columns[place].measure.metric, row.entries[place].cell.value)
            assert value.replace(" ", "\u00a0") in text


def test_missing_values_are_named(complete: Results) -> None:
    assert "not\u00a0measured" in printed(dataclasses.replace(complete, table=complete.table.iloc[:0]))


def test_columns_and_recipes_without_a_value_are_told_in_one_line(complete: Results) -> None:
    table = complete.table
    kept = table[(table["evaluation"] != "shift") & (table["recipe"] == "baseline")]
    text = " ".join(printed(dataclasses.replace(complete, table=kept)).split())
    assert "Not measured: mean accuracy, corrupted" in text
    assert f"Nothing is measured yet of {len(complete.recipes) - 1} of the {len(complete.recipes)} recipes." in text
    assert "not\u00a0measured" not in text
