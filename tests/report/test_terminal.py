import dataclasses
import io

from rich.console import Console

from assay.report.summary import headline
from assay.report.terminal import terminal_table
from assay.results import Results


def printed(results: Results) -> str:
    console = Console(width=220, record=True, file=io.StringIO())
    console.print(terminal_table(headline(results), title="[x] quick"))
    return console.export_text()


def test_shows_values_and_verdicts(complete: Results) -> None:
    text = printed(complete)
    assert "[x] quick" in text
    for sign in ("✓ ", "✗ ", "≈ ", "(baseline)", "AUROC, KMNIST ↑", "ECE ↓"):
        assert sign in text


def test_missing_values_are_named(complete: Results) -> None:
    assert "not measured" in printed(dataclasses.replace(complete, table=complete.table.iloc[:0]))
