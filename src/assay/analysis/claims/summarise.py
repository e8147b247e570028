"""From comparisons to a finding: the verdict, and the few numbers that decide it."""

from collections import defaultdict
from collections.abc import Sequence
from math import isnan

from assay.analysis.claims.finding import Finding, Missing, Outcome
from assay.analysis.claims.judge import EVERY, Amount, Case, State, decide
from assay.analysis.claims.words import case_text, list_text
from assay.analysis.columns import set_name

SHOWN = 4  # comparisons that are spelt out
OUTCOME: dict[State, Outcome] = {"holds": "replicates", "refuted": "does not replicate", "open": "inconclusive"}


def summarise(
    text: str,
    cases: Sequence[Case],
    amount: Amount,
    *,
    gaps: Sequence[str] = (),
    missing: Sequence[Missing] = (),
    recipes: Sequence[str] = (),
    extra: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Finding:
    """The finding of "that amount of these cases lie in their region".

    With gaps, comparisons that could not be made at all, it can only be refuted, and only if every case must hold.
    """
    if not cases:
        return not_measured(text, missing)
    state = decide(cases, amount)
    shown = deciding(cases, state)
    numbers = [*tally(cases, amount, state), *(case_text(case) for case in shown), *extra]
    kept = not gaps or (state == "refuted" and amount == EVERY)
    return Finding(
        text=text,
        outcome=OUTCOME[state if kept else "open"],
        numbers=tuple(numbers),
        cases=tuple(shown),
        notes=(*incomplete(gaps), *notes, *cautions(cases)),
        missing=merge(missing),
        recipes=tuple(recipes),
    )


def incomplete(gaps: Sequence[str], so: str = "it cannot replicate") -> list[str]:
    """That comparisons are missing, and which."""
    return [f"Not all that this part names was measured, so {so}: {list_text(gaps)}."] if gaps else []


def not_measured(text: str, missing: Sequence[Missing]) -> Finding:
    """The finding of a part of which nothing decisive was measured."""
    return Finding(text=text, outcome="not measured", missing=merge(missing))


def merge(missing: Sequence[Missing]) -> tuple[Missing, ...]:
    """Each lack once."""
    return tuple(dict.fromkeys(missing))


def deciding(cases: Sequence[Case], state: State) -> list[Case]:
    """The few cases that decide: of a refuted part the clearest that refute, of another the least clear."""
    if state == "refuted":
        ranked = sorted(cases, key=lambda case: (case.outside, -distance(case)))
    elif state == "holds":
        ranked = sorted(cases, key=lambda case: (-case.inside, distance(case)))
    else:
        ranked = sorted(cases, key=lambda case: (case.counts and case.state == "holds", case.outside, -case.inside))
    return ranked[:SHOWN]


def distance(case: Case) -> float:
    """How far the effect is from the nearest end of its region."""
    return min(abs(case.effect.value - end) for end in case.region)


def tally(cases: Sequence[Case], amount: Amount, state: State) -> list[str]:
    """How many hold, are refuted and are open, where there are several."""
    counted = [case for case in cases if case.counts]
    if len(counted) < 2:
        return []
    states = [case.state for case in counted]
    n, need = len(counted), amount.of(len(counted))
    wanted = f"{amount.name} must hold" + ("" if need == n else f", which is {need}")
    text = (
        f"{n} comparisons, of which {wanted}: {states.count('holds')} do, {states.count('refuted')} are refuted, "
        f"{states.count('open')} are open, each by its own interval"
    )
    if state == "open":
        text += "; corrected for their number this decides neither way"
    return [text]


def cautions(cases: Sequence[Case]) -> list[str]:
    """What limits a verdict from these cases."""
    found = []
    trivial = [case for case in cases if case.trivial]
    if trivial:
        what = "being similar there says nothing, and they do not count" if not trivial[0].counts else "little can show"
        found.append(
            f"In {len(trivial)} of {len(cases)} comparisons both sides are at the floor or the ceiling (at most 1 % or "
            f"at least 99 %): {what}."
        )
    if any(isnan(case.effect.training) for case in cases):
        found.append(
            "The noise of training is not known here, so the intervals cover the choice of test images alone and are "
            "too narrow."
        )
    return found + _met(cases)


def _met(cases: Sequence[Case]) -> list[str]:
    """That models were tested with the like of what their training showed: in how many comparisons, which, on what."""
    met = [case for case in cases if case.seen]
    if not met:
        return []
    by_names: dict[str, list[str]] = defaultdict(list)
    for label, names in (pair for case in met for pair in case.seen):
        by_names[", ".join(map(set_name, names.split(", ")))].append(label)
    whom = "; ".join(f"{names}: {list_text(labels)}" for names, labels in by_names.items())
    where = f"In {len(met)} of {len(cases)} comparisons" if len(cases) > 1 else "Here"
    return [
        f"{where} a model is tested with the like of what its training has shown, so that says less about what it has "
        f"not met ({whom})."
    ]
