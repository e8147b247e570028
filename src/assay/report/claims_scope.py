"""What results are of: the whole study as it stands in the catalogue, or something reduced that may not pass for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from assay import studies
from assay.again import command
from assay.analysis.claims import Missing, Outcome
from assay.analysis.claims.evidence import NOT_HERE
from assay.analysis.measures import MEAN
from assay.counting import number_of
from assay.errors import BadValueError
from assay.parts import describe
from assay.recipe import BASELINE, Train, parse_recipe
from assay.results import Results
from assay.study import FULL, Study


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What verdicts hold for.

    Attributes:
        facts: (name, text) pairs: study, recipes, seeds, training, images, training noise.
        reductions: in what the results fall short of the whole study; none where they are whole.
    """

    facts: tuple[tuple[str, str], ...]
    reductions: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether these are the results of the whole study at its own settings."""
        return not self.reductions

    def says(self, outcome: Outcome) -> str:
        """The verdict with what it holds for."""
        decided = outcome in ("replicates", "does not replicate")
        return f"{outcome} (reduced run)" if decided and not self.whole else outcome


def study_of(results: Results) -> Study | None:
    """The study in the catalogue, whole; None for a study of someone's own."""
    known = {name: getattr(studies, name) for name in studies.__all__}
    return known.get(results.study)


def scope_of(results: Results) -> Scope:
    """What the results are of, beside the whole study."""
    study = study_of(results)
    total = len(study.recipes) if study else len(results.recipes)
    measured = _measured(results)
    training = sorted({_train_text(train, results.limit) for train in _trains(results)})
    trainings = f"{(count := _baselines(results))} training{'' if count == 1 else 's'} of the baseline measured"
    other = _other_evaluations(results, study)
    images = "all of each set" if results.limit is None else f"LIMITED to {results.limit:,} of each set"
    facts = (
        ("study", results.study + ("" if results.preset is None else f", preset {results.preset}")),
        ("recipes", f"{measured} of {total} measured"),
        (
            "seeds",
            f"{', '.join(str(seed) for seed in results.seeds)}; {trainings}",
        ),
        ("training", "; ".join(training) or "nothing is trained yet"),
        ("images", f"{images}, other settings of {', '.join(other)}" if other else images),
    )
    return Scope(facts=facts, reductions=tuple(_reductions(results, study, measured, total)))


def remedy(results: Results, missing: Sequence[Missing]) -> str:
    """The command that would measure what is missing, or ""."""
    absent = {label for lack in missing if lack.reason == NOT_HERE for label in lack.recipes}
    study = study_of(results)
    if results.out is None:
        return ""
    if results.limit is not None:
        return command(results.study, preset=results.preset, seeds=results.seeds, data=results.data, out=results.out)
    if absent and study is not None:
        fitting = [preset for preset in study.presets if absent <= set(preset.recipes)]
        slices = [preset.name for preset in sorted(fitting, key=lambda preset: len(preset.recipes))]
        name = next(iter(slices), FULL if study.presets else None)
        return command(study.name, preset=name, seeds=results.seeds, data=results.data, out=results.out)
    if any(lack.recipes for lack in missing) or results.waiting:
        return results.again
    return ""


def _baselines(results: Results) -> int:
    """How many trainings of the baseline have a number."""
    own = results.table[(results.table["recipe"] == results.baseline) & (results.table["seed"] != MEAN)]
    both = pd.concat([own, results.replicates])
    return both.loc[both["value"].notna(), "seed"].nunique() if len(both) else 0


def _measured(results: Results) -> int:
    return results.table.loc[results.table["value"].notna(), "recipe"].nunique() if len(results.table) else 0


def _reductions(results: Results, study: Study | None, measured: int, total: int) -> list[str]:
    found = []
    if results.limit is not None:
        found.append(f"limited to {results.limit:,} images in every set")
    if measured < total:
        found.append(f"{measured} of the study's {total} recipes are measured")
    if results.failures or results.waiting:
        count = len(results.failures) + len(results.waiting)
        which = number_of(count, "training or evaluation", "trainings or evaluations")
        found.append(f"{which} failed or {'has' if count == 1 else 'have'} not run yet")
    if results.missing:
        found.append(f"data sets are missing: {', '.join(results.missing)}")
    if study is not None:
        own = {recipe.train for recipe in study.recipes}
        if any(train not in own for train in _trains(results)):
            found.append("models are trained otherwise than the study trains them")
        if other := _other_evaluations(results, study):
            found.append(f"measured with other settings than the study's: {', '.join(other)}")
    return found


def _trains(results: Results) -> set[Train]:
    """How the models were trained: what their names say behind their labels, each text parsed once."""
    found = set()
    for text in {trained.name.removeprefix(trained.recipe).removeprefix(" > ") for trained in results.trained}:
        try:
            found.add(parse_recipe(text or BASELINE).train)
        except BadValueError:
            continue  # a model of someone's own, whose name is no recipe's
    return found


def _train_text(train: Train, limit: int | None) -> str:
    epochs = f"{train.epochs} epoch{'s' if train.epochs > 1 else ''}"
    count = min((number for number in (train.images, limit) if number is not None), default=None)
    images = "all images" if count is None else f"{count:,} images"
    return f"{epochs} on {images}, batches of {train.batch_size}, learning rate {train.learning_rate:g}"


def _other_evaluations(results: Results, study: Study | None) -> list[str]:
    own = results.provenance.get("evaluations")
    if study is None or not isinstance(own, dict):
        return []
    return [item.name for item in study.evaluations if own.get(item.name) != describe(item)]
