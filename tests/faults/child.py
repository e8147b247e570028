"""Runs the real command on a study of tiny cells, in processes that tests may kill: forked, since importing is slow.

It reads a line of JSON and forks a process for it, which runs the command with those words; answers with its id. For an
id it answers with the exit status, once that process has ended. As a worker of such a process, this file is imported
again, and plants the fault that the environment names.
"""

import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import assay.cli
import assay.each_class
import assay.live
import assay.report
from assay import attempts, studies
from assay.augmentations import MixUp
from assay.evaluations import Calibration, Rejection
from assay.recipe import Recipe, Train
from assay.scores import MSP
from assay.study import Study

TRAIN = Train(epochs=3, batch_size=20, learning_rate=1e-3)
STUDY = Study(
    name="faults",
    title="Faults",
    question="Does it end well?",
    recipes=(
        Recipe(train=TRAIN),
        Recipe(train=TRAIN, pipeline=(MixUp(alpha=1),)),
        Recipe(train=TRAIN, members=2),
    ),
    evaluations=(Calibration(), Rejection(scores=(MSP(),))),
    data="tiny",
    outliers=(),
)


def plant(compute: Callable[..., Any]) -> Callable[..., Any]:
    """`compute` with the fault "WHAT:RECIPE:STAGE:TIMES" of ASSAY_FAULT; each cell's times go to ASSAY_TRACE."""
    what, recipe, stage, times = os.environ["ASSAY_FAULT"].split(":")
    trace = Path(os.environ["ASSAY_TRACE"])

    def planted(cell: Any, *rest: Any, **named: Any) -> Any:
        title = f"{cell.recipe.label}:{cell.stage}"
        begun = time.monotonic()
        before = trace.read_text().count(f'"fault {title}"') if trace.exists() else 0
        if title == f"{recipe}:{stage}" and before < int(times):
            note(trace, f"fault {title}", begun)
            lack(what)
        files = compute(cell, *rest, **named)
        time.sleep(0.3)  # so that cells overlap where they may
        note(trace, title, begun)
        return files

    return planted


def lack(what: str) -> None:
    """Lack memory, in one of the ways in which a system says so."""
    if what == "killed":  # as Linux does it
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "refused":  # as with a limit of address space
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, most))
        torch.empty(1 << 40, dtype=torch.uint8)
    if what == "asleep":  # no lack, but no report either
        time.sleep(300)
    raise MemoryError


def note(trace: Path, what: str, begun: float) -> None:
    with trace.open("a") as file:
        file.write(json.dumps([what, begun, time.monotonic(), os.getpid()]) + "\n")


def run(words: list[str], environment: dict[str, str], output: str) -> int:
    """Run the command in this process, in a session of its own."""
    os.setsid()
    target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    studies.faults = STUDY  # type: ignore[attr-defined]
    studies.__all__.append("faults")
    if "ASSAY_FAULT" in environment:
        attempts.compute = plant(attempts.compute)  # type: ignore[attr-defined]
    sys.argv = ["assay", *words]
    try:
        assay.cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 99
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def serve() -> None:
    for line in sys.stdin:
        wanted = json.loads(line)
        if isinstance(wanted, int):
            _, status = os.waitpid(wanted, 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                os._exit(run(**wanted))
        os.write(1, f"{answer}\n".encode())


if __name__ == "__main__":
    serve()
elif "ASSAY_FAULT" in os.environ:
    attempts.compute = plant(attempts.compute)  # type: ignore[attr-defined]
