"""One look at a store: which cells are finished, claimed and noted as failed, and when the latest were computed."""

import time
from collections.abc import Iterable
from datetime import datetime

from assay.errors import DamagedCellError
from assay.named import NamedCell
from assay.places.base import TEMPORARY
from assay.store import CELLS, CHECKSUMS, Store

HOUR = 3600.0
LATEST = 100  # cells whose record is read at most: far away, each takes two requests

Key = tuple[str, str]  # kind and key


class Look:
    """What a store says of some cells.

    Attributes:
        finished: all finished cells of the store, with the seconds since each was written, where the place tells them.
        holders: who has claimed a cell, by its key.
        ages: seconds since a cell was computed, of the `LATEST` of the asked ones that were written in the last hour.
    """

    def __init__(self, store: Store, asked: Iterable[NamedCell]) -> None:
        self._store = store
        self.finished: dict[Key, float | None] = {}
        with store.place.errors():
            # Claims first: what is finished between the two looks is finished, and neither running nor waiting.
            self.holders = {key: holder for key in store.place.names("claims") if (holder := store.holder(key))}
            self._failures = {name.removesuffix(".json") for name in store.place.names("failures")}
            for kind in CELLS:
                for file in store.place.files(kind):
                    _, key, *rest = file.path.split("/")
                    if rest == [CHECKSUMS] and not key.startswith(TEMPORARY):
                        self.finished[kind, key] = file.age
        self.ages = self._computed([(cell.kind, cell.key) for cell in asked])

    def failure(self, key: str) -> str | None:
        """Why a cell failed last, or None."""
        return self._store.failure(key) if key in self._failures else None

    def _computed(self, asked: list[Key]) -> dict[Key, float]:
        written = {cell: age for cell in asked if (age := self.finished.get(cell)) is not None and age < HOUR}
        latest = sorted(written, key=lambda cell: written[cell])[:LATEST]
        ages = {cell: self._since(*cell) for cell in latest}
        # The later of the two: a copy is younger than what it is of, and another machine's clock may be ahead.
        return {cell: max(age, written[cell]) for cell, age in ages.items() if age is not None}

    def _since(self, kind: str, key: str) -> float | None:
        """Seconds since a finished cell was computed, as its own record says; None where that cannot be read."""
        try:
            finished = self._store.read_json(kind, key, "cell.json")["provenance"]["finished"]
            return time.time() - datetime.fromisoformat(finished).timestamp()
        except (DamagedCellError, KeyError, TypeError, ValueError):
            return None
