"""A zoo of models under one attack: each model's points are tried on all the others.

Attack without `early_stop`, which leaves an image where it first fools the model that it is made on: such points hardly
fool another.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from assay.attacks import Attack
from assay.classifier import Classifier, device_of, predict_logits, to_unit
from assay.data.images import Images
from assay.evaluations.base import check_labels
from assay.evaluations.strike import strike
from assay.metrics.transfer import Rates, transfer_rates
from assay.randomness import derive, global_streams


def made_on(model: Classifier, images: Images, attack: Attack, seed: int) -> Tensor:
    """Points (N, C, H, W) of all images, made on the model, in [0, 1] and the attack's ball.

    The draws are the same for every model.

    Raises:
        BadValueError: a label lies outside the model's classes.
        ContractError: the model or the attack breaks its contract.
    """
    check_labels(images, model)
    device = device_of(model)
    x, y = to_unit(images.x, device), images.y.to(device)
    with global_streams(derive(seed, "transfer_matrix", "model").initial_seed(), device):  # of models that draw
        return strike(model, attack, x, y, derive(seed, "transfer_matrix")).points


def judged_by(model: Classifier, images: Images, made: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Where the model is right: on the images (N,) bool, and on each of M models' points (M, N) bool."""
    clean = predict_logits(model, images.x).argmax(1) == images.y
    return clean, torch.stack([predict_logits(model, points).argmax(1) == images.y for points in made])


def transfer_matrix(models: Mapping[str, Classifier], images: Images, attack: Attack, *, seed: int = 0) -> Rates:
    """Fooling rates: a row the model that the points were made on, a column the model that judges them.

    Args:
        models: by name, in the order of rows and columns; all of the images' classes.
        images: a few hundred.
        attack: at its own radius.
        seed: of the attack's draws.

    Raises:
        BadValueError: a label lies outside a model's classes.
        ContractError: a model or the attack breaks its contract.
    """
    made = [made_on(model, images, attack, seed) for model in models.values()]
    verdicts = [judged_by(model, images, made) for model in models.values()]
    clean = torch.stack([own for own, _ in verdicts])
    return transfer_rates(clean, torch.stack([found for _, found in verdicts], dim=1))
