"""The shift evaluation on classifiers whose accuracy is known, and corruption errors computed by hand."""

import dataclasses

import pytest
import torch
from torch import Tensor

from assay.classifier import Classifier
from assay.corruptions import MNIST_C, Brightness, Fog, ImpulseNoise, Stripe, Translate
from assay.data.images import Images
from assay.data.task import Task
from assay.errors import BadValueError
from assay.evaluations import shift
from assay.evaluations.base import Evaluation, Measurement, Observations
from assay.evaluations.corruption_error import compare_errors, count_errors
from assay.evaluations.shift import Shift, compare
from assay.metrics.intervals import wilson


class Threshold(Classifier):
    """Says 1 where the mean pixel exceeds 0.5, else 0."""

    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3))[:, None] - 0.5

    def head(self, features: Tensor) -> Tensor:
        return torch.cat([-features, features], dim=1)


def task(n: int = 60) -> Task:
    """Grey images of constant brightness k / n, labelled 1 above one half: `Threshold` is always right."""
    level = (torch.arange(n) + 0.25) / n
    x = level.view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    y = (level > 0.5).long()
    return Task(name="greys", test=Images.from_floats(x, y, name="greys/test"))


def by_setting(found: list[Measurement], metric: str) -> dict[str, Measurement]:
    return {str(row.setting.get("corruption", "")): row for row in found if row.metric == metric}


def test_it_is_an_evaluation() -> None:
    assert isinstance(Shift(), Evaluation)
    assert Shift().labels == tuple(corruption.name for corruption in MNIST_C)


def test_accuracies_in_closed_form() -> None:
    """Brightness 0.25 pushes the fourth of the images from 0.25 to 0.5 over the threshold."""
    part = Shift(corruptions=(Brightness(amount=0.25), Stripe(width=28)))
    observed = part.observe(Threshold(), task(), seed=0)
    rows = part.measure(observed)
    single = by_setting(rows, "accuracy")
    assert list(single) == ["clean", "brightness(amount=0.25)", "stripe(width=28)"]
    assert [row.value for row in single.values()] == [1, 0.75, 0]
    bright = single["brightness(amount=0.25)"]
    assert (bright.low, bright.high) == wilson(45, 60)
    assert (bright.n, bright.interval, bright.higher_is_better) == (60, "wilson", True)
    mean = by_setting(rows, "mean_accuracy")[""]
    assert mean.value == 0.375
    # each image has 0 or 1/2: half the width of a proportion's interval
    assert mean.low == pytest.approx(0.375 - 1.96 * (0.75 * 0.25 / 60) ** 0.5 / 2, abs=0.015)
    assert mean.high == pytest.approx(0.375 + 1.96 * (0.75 * 0.25 / 60) ** 0.5 / 2, abs=0.015)


def test_examples_are_what_was_predicted() -> None:
    part = Shift(corruptions=(Stripe(), Fog()), examples=3)
    data = task()
    tensors = part.observe(Threshold(), data, seed=0).tensors
    assert torch.equal(tensors["example/clean"], data.test.x[:3])
    assert torch.equal(tensors["example/stripe"][..., :7], 255 - data.test.x[:3, ..., :7])
    assert tensors["example/fog"].dtype == torch.uint8
    for label in part.labels:
        predicted = Threshold()(tensors[f"example/{label}"].float() / 255).argmax(1)
        assert torch.equal(tensors[f"example/prediction/{label}"], predicted)
        assert torch.equal(predicted == data.test.y[:3], tensors[f"correct/{label}"][:3])
    assert not any(key.startswith("example") for key in Shift(examples=0).observe(Threshold(), data, 0).tensors)


def test_every_model_meets_the_same_damage_and_the_seed_changes_it() -> None:
    class Other(Threshold):
        def features(self, x: Tensor) -> Tensor:
            torch.rand(7)
            return -super().features(x)

    part = Shift(corruptions=(ImpulseNoise(), Translate()))
    first, second = (part.observe(model, task(), 0).tensors for model in (Threshold(), Other()))
    assert torch.equal(first["example/impulse_noise"], second["example/impulse_noise"])
    other = part.observe(Threshold(), task(), 1).tensors
    assert not torch.equal(first["example/impulse_noise"], other["example/impulse_noise"])


def test_chunks_cover_all_images_with_draws_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[Tensor] = []

    class Watching(Threshold):
        def features(self, x: Tensor) -> Tensor:
            met.append(x.clone())
            return super().features(x)

    monkeypatch.setattr(shift, "CHUNK", 25)
    data = task()
    flat = dataclasses.replace(data, test=dataclasses.replace(data.test, x=torch.full_like(data.test.x, 100)))
    fractions: list[float] = []
    part = Shift(corruptions=(ImpulseNoise(),))
    observed = part.observe(Watching(), flat, 0, fractions.append)
    assert [len(x) for x in met] == [60, 25, 25, 10]
    assert not torch.equal(met[1], met[2])
    assert len(observed.tensors["correct/impulse_noise"]) == 60
    assert fractions == [1.0]


def test_a_sample_is_fixed() -> None:
    part = Shift(corruptions=(Stripe(),), images=20, examples=20)
    first, second = (part.observe(Threshold(), task(), seed).tensors for seed in (0, 1))
    assert torch.equal(first["example/clean"], second["example/clean"])
    assert len(first["clean"]) == 20


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"corruptions": ()}, "corruptions: expected at least one"),
        ({"corruptions": (Fog(), Fog(decay=1.4))}, "all different, got .fog, fog"),
        ({"images": 0}, "images: expected a whole number >= 1"),
        ({"examples": -1}, "examples: expected a whole number >= 0"),
    ],
)
def test_bad_values_are_named(fields: dict[str, object], message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        Shift(**fields)  # type: ignore[arg-type]


def test_labels_outside_the_models_classes_are_refused() -> None:
    data = task()
    images = Images(name="three", x=data.test.x, y=data.test.y + 1, classes=("a", "b", "c"))
    with pytest.raises(BadValueError, match=r"three: expected labels in 0\.\.1"):
        Shift().observe(Threshold(), dataclasses.replace(data, test=images), 0)


def observations(n: int, **errors: int) -> Observations:
    """n images, of which the first few are wrong: clean=1, fog=4 ..."""
    tensors = {
        "clean" if name == "clean" else f"correct/{name}": torch.arange(n) >= count for name, count in errors.items()
    }
    return Observations(tensors=tensors)


def test_compare_by_hand() -> None:
    model = observations(1000, clean=20, fog=100, stripe=90)
    baseline = observations(1000, clean=40, fog=200, stripe=60)
    mce, relative = compare(model, baseline)
    assert (mce.metric, relative.metric) == ("mce", "relative_mce")
    assert mce.value == pytest.approx((100 / 200 + 90 / 60) / 2)
    assert relative.value == pytest.approx((80 / 160 + 70 / 20) / 2)
    for row in (mce, relative):
        assert row.low is not None
        assert row.high is not None
        assert row.value is not None
        assert row.low < row.value < row.high
        assert (row.n, row.interval, row.higher_is_better, row.reason) == (1000, "bootstrap", False, "")


def test_errors_counted_together_are_those_counted_alone() -> None:
    several = [observations(n, clean=3, fog=n // 2, **more) for n, more in ((40, {}), (40, {"stripe": 9}), (30, {}))]
    for together, alone in zip(count_errors(several), [count_errors([one])[0] for one in several], strict=True):
        assert (together.labels, together.n) == (alone.labels, alone.n)
        assert torch.equal(together.counts, alone.counts)
    assert count_errors([]) == []


def test_models_compared_together_are_as_compared_alone() -> None:
    several = [observations(50, clean=2, fog=wrong, stripe=9) for wrong in (20, 30, 7)]
    baseline, *own = count_errors([observations(50, clean=3, fog=25, stripe=11), *several])
    together = compare_errors(own, baseline)
    assert together == [compare_errors([one], baseline)[0] for one in own]
    assert together[0] != together[1]
    assert compare_errors([], baseline) == []


def test_the_interval_of_mce_follows_the_delta_method() -> None:
    """One corruption, the model's errors among the baseline's: the ratio is a proportion of the baseline's 400."""
    mce, _ = compare(observations(4000, clean=0, fog=100), observations(4000, clean=1, fog=400))
    deviation = (0.25 * 0.75 / 400) ** 0.5
    assert mce.low == pytest.approx(0.25 - 1.96 * deviation, abs=0.005)
    assert mce.high == pytest.approx(0.25 + 1.96 * deviation, abs=0.005)


def test_a_model_against_itself_is_one_exactly() -> None:
    same = observations(300, clean=10, fog=90, stripe=50)
    for row in compare(same, same):
        assert (row.value, row.low, row.high) == (1, 1, 1)


def test_without_errors_of_the_baseline_there_is_no_value() -> None:
    model = observations(100, clean=20, fog=30, stripe=30)
    mce, relative = compare(model, observations(100, clean=0, fog=50, stripe=0))
    assert (mce.value, mce.low, mce.interval) == (None, None, "")
    assert mce.reason == "the baseline makes no error under stripe; take a weaker baseline or more images"
    assert relative.reason == "the baseline loses no accuracy under stripe; take a weaker baseline or more images"
    _, falling = compare(model, observations(100, clean=20, fog=50, stripe=10))
    assert falling.value is None


def test_where_resamples_have_no_value_there_is_no_interval() -> None:
    mce, _ = compare(observations(50, clean=0, fog=3), observations(50, clean=0, fog=1))
    assert (mce.value, mce.low, mce.high, mce.interval) == (3, None, None, "")
    assert "no interval, since the baseline makes no error in some resamples" in mce.reason


def test_different_images_or_corruptions_cannot_be_compared() -> None:
    model = observations(100, clean=1, fog=2)
    with pytest.raises(BadValueError, match="expected the baseline's 50 images, got 100"):
        compare(model, observations(50, clean=1, fog=2))
    with pytest.raises(BadValueError, match=r"expected the baseline's corruptions \(stripe\), got \(fog\)"):
        compare(model, observations(100, clean=1, stripe=2))
