"""What every page calls better, worse or within noise: one judgement, made by the analysis.

Differences are paired over the test images, know the noise of training where the baseline was trained several times,
and are corrected for many comparisons; see `assay.analysis.effects`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.analysis.build import build_zoo
from assay.analysis.effects import Comparison, Verdict, compare
from assay.analysis.measures import Measure
from assay.analysis.unseen import UnseenMean, unseen_means
from assay.analysis.zoo import Key, Zoo
from assay.results import Results

RELATIVE = ("mce", "relative_mce")  # ratios to the baseline of the same seed; the analysis takes the mean baseline


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Recipes against the baseline, as `assay.analysis.effects.compare` judges them; empty where nothing is judged.

    Attributes:
        base: the baseline's value by measure: the mean of its trainings.
        verdicts: by recipe and measure; none where there is nothing to judge by.
        trainings: how many trainings of the baseline there are at most.
        unseen: by recipe, the mean accuracy over the corruptions that training has not met, where it has met others.
    """

    base: Mapping[Key, float] = field(default_factory=dict)
    verdicts: Mapping[tuple[str, Key], Verdict] = field(default_factory=dict)
    trainings: int = 1
    unseen: Mapping[str, UnseenMean] = field(default_factory=dict)

    def verdict(self, recipe: str, measure: Measure) -> Verdict | None:
        """The verdict on a recipe, or None where the analysis has none."""
        return self.verdicts.get((recipe, key_of(measure)))


def key_of(measure: Measure) -> Key:
    """The measure's key in a zoo."""
    return Key(measure.evaluation, measure.metric, tuple(sorted(measure.setting.items())))


def judge_results(results: Results) -> Judged:
    """Judge every recipe against the baseline."""
    zoo = build_zoo(results)
    return judge(zoo, compare(zoo))


def judge(zoo: Zoo, comparisons: list[Comparison]) -> Judged:
    """What the comparisons say, in the words of the pages; nothing without a baseline or without bootstrap draws."""
    if zoo.baseline is None:
        return Judged(unseen=unseen_means(zoo))
    verdicts = {
        (zoo.recipes[item.recipe], zoo.keys[item.measure]): item.verdict
        for item in comparisons
        if item.verdict != "unjudged"
    }
    keys = {key for _, key in verdicts}
    base = {key: float(zoo.values[zoo.baseline, place]) for place, key in enumerate(zoo.keys) if key in keys}
    trainings = int(zoo.replicates.max(initial=1))
    return Judged(base=base, verdicts=verdicts, trainings=trainings, unseen=unseen_means(zoo))
