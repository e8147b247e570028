"""What `assay run STUDY --plan` prints: recipes, cells, what they share, what is in the store, and the time left."""

from collections import Counter
from collections.abc import Set

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assay.analysis.families import family
from assay.counting import number_of
from assay.estimate import Estimate, Span
from assay.plan import Plan
from assay.planning import Planned
from assay.study import Study

WIDE = 1.15  # ends further apart than this factor are both shown
UNITS = ((172_800, 86_400, "days"), (5_400, 3_600, "h"), (90, 60, "min"), (0, 1, "s"))  # from, length, name


def show_plan(console: Console, planned: Planned, estimate: Estimate | None) -> None:
    """Print the plan: totals first, then every recipe with its state.

    Args:
        console: where to.
        planned: the plan and what is in the store.
        estimate: the time that is left; None where it was not measured.
    """
    plan, found = planned.plan, planned.found
    for line in _head(plan):
        console.print(line, highlight=False, markup=False)
    console.print()
    console.print(_families(plan, found))
    console.print()
    for line in (shared_members(plan), doubled(plan)):
        if line:
            console.print(line, highlight=False, markup=False)
    console.print()
    console.print(_stages(plan, found, estimate))
    console.print()
    for line in _time(plan, found, estimate):
        console.print(line, highlight=False, markup=False)
    if plan.study.presets:
        console.print()
        console.print(_presets(plan.study))
    console.print()
    console.print(_recipes(plan, found))


def _head(plan: Plan) -> list[str]:
    study, task = plan.study, plan.task
    preset = f", preset {study.preset}" if study.preset else ""
    limit = f", LIMITED to {task.limit} images per set" if task.limit is not None else ""
    what = [number_of(len(study.recipes), "recipe"), number_of(len(study.evaluations), "axis", "axes")]
    seeds = f"{'seed' if len(study.seeds) == 1 else 'seeds'} {', '.join(map(str, study.seeds))}"
    lines = [f"{study.title} ({study.name}{preset}{limit})", f"{', '.join(what)}, {seeds}; data: {task.name}"]
    if study.replicates > 1 and study.baseline is not None:
        lines.append(f"The baseline is trained and measured {study.replicates} times a seed: the noise of training.")
    lines.extend(f"not here: {reason}" for reason in task.missing.values())
    return lines


def _families(plan: Plan, found: Set[str]) -> Table:
    """Recipes and models by family; the total counts a shared model once."""
    recipes = Counter(family(recipe.label) for recipe in plan.study.recipes)
    models: dict[str, set[str]] = {}
    for cell in plan.evaluating:
        models.setdefault(family(cell.recipe.label), set()).update(cell.models)
    table = _table("family", "recipes", "models", "trained")
    for name, number in recipes.items():
        own = models.get(name, set())
        table.add_row(escape(name), str(number), str(len(own)), str(len(own & found)))
    whole = {cell.key for cell in plan.training}
    numbers = (sum(recipes.values()), len(whole), len(whole & found))
    table.add_row("in all, shared models once", *map(str, numbers), style="bold")
    return table


def shared_members(plan: Plan) -> str:
    """What ensembles share with each other and with single models, in a sentence; empty where nothing is shared."""
    users: dict[str, dict[str, bool]] = {}
    for cell in plan.evaluating:
        for key in cell.models:
            users.setdefault(key, {})[cell.recipe.label] = cell.recipe.members > 1
    members = [labels for labels in users.values() if any(labels.values())]
    saved = sum(len(labels) - 1 for labels in members)
    if not saved:
        return ""
    ensembles = {label for labels in members for label, several in labels.items() if several}
    single = sorted({label for labels in members for label, several in labels.items() if not several})
    names = [
        number_of(len(ensembles), "ensemble"),
        *(f"the {label}" if label == plan.study.baseline else label for label in single),
    ]
    return f"{number_of(len(members), 'member')} shared by {' and '.join(names)}: {number_of(saved, 'training')} saved."


def doubled(plan: Plan) -> str:
    """Whether anything is planned twice under two names: equal keys of cells that should differ."""
    single: dict[str, set[str]] = {}
    measured: dict[str, set[str]] = {}
    for cell in plan.evaluating:
        measured.setdefault(cell.key, set()).add(f"{cell.recipe.label}, seed {cell.seed}, {cell.stage}")
        if len(cell.models) == 1:
            single.setdefault(cell.models[0], set()).add(cell.recipe.label)
    twice = [sorted(names) for groups in (single, measured) for names in groups.values() if len(names) > 1]
    repeated = len(plan.evaluating) - len(measured)
    if not twice and not repeated:
        cells = f"{len(plan.training):,} models and {len(plan.evaluating):,} evaluations"
        return f"No key occurs twice among {cells}."
    names = "; ".join(" = ".join(group) for group in twice) or f"{repeated} evaluations repeat another"
    return f"The same under several names, computed once: {names}."


def _stages(plan: Plan, found: Set[str], estimate: Estimate | None) -> Table:
    """Cells by stage: planned, in the store, waiting, and the time that the waiting ones take on one core."""
    stages = ["training", *(evaluation.name for evaluation in plan.study.evaluations)]
    stages += [] if plan.transfer is None else [plan.transfer.stage]
    planned = Counter(cell.stage for cell in plan.cells)
    there = Counter(cell.stage for cell in plan.cells if cell.key in found)
    table = _table("cells", "planned", "in store", "waiting", *(["on one core"] if estimate else []))
    for stage in (*stages, "in all"):
        total, done = (planned.total(), there.total()) if stage == "in all" else (planned[stage], there[stage])
        row = [stage, str(total), str(done), str(total - done)]
        if estimate:
            span = estimate.total if stage == "in all" else estimate.stages.get(stage)
            row.append("-" if span is None or total == done else between(span))
        table.add_row(*row, style="bold" if stage == "in all" else None)
    return table


def _time(plan: Plan, found: Set[str], estimate: Estimate | None) -> list[str]:
    if all(cell.key in found for cell in plan.cells):
        return ["Everything is in the store: a run writes the report alone."]
    if estimate is None:
        return ["The time that is left was not measured."]
    processes = number_of(estimate.jobs, "process", "processes")
    lines = [
        f"Time left on this machine with {processes}: {between(estimate.wall)}; "
        f"disk: about {byte_text(estimate.size)}.",
        f"Measured here in {duration(estimate.took)} by short runs on one thread, which repeat to within "
        f"{estimate.spread:.0%}; each process is taken to have a core to itself.",
    ]
    span = estimate.stages.get("adversarial")
    if span is not None and span.high > WIDE * span.low * (1 + estimate.spread) ** 2:
        lines.append(
            "Attacks stop where they succeed: early on models that were trained without attacks, on the others at some "
            "step between that and the last, hence the range."
        )
    return lines


def _presets(study: Study) -> Table:
    table = _table("preset", "recipes", title="Slices of this study, chosen with --preset")
    table.add_column("what it holds", overflow="fold")
    for preset in study.presets:
        table.add_row(preset.name, str(len(preset.recipes)), escape(preset.text))
    return table


def _recipes(plan: Plan, found: Set[str]) -> Table:
    """Every recipe with its state over all seeds."""
    cells: dict[str, dict[str, None]] = {}
    for cell in plan.evaluating:
        cells.setdefault(cell.recipe.label, {}).update(dict.fromkeys((*cell.models, cell.key)))
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("state", no_wrap=True)
    table.add_column("recipe", overflow="fold")
    for recipe in plan.study.recipes:
        keys = cells[recipe.label]
        there = sum(key in found for key in keys)
        state = "in store" if there == len(keys) else f"{there} of {len(keys)}" if there else "waiting"
        table.add_row(state, escape(recipe.label), style=None if there else "dim")
    return table


def _table(first: str, *numbers: str, title: str | None = None) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, title=title, title_justify="left")
    table.add_column(first, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def between(span: Span) -> str:
    """A range as people say it: "about 40 s", "2.5 to 6 h", "50 min to 2 h"."""
    low, high = duration(span.low), duration(span.high)
    if span.high <= WIDE * span.low or low == high:
        return f"about {duration((span.low + span.high) / 2)}"
    number, unit = low.split()
    return f"{number} to {high}" if high.split()[1] == unit else f"{low} to {high}"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them, to two digits or so: "40 s", "25 min", "7.5 h", "41 days"."""
    length, name = next((length, name) for start, length, name in UNITS if seconds >= start)
    value = seconds / length
    return f"{value:.1f} {name}" if value < 10 and name in ("h", "days") else f"{value:,.0f} {name}"


def byte_text(size: int) -> str:
    """Bytes in the unit that suits them: "40 kB", "12 MB", "1.5 GB"."""
    return (
        f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    )
