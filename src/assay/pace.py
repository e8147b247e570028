"""How long the rest of a run takes, from what it has seen of each stage so far.

Cells have rough costs; how many seconds a unit of cost takes here is learnt by stage, from finished cells and from how
far running ones have come since they first reported:

    left = max(seconds of the waiting and running cells / workers, seconds of the longest of them)

A worker's start is in no cell's seconds, since it does not come again. There is no estimate before `ENOUGH` seconds of
computing were seen, in stages that hold at least half of what is left.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.plan import Cell

ENOUGH = 2.0


class Seen(NamedTuple):
    """Work that was done: so much cost in so many seconds of one worker."""

    cost: float = 0.0
    seconds: float = 0.0

    def plus(self, other: "Seen") -> "Seen":
        """Both."""
        return Seen(self.cost + other.cost, self.seconds + other.seconds)


@dataclass(kw_only=True)
class Pace:
    """What a run has seen.

    Attributes:
        stages: by stage, of finished cells.
        workers: how many have worked at once, at most.
    """

    stages: dict[str, Seen] = field(default_factory=dict)
    workers: int = 1

    def note(self, cell: Cell, seconds: float) -> None:
        """Learn from a finished cell."""
        self.stages[cell.stage] = self.stages.get(cell.stage, Seen()).plus(Seen(cell.cost, seconds))

    def seconds_left(
        self, left: Iterable[tuple[Cell, float]], under_way: Iterable[tuple[Cell, Seen]] = ()
    ) -> float | None:
        """Seconds until all is done, or None before that can be said.

        Args:
            left: cells that wait or run, each with the share of it that is left, in [0, 1].
            under_way: what running cells have done of themselves.
        """
        seen = dict(self.stages)
        for cell, part in under_way:
            seen[cell.stage] = seen.get(cell.stage, Seen()).plus(part)
        whole = Seen(sum(item.cost for item in seen.values()), sum(item.seconds for item in seen.values()))
        costs = [(cell.stage, share * cell.cost) for cell, share in left]
        known = sum(cost for stage, cost in costs if seen.get(stage, Seen()).cost > 0)
        total = sum(cost for _, cost in costs)
        if whole.cost <= 0 or whole.seconds < ENOUGH or 2 * known < total:
            return None
        seconds = [cost * _rate(stage, seen, whole) for stage, cost in costs]
        return max(sum(seconds) / max(self.workers, 1), max(seconds, default=0.0))


def _rate(stage: str, seen: Mapping[str, Seen], whole: Seen) -> float:
    """Seconds of a unit of cost; of a stage that was not seen, as of all."""
    own = seen.get(stage, Seen())
    return own.seconds / own.cost if own.cost > 0 else whole.seconds / whole.cost
