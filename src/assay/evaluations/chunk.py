"""One chunk of images under every attack at every budget, and what that cost.

Without `single`, only images that still stand are attacked: by the first attack, then what that one left by the next,
and so on up the budgets. An attack that can go on from given points then starts at a larger budget where it ended at
the smaller one, as far along the same line as the larger ball reaches, before it draws starts anew. The worst case over
the budgets is then one curve, and an image that falls does not pay for what comes after.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from assay.attacks import Attack
from assay.classifier import Classifier, device_of, to_unit
from assay.evaluations.strike import strike

Draws = Callable[[Attack, float], torch.Generator]


def attack_chunk(
    model: Classifier,
    images: Tensor,
    labels: Tensor,
    clean: Tensor,
    attacks: Sequence[tuple[str, Attack]],
    budgets: Sequence[float],
    *,
    single: bool,
    draws: Draws,
    progress: Callable[[float], None],
) -> dict[str, Tensor]:
    """Attack N images.

    Args:
        model: the classifier.
        images: (N, C, H, W), uint8 or float in [0, 1].
        labels: (N,) int64.
        clean: (N,) bool, where the model is right without an attack.
        attacks: with their labels, in the order of their turns.
        budgets: ascending radii.
        single: attack every image at every budget.
        draws: the generator of an attack at a budget.
        progress: called with the fraction done.

    Returns:
        "worst/<eps>" and, with `single`, "single/<label>/<eps>", each (N,) bool, true where the model is right;
        "outside/<label>" (N,) bool, where the attack left its budget; "cost/<label>" (1, 2) float64, the images passed
        forward and those differentiated.
    """
    x, y = to_unit(images, device_of(model)), labels
    standing = clean.clone()
    tensors = {f"outside/{label}": torch.zeros_like(standing) for label, _ in attacks}
    tensors |= {f"cost/{label}": torch.zeros(1, 2, dtype=torch.float64) for label, _ in attacks}
    ends: dict[str, Tensor] = {}
    for place, eps in enumerate(budgets):
        for turn, (label, attack) in enumerate(attacks, start=1):
            index = torch.arange(len(y)) if single else standing.nonzero().squeeze(1)
            right = standing.clone()
            if len(index):
                there, start = index.to(x.device), None
                if label in ends:
                    start = x[there] + (ends[label] - x)[there] * (eps / budgets[place - 1])
                found = strike(model, attack.at(eps), x[there], y[index].to(x.device), draws(attack, eps), start)
                right[index] = found.prediction == y[index]
                tensors[f"outside/{label}"][index] |= found.outside
                tensors[f"cost/{label}"] += torch.tensor([found.forwarded, found.differentiated], dtype=torch.float64)
                if not single:
                    ends[label] = x.index_copy(0, there, found.points.to(x.device))
            standing &= right
            if single:
                tensors[f"single/{label}/{eps:g}"] = right
            progress((place + turn / len(attacks)) / len(budgets))
        tensors[f"worst/{eps:g}"] = standing.clone()
    return tensors
