"""Where a store's files lie: a folder of this machine, or any address that fsspec knows."""

import re
from pathlib import Path

from assay.errors import StoreError
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
        StoreError: the kind of address is unknown, lacks a slash, or needs a package that is not installed.
    """
    if not is_local(address):
        return Elsewhere(str(address))
    text = str(address)
    if isinstance(address, str) and (kind := re.match(r"([a-z][a-z0-9+]+):/(?!/)", text)):
        raise StoreError(f"{text}: expected {kind[1]}:// with two slashes; for a folder of that name, write ./{text}")
    for start in HERE:
        text = text.removeprefix(start)
    return Local(Path(text))
