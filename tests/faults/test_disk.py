"""A disk that is full, or read-only: one sentence, and the same command goes on once there is room."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.errors import StoreError
from assay.places import local
from assay.store import Store
from tests.faults.conftest import CELLS, Server, finished, table

SIZE = 64 << 20
KEY = "0123456789abcdef"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Fill the disk but for that many bytes."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - left)
    return ballast


@pytest.mark.parametrize(("left", "cells"), [(100_000, (0, 0)), (2_500_000, (1, 5)), (6_000_000, (CELLS, CELLS))])
def test_a_full_disk(left: int, cells: tuple[int, int], server: Server, undisturbed: bytes, disk: Path) -> None:
    """Full from the start, in the midst of the cells, and when the report is written."""
    ballast, out = fill(disk, left), disk / "store"
    run = server.start(out)
    assert run.wait() == 2, run.printed()
    last = run.printed().strip().splitlines()[-1]
    assert last.startswith("assay: ")
    assert "the disk is full; finished cells are safe: free some space and run the same command again" in last
    assert "Traceback" not in run.printed()
    kept = finished(out)
    assert cells[0] <= len(kept) <= cells[1]
    assert not list(out.glob("*/.*")), "a temporary folder was left"
    ballast.unlink()
    server.finish(out)
    assert table(out) == undisturbed
    assert {cell: finished(out)[cell] for cell in kept} == kept


def test_a_read_only_store_is_refused_and_can_be_looked_at(server: Server, undisturbed: bytes, disk: Path) -> None:
    out = disk / "store"
    run = server.start(out)
    run.until(lambda: len(finished(out)) >= 3)
    run.kill()
    run.wait()
    kept = finished(out)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    run = server.start(out)
    assert run.wait() == 2
    assert run.printed().strip().splitlines()[-1].endswith("choose another folder with --out")
    assert "Traceback" not in run.printed()
    assert Store(out, look=True).finished("models")
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    server.finish(out)
    assert table(out) == undisturbed
    assert {cell: finished(out)[cell] for cell in kept} == kept


def test_a_disk_that_becomes_read_only_keeps_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with store.claim(KEY) as mine:
        assert mine
        monkeypatch.setattr(Path, "unlink", refuse)
    with store.claim(KEY) as mine:
        assert mine


@pytest.mark.parametrize("number", range(4))
def test_no_file_of_a_cell_that_could_not_be_written_stays(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, write, calls = Store(tmp_path), local._write_through, 0

    def full(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls > number:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(local, "_write_through", full)
    with pytest.raises(StoreError, match="the disk is full"):
        store.write("models", KEY, {"a": b"1234", "b": b"5678", "c": b"9"})
    assert list((tmp_path / "models").iterdir()) == []
    monkeypatch.undo()
    store.write("models", KEY, {"a": b"1234"})
    assert store.contents("models", KEY) == {"a": b"1234"}
