"""Imports go downward only, and `import assay` stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "assay"

# From the bottom upward: a module may import from its own layer and from those above it in this list.
LAYERS = (
    (
        "adam",
        "again",
        "collection",
        "counting",
        "errors",
        "forks",
        "help_text",
        "interrupts",
        "parts",
        "places",
        "png",
        "post",
        "published",
        "randomness",
        "server",
    ),
    ("classifier", "data", "metrics", "pictures"),
    ("architectures", "corruptions", "augmentations", "attacks", "outliers", "scores"),
    ("objectives", "posthoc", "weights"),
    ("recipe", "fit", "stacks"),
    ("evaluations",),
    (
        "provenance",
        "study",
        "slices",
        "plan",
        "plan_record",
        "packing",
        "store",
        "named",
        "look",
        "cells",
        "results",
        "means",
        "stored_results",
        "estimate",
        "memory",
        "pace",
        "probe",
        "reasons",
        "state",
    ),
    ("analysis",),
    (
        "asked",
        "attempts",
        "contact_sheet",
        "each_class",
        "clusters",
        "driver",
        "execute",
        "forecasts",
        "log",
        "report",
        "run",
        "planning",
        "own_model",
        "status",
        "studies",
        "catalogue",
        "rays",
        "upkeep",
        "workers",
    ),
    ("data_commands", "ending", "live", "options", "plan_text", "status_text", "store_text", "store_commands"),
    ("run_command",),
    ("cli",),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def imported(path: Path) -> set[str]:
    """The rooms of assay that a file imports, wherever in the file it does so."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "assay":
            rooms |= {alias.name for alias in node.names if alias.name != "__version__"}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("assay."):
            rooms.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("assay.")}
    return rooms


def room(path: Path) -> str:
    """The room that a file stands in."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


FILES = sorted(path for path in SOURCE.rglob("*.py") if room(path) != "__init__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_downward_only(path: Path) -> None:
    assert room(path) in LEVEL, f"{room(path)} has no layer yet: add it to LAYERS"
    for other in imported(path):
        assert LEVEL[other] <= LEVEL[room(path)], f"{room(path)} imports {other}, which lies above it"


@pytest.mark.parametrize("module", ["assay", "assay.cli"])
def test_light_imports(module: str) -> None:
    heavy = ("torch", "numpy", "pandas", "rich.live")
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_commands_import_nothing_that_takes_long_and_few_need() -> None:
    heavy = (
        "pooch",
        "requests",
        "scipy.fft",
        "scipy.ndimage",
        "scipy.optimize",
        "scipy.sparse",
        "scipy.stats",
        "skimage",
    )
    code = f"import sys, assay.catalogue, assay.report, assay.run; print([n for n in {heavy} if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_nothing_read_from_disk_runs_code() -> None:
    forbidden = {"torch.load", "pickle.load", "pickle.loads", "joblib.load", "eval", "exec", "yaml.load"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in forbidden, f"{path}: {ast.unparse(node.func)}"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.unparse(node.value) == "False", path
