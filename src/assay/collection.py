"""Garbage: when not to look for it."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Look for no cycles of garbage: imports and a large study's rows have few, and to go through them takes long.

    What is there at the end, such as what was imported, is never looked through again, nor when the program ends, which
    would take half a second for torch alone: so this is for commands, and for no library's user.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if before:
            gc.enable()
