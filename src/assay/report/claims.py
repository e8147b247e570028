"""A study's claims held against its results: in the terminal, as a page, and as JSON."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from assay.analysis.build import build_zoo
from assay.analysis.claims import Checked, check
from assay.analysis.zoo import Zoo
from assay.report.claims_json import claims_json
from assay.report.claims_page import write_claims_page
from assay.report.claims_scope import scope_of, study_of
from assay.report.claims_text import print_claims
from assay.report.files import write_atomically
from assay.results import Results
from assay.studies.claims import claims_of

JSON = "claims.json"


def check_claims(results: Results, zoo: Zoo | None = None) -> list[Checked]:
    """The verdict on each claim of the results' study; none where nothing is claimed of it."""
    claims = claims_of(results.study)
    if not claims:
        return []
    study = study_of(results)
    whole = results.recipes if study is None else [recipe.label for recipe in study.recipes]
    return check(claims, build_zoo(results) if zoo is None else zoo, whole)


def write_claims(results: Results, checked: Sequence[Checked], folder: Path | str) -> Path:
    """Write claims.html and claims.json into the folder; return the page's path.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_atomically(Path(folder) / JSON, claims_json(results, checked, scope_of(results)))
    return write_claims_page(results, checked, folder)


def show_claims(results: Results, console: Console, folder: Path | str) -> Path:
    """Check the claims, print the verdicts, write claims.html and claims.json; return the page's path."""
    checked = check_claims(results)
    print_claims(results, checked, scope_of(results), console)
    return write_claims(results, checked, folder)
