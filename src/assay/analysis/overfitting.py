"""Catastrophic overfitting: a model that fast adversarial training has taught to withstand FGSM and nothing else.

An epoch is overfitted where accuracy under PGD is below half of the best so far and that under FGSM at least 30 points
above it. Where the best has never come to 20 %, since training broke before the first look or never withstood PGD, it
is overfitted where accuracy under FGSM is at least 50 points above that under PGD. Training is where its last epoch is.
Sources: Wong, Rice and Kolter (2020), Fast is better than free: revisiting adversarial training; Andriushchenko and
Flammarion (2020), Understanding and improving fast adversarial training. The thresholds are ours: 250 images know a
share to about 6 points.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

SOME = 0.2  # accuracy under PGD that can fall
FALL = 0.5  # of the best accuracy under PGD
MARGIN = 0.3  # of accuracy under FGSM above that under PGD after a fall
GULF = 0.5  # of accuracy under FGSM above that under PGD without one


class Overfitting(NamedTuple):
    """When training broke, and what it looked like.

    Attributes:
        epoch: the first of the overfitted epochs that last to the end.
        best: the best accuracy under PGD before; None where that had never come to 20 %.
        pgd: accuracy under PGD after that epoch.
        fgsm: accuracy under FGSM after that epoch.
    """

    epoch: int
    best: float | None
    pgd: float
    fgsm: float


def overfitting(history: Sequence[Mapping[str, float | None]]) -> Overfitting | None:
    """Whether a training ended in catastrophic overfitting, from its epochs; None where it did not or none was watched.

    Args:
        history: records with "epoch", and "robust_accuracy" and "fgsm_accuracy" where these were looked at.
    """
    found: Overfitting | None = None
    best = 0.0
    for record in history:
        pgd, fgsm = record.get("robust_accuracy"), record.get("fgsm_accuracy")
        if pgd is None or fgsm is None:
            continue
        best = max(best, pgd)
        some = best >= SOME
        if fgsm - pgd < (MARGIN if some else GULF) or (some and pgd >= FALL * best):
            found = None
        elif found is None:
            found = Overfitting(int(record["epoch"] or 0), best if some else None, pgd, fgsm)
    return found
