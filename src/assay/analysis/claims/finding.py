"""What the evidence says to a part of a claim, and to the claim as a whole."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from assay.analysis.claims.judge import Case

if TYPE_CHECKING:
    from assay.analysis.claims.claim import Claim

Outcome = Literal["replicates", "does not replicate", "inconclusive", "not measured"]
OUTCOMES: tuple[Outcome, ...] = ("replicates", "does not replicate", "inconclusive", "not measured")


class Missing(NamedTuple):
    """What a test would need and does not have: recipes (labels) or a measurement, and why."""

    what: str
    recipes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the evidence says to one part of a claim.

    Attributes:
        text: the part in a sentence.
        outcome: the part's verdict.
        numbers: the numbers that decide, in sentences.
        cases: the comparisons that decide, for drawing; a few of all.
        notes: what limits the verdict: floors and ceilings, training noise that is not known, partial groups.
        missing: what was not measured.
        recipes: labels of all recipes that were compared.
    """

    text: str
    outcome: Outcome
    numbers: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A claim with its verdict and the findings behind it, one a part."""

    claim: "Claim"
    outcome: Outcome
    findings: tuple[Finding, ...]
