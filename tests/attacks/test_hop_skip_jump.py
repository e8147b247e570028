import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.attacks.counted import Counted
from assay.attacks.decisions import BLOCK, Decisions
from assay.attacks.hop_skip_jump import HopSkipJump
from assay.attacks.norms import Norm, lengths
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError
from assay.parts import describe

Scene = tuple[Classifier, Tensor, Tensor]
NORMS: list[Norm] = ["linf", "l2"]
norms = pytest.mark.parametrize("norm", NORMS)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Labels(Classifier):
    """A model that tells its predicted class alone, as a one-hot row."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model

    def features(self, x: Tensor) -> Tensor:
        return F.one_hot(self.model(x).argmax(1), self.n_classes).to(x.dtype)

    def head(self, features: Tensor) -> Tensor:
        return features


@pytest.fixture
def scene(trained: Scene) -> Scene:
    """A trained network, and images that it gets right."""
    model, x, y = trained
    right = model(x).argmax(1) == y
    return model, x[right][:20], y[right][:20]


@norms
def test_it_knows_the_predicted_class_alone(scene: Scene, norm: Norm) -> None:
    model, x, y = scene
    attack = HopSkipJump(eps=9, queries=400, norm=norm)
    points = attack(model, x, y, generator())
    assert bool((model(points).argmax(1) != y).all())
    assert torch.equal(attack(Labels(model), x, y, generator()), points)


@norms
def test_more_queries_come_nearer(scene: Scene, norm: Norm) -> None:
    x = scene[1]
    few, many = (HopSkipJump(eps=9, queries=queries, norm=norm)(*scene, generator()) for queries in (150, 1500))
    near, far = lengths(many - x, norm), lengths(few - x, norm)
    assert bool((near <= far).all())
    assert float(near.median()) < 0.7 * float(far.median())


@norms
def test_a_budget_is_used_up_and_never_exceeded(scene: Scene, norm: Norm) -> None:
    model, x, y = scene
    counted = Counted(model)
    for queries in (2, 3, 11, 40, 333, 700):
        for i in range(3):
            counted.reset()
            HopSkipJump(eps=9, queries=queries, norm=norm)(counted, x[i : i + 1], y[i : i + 1], generator())
            # One is for the image; an estimate of one direction is not worth a bisection's queries.
            assert queries - 20 <= counted.forwarded - 1 <= queries
            assert counted.differentiated == 0


@norms
def test_early_stop_gives_the_same_verdict_for_fewer_queries(scene: Scene, norm: Norm) -> None:
    model, x, y = scene
    distance = lengths(HopSkipJump(eps=9, queries=800, norm=norm)(*scene, generator()) - x, norm)
    counts, fooled = [], []
    for early_stop in (False, True):
        attack = HopSkipJump(eps=float(distance.median()), queries=800, norm=norm, early_stop=early_stop)
        counted = Counted(model)
        fooled.append(model(attack(counted, x, y, generator())).argmax(1) != y)
        counts.append(counted.forwarded)
    assert torch.equal(fooled[0], fooled[1])
    assert 0 < int(fooled[0].sum()) < len(x)
    assert counts[1] < 0.9 * counts[0]


@norms
def test_the_points_stay_misclassified_in_any_batch(scene: Scene, norm: Norm) -> None:
    points = HopSkipJump(eps=9, queries=700, norm=norm)(*scene, generator())
    alone = torch.cat([scene[0](point[None]) for point in points])
    assert bool((alone.argmax(1) != scene[2]).all())


@norms
def test_a_point_beyond_eps_is_drawn_back_to_the_ball(scene: Scene, norm: Norm) -> None:
    points = HopSkipJump(eps=1e-3, queries=200, norm=norm)(*scene, generator())
    torch.testing.assert_close(lengths(points - scene[1], norm), torch.full((20,), 1e-3), rtol=0.05, atol=0)


def test_an_image_without_a_start_comes_back_as_it_is(linear: Any) -> None:
    """A model of one answer, asked about 100 images of noise and no more."""
    model = Counted(linear(torch.tensor([[1.0] * 4, [0.0] * 4])))
    x = torch.rand(3, 1, 2, 2, generator=generator())
    assert torch.equal(HopSkipJump(eps=0.5)(model, x, torch.zeros(3).long(), generator()), x)
    assert model.forwarded == 3 * 101


class Dark(Classifier):
    """The second of two classes where some square of 4 x 4 pixels is darker than 0.4 throughout."""

    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return -F.max_pool2d(x, 4).flatten(1).amin(1, keepdim=True)

    def head(self, features: Tensor) -> Tensor:
        return torch.cat([torch.full_like(features, -0.4), features], 1)


def test_a_class_that_all_fine_noise_belongs_to_has_starts() -> None:
    x = 0.7 + 0.2 * torch.rand(5, 1, 16, 16, generator=generator())
    y, model = torch.zeros(5).long(), Dark()
    assert not bool(model(torch.rand(200, 1, 16, 16, generator=generator())).argmax(1).any())
    points = HopSkipJump(eps=9, queries=300)(model, x, y, generator())
    assert bool(model(points).argmax(1).all())


@norms
def test_an_images_draws_do_not_depend_on_its_neighbours_fate(scene: Scene, norm: Norm) -> None:
    """In double precision, where batches of another size hardly differ in a decision."""
    model, x, y = copy.deepcopy(scene[0]).double(), scene[1].double(), scene[2]
    attack = HopSkipJump(eps=9, queries=400, norm=norm)
    together = attack(model, x, y, generator())
    others = y.clone()
    others[:12] = (y[:12] + 1) % 5
    alone = attack(model, x, others, generator())
    assert torch.equal(alone[:12], x[:12])
    torch.testing.assert_close(alone[12:], together[12:])


def test_the_estimate_is_the_sum_of_its_definition(small: Classifier) -> None:
    """Against a loop over images, with other numbers of directions each, over several blocks."""
    g = generator(5)
    with torch.no_grad():  # so that it gives noise several of its classes
        small.last.bias -= small.eval()(torch.rand(200, 1, 12, 12, generator=g)).mean(0)  # type: ignore[union-attr]
    x = torch.rand(4, 1, 12, 12, generator=g, dtype=torch.float64)
    small.double().eval()
    y = small(x).argmax(1)
    index, counts = torch.tensor([0, 2, 3]), torch.tensor([2, BLOCK + 30, 500])
    noise = F.normalize(torch.randn(500, 144, generator=g, dtype=torch.float64)).view(500, 1, 12, 12)
    radius = torch.tensor([0.5, 3, 9], dtype=torch.float64)
    decisions = Decisions(small, y, 1000)
    found = decisions.normals(index, x[index], radius, counts, noise)
    assert decisions.left.tolist() == [998, 1000, 1000 - BLOCK - 30, 500]
    mixed = 0
    for row, i in enumerate(index.tolist()):
        there = (x[i] + radius[row] * noise[: int(counts[row])]).clamp(0, 1)
        phi = torch.where(small(there).argmax(1) == y[i], -1.0, 1.0).double()
        mixed += bool(phi.mean().abs() < 1)
        weights = phi - phi.mean() if phi.mean().abs() < 1 else phi
        torch.testing.assert_close(found[row], (weights.view(-1, 1, 1, 1) * (there - x[i])).sum(0))
    assert mixed == 2  # of the third all agree


@norms
@pytest.mark.parametrize("shape", [(2, 3, 1, 9), (2, 1, 4, 2), (1, 2, 9, 5)])
def test_any_shape(linear: Any, norm: Norm, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape, generator=generator())
    model = linear(torch.randn(3, x[0].numel(), generator=generator()))
    y = model(x).argmax(1)
    points = HopSkipJump(eps=9, queries=300, norm=norm)(model, x, y, generator())
    assert bool((model(points).argmax(1) != y).all())


def test_names_and_refusals(linear: Any) -> None:
    assert describe(HopSkipJump(eps=0.3)) == "hop_skip_jump(eps=0.3)"
    assert HopSkipJump(eps=0.3, queries=7).at(0.1) == HopSkipJump(eps=0.1, queries=7)
    with pytest.raises(BadValueError, match="hop_skip_jump: queries: expected a whole number >= 2, got 1"):
        HopSkipJump(eps=0.3, queries=1)
    x, y = torch.rand(3, 1, 2, 2, generator=generator()), torch.zeros(3).long()
    with pytest.raises(ContractError, match="hop_skip_jump: expected finite logits"):
        HopSkipJump(eps=0.1)(linear(torch.full((2, 4), float("nan"))), x, y, generator())
