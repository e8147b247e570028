"""Help fills the terminal, whatever lines the source has."""

import itertools

import pytest
import typer
from typer.testing import CliRunner

from assay.cli import app
from assay.help_text import reflow


def test_each_paragraph_is_one_line() -> None:
    own = typer.Typer()

    @own.command()
    def command() -> None:
        """First
        line.

        Second, which is
        longer.
        """

    reflow(own)
    assert own.registered_commands[0].help == "First line.\n\nSecond, which is longer."
    command()


@pytest.mark.parametrize("words", [["run"], ["score"], ["store", "gc"], ["store", "merge"]])
def test_no_line_ends_early(words: list[str]) -> None:
    """A line breaks where the next word would not fit, and at the end of a paragraph alone."""
    said = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).output
    lines = [line.strip() for line in said.split("\u256d")[0].splitlines()[3:]]
    for line, after in itertools.pairwise(lines):
        if line and after:
            assert len(line) + 1 + len(after.split()[0]) > 78, (line, after)
