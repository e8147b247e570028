"""Help fills the terminal, whatever lines the source has."""

import itertools
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from assay.cli import app
from assay.help_text import plain_help


def test_each_paragraph_is_one_line() -> None:
    own = typer.Typer()

    @own.command()
    def command() -> None:
        """First
        line.

        Second, which is
        longer.
        """

    plain_help(own)
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


def pages(command: Any, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of a command and of those under it."""
    under = getattr(command, "commands", {})
    return [words, *(page for name, own in under.items() for page in pages(own, (*words, name)))]


def test_options_have_no_type_but_a_name_of_their_value() -> None:
    commands = pages(get_command(app))
    assert {(), ("run",), ("store",), ("data", "show")} <= set(commands)
    for words in commands:
        said = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"}).output
        assert "--help" in said
        assert not [line for line in said.splitlines() if line.startswith("\u2502 --") and "<" in line], words
