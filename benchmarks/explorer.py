"""How quickly the pages of a study of 559 recipes open and filter in a headless browser, and how large they are.

    .venv/bin/python benchmarks/explorer.py

A made-up store of that size is written and read, the pages are written, and the explorer is used: each number is the
time until the browser is ready to show the next frame, for opening from the start of the navigation. The page draws
what is in sight first; where a number says so, the views below are drawn too. A copy of the page without its security
policy sends the times to this program; nothing else differs.
"""

import argparse
import json
import queue
import runpy
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from assay.report.explorer import write_explorer
from assay.report.html import write_report
from assay.results import Results
from assay.stored_results import load_results

SYNTHETIC = Path(__file__).parents[1] / "tests" / "report" / "synthetic.py"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-extensions", "--window-size=1280,1400",
)  # fmt: skip
WAITING = b"<!doctype html><title>wait</title><script>setTimeout(() => location.replace('/page'), 2500)</script>"
SHOWN = """
const nextFrame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
const send = (said) => fetch("/said", { method: "POST", body: JSON.stringify(said) });
"""
OPENING = """<script>
(async () => { await nextFrame(); send({ opening: performance.now() }); })();
</script></body>"""
ACTING = """<script>
const press = (selector) => document.querySelector(selector).click();
const change = (id, value) => { byId(id).value = value; byId(id).dispatchEvent(new Event("change")); };
const ACTS = {
  "filter by family": () => press("#families .chip:nth-child(8)"),
  "filter by another family": () => press("#families .chip:nth-child(9)"),
  "filter by hyper-parameter": () => press("#parameters .chip"),
  "clear filters": () => press("#clear"),
  "search": () => { byId("find").value = "steps=40"; byId("find").dispatchEvent(new Event("input")); },
  "clear the search": () => press("#clear"),
  "brush an axis": () => {
    const m = parallel.axes[1];
    brush(m, valueAt(m, axisTop), valueAt(m, axisTop + 80));
    changed();
  },
  "clear the brush": () => press("#clear"),
  "sort the table": () => press("#table-head th:nth-child(3) button"),
  "change the scatter's measure": () => change("scatter-x", D.axes[7]),
  "change the multiples' measure": () => change("multiples-measure", D.axes[3]),
  "sort the heat map": () => press("#heat-head button:nth-child(5)"),
  "point at a model": () => point(300, { x: 400, y: 300 }),
  "select the Pareto set": () => press("#scatter-pareto"),
};
(async () => {
  await nextFrame();
  const said = { opening: performance.now() };
  while (later.size) await nextFrame();
  said["opening, views out of sight too"] = performance.now();
  for (const [name, act] of Object.entries(ACTS)) {
    await nextFrame();
    const start = performance.now();
    act();
    await nextFrame();
    said[name] = performance.now() - start;
    while (later.size) await nextFrame();
    if (name === "filter by family") said["... views out of sight too"] = performance.now() - start;
  }
  send(said);
})();
</script></body>"""


def timed(what: str, work: Callable[[], Any]) -> Any:
    """The work's result; prints how long it took."""
    start = time.perf_counter()
    result = work()
    print(f"{what:<34} {time.perf_counter() - start:8.1f} s")
    return result


def visit(page: Path, script: str, chromium: str) -> dict[str, float]:
    """Open the page with the script at its end in a fresh browser, and return what the script sends."""
    text = page.read_text(encoding="utf-8").replace('http-equiv="Content-Security-Policy"', 'name="policy"', 1)
    head, _, tail = text.rpartition("</body>")
    body = (head + f"<script>{SHOWN}</script>" + script + tail).encode()
    said: queue.Queue[dict[str, float]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Send the page, or first an empty one that leads to it once the browser has settled."""
            content = body if self.path == "/page" else WAITING
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            """Take the times."""
            said.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        address = f"http://127.0.0.1:{server.server_port}/"
        command = [chromium, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", address]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return said.get(timeout=120)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()


def main() -> None:
    """Print sizes and times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=5, help="fresh browsers; the median counts")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("this benchmark needs Chromium on the path")
    synthetic = runpy.run_path(str(SYNTHETIC))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = timed("write the made-up store", lambda: synthetic["write_store"](root / "store"))
        results: Results = timed("read it", lambda: load_results(store, "tradeoffs"))
        explorer = timed("write explorer.html", lambda: write_explorer(results, root))
        report = timed("write report.html", lambda: write_report(results, root))
        for page in (explorer, report):
            print(f"{page.name:<34} {page.stat().st_size / 1e6:8.2f} MB")
        times = [visit(explorer, ACTING, chromium) for _ in range(arguments.visits)]
        for name in times[0]:
            values = sorted(one[name] for one in times)
            print(f"explorer: {name:<34} {statistics.median(values):8.0f} ms  (worst {values[-1]:.0f})")
        opening = sorted(visit(report, OPENING, chromium)["opening"] for _ in range(arguments.visits))
        print(f"report: {'opening':<36} {statistics.median(opening):8.0f} ms  (worst {opening[-1]:.0f})")


if __name__ == "__main__":
    main()
