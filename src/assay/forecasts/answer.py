"""What the scores say, in sentences that a reader without statistics can use."""

from collections.abc import Sequence

from assay.forecasts.scores import CLIMATOLOGY, GIVEN, QUANTILES, Score
from assay.forecasts.words import interval, value

MAIN = {"event": "event", "classes": "all classes"}
TOLD = 6  # levels told one by one


def answer(kind: str, rows: Sequence[Score]) -> tuple[str, ...]:
    """The verdict on skill, then on calibration."""
    if kind == "intervals":
        return tuple(_levels(rows))
    found = {(row.of, row.metric, row.forecast, row.against): row for row in rows}
    of = MAIN[kind]
    top = of if kind == "event" else "top label"
    skill = found[of, "brier_skill", GIVEN, CLIMATOLOGY]
    stated, came = found[top, "mean_probability", GIVEN, ""], found[
        top, "base_rate" if kind == "event" else "accuracy", GIVEN, ""
    ]  # fmt: skip
    what = "happened" if kind == "event" else "were right"
    return (
        _skill(skill, found[of, "brier", GIVEN, ""], "the base rate of these outcomes"),
        f"On average {value(stated)} was stated, and {value(came)} {interval(came)} {what}: {_bias(stated, came)}.",
    )


def _skill(skill: Score, score: Score, baseline: str) -> str:
    label = "Brier score" if score.metric == "brier" else f"{score.of.capitalize()}: interval score"
    start = f"{label} {value(score)} {interval(score)}".strip()
    if skill.value is None:
        return f"{start}; there is no skill against {baseline}: {skill.reason}."
    if skill.low is None or skill.high is None:
        verdict = "no interval, so no verdict, against"
    elif skill.low > 0:
        verdict = "better than"
    elif skill.high < 0:
        verdict = "worse than"
    else:
        verdict = "within noise of"
    return f"{start}, {verdict} {baseline}: skill {value(skill)} {interval(skill)}".rstrip() + "."


def _bias(stated: Score, came: Score) -> str:
    assert stated.value is not None
    assert came.low is not None
    assert came.high is not None
    if stated.value > came.high:
        return "too much was stated"
    return "too little was stated" if stated.value < came.low else "no clear bias"


def _levels(rows: Sequence[Score]) -> list[str]:
    coverages = [row for row in rows if row.metric == "coverage"]
    texts = []
    for row in coverages[:TOLD]:
        texts.append(f"{row.of.capitalize()}: {value(row)} {interval(row)} of outcomes inside, {_covered(row)}.")
        found = {(item.metric, item.forecast, item.against): item for item in rows if item.of == row.of}
        skill, score = found["interval_score_skill", GIVEN, QUANTILES], found["interval_score", GIVEN, ""]
        texts.append(_skill(skill, score, "the quantiles of these outcomes"))
    if len(coverages) > TOLD:
        texts.append(f"{len(coverages) - TOLD} more levels stand in the table.")
    return texts


def _covered(row: Score) -> str:
    assert row.low is not None
    assert row.high is not None
    level = float(row.of.removeprefix("level "))
    if row.high < level:
        return "fewer than stated: the intervals are too narrow or off"
    return "more than stated: the intervals are too wide" if row.low > level else "as stated, within noise"
