"""Plans without runs: nothing on the disk changes, and counts are those of the plan and of the store."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from assay.augmentations import MixUp
from assay.errors import BadValueError, StoreError
from assay.estimate import Estimate, Span
from assay.evaluations import Calibration
from assay.objectives import OutlierExposure
from assay.outliers import DataSet
from assay.plan_text import between, doubled, duration, shared_members, show_plan
from assay.planning import Planned, estimate_run, plan_run
from assay.recipe import Recipe, Train
from assay.run import run_study
from assay.studies import quickstart, tradeoffs
from assay.study import Preset, Study

QUICK = Train(epochs=1, batch_size=20, learning_rate=1e-3)
STUDY = Study(
    name="small",
    title="Small",
    question="Does it run?",
    recipes=(Recipe(train=QUICK), Recipe(train=QUICK, pipeline=(MixUp(alpha=1),)), Recipe(train=QUICK, members=2)),
    evaluations=(Calibration(),),
    data="tiny",
    outliers=(),
    presets=(Preset(name="first", text="The baseline alone.", recipes=("baseline",)),),
)


def contents(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


def shown(planned: Planned, estimate: Estimate | None = None) -> list[str]:
    console = Console(width=80, record=True, file=io.StringIO())
    show_plan(console, planned, estimate)
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.fixture(scope="module")
def store(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the ensemble of the study, and so the baseline's model, is finished."""
    out = tmp_path_factory.mktemp("store")
    run_study(STUDY, out=out, data=tiny_folder, recipes="ensemble*")
    return out


def row(lines: list[str], first: str) -> list[str]:
    """The numbers of the table's row that begins so."""
    return next(line for line in lines if line.startswith(f"{first} ")).removeprefix(first).split()


def test_a_folder_that_is_not_there_stays_missing(tiny_folder: Path, tmp_path: Path) -> None:
    planned = plan_run(STUDY, out=tmp_path / "none", data=tiny_folder)
    assert planned.found == frozenset()
    assert [len(planned.plan.training), len(planned.plan.evaluating)] == [3, 3]
    shown(planned)
    assert not (tmp_path / "none").exists()


def test_what_is_in_the_store_is_found_and_the_store_is_left_alone(tiny_folder: Path, store: Path) -> None:
    abandoned = store / "models" / ".abandoned-1"
    abandoned.mkdir()
    os.utime(abandoned, (0, 0))  # opening the store to run would sweep it away
    before = contents(store)
    planned = plan_run(STUDY, out=store, data=tiny_folder)
    stages = [cell.stage for cell in planned.plan.cells if cell.key in planned.found]
    assert stages == ["training", "training", "calibration"]
    lines = shown(planned)
    assert contents(store) == before
    assert row(lines, "training") == ["3", "2", "1"]
    assert row(lines, "calibration") == ["3", "1", "2"]
    assert row(lines, "in all") == ["6", "3", "3"]
    assert row(lines, "ensemble") == ["1", "2", "2"]
    assert row(lines, "in all, shared models once") == ["3", "3", "2"]
    assert "1 of 2    baseline" in lines
    assert "waiting   mixup(alpha=1)" in lines
    assert "in store  ensemble(members=2)" in lines
    abandoned.rmdir()


def test_a_restricted_plan_is_the_runs(tiny_folder: Path, tmp_path: Path) -> None:
    planned = plan_run(STUDY, out=tmp_path, data=tiny_folder, recipes="mixup*", seeds=(0, 4), limit=30)
    assert [recipe.label for recipe in planned.plan.study.recipes] == ["mixup(alpha=1)"]
    assert [cell.seed for cell in planned.plan.training] == [0, 4]
    lines = shown(planned)
    assert lines[0] == "Small (small, LIMITED to 30 images per set)"
    assert lines[1] == "1 recipe, 1 axis, seeds 0, 4; data: tiny"
    assert not [line for line in lines if "baseline" in line and "Slices" not in line and "first" not in line]


def test_an_estimate_is_of_what_is_missing(tiny_folder: Path, store: Path) -> None:
    planned = plan_run(STUDY, out=store, data=tiny_folder, recipes="mixup*")
    before = contents(store)
    estimate = estimate_run(planned, jobs=2)
    assert contents(store) == before
    assert set(estimate.stages) == {"training", "calibration"}
    assert 0 < estimate.wall.low <= estimate.wall.high <= estimate.total.high
    text = " ".join(shown(planned, estimate))
    assert "Time left on this machine with 2 processes: " in text
    done = plan_run(STUDY, out=store, data=tiny_folder, recipes="ensemble*")
    assert "Everything is in the store: a run writes the report alone." in shown(done)
    assert estimate_run(done, jobs=1).total == (0, 0)


def test_the_range_is_explained_where_attacks_may_stop_early(tiny_folder: Path, tmp_path: Path) -> None:
    planned = plan_run(STUDY, out=tmp_path, data=tiny_folder)
    known = Estimate(jobs=2, stages={"training": Span(7200, 7200)}, size=3_000_000, spread=0.05, took=20)
    text = " ".join(shown(planned, known))
    assert "with 2 processes: about 60 min; disk: about 3 MB." in text
    assert "Measured here in 20 s by short runs on one thread, which repeat to within 5%;" in text
    assert "hence the range" not in text
    wide = Estimate(jobs=1, stages={"adversarial": Span(7200, 18000)})
    text = " ".join(shown(planned, wide))
    assert "with 1 process: 2.0 to 5.0 h;" in text
    assert "hence the range" in text


def test_lines_fit_a_terminal_and_presets_are_named(tiny_folder: Path, tmp_path: Path) -> None:
    lines = shown(plan_run(STUDY, out=tmp_path, data=tiny_folder))
    assert max(map(len, lines)) <= 80
    assert row(lines, "first")[0] == "1"
    assert [line for line in lines if line.startswith("waiting")] == [
        f"waiting  {recipe.label}" for recipe in STUDY.recipes
    ]


def test_members_are_shared() -> None:
    plan = plan_run(tradeoffs, out="none-here", limit=20).plan
    text = shared_members(plan)
    assert text == "15 members shared by 4 ensembles and the baseline: 33 trainings saved."
    assert doubled(plan) == f"No key occurs twice among 569 models and {4 * 573:,} evaluations."
    whole = shown(Planned(plan=plan, found=frozenset()))
    assert row(whole, "in all, shared models once") == ["559", "569", "0"]
    assert row(whole, "cutout > pgd") == ["135", "135", "0"]
    assert len([line for line in whole if line.startswith("waiting")]) == 559
    alone = plan_run(quickstart, out="none-here", limit=20, recipes="fgsm*").plan
    assert shared_members(alone) == ""


def test_the_same_under_two_names_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    planned = plan_run(STUDY, out=tmp_path, data=tiny_folder, recipes="baseline;mixup*").plan
    first, second = planned.evaluating
    same = replace(planned, evaluating=(first, replace(second, models=first.models)))
    assert doubled(same) == "The same under several names, computed once: baseline = mixup(alpha=1)."
    measured = doubled(replace(planned, evaluating=(first, replace(second, key=first.key))))
    assert measured.endswith("baseline, seed 0, calibration = mixup(alpha=1), seed 0, calibration.")
    assert "repeat another" in doubled(replace(planned, evaluating=(first, first)))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (3600, "60 min"),
        (5400, "1.5 h"),
        (36000, "10 h"),
        (200_000, "2.3 days"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (100, 100, "about 2 min"),
        (3000, 3300, "about 52 min"),
        (3000, 4500, "50 to 75 min"),
        (3000, 9000, "50 min to 2.5 h"),
    ],
)
def test_ranges(low: float, high: float, text: str) -> None:
    assert between(Span(low, high)) == text


def test_bad_input_is_one_sentence(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="no recipe of small matches"):
        plan_run(STUDY, out=tmp_path, data=tiny_folder, recipes="zzz")
    with pytest.raises(BadValueError, match="jobs: expected a whole number >= 1, got 0"):
        estimate_run(plan_run(STUDY, out=tmp_path, data=tiny_folder), jobs=0)
    (tmp_path / "store.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="written by a newer assay"):
        plan_run(STUDY, out=tmp_path, data=tiny_folder)
    assert [path.name for path in tmp_path.iterdir()] == ["store.json"]


def test_cells_that_lack_their_outliers_cost_nothing_and_the_others_are_estimated(
    tiny_folder: Path, tmp_path: Path
) -> None:
    exposed = Recipe(train=QUICK, objective=OutlierExposure(source=DataSet(of="kmnist")))
    planned = plan_run(replace(STUDY, recipes=(Recipe(train=QUICK), exposed)), out=tmp_path, data=tiny_folder)
    assert {cell.recipe for cell in planned.plan.cells if cell.key in planned.plan.unable} == {exposed}
    alone = plan_run(replace(STUDY, recipes=(Recipe(train=QUICK),)), out=tmp_path, data=tiny_folder)
    sizes = [estimate_run(item, jobs=1).size for item in (planned, alone)]
    # The figures that a probe writes differ by a digit from run to run; a model would be kilobytes more.
    assert 0 < sizes[1] == pytest.approx(sizes[0], abs=64)
