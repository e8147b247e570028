"""Clocks that are set while runs go on: claims and what is being written hold all the same."""

import os
import time
import uuid
from pathlib import Path

import pytest

from assay.places import elsewhere, local
from assay.store import Store

KEY = "0123456789abcdef"
JUMPS = (-10 * 365 * 86400.0, -7200.0, 7200.0, 10 * 365 * 86400.0)
FILES = {"a": b"1", "b": b"2"}


class Clock:
    """Time that a test sets: what people see, and what only goes forward."""

    def __init__(self) -> None:
        self.wall, self.steady = 1.8e9, 100.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(elsewhere, "time", made)
    monkeypatch.setattr(elsewhere, "RENEWED", 0.005)  # of real seconds: renewed while the test's clocks stand
    return made


@pytest.mark.parametrize("jump", JUMPS)
def test_a_claim_that_is_renewed_lasts_whatever_the_clocks_say(jump: float, clock: Clock) -> None:
    address = f"memory://{uuid.uuid4().hex}"
    store, other = Store(address), Store(address)
    with store.claim(KEY) as mine:
        assert mine
        for _ in range(5):
            clock.wall += jump
            with other.claim(KEY) as theirs:
                assert not theirs
            seen = store.place.read(f"claims/{KEY}")
            clock.pass_by(elsewhere.EXPIRES - 1)
            deadline = time.monotonic() + 60
            while store.place.read(f"claims/{KEY}") == seen:
                assert time.monotonic() < deadline
                time.sleep(0.001)
    with other.claim(KEY) as theirs:
        assert theirs


@pytest.mark.parametrize("jump", [0.0, *JUMPS])
def test_a_killed_run_s_claim_ends_after_its_time_whatever_the_clocks_say(jump: float, clock: Clock) -> None:
    store = Store(f"memory://{uuid.uuid4().hex}")
    store.place.write(f"claims/{KEY}", b'{"owner": "killed", "time": 1.8e9}')
    for passed in (0.0, 1.0, elsewhere.EXPIRES - 2):
        clock.pass_by(passed)
        with store.claim(KEY) as mine:
            assert not mine
        clock.wall += jump
    clock.pass_by(1.5)
    with store.claim(KEY) as mine:
        assert mine


@pytest.mark.parametrize("jump", JUMPS)
def test_a_lock_of_a_folder_knows_no_clock(jump: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, now = Store(tmp_path), time.time()
    with store.claim(KEY) as mine:
        monkeypatch.setattr("assay.places.local.time.time", lambda: now + jump)
        with Store(tmp_path).claim(KEY) as theirs:
            assert mine
            assert not theirs


@pytest.mark.parametrize("jump", JUMPS)
def test_what_is_being_written_is_not_swept_away(jump: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run begins, and sweeps, between two files of a cell, after the clock was set."""
    store, write = Store(tmp_path), local._write_through
    real = time.time

    def disturbed(path: Path, content: bytes) -> None:
        write(path, content)
        monkeypatch.setattr("assay.places.local.time.time", lambda: real() + jump)
        Store(tmp_path)

    monkeypatch.setattr(local, "_write_through", disturbed)
    store.write("models", KEY, FILES)
    assert store.contents("models", KEY) == FILES


def test_what_a_killed_run_was_writing_is_swept_after_an_hour(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "models").mkdir()
    left = tmp_path / "models" / f".{KEY}-left"
    left.mkdir()
    Store(tmp_path)
    assert left.exists()
    os.utime(left, (time.time() - 7200,) * 2)
    assert store.place.age(f"models/{left.name}") == pytest.approx(7200, abs=60)
    Store(tmp_path)
    assert not left.exists()
