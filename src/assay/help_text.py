"""Help for strangers: texts that fill the terminal's width, and no type beside options that take no value."""

import inspect
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class PlainCommand(TyperCommand):
    """A command whose `--help` stands without a type."""

    def get_help_option(self, ctx: Any) -> Any:
        """As typer does, which would add that it is a <bool>."""
        return _without_type(super().get_help_option(ctx))


class PlainGroup(TyperGroup):
    """The same for a group of commands."""

    def get_help_option(self, ctx: Any) -> Any:
        """As that of `PlainCommand`."""
        return _without_type(super().get_help_option(ctx))


def _without_type(option: Any) -> Any:
    if option is not None:
        option.metavar = ""
    return option


def plain_help(app: typer.Typer) -> None:
    """Let an app and its commands be plain, and their help be their docstrings with each paragraph on one line.

    A docstring's lines are as long as the source likes; typer wraps the paragraphs.
    """
    app.info.cls = PlainGroup
    for command in app.registered_commands:
        text = inspect.cleandoc((command.callback and command.callback.__doc__) or "")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
        command.cls = PlainCommand if command.cls is TyperCommand else command.cls
