"""assay: how safe is an image classifier, on every axis at once, and what does each technique cost elsewhere?

The names below are imported when they are first used, because torch takes a second to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.classifier import Classifier, wrap
    from assay.data import Images, Task, load, load_task, sample
    from assay.errors import AssayError
    from assay.forecasts import score_forecasts, write_scores
    from assay.own_model import evaluate
    from assay.recipe import Recipe, parse_recipe
    from assay.report import write_report, write_tables
    from assay.results import Results
    from assay.run import run_study
    from assay.study import Study

_HOMES = {
    "AssayError": "assay.errors",
    "Classifier": "assay.classifier",
    "Images": "assay.data",
    "Recipe": "assay.recipe",
    "Results": "assay.results",
    "Study": "assay.study",
    "Task": "assay.data",
    "evaluate": "assay.own_model",
    "load": "assay.data",
    "load_task": "assay.data",
    "parse_recipe": "assay.recipe",
    "run_study": "assay.run",
    "sample": "assay.data",
    "score_forecasts": "assay.forecasts",
    "wrap": "assay.classifier",
    "write_report": "assay.report",
    "write_scores": "assay.forecasts",
    "write_tables": "assay.report",
}

__all__ = [
    "AssayError",
    "Classifier",
    "Images",
    "Recipe",
    "Results",
    "Study",
    "Task",
    "evaluate",
    "load",
    "load_task",
    "parse_recipe",
    "run_study",
    "sample",
    "score_forecasts",
    "wrap",
    "write_report",
    "write_scores",
    "write_tables",
]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("assay")
    if name not in _HOMES:
        raise AttributeError(f"module 'assay' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
