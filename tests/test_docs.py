"""The documents speak the truth: their snippets run, every command stands in them, generated pages are current."""

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from assay.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
COMMANDS: Any = typer.main.get_command(app)


def blocks(language: str) -> Iterator[Any]:
    for page in PAGES:
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)):
            yield pytest.param(text, id=f"{page.name}-{number}")


def run_python(code: str, folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", list(blocks("python")))
def test_snippets_run(code: str, tmp_path: Path) -> None:
    run_python(code, tmp_path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(path: Path, tmp_path: Path) -> None:
    run_python(path.read_text(), tmp_path)


def documented() -> Iterator[Any]:
    for page in PAGES:
        for text in re.findall(r"```(?:sh|bash|console)\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in text.splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0].split("/")[-1] == "assay":
                    yield pytest.param(words[1:], id=f"{page.name}: {line}")


@pytest.mark.parametrize("words", list(documented()))
def test_documented_commands_exist_with_their_options(words: list[str]) -> None:
    command = COMMANDS
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    assert not hasattr(command, "commands") or not words, f"no such command: {words}"
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options


def every_command(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from every_command(inner, (*path, name))
    else:
        yield path, command


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(*item, id=" ".join(item[0])) for item in every_command(COMMANDS, ("assay",))]
)
def test_every_command_and_option_is_documented(path: tuple[str, ...], command: Any) -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    assert f"## `{' '.join(path)}" in page
    section = page.split(f"## `{' '.join(path)}")[1].split("\n## ")[0]
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"`{option}" in section, f"{' '.join(path)}: {option} is not documented"


def test_methods_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_methods", ROOT / "tools" / "make_methods.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "methods.md").read_text() == module.page(), "run .venv/bin/python tools/make_methods.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
