"""Monte Carlo dropout: closed forms, torch's own dropout, and what attacks, scores and evaluations make of it."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.dropout import _DropoutNd

from assay.architectures import Ensemble
from assay.attacks import PGD
from assay.classifier import Classifier, predict_all, predict_logits, wrap
from assay.data import Images, Task
from assay.errors import BadValueError
from assay.evaluations import Adversarial, Anomaly, Rejection, Shift
from assay.posthoc import Calibrator, MCDropout, Posthoc, Temperature
from assay.posthoc.mc_dropout import Mask, drawn
from assay.randomness import derive
from assay.scores import KNN, MSP, Disagreement, Energy, Mahalanobis, ViM


def images(count: int = 60, name: str = "toy") -> Images:
    g = derive(0, "mc_dropout", name)
    x = torch.randint(256, (count, 1, 12, 12), generator=g, dtype=torch.uint8)
    return Images(name=name, x=x, y=torch.randint(4, (count,), generator=g), classes=("a", "b", "c", "d"))


def dropped(*layers: nn.Module, width: int = 144) -> Classifier:
    """Layers between the pixels and a linear layer, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), *layers, nn.Linear(width, 4)).eval()
    return wrap(model, images().x)


def masks(model: nn.Module) -> list[Mask]:
    return [module for module in model.modules() if isinstance(module, Mask)]


def test_it_is_a_part_that_needs_no_validation_images_and_no_calibrator() -> None:
    assert isinstance(MCDropout(), Posthoc)
    assert not isinstance(MCDropout(), Calibrator)
    assert not MCDropout().needs_validation
    assert (Temperature().needs_validation, Temperature().networks, MCDropout(samples=7).networks) == (True, 1, 7)
    with pytest.raises(BadValueError, match="mc_dropout: samples: expected a whole number >= 1, got 0"):
        MCDropout(samples=0)


def test_it_keeps_the_contract(small: Classifier) -> None:
    stream, modes = torch.get_rng_state(), [module.training for module in small.modules()]
    fitted = MCDropout(samples=4).fit(small, images())
    assert torch.equal(torch.get_rng_state(), stream)
    assert [module.training for module in small.modules()] == modes
    assert fitted.training == small.training
    assert not any(layer._forward_pre_hooks for layer in small.modules())
    found = predict_all(fitted, images().x)
    assert found.features.shape == (60, 4 * 20)
    torch.testing.assert_close(fitted.head(found.features), found.logits)


def test_dropout_that_drops_nothing_leaves_the_logits_as_they_are() -> None:
    model = dropped(nn.Dropout(0.0), nn.Linear(144, 144), nn.ReLU(), nn.Dropout(0.0))
    x, plain = images().x, predict_logits(model, images().x)
    for member in MCDropout(samples=3).fit(model, images()).members:
        assert torch.equal(predict_logits(member, x), plain)
    for samples in (1, 3):  # the mean of equal softmaxes, to rounding
        torch.testing.assert_close(predict_logits(MCDropout(samples=samples).fit(model, images()), x), plain)


def test_logits_after_dropout_and_a_linear_layer_have_the_mean_and_the_variance_of_the_closed_form() -> None:
    """The mean is weight scaling's, the model without dropout; the variance p / (1 - p) sum_i (w_i x_i)^2."""
    p, samples, x = 0.3, 600, images(2).x / 255
    model = dropped(nn.Dropout(p))
    weight = model.model[-1].weight.detach()  # type: ignore[union-attr,index]
    fitted = MCDropout(samples=samples).fit(model, images())
    with torch.no_grad():
        logits = torch.stack([member(x) for member in fitted.members]).double()
        plain = model(x).double()
    variance = p / (1 - p) * (weight.double()[None] * x.flatten(1).double()[:, None]).square().sum(2)
    z = (logits.mean(0) - plain) / (variance / samples).sqrt()
    assert float(z.abs().max()) < 4
    torch.testing.assert_close(logits.var(0), variance, rtol=0.25, atol=0)  # a standard error is 5.8 %


def test_masks_keep_the_share_that_they_should_and_scale_it() -> None:
    for p in (0.0, 0.1, 0.5, 0.9, 1.0):
        mask = drawn(nn.Dropout(p), (100, 400), derive(1))
        kept = mask.scale > 0
        assert float(kept.double().mean()) == pytest.approx(1 - p, abs=5 * math.sqrt(p * (1 - p) / 40_000))
        torch.testing.assert_close(mask.scale[kept], torch.full_like(mask.scale[kept], 1 / (1 - p) if p < 1 else 0.0))
        assert not mask.shift.any()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Dropout(0.4), (7,)),
        (nn.Dropout1d(0.4), (9, 5)),
        (nn.Dropout2d(0.4), (9, 3, 2)),
        (nn.Dropout3d(0.4), (9, 3, 2, 2)),
        (nn.AlphaDropout(0.4), (30,)),
        (nn.FeatureAlphaDropout(0.4), (9, 3, 2)),
        (nn.Dropout(0.4, inplace=True), (7,)),
    ],
    ids=lambda item: type(item).__name__ if isinstance(item, nn.Module) else "",
)
def test_a_mask_does_what_the_layer_does_in_training(layer: _DropoutNd, shape: tuple[int, ...]) -> None:
    x = torch.randn(1, *shape, generator=derive(2))
    for seed in range(4):
        generator = derive(seed)
        mask = drawn(layer.eval(), shape, generator)
        with torch.random.fork_rng():
            torch.default_generator.manual_seed(generator.initial_seed())
            expected = layer.train()(x.clone())
        torch.testing.assert_close(mask(x), expected)
        three = torch.randn(3, *shape, generator=derive(3))
        torch.testing.assert_close(mask(three)[1:2], mask(three[1:2]), rtol=0, atol=0)  # every image meets one mask


def test_the_output_is_the_mean_of_the_softmaxes_of_networks_with_those_masks(small: Classifier) -> None:
    x = images().x / 255
    fitted = MCDropout(samples=5).fit(small.eval(), images())
    body: Any = small.body
    total = torch.zeros(60, 4, dtype=torch.float64)
    with torch.no_grad():
        for mask in masks(fitted):
            hidden = body[6](body[:5](x) * mask.scale)
            total += small.last(hidden.relu()).double().softmax(1)  # type: ignore[operator]
        torch.testing.assert_close(fitted(x).double().softmax(1), total / 5, rtol=1e-5, atol=1e-6)


def test_draws_are_fixed_differ_and_the_first_of_many_are_those_of_few(small: Classifier) -> None:
    x = images().x
    one, again, more = (MCDropout(samples=samples).fit(small, images()) for samples in (3, 3, 5))
    assert torch.equal(predict_logits(one, x), predict_logits(again, x))
    assert torch.equal(predict_logits(one, x), predict_logits(one, x))
    other = MCDropout(samples=3).fit(small, images(name="other"))  # of the images the shape alone counts
    assert torch.equal(predict_logits(one, x), predict_logits(other, x))
    few, many = masks(one), masks(more)
    assert all(torch.equal(a.scale, b.scale) for a, b in zip(few, many[:3], strict=True))
    assert len({tuple(mask.scale.flatten().tolist()) for mask in many}) == 5
    two = masks(MCDropout(samples=1).fit(dropped(nn.Dropout(0.5), nn.Dropout(0.5)), images()))
    assert not torch.equal(two[0].scale, two[1].scale)  # layers of one shape have masks of their own


def test_weights_are_shared_and_not_copied(small: Classifier) -> None:
    fitted = MCDropout(samples=6).fit(small, images())
    assert {id(weight) for weight in fitted.parameters()} == {id(weight) for weight in small.parameters()}
    own = {id(buffer) for mask in masks(fitted) for buffer in mask.buffers()}
    assert {id(buffer) for buffer in fitted.buffers()} - own == {id(buffer) for buffer in small.buffers()}
    assert not any(isinstance(module, nn.Dropout) for module in fitted.modules())
    assert any(isinstance(module, nn.Dropout) for module in small.modules())
    before = predict_logits(fitted, images().x)
    with torch.no_grad():
        small.last.bias[0] += 5  # type: ignore[union-attr,operator,index]
    assert not torch.allclose(predict_logits(fitted, images().x), before)


def test_each_member_of_an_ensemble_has_masks_of_its_own(small: Classifier) -> None:
    nested = Ensemble([Ensemble([small, small]), small]).eval()
    fitted = MCDropout(samples=2).fit(nested, images())
    assert len(fitted.members) == 6
    assert len({tuple(mask.scale.flatten().tolist()) for mask in masks(fitted)}) == 6
    alone = MCDropout(samples=2).fit(small, images())
    assert torch.equal(masks(fitted)[1].scale, masks(alone)[1].scale)


def test_it_goes_before_and_after_a_calibration(small: Classifier) -> None:
    part, x = MCDropout(samples=3), images().x
    first = Temperature().fit(part.fit(small, images()), images())
    assert predict_logits(first, x).argmax(1).equal(predict_logits(part.fit(small, images()), x).argmax(1))
    last = part.fit(Temperature().fit(small, images()), images())
    assert len(last.members) == 3
    rows = Rejection(scores=(MSP(),)).measure(Rejection(scores=(MSP(),)).observe(last, TASK, 0))
    assert any("have fitted the calibration" in row.reason for row in rows if row.metric == "threshold")


class Twice(nn.Module):
    """One dropout layer in two places, or one that runs on rows that are no images."""

    def __init__(self, *, rows: int) -> None:
        super().__init__()
        self.drop, self.last, self.rows = nn.Dropout(0.5), nn.Linear(144, 4), rows

    def forward(self, x: Tensor) -> Tensor:
        if self.rows:
            x = self.drop(x.reshape(len(x) * self.rows, -1)).view(len(x), -1)
            return self.last(x)  # type: ignore[no-any-return]
        return self.last(self.drop(self.drop(x.flatten(1))))  # type: ignore[no-any-return]


class Attending(nn.Module):
    """Attention whose dropout is a number inside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(12, 2, dropout=0.1, batch_first=True)
        self.drop, self.last = nn.Dropout(0.5), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(1, 2)
        return self.last(self.drop(self.attention(rows, rows, rows)[0].mean(1)))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(144, 4)), "expected a network with dropout layers, got one without; t"),
        (Twice(rows=0), "expected each dropout layer once in a pass, got model.drop twice; give each place its own"),
        (Twice(rows=3), r"model.drop: expected a row for each image, got shape \(6, 48\) for two images"),
        (Attending(), "model.attention: expected dropout in a layer of its own, got it inside of another"),
    ],
)
def test_networks_that_it_does_not_suit_are_refused(model: nn.Module, message: str) -> None:
    wrapped = wrap(model, images().x)
    with pytest.raises(BadValueError, match=f"mc_dropout: {message}"):
        MCDropout().fit(wrapped, images())
    assert not any(layer._forward_pre_hooks for layer in wrapped.modules())


class Named(nn.Module):
    """A dropout layer that is called with its argument's name."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.last = nn.Dropout(0.5), nn.Linear(144, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(input=x.flatten(1)))  # type: ignore[no-any-return]


def test_a_layer_that_is_called_by_name_is_thinned() -> None:
    model = Named().eval()
    (thinned,) = MCDropout(samples=1).fit(wrap(model, images().x), images()).members
    x = images(5).x / 255
    (mask,) = masks(thinned)
    with torch.no_grad():
        torch.testing.assert_close(thinned(x), model.last(x.flatten(1) * mask.scale))


def test_a_layer_that_does_not_run_is_left() -> None:
    model = dropped(nn.Dropout(0.5))
    model.spare = nn.Dropout(0.5)
    fitted = MCDropout(samples=2).fit(model, images())
    assert len(masks(fitted)) == 2


TASK = Task(name="toy", train=images(200, "train"), validation=images(150, "validation"), test=images(80, "test"))


def test_attacks_climb_the_mean_of_the_networks_losses(small: Classifier) -> None:
    fitted = MCDropout(samples=4).fit(small.eval(), images())
    x = (images(8).x / 255).clamp(0.2, 0.8)
    y = fitted(x).argmax(1)
    points = PGD(eps=0.1, steps=1, step_size=0.1, random_start=False)(fitted, x, y, derive(0))
    inside = x.clone().requires_grad_()
    loss = torch.stack([F.cross_entropy(member(inside), y, reduction="sum") for member in fitted.members]).mean()
    (gradient,) = torch.autograd.grad(loss, inside)
    torch.testing.assert_close(points, (x + 0.1 * gradient.sign()).clamp(0, 1))


def test_every_evaluation_takes_it() -> None:
    model = dropped(nn.Dropout(0.2), nn.Linear(144, 20), nn.ReLU(), nn.Dropout(0.3), width=20)
    fitted = MCDropout(samples=3).fit(model, images())
    right = predict_logits(fitted, TASK.test.x).argmax(1)
    task = Task(
        name="toy", train=TASK.train, validation=TASK.validation,
        test=Images(name="test", x=TASK.test.x, y=right, classes=TASK.test.classes),
        outliers={"odd": images(40, "odd")},
    )  # fmt: skip
    attacked = Adversarial(attacks=(PGD(eps=0.1, steps=3),), budgets=(0.1,), checked=20)
    observations = attacked.observe(fitted, task, 0)
    for trace in ("changed/logits", "changed/decision"):
        assert not observations.tensors[f"check/{trace}"].any()
    assert bool(observations.tensors["check/gradient/cross_entropy"].isfinite().all())
    rows = attacked.measure(observations)
    assert all(row.reason == "" for row in rows if row.metric == "accuracy")
    scores = (MSP(), Energy(), ViM(), Mahalanobis(), KNN(k=5), Disagreement())
    found = Anomaly(scores=scores).measure(Anomaly(scores=scores).observe(fitted, task, 0))
    assert [row.reason for row in found if row.metric == "auroc"] == [""] * len(scores)
    chosen = Rejection(scores=scores).measure(Rejection(scores=scores).observe(fitted, task, 0))
    assert all(row.value is not None for row in chosen if row.metric == "threshold")
    shifted = Shift(images=20)
    assert all(row.value is not None for row in shifted.measure(shifted.observe(fitted, task, 0)))


def test_gradients_flow_where_the_masks_were_drawn_in_inference_mode(small: Classifier) -> None:
    with torch.inference_mode():
        fitted = MCDropout(samples=2).fit(small.eval(), images())
    x = (images(4).x / 255).requires_grad_()
    fitted(x).sum().backward()
    assert x.grad is not None
    assert bool(x.grad.any())
