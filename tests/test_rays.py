"""Cells on a real Ray cluster of three nodes: the same bytes, lost workers and nodes, interrupts, a killed driver."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

os.environ["RAY_AUTH_MODE"] = "disabled"  # as Ray is imported: else it writes a token into the user's home
os.environ["RAY_agent_register_timeout_ms"] = "100000"  # noqa: SIM112 - a busy machine starts slowly
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - instead of 15: tests are awaited
ray = pytest.importorskip("ray", reason="needs Ray: make test-ray")

from assay import execute, rays  # noqa: E402
from assay.attacks import FGSM  # noqa: E402
from assay.augmentations import MixUp  # noqa: E402
from assay.data import load_task  # noqa: E402
from assay.errors import BadValueError, ClusterError  # noqa: E402
from assay.evaluations import Adversarial, Calibration  # noqa: E402
from assay.execute import run  # noqa: E402
from assay.memory import Memory  # noqa: E402
from assay.packing import pack_weights, unpack_weights  # noqa: E402
from assay.plan import Plan, plan  # noqa: E402
from assay.recipe import Recipe, Train  # noqa: E402
from assay.run import run_study  # noqa: E402
from assay.state import State  # noqa: E402
from assay.store import Store  # noqa: E402
from assay.study import Study  # noqa: E402
from assay.workers import Source  # noqa: E402

QUICK = Train(epochs=1, batch_size=20, learning_rate=1e-3)
LONG = replace(QUICK, epochs=5000)
WILD = Recipe(train=replace(QUICK, learning_rate=1e30), pipeline=(MixUp(alpha=1),))
ELSEWHERE = Source(data="tiny", outliers=(), exposure=(), folder=Path("/nowhere"), limit=None)
STUDY = Study(
    name="small",
    title="Small",
    question="Does it run?",
    recipes=(Recipe(train=QUICK), Recipe(train=QUICK, members=2), WILD),
    evaluations=(Calibration(), Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,))),
    data="tiny",
    outliers=(),
)
SCRIPT = """
import sys
from pathlib import Path
from assay import run_study
from test_rays_study import STUDY
print(len(run_study(STUDY, out=sys.argv[1], data=sys.argv[2], ray=sys.argv[3]).failures))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores and two nodes with one each, all of them processes of this machine."""
    from ray.cluster_utils import Cluster

    made = Cluster()
    for cores in (0, 1, 1):
        add_node(made, cores)
    yield made
    made.shutdown()


def add_node(cluster: Any, cores: int) -> Any:
    """Add a node; on a busy machine, Ray's thirty seconds for its start may be too few, and it is tried again."""
    for left in (2, 1, 0):
        try:
            return cluster.add_node(num_cpus=cores, include_dashboard=False)
        except Exception as error:
            if not left or "timed out during startup" not in str(error):
                raise
    raise AssertionError


def planned(folder: Path, *recipes: Recipe, **changes: Any) -> Plan:
    changed = replace(STUDY, recipes=recipes or STUDY.recipes, evaluations=(Calibration(),))
    return plan(replace(changed, **changes), load_task("tiny", outliers=(), folder=folder))


def mixed(count: int, train: Train) -> list[Recipe]:
    """As many different recipes."""
    return [Recipe(train=train, pipeline=(MixUp(alpha=1 + more),)) for more in range(count)]


def on(cluster: Any, planned: Plan, store: Store, watch: Callable[[State], None] = lambda _: None) -> State:
    return run(planned, store, ELSEWHERE, ray=cluster.address, watch=watch)


def contents(store: Store) -> dict[str, bytes]:
    """Weights, observations and measurements: all that must not depend on where they were made."""
    names = ("model.safetensors", "observations.safetensors", "draws.safetensors", "measurements.json")
    return {
        str(path.relative_to(store.root)): path.read_bytes() for path in store.root.rglob("*") if path.name in names
    }


def undisturbed(given: Plan, folder: Path) -> dict[str, bytes]:
    """What one process makes of the plan."""
    run(given, Store(folder), ELSEWHERE, watch=lambda _: None)
    return contents(Store(folder))


def workers() -> list[int]:
    """The processes that compute a cell of this test's cluster."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc to find the workers")
    parents, found = {}, []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            pid = int(path.name)
            parents[pid] = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if (path / "cmdline").read_bytes().startswith(b"ray::work"):
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended

    def ours(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and ours(parents[pid]))

    return [pid for pid in found if ours(pid)]


def begun(state: State) -> bool:
    return any(item.text != "waits for a core" for item in state.running.values())


def test_a_cluster_gives_the_table_of_one_process(cluster: Any, tiny_folder: Path, tmp_path: Path) -> None:
    here = run_study(STUDY, out=tmp_path / "here", data=tiny_folder)
    there = run_study(STUDY, out=tmp_path / "there", data=tiny_folder, ray=cluster.address)
    assert here.table.equals(there.table)
    assert contents(Store(tmp_path / "here")) == contents(Store(tmp_path / "there"))
    assert [failure.reason for failure in here.failures] == [failure.reason for failure in there.failures]
    assert len(there.failures) == 3, "the diverging recipe's training and its two evaluations, and nothing else"
    assert not ray.is_initialized()


def test_trainings_that_stack_go_out_together(
    cluster: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "stacks_pay", lambda _: True)
    given, store = planned(tiny_folder, *mixed(3, QUICK)), Store(tmp_path)
    state = on(cluster, given, store)
    assert state.finished == {cell.key for cell in given.cells}
    assert [store.read_json("models", cell.key, "cell.json")["stack"] for cell in given.training] == [3, 3, 3]


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_killed_worker_is_replaced_and_its_cell_tried_twice(
    deaths: int, cluster: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    given = planned(tiny_folder, Recipe(train=replace(QUICK, epochs=60)))
    cell = given.training[0]
    killed: list[int] = []

    def kill(state: State) -> None:
        if cell.key in state.running and begun(state) and len(killed) < deaths:
            [pid] = workers()
            if pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    state = on(cluster, given, Store(tmp_path / "there"), kill)
    assert len(killed) == deaths
    if deaths == 1:
        assert state.finished == {cell.key for cell in given.cells}
        assert contents(Store(tmp_path / "there")) == undisturbed(given, tmp_path / "here")
    else:
        assert state.failed[cell.key].startswith("its worker was lost 2 times (WorkerCrashedError: ")
        assert "\n" not in state.failed[cell.key]


def test_a_lost_node_costs_its_cell_one_attempt(cluster: Any, tiny_folder: Path, tmp_path: Path) -> None:
    given = planned(tiny_folder, *mixed(3, replace(QUICK, epochs=60)))
    lost = [add_node(cluster, 1)]

    def lose(state: State) -> None:
        if lost and len(state.running) == 3 and begun(state) and len(workers()) == 3:
            cluster.remove_node(lost.pop(), allow_graceful=False)

    try:
        state = on(cluster, given, Store(tmp_path / "there"), lose)
        assert not lost
    finally:
        for node in lost:  # else the tests that follow would have it
            cluster.remove_node(node)
    assert state.finished == {cell.key for cell in given.cells}
    assert contents(Store(tmp_path / "there")) == undisturbed(given, tmp_path / "here")


def test_pieces_go_to_the_store_and_come_back(cluster: Any, tiny_folder: Path, tmp_path: Path) -> None:
    given = planned(tiny_folder, Recipe(train=QUICK), evaluations=STUDY.evaluations[1:])
    whole, store, [cell] = Store(tmp_path / "whole"), Store(tmp_path / "cut"), given.evaluating
    kept: dict[str, bytes] = {}

    class Spy(Store):
        def keep_piece(self, key: str, name: str, content: bytes) -> None:
            assert key == cell.key
            kept[name] = content
            super().keep_piece(key, name, content)

    on(cluster, given, Spy(whole.root))
    [(name, content)] = kept.items()
    tensors = unpack_weights(content)
    tensors["worst/0.1"] = ~tensors["worst/0.1"]  # so that it is seen to be taken
    store.keep_piece(cell.key, name, pack_weights(tensors))
    on(cluster, given, store)
    right, found = whole.read_observations(cell.key).tensors, store.read_observations(cell.key).tensors
    assert (found["worst/0.1"] == ~right["worst/0.1"]).all()
    assert store.pieces(cell.key) == {}


def test_an_interrupt_ends_the_calls_and_keeps_what_is_finished(
    cluster: Any, tiny_folder: Path, tmp_path: Path
) -> None:
    given, store = planned(tiny_folder, Recipe(train=QUICK), *mixed(1, LONG)), Store(tmp_path)

    def interrupt(state: State) -> None:
        if state.finished and begun(state):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on(cluster, given, store, interrupt)
    deadline = time.monotonic() + 30
    while workers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers() == []
    assert store.has("models", given.training[0].key)
    with store.claim(given.training[1].key) as free:
        assert free


def test_a_killed_driver_leaves_its_finished_cells(cluster: Any, tiny_folder: Path, tmp_path: Path) -> None:
    code = SCRIPT.replace("test_rays_study", Path(__file__).stem)
    command = [sys.executable, "-c", code, str(tmp_path / "cut"), str(tiny_folder), cluster.address]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    finished: list[Path] = []
    while len(finished) < 2:
        assert process.poll() is None, process.stdout and process.stdout.read()
        finished = list((tmp_path / "cut").glob("[me]*/[!.]*/checksums.json"))
        time.sleep(0.02)
    process.kill()
    process.communicate()
    finished = list((tmp_path / "cut").glob("[me]*/[!.]*/checksums.json"))
    written = {path: path.stat().st_mtime_ns for path in finished}
    again = run_study(STUDY, out=tmp_path / "cut", data=tiny_folder, ray=cluster.address)
    assert {path: path.stat().st_mtime_ns for path in finished} == written
    undisturbed = run_study(STUDY, out=tmp_path / "whole", data=tiny_folder)
    assert again.table.equals(undisturbed.table)


def test_at_most_one_cell_waits(cluster: Any, tiny_folder: Path, tmp_path: Path) -> None:
    given = planned(tiny_folder, *mixed(6, QUICK))
    running: list[int] = []
    on(cluster, given, Store(tmp_path), lambda state: running.append(len(state.running)))
    assert 2 <= max(running) <= 3


def test_another_version_on_the_cluster_is_refused(
    cluster: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = planned(tiny_folder, Recipe(train=QUICK))
    with monkeypatch.context() as patch:
        patch.setattr(ray, "__version__", "2.0.0")
        with pytest.raises(ClusterError, match=r"cannot use the cluster at .*: Version mismatch: .*2\.0\.0") as caught:
            on(cluster, given, Store(tmp_path))
        assert "\n" not in str(caught.value)
    monkeypatch.setattr(rays, "software", lambda: {"torch": "1.0"})
    with pytest.raises(
        ClusterError, match=r"ray: .*: has torch .*, and the driver 1\.0; mend that node or take it out"
    ):
        on(cluster, given, Store(tmp_path))
    assert Store(tmp_path).failure(given.training[0].key) is None, "it is not the cell that failed"


def test_a_node_without_what_a_cell_needs_ends_the_run(
    cluster: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = planned(tiny_folder, Recipe(train=QUICK))

    def work(*_: Any) -> None:
        raise ModuleNotFoundError("No module named 'assay'")

    monkeypatch.setattr(rays, "work", work)
    with pytest.raises(ClusterError, match="a node cannot compute cells: No module named 'assay'; mend that node"):
        on(cluster, given, Store(tmp_path))


@pytest.mark.parametrize("share", [0.7, 100])  # of a node's memory
def test_no_more_cells_run_on_a_node_than_fit_into_its_memory(
    share: float, cluster: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = planned(tiny_folder, *mixed(5, replace(QUICK, epochs=20)))
    node, counts, kept = add_node(cluster, 2), list[int](), list[float]()

    def peak(*_: Any) -> float:
        return share * min(float(found["Resources"]["memory"]) for found in ray.nodes() if found["Alive"])

    def watch(_: State) -> None:
        counts.append(len(workers()))
        if ray.is_initialized():  # no more at the very end
            kept.append(ray.cluster_resources()["memory"] - ray.available_resources().get("memory", 0.0))

    monkeypatch.setattr(Memory, "peak", peak)
    try:
        state = on(cluster, given, Store(tmp_path), watch)
    finally:
        cluster.remove_node(node)
    assert state.finished == {cell.key for cell in given.cells}
    assert 1 <= max(counts) <= 3, "one on each node; what fits on none runs on the largest"
    assert max(kept) > 2**30


def test_what_fits_on_no_node_any_more_is_given_anew(
    cluster: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, largest, asked = planned(tiny_folder, Recipe(train=QUICK)), rays._Cluster._largest, list[float]()

    def lost(self: Any) -> float:
        asked.append(1e15 if not asked else largest(self))  # at first there is a huge node, which is then lost
        return asked[-1]

    monkeypatch.setattr(Memory, "peak", lambda *_: 1e15)
    monkeypatch.setattr(rays._Cluster, "_largest", lost)
    monkeypatch.setattr(rays, "LOOK", 0.5)
    state = on(cluster, given, Store(tmp_path))
    assert state.finished == {cell.key for cell in given.cells}
    assert asked[0] == 1e15 > asked[1]


def test_a_cluster_without_gpu_is_said_so(cluster: Any, tiny_folder: Path, tmp_path: Path) -> None:
    given = planned(tiny_folder, Recipe(train=QUICK))
    with pytest.raises(BadValueError, match="device: the cluster has no GPU for cuda; use --device cpu"):
        run(given, Store(tmp_path), ELSEWHERE, device="cuda", ray=cluster.address, watch=lambda _: None)
    assert not ray.is_initialized()
