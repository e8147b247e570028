"""The processes that compute cells for another."""

from pathlib import Path

import pytest

SERVER, SPAWNED = b"multiprocessing.forkserver", b"spawn_main"


def workers_of(pid: int) -> list[int]:
    """Ids of a process's workers: new interpreters, or those that were forked off its server."""
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc to find the workers")
    found = []
    for child in _children(pid):
        words = _words(child)
        found.extend([child] if SPAWNED in words else _children(child) if SERVER in words else [])
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            found.extend(map(int, (task / "children").read_text().split()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
