"""The measures that the claims of the studies speak of."""

from itertools import product

from assay.analysis.claims import Measures

BUDGETS = (0.2, 0.3, 0.4, 0.5)
SCORES = {"max softmax": "msp", "max logit": "max_logit", "ViM": "vim"}  # the scores of the study on trade-offs
NAMES = {**SCORES, "cross entropy": "cross_entropy"}
SETS = {"Fashion-MNIST": "fashion_mnist", "KMNIST": "kmnist"}


def attacked(name: str, *attacks: str, budgets: tuple[float, ...] = BUDGETS) -> Measures:
    """Accuracy under attacks, each alone, mean over them and over budgets."""
    settings = tuple((("attack", attack), ("eps", eps)) for attack, eps in product(attacks, budgets))
    return Measures(name=name, evaluation="adversarial", metric="accuracy", settings=settings)


FGSM_ACCURACY = attacked("FGSM accuracy (mean over budgets)", "fgsm")
PGD_ACCURACY = attacked("PGD accuracy (mean over budgets)", "pgd")
BOTH = (FGSM_ACCURACY, PGD_ACCURACY)
AT_03 = (
    attacked("FGSM accuracy at eps 0.3", "fgsm", budgets=(0.3,)),
    attacked("PGD accuracy at eps 0.3", "pgd", budgets=(0.3,)),
)
ATTACKED = attacked("adversarial accuracy (mean over attacks and budgets)", "fgsm", "pgd")
_WORST = "accuracy under FGSM and PGD together, the worst case for each image"
WORST = attacked(f"{_WORST} (mean over budgets)", "worst_case")
WORST_AT_03 = attacked(f"{_WORST} (eps 0.3)", "worst_case", budgets=(0.3,))

SHIFTED = Measures(name="mean MNIST-C accuracy", evaluation="shift", metric="mean_accuracy")


def corrupted(corruption: str) -> Measures:
    """Accuracy under one corruption."""
    name = f"accuracy on {corruption.replace('_', ' ')}"
    return Measures(name=name, evaluation="shift", metric="accuracy", settings=((("corruption", corruption),),))


FOG, IMPULSE, BRIGHTNESS = corrupted("fog"), corrupted("impulse_noise"), corrupted("brightness")


def auroc(outliers: str, *scores: str) -> Measures:
    """AUROC against an outlier set, mean over scores."""
    settings = tuple((("outliers", SETS[outliers]), ("score", NAMES[score])) for score in scores)
    name = f"AUROC on {outliers} ({scores[0] if len(scores) == 1 else 'mean over scores'})"
    return Measures(name=name, evaluation="anomaly", metric="auroc", settings=settings)


AUROC_BY_SET = tuple(auroc(outliers, *SCORES) for outliers in SETS)
_EVERYWHERE = tuple(
    (("outliers", outliers), ("score", score)) for outliers, score in product(SETS.values(), SCORES.values())
)
AUROC_MEAN = Measures(
    name="AUROC (mean over sets and scores)", evaluation="anomaly", metric="auroc", settings=_EVERYWHERE
)
AUROC_EVERYWHERE = Measures(
    name="lowest AUROC over sets and scores", evaluation="anomaly", metric="auroc", settings=_EVERYWHERE, pool="every"
)

ECE = Measures(name="ECE", evaluation="calibration", metric="ece")
CALIBRATION = (
    ECE,
    Measures(name="RMS calibration error", evaluation="calibration", metric="rms_calibration_error"),
    Measures(name="Brier score", evaluation="calibration", metric="brier"),
    Measures(name="NLL", evaluation="calibration", metric="nll"),
)
