"""Memory: what there is, what cells take, and the order in which the driver hands them out."""

from pathlib import Path

import pytest
import torch

from assay.augmentations import MixUp
from assay.data import load_task
from assay.driver import Driver
from assay.memory import BATCH, COPIES, MIB, PROCESS, WIDTH, Memory, available, kind_of, lacks_memory
from assay.plan import Plan, plan
from assay.recipe import Recipe
from assay.state import begin
from assay.store import Store
from tests.test_execute import QUICK, small_study


@pytest.fixture
def planned(tiny_folder: Path) -> Plan:
    return plan(small_study(), load_task("tiny", outliers=(), folder=tiny_folder))


def system(root: Path, kilobytes: int, groups: str = "") -> Path:
    """A file system that says how much memory is available, and in which control groups we are."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable:   {kilobytes} kB\n")
    (root / "proc/self/cgroup").write_text(groups)
    return root


def test_available_is_the_least_of_system_and_groups(tmp_path: Path) -> None:
    assert available(system(tmp_path / "plain", 1000)) == 1000 * 1024
    two = system(tmp_path / "two", 1000, "0::/a/b\n")
    for folder, limit, used in (("a", "700000", "300000"), ("a/b", "max", "200000")):
        (two / "sys/fs/cgroup" / folder).mkdir(parents=True, exist_ok=True)
        (two / "sys/fs/cgroup" / folder / "memory.max").write_text(limit)
        (two / "sys/fs/cgroup" / folder / "memory.current").write_text(used)
        (two / "sys/fs/cgroup" / folder / "memory.stat").write_text("anon 7\ninactive_file 50000\n")
    assert available(two) == 700000 - 300000 + 50000
    one = system(tmp_path / "one", 1000, "9:name=systemd:/x\n4:memory:/c\n0::/\n")
    group = one / "sys/fs/cgroup/memory/c"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text("500000")
    (group / "memory.usage_in_bytes").write_text("600000")
    (group / "memory.stat").write_text("total_inactive_file 1000\n")
    assert available(one) == 0, "more is used than allowed"
    here = available()
    assert here is None or here > 0


def test_a_peak_is_guessed_then_known(planned: Plan) -> None:
    memory = Memory(task=planned.task, budget=None)
    cell = planned.training[0]
    task = planned.task
    assert task.train is not None
    assert task.validation is not None
    data = 28 * 28 * (len(task.train) + len(task.validation) + len(task.test))
    assert memory.peak(cell) == PROCESS + COPIES * (data + 4 * 28 * 28 * BATCH * WIDTH)
    memory.know(cell, 2000)
    assert memory.peak(cell) == 2000 * MIB
    for measured in (700, 900, 800):
        memory.note(cell, measured)
    assert memory.peak(cell) == 900 * MIB, "what this run measures counts, and the largest of it"
    assert kind_of(planned.training[1]) == kind_of(cell)
    assert memory.peak(planned.evaluating[0]) != memory.peak(cell)


def test_no_more_cells_run_at_once_than_fit_but_always_one(planned: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for budget, expected in ((None, 2), (1000.0, 2), (999.0, 1), (1.0, 1)):
        memory = Memory(task=planned.task, budget=None if budget is None else budget * MIB)
        for cell in planned.cells:
            memory.know(cell, 500)
        driver = Driver(begin(planned, store), store, memory=memory)
        handed = 0
        while driver.next() is not None:
            handed += 1
        assert handed == expected
        driver.close()


def test_a_stack_is_one_process(tiny_folder: Path, tmp_path: Path) -> None:
    planned = plan(small_study(Recipe(train=QUICK, members=4)), load_task("tiny", outliers=(), folder=tiny_folder))
    memory = Memory(task=planned.task, budget=1000 * MIB)
    for cell in planned.cells:
        memory.know(cell, 500)
    store = Store(tmp_path)
    driver = Driver(begin(planned, store), store, memory=memory, stacks=True)
    assert [len(driver.next_stack(workers=2)) for _ in range(3)] == [2, 2, 0]
    driver.close()


def test_a_cell_that_runs_alone_waits_for_the_others_and_they_for_it(tiny_folder: Path, tmp_path: Path) -> None:
    study = small_study(Recipe(train=QUICK), Recipe(train=QUICK, members=3))
    planned = plan(study, load_task("tiny", outliers=(), folder=tiny_folder))
    store = Store(tmp_path)
    driver = Driver(begin(planned, store), store)
    first = driver.next()
    assert first is not None
    driver.begin([first], "here:1")
    driver.again(first, "its process died", alone=True)
    others = [driver.next(), driver.next()]
    assert None not in others
    assert first not in others
    assert driver.next() is None, "something runs beside it"
    for cell in others:
        assert cell is not None
        driver.fail(cell, "broken")
    assert driver.next() is first
    assert driver.next() is None, "it is to run alone"
    driver.close()


def test_members_come_before_what_needs_them_and_long_chains_first(tiny_folder: Path, tmp_path: Path) -> None:
    short, many = Recipe(train=QUICK, pipeline=(MixUp(alpha=1),)), Recipe(train=QUICK, members=3)
    planned = plan(small_study(short, many), load_task("tiny", outliers=(), folder=tiny_folder))
    costs = {cell.key: cell.cost for cell in planned.cells}
    order = begin(planned, Store(tmp_path)).waiting
    places = {cell.key: place for place, cell in enumerate(order)}
    for cell in planned.evaluating:
        assert all(places[key] < places[cell.key] for key in cell.models)
    # An ensemble's calibration is longer than a single model's, and trainings take the same: members go first.
    assert costs[planned.evaluating[1].key] > costs[planned.evaluating[0].key]
    assert [cell.key for cell in order[:3]] == list(planned.evaluating[1].models)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("shapes differ"), False),
        (ValueError("can't allocate memory"), False),
    ],
)
def test_errors_that_say_that_memory_was_lacking(error: Exception, expected: bool) -> None:
    assert lacks_memory(error) is expected
