"""One class against the rest: a study of each class, whose images alone are trained on; the others are anomalous.

The benchmark of Ruff et al. 2018, "Deep one-class classification", and Golan and El-Yaniv 2018, "Deep anomaly detection
using geometric transformations", with models that tell rotations apart; see `assay.data.one_class`.
"""

from assay.evaluations import Anomaly, Calibration
from assay.recipe import Recipe, Train
from assay.scores import KNN, MSP, CrossEntropy, Energy, Mahalanobis, MaxLogit, RotationPrediction, ViM
from assay.study import Preset, Study

TRAIN = Train(epochs=10, batch_size=64, learning_rate=1e-3)
SCORES = (RotationPrediction(), MSP(), MaxLogit(), Energy(), CrossEntropy(), Mahalanobis(), KNN(), ViM())

one_class = Study(
    name="one_class",
    title="One class against the rest",
    question="A model that has seen one class alone: which score tells it from every other class?",
    recipes=(Recipe(train=TRAIN), Recipe(train=TRAIN, members=3)),
    evaluations=(Anomaly(scores=SCORES), Calibration()),
    outliers=(),
    each_class=True,
    presets=(
        Preset(
            name="laptop",
            text="The baseline alone, its training shortened to three epochs on 12,000 images, and fewer test images.",
            recipes=("baseline",),
            train=Train(epochs=3, batch_size=32, learning_rate=1e-3, images=12_000),
            evaluations=(Anomaly(scores=SCORES, images=2000), Calibration()),
        ),
    ),
)
