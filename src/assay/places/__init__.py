"""Where a store's files lie: a folder of this machine, or any address that fsspec knows."""

from pathlib import Path

from assay.places.base import File, Holder, Place
from assay.places.elsewhere import Elsewhere
from assay.places.local import Local, clear_errors

__all__ = ["Elsewhere", "File", "Holder", "Local", "Place", "clear_errors", "is_local", "place_at"]

HERE = ("file://", "local://")


def is_local(address: Path | str) -> bool:
    """Whether an address is a folder of this machine: a path, or such as "file:///data/store"."""
    text = str(address)
    return "://" not in text or text.startswith(HERE)


def place_at(address: Path | str) -> Place:
    """The place of that address; nothing is created.

    Args:
        address: a path, "file:///data/store", "memory://name", "s3://bucket/folder" ...

    Raises:
        StoreError: the kind of address is unknown, or needs a package that is not installed.
    """
    if not is_local(address):
        return Elsewhere(str(address))
    text = str(address)
    for start in HERE:
        text = text.removeprefix(start)
    return Local(Path(text))
