"""Time left by hand, and none before it means something."""

from pathlib import Path

import pytest

from assay.live import overall
from assay.pace import Pace, Seen
from assay.plan import Cell
from assay.recipe import Recipe
from assay.run import run_study
from assay.state import State
from tests.test_execute import QUICK, prepared, small_study


@pytest.fixture(scope="module")
def cells(tiny_folder: Path) -> tuple[Cell, Cell]:
    """A training and an evaluation."""
    plan, _ = prepared(tiny_folder, small_study())
    return plan.training[0], plan.evaluating[0]


def test_by_hand(cells: tuple[Cell, Cell]) -> None:
    training, evaluating = cells
    pace = Pace()
    assert pace.seconds_left([(training, 1.0)]) is None, "nothing was seen"
    pace.note(training, 1.5)
    assert pace.seconds_left([(training, 1.0)]) is None, "too little was seen"
    pace.note(training, 4.5)  # 3 s a training
    assert pace.seconds_left([]) == 0
    assert pace.seconds_left([(training, 1.0)] * 6) == pytest.approx(18)
    pace.workers = 4
    assert pace.seconds_left([(training, 1.0)] * 6) == pytest.approx(18 / 4)
    assert pace.seconds_left([(training, 1.0), (training, 0.5)]) == pytest.approx(3), "the longest by itself"
    many = 1 + int(training.cost / evaluating.cost)
    left = [(training, 1.0), *[(evaluating, 1.0)] * many]
    assert pace.seconds_left(left) is None, "most of what is left is of a stage that was not seen"
    half_done = [(evaluating, Seen(evaluating.cost / 2, 2.0))]  # 4 s an evaluation
    assert pace.seconds_left(left, half_done) == pytest.approx((3 + 4 * many) / 4)


@pytest.mark.parametrize("jobs", [1, 2])
def test_as_many_run_as_there_are_workers(jobs: int, tiny_folder: Path, tmp_path: Path) -> None:
    said = []

    def watch(state: State) -> None:
        said.append(overall(state))
        assert state.pace.workers <= jobs
        if state.finished and len(state.waiting) >= jobs:
            assert f"{len(state.running)} running" in overall(state)

    study = small_study(*(Recipe(train=QUICK, members=members) for members in (1, 2, 3)))
    run_study(study, out=tmp_path, data=tiny_folder, jobs=jobs, watch=watch)
    assert any(f"{jobs} running" in text for text in said)
