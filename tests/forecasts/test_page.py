"""The page and the terminal: what was scored is shown, escaped, and fits."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import assay
from assay.forecasts.page import render
from assay.forecasts.terminal import print_scores
from assay.forecasts.words import number

HOSTILE = "<b>[red]fox</b>"


def frame(classes: int = 3, n: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(1)
    p = random.dirichlet([1] * classes, n)
    names = [HOSTILE, *(f"c{place}" for place in range(1, classes))]
    columns = {f"p_{name}": p[:, place] for place, name in enumerate(names)}
    return pd.DataFrame(columns | {"outcome": random.choice(names, n)})


def printed(data: pd.DataFrame, width: int = 80) -> str:
    stream = io.StringIO()
    print_scores(assay.score_forecasts(data), Console(file=stream, width=width))
    return stream.getvalue()


def test_the_page_needs_no_network_and_escapes_names() -> None:
    page = render(assay.score_forecasts(frame()))
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"https?:", page)
    assert "<b>[red]fox" not in page
    assert "&lt;b&gt;[red]fox" in page
    assert page.count("<svg") == 4  # the top label and three classes


def test_of_many_classes_only_the_top_label_is_drawn() -> None:
    data = frame(classes=25)
    assert render(assay.score_forecasts(data)).count("<svg") == 1
    assert "The scores of 25 classes stand on the page." in printed(data)


def test_a_diagram_has_a_point_for_each_bin_that_holds_a_forecast() -> None:
    found = assay.score_forecasts(pd.DataFrame({"probability": [0.0, 0.05, 1.0], "outcome": [0, 1, 1]}))
    assert [(point.x, point.y, point.n) for point in found.diagrams[0].points] == [(0.025, 0.5, 2), (1.0, 1.0, 1)]
    assert render(found).count('class="dot"') == 2


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_terminal_shows_names_as_they_are_and_keeps_to_its_width(width: int) -> None:
    text = printed(frame(), width)
    assert HOSTILE in text.replace("\n", "") or width < 160  # folded
    assert all(len(line) <= width for line in text.splitlines())
    assert "in-sample" in text.replace("\n", " ")


def test_what_is_infinite_is_shown_and_told() -> None:
    data = pd.DataFrame({"probability": [0.0, 0.5], "outcome": [1, 0]})
    assert "∞" in printed(data)
    assert "The log score is infinite" in printed(data)
    assert "The log score is infinite" in render(assay.score_forecasts(data))


def test_columns_left_unread_are_named(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,probability,outcome\n1,0.5,1\n2,0.5,0\n")
    found = assay.score_forecasts(path)
    assert found.unread == ("id",)
    assert "Columns left unread: id." in render(found)


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.12345, "brier", "0.1235"),
        (-0.00001, "brier_skill", "0.0000"),
        (-0.5, "brier_skill", "−0.5000"),
        (float("-inf"), "log_score_skill", "−∞"),
        (12345.678, "mean_width", "12,346"),
        (9.08, "interval_score", "9.080"),
        (0.000123, "mean_width", "0.0001230"),
        (1.5e-12, "mean_width", "1.500e−12"),
        (0.0, "mean_width", "0.0000"),
    ],
)
def test_numbers(value: float, metric: str, text: str) -> None:
    assert number(value, metric) == text
