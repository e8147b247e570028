"""Reports: pages and tables drawn from the store alone."""

from assay.report.html import write_report
from assay.report.tables import write_tables
from assay.report.terminal import print_headline

__all__ = ["print_headline", "write_report", "write_tables"]
