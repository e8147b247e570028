"""The errors that a caller can cause, each with one sentence that says what to do."""

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 12  # names in a list of what is known


class AssayError(Exception):
    """Something the user can mend: the message says what was expected, what came and the remedy. Exit status 2."""


class BadValueError(AssayError, ValueError):
    """A value outside its domain: a negative eps, an empty set, labels outside the classes."""


class ContractError(AssayError):
    """A model or another part that breaks its contract: a wrong output shape, probabilities instead of logits."""


class GradientError(ContractError):
    """A model that gives no gradients with respect to the image, or none that are finite."""


class MissingDataError(AssayError):
    """A data set that no source has. The message names the command that fetches it."""


class DamagedDataError(AssayError):
    """A file that is cut, altered or not in the expected format."""


class ClusterError(AssayError):
    """A cluster that does not answer, refuses, was lost, or has other software than the driver."""


class StoreError(AssayError):
    """A store that cannot be read or written: unwritable, full, or written by a newer version."""


class LogError(AssayError):
    """A log that cannot be written."""


class DamagedCellError(StoreError):
    """A cell of a store whose files are missing, or differ from their checksums; computing it anew mends it."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Say which of `names` come nearest to `name`: "did you mean a, b?", or the first few where none is near."""
    known = sorted(names)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else f"known: {_some(known)}"


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:SHOWN])} and {more} more"
