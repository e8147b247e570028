"""A task: the sets that one study trains, tunes and tests on, kept apart."""

from dataclasses import dataclass, field

from assay.data.images import Images


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """The data of a study.

    Attributes:
        name: such as "mnist".
        test: what is measured on; it tunes nothing.
        train: what is fitted on, or None where only a finished model is evaluated.
        validation: what everything tuned uses, or None likewise.
        outliers: anomalous test sets by name, such as "fashion_mnist".
        missing: sets that were asked for and are not here, by name, each with the sentence that says why.
        limit: the number of images that every set was cut to, or None for full sets.
    """

    name: str
    test: Images
    train: Images | None = None
    validation: Images | None = None
    outliers: dict[str, Images] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    limit: int | None = None
