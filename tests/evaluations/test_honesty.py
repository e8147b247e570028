"""Masked models raise flags, and honest ones raise none: small networks, trained here, and models made by hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assay.attacks import APGD, FGSM, PGD, Attack, Square
from assay.attacks.norms import Norm
from assay.classifier import Classifier
from assay.data.images import Images
from assay.data.task import Task
from assay.errors import ContractError, GradientError
from assay.evaluations import Adversarial, Measurement, Observations, honesty

ATTACKS = (FGSM(eps=0.1), PGD(eps=0.1, steps=20, early_stop=True))
EVALUATION = Adversarial(attacks=ATTACKS, budgets=(0.1, 0.2, 0.3), examples=0)


def images(n: int, seed: int) -> Images:
    """Three classes of 6 x 6 pictures, a bright pair of rows each, under noise."""
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    x = 0.2 + 0.15 * torch.rand(n, 1, 6, 6, generator=g)
    for label in range(3):
        x[y == label, :, 2 * label : 2 * label + 2] += 0.45
    return Images(name="bars/test", x=(x * 255).to(torch.uint8), y=y, classes=("0", "1", "2"))


TASK = Task(name="bars", test=images(120, 1))


class Net(Classifier):
    """A small network; what enters it and what leaves it can be masked."""

    def __init__(self, before: Callable[[Tensor], Tensor] | None = None, scale: float = 1.0) -> None:
        super().__init__()
        self.n_classes, self.before, self.scale = 3, before, scale
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.body = nn.Sequential(nn.Flatten(), nn.Linear(36, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
            self.last = nn.Linear(32, 3)

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.body(x if self.before is None else self.before(x))
        return features

    def head(self, features: Tensor) -> Tensor:
        logits: Tensor = self.last(features)
        return logits * self.scale


def train(attack: Attack | None) -> Net:
    net, data = Net(), images(300, 2)
    x, y, draws = data.x.float() / 255, data.y, torch.Generator().manual_seed(3)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(60):
        points = x if attack is None else attack(net, x, y, draws)
        optimiser.zero_grad()
        F.cross_entropy(net(points), y).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return net.eval()


@pytest.fixture(scope="module")
def plain() -> Net:
    return train(None)


@pytest.fixture(scope="module")
def defended() -> Net:
    return train(PGD(eps=0.2, steps=7))


def masked(net: Net, before: Callable[[Tensor], Tensor] | None = None, scale: float = 1.0) -> Net:
    other = Net(before, scale)
    other.load_state_dict(net.state_dict())
    return other.eval()


def flags(evaluation: Adversarial, model: Classifier, task: Task = TASK) -> dict[str, float | None]:
    rows = evaluation.measure(evaluation.observe(model, task, seed=0))
    return {str(row.setting["check"]): row.value for row in rows if row.metric == "flag"}


def raised(found: dict[str, float | None]) -> set[str]:
    return {check for check, value in found.items() if value}


def test_honest_models_raise_none(plain: Net, defended: Net) -> None:
    for model in (plain, defended):
        found = flags(EVALUATION, model)
        assert set(found.values()) == {0.0}
        assert len(found) == 11
    worst = [EVALUATION.observe(model, TASK, seed=0).tensors["worst/0.2"].float().mean() for model in (plain, defended)]
    assert 0 < worst[0] < worst[1] - 0.2, "one falls where the other stands: neither is trivial"


def test_a_quantised_input_hides_every_gradient(plain: Net) -> None:
    found = flags(EVALUATION, masked(plain, lambda x: (x * 4).round() / 4))
    assert {"black_box_beats_gradients", "gradients_vanish", "unbounded_attack_fails"} <= raised(found)
    assert not {"loss_saturates", "gradients_broken", "model_is_random"} & raised(found)


def test_saturated_logits_blind_the_cross_entropy_but_not_the_margin(plain: Net) -> None:
    model = masked(plain, scale=1e4)
    found = flags(EVALUATION, model)
    assert {"black_box_beats_gradients", "loss_saturates", "unbounded_attack_fails"} <= raised(found)
    assert not {"gradients_vanish", "gradients_broken", "model_is_random"} & raised(found)
    by_logits = replace(EVALUATION, attacks=(APGD(eps=0.1, steps=20, loss="dlr"),))
    assert raised(flags(by_logits, model)) == {"loss_saturates"}, "an attack on the logits is not blinded"


def test_noise_in_the_model_is_told(plain: Net) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = flags(EVALUATION, masked(plain, lambda x: x + 0.3 * torch.randn(x.shape)))
    assert "model_is_random" in raised(found)
    assert not {"gradients_vanish", "loss_saturates", "gradients_broken"} & raised(found)


class Slope(torch.autograd.Function):
    """The identity, with gradients that say nothing: random, or NaN."""

    @staticmethod
    def forward(context: Any, x: Tensor, scale: float) -> Tensor:
        context.scale = scale
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        draws = torch.Generator().manual_seed(int(gradient.abs().sum() * 1e6) % 1000)
        return context.scale * torch.randn(gradient.shape, generator=draws), None


def test_random_gradients_lose_to_a_search_without(plain: Net) -> None:
    found = flags(EVALUATION, masked(plain, lambda x: Slope.apply(x, 1.0)))  # type: ignore[no-untyped-call]
    assert "black_box_beats_gradients" in raised(found)
    assert found["model_is_random"] == 0, "its predictions are not"


def broken(net: Net) -> Net:
    return masked(net, lambda x: Slope.apply(x, float("nan")))  # type: ignore[no-untyped-call]


def missing(net: Net) -> Net:
    return masked(net, lambda x: ((x * 4).round() / 4).detach())


@pytest.mark.parametrize("mask", [broken, missing])
def test_without_gradients_the_model_is_attacked_without_and_flagged(plain: Net, mask: Callable[[Net], Net]) -> None:
    model = mask(plain)
    seen = EVALUATION.observe(model, TASK, seed=0)
    rows = EVALUATION.measure(seen)
    accuracy = {
        (row.setting.get("attack"), row.setting.get("eps")): row for row in rows if row.metric.endswith("accuracy")
    }
    for eps in (0.1, 0.2, 0.3):
        assert accuracy["worst_case", eps].value is None
        assert (
            "gradients" in accuracy["worst_case", eps].reason or "differentiably" in accuracy["worst_case", eps].reason
        )
        assert accuracy["square(queries=200)", eps].n == 120
    assert accuracy["worst_case", None].value is None
    assert (accuracy["square(queries=200)", 0.3].value or 0.0) < 0.2, "it was never robust"
    assert accuracy[None, 0.0].value == 1
    assert not any(name.startswith(("worst/", "single/pgd", "outside/")) for name in seen.tensors)
    found = {str(row.setting["check"]): row.value for row in rows if row.metric == "flag"}
    assert raised(found) == {"gradients_broken"}
    assert found["black_box_beats_gradients"] is None
    assert found["model_is_random"] == 0


def test_in_l1_nothing_does_without_gradients(plain: Net) -> None:
    evaluation = Adversarial(attacks=(PGD(eps=1, steps=5, norm="l1"),), budgets=(1.0,), examples=0)
    with pytest.raises(GradientError, match="expected finite gradients"):
        evaluation.observe(broken(plain), TASK, seed=0)
    found = flags(evaluation, plain)
    assert found["black_box_beats_gradients"] is None
    assert found["gradients_broken"] == 0


def test_an_evaluations_own_black_box_attack_takes_that_place(plain: Net) -> None:
    evaluation = replace(EVALUATION, attacks=(PGD(eps=0.1, steps=3), Square(eps=0.1, queries=50)), checked=0)
    rows = evaluation.measure(evaluation.observe(broken(plain), TASK, seed=0))
    assert {row.setting["attack"] for row in rows if row.value is not None and "attack" in row.setting} == {"square"}
    assert not any(row.metric in ("flag", "evidence") for row in rows)


def test_an_error_of_another_kind_still_stops_the_run(plain: Net) -> None:
    assert issubclass(GradientError, ContractError)
    with pytest.raises(ContractError, match="expected finite numbers"):
        EVALUATION.observe(masked(plain, lambda x: x * float("nan")), TASK, seed=0)


def test_steps_too_small_to_get_anywhere(plain: Net) -> None:
    """FGSM, draws from a wide ball and Square all beat an attack that stays where it is."""
    lame = PGD(eps=0.1, steps=5, step_size=1e-6, random_start=False)
    found = raised(flags(replace(EVALUATION, attacks=(lame,), budgets=(0.4,)), plain))
    assert {"one_step_beats_many", "unbounded_attack_fails"} <= found
    assert not {"gradients_vanish", "loss_saturates", "gradients_broken", "model_is_random", "seed_decides"} & found


class Needle(Classifier):
    """Right where no pixel lies above 0.75, and without any slope: only a search finds the rest."""

    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return (x.flatten(1) - 0.75).sign().amax(1, keepdim=True)

    def head(self, features: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(features), features], 1)


def test_chance_beats_steps_without_a_slope() -> None:
    grey = Images(
        name="grey/test",
        x=torch.full((40, 1, 2, 2), 128, dtype=torch.uint8),
        y=torch.zeros(40).long(),
        classes=("0", "1"),
    )
    evaluation = Adversarial(attacks=(PGD(eps=0.1, steps=5),), budgets=(0.28,), examples=0)
    found = flags(evaluation, Needle(), Task(name="grey", test=grey))
    assert {"chance_beats_gradients", "gradients_vanish", "black_box_beats_gradients"} <= raised(found)
    assert found["unbounded_attack_fails"] is None, "it gives all of them one class"


class Waves(Classifier):
    """The margin is a cosine of the mean pixel: a full step of 0.2 comes back to where it began, half of it errs."""

    n_classes = 2

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1).mean(1, keepdim=True)

    def head(self, features: Tensor) -> Tensor:
        wave = torch.cos((features - 0.5) * 2 * torch.pi / 0.2)
        return torch.cat([wave, -wave], 1)


def test_what_withstands_one_step_alone_is_told() -> None:
    x = torch.full((60, 1, 2, 2), 128, dtype=torch.uint8)
    data = Task(name="grey", test=Images(name="grey/test", x=x, y=torch.zeros(60).long(), classes=("0", "1")))
    one = Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.2,), examples=0)
    assert raised(flags(one, Waves(), data)) == {"one_step_overstates"}, "PGD stands in for the steps it lacks"


@dataclass(frozen=True, kw_only=True)
class Lucky:
    """Fools half of the images, others each time."""

    name: ClassVar[str] = "lucky"
    version: ClassVar[int] = 1
    eps: float = 0.1
    norm: Norm = "linf"

    def at(self, eps: float) -> "Lucky":
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        lucky = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
        return torch.where(lucky, FGSM(eps=self.eps)(model, x, y, generator), x)


def test_an_attack_of_luck_differs_with_the_seed(plain: Net) -> None:
    assert "seed_decides" in raised(flags(replace(EVALUATION, attacks=(Lucky(),), budgets=(0.4,)), plain))


def test_the_budget_is_the_largest_at_which_half_stand() -> None:
    def stands(count: int) -> Tensor:
        return torch.arange(10) < count

    assert honesty.budget({0.1: stands(9), 0.2: stands(5), 0.3: stands(4)}) == 0.2
    assert honesty.budget({0.1: stands(4), 0.2: stands(0)}) == 0.1


def test_what_is_observed_of_a_linear_model(linear: Callable[[Tensor], Classifier]) -> None:
    """The margin's gradient of two classes is the difference of the weights; FGSM is the best attack."""
    g = torch.Generator().manual_seed(4)
    weight = torch.randn(2, 36, generator=g)
    model = linear(weight - weight.mean(1, keepdim=True))
    data = Images(name="two/test", x=TASK.test.x, y=TASK.test.y.clamp(max=1), classes=("0", "1"))
    seen = honesty.observe(model, data, ATTACKS, 0.01, "linf", 0)
    [own] = [item.detach() for item in model.parameters()]
    slope = own[data.y] - own[1 - data.y]
    torch.testing.assert_close(seen["check/gradient/margin"], slope.abs().amax(1))
    stands = (data.x.flatten(1) / 255 * slope).sum(1) > 0.01 * slope.abs().sum(1)
    for name in ("fgsm", "many", "again", "square", "draws"):
        assert torch.equal(seen[f"check/stands/{name}"], stands), name
    assert not bool((seen["check/stands/unbounded"] & seen["check/foolable"]).any())
    assert float(seen["check/eps"]) == 0.01
    norms: tuple[Norm, ...] = ("linf", "l2", "l1")
    for norm in norms:
        other = honesty.observe(model, data, (PGD(eps=1, steps=5, norm=norm),), 0.05, norm, 0)
        assert ("check/stands/square" in other) == (norm != "l1")
        assert not bool((other["check/stands/unbounded"] & other["check/foolable"]).any())


def test_the_same_seed_observes_the_same_and_a_part_of_the_images_is_enough(plain: Net) -> None:
    part = replace(EVALUATION, checked=30)
    first = part.observe(plain, TASK, seed=0)
    assert len(first.tensors["check/right"]) == 30
    again = part.observe(plain, TASK, seed=0)
    assert all(torch.equal(tensor, again.tensors[name]) for name, tensor in first.tensors.items())
    assert not any(name.startswith("check/") for name in replace(part, checked=0).observe(plain, TASK, seed=0).tensors)


def test_observations_from_before_the_checks_are_measured_and_say_so(plain: Net) -> None:
    seen = EVALUATION.observe(plain, TASK, seed=0)
    older = Observations(tensors={name: item for name, item in seen.tensors.items() if not name.startswith("check/")})
    rows, new = EVALUATION.measure(older), EVALUATION.measure(seen)

    def numbers(found: list[Measurement]) -> list[Measurement]:
        return [row for row in found if row.metric not in ("flag", "evidence")]

    assert numbers(rows) == numbers(new)
    unmeasured = [row.reason for row in rows if row.metric == "flag" and row.value is None]
    assert len(unmeasured) == 10
    assert all("older" in reason for reason in unmeasured)
