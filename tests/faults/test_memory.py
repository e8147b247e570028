"""A cell that lacks memory is tried again alone, then reported; what does not fit together runs one after the other."""

import json
from pathlib import Path

import pytest

from tests.faults.conftest import CELLS, Server, events, finished, table

CELL = "mixup(alpha=1):training"


def spans(trace: Path) -> list[tuple[str, float, float]]:
    return [(what, begun, ended) for what, begun, ended, _ in map(json.loads, trace.read_text().splitlines())]


@pytest.mark.parametrize("how", ["killed", "refused"])
def test_a_cell_that_lacks_memory_is_done_alone(how: str, server: Server, undisturbed: bytes, tmp_path: Path) -> None:
    out, log, trace = tmp_path / "store", tmp_path / "log", tmp_path / "trace"
    server.finish(out, "--log", str(log), jobs=2, ASSAY_FAULT=f"{how}:{CELL}:1", ASSAY_TRACE=str(trace))
    assert table(out) == undisturbed
    assert len(finished(out)) == CELLS
    [(_, begun, ended)] = [span for span in spans(trace) if span[0] == CELL]
    beside = [what for what, first, last in spans(trace) if what != CELL and first < ended and last > begun]
    assert beside == []
    told = [event["event"] for event in events(log)]
    assert told.count("cell_retried") == 1
    assert told.count("cell_finished") == CELLS


@pytest.mark.parametrize(
    ("how", "jobs", "words"),
    [
        ("killed", 2, "its process died 2 times, at last with nothing of this run beside it; exit code -9"),
        ("refused", 2, "the memory was too small for it (RuntimeError) 2 times, at last with nothing of this run"),
        ("raised", 1, "the memory was too small for it (MemoryError); use a machine with more memory"),
    ],
)
def test_a_cell_that_always_lacks_memory_is_reported(
    how: str, jobs: int, words: str, server: Server, undisturbed: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "store"
    run = server.start(out, jobs=jobs, ASSAY_FAULT=f"{how}:{CELL}:9", ASSAY_TRACE=str(tmp_path / "trace"))
    assert run.wait() == 1, run.printed()
    assert f"failed: mixup(alpha=1), seed 0, training: {words}" in run.printed()
    assert "Traceback" not in run.printed()
    kept = finished(out)
    assert len(kept) == CELLS - 3  # it, and the two evaluations of its model
    server.finish(out)
    assert table(out) == undisturbed
    assert {cell: finished(out)[cell] for cell in kept} == kept
