"""Reports: pages and tables drawn from the store alone."""

from pathlib import Path

from assay.report.html import write_report as write_page
from assay.report.tables import write_tables
from assay.report.terminal import print_headline
from assay.results import Results

__all__ = ["print_headline", "write_report", "write_tables"]


def write_report(results: Results, folder: Path | str) -> Path:
    """Write report.html, table.csv and table.json into the folder; return the page's path.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_tables(results, folder)
    return write_page(results, folder)
