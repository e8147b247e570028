"""A model that is not ours, on all axes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from assay import AssayError, Images, Results, evaluate, write_report
from assay.attacks import FGSM
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Shift

QUICK: tuple[Evaluation, ...] = (
    Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,), checked=8),
    Shift(),
    Anomaly(),
    Calibration(),
)


def drawn(count: int, shape: tuple[int, int, int], classes: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, *shape, generator=generator), torch.arange(count) % classes


def convolutional(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        nn.Linear(16, classes),
    )


def quiet(axis: str, fraction: float) -> None:
    assert axis in {"adversarial", "shift", "anomaly", "calibration"}
    assert 0 <= fraction <= 1


@pytest.mark.parametrize(("shape", "classes"), [((1, 28, 28), 10), ((3, 32, 32), 5), ((1, 20, 20), 2)])
def test_four_axes_of_any_shape_and_number_of_classes(shape: tuple[int, int, int], classes: int) -> None:
    test = drawn(40, shape, classes)
    x, y = drawn(30, shape, classes, seed=1)
    outliers = {"noise": Images.from_floats(x, y, name="noise")}
    results = evaluate(
        convolutional(shape[0], classes), test, train=test, outliers=outliers, evaluations=QUICK, progress=quiet
    )
    assert isinstance(results, Results)
    measured = results.table[results.table["value"].notna()]
    assert set(measured["evaluation"]) == {"adversarial", "shift", "anomaly", "calibration"}
    assert (measured["n"] > 0).all()
    assert set(measured.query("metric == 'flag'")["value"]) <= {0.0, 1.0}
    scores = {setting["score"] for setting in measured["setting"] if "score" in setting}
    assert scores == {"msp", "max_logit", "energy", "cross_entropy", "vim"}
    missing = results.table[results.table["value"].isna()]
    assert set(missing["metric"]) <= {"mce", "relative_mce", "rms_calibration_error_without_last_bin", "flag"}
    assert (missing["reason"].str.len() > 0).all()


def test_what_was_not_given_is_not_measured() -> None:
    results = evaluate(convolutional(1, 3), drawn(30, (1, 28, 28), 3), evaluations=[Anomaly()], progress=quiet)
    assert results.table["value"].isna().all()
    assert results.table["reason"].str.contains("no outlier set was given").all()


def test_accuracy_is_the_models_and_its_mode_is_left() -> None:
    x, y = drawn(60, (1, 28, 28), 3)
    model = convolutional(1, 3).eval()
    with torch.no_grad():
        right = float((model((x * 255).round() / 255).argmax(1) == y).float().mean())
    model.train()
    results = evaluate(model, (x, y), evaluations=[Calibration()], progress=quiet)
    found = results.table.query("metric == 'accuracy'")["value"].tolist()
    assert found == [pytest.approx(right)]
    assert model.training


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.full((4, 1, 8, 8), torch.nan), torch.zeros(4), "NaN"),
        (torch.full((4, 1, 8, 8), 255.0), torch.zeros(4), "divide by 255"),
        (torch.rand(0, 1, 8, 8), torch.zeros(0), "empty set"),
        (torch.rand(4, 1, 8, 8), torch.full((4,), 7), "got 8 classes"),
        (torch.rand(4, 1, 8, 8), torch.full((4,), -1), "expected labels in"),
        (torch.rand(4, 8, 8), torch.zeros(4), r"\(N, C, H, W\)"),
    ],
)
def test_bad_images_are_refused(x: Tensor, y: Tensor, message: str) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with pytest.raises(AssayError, match=message):
        evaluate(model, (x, y.long()), evaluations=[Calibration()], progress=quiet)


def test_bad_models_and_devices_are_refused() -> None:
    test = drawn(10, (1, 8, 8), 3)
    softmaxed = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.Softmax(dim=1))
    with pytest.raises(AssayError, match="remove the final softmax"):
        evaluate(softmaxed, test, progress=quiet)
    with pytest.raises(AssayError, match="device: cuda:77 is not here"):
        evaluate(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), test, device="cuda:77", progress=quiet)


class NoGradient(nn.Module):
    """A model whose logits autograd cannot follow."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = convolutional(1, 3)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.inner(x)
        return logits


class Brittle(nn.Module):
    """A model that gives no finite logits on images that an attack has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = convolutional(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        whole = (x * 255 - (x * 255).round()).abs().amax() < 1e-3
        logits: Tensor = self.inner(x)
        return logits if bool(whole) else logits + torch.inf


def test_an_axis_that_cannot_be_measured_leaves_the_others(tmp_path: Path) -> None:
    test = drawn(5, (1, 28, 28), 3)
    own: list[Evaluation] = [*QUICK[:1], Anomaly(), Calibration()]
    results = evaluate(Brittle(), test, outliers={"noise": test}, evaluations=own, progress=quiet)
    (failure,) = results.failures
    assert failure.stage == "adversarial"
    assert "expected finite numbers" in failure.reason
    assert set(results.table["evaluation"]) == {"anomaly", "calibration"}
    assert "expected finite numbers" in write_report(results, tmp_path).read_text()
    with pytest.raises(AssayError, match="expected finite numbers"):
        evaluate(Brittle(), test, evaluations=QUICK[:1], progress=quiet)


def test_without_gradients_the_worst_case_is_not_measured_and_the_report_says_so(tmp_path: Path) -> None:
    test = drawn(5, (1, 28, 28), 3)
    results = evaluate(NoGradient(), test, outliers={"noise": test}, evaluations=QUICK, progress=quiet)
    assert results.failures == ()
    rows = results.table[results.table["evaluation"] == "adversarial"]
    worst = rows[[setting.get("attack") == "worst_case" for setting in rows["setting"]]]
    assert worst["value"].isna().all()
    assert worst["reason"].str.contains("differentiably").all()
    page = write_report(results, tmp_path).read_text()
    assert "differentiably" in page
    assert "gradients are missing or not finite on 5 of 5 checked images" in page
    assert "Not measured: black box beats gradients, " in page


def test_frozen_weights_stay_frozen() -> None:
    model = convolutional(1, 3).requires_grad_(False)
    results = evaluate(model, drawn(5, (1, 28, 28), 3), evaluations=QUICK[:1], progress=quiet)
    assert results.table.query("metric != 'flag'")["value"].notna().all()
    assert all(weight.grad is None and not weight.requires_grad for weight in model.parameters())


def test_the_energy_of_log_probabilities_is_not_measured() -> None:
    test = drawn(9, (1, 28, 28), 3)
    model = nn.Sequential(convolutional(1, 3), nn.LogSoftmax(dim=1))
    results = evaluate(model, test, outliers={"noise": test}, evaluations=[Anomaly()], progress=quiet)
    auroc = results.table[results.table["metric"] == "auroc"]
    reasons = {row["setting"]["score"]: str(row["reason"]) for row in auroc.to_dict("records")}
    assert "remove the final log_softmax" in reasons["energy"]
    assert reasons["msp"] == reasons["max_logit"] == reasons["cross_entropy"] == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x.numpy(), y.numpy()), r"expected Images or a pair of tensors \(x, y\), got ndarray, ndarray"),
        (lambda x, y: x, "got Tensor"),  # noqa: ARG005
        (lambda x, y: ((x * 255).byte(), y.float()), "test: y: expected whole numbers, got torch.float32"),
        (lambda x, y: (x, y[:2]), r"expected int64 \(5,\)"),
    ],
)
def test_what_is_no_pair_of_images_and_labels_is_refused(
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], message: str
) -> None:
    with pytest.raises(AssayError, match=message):
        evaluate(convolutional(1, 3), change(*drawn(5, (1, 28, 28), 3)), evaluations=QUICK, progress=quiet)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.bool])
def test_labels_of_any_whole_type(dtype: torch.dtype) -> None:
    x, y = drawn(5, (1, 28, 28), 2)
    model = convolutional(1, 2)
    wanted = evaluate(model, (x, y), evaluations=[Calibration()], progress=quiet).table["value"]
    for pixels in (x, (x * 255).round().byte()):
        found = evaluate(model, (pixels, y.to(dtype)), evaluations=[Calibration()], progress=quiet).table["value"]
        assert found.equals(wanted)


def test_one_evaluation_may_stand_alone_and_others_are_refused() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    x, y = torch.rand(12, 1, 4, 4), torch.arange(12) % 3
    found = evaluate(model, (x, y), evaluations=Calibration())
    assert set(found.table["evaluation"]) == {"calibration"}
    with pytest.raises(AssayError, match="evaluations: expected such as"):
        evaluate(model, (x, y), evaluations=["adversarial"])  # type: ignore[list-item]
    with pytest.raises(AssayError, match=r"evaluations: expected such as .*, got 'calibration'"):
        evaluate(model, (x, y), evaluations="calibration")  # type: ignore[arg-type]
    with pytest.raises(AssayError, match=r"evaluations: expected such as .*, got <class"):
        evaluate(model, (x, y), evaluations=[Calibration])  # type: ignore[list-item]


def test_outliers_without_names_are_refused() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    x, y = torch.rand(12, 1, 4, 4), torch.arange(12) % 3
    with pytest.raises(AssayError, match=r"outliers: expected a dictionary such as {'my_scans': images}"):
        evaluate(model, (x, y), outliers=[x], progress=quiet)  # type: ignore[arg-type]
