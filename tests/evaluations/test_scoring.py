import pytest
import torch
from torch import nn

from assay.architectures.ensemble import Ensemble
from assay.classifier import CHUNK, Classifier, Outputs, predict_all, wrap
from assay.data.images import Images
from assay.data.splits import sample
from assay.data.task import Task
from assay.evaluations.anomaly import Anomaly
from assay.evaluations.scoring import fit_scores, score_images
from assay.posthoc import Isotonic
from assay.randomness import derive
from assay.scores import KNN, MSP, ODIN, Disagreement, Mahalanobis, ReAct
from assay.scores.base import AnyScore, Training


def images(n: int, name: str) -> Images:
    x = torch.randint(256, (n, 1, 4, 4), generator=derive(0, name), dtype=torch.uint8)
    return Images(name=name, x=x, y=torch.arange(n) % 3, classes=("a", "b", "c"))


class Counting(nn.Module):
    """A network that notes how many images each pass holds."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(16, 10), nn.ReLU(), nn.Linear(10, 3))
        with torch.no_grad():
            for weight in self.layers.parameters():
                weight.copy_(torch.randn(weight.shape, generator=derive(seed, "network")))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(x))
        logits: torch.Tensor = self.layers(x)
        return logits


def counting(seed: int = 0) -> tuple[Counting, Classifier]:
    network = Counting(seed)
    model = wrap(network, images(2, "example").x)
    network.seen.clear()
    return network, model


TRAIN, TEST = images(300, "train"), images(CHUNK + 200, "test")


def test_one_pass_over_each_set_serves_all_scores_that_read_outputs() -> None:
    network, model = counting()
    scores: tuple[AnyScore, ...] = (MSP(), Mahalanobis(), KNN(k=3), ReAct())
    fitted, ticks = fit_scores(scores, model, TRAIN, probe=TEST, images=200), list[int]()
    assert network.seen == [200]
    found = score_images(model, TEST, fitted, ticks.append).scores
    assert network.seen == [200, CHUNK, 200]
    assert ticks == [CHUNK, 200]
    assert list(found) == ["msp", "mahalanobis", "knn", "react"]
    chosen, outputs = sample(TRAIN, 200), predict_all(model, TEST.x)
    train = Training(*predict_all(model, chosen.x), chosen.y)  # the labels are those of the sample
    torch.testing.assert_close(found["mahalanobis"], Mahalanobis().fit(model, train)(outputs).float())
    assert all(values.dtype == torch.float32 and values.shape == (len(TEST),) for values in found.values())


def test_a_score_that_sees_images_gets_those_of_its_outputs() -> None:
    network, model = counting()
    fitted = fit_scores((MSP(), ODIN(eps=0.1)), model, None, probe=TEST)
    assert set(network.seen) == {1}  # tried on one image
    found = score_images(model, TEST, fitted).scores
    score, x = ODIN(eps=0.1).fit(model), TEST.x
    pieces = [score(Outputs(*predict_all(model, part)), part) for part in (x[:CHUNK], x[CHUNK:])]
    torch.testing.assert_close(found["odin"], torch.cat(pieces).float())


def test_scores_that_cannot_be_fitted_say_why() -> None:
    _, model = counting()
    fitted = fit_scores((MSP(), Disagreement(), Mahalanobis()), model, None, probe=TEST)
    assert list(fitted.functions) == ["msp"]
    assert "expected an ensemble" in fitted.reasons["disagreement"]
    assert "give a training set" in fitted.reasons["mahalanobis"]


def test_a_model_without_gradients_loses_only_the_score_that_needs_them() -> None:
    _, model = counting()
    calibrated = Isotonic().fit(model, TRAIN)
    fitted = fit_scores((MSP(), ODIN()), calibrated, None, probe=TEST)
    assert list(score_images(calibrated, TEST, fitted).scores) == ["msp"]
    assert "expected logits that depend on the image differentiably" in fitted.reasons["odin"]


@pytest.mark.parametrize("members", [1, 3])
def test_the_anomaly_evaluation_takes_any_score(members: int) -> None:
    model = Ensemble([counting(seed)[1] for seed in range(members)])
    task = Task(name="toy", test=TEST, train=TRAIN, outliers={"noise": images(50, "noise")})
    anomaly = Anomaly(scores=(MSP(), KNN(k=3), ODIN(), Disagreement()))
    observations = anomaly.observe(model, task, 0)
    measured = {row.setting["score"] for row in anomaly.measure(observations) if row.metric == "auroc" and row.value}
    assert measured == {"msp", "knn", "odin"} | ({"disagreement"} if members > 1 else set())
