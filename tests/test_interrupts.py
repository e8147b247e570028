"""Ctrl-C as it is typed: one line and exit status 130, while a command starts, works and ends."""

import signal
import subprocess
import sys

from assay.interrupts import one_interrupt

# Where the tests run in a shell's background, SIGINT is ignored, and so it would be by what they start.
HEARD = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def said(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", HEARD + code], capture_output=True, text=True, check=False, timeout=120
    )


def test_while_it_starts_wherever_it_is() -> None:
    """In the midst of an import that swallows exceptions, as extension modules may."""
    done = said(
        "from assay.interrupts import *; import os, signal\n"
        "leave_when_interrupted()\n"
        "try:\n os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n pass\n"
        "print('went on')"
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_a_command_that_has_just_begun() -> None:
    code = (
        "import assay.__main__ as main, time; main.leave_when_interrupted(); print('here', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", HEARD + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "Interrupted.\n")


def test_work_is_unwound_once_and_a_second_one_changes_nothing() -> None:
    done = said(
        "from assay.interrupts import *; import atexit, os, signal, time\n"
        "def strike(): os.kill(os.getpid(), signal.SIGINT)\n"
        "atexit.register(strike)\n"  # as while Ray shuts down
        "leave_when_interrupted()\n"
        "with interruptible('Interrupted. Here.'):\n"
        " try:\n  strike(); time.sleep(10)\n"
        " finally:\n  strike(); print('unwound')\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "unwound\n", "Interrupted. Here.\n")


def test_who_decides_what_interrupts_keeps_deciding() -> None:
    done = said(
        "from assay.interrupts import *; import os, signal\n"
        "signal.signal(signal.SIGINT, lambda *_: print('mine'))\n"
        "leave_when_interrupted()\n"
        "with one_interrupt():\n os.kill(os.getpid(), signal.SIGINT)\n"
    )
    assert (done.returncode, done.stdout) == (0, "mine\n")


def test_after_work_that_was_not_interrupted_it_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with one_interrupt():
        pass
    assert signal.getsignal(signal.SIGINT) is before
