"""Reports: pages and tables drawn from the store alone."""

from pathlib import Path
from typing import NamedTuple

from assay.analysis.analyse import analyse
from assay.analysis.build import build_zoo
from assay.analysis.effects import compare
from assay.analysis.measures import Measure, collect
from assay.report.analysis_page import write_analysis_page
from assay.report.claims import check_claims, write_claims
from assay.report.each_class import print_each_class, write_each_class
from assay.report.explorer import write_explorer
from assay.report.html import write_report as write_page
from assay.report.judged import Judged, judge
from assay.report.monitoring_page import write_monitoring
from assay.report.page import pages_of
from assay.report.tables import write_tables
from assay.report.terminal import print_headline
from assay.report.transfer import write_transfer
from assay.results import Results

__all__ = ["print_each_class", "print_headline", "write_each_class", "write_pages", "write_report", "write_tables"]


def write_report(results: Results, folder: Path | str) -> Path:
    """Write the pages and tables into the folder; return the path of report.html.

    report.html, table.csv and table.json, and transfer.csv where attacks were tried across recipes; of several recipes
    explorer.html and analysis.html too; where rejection or decay was measured, monitoring.html; of a study about which
    something is claimed, claims.html and claims.json.

    Raises:
        StoreError: the folder cannot be written.
    """
    return write_pages(results, folder).page


class Pages(NamedTuple):
    """Where report.html is, and what takes long to find out and the terminal needs too."""

    page: Path
    judged: Judged
    measures: list[Measure]


def write_pages(results: Results, folder: Path | str) -> Pages:
    """As `write_report`; also what `print_headline` takes."""
    pages = pages_of(results)
    write_tables(results, folder)
    write_transfer(results, folder)
    measures, zoo = collect(results), build_zoo(results)
    comparisons = compare(zoo)
    judged = judge(zoo, comparisons)
    if "explorer.html" in pages:
        write_explorer(results, folder, judged, measures)
    if "analysis.html" in pages:
        write_analysis_page(results, analyse(results, zoo, comparisons, measures), folder, measures)
    if "monitoring.html" in pages:
        write_monitoring(results, folder, measures)
    if "claims.html" in pages:
        write_claims(results, check_claims(results, zoo), folder)
    return Pages(write_page(results, folder, judged, measures), judged, measures)
