from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from assay.classifier import Classifier, Outputs, predict_all, to_unit, wrap
from assay.data.images import Images
from assay.data.task import Task
from assay.errors import BadValueError, ContractError
from assay.evaluations.anomaly import Anomaly
from assay.evaluations.base import Evaluation, Measurement
from assay.metrics.detection import auroc, average_precision, fpr_at_tpr
from assay.parts import canonical, describe
from assay.randomness import derive
from assay.scores import MSP, Energy, ViM
from assay.scores.base import Fitted, Training

SCORES = ["msp", "max_logit", "energy", "cross_entropy", "vim"]


def images(n: int, name: str, *, size: int = 6) -> Images:
    generator = derive(0, name)
    x = torch.randint(256, (n, 1, size, size), generator=generator, dtype=torch.uint8)
    return Images(name=name, x=x, y=torch.arange(n) % 3, classes=("a", "b", "c"))


def network(*, linear: bool = True) -> Classifier:
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(36, 10), nn.ReLU(), nn.Linear(10, 3), *([] if linear else [nn.Tanh()])
    )
    generator = derive(0, "network")
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return wrap(model, torch.rand(2, 1, 6, 6, generator=generator))


TASK = Task(
    name="toy",
    test=images(230, "test"),
    train=images(300, "train"),
    outliers={"noise": images(120, "noise"), "dark": replace(images(90, "dark"), x=images(90, "dark").x // 4)},
)


def value(rows: list[Measurement], metric: str, **setting: str) -> Measurement:
    (row,) = (row for row in rows if row.metric == metric and row.setting == setting)
    return row


def test_scores_are_kept_per_image_and_measured_with_intervals() -> None:
    anomaly, model, seen = Anomaly(), network(), list[float]()
    observations = anomaly.observe(model, TASK, 0, seen.append)
    shapes = {name: (tuple(x.shape), x.dtype) for name, x in observations.tensors.items()}
    sizes = {"in": 230, "noise": 120, "dark": 90}
    assert shapes == {f"score/{name}/{score}": ((n,), torch.float32) for name, n in sizes.items() for score in SCORES}
    assert observations.notes == {}
    assert seen == sorted(seen)
    assert seen[-1] == 1
    energy = -predict_all(model, TASK.outliers["dark"].x).logits.logsumexp(1)
    assert torch.equal(observations.tensors["score/dark/energy"], energy)

    rows = anomaly.measure(observations)
    assert len(rows) == 2 * (1 + 5 * 3)
    inside, outside = observations.tensors["score/in/vim"], observations.tensors["score/dark/vim"]
    for metric, expected, kind, up in (
        ("auroc", auroc(inside, outside), "delong", True),
        ("aupr", average_precision(inside, outside), "bootstrap", True),
        ("fpr95", fpr_at_tpr(inside, outside), "bootstrap", False),
    ):
        row = value(rows, metric, outliers="dark", score="vim")
        assert (row.value, row.n, row.interval, row.higher_is_better) == (expected, 320, kind, up)
        assert row.low is not None
        assert row.high is not None
        assert row.low <= expected <= row.high
    base = value(rows, "base_rate", outliers="dark")
    assert (base.value, base.n, base.higher_is_better) == (90 / 320, 320, None)
    assert anomaly.measure(observations) == rows


def test_it_uses_fixed_samples_that_do_not_depend_on_the_seed() -> None:
    anomaly = Anomaly(images=50, fit_images=100)
    one, two = (anomaly.observe(network(), TASK, seed) for seed in (0, 1))
    assert all(len(x) == 50 and torch.equal(x, two.tensors[name]) for name, x in one.tensors.items())
    all_of_test = Anomaly(scores=(MSP(),)).observe(network(), TASK, 0).tensors["score/in/msp"]
    assert len(all_of_test) > 50
    # A batch of another size changes sums in the last digit, on some processors.
    nearest = (one.tensors["score/in/msp"][:, None] - all_of_test).abs().min(dim=1)
    assert nearest.values.max() < 1e-6
    assert len(set(nearest.indices.tolist())) == 50


def test_a_missing_set_and_another_shape_say_why() -> None:
    task = replace(
        TASK,
        outliers={"large": images(20, "large", size=8), "noise": TASK.outliers["noise"]},
        missing={"kmnist": "KMNIST is not here; run `assay data fetch kmnist`"},
    )
    anomaly = Anomaly(scores=(MSP(), Energy()))
    observations = anomaly.observe(network(), task, 0)
    assert observations.notes["not measured/kmnist"] == task.missing["kmnist"]
    assert "expected images of shape (1, 6, 6)" in observations.notes["not measured/large"]
    assert "got (1, 8, 8)" in observations.notes["not measured/large"]
    rows = anomaly.measure(observations)
    for name in ("kmnist", "large"):
        for metric in ("auroc", "aupr", "fpr95"):
            row = value(rows, metric, outliers=name, score="energy")
            assert (row.value, row.low, row.reason) == (None, None, observations.notes[f"not measured/{name}"])
    assert value(rows, "auroc", outliers="noise", score="energy").value is not None


@pytest.mark.parametrize(
    ("train", "linear", "reason"), [(None, True, "training images"), (TASK.train, False, "linear")]
)
def test_a_score_that_cannot_be_fitted_says_why(train: Images | None, linear: bool, reason: str) -> None:
    anomaly = Anomaly()
    observations = anomaly.observe(network(linear=linear), replace(TASK, train=train), 0)
    assert list(observations.notes) == ["not measured/score/vim"]
    assert reason in observations.notes["not measured/score/vim"]
    rows = anomaly.measure(observations)
    row = value(rows, "auroc", outliers="noise", score="vim")
    assert (row.value, row.reason) == (None, observations.notes["not measured/score/vim"])
    assert value(rows, "auroc", outliers="noise", score="msp").value is not None


def test_without_outliers_there_is_nothing_to_measure() -> None:
    anomaly = Anomaly()
    assert anomaly.measure(anomaly.observe(network(), replace(TASK, outliers={}), 0)) == []


def test_anomalies_that_the_model_has_never_seen_are_found() -> None:
    # Class k lights pixel k; an outlier lights none, so that all logits are equal and every score is at its highest.
    x = torch.zeros(60, 1, 1, 3, dtype=torch.uint8)
    x[torch.arange(60), 0, 0, torch.arange(60) % 3] = 255
    linear = nn.Linear(3, 3)
    with torch.no_grad():
        linear.weight.copy_(5 * torch.eye(3))
        linear.bias.zero_()
    test = Images(name="lights", x=x, y=torch.arange(60) % 3, classes=("0", "1", "2"))
    task = Task(name="lights", test=test, outliers={"none": replace(test, name="none", x=torch.zeros_like(x))})
    anomaly = Anomaly(scores=tuple(score for score in Anomaly().scores if not score.needs_train))
    model = wrap(nn.Sequential(nn.Flatten(), linear), to_unit(x[:2]))
    for row in anomaly.measure(anomaly.observe(model, task, 0)):
        assert row.value == {"auroc": 1, "aupr": 1, "fpr95": 0, "base_rate": 0.5}[row.metric]
        assert row.metric == "base_rate" or row.low != row.high  # no perfect sample has an interval of no width


class Broken(MSP):
    def fit(self, model: Classifier, train: Training | None = None) -> Fitted:  # noqa: ARG002
        return _nan


def _nan(outputs: Outputs) -> Tensor:
    return outputs.logits[:, 0] * float("nan")


def test_a_score_that_gives_nan_breaks_its_contract() -> None:
    with pytest.raises(ContractError, match="finite numbers on test"):
        Anomaly(scores=(Broken(),)).observe(network(), TASK, 0)


def test_it_is_an_evaluation_that_describes_itself() -> None:
    assert isinstance(Anomaly(), Evaluation)
    assert describe(Anomaly(images=20)) == "anomaly(images=20)"
    assert describe(Anomaly(scores=(MSP(), ViM()))) == "anomaly(scores=(msp, vim))"
    assert canonical(Anomaly()) == {"name": "anomaly", "version": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scores": ()}, "at least one"),
        ({"scores": (MSP(), MSP())}, "different"),
        ({"images": 0}, "images"),
        ({"fit_images": 0}, "fit_images"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        Anomaly(**settings)  # type: ignore[arg-type]


def test_no_outlier_set_may_take_the_test_sets_name() -> None:
    with pytest.raises(BadValueError, match="stands for the test set"):
        Anomaly().observe(network(), replace(TASK, outliers={"in": TASK.test}), 0)
