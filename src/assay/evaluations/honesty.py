"""What tells whether attacks can be believed: a few dozen runs on a small sample, kept per image.

An attack that fails looks like a model that withstands it. Each check looks for a trace that failing attacks leave;
`assay.evaluations.flags` turns what is observed here into flags. Sources: Athalye, Carlini and Wagner (2018),
Obfuscated gradients give a false sense of security; Carlini et al. (2019), On evaluating adversarial robustness; Tramer
et al. (2020), On adaptive attacks to adversarial example defenses; Pintor et al. (2022), Indicators of attack failure:
debugging and improving optimization of adversarial examples.

The sample is attacked at one budget, the largest at which at least half of it stands in the worst case, else the
smallest: there accuracy under attack claims the most, and an attack without gradients has the most room.

`many` are the evaluation's own attacks by gradients in many steps, each with the images that still stand; an evaluation
that has none is checked with PGD, of `STEPS` steps. `again` is their second run, with other draws, on the images that
stand; what it fools is what chance fools.
"""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress

import torch
from torch import Tensor

from assay.attacks import FGSM, PGD, Attack, Square
from assay.attacks.base import Aim, Goal, input_gradient
from assay.attacks.losses import Away, margin
from assay.attacks.norms import Norm, lengths, random_start
from assay.classifier import Classifier, device_of, evaluating, predict_logits, to_unit
from assay.data.images import Images
from assay.errors import GradientError
from assay.evaluations.strike import strike
from assay.randomness import derive

QUERIES = 200  # of Square Attack, for an image
DRAWS = 100  # points drawn from the ball, for an image
STEPS = 40
ROUNDING = 1e-4  # of the largest logit: what two predictions of one image may differ by
PREFIX = "check/"


def black_box(attack: Attack) -> bool:
    """Whether the attack says that it asks for no gradient."""
    return bool(getattr(attack, "black_box", False))


def square(eps: float, norm: Norm) -> Square:
    """Square Attack with the few queries of a check; it knows no L1 ball."""
    return Square(eps=eps, queries=QUERIES, norm=norm)


def budget(worst: Mapping[float, Tensor]) -> float:
    """Where to check: the largest budget at which at least half of the images (N,) bool stand, else the smallest."""
    return max((eps for eps, stands in worst.items() if 2 * int(stands.sum()) >= len(stands)), default=min(worst))


def observe(
    model: Classifier, images: Images, attacks: Iterable[Attack], eps: float, norm: Norm, seed: int
) -> dict[str, Tensor]:
    """Look for traces of failing attacks on all of these images.

    Args:
        model: the classifier.
        images: N of them.
        attacks: the evaluation's; those without gradients are left out.
        eps: radius at which to check.
        norm: of the attacks.
        seed: of all draws.

    Returns:
        Tensors (N,), where not said otherwise bool: "check/eps" (1,) float64; "check/right"; "check/foolable", whether
        any of the images is given another class than this one's label, so that the whole box [0, 1] holds a point
        that fools; "check/changed/logits" and "check/changed/decision", between two predictions of the same batch;
        "check/gradient/<loss>" float32, the largest component of the gradient at the image, NaN where it is not finite
        or there is none. Then, unless attacks by gradients cannot run, "check/stands/<attack>": for "fgsm" and "many"
        which of the right images stand, for "again" which of those under many, for "square" (none in L1) and "draws"
        which of those under fgsm and many; "check/stands/unbounded", which of the right images many leave at a radius
        that holds the whole box.
    """
    x, y = to_unit(images.x, device_of(model)), images.y
    logits, again = predict_logits(model, x), predict_logits(model, x)
    decision = logits.argmax(1)
    found = {
        "eps": torch.tensor([eps], dtype=torch.float64),
        "right": decision == y,
        "foolable": (torch.unique(decision)[None] != y[:, None]).any(1),
        "changed/logits": (again - logits).abs().amax(1) > ROUNDING * logits.abs().amax(1),
        "changed/decision": again.argmax(1) != decision,
        "gradient/cross_entropy": _largest(model, x, Aim(y.to(x.device))),
        "gradient/margin": _largest(model, x, Away(margin, y.to(x.device))),
    }
    with suppress(GradientError):  # the flags that need these attacks are then not measured, and one says why
        found |= _under_attack(model, (x, y), found["right"], _many(attacks, norm), (eps, norm), seed)
    return {f"{PREFIX}{name}": tensor for name, tensor in found.items()}


def _many(attacks: Iterable[Attack], norm: Norm) -> list[Attack]:
    own = [attack for attack in attacks if not black_box(attack) and attack.name != FGSM.name]
    return own or [PGD(eps=1, steps=STEPS, norm=norm, early_stop=True)]


def _under_attack(
    model: Classifier,
    batch: tuple[Tensor, Tensor],
    right: Tensor,
    many: list[Attack],
    ball: tuple[float, Norm],
    seed: int,
) -> dict[str, Tensor]:
    (x, y), (eps, norm) = batch, ball

    def after(name: str, standing: Tensor, attacks: Iterable[Attack], radius: float = eps) -> Tensor:
        return _after(model, x, y, standing, [a.at(radius) for a in attacks], derive(seed, "honesty", name, radius))

    fgsm, first = after("fgsm", right, [FGSM(eps=eps, norm=norm)]), after("many", right, many)
    whole = float(lengths(torch.ones_like(x[:1]), norm))
    return {
        "stands/fgsm": fgsm,
        "stands/many": first,
        "stands/again": after("again", first, many),
        **({} if norm == "l1" else {"stands/square": after("square", fgsm & first, [square(eps, norm)])}),
        "stands/draws": _after_draws(model, x, y, fgsm & first, eps, norm, derive(seed, "honesty", "draws", eps)),
        "stands/unbounded": after("unbounded", right, many, whole),
    }


def _after(
    model: Classifier, x: Tensor, y: Tensor, standing: Tensor, attacks: Iterable[Attack], generator: torch.Generator
) -> Tensor:
    """Which of the standing images (N,) bool the attacks leave, one after the other."""
    standing = standing.clone()
    for attack in attacks:
        index = standing.nonzero().squeeze(1)
        if len(index):
            there = index.to(x.device)
            standing[index] = strike(model, attack, x[there], y[index].to(x.device), generator).prediction == y[index]
    return standing


def _after_draws(
    model: Classifier, x: Tensor, y: Tensor, standing: Tensor, eps: float, norm: Norm, generator: torch.Generator
) -> Tensor:
    """Which of the standing images (N,) bool keep their label at points drawn uniformly from the ball."""
    standing = standing.clone()
    for _ in range(DRAWS):
        index = standing.nonzero().squeeze(1)
        if len(index) == 0:
            break
        points = random_start(x, eps, norm, generator)  # of all: an image's draws do not depend on who has fallen
        standing[index] = predict_logits(model, points[index.to(x.device)]).argmax(1) == y[index]
    return standing


def _largest(model: Classifier, x: Tensor, goal: Goal) -> Tensor:
    """The largest absolute component (N,) of what the goal climbs' gradient at x; NaN where that is not finite."""
    try:
        with evaluating(model):
            gradient = input_gradient(model, x, goal).gradient
    except GradientError:
        return torch.full((len(x),), math.nan)
    return (gradient.flatten(1).abs().amax(1) + 0 * gradient.flatten(1).sum(1)).float().cpu()
