"""Which recipes can be trained in one stack, and which can be evaluated together.

Those of one architecture, objective and training settings, whose pipelines move images by no attack, or by one that
takes steps in a ball of the same norm. Augmentations, radii, numbers of steps and seeds may differ: each network has
its own. A part says that it works in a stack by a class variable `stacks`: an architecture whose networks draw by
`torch.nn.Dropout` alone and keep no statistics of batches; an objective that draws nothing and calls its model once.

Evaluated together are models of one such architecture and one number of members, on one evaluation that works in a
stack, whatever they were trained by; none whose network is changed after training, or stands for several. Such an
architecture's networks give `head(features(x))` and no more; such an evaluation, and the attacks and scores in it, ask
a model for its outputs, features and head alone, and for one gradient, with respect to the images.
"""

import json

from assay.attacks import Attack
from assay.parts import Part, canonical, describe
from assay.recipe import Recipe
from assay.stacks.ascent import Ascent


def why_alone(recipe: Recipe) -> str | None:
    """Why a recipe is trained by itself, in a few words; None where it stacks with others of its family."""
    if recipe.members > 1 or recipe.posthoc is not None:
        return "it is more than the training of one model; its member may stack"
    if recipe.tuning is not None or recipe.weights is not None:
        return "one training goes on from another, or gives several networks"
    parts: tuple[Part, ...] = (recipe.architecture, recipe.objective)
    for part in parts:
        if not getattr(part, "stacks", False):
            return f"{part.name} does not stack"
    attacks = [step for step in recipe.pipeline if isinstance(step, Attack)]
    if len(attacks) > 1:
        return "its pipeline has several attacks"
    if attacks and Ascent.of(attacks[0]) is None:
        return f"{describe(attacks[0])} does not stack"
    return None


def family(recipe: Recipe) -> str | None:
    """What the recipes of a stack share, as text; None where the recipe is trained alone."""
    if why_alone(recipe) is not None:
        return None
    norms = [step.norm for step in recipe.pipeline if isinstance(step, Attack)]
    return json.dumps([norms, *map(canonical, (recipe.architecture, recipe.objective, recipe.train))], sort_keys=True)


def evaluation_family(recipe: Recipe, evaluation: Part) -> str | None:
    """What models share that are evaluated together, as text; None where the recipe's is evaluated by itself."""
    parts: tuple[Part, ...] = (recipe.architecture, evaluation)
    changed = recipe.posthoc is not None or recipe.weights is not None
    if changed or not all(getattr(part, "stacks", False) for part in parts):
        return None
    return json.dumps([recipe.members, *map(canonical, parts)], sort_keys=True)


def stackable(one: Recipe, other: Recipe) -> bool:
    """Whether both recipes can be trained in one stack."""
    return family(one) is not None and family(one) == family(other)
