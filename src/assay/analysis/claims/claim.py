"""A claim: one sentence of a study, with the tests that it must pass."""

from dataclasses import dataclass
from typing import Protocol

from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import Finding


class Part(Protocol):
    """One testable part of a claim; its fields say what is tested, and `text` says it in a sentence."""

    @property
    def text(self) -> str:
        """The part in a sentence, with its margin or threshold."""
        ...

    def test(self, evidence: Evidence) -> Finding:
        """What the evidence says to it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a study concludes.

    Attributes:
        key: short and unique in its study, such as "a1".
        axis: "attack", "shift", "anomaly", "calibration" or "overall".
        source: the study's authors or title.
        text: the claim in a sentence.
        parts: the tests that it consists of; the claim holds where all of them hold.
        weakness: why the study's own evidence for it is weak, or None.
    """

    key: str
    axis: str
    source: str
    text: str
    parts: tuple[Part, ...]
    weakness: str | None = None
