"""How long a store of thousands of cells takes to be listed, read and reported, and how much memory.

    .venv/bin/python benchmarks/big_store.py
    .venv/bin/python benchmarks/big_store.py --cells 20000

A made-up study of 559 recipes, with as many seeds as the cells need, is written into a temporary folder: a model and
four evaluations of each, with observations of 2,000 images and 1,000 bootstrap draws of every number. No model is
trained. Then each step runs as a process of its own:

    ls      `assay store ls`
    table   the results are read, table.csv and table.json written
    report  `assay report`: the results are read, and all pages and tables written

Seconds are of the processor (user and system) and by the clock, with the import of all libraries; the peak is the
process's largest resident set. Writing the store takes longer than all of it, and about 0.25 GB for 1,000 cells.
"""

import argparse
import math
import os
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from assay.studies import tradeoffs

SYNTHETIC = Path(__file__).parents[1] / "tests" / "report" / "synthetic.py"
IMAGES = 2000
READ = """
import sys
from assay.report import write_tables
from assay.stored_results import load_results
from assay.store import Store
write_tables(load_results(Store(sys.argv[1], look=True), "tradeoffs"), sys.argv[2])
"""


def make(root: Path, cells: int) -> None:
    """Write a store of about so many cells: four in five are evaluations."""
    evaluations = math.ceil(cells * 4 / 5)
    seeds = range(math.ceil(evaluations / (4 * len(tradeoffs.recipes))))
    write_store = runpy.run_path(str(SYNTHETIC))["write_store"]
    write_store(root, cells=evaluations, seeds=tuple(seeds), images=IMAGES, draws=True)


def run(name: str, command: list[str]) -> None:
    """Run a process; print its seconds and its peak of memory."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name}: ended with {process.returncode}")
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(
        f"{name:<8} {usage.ru_utime:8.1f} s user {usage.ru_stime:6.1f} s system "
        f"{time.perf_counter() - start:8.1f} s wall {peak:8.0f} MB"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=5000, help="how many, about")
    arguments = parser.parse_args()
    assay = [sys.executable, "-m", "assay"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        start = time.perf_counter()
        make(root, arguments.cells)
        count = sum(1 for kind in ("models", "evaluations") for _ in (root / kind).iterdir())
        print(f"{count} cells, written in {time.perf_counter() - start:.1f} s")
        run("ls", [*assay, "store", "ls", "--out", str(root)])
        run("table", [sys.executable, "-c", READ, str(root), str(Path(folder) / "tables")])
        run("report", [*assay, "report", "tradeoffs", "--out", str(root)])


if __name__ == "__main__":
    main()
