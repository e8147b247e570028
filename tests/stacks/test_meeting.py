"""What is done with several models at once is what is done with each."""

import copy
import gc
import threading
import time
import weakref
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from assay import fit as alone
from assay.architectures import Architecture, Ensemble, LeNet5, Mixer
from assay.attacks import (
    APGD,
    APGDT,
    EOT,
    FAB,
    FABT,
    FGSM,
    MIM,
    PGD,
    Attack,
    CarliniWagner,
    Counted,
    DeepFool,
    HopSkipJump,
    MultiTargeted,
    Square,
    Transfer,
    WorstCase,
)  # fmt: skip
from assay.attacks.base import Aim, input_gradient
from assay.classifier import Classifier, Outputs, evaluating, predict_all
from assay.data import Images, Task
from assay.errors import BadValueError
from assay.evaluations import Adversarial, Anomaly, Calibration, Decay, Evaluation, Observations, Rejection, Shift
from assay.parts import describe
from assay.randomness import derive
from assay.recipe import Recipe, Train
from assay.stacks import meeting, together

SHAPE = (1, 16, 16)


def bars(n: int = 60, seed: int = 0) -> Images:
    """A bright bar at the left, at the right or at the top, on noise."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 60, (n, *SHAPE), generator=generator).to(torch.uint8)
    y = torch.arange(n) % 3
    x[y == 0, :, :, :3] = 220
    x[y == 1, :, :, -3:] = 220
    x[y == 2, :, :3, :] = 220
    return Images(name="bars", x=x, y=y, classes=("left", "right", "top"))


def noise(n: int = 40) -> Images:
    x = torch.randint(0, 256, (n, *SHAPE), generator=torch.Generator().manual_seed(5)).to(torch.uint8)
    return Images(name="noise", x=x, y=torch.zeros(n, dtype=torch.int64), classes=("noise",))


TASK = Task(name="bars", train=bars(90), test=bars(seed=1), validation=bars(30, seed=2), outliers={"noise": noise()})


@pytest.fixture(scope="module")
def networks() -> list[Classifier]:
    """Three that were trained, less and less."""
    return [
        alone.fit(
            Recipe(train=Train(epochs=epochs, batch_size=10, learning_rate=3e-3)), TASK.train or bars(), seed=seed
        ).model
        for seed, epochs in enumerate((6, 3, 1))
    ]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many passes each joint one was for."""
    seen, init = list[int](), meeting._Joint.__init__

    def counted(self: Any, stack: Any, passes: Any) -> None:
        seen.append(len(passes))
        init(self, stack, passes)

    monkeypatch.setattr(meeting._Joint, "__init__", counted)
    return seen


def each(networks: Sequence[Classifier]) -> list[list[Classifier]]:
    return [[network] for network in networks]


@pytest.mark.parametrize("architecture", [LeNet5(), Mixer()], ids=["lenet5", "mixer"])
def test_outputs_and_gradients_of_batches_of_any_size(architecture: Architecture, passes: list[int]) -> None:
    own = [alone.build(Recipe(architecture=architecture), SHAPE, 3, seed).eval() for seed in range(3)]
    sizes = (5, 2, 7)

    def work(place: int, model: Classifier) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, y = torch.rand((sizes[place], *SHAPE), generator=derive(place)), torch.arange(sizes[place]) % 3
        with torch.no_grad():
            features, logits = model.outputs(x)
        return features, logits, *input_gradient(model, x, Aim(y))[1:]

    for place, found in enumerate(together(each(own), lambda place, models: work(place, models[0]))):
        assert isinstance(found, tuple)
        for ours, theirs in zip(found, work(place, own[place]), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-6)
    assert passes == [3, 3]


ATTACKS: tuple[Attack, ...] = (
    FGSM(eps=0.2),
    PGD(eps=0.2, steps=5, restarts=2, early_stop=True),
    PGD(eps=2, steps=5, norm="l2", target="least_likely"),
    MIM(eps=0.2, steps=4),
    APGD(eps=0.2, steps=10, loss="dlr"),
    APGDT(eps=0.2, steps=5, targets=2),
    CarliniWagner(eps=2, steps=5, searches=2),
    DeepFool(eps=2),
    FAB(eps=0.2, steps=5),
    FABT(eps=0.2, steps=5, targets=2),
    MultiTargeted(eps=0.2, steps=3, targets=2),
    WorstCase(eps=0.2, attacks=(APGD(eps=1, steps=5), Square(eps=1, queries=20))),
    EOT(attack=PGD(eps=0.2, steps=3), samples=2),
    Square(eps=0.2, queries=20),
    HopSkipJump(eps=0.2, queries=60),
    Transfer(eps=0.2, attack=PGD(eps=0.2, steps=3), seeds=20, rounds=1, epochs=2),
)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("attack", ATTACKS, ids=describe)
def test_an_attack_does_to_each_what_it_does_to_one(
    attack: Attack, members: int, networks: list[Classifier], passes: list[int]
) -> None:
    exact = [copy.deepcopy(network).double() for network in networks]  # no decision hangs on rounding
    groups = [exact[:members], exact[-members:]]
    x, y = TASK.test.x[:20].double() / 255, TASK.test.y[:20]

    def work(models: Sequence[Classifier]) -> tuple[Tensor, float, float]:
        model = Counted(models[0] if members == 1 else Ensemble(models).eval())
        with evaluating(model):
            ready = attack.prepare(model, x, derive(1)) if isinstance(attack, Transfer) else attack
            points = ready(model, x, y, derive(0))
        return points, model.forwarded, model.differentiated

    asked = []
    for found, group in zip(together(groups, lambda _, models: work(models)), groups, strict=True):
        assert isinstance(found, tuple), found
        points, *counts = work(group)
        # FAB goes to and fro on a boundary, where rounding chooses the side, of batches of another size too.
        assert torch.allclose(found[0], points, atol=1e-3 if attack.name in ("fab", "fab_t") else 1e-6)
        assert list(found[1:]) == counts
        asked.append(counts)
    assert sum(passes) > len(passes), "they were shared"


EVALUATIONS: tuple[Evaluation, ...] = (
    Calibration(),
    Shift(),
    Anomaly(),
    Rejection(),
    Decay(),
    Adversarial(
        attacks=(FGSM(eps=0.1), PGD(eps=0.1, steps=5, early_stop=True)), budgets=(0.05, 0.2), images=30, checked=10
    ),
    Adversarial(
        attacks=(APGD(eps=0.1, steps=5), Square(eps=0.1, queries=20)),
        budgets=(0.1, 0.3),
        images=30,
        single=False,
        checked=0,
    ),
)


def assert_alike(ours: Observations, theirs: Observations) -> None:
    """Rounding may turn a decision about one image."""
    assert ours.notes == theirs.notes
    assert ours.tensors.keys() == theirs.tensors.keys()
    for name, tensor in ours.tensors.items():
        differ = ~torch.isclose(tensor.double(), theirs.tensors[name].double(), rtol=1e-3, atol=1e-4, equal_nan=True)
        assert int(differ.flatten(1).any(1).sum() if differ.ndim > 1 else differ.sum()) <= 1, name


@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=lambda one: one.name)
def test_an_evaluation_sees_of_each_what_it_sees_of_one(evaluation: Evaluation, networks: list[Classifier]) -> None:
    state, threads = torch.get_rng_state(), threading.active_count()
    told: list[Counter[float]] = [Counter() for _ in networks]

    def observe(place: int, models: Sequence[Classifier]) -> Observations:
        return evaluation.observe(models[0], TASK, 0, lambda fraction: told[place].update([fraction]))

    for found, network in zip(together(each(networks), observe), networks, strict=True):
        assert isinstance(found, Observations), found
        assert_alike(found, evaluation.observe(network, TASK, 0))
    assert all(counts[1.0] for counts in told)
    assert torch.equal(torch.get_rng_state(), state)
    assert threading.active_count() == threads


def test_those_that_go_on_longer_share_what_is_left(networks: list[Classifier], passes: list[int]) -> None:
    def work(place: int, models: Sequence[Classifier]) -> int:
        for _ in range(3 * place + 2):
            predict_all(models[0], TASK.test.x)
        return place

    assert together(each(networks), work) == [0, 1, 2]
    assert passes == [3] * 2 + [2] * 3 + [1] * 3


def test_one_that_breaks_leaves_the_others(networks: list[Classifier]) -> None:
    def work(place: int, models: Sequence[Classifier]) -> Tensor:
        features = predict_all(models[0], TASK.test.x).features
        if place == 1:
            raise ValueError("broken")
        return features + predict_all(models[0], TASK.test.x).features

    first, broken, last = together(each(networks), work)
    assert isinstance(broken, ValueError)
    for found, network in ((first, networks[0]), (last, networks[2])):
        assert isinstance(found, Tensor)
        assert torch.allclose(found, 2 * predict_all(network, TASK.test.x).features, atol=1e-4)


@pytest.mark.parametrize("where", ["thread", "pass"])
def test_an_interrupt_ends_all_threads(where: str, networks: list[Classifier], monkeypatch: pytest.MonkeyPatch) -> None:
    threads, ended = threading.active_count(), list[int]()

    def work(place: int, models: Sequence[Classifier]) -> None:
        try:
            predict_all(models[0], TASK.test.x)
            if place == 1 and where == "thread":
                raise KeyboardInterrupt
            while True:
                predict_all(models[0], TASK.test.x)
        finally:
            ended.append(place)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if where == "pass":
        monkeypatch.setattr(meeting._Joint, "__init__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        together(each(networks), work)
    assert sorted(ended) == [0, 1, 2]
    deadline = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == threads


def test_no_graph_outlives_its_step(networks: list[Classifier], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for Python to look for cycles: on a GPU these are gigabytes."""
    made, alive, init = list[weakref.ref[Any]](), list[int](), meeting._Joint.__init__

    def counted(self: Any, stack: Any, passes: Any) -> None:
        made.append(weakref.ref(self))
        init(self, stack, passes)
        alive.append(sum(one() is not None for one in made))

    monkeypatch.setattr(meeting._Joint, "__init__", counted)
    x, y = TASK.test.x[:8].float() / 255, TASK.test.y[:8]
    gc.collect()
    gc.disable()
    try:
        together(each(networks), lambda _, models: PGD(eps=0.1, steps=10)(models[0], x, y, derive(0)))
        assert len(alive) >= 10
        assert max(alive) <= 2
        assert not any(one() for one in made)
    finally:
        gc.enable()


def test_it_works_inside_inference_mode_and_on_images_that_have_gradients(networks: list[Classifier]) -> None:
    x, y = TASK.test.x[:8].float() / 255, TASK.test.y[:8]

    def work(place: int, models: Sequence[Classifier]) -> Tensor:
        if place == 0:  # a pass without gradients, of images that could have some, beside passes with
            with torch.no_grad():
                return models[0].outputs(x[:3].clone().requires_grad_()).logits
        return input_gradient(models[0], x, Aim(y)).gradient

    with torch.inference_mode():
        found = together(each(networks), work)
    for place, (ours, network) in enumerate(zip(found, networks, strict=True)):
        assert isinstance(ours, Tensor), ours
        assert torch.allclose(ours, work(place, [network]), atol=1e-5)


def test_a_second_derivative_is_refused_and_not_wrong(networks: list[Classifier]) -> None:
    x, y = TASK.test.x[:4].float() / 255, TASK.test.y[:4]

    def work(models: Sequence[Classifier]) -> Tensor:
        leaf = x.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(models[0](leaf), y)
        [slope] = torch.autograd.grad(loss, leaf, create_graph=True)
        return torch.autograd.grad(loss + slope.square().sum(), leaf)[0]

    assert isinstance(work([networks[0]]), Tensor)
    for found in together(each(networks), lambda _, models: work(models)):
        assert isinstance(found, BadValueError)


class Sharper(Classifier):
    """A network whose outputs are not its head's."""

    def __init__(self, inside: Classifier) -> None:
        super().__init__()
        self.n_classes, self.inside = inside.n_classes, inside

    def features(self, x: Tensor) -> Tensor:
        return self.inside.features(x)

    def head(self, features: Tensor) -> Tensor:
        return self.inside.head(features)

    def outputs(self, x: Tensor) -> Outputs:
        features, logits = super().outputs(x)
        return Outputs(features, 10 * logits)


def test_a_network_that_does_more_than_features_and_head_is_refused(networks: list[Classifier]) -> None:
    with pytest.raises(BadValueError, match="Sharper: has outputs of its own, beside features and head"):
        together([[Sharper(network).eval()] for network in networks], lambda *_: None)


def test_groups_are_lists_of_networks(networks: list[Classifier]) -> None:
    wrong: Any
    for wrong in ([], networks, [[]]):
        with pytest.raises(
            BadValueError, match=r"groups: expected lists of networks, such as \[\[model\], \[other\]\]"
        ):
            together(wrong, lambda *_: None)
    wrong = [[torch.nn.Flatten()]]
    with pytest.raises(BadValueError, match=r"groups: expected networks as training gives them.*got Flatten"):
        together(wrong, lambda *_: None)


def test_a_stand_in_trains_and_differentiates_weights_by_itself(networks: list[Classifier], passes: list[int]) -> None:
    x = TASK.test.x[:4].float() / 255

    def work(models: Sequence[Classifier]) -> list[Tensor]:
        [model] = models
        gradients = torch.autograd.grad(model(x).sum(), list(model.parameters()))
        with evaluating(model):
            model.train()
            torch.manual_seed(0)
            return [*gradients, model(x).detach()]

    for found, network in zip(together(each(networks), lambda _, models: work(models)), networks, strict=True):
        assert isinstance(found, list), found
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, work([network]), strict=True))
    assert passes == []
