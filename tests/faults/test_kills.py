"""kill -9 of the driver or of a worker at random moments: the table in the end is that of an undisturbed run."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import CELLS, Server, finished, table

ROUNDS = int(os.environ.get("ASSAY_FAULT_ROUNDS", "4"))
SEED = int(os.environ.get("ASSAY_FAULT_SEED", "0"))
WHOM = ("driver of 1", "worker of 2", "driver of 1", "driver of 2")


@pytest.mark.faults
@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_at_a_random_moment(number: int, server: Server, undisturbed: bytes, tmp_path: Path) -> None:
    whom = WHOM[number % len(WHOM)]
    victim, jobs = whom.split()[0], int(whom.split()[2])
    draws = random.Random(SEED + number)
    after, wait = draws.randrange(CELLS), draws.uniform(0, 0.4)
    run = server.start(tmp_path, jobs=jobs)
    hit = run.until(lambda: len(finished(tmp_path)) >= after and bool(victim == "driver" or run.workers()))
    time.sleep(wait)
    kept = finished(tmp_path)
    hit = hit and not run.ended()
    if hit and victim == "driver":
        run.kill()
    elif hit:
        pids = run.workers()
        hit = bool(pids)
        if hit:
            os.kill(draws.choice(pids), signal.SIGKILL)
    code = run.wait()
    told = f"round {number}, seed {SEED + number}: {whom} killed" if hit else f"round {number}: {whom} over before"
    sys.stdout.write(f"{told} with {len(kept)} of {CELLS} cells finished\n")
    if victim == "driver" and hit:
        assert code == -signal.SIGKILL
    else:
        assert code == 0, run.printed()
    kept = finished(tmp_path) if victim == "driver" else kept
    server.finish(tmp_path)
    assert table(tmp_path) == undisturbed
    now = finished(tmp_path)
    assert len(now) == CELLS
    assert {cell: now[cell] for cell in kept} == kept, "a finished cell was computed again"
