"""What the server of forks does last: it takes away its socket, and the folder that this is in, and ends at once.

Its program makes them (`multiprocessing.util.get_temp_dir`) and takes them away when it ends, but not where it is
killed, or ends at once as Ctrl-C lets it. The server outlives it either way, and holds what the program writes to: who
reads that through a pipe waits until the server has ended too, which to take apart what was imported would put off by
half a second. Only the server imports this module.
"""

import atexit
import contextlib
import os
from multiprocessing import forkserver
from pathlib import Path


def _take_away(server: int) -> None:
    address = forkserver._forkserver._forkserver_address  # type: ignore[attr-defined]
    if os.getpid() != server or not isinstance(address, str):  # a fork of it, or no server of this kind
        return
    with contextlib.suppress(OSError):  # gone already, or something else is in the folder
        Path(address).unlink()
        Path(address).parent.rmdir()
    os._exit(0)


atexit.register(_take_away, os.getpid())
