"""Two drivers on one store, at once, and one of them killed: each cell is computed once."""

from collections import Counter
from pathlib import Path

from tests.faults.conftest import CELLS, Server, events, finished, table


def test_two_drivers_share_the_cells(server: Server, undisturbed: bytes, tmp_path: Path) -> None:
    out, logs = tmp_path / "store", [tmp_path / "one", tmp_path / "two"]
    runs = [server.start(out, "--log", str(log)) for log in logs]
    for run in runs:
        assert run.wait() == 0, run.printed()
    assert table(out) == undisturbed
    told = Counter(event["key"] for event in events(*logs) if event["event"] == "cell_finished")
    assert told == Counter(path.split("/")[1] for path in finished(out))
    assert len(told) == CELLS


def test_what_a_killed_driver_had_the_other_computes(server: Server, undisturbed: bytes, tmp_path: Path) -> None:
    out, logs = tmp_path / "store", [tmp_path / "one", tmp_path / "two"]
    first, second = (server.start(out, "--log", str(log)) for log in logs)
    assert first.until(lambda: logs[0].exists() and '"cell_finished"' in logs[0].read_text())
    first.kill()
    first.wait()
    assert second.wait() == 0, second.printed()
    assert table(out) == undisturbed
    told = Counter(event["key"] for event in events(*logs) if event["event"] == "cell_finished")
    assert max(told.values()) == 1
    begun = {event["key"] for event in events(logs[0]) if event["event"] == "cell_started"}
    assert begun <= {path.split("/")[1] for path in finished(out)}
