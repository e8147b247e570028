"""Every exported part is held to the contract of its kind: a new one is tested by its export line."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import MISSING, Field, fields, replace
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import assay.attacks
import assay.augmentations
import assay.corruptions
import assay.objectives
import assay.outliers
import assay.posthoc
import assay.scores
import assay.weights
from assay import parts
from assay.architectures.ensemble import Ensemble
from assay.attacks import APGD, FABT, FGSM, PGD, Attack, Square, Transfer
from assay.attacks.base import attack_loss
from assay.attacks.norms import NORMS, lengths
from assay.augmentations import Augmentation
from assay.classifier import Classifier, LinearHead, Outputs, predict_all
from assay.corruptions import Corruption
from assay.data import Images
from assay.errors import BadValueError
from assay.objectives import Batch, Objective
from assay.outliers import OutlierSource
from assay.recipe import part_classes
from assay.scores.base import AnyScore, ImageScore, Training

# Values for fields that have no default. A part with another such field adds its value here.
VALUES: dict[str, Any] = {
    "eps": 0.1,
    "steps": 10,
    "length": 5,
    "holes": 2,
    "alpha": 0.5,
    "amount": 0.2,
    "attack": FGSM(eps=0.1),
}
# By part: fields that have a default which is dearer than these tests need, with a cheaper value.
CHEAPER: dict[str, dict[str, Any]] = {
    "carlini_wagner": {"steps": 100, "searches": 7, "learning_rate": 0.005},
    "eot": {"samples": 2},
    "fab": {"steps": 12},
    "fab_t": {"steps": 12},
    "hop_skip_jump": {"queries": 1200},
    "knn": {"k": 5},
    "square": {"queries": 250},
    "transfer": {"attack": PGD(eps=1, steps=10), "rounds": 2, "epochs": 3},
    "worst_case": {
        "attacks": (APGD(eps=1, steps=10), FABT(eps=1, steps=10, early_stop=True), Square(eps=1, queries=250))
    },
}

IN_L1 = ("fgsm", "multi_targeted", "pgd")  # parts that know "l1" beside "linf" and "l2"


def required(field: Field[Any]) -> bool:
    """Whether a part's field has no default."""
    return field.default is field.default_factory is MISSING


def in_other_norms(part: Any) -> list[Any]:
    """The part in each norm that it supports beside its own."""
    if "norm" not in {f.name for f in fields(part)}:
        return []
    return [replace(part, norm=norm) for norm in NORMS if norm != part.norm and (norm != "l1" or part.name in IN_L1)]


def examples(module: ModuleType) -> list[Any]:
    """One instance of each part that the module exports; attacks in each of their norms."""
    made = [
        kind(**{f.name: VALUES[f.name] for f in fields(kind) if required(f)}, **CHEAPER.get(name, {}))
        for name, kind in part_classes(module).items()
    ]
    return made + [other for part in made for other in in_other_norms(part)]


MODULES = (
    assay.attacks, assay.augmentations, assay.corruptions, assay.objectives, assay.outliers, assay.posthoc,
    assay.scores, assay.weights,
)  # fmt: skip
ATTACKS: list[Attack] = examples(assay.attacks)
# Attacks that look for the nearest misclassified point; the others, but the one that is as good as its substitute; and
# those that know the model's scores or labels alone.
MINIMAL = [attack for attack in ATTACKS if getattr(attack, "minimal", False)]
OTHERS = [attack for attack in ATTACKS if attack not in MINIMAL and not isinstance(attack, Transfer)]
BLACK_BOX = [attack for attack in ATTACKS if getattr(attack, "black_box", False)]
AUGMENTATIONS: list[Augmentation] = examples(assay.augmentations)
CORRUPTIONS: list[Corruption] = examples(assay.corruptions)
OBJECTIVES: list[Objective] = examples(assay.objectives)
SOURCES: list[OutlierSource] = examples(assay.outliers)
SCORES: list[AnyScore] = examples(assay.scores)

attacks = pytest.mark.parametrize("attack", ATTACKS, ids=parts.describe)
augmentations = pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=parts.describe)
corruptions = pytest.mark.parametrize("corruption", CORRUPTIONS, ids=parts.describe)
objectives = pytest.mark.parametrize("objective", OBJECTIVES, ids=parts.describe)
sources = pytest.mark.parametrize("source", SOURCES, ids=parts.describe)
scores = pytest.mark.parametrize("score", SCORES, ids=parts.describe)


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(size: int = 12, classes: int = 4, count: int = 6) -> tuple[Tensor, Tensor]:
    g = generator(0)
    x = torch.rand(count, 1, size, size, generator=g)
    x[0, 0, :4], x[1, 0, :4] = 0, 1  # pixels on the border of [0, 1]
    return x, torch.randint(0, classes, (count,), generator=g)


@pytest.fixture
def small(small: Classifier) -> Classifier:
    """The small network, shifted so that it gives noise all of its classes: else there is nothing to be found."""
    with torch.no_grad():
        small.last.bias -= small.eval()(torch.rand(200, 1, 12, 12, generator=generator())).mean(0)  # type: ignore[union-attr]
    return small.train()


def faced(model: Classifier) -> tuple[Tensor, Tensor]:
    """Images of which a model in evaluation mode gets all right but the last: attacks may leave those it gets wrong."""
    x, _ = batch()
    y = model.eval()(x).argmax(1)
    y[-1] = (y[-1] + 1) % model.n_classes
    return x, y


# All parts


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_part_prints_as_a_text_that_parses_back_and_has_a_key(module: ModuleType) -> None:
    inside = [*ATTACKS, *AUGMENTATIONS, *OBJECTIVES, *SOURCES]
    known = {part.name: type(part) for part in [*inside, *examples(module)]}
    assert examples(module)
    for part in examples(module):
        assert parts.parse(parts.describe(part), known) == [part]
        assert hash(part) == hash(replace(part))
        assert parts.canonical(part)["name"] == part.name
        assert json.dumps(parts.canonical(part), allow_nan=False)


# Attacks


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one.name not in IN_L1], ids=parts.describe)
def test_an_attack_that_does_not_know_l1_refuses_it(attack: Any) -> None:
    if "norm" in {f.name for f in fields(attack)}:
        with pytest.raises(BadValueError, match="norm: expected one of linf, l2, got 'l1'"):
            replace(attack, norm="l1")


@attacks
def test_an_attack_stays_in_the_ball_and_the_unit_interval(attack: Attack, small: Classifier) -> None:
    x, y = faced(small)
    for eps in (0.0, 0.1, 0.7):
        for dtype in (torch.float32, torch.float64):
            points = attack.at(eps)(small.to(dtype).eval(), x.to(dtype), y, generator())
            assert points.shape == x.shape
            assert points.dtype == dtype
            assert not points.requires_grad
            assert float(points.min()) >= 0
            assert float(points.max()) <= 1
            assert float(lengths(points - x, attack.norm).max()) <= eps + 1e-6
            if eps == 0:
                assert torch.equal(points, x.to(dtype))


@attacks
def test_an_attack_repeats_itself_for_the_same_generator(attack: Attack, small: Classifier) -> None:
    x, y = faced(small)
    assert torch.equal(attack(small, x, y, generator()), attack(small, x, y, generator()))


@attacks
@pytest.mark.parametrize("training", [False, True])
def test_an_attack_leaves_everything_as_found(attack: Attack, small: Classifier, training: bool) -> None:
    x, y = faced(small)
    small.train(training)
    small.body.train(False)  # type: ignore[union-attr]
    modes = [module.training for module in small.modules()]
    small.last.weight.requires_grad_(False)  # type: ignore[union-attr]
    small.last.bias.grad = torch.ones(4)  # type: ignore[union-attr]
    before = [(weight.detach().clone(), weight.grad, weight.requires_grad) for weight in small.parameters()]
    copies, stream = (x.clone(), y.clone()), torch.get_rng_state()
    attack(small, x, y, generator())
    assert [module.training for module in small.modules()] == modes
    assert torch.equal(x, copies[0])
    assert torch.equal(y, copies[1])
    assert torch.equal(torch.get_rng_state(), stream)
    for weight, (value, gradient, flag) in zip(small.parameters(), before, strict=True):
        assert torch.equal(weight, value)
        assert weight.grad is gradient
        assert weight.requires_grad == flag


DISTANCES = torch.tensor([0.3, 0.6, 0.9, 1.1, 1.5, 2.0])  # of images to the boundary, in units of an attack's eps


def facing(attack: Attack, linear: Any) -> tuple[Classifier, Tensor, Tensor, Tensor]:
    """A linear model of two classes, images at `DISTANCES` from its boundary, their labels, and the way over it.

    With d = w_other - w_label the way is sign(d), d / ||d||, or the sign of d's largest entry alone: of length 1 in the
    attack's norm.
    """
    g = generator(1)
    w, y = torch.randn(2, 16, generator=g), torch.arange(6) % 2
    w -= w.mean(1, keepdim=True)  # so that the boundary passes near the middle of the box
    d = (w[1 - y] - w[y]).view(6, 1, 4, 4)
    near = 0.4 + 0.2 * torch.rand(d.shape, generator=g)
    there = near - d * ((near * d).sum((1, 2, 3)) / d.square().sum((1, 2, 3))).view(6, 1, 1, 1)
    size = d.abs().amax((1, 2, 3), keepdim=True)
    way = {"linf": d.sign(), "l2": F.normalize(d.flatten(1)).view_as(d), "l1": d.sign() * (d.abs() == size)}[
        attack.norm
    ]
    return linear(w), there - way * attack.eps * DISTANCES.view(6, 1, 1, 1), y, way


@pytest.mark.parametrize("attack", OTHERS, ids=parts.describe)
def test_an_attack_reaches_the_optimum_of_a_linear_model(attack: Attack, linear: Any) -> None:
    """With two classes the loss grows along the way over the boundary: the optimum is x + eps * way.

    An attack may leave an image as soon as it is misclassified.
    """
    model, x, y, way = facing(attack, linear)
    best = x + attack.eps * way
    points = attack(model, x, y, generator())
    # "l2" from a random start turns towards the way step by step, and random search is slow there.
    slack = 0.35 if attack in BLACK_BOX and attack.norm == "l2" else 0.05
    fooled = model(points).argmax(1) != y
    assert bool(fooled[DISTANCES + slack < 1].all())
    assert not bool(fooled[DISTANCES > 1].any())
    gain, optimum = (((where - x) * way).sum((1, 2, 3)) for where in (points, best))
    assert bool((gain >= (1 - slack) * optimum)[~fooled].all())
    if attack.norm != "l2":
        torch.testing.assert_close(points[~fooled], best[~fooled])


@pytest.mark.parametrize("attack", [one for one in OTHERS if one.norm == "l1"], ids=parts.describe)
def test_an_l1_attack_reaches_the_optimum_of_a_linear_model_in_the_box(attack: Attack, linear: Any) -> None:
    """Pixels in the order of their weights' size, each as far as its edge allows, until the radius is used up."""
    g = generator(4)
    d = torch.rand(16, generator=g) * torch.tensor([1.0] * 3 + [-1.0] * 13)
    x = (0.5 - 0.3 * d.sign() + 0.2 * torch.rand(5, 16, generator=g)).clamp(0, 1)
    x[0, d.abs().argmax()] = 0.0 if d[d.abs().argmax()] < 0 else 1.0  # at its edge from the start
    best = x.clone()
    for image in best:
        left = 1.3
        for pixel in d.abs().argsort(descending=True).tolist():
            edge = 1.0 if d[pixel] > 0 else 0.0
            move = min(left, abs(edge - float(image[pixel])))
            image[pixel] += move if d[pixel] > 0 else -move
            left -= move
    model = linear(torch.stack([torch.zeros(16), d]))
    assert bool((best @ d < 0).all())
    points = attack.at(1.3)(model, x.view(5, 1, 4, 4), torch.zeros(5, dtype=torch.int64), generator())
    torch.testing.assert_close(points.flatten(1), best, rtol=0, atol=1e-5)


@pytest.mark.parametrize("attack", MINIMAL, ids=parts.describe)
def test_an_attack_for_the_nearest_point_finds_that_of_a_linear_model(attack: Attack, linear: Any) -> None:
    """It is found within 3 % of its distance where that is below eps, else the ball's point on the way to it."""
    model, x, y, way = facing(attack, linear)
    points = attack(model, x, y, generator())
    assert torch.equal(model(points).argmax(1) != y, DISTANCES < 1)
    expected = attack.eps * DISTANCES.clamp(max=1)
    found = lengths(points - x, attack.norm)
    torch.testing.assert_close(found, expected, rtol=0.03, atol=0)
    # Labels alone hardly tell the sign of a pixel of next to no weight.
    slack = 0.7 if attack in BLACK_BOX else 0.2
    torch.testing.assert_close(points, x + expected.view(6, 1, 1, 1) * way, rtol=0, atol=slack * attack.eps)


@pytest.mark.parametrize("attack", MINIMAL, ids=parts.describe)
def test_an_attack_for_the_nearest_point_leaves_what_is_misclassified(attack: Attack, small: Classifier) -> None:
    x, y = faced(small)
    moved = (attack(small, x, y, generator()) != x).flatten(1).any(1)
    assert torch.equal(moved, torch.arange(len(x)) < len(x) - 1)


class Opaque(Classifier):
    """A model that records no graph: it is no use to ask for its gradients, and an error to try."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model

    def features(self, x: Tensor) -> Tensor:
        assert not torch.is_grad_enabled(), "a black-box attack asked for a graph"
        return self.model.features(x)

    def head(self, features: Tensor) -> Tensor:
        assert not torch.is_grad_enabled(), "a black-box attack asked for a graph"
        return self.model.head(features)


@pytest.mark.parametrize("attack", BLACK_BOX, ids=parts.describe)
def test_a_black_box_attack_never_asks_for_a_gradient(attack: Attack, small: Classifier) -> None:
    """Of the model, that is: it may have another of its own."""
    x, y = faced(small)
    expected = attack(small, x, y, generator())
    assert torch.equal(attack(Opaque(small), x, y, generator()), expected)
    assert not torch.equal(expected, x)


@attacks
def test_an_attack_takes_two_classes_soft_labels_and_ensembles(attack: Attack, linear: Any) -> None:
    g = generator(2)
    models = [linear(torch.randn(2, 144, generator=g) / 6) for _ in range(3)]
    x, _ = batch(classes=2)
    y = models[0](x).argmax(1)
    hard = attack(models[0], x, y, generator())
    torch.testing.assert_close(attack(models[0], x, F.one_hot(y, 2).float(), generator()), hard)
    soft = F.one_hot(y, 2).double() * 0.6 + 0.2
    mixed = attack(models[0], x, soft, generator())
    # Some climb the loss of the soft labels, others that of their largest class: it may fall where the other rises.
    rises = [(attack_loss(models[0], mixed, labels) > attack_loss(models[0], x, labels)).all() for labels in (soft, y)]
    taught = isinstance(attack, Transfer)  # six images hardly teach a substitute: its points need not be better
    assert taught or any(bool(rise) for rise in rises)
    ensemble = Ensemble(models)
    y = ensemble(x).argmax(1)
    points = attack(ensemble, x, y, generator())
    before, after = (ensemble(where).log_softmax(1).gather(1, y[:, None]) for where in (x, points))
    assert bool((after != before if taught else after < before).all())


@attacks
@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_an_attack_works_where_gradients_are_off(attack: Attack, small: Classifier, context: Callable[[], Any]) -> None:
    x, y = faced(small)
    expected = attack(small, x, y, generator())
    with context():
        inside = (x.clone(), y.clone())
        torch.testing.assert_close(attack(small, *inside, generator()), expected)
    torch.testing.assert_close(attack(small, *inside, generator()), expected)


# Augmentations


@augmentations
@pytest.mark.parametrize("soft", [False, True])
def test_an_augmentation_keeps_shape_range_and_its_input(augmentation: Augmentation, soft: bool) -> None:
    if augmentation.needs_soft_labels and not soft:
        return
    x, hard = batch(count=9)
    y = F.one_hot(hard, 4).float() if soft else hard
    copies, stream = (x.clone(), y.clone()), torch.get_rng_state()
    for seed in range(5):
        new, labels = augmentation(x, y, generator(seed))
        again, _ = augmentation(x, y, generator(seed))
        assert new.shape == x.shape
        assert new.dtype == x.dtype
        assert float(new.min()) >= 0
        assert float(new.max()) <= 1
        assert labels.shape == y.shape
        assert labels.dtype == y.dtype
        assert torch.equal(new, again)
        if soft:
            torch.testing.assert_close(labels.sum(1), torch.ones(9))
            assert float(labels.min()) >= 0
    assert torch.equal(x, copies[0])
    assert torch.equal(y, copies[1])
    assert torch.equal(torch.get_rng_state(), stream)


@augmentations
def test_an_augmentation_takes_colour_oblong_images_and_one_image(augmentation: Augmentation) -> None:
    for shape in ((1, 3, 10, 14), (4, 3, 14, 10)):
        x, y = torch.rand(shape, generator=generator()), F.one_hot(torch.zeros(shape[0]).long(), 2).float()
        assert augmentation(x, y, generator())[0].shape == shape


# Corruptions


@corruptions
def test_a_corruption_keeps_shape_range_and_its_input(corruption: Corruption) -> None:
    x, _ = batch(size=28, count=3)
    x = (x * 255).round() / 255
    copy, stream = x.clone(), torch.get_rng_state()
    new = corruption(x, generator())
    assert new.shape == x.shape
    assert new.dtype == x.dtype
    assert float(new.min()) >= 0
    assert float(new.max()) <= 1
    assert not torch.equal(new, x)
    assert torch.equal(new, corruption(x, generator()))
    assert torch.equal(x, copy)
    assert torch.equal(torch.get_rng_state(), stream)


# Objectives


@objectives
def test_an_objective_gives_a_loss_with_gradients_and_the_logits_of_its_images(
    objective: Objective, small: Classifier
) -> None:
    x, y = batch()
    stream = torch.get_rng_state()
    small.eval()
    given = Batch(x, y, torch.rand(x.shape, generator=generator(1)))
    value, logits = objective(small, given, generator())
    assert value.shape == ()
    assert bool(value.isfinite())
    torch.testing.assert_close(logits, small(x))
    value.backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is not None and bool(weight.grad.isfinite().all()) for weight in small.parameters())
    again = objective(small, given, generator()).value
    torch.testing.assert_close(again, value)
    soft = objective(small, Batch(x, F.one_hot(y, 4).float(), given.outliers), generator()).value
    torch.testing.assert_close(soft, value)
    assert torch.equal(torch.get_rng_state(), stream)


# Sources of outliers


@sources
@pytest.mark.parametrize("shape", [(5, 1, 12, 12), (3, 3, 10, 14), (1, 1, 12, 9)])
def test_a_source_draws_outliers_of_the_batchs_shape_from_its_generator(
    source: OutlierSource, shape: tuple[int, int, int, int]
) -> None:
    g = generator(2)
    x = torch.rand(shape, generator=g)
    pixels = torch.randint(0, 256, (8, *shape[1:]), generator=g).to(torch.uint8)
    other = Images(name="other", x=pixels, y=torch.zeros(8, dtype=torch.int64), classes=("any",))
    copy, stream = x.clone(), torch.get_rng_state()
    draw = source.open({"fashion_mnist": other})
    for dtype in (torch.float32, torch.float64):
        found = draw(x.to(dtype), generator())
        assert found.shape == x.shape
        assert found.dtype == dtype
        assert float(found.min()) >= 0
        assert float(found.max()) <= 1
        assert torch.equal(found, draw(x.to(dtype), generator()))
        assert not any(torch.equal(one, image) for one, image in zip(found, x.to(dtype), strict=True))
    assert not torch.equal(draw(x, generator(4)), draw(x, generator(5)))
    assert torch.equal(x, copy)
    assert torch.equal(torch.get_rng_state(), stream)
    assert source.seen


# Anomaly scores


class Headed(Classifier):
    """The small network with its last layer known to be linear."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model

    @property
    def linear_head(self) -> LinearHead:
        last = self.model.last
        return LinearHead(last.weight, last.bias)  # type: ignore[union-attr, arg-type]

    def features(self, x: Tensor) -> Tensor:
        return self.model.features(x)

    def head(self, features: Tensor) -> Tensor:
        return self.model.head(features)


def scored(score: AnyScore, model: Classifier, train: Training | None, outputs: Outputs, x: Tensor) -> Tensor:
    if isinstance(score, ImageScore):
        return score.fit(model, train)(outputs, x)
    return score.fit(model, train)(outputs)


@scores
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_score_is_one_finite_number_an_image_whatever_shares_its_batch(
    score: AnyScore, kind: torch.dtype, small: Classifier
) -> None:
    other = deepcopy(small)
    other.last.weight.data = -small.last.weight.data  # type: ignore[union-attr, operator]
    other.body[6].weight.data *= -1  # type: ignore[union-attr, index]
    model = Ensemble([Headed(small), Headed(other)]).to(kind).train()
    x, past = (torch.rand(n, 1, 12, 12, generator=generator(n), dtype=kind) for n in (30, 60))
    train = Training(*predict_all(model, past), torch.arange(60) % 4)
    outputs = predict_all(model, x)
    copies, stream = [tensor.clone() for tensor in (*train, *outputs, x)], torch.get_rng_state()
    found = scored(score, model, train, outputs, x)
    assert found.shape == (30,)
    assert bool(found.isfinite().all())
    assert not found.requires_grad
    pieces = [
        scored(score, model, train, Outputs(outputs.features[i : i + 7], outputs.logits[i : i + 7]), x[i : i + 7])
        for i in range(0, 30, 7)
    ]
    torch.testing.assert_close(torch.cat(pieces), found, rtol=1e-4, atol=1e-4)
    for copy, tensor in zip(copies, (*train, *outputs, x), strict=True):
        assert torch.equal(copy, tensor)
    assert torch.equal(torch.get_rng_state(), stream)
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())


@scores
def test_a_score_says_what_it_lacks(score: AnyScore, small: Classifier) -> None:
    x, _ = batch()
    train = Training(*predict_all(small, x), torch.arange(6) % 4)
    if score.needs_train:
        with pytest.raises(BadValueError, match=f"{score.name}: expected the model's outputs on training images"):
            score.fit(Headed(small), None)
    if score.needs_linear_head:
        with pytest.raises(BadValueError, match=f"{score.name}: expected a head that is linear"):
            score.fit(small, train)
