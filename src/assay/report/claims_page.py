"""The page of claims: each as a card with its verdict, its numbers and its intervals drawn."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from assay.analysis.claims import OUTCOMES, Checked
from assay.analysis.claims.words import effect_text
from assay.report.claims_scope import remedy, scope_of
from assay.report.claims_svg import interval_svg
from assay.report.claims_text import SYMBOLS, missing_text
from assay.report.files import write_atomically
from assay.report.page import render_page
from assay.results import Results

NAME = "claims.html"
AXES = {
    "attack": "Attack", "shift": "Shift", "anomaly": "Anomaly", "calibration": "Calibration", "overall": "Overall",
}  # fmt: skip


def write_claims_page(results: Results, verdicts: Sequence[Checked], folder: Path | str) -> Path:
    """Write claims.html into the folder, whole or not at all, and return its path.

    Raises:
        StoreError: the folder cannot be written.
    """
    return write_atomically(Path(folder) / NAME, render(results, verdicts))


def render(results: Results, verdicts: Sequence[Checked]) -> str:
    """The page as HTML text; it forbids every request."""
    axes = {item.claim.axis for item in verdicts}
    return render_page(
        "claims.html",
        results=results,
        limited=results.limited,
        verdicts=verdicts,
        counts=Counter(item.outcome for item in verdicts),
        outcomes=OUTCOMES,
        axes={key: name for key, name in AXES.items() if key in axes},
        scope=scope_of(results),
        symbols=SYMBOLS,
        sources=list(dict.fromkeys(item.claim.source for item in verdicts)),
        plot=interval_svg,
        effect=effect_text,
        missing_text=missing_text,
        remedy=lambda finding: remedy(results, finding.missing),
    )
