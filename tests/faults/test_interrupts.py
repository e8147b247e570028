"""Ctrl-C, and again while the first is being answered."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.faults.conftest import Server, finished, table


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_twice(jobs: int, server: Server, undisturbed: bytes, tmp_path: Path) -> None:
    draws = random.Random(jobs)
    out = tmp_path / "store"
    run = server.start(out, "--log", str(tmp_path / "log"), jobs=jobs)
    assert run.until(lambda: len(finished(out)) >= 2)
    workers = run.workers()
    assert len(workers) == (0 if jobs == 1 else jobs)
    for _ in range(4):
        if not run.ended():
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does it, to the workers too
        time.sleep(draws.uniform(0, 0.02))
    assert run.wait() == 130, run.printed()
    assert "Interrupted. Finished cells are kept" in run.printed()
    assert "Traceback" not in run.printed()
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert '"outcome": "interrupted"' in (tmp_path / "log").read_text().splitlines()[-1]
    kept = finished(out)
    assert kept
    server.finish(out)
    assert table(out) == undisturbed
    assert {cell: finished(out)[cell] for cell in kept} == kept


def test_a_worker_ends_with_its_killed_driver(server: Server, tmp_path: Path) -> None:
    """Though it reports nothing meanwhile, as in a long evaluation."""
    fault = {"ASSAY_FAULT": "asleep:baseline:training:1", "ASSAY_TRACE": str(tmp_path / "trace")}
    run = server.start(tmp_path / "store", jobs=2, **fault)
    assert run.until(lambda: (tmp_path / "trace").exists() and "fault" in (tmp_path / "trace").read_text())
    workers = run.workers()
    run.kill()
    run.wait()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "a worker outlives its driver"
        time.sleep(0.01)
