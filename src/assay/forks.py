"""Where workers come from: forked off a server that has imported torch once for all of them, where forks are safe.

A new interpreter imports for three to five seconds of a core, and each worker would. The server does so once, while
the driver reads its data and its store, and a lost worker is replaced at once. It imports and forks and does nothing
else: it has no data, and no thread of it computes, so its forks start as clean as new interpreters. It imports from
where the program does, and ends with the program. Where a fork may not be (CUDA forbids it once it has begun, macOS's
libraries do not survive it), and where there is no server (it was killed, or the path of the folder for temporary files
is too long for its socket), a worker is a new interpreter: it starts later, and computes the same.

The server is multiprocessing's own, one for a program: one that the program has started before is used, and forks of
that have imported what it has.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import assay

IMPORTS = ["assay.server", "assay.workers"]


def forks(device: str) -> bool:
    """Whether workers that compute there are forked."""
    return sys.platform == "linux" and device == "cpu"


def warm_up(device: str) -> None:
    """Start the server, which then imports by itself; nothing where it runs already, or where workers are not forked.

    Call it before what takes long, so that both go on at the same time.
    """
    if forks(device):
        with contextlib.suppress(OSError):  # then workers are new interpreters
            _serve()


def _serve() -> None:
    forkserver.set_forkserver_preload(IMPORTS)
    with _interrupts_ignored(), _same_imports():
        forkserver.ensure_running()


@contextlib.contextmanager
def _same_imports() -> Iterator[None]:
    """Let an interpreter that is started inside look for modules where this one does, in that order.

    The server's own first place would be the folder that one stands in, with whatever is named torch.py there.
    """
    places = [str(Path(place).absolute()) for place in sys.path]
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "PYTHONSAFEPATH")}
    os.environ |= {"PYTHONPATH": os.pathsep.join(places), "PYTHONSAFEPATH": "1"}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def start(device: str, target: Callable[..., None], *args: Any) -> BaseProcess:
    """Start a process that calls `target` with this one's environment, ends with it, and never hears Ctrl-C."""
    if forks(device):
        given = (dict(os.environ), assay.__file__, target, *args)  # it may have changed since the server began
        forked = multiprocessing.get_context("forkserver").Process(target=_begin, args=given, daemon=True)
        with contextlib.suppress(OSError, EOFError):  # there is no server
            _serve()
            forked.start()  # it ignores what its server ignores; the wait for the server's imports can be interrupted
            return forked
    spawned = multiprocessing.get_context("spawn").Process(target=target, args=args, daemon=True)
    with _interrupts_ignored():
        spawned.start()
    return spawned


def _begin(environment: Mapping[str, str], source: str, target: Callable[..., None], *args: Any) -> None:
    if assay.__file__ != source:
        raise ImportError(f"{assay.__file__}: is not the assay of the program, which is {source}")
    os.environ.clear()
    os.environ.update(environment)
    target(*args)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C reaches the whole group: a process started inside ignores it, imports included.

    Only the main thread may set this; a worker that another one starts ignores interrupts once it works.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
