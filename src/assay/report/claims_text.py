"""The verdicts on a study's claims in the terminal."""

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from assay.analysis.claims import OUTCOMES, Checked, Finding, Missing, Outcome
from assay.report.claims_scope import Scope, remedy
from assay.results import Results

SYMBOLS: dict[Outcome, str] = {"replicates": "✓", "does not replicate": "✗", "inconclusive": "≈", "not measured": "–"}
STYLES: dict[Outcome, str] = {
    "replicates": "green", "does not replicate": "red", "inconclusive": "yellow", "not measured": "dim",
}  # fmt: skip
NUMBERS = 3  # lines of numbers shown for a part
NAMED = 3  # recipes named in a list


def print_claims(results: Results, checked: Sequence[Checked], scope: Scope, console: Console) -> None:
    """Print a line for each claim, the deciding numbers under it, and the count of verdicts last."""
    if not checked:
        _print(console, f"No claims are known about the study {results.study}.")
        return
    for item in checked:
        head = f"{SYMBOLS[item.outcome]} {item.claim.key} {scope.says(item.outcome)}:"
        line = Text("\n".join(_wrap(f"{head} {item.claim.text}", console, hang=2)))
        line.stylize(f"bold {STYLES[item.outcome]}", 0, len(head))
        console.print(line)
        for finding in item.findings:
            _print_part(finding, console)
        if item.claim.weakness:
            _print(console, f"Weak evidence: {item.claim.weakness}", indent=2, style="italic")
        console.print()
    _print_summary(results, checked, scope, console)


def _print_part(finding: Finding, console: Console) -> None:
    _print(console, f"{SYMBOLS[finding.outcome]} {finding.text}", indent=2, hang=2)
    left = len(finding.numbers) - NUMBERS
    more = [f"and {left} more on the page"] if left > 0 else []
    for text in (*finding.numbers[:NUMBERS], *more, *finding.notes, *missing_by_reason(finding.missing)):
        _print(console, text, indent=4, hang=2, style="dim")


def _print_summary(results: Results, checked: Sequence[Checked], scope: Scope, console: Console) -> None:
    counts = Counter(item.outcome for item in checked)
    parts = [f"{SYMBOLS[outcome]} {counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]]
    _print(console, f"{len(checked)} claims: {', '.join(parts)}.", style="bold")
    for name, text in scope.facts:
        _print(console, f"{name}: {text}", hang=2)
    if not scope.whole:
        _print(console, f"Not the whole study: {'; '.join(scope.reductions)}. Verdicts hold for this run alone.")
    missing = [lack for item in checked for finding in item.findings for lack in finding.missing]
    if command := remedy(results, missing):
        _print(console, f"`{command}` measures what is missing.")


def missing_by_reason(missing: Sequence[Missing]) -> Iterator[str]:
    """What is missing with counts of recipes, a line for each reason."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for lack in missing:
        text = f"{len(lack.recipes)} of {lack.what}" if lack.recipes else lack.what
        if text not in grouped[lack.reason]:
            grouped[lack.reason].append(text)
    for reason, what in grouped.items():
        yield f"not measured: {', '.join(what)}: {reason}"


def missing_text(lack: Missing) -> str:
    """What is missing and why, with the first few recipes named."""
    shown = ", ".join(lack.recipes[:NAMED])
    more = f" and {len(lack.recipes) - NAMED} more" if len(lack.recipes) > NAMED else ""
    names = f" ({shown}{more})" if shown else ""
    return f"{lack.what}{names}: {lack.reason}"


def _wrap(text: str, console: Console, *, indent: int = 0, hang: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        max(console.width, indent + hang + 20),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print(console: Console, text: str, *, indent: int = 0, hang: int = 0, style: str = "") -> None:
    lines = "\n".join(_wrap(text, console, indent=indent, hang=hang))
    console.print(Text(lines, style=style), soft_wrap=True)
