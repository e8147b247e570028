"""Attacks that work on a substitute have it taught once, before all chunks and budgets."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from assay.attacks import Attack, Counted, Transfer
from assay.classifier import Classifier, device_of, evaluating, to_unit
from assay.data.images import Images
from assay.data.splits import sample


class Taught(NamedTuple):
    """Labelled attacks ready to run; what teaching cost (2,), by label, as `Counted` counts; how well it went."""

    attacks: tuple[tuple[str, Attack], ...]
    costs: dict[str, Tensor]
    notes: dict[str, str]


def teach(
    model: Classifier,
    attacks: Sequence[tuple[str, Attack]],
    images: Images,
    most: int,
    draws: Callable[[Attack], torch.Generator],
) -> Taught:
    """Teach the substitutes that attacks work on, from a random sample of at most `most` of the images."""
    ready, costs, notes = [], {}, {}
    for label, attack in attacks:
        if not isinstance(attack, Transfer):
            ready.append((label, attack))
            continue
        held = to_unit(sample(images, most).x, device_of(model))
        counted = Counted(model)
        with evaluating(counted):
            taught = attack.prepare(counted, held, draws(attack))
            costs[label] = torch.tensor([counted.forwarded, counted.differentiated], dtype=torch.float64)
            agreement = taught.agreement(model, held)
        notes[f"substitute/{label}"] = (
            f"the substitute that {label} attacks gives {agreement:.1%} of {len(held)} test images the model's class; "
            "it was taught from some of them"
        )
        ready.append((label, taught))
    return Taught(tuple(ready), costs, notes)
