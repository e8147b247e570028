from pathlib import Path

from assay.data import load_task
from assay.evaluations import Anomaly, Rejection
from assay.plan import plan
from assay.report.monitoring import EVALUATIONS
from assay.scores import __all__ as exported
from assay.slices import cut
from assay.studies import monitoring
from assay.studies.monitoring import CALIBRATORS, SCORES


def test_every_score_and_every_calibrator_is_measured_on_shared_trainings(tiny_folder: Path) -> None:
    of_rotations = {"RotationPrediction"}  # of models that tell rotations apart, see the study one_class
    assert {type(score).__name__ for score in SCORES} == {*exported} - of_rotations
    assert len(SCORES) == len(exported) - 1
    assert len(CALIBRATORS) == 7
    assert len(monitoring.recipes) == 4 * (1 + len(CALIBRATORS)) + 6  # and six ways that are shown as they are
    task = load_task("tiny", outliers=(), folder=tiny_folder)
    for study in (monitoring, cut(monitoring, "laptop")):
        cells = plan(study, task)
        # The baseline is the ensemble's first member, and what Monte Carlo dropout thins.
        assert len(cells.training) == 12
        keys = [cell.key for cell in cells.cells]
        assert len(keys) == len(set(keys)) == 12 + len(study.recipes) * len(study.evaluations)
        assert {item.name for item in study.evaluations} >= set(EVALUATIONS)


def test_thresholds_are_of_the_images_that_scores_are_drawn_of() -> None:
    for study in (monitoring, cut(monitoring, "laptop")):
        images = {item.name: item.images for item in study.evaluations if isinstance(item, Anomaly | Rejection)}
        assert images["anomaly"] == images["rejection"]  # else the page cannot tell that the scores are the same
