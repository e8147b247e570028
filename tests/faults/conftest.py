"""A driver to plant faults in: the real command, in processes of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.processes import workers_of

CELLS = 9  # of the study: three trainings, two evaluations each of three recipes


@dataclass(kw_only=True)
class Run:
    """A command that was started."""

    pid: int
    out: Path
    output: Path
    server: "Server"
    code: int | None = None

    def wait(self) -> int:
        """Its exit status, or minus the signal that ended it."""
        if self.code is None:
            self.code = self.server.ask(self.pid)
        return self.code

    def ended(self) -> bool:
        """Whether it is over, though nobody has asked for its status yet."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def workers(self) -> list[int]:
        """Its processes that compute cells."""
        return workers_of(self.pid)

    def printed(self) -> str:
        return self.output.read_text()

    def until(self, ready: Callable[[], bool]) -> bool:
        """Wait until something holds; False where the run ended before."""
        deadline = time.monotonic() + 120
        while not ready():
            if self.ended():
                return False
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.005)
        return True


@dataclass(kw_only=True)
class Server:
    """Starts commands, see child.py."""

    process: "subprocess.Popen[str]"
    data: Path
    folder: Path
    started: list[Run] = field(default_factory=list)

    def ask(self, what: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, out: Path, *words: str, jobs: int = 1, **environment: str) -> Run:
        """Start a run of the study into that store; its log is beside it."""
        output = self.folder / f"output-{len(self.started)}"
        own = ["run", "faults", "--data", str(self.data), "--out", str(out), "--jobs", str(jobs), *words]
        pid = self.ask({"words": own, "environment": environment, "output": str(output)})
        self.started.append(Run(pid=pid, out=out, output=output, server=self))
        return self.started[-1]

    def finish(self, out: Path, *words: str, jobs: int = 1, **environment: str) -> str:
        """Run the study to its end; what it has printed."""
        run = self.start(out, *words, jobs=jobs, **environment)
        assert run.wait() == 0, run.printed()
        return run.printed()


@pytest.fixture(scope="session")
def server(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc to find a run's processes")
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("child.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "200", "OMP_NUM_THREADS": "1"},
    ) as process:
        made = Server(process=process, data=tiny_folder, folder=tmp_path_factory.mktemp("outputs"))
        yield made
        for run in made.started:
            if run.code is None and not run.ended():
                run.kill()
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(timeout=60)


@pytest.fixture(scope="session")
def undisturbed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of a run that nothing disturbs."""
    out = tmp_path_factory.mktemp("undisturbed")
    server.finish(out)
    return table(out)


def table(out: Path) -> bytes:
    return (out / "faults" / "table.csv").read_bytes()


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """When each finished cell was written, by what nobody can repeat: its file's number and time."""
    found = {}
    for path in out.glob("[me]*/[!.]*/checksums.json"):
        stat = path.stat()
        found[f"{path.parents[1].name}/{path.parent.name}"] = (stat.st_ino, stat.st_mtime_ns)
    return found


def events(*logs: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for log in logs for line in log.read_text().splitlines()]
