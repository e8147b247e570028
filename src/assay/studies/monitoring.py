"""Monitoring: every anomaly score of ordinary classes and every calibrator on four ways to train.

A baseline, an ensemble of five, MixUp and outlier exposure, each as it is and after each post-hoc calibrator fitted on
validation images, which shows whether calibration costs detection. Ours: the settings are chosen on validation images.
"""

from dataclasses import replace

from assay import posthoc
from assay.augmentations import MixUp
from assay.data.generated import GENERATED
from assay.evaluations import Anomaly, Calibration, Decay, Rejection
from assay.objectives import MMCE, Focal, LabelSmoothing, OutlierExposure
from assay.posthoc import Calibrator, MCDropout
from assay.recipe import Recipe, Train, part_classes
from assay.scores import (
    ASH,
    DICE,
    KNN,
    MSP,
    ODIN,
    CrossEntropy,
    Disagreement,
    Energy,
    GradNorm,
    KLMatching,
    Mahalanobis,
    MaxLogit,
    ReAct,
    RelativeMahalanobis,
    TemperedMSP,
    ViM,
)
from assay.study import Preset, Study
from assay.weights import SWAG, Snapshots

TRAIN = Train(epochs=10, batch_size=64, learning_rate=1e-3)
SCORES = (
    *(MSP(), TemperedMSP(), MaxLogit(), Energy(), CrossEntropy(), ODIN(), GradNorm(), KLMatching(), Disagreement()),
    *(Mahalanobis(), RelativeMahalanobis(), KNN(), ViM(), ReAct(), DICE(), ASH()),
)
OUTLIERS = ("kmnist", "fashion_mnist", *GENERATED)
CALIBRATORS = tuple(part for kind in part_classes(posthoc).values() if isinstance(part := kind(), Calibrator))

_plain = (
    Recipe(train=TRAIN),
    Recipe(train=TRAIN, members=5),
    Recipe(train=TRAIN, pipeline=(MixUp(alpha=0.25),)),
    Recipe(train=TRAIN, objective=OutlierExposure()),
)
_others = (
    Recipe(train=TRAIN, objective=LabelSmoothing()),
    Recipe(train=TRAIN, objective=Focal()),
    Recipe(train=TRAIN, objective=MMCE()),
    Recipe(train=TRAIN, posthoc=MCDropout()),
    Recipe(train=TRAIN, weights=Snapshots()),
    Recipe(train=TRAIN, weights=SWAG()),
)
_calibrated = tuple(replace(recipe, posthoc=calibrator) for recipe in _plain for calibrator in CALIBRATORS)
_recipes = (*_plain, *_others, *_calibrated)

monitoring = Study(
    name="monitoring",
    title="Monitoring: scores, calibrators, thresholds",
    question=(
        "Which score finds which outliers, what does each calibrator give, and what does calibration cost detection?"
    ),
    recipes=_recipes,
    evaluations=(Calibration(), Anomaly(scores=SCORES, images=5000), Rejection(images=5000), Decay()),
    outliers=OUTLIERS,
    presets=(
        Preset(
            name="laptop",
            text="All recipes with training shortened to two epochs on 15,000 images, and fewer test images.",
            recipes=tuple(recipe.label for recipe in _recipes),
            train=Train(epochs=2, batch_size=16, learning_rate=5e-4, images=15000),
            evaluations=(
                Calibration(),
                Anomaly(scores=SCORES, images=2000),
                Rejection(images=2000),
                Decay(images=250),
            ),
        ),
    ),
)
