"""A run's events in a file: one line of JSON each, written when it happens, for programs to follow.

Every line has
    time      of this machine's clock, UTC, ISO 8601 with milliseconds
    elapsed   seconds since the run began, of a clock that nobody sets
    run       twelve hexadecimal digits, the same in all lines of one run of one study
    event     one of those below
and what its event has:
    run_started     study, preset, limit, recipes (their names: those that `--recipes` chose, else all), seeds, store
                    (the whole path or address), assay (its version), host, pid, device, jobs (null on Ray), ray (its
                    address, or null), cells, found (of these, in the store already), mended (damaged there, and
                    computed anew)
    cell_started    key, stage, recipe, seed, worker ("host:pid")
    cell_finished   these, and of the cell's own record: seconds, peak_memory_mb
    cell_retried    those of cell_started, seconds, reason: it runs again
    cell_failed     the same: it has failed; seconds is null where it never ran, as without its model
    run_ended       outcome ("finished", "interrupted", "stopped"), reason (why it stopped, or ""), finished, failed,
                    waiting
A cell starts when the driver hears that a worker has it: before a new worker has started, or on Ray up to a second
after the cell has begun. The seconds of a finished cell are what its worker took to compute it, without starting,
loading data and handing over: of a stack its share, with what interrupted runs have spent on its pieces. Those of other
events run from the cell's start, as the driver's clock tells.

`recipe` is null of the transfer between all recipes. What another run finishes has no event here. A run that is killed
has no `run_ended`. Names stay; there may be more in later versions.
"""

import contextlib
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.driver import Tell, silent
from assay.errors import LogError


class Log:
    """Appends events to a file; several runs may write to the same.

    Raises:
        LogError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = uuid.uuid4().hex[:12]
        self.begun = time.monotonic()
        with self._errors():
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":  # cut by a kill or a full disk
                os.write(self._file, b"\n")

    def __call__(self, event: str, fields: Mapping[str, Any]) -> None:
        """Append an event, at once."""
        always = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "elapsed": round(time.monotonic() - self.begun, 3),
            "run": self.run,
            "event": event,
        }
        line = (json.dumps(always | dict(fields)) + "\n").encode()
        with self._errors():
            if os.write(self._file, line) < len(line):
                raise OSError("the disk is full")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or error
            raise LogError(f"{self.path}: the log cannot be written ({why}); choose another file with --log") from error


@contextlib.contextmanager
def logged(path: Path | None) -> Iterator[Tell]:
    """The log at that path while the context lasts; where there is none, events are told to nobody.

    Raises:
        LogError: the file cannot be written.
    """
    if path is None:
        yield silent
        return
    log = Log(path)
    try:
        yield log
    finally:
        log.close()
