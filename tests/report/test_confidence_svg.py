import re

import torch

from assay.report.confidence_svg import confidence_svg
from assay.report.lines_svg import LEFT, RIGHT, WIDTH


def marks(svg: str) -> list[float]:
    return [float(place) for place in re.findall(r'<line class="mark[^"]*" x1="([\d.]+)"', svg)]


def test_accuracy_and_mean_confidence_are_marked_where_they_lie() -> None:
    # Two classes: confidences 0.9 (right), 0.9 (wrong), 0.6 (right), 0.5 (a tie: class 0, right).
    p = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.5, 0.5]])
    svg = str(confidence_svg(p.log(), torch.tensor([0, 1, 0, 0]), "a & b"))
    assert "accuracy 75.0 %" in svg
    assert "mean confidence 72.5 %" in svg
    across = WIDTH - LEFT - RIGHT
    assert marks(svg) == [round(LEFT + 0.75 * across, 1), round(LEFT + 0.725 * across, 1)]
    assert svg.count('class="mark dashed"') == 1
    assert 'aria-label="a &amp; b"' in svg


def test_right_and_wrong_answers_are_counted_apart_on_a_logarithmic_axis() -> None:
    p = torch.tensor([[0.99, 0.01]]).repeat(1100, 1)
    labels = torch.zeros(1100, dtype=torch.long)
    labels[:100] = 1
    svg = str(confidence_svg(p.log(), labels, "x"))
    assert [text for text in ("1", "10", "100", "1,000", "10,000") if f">{text}</text>" in svg] == [
        "1", "10", "100", "1,000",
    ]  # fmt: skip
    right, wrong = re.findall(r'points="([^"]*)"', svg)
    tops = [min(float(point.split(",")[1]) for point in path.split()) for path in (right, wrong)]
    grid = [float(place) for place in re.findall(r'class="grid" [^>]*y1="([\d.]+)"', svg)]
    assert tops == [grid[3], grid[2]]  # 1,000 right and 100 wrong answers


def test_a_model_that_is_always_right_has_a_picture() -> None:
    svg = str(confidence_svg(torch.tensor([[50.0, 0.0]]), torch.tensor([0]), "x"))
    assert "accuracy 100.0 %" in svg
    assert marks(svg)[0] == WIDTH - RIGHT
