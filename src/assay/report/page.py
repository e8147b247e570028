"""What all pages share: one template environment whose text is escaped, and sources that are put in whole."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from assay.counting import number_of
from assay.report.monitoring import has_page
from assay.results import Results
from assay.studies.claims import claims_of

# Each page's file and its name in the others' navigation, in order.
PAGES = {
    "report.html": "Report",
    "explorer.html": "Explorer",
    "analysis.html": "Analysis",
    "monitoring.html": "Monitoring",
    "claims.html": "Claims",
}


def pages_of(results: Results) -> dict[str, str]:
    """The pages that are written of these results: one model has a report alone, and not every study has claims."""
    several, claimed = len(results.recipes) > 1, bool(claims_of(results.study))
    wanted = {
        "report.html": True,
        "explorer.html": several,
        "analysis.html": several,
        "monitoring.html": has_page(results),
        "claims.html": claimed,
    }
    return {file: name for file, name in PAGES.items() if wanted[file]}


def render_page(template: str, *, results: Results, **values: Any) -> str:
    """The template with these values, as `render_template`.

    `pages` are the pages of these results, for the navigation between them.
    """
    return render_template(template, results=results, **{"pages": pages_of(results), **values})


def render_template(template: str, **values: Any) -> str:
    """The template with these values; in it `source(name)` puts in a template's file as it is.

    `number_of` is that of `assay.counting`.
    """
    return _environment().get_template(template).render(source=_source, number_of=number_of, **values)


def _source(name: str) -> Markup:
    environment = _environment()
    assert environment.loader is not None, "the environment is made with one"
    return Markup(environment.loader.get_source(environment, name)[0])


@cache  # which keeps the templates that several pages include
def _environment() -> Environment:
    loader = PackageLoader("assay.report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
