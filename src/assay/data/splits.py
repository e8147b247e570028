"""Fixed random parts of a data set: training and validation, and samples for limited runs."""

import torch

from assay.data.images import Images
from assay.errors import BadValueError
from assay.parts import check_count
from assay.randomness import derive


def split(train: Images, *, validation: int = 5000, seed: int = 0) -> tuple[Images, Images]:
    """Split a training set at random, the same way for the same seed: (what is left to train on, validation).

    Both parts keep the original order. The validation set serves all tuning, so that no test set has to.

    Args:
        train: (N, ...) images, named such as "mnist/train".
        validation: size of the validation set, 1..N-1.
        seed: of the draw.

    Raises:
        BadValueError: validation is no whole number in 1..N-1.
    """
    check_count("split", "validation", validation)
    if validation >= len(train):
        raise BadValueError(
            f"split: validation: expected fewer than the {len(train)} images of {train.name}, got {validation}"
        )
    order = torch.randperm(len(train), generator=derive(seed, "split", train.name))
    held, rest = order[:validation].sort().values, order[validation:].sort().values
    return train.take(rest), train.take(held, name=f"{train.name.rsplit('/', 1)[0]}/validation")


def sample(images: Images, n: int | None, *, seed: int = 0) -> Images:
    """Draw n images at random without replacement, in their original order; all of them where n is None or n >= N.

    Never the first n: the first 5,000 test images of MNIST are easier than the last.

    Raises:
        BadValueError: n is no whole number >= 1.
    """
    if n is None:
        return images
    check_count("sample", "n", n)
    if n >= len(images):
        return images
    order = torch.randperm(len(images), generator=derive(seed, "sample", images.name))
    return images.take(order[:n].sort().values)
