"""What a process that was started for a test tells of itself; imports nothing of assay, and no torch."""

import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any, NamedTuple


class Told(NamedTuple):
    """Where a process has torch from, or "", its group, whether it hears no interrupt, its environment."""

    torch: str
    group: int
    deaf: bool
    environment: dict[str, str]


def tell(pipe: "Connection[Any, Any]") -> None:
    """Send it."""
    torch = getattr(sys.modules.get("torch"), "__file__", "")
    deaf = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    pipe.send(Told(torch, os.getpgid(0), deaf, dict(os.environ)))
