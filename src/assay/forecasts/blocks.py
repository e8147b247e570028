"""Scores arranged for people: for each thing scored its scores, and beside the baselines those that have one."""

from dataclasses import dataclass

from assay.forecasts.scores import GIVEN, Score, Scores
from assay.forecasts.words import MEANINGS


@dataclass(frozen=True, kw_only=True)
class Block:
    """The scores of the event, all classes, the top label, or a level.

    Attributes:
        title: what is scored.
        lines: the scores of the forecasts, in the order of `MEANINGS`.
        baselines: (the baseline's own score, the skill against it or None), metric by metric.
    """

    title: str
    lines: tuple[Score, ...]
    baselines: tuple[tuple[Score, Score | None], ...]


def blocks(scores: Scores) -> list[Block]:
    """A block for each thing scored but single classes, which `classes_table` holds."""
    names = dict.fromkeys(row.of for row in scores.rows if not row.of.startswith("class "))
    return [_block(scores, [row for row in scores.rows if row.of == name]) for name in names]


def classes_table(scores: Scores) -> dict[str, dict[str, Score]]:
    """By class, its scores against the rest by metric."""
    found: dict[str, dict[str, Score]] = {}
    for row in scores.rows:
        if row.of.startswith("class "):
            found.setdefault(row.of.removeprefix("class "), {})[row.metric] = row
    return found


def _block(scores: Scores, rows: list[Score]) -> Block:
    order = list(MEANINGS)
    own = [row for row in rows if row.metric in order]
    own.sort(key=lambda row: order.index(row.metric))
    return Block(
        title=rows[0].of,
        lines=tuple(row for row in own if row.forecast == GIVEN),
        baselines=tuple(
            (row, scores.find(row.of, f"{row.metric}_skill", against=row.forecast))
            for row in own
            if row.forecast != GIVEN
        ),
    )
