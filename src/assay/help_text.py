"""Help texts that fill the terminal's width: a docstring's lines are as long as the source likes."""

import inspect

import typer


def reflow(app: typer.Typer) -> None:
    """Let the help of an app's commands be their docstrings with each paragraph on one line, which typer then wraps."""
    for command in app.registered_commands:
        text = inspect.cleandoc((command.callback and command.callback.__doc__) or "")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
