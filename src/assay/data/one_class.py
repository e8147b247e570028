"""One class against the rest: a model sees images of one class alone, and every other class is anomalous.

One class gives a classifier nothing to tell apart. As Golan and El-Yaniv 2018, "Deep anomaly detection using geometric
transformations", and Hendrycks, Mazeika, Kadavath and Song 2019, "Using self-supervised learning can improve model
robustness and uncertainty", it learns which transformation was applied: here, as in rotation prediction (Gidaris, Singh
and Komodakis 2018, "Unsupervised representation learning by predicting image rotations"), by how many quarter turns an
image was rotated. Golan and El-Yaniv also flip and shift, Hendrycks et al. also shift.
"""

from dataclasses import replace

import torch
from torch import Tensor

from assay.data.images import Images
from assay.data.task import Task
from assay.errors import BadValueError, MissingDataError

ROTATIONS = ("0", "90", "180", "270")  # the classes, in degrees counter-clockwise
REST = "rest"  # the outlier set's name


def turned(x: Tensor, quarters: int) -> Tensor:
    """Square images (N, C, H, H) turned counter-clockwise by so many quarters."""
    return torch.rot90(x, quarters, dims=(2, 3))


def one_class(task: Task, kept: int) -> Task:
    """The task in which one class is ordinary, and all others together are anomalous.

    Training and validation images are those of the class in all four rotations, the label being the rotation. Test
    images are those of the class, each in one rotation, in turns, so that accuracy and calibration are those of telling
    the rotations apart, and rest on as many independent images as they say: four rotations of one image err together.
    `inside` is the upright test images of the class, and the outlier set "rest" the upright test images of all other
    classes, with their own labels. Other outlier sets, and those to train on, stay as they are.

    Args:
        task: with training and validation images.
        kept: the number of the class, from 0.

    Raises:
        MissingDataError: the task has no training and validation images.
        BadValueError: there is no such class, a set has no image of it, no other class is in the test set, the images
            are not square, or an outlier set is called "rest".
    """
    if task.train is None or task.validation is None:
        raise MissingDataError(f"{task.name}: has no training images; one class against the rest needs them")
    classes = task.train.classes
    if not 0 <= kept < len(classes):
        raise BadValueError(f"{task.name}: there is no class {kept}; expected 0 to {len(classes) - 1}")
    if task.test.shape[1] != task.test.shape[2]:
        raise BadValueError(f"{task.name}: expected square images, to turn them, got {task.test.shape}")
    if REST in task.outliers:
        raise BadValueError(f'{task.name}: outliers: expected names other than "{REST}", the other classes\' name')
    name = f"{task.name}-{kept}"
    inside = _where(task.test, task.test.y == kept, f"{name}/inside", f"class {classes[kept]}")
    rest = _where(task.test, task.test.y != kept, f"{name}/{REST}", f"a class other than {classes[kept]}")
    train, validation = (
        _where(images, images.y == kept, f"{name}/{split}", f"class {classes[kept]}")
        for images, split in ((task.train, "train"), (task.validation, "validation"))
    )
    return replace(
        task,
        name=name,
        train=_rotated(train, train.name),
        validation=_rotated(validation, validation.name),
        test=_in_turns(inside, f"{name}/test"),
        inside=replace(inside, y=torch.zeros_like(inside.y), classes=ROTATIONS),
        outliers={REST: rest, **task.outliers},
    )


def _where(images: Images, chosen: Tensor, name: str, what: str) -> Images:
    if not bool(chosen.any()):
        raise BadValueError(f"{images.name}: expected images of {what}, got none; give more images, or a larger limit")
    return images.take(chosen.nonzero().squeeze(1), name=name)


def _rotated(images: Images, name: str) -> Images:
    """All images in each rotation, labelled by it: first all upright, then all turned once, twice, three times."""
    turns = range(len(ROTATIONS))
    return Images(
        name=name,
        x=torch.cat([turned(images.x, quarters) for quarters in turns]),
        y=torch.arange(len(ROTATIONS)).repeat_interleave(len(images)),
        classes=ROTATIONS,
    )


def _in_turns(images: Images, name: str) -> Images:
    """Each image in one rotation, labelled by it: the first upright, the second turned once, and so on."""
    y = torch.arange(len(images)) % len(ROTATIONS)
    x = images.x.clone()
    for quarters in range(1, len(ROTATIONS)):
        x[y == quarters] = turned(images.x[y == quarters], quarters)
    return Images(name=name, x=x, y=y, classes=ROTATIONS)
