"""A task: the sets that one study trains, tunes and tests on, kept apart."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from assay.data.generated import GENERATED, generated
from assay.data.images import Images
from assay.data.places import own_sets, picture_sets
from assay.data.sources import load
from assay.data.splits import sample, split
from assay.errors import BadValueError, MissingDataError
from assay.parts import check_count

SMALLEST = 6  # training images, so that a sixth of them is a validation image


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """The data of a study.

    Attributes:
        name: such as "mnist".
        test: what is measured on; it tunes nothing.
        train: what is fitted on, or None where only a finished model is evaluated.
        validation: what everything tuned uses, or None likewise.
        outliers: anomalous test sets by name, such as "fashion_mnist".
        exposure: training images of other sets by name, for recipes that train on outliers; never tested on.
        unexposed: such sets that were asked for and are not here, by name, each with the sentence that says why.
        missing: test sets that were asked for and are not here, by name, each with the sentence that says why.
        limit: the number of images that every set was cut to, or None for full sets.
        inside: ordinary images that `Anomaly` tells outliers from, where they are not the test set; see `one_class`.
    """

    name: str
    test: Images
    train: Images | None = None
    validation: Images | None = None
    outliers: dict[str, Images] = field(default_factory=dict)
    exposure: dict[str, Images] = field(default_factory=dict)
    unexposed: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    limit: int | None = None
    inside: Images | None = None


def load_task(
    name: str = "mnist",
    *,
    outliers: tuple[str, ...] = ("fashion_mnist", "kmnist"),
    exposure: tuple[str, ...] = (),
    folder: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Task:
    """Load the sets of a study: training, validation and test images, and anomalous test sets.

    Validation takes 5,000 training images, or a sixth of a training set of less than 30,000.

    Args:
        name: a data set that `load` knows, or one of your own in `folder`.
        outliers: data sets whose test sets are anomalies, and names of `assay.data.generated`, which is made beside the
            task's test set, cut or not; the task's own name among them is left out.
        exposure: data sets to train on as outliers, each by the first 10,000 of its training images.
        folder: where to look first; defaults to the environment variable ASSAY_DATA.
        limit: cut every set to at most this many images, drawn at random.
        seed: of the split, of the draws, and of generated sets.

    Returns:
        The task. An outlier set that is not here is in `missing`, or `unexposed` where it was to be trained on, with
        the sentence that says so.

    Raises:
        MissingDataError: the training or the test set is not here.
        DamagedDataError: a file is cut or altered.
        BadValueError: an unknown name, a limit below 1, a training set of less than 6 images, sets that do not fit
            together, a set that is to be its own outliers, or one of your own named as a generated one.
    """
    if limit is not None:
        check_count("images of each set", "limit", limit)
    if name in exposure:
        raise BadValueError(f"{name}: cannot be its own outliers; choose another source for outlier exposure")
    full, test = load(name, "train", folder=folder), load(name, "test", folder=folder)
    if len(full) < SMALLEST:
        raise BadValueError(f"{full.name}: expected at least {SMALLEST} images to split, got {len(full)}")
    train, validation = split(full, validation=min(5000, len(full) // 6), seed=seed)
    few = sample(test, limit, seed=seed)

    def anomalies(other: str) -> Images:
        return generated(other, few, seed=seed) if other in GENERATED else load(other, "test", folder=folder)

    for other in sorted({*outliers} & {*GENERATED} & {*own_sets(folder), *picture_sets(folder)}):
        raise BadValueError(f"{other}: is the name of a generated set, and of a set of your own; rename yours")
    found, missing = _load_outliers([other for other in outliers if other != name], anomalies)
    exposed, unexposed = _load_outliers(exposure, lambda other: load(other, "outliers", folder=folder))
    for images in (full, *found.values(), *exposed.values()):
        if images.shape != test.shape:
            raise BadValueError(
                f"{images.name}: expected images of shape {test.shape}, as {test.name} has, got {images.shape}"
            )
    return Task(
        name=name,
        train=sample(train, limit, seed=seed),
        validation=sample(validation, limit, seed=seed),
        test=few,
        outliers={other: sample(images, limit, seed=seed) for other, images in found.items()},
        exposure={other: sample(images, limit, seed=seed) for other, images in exposed.items()},
        unexposed=unexposed,
        missing=missing,
        limit=limit,
    )


def _load_outliers(names: Iterable[str], load_one: Callable[[str], Images]) -> tuple[dict[str, Images], dict[str, str]]:
    """The sets that are here, and why the others are not."""
    found, missing = {}, {}
    for name in names:
        try:
            found[name] = load_one(name)
        except MissingDataError as error:
            missing[name] = str(error)
    return found, missing
