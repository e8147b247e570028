"""Writing a file whole or not at all."""

import os
import tempfile
from pathlib import Path

from assay.store import clear_errors


def write_atomically(path: Path, text: str) -> Path:
    """Write UTF-8 text to a temporary sibling and rename it, so that a reader never meets half a file.

    The folder is made where it is missing; a sibling left by a failure is removed.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.
    """
    with clear_errors(path.parent):
        return _write(path, text)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        return temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
