"""Flags in the report and the terminal: sentences with figures, what was checked, and what was not."""

import io
from dataclasses import replace
from typing import Any

from rich.console import Console

from assay.analysis.build import build_zoo
from assay.analysis.measures import collect
from assay.evaluations.base import Measurement
from assay.evaluations.flags import CHECKS, OLDER, Check
from assay.report import html
from assay.report.checks import SENTENCES, checked, name_of
from assay.report.doubts import EVENTS, doubts
from assay.report.gaps import gaps
from assay.report.terminal import print_headline
from assay.results import COLUMNS, Results, rows


def flagged(results: Results, found: dict[str, list[Measurement]], seed: int | str = 0) -> Results:
    """The results with these rows of the adversarial evaluation, by recipe."""
    extra = [
        row
        for recipe, own in found.items()
        for row in rows(
            own, study="made", recipe=recipe, name=recipe, seed=seed, evaluation="adversarial", limited=False
        )
    ]
    table = type(results.table)([*results.table.to_dict("records"), *extra], columns=list(COLUMNS))
    return replace(results, table=table)


def black_box(fooled: int, *, raised: bool) -> list[Measurement]:
    check = Check("black_box_beats_gradients", 0.3)
    check.share("Square", fooled, 100)
    check.share("a second run", 2, 100)
    return check.flag(raised, 100)


def shown(results: Results) -> str:
    console = Console(width=200, file=io.StringIO())
    print_headline(results, console)
    file: Any = console.file
    return str(file.getvalue())


def test_a_raised_flag_is_a_doubt_with_its_figures(complete: Results) -> None:
    results = flagged(complete, {"lenet5_large": black_box(92, raised=True), "baseline": black_box(1, raised=False)})
    (doubt,) = doubts(results)
    assert doubt.recipe == "lenet5_large"
    assert doubt.text.startswith("Square, which knows no gradient, fools 92 of 100 checked images though")
    assert "at ε = 0.3 (a second run of those attacks 2 of 100)" in doubt.text
    found = checked(results)
    assert found is not None
    assert found.summary == "1 check for failing attacks on each of 2 models: 1 raised."
    for text in (html.render(results), shown(results)):
        assert "fools 92 of 100 checked images" in text
        assert found.summary in text
    assert "Distrust lenet5_large: Square" in shown(results)


def test_no_flag_raised_is_one_line(complete: Results) -> None:
    quiet = [row for name in CHECKS for row in Check(name).flag(raised=False, n=100)]
    results = flagged(complete, dict.fromkeys(complete.recipes, quiet))
    assert doubts(results) == []
    found = checked(results)
    assert found is not None
    assert found.summary == f"10 checks for failing attacks on each of {len(complete.recipes)} models: none raised."
    assert found.missing == ()
    assert found.summary in html.render(results)
    assert found.summary in shown(results)
    one = replace(flagged(replace(complete, table=complete.table[:1]), {"baseline": quiet}), recipes=("baseline",))
    assert checked(one) is not None
    assert "on this model: none raised" in checked(one).summary  # type: ignore[union-attr]


def test_what_was_not_measured_is_told_with_its_reason(complete: Results) -> None:
    gone = [*Check("seed_decides").missing("it has none"), *Check("model_is_random").missing("it has none")]
    others = dict.fromkeys(complete.recipes[1:], Check("seed_decides").flag(raised=False, n=9))
    found = checked(flagged(complete, {complete.recipes[0]: gone, **others}))
    assert found is not None
    assert found.missing == (
        f"Not measured of {complete.recipes[0]}: seed decides and model is random, since it has none.",
    )


def test_results_without_checks_say_so(complete: Results) -> None:
    found = checked(complete)
    assert found is not None
    assert found.summary.startswith(
        "The checks for failing attacks were not run: they were switched off (checked=0), or"
    )
    assert found.summary in html.render(complete)
    some = checked(flagged(complete, {"baseline": Check("seed_decides").flag(raised=False, n=9)}))
    assert some is not None
    assert "lenet5_large: the checks for failing attacks were not run" in some.missing[-1]
    older = checked(flagged(complete, dict.fromkeys(complete.recipes, Check("seed_decides").missing(OLDER))))
    assert older is not None
    assert older.summary == "No check for failing attacks was measured."
    assert older.missing == (f"Not measured: seed decides, since {OLDER}.",)
    other = complete.table[complete.table["evaluation"] != "adversarial"]
    assert checked(replace(complete, table=other)) is None


def test_flags_are_no_measures_and_no_gaps(complete: Results) -> None:
    results = flagged(complete, {"baseline": [*black_box(1, raised=False), *Check("seed_decides").missing("why")]})
    measures = collect(results, skip=EVENTS)
    assert measures == collect(complete, skip=EVENTS)
    assert gaps(results, measures, {}) == []
    assert build_zoo(results).keys == build_zoo(complete).keys


def test_every_check_has_its_sentence() -> None:
    assert SENTENCES.keys() == CHECKS.keys()
    assert name_of("one_step_beats_many") == "one step beats many"
