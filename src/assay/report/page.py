"""What all pages share: one template environment whose text is escaped, and sources that are put in whole."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

# Each page's file and its name in the others' navigation, in order.
PAGES = {
    "report.html": "Report",
    "explorer.html": "Explorer",
    "analysis.html": "Analysis",
    "claims.html": "Claims",
}


def render_page(template: str, **values: Any) -> str:
    """The template with these values; `source(name)` in it puts in a template's file as it is."""
    loader = PackageLoader("assay.report")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(
        source=lambda name: Markup(loader.get_source(environment, name)[0]), **values
    )
