"""Write docs/methods.md: every part with its method and source, taken from the docstrings.

.venv/bin/python tools/make_methods.py
"""

import inspect
import sys
from pathlib import Path
from types import ModuleType

from assay import (
    architectures,
    attacks,
    augmentations,
    corruptions,
    evaluations,
    objectives,
    outliers,
    posthoc,
    scores,
    weights,
)
from assay.metrics import (
    calibration,
    classwise,
    detection,
    forecasts,
    gap_norms,
    intervals,
    rejection,
    smooth_ece,
    thinning,
    thresholds,
    transfer,
)
from assay.pictures import clouds, diversity, dull, escape_time, ifs, mixing, plasma, tones
from assay.recipe import part_classes

TARGET = Path(__file__).parents[1] / "docs" / "methods.md"
PACKAGES = (
    evaluations, attacks, augmentations, objectives, outliers, weights, posthoc, architectures, scores, corruptions
)  # fmt: skip
PICTURES = (mixing, ifs, escape_time, clouds, plasma, tones, dull, diversity)
METRICS = (
    *(calibration, smooth_ece, classwise, gap_norms, detection, rejection, thresholds, forecasts),
    *(intervals, transfer, thinning),
)
INTRODUCTION = """# Methods

What each part computes, by which formula, and from which paper; where we deviate, it says so. This page is made from
the docstrings by `tools/make_methods.py`.
"""


def page() -> str:
    """The whole page."""
    rooms = [room(package) for package in PACKAGES]
    return "\n".join([INTRODUCTION, *rooms, pictures(), metrics()]).rstrip() + "\n"


def room(package: ModuleType) -> str:
    """One package: its parts by name, each with its module's docstring."""
    title = (inspect.getdoc(package) or "").splitlines()[0]
    texts = [f"## {title.split(':')[0]}\n\n{title}\n"]
    for name, kind in sorted(part_classes(package).items()):
        texts.append(f"### `{name}`\n\n{module_text(kind.__module__)}\n")
    return "\n".join(texts)


def pictures() -> str:
    """How mixing pictures are drawn."""
    texts = [f"### {module.__name__.split('.')[-1]}\n\n{inspect.getdoc(module)}\n" for module in PICTURES]
    return "\n".join(["## Pictures\n", *texts])


def metrics() -> str:
    """The metrics: their public functions."""
    texts = ["## Metrics\n"]
    for module in METRICS:
        texts.append(f"### {module.__name__.split('.')[-1]}\n\n{inspect.getdoc(module)}\n")
        functions = inspect.getmembers(module, inspect.isfunction)
        for name, function in functions:
            if not name.startswith("_") and function.__module__ == module.__name__:
                texts.append(f"- `{name}`: {(inspect.getdoc(function) or '').splitlines()[0]}")
        texts.append("")
    return "\n".join(texts)


def module_text(name: str) -> str:
    """A module's docstring."""
    return inspect.getdoc(sys.modules[name]) or ""


if __name__ == "__main__":
    TARGET.write_text(page())
