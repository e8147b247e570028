"""What Ctrl-C does to a command: at once while it starts; later once, so that what runs can be ended in order.

While a command imports, an exception in the midst of an extension module may become another one, or none at all; so the
process ends in the handler itself. That loses nothing: no cell has begun.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

INTERRUPTED = 130  # exit status: 128 and the number of the signal
SHOW_CURSOR = b"\x1b[?25h"  # a bar may have hidden it


def leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """End the process with one line: a handler for the time in which nothing has begun."""
    with contextlib.suppress(OSError):
        os.write(2, (SHOW_CURSOR if sys.stderr.isatty() else b"") + b"Interrupted.\n")
    os._exit(INTERRUPTED)


def leave_when_interrupted() -> None:
    """Let Ctrl-C end the process at once, with one line; not where somebody else decides what interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)


@contextlib.contextmanager
def one_interrupt() -> Iterator[None]:
    """Let the first Ctrl-C raise KeyboardInterrupt; further ones are ignored while that ends workers and terminal.

    They are ignored until the process ends, which an interrupted command's does: what Ray leaves to the interpreter's
    last moments would break in the midst.
    """
    before = signal.getsignal(signal.SIGINT)
    ours = before in (signal.default_int_handler, leave)
    if not ours or threading.current_thread() is not threading.main_thread():
        yield  # as where somebody else decides what interrupts
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def interruptible(said: str = "Interrupted.") -> Iterator[None]:
    """Let Ctrl-C unwind what a command does, such as a file that it writes, and end it with one line."""
    try:
        with one_interrupt():
            yield
    except KeyboardInterrupt:
        print(said, file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)
