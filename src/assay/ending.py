"""How commands end: the pages written, and what they tell printed."""

from pathlib import Path
from typing import TYPE_CHECKING

from assay.counting import number_of

if TYPE_CHECKING:
    from rich.console import Console

    from assay.each_class import EachClass
    from assay.results import Results


def folder_for(results: "Results") -> str:
    """The folder of the results' pages in their store."""
    from assay.run import folder_of

    return folder_of(results.study, results.limit, results.preset)


def where(out: str, folder: str, page: Path) -> str:
    """Where a page of the store is, for people to open."""
    from assay.places import is_local, place_at

    return str(page.resolve()) if is_local(out) else place_at(out).shown(f"{folder}/{page.name}")


def end(console: "Console", results: "Results", out: str) -> None:
    """Write the report of a study, and print what it found and what is missing."""
    from assay.report import print_headline, write_pages
    from assay.report.files import pages_at

    with pages_at(out, folder_for(results)) as folder:
        page, judged, measures = write_pages(results, folder)
        monitoring = page.with_name("monitoring.html")
        monitored = monitoring.exists()
    print_headline(results, console, judged, measures)
    for failure in results.failures:
        console.print(f"failed: {failure.recipe}, seed {failure.seed}, {failure.stage}: {failure.reason}", style="red")
    for reason in results.missing.values():
        console.print(f"not measured: {reason}", style="yellow")
    if results.waiting:
        waiting = len(results.waiting)
        line = f"{number_of(waiting, 'cell')} waiting; `{results.again}` computes {'it' if waiting == 1 else 'them'}"
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    console.print(f"Report: {where(out, folder_for(results), page)}", soft_wrap=True, markup=False)
    if monitored:
        other = where(out, folder_for(results), monitoring)
        console.print(f"Scores, thresholds, calibrators: {other}", soft_wrap=True, markup=False)


def end_each_class(console: "Console", found: "EachClass", out: str) -> None:
    """Write the reports of the classes' studies and that of all, and print the latter."""
    from assay.report import print_each_class, write_each_class, write_report
    from assay.report.files import pages_at

    for results in found.results.values():
        with pages_at(out, folder_for(results)) as folder:
            write_report(results, folder)
    with pages_at(out, found.folder) as folder:
        page = write_each_class(found, folder)
    print_each_class(found, console)
    for name, failure in found.failures:
        text = f"failed: class {name}, {failure.recipe}, seed {failure.seed}, {failure.stage}: {failure.reason}"
        console.print(text, style="red", soft_wrap=True, markup=False)
    if found.waiting:
        waiting = number_of(len(found.waiting), "cell or class", "cells or classes")
        line = f"{waiting} waiting; `{found.again}` computes what is"
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    console.print(f"Report: {where(out, found.folder, page)}", soft_wrap=True, markup=False)
