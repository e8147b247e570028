"""Classifiers from stored weights."""

from collections.abc import Sequence

from assay.architectures import Ensemble
from assay.classifier import Classifier
from assay.data import Images, Task
from assay.errors import MissingDataError
from assay.fit import build
from assay.packing import unpack_weights
from assay.parts import describe
from assay.recipe import Recipe


def assemble(recipe: Recipe, task: Task, weights: Sequence[bytes]) -> Classifier:
    """Build the recipe's classifier from stored weights: one model, or an ensemble of several; then its `posthoc`.

    Raises:
        BadValueError: the recipe's `posthoc` does not suit its model.
        MissingDataError: the recipe's `posthoc` needs validation images, and the task has none.
    """
    model = joined(recipe, networks(recipe, task, weights))
    if recipe.posthoc is None:
        return model
    if task.validation is None and recipe.posthoc.needs_validation:
        raise MissingDataError(f"{task.name}: has no validation images to fit {describe(recipe.posthoc)} on")
    return recipe.posthoc.fit(model, _shaping(task) if task.validation is None else task.validation)


def networks(recipe: Recipe, task: Task, weights: Sequence[bytes]) -> list[Classifier]:
    """The recipe's networks, in evaluation mode: one, or an ensemble's members."""
    images = _shaping(task)
    found: list[Classifier] = []
    for content in weights:
        network = build(recipe, images.shape, images.n_classes, seed=0)
        network.load_state_dict(unpack_weights(content))
        found.append(network.eval())
    return found


def joined(recipe: Recipe, networks: Sequence[Classifier]) -> Classifier:
    """The recipe's model before its `posthoc`, from its networks."""
    return Ensemble(networks).eval() if recipe.members > 1 else networks[0]


def _shaping(task: Task) -> Images:
    """The images that tell shape and classes."""
    return task.test if task.train is None else task.train
