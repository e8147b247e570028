"""A model that is not ours, on all axes."""

import pytest
import torch
from torch import Tensor, nn

from assay import AssayError, Images, Results, evaluate
from assay.attacks import FGSM
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Shift

QUICK: tuple[Evaluation, ...] = (
    Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,)),
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
    scores = {setting["score"] for setting in measured["setting"] if "score" in setting}
    assert scores == {"msp", "max_logit", "energy", "cross_entropy", "vim"}
    missing = results.table[results.table["value"].isna()]
    assert set(missing["metric"]) <= {"mce", "relative_mce", "rms_calibration_error_without_last_bin"}
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
