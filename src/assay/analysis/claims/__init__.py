"""Claims of a study, each a small declarative object, and what a zoo of measured recipes says to them."""

from assay.analysis.claims.between import Between
from assay.analysis.claims.check import check, outcome_of
from assay.analysis.claims.claim import Claim, Part
from assay.analysis.claims.compare import Compare
from assay.analysis.claims.costs import BestCosts
from assay.analysis.claims.evidence import Evidence
from assay.analysis.claims.finding import OUTCOMES, Checked, Finding, Missing, Outcome
from assay.analysis.claims.group import Group, Measures, Subject
from assay.analysis.claims.judge import BETTER, MOST, NEARLY_ALL, WORSE, Amount, Case, Region
from assay.analysis.claims.mixed import Mixed
from assay.analysis.claims.scores import NoBest, VariesLeast
from assay.analysis.claims.trend import Trend
from assay.analysis.claims.wider import Wider

__all__ = [
    "BETTER", "MOST", "NEARLY_ALL", "OUTCOMES", "WORSE", "Amount", "BestCosts", "Between", "Case", "Checked", "Claim",
    "Compare", "Evidence", "Finding", "Group", "Measures", "Missing", "Mixed", "NoBest", "Outcome", "Part", "Region",
    "Subject", "Trend", "VariesLeast", "Wider", "check", "outcome_of",
]  # fmt: skip
