"""Writing a file whole or not at all, and pages into a study's folder in the store, wherever that is."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from assay.errors import BadValueError
from assay.places import Local, clear_errors, place_at
from assay.places.base import TEMPORARY


def write_atomically(path: Path, text: str) -> Path:
    """Write UTF-8 text to a temporary sibling and rename it, so that a reader never meets half a file.

    The folder is made where it is missing; a sibling left by a failure is removed.

    Raises:
        BadValueError: the path was made from an address, such as "s3://bucket/folder"; see `pages_at`.
        StoreError: the disk is full, or the folder cannot be written.
    """
    if path.parts[0].endswith(":"):
        raise BadValueError(
            f"{path.parent}: is no folder of this machine; write the pages into one, or inside "
            "`assay.report.files.pages_at(out, study)`"
        )
    with clear_errors(path.parent):
        return _write(path, text)


@contextlib.contextmanager
def pages_at(out: Path | str, study: str) -> Iterator[Path]:
    """The folder to write a study's pages into; when the context ends they are in the store.

    Of a store on this machine that is the study's own folder. Of one elsewhere it is a temporary one, with an empty
    file in place of each that is there: what was written meanwhile is put there, and what was removed is removed there.

    Args:
        out: the store.
        study: the study's folder in the store.

    Raises:
        StoreError: the store cannot be written.
    """
    place = place_at(out)
    if isinstance(place, Local):
        yield place.root / study
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        there = [name for name in place.names(study) if not name.startswith(TEMPORARY)]
        for name in there:
            (folder / name).touch()
        yield folder
        for path in sorted(folder.iterdir()):
            if path.stat().st_size:
                place.write(f"{study}/{path.name}", path.read_bytes())
        for name in there:
            if not (folder / name).exists():
                place.remove(f"{study}/{name}")


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
