import pytest
import torch
from torch import Tensor

from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Observations, Shift
from assay.evaluations.draws import draw_name, draws
from assay.metrics.bins import equal_mass, of_size
from assay.metrics.calibration import top_label
from assay.metrics.intervals import RESAMPLES, bootstrap_blocks
from assay.packing import pack_weights, unpack_weights
from assay.randomness import derive

N, M = 240, 170  # test images, outliers


def right(p: float, seed: int) -> Tensor:
    return torch.rand(N, generator=torch.Generator().manual_seed(seed)) < p


def adversarial() -> Observations:
    kinds = ("worst", "single/fgsm", "single/pgd")
    found = {f"{kind}/{eps:g}": right(0.7 - eps, hash_of(kind, eps)) for kind in kinds for eps in (8 / 255, 0.3)}
    return Observations(tensors={"clean": right(0.95, 1), **found, "example/clean": torch.rand(4, 1, 2, 2)})


def hash_of(kind: str, eps: float) -> int:
    return len(kind) * 100 + int(eps * 100)


def shift() -> Observations:
    found = {f"correct/{label}": right(0.8, place) for place, label in enumerate(Shift().labels)}
    return Observations(tensors={"clean": right(0.95, 99), **found})


def anomaly(places: int = 1) -> Observations:
    """Scores rounded to so many decimal places, so that many tie."""
    generator = torch.Generator().manual_seed(3)
    found = {}
    for score in Anomaly().scores:
        for group, n in (("in", N), ("near", M), ("far", M)):
            distance = {"in": 0.0, "near": 0.7, "far": 4.0}[group]
            values = torch.randn(n, generator=generator) + distance
            found[f"score/{group}/{score.name}"] = (values * 10**places).round() / 10**places
    return Observations(tensors=found)


def calibration(n: int = N) -> Observations:
    generator = torch.Generator().manual_seed(4)
    labels = torch.randint(10, (n,), generator=generator)
    logits = torch.randn(n, 10, generator=generator) + 3 * torch.nn.functional.one_hot(labels, 10)
    return Observations(tensors={"logits": logits, "labels": labels})


def weights(n: int, *names: object) -> Tensor:
    return next(iter(bootstrap_blocks(n, RESAMPLES, derive(0, "draws", *names, n), block=RESAMPLES * n)))


def indices(of: Tensor) -> Tensor:
    return torch.arange(len(of)).repeat_interleave(of.long())


ATTACKED = Adversarial(attacks=Adversarial().attacks, budgets=(8 / 255, 0.3), checked=0)
CASES: tuple[tuple[Evaluation, Observations], ...] = (
    (ATTACKED, adversarial()),
    (Shift(), shift()),
    (Anomaly(), anomaly()),
    (Anomaly(), anomaly(places=6)),
    (Calibration(bins=15), calibration()),
)


@pytest.mark.parametrize(("evaluation", "observations"), CASES)
def test_draws_are_the_measurements_of_explicit_resamples(evaluation: Evaluation, observations: Observations) -> None:
    found = draws(observations)
    kept = {
        name: tensor for name, tensor in observations.tensors.items() if not name.startswith(("example/", "outside/"))
    }
    of_test, of_outliers = weights(N, "test"), {}
    for group in ("near", "far"):
        of_outliers[group] = weights(M, "outliers", group)
    approximate = {"smooth_ece", "adaptive_ece", "rms_calibration_error", "rms_calibration_error_without_last_bin"}
    for b in (0, RESAMPLES - 1):
        taken = {
            name: tensor[indices(of_outliers.get(name.split("/")[1] if "/" in name else "", of_test)[b])]
            for name, tensor in kept.items()
        }
        for row in evaluation.measure(Observations(tensors=taken)):
            if row.metric in {"base_rate", "accuracy_rise"} | approximate:
                continue
            assert row.value is not None
            assert float(found[draw_name(row.metric, row.setting)][b]) == pytest.approx(row.value, abs=1e-5), row


@pytest.mark.parametrize(("evaluation", "observations"), CASES)
def test_every_measurement_has_draws_around_it(evaluation: Evaluation, observations: Observations) -> None:
    found = draws(observations)
    measured = [row for row in evaluation.measure(observations) if row.metric not in ("base_rate", "accuracy_rise")]
    assert found.keys() == {draw_name(row.metric, row.setting) for row in measured}
    for row in measured:
        values = found[draw_name(row.metric, row.setting)]
        assert values.shape == (RESAMPLES,)
        assert values.dtype == torch.float32
        assert row.value is not None
        if row.interval == "wilson" and row.metric == "accuracy":
            expected = (row.value * (1 - row.value) / row.n) ** 0.5
            assert float(values.std()) == pytest.approx(expected, rel=0.12, abs=1e-6)
            assert float(values.mean()) == pytest.approx(row.value, abs=4 * expected / RESAMPLES**0.5 + 1e-6)


@pytest.mark.parametrize("ties", [False, True])
def test_draws_of_equal_mass_and_size_keep_the_bins_of_the_sample(ties: bool) -> None:
    logits, labels = calibration(430).tensors.values()
    if ties:
        logits = (logits / 4).round() * 4
    found = draws(Observations(tensors={"logits": logits, "labels": labels}))
    confidence, hit = top_label(logits), (logits.argmax(1) == labels).double()
    order = confidence.argsort(stable=True)
    c, y = confidence[order], hit[order]
    for b in (0, 7):
        w = weights(430, "test")[b][order].double()
        same = c[:, None] == c[None, :]
        spread = (same / same.sum(1, keepdim=True)).double()  # ties share their weight and their hits
        error, weight = spread @ (w * (y - c)), spread @ w
        mass = [float(part.sum()) for part in error.tensor_split(equal_mass(430, 15)[:-1])]
        assert float(found[draw_name("adaptive_ece", {"bins": 15})][b]) == pytest.approx(
            sum(map(abs, mass)) / 430, abs=1e-6
        )
        ends = of_size(430, 100)[:-1]
        squares = [
            float(part.sum() ** 2 / held.sum())
            for part, held in zip(error.tensor_split(ends), weight.tensor_split(ends), strict=True)
        ]
        without = draw_name("rms_calibration_error_without_last_bin", {})
        assert float(found[draw_name("rms_calibration_error", {})][b]) == pytest.approx(
            (sum(squares) / 430) ** 0.5, abs=1e-6
        )
        assert float(found[without][b]) == pytest.approx((sum(squares[:-1]) / 430) ** 0.5, abs=1e-6)


def test_draws_are_paired_across_models_and_evaluations() -> None:
    first = calibration()
    logits, labels = first.tensors.values()
    hit = logits.argmax(1) == labels
    second = Observations(tensors={"clean": hit, "correct/fog": ~hit})
    one, other = draws(first), draws(second)
    accuracy = one[draw_name("accuracy", {})]
    torch.testing.assert_close(other[draw_name("accuracy", {"corruption": "clean"})], accuracy)
    torch.testing.assert_close(other[draw_name("accuracy", {"corruption": "fog"})], 1 - accuracy)


def test_draws_do_not_depend_on_what_else_is_observed() -> None:
    whole = anomaly()
    part = {name: tensor for name, tensor in whole.tensors.items() if "far" not in name and "vim" not in name}
    found = draws(whole)
    for name, values in draws(Observations(tensors=part)).items():
        assert torch.equal(values, found[name])


def test_a_missing_score_or_set_leaves_the_others() -> None:
    tensors = dict(anomaly().tensors)
    del tensors["score/near/vim"]
    found = draws(Observations(tensors=tensors))
    assert draw_name("auroc", {"outliers": "near", "score": "vim"}) not in found
    assert draw_name("auroc", {"outliers": "far", "score": "vim"}) in found


def test_other_bins_and_few_images() -> None:
    logits, labels = calibration(150).tensors.values()
    observations = Observations(tensors={"logits": logits, "labels": labels})
    found = draws(observations, bins=10)
    assert draw_name("ece", {"bins": 10}) in found
    assert draw_name("ece", {"bins": 15}) not in found
    assert draw_name("rms_calibration_error_without_last_bin", {}) not in found


@pytest.mark.parametrize("tensors", [{}, {"lime": torch.rand(3)}, {"clean": torch.ones(4, dtype=torch.bool)}])
def test_unknown_observations_have_no_draws(tensors: dict[str, Tensor]) -> None:
    assert draws(Observations(tensors=tensors)) == {}


def test_draws_are_packed_and_unpacked() -> None:
    found = draws(shift())
    back = unpack_weights(pack_weights(found))
    assert back.keys() == found.keys()
    assert all(torch.equal(back[name], values) for name, values in found.items())
    assert unpack_weights(pack_weights({})) == {}


def test_names_say_metric_and_setting() -> None:
    assert draw_name("accuracy", {"eps": 8 / 255, "attack": "fgsm"}) == 'accuracy {"attack":"fgsm","eps":0.0313725}'
    assert draw_name("ece", {"bins": 15}) == draw_name("ece", {"bins": 15.0})
