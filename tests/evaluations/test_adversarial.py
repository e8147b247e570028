from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from assay.attacks import EOT, FGSM, PGD, Attack, Counted, MultiTargeted, Square, Transfer, WorstCase
from assay.attacks.norms import Norm
from assay.classifier import Classifier
from assay.data.images import Images
from assay.data.task import Task
from assay.errors import BadValueError, ContractError
from assay.evaluations import Adversarial, Measurement, Observations
from assay.evaluations import adversarial as module
from assay.metrics.intervals import wilson
from assay.parts import canonical, describe


def task(n: int = 90, size: int = 4, classes: int = 2) -> Task:
    """Pixels in the middle of [0, 1], so that no budget up to 0.25 meets its border."""
    g = torch.Generator().manual_seed(0)
    x = torch.randint(70, 186, (n, 1, size, size), generator=g, dtype=torch.uint8)
    y = torch.randint(0, classes, (n,), generator=g)
    return Task(
        name="toy", test=Images(name="toy/test", x=x, y=y, classes=tuple(str(label) for label in range(classes)))
    )


def value(rows: list[Measurement], metric: str, **setting: Any) -> float | None:
    [row] = [row for row in rows if row.metric == metric and dict(row.setting) == setting]
    return row.value


@pytest.fixture
def model(linear: Any) -> Classifier:
    g = torch.Generator().manual_seed(4)
    weight = torch.randn(2, 16, generator=g)
    made: Classifier = linear(weight - weight.mean(1, keepdim=True))
    return made


def margins(model: Classifier, task: Task) -> tuple[Tensor, Tensor]:
    """The label's logit minus the other's (N,), and w_label - w_other (N, D)."""
    [weight] = list(model.parameters())
    x, y = task.test.x.flatten(1).double() / 255, task.test.y
    slope = (weight[y] - weight[1 - y]).detach().double()
    return (x * slope).sum(1), slope


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("single", [False, True])
def test_robust_accuracy_of_a_linear_model(model: Classifier, norm: Norm, single: bool) -> None:
    """An image stands at eps if and only if its margin exceeds eps times the dual norm of the slope."""
    data = task()
    budgets = {"linf": (0.02, 0.1, 0.2), "l2": (0.05, 0.2, 0.5), "l1": (0.05, 0.15, 0.25)}[norm]
    attacks = (FGSM(eps=0.1, norm=norm), PGD(eps=0.1, steps=5, norm=norm, early_stop=True))
    evaluation = Adversarial(attacks=attacks, budgets=budgets, single=single, checked=0)
    seen = evaluation.observe(model, data, seed=0)
    rows = evaluation.measure(seen)
    margin, slope = margins(model, data)
    dual = torch.linalg.vector_norm(slope, ord={"linf": 1, "l2": 2, "l1": torch.inf}[norm], dim=1)
    curve = []
    for eps in budgets:
        stands = margin > eps * dual
        assert torch.equal(seen.tensors[f"worst/{eps:g}"], stands)
        curve.append(float(stands.double().mean()))
        assert value(rows, "accuracy", attack="worst_case", eps=eps) == pytest.approx(curve[-1])
        if single:
            assert torch.equal(seen.tensors[f"single/fgsm/{eps:g}"], stands)
            assert value(rows, "accuracy", attack="fgsm", eps=eps) == pytest.approx(curve[-1])
    assert value(rows, "accuracy", eps=0.0) == pytest.approx(float((margin > 0).double().mean()))
    assert value(rows, "mean_accuracy", attack="worst_case") == pytest.approx(sum(curve) / 3)
    assert 1 > curve[0] > curve[1] >= curve[2]
    assert {row.metric for row in rows} == {"accuracy", "mean_accuracy", "queries_per_image", "gradients_per_image"}
    assert seen.notes == {}


def test_intervals_directions_and_counts(model: Classifier) -> None:
    evaluation = Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,), checked=0)
    for row in evaluation.measure(evaluation.observe(model, task(), seed=0)):
        assert row.n == 90
        if row.metric.endswith("per_image"):
            assert row.higher_is_better is row.low is None
            continue
        assert row.higher_is_better
        assert row.value is not None
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.value <= row.high
        if row.metric == "accuracy":
            assert (row.low, row.high) == wilson(round(row.value * 90), 90)


@pytest.mark.parametrize("single", [False, True])
def test_what_attacks_cost_is_counted(model: Classifier, single: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """FGSM looks once at each image that it is given; PGD, with 3 steps and a judge of its own, three times or less."""
    monkeypatch.setattr(module, "CHUNK", 40)
    evaluation = Adversarial(
        attacks=(FGSM(eps=0.1), PGD(eps=0.1, steps=3)), budgets=(0.02, 0.1), single=single, examples=3
    )
    seen = evaluation.observe(model, task(), seed=0)
    rows, tensors = evaluation.measure(seen), seen.tensors
    assert tensors["cost/fgsm"].shape == (3, 2)
    if single:
        given = {"fgsm": 2 * 90, "pgd": 2 * 90}
    else:  # on a linear model PGD finds no more than FGSM, which has gone before it
        given = {"fgsm": int(tensors["clean"].sum() + tensors["worst/0.02"].sum())}
        given["pgd"] = int(tensors["worst/0.02"].sum() + tensors["worst/0.1"].sum())
    for attack, steps in (("fgsm", 1), ("pgd", 3)):
        assert value(rows, "gradients_per_image", attack=attack) == pytest.approx(given[attack] * steps / 90)
        assert value(rows, "queries_per_image", attack=attack) == pytest.approx(given[attack] * steps / 90)


def test_an_attack_made_of_others_is_estimated_to_cost_what_they_do() -> None:
    def passes(*attacks: Attack) -> float:
        return Adversarial(attacks=attacks, budgets=(0.1,), single=False).passes

    pgd = PGD(eps=0.1, steps=5)
    assert passes(WorstCase(eps=0.1)) == pytest.approx(passes(*WorstCase(eps=0.1).attacks))
    assert passes(EOT(attack=pgd, samples=4)) == pytest.approx(4 * passes(pgd))
    assert passes(MultiTargeted(eps=0.1, steps=5)) > 7 * passes(replace(pgd, early_stop=True))
    assert passes(Square(eps=0.1)) > 5000


@dataclass(frozen=True, kw_only=True)
class Walker:
    """Goes half of the way to its ball's corner, and remembers from where it was sent."""

    name: ClassVar[str] = "walker"
    version: ClassVar[int] = 1
    continuing: ClassVar[bool] = True
    eps: float = 0.1
    norm: Norm = "linf"
    starts: list[Tensor | None] = field(default_factory=list, compare=False)

    def at(self, eps: float) -> "Walker":
        return replace(self, eps=eps)

    def __call__(
        self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, start: Tensor | None = None
    ) -> Tensor:
        del model, y, generator
        self.starts.append(None if start is None else start - x)
        return x + self.eps / 2


def test_an_attack_goes_on_at_a_larger_budget_where_it_ended(linear: Any) -> None:
    constant = linear(torch.zeros(2, 16))  # no image falls
    for single in (False, True):
        walker = Walker()
        evaluation = Adversarial(attacks=(walker,), budgets=(0.1, 0.2), examples=0, single=single, checked=0)
        evaluation.observe(constant, task(), seed=0)
        before, after = walker.starts
        assert before is None
        if single:  # each attack's own accuracy at each budget is its own
            assert after is None
        else:
            assert after is not None
            torch.testing.assert_close(after, torch.full_like(after, 0.1))


def test_pieces_that_were_kept_are_not_computed_again(model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 40)
    evaluation, kept = Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,), examples=0), dict[str, dict[str, Tensor]]()

    def pieces(name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        made.append(name)
        if name not in kept:
            kept[name] = make()
        return kept[name]

    made: list[str] = []
    whole = evaluation.observe(model, task(), seed=0, pieces=pieces)
    assert made == ["0-40", "40-80", "80-120"]
    kept["40-80"] = {key: ~tensor if tensor.dtype == torch.bool else tensor for key, tensor in kept[made[1]].items()}
    again = evaluation.observe(model, task(), seed=0, pieces=pieces)
    changed = again.tensors["worst/0.1"] != whole.tensors["worst/0.1"]
    assert torch.equal(changed.nonzero().squeeze(1), torch.arange(40, 80))  # what was kept is taken as it is


@pytest.mark.parametrize("wrong", [("pgd",), PGD(eps=0.1, steps=1), "pgd"])
def test_what_is_no_tuple_of_attacks_is_refused(wrong: Any) -> None:
    with pytest.raises(BadValueError, match="attacks: expected a tuple of attacks"):
        Adversarial(attacks=wrong)
    with pytest.raises(BadValueError, match="budgets: expected a tuple"):
        Adversarial(budgets=0.3)  # type: ignore[arg-type]


class Noisy(Classifier):
    """Linear, with noise on the pixels from the global stream."""

    def __init__(self, inside: Classifier) -> None:
        super().__init__()
        self.n_classes, self.inside = inside.n_classes, inside

    def features(self, x: Tensor) -> Tensor:
        return self.inside.features(x + 0.1 * torch.randn_like(x))

    def head(self, features: Tensor) -> Tensor:
        return self.inside.head(features)


def test_a_random_model_is_measured_the_same_each_time(model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 40)
    evaluation, kept = Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,)), dict[str, dict[str, Tensor]]()

    def pieces(name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        kept.setdefault(name, make() if name not in kept else {})
        return kept[name]

    before = torch.get_rng_state()
    whole = evaluation.observe(Noisy(model), task(), seed=0, pieces=pieces).tensors
    kept.pop("40-80")
    again = evaluation.observe(Noisy(model), task(), seed=0, pieces=pieces).tensors  # as after an interrupt
    assert torch.equal(torch.get_rng_state(), before)
    assert all(
        torch.equal(tensor, again[name]) for name, tensor in whole.items() if name.startswith(("worst/", "single/"))
    )
    other = evaluation.observe(Noisy(model), task(), seed=1).tensors
    assert not torch.equal(whole["worst/0.1"], other["worst/0.1"])


@dataclass(frozen=True, kw_only=True)
class Rogue:
    """An attack that breaks its contract in the way it is told."""

    name: ClassVar[str] = "rogue"
    version: ClassVar[int] = 1
    eps: float = 0.1
    norm: Norm = "linf"
    does: str = "leave the ball"

    def at(self, eps: float) -> "Rogue":
        return replace(self, eps=eps)

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        fgsm = FGSM(eps=1.0, norm=self.norm)
        if self.does == "leave the ball":
            return fgsm(model, x, y, generator)
        if self.does == "change its input":
            return x.copy_(fgsm(model, x, y, generator))
        if self.does == "give NaN":
            return x * float("nan")
        if self.does == "lose images":
            return x[1:]
        if self.does == "weaken":
            return fgsm.at(max(0.0, 0.2 - self.eps))(model, x, y, generator)
        raise BadValueError("rogue: it raises")


@pytest.mark.parametrize("does", ["leave the ball", "change its input"])
def test_an_attack_that_leaves_its_ball_gains_nothing_and_is_named(model: Classifier, does: str) -> None:
    data = task()
    evaluation = Adversarial(attacks=(Rogue(does=does),), budgets=(0.02, 0.1))
    seen = evaluation.observe(model, data, seed=0)
    margin, slope = margins(model, data)
    for eps in (0.02, 0.1):  # what is brought back into the ball is the closed form's point
        assert torch.equal(seen.tensors[f"worst/{eps:g}"], margin > eps * slope.abs().sum(1))
    assert value(evaluation.measure(seen), "out_of_bounds", attack="rogue") == 90
    assert "outside its budget or [0, 1] for 90 images" in seen.notes["out of bounds/rogue"]


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("give NaN", r"rogue\(eps=0.02, does='give NaN'\): expected finite points"),
        ("lose images", r"expected points of shape \(90, 1, 4, 4\), got \(89, 1, 4, 4\)"),
    ],
)
def test_points_that_cannot_be_judged_are_refused(model: Classifier, does: str, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        Adversarial(attacks=(Rogue(does=does),), budgets=(0.02, 0.1)).observe(model, task(), seed=0)


def test_an_attacks_own_error_comes_through(model: Classifier) -> None:
    with pytest.raises(BadValueError, match="rogue: it raises"):
        Adversarial(attacks=(Rogue(does="raise"),), budgets=(0.1,)).observe(model, task(), seed=0)


def test_accuracy_that_rises_with_the_budget_is_reported_but_not_in_the_worst_case(model: Classifier) -> None:
    evaluation = Adversarial(attacks=(Rogue(does="weaken", eps=0.3),), budgets=(0.02, 0.2))
    rows = evaluation.measure(evaluation.observe(model, task(), seed=0))
    before, after = (value(rows, "accuracy", attack="rogue", eps=eps) for eps in (0.02, 0.2))
    assert before is not None
    assert after is not None
    assert after > before
    assert value(rows, "accuracy_rise", attack="rogue", eps=0.2) == pytest.approx(after - before)
    curve = [value(rows, "accuracy", attack="worst_case", eps=eps) for eps in (0.02, 0.2)]
    assert curve == [before, before]


def test_the_worst_case_falls_with_the_budget_and_lies_below_every_attack(small: Classifier) -> None:
    evaluation = Adversarial(
        attacks=(PGD(eps=0.1, steps=3), FGSM(eps=0.1), PGD(eps=0.1, steps=2, norm="linf", restarts=2)),
        budgets=(0.01, 0.02, 0.04, 0.08),
    )
    assert evaluation.labels == ("pgd(steps=3)", "fgsm", "pgd(steps=2, restarts=2)")
    data = task(n=60, size=12, classes=4)
    with torch.no_grad():
        for weight in small.parameters():
            weight.mul_(3)  # a steeper network, so that some images fall and some stand
        data = replace(data, test=replace(data.test, y=small.eval()(data.test.x / 255).argmax(1)))
    seen = evaluation.observe(small, data, seed=0).tensors
    standing = seen["clean"]
    for eps in evaluation.budgets:
        singles = torch.stack([seen[f"single/{label}/{eps:g}"] for label in evaluation.labels])
        standing = standing & singles.all(0)
        assert torch.equal(seen[f"worst/{eps:g}"], standing)
    assert int(seen["worst/0.01"].sum()) > int(seen["worst/0.08"].sum())


def same(a: Observations, b: Observations) -> bool:
    return a.tensors.keys() == b.tensors.keys() and all(
        torch.equal(tensor, b.tensors[key]) for key, tensor in a.tensors.items()
    )


def test_the_same_seed_gives_the_same_observations(small: Classifier) -> None:
    data = task(n=40, size=12, classes=4)
    small.train()
    evaluation = Adversarial(attacks=(PGD(eps=0.1, steps=2),), budgets=(0.01, 0.02))
    first = evaluation.observe(small, data, seed=0)
    assert same(evaluation.observe(small, data, seed=0), first)
    assert not same(evaluation.observe(small, data, seed=1), first)
    assert all(module.training for module in small.modules())


def test_each_chunk_has_its_own_draws_and_progress_ends_at_one(
    small: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is observed of the first chunk does not depend on how many follow."""
    monkeypatch.setattr(module, "CHUNK", 16)
    data = task(n=40, size=12, classes=4)
    evaluation = Adversarial(attacks=(FGSM(eps=0.1), PGD(eps=0.1, steps=2)), budgets=(0.01, 0.02))
    fractions: list[float] = []
    seen = evaluation.observe(small, data, 0, fractions.append).tensors
    assert len(fractions) == 3 * 2 * 2
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    part = evaluation.observe(small, replace(data, test=data.test.take(slice(0, 16))), 0).tensors
    for key, tensor in part.items():
        if not key.startswith(("example/", "cost/", "check/")):
            assert torch.equal(seen[key][:16], tensor)


def test_a_substitute_is_taught_once_for_all_chunks_and_budgets(
    model: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 30)
    counted, attack = Counted(model), Transfer(eps=0.1, seeds=20, rounds=1, epochs=2)
    evaluation = Adversarial(attacks=(FGSM(eps=0.1), attack), budgets=(0.1, 0.2), examples=0, checked=0)
    seen = evaluation.observe(counted, task(), seed=0)
    clean, teaching, agreement = 90, 40, 30
    struck = 2 * (90 + 90), 2 * (90 + 90)  # FGSM's gradient and Transfer's query, each with the verdict
    assert counted.forwarded == clean + teaching + agreement + sum(struck)
    assert counted.differentiated == 2 * 90
    assert seen.tensors["cost/transfer"].sum(0).tolist() == [teaching + 2 * 90, 0]
    [(name, text)] = seen.notes.items()
    assert name == "substitute/transfer"
    assert "% of 30 test images the model's class" in text
    again = evaluation.observe(model, task(), seed=0)
    assert again.notes == seen.notes
    assert all(torch.equal(again.tensors[key], tensor) for key, tensor in seen.tensors.items())
    alone = replace(evaluation, attacks=(FGSM(eps=0.1),)).observe(model, task(), seed=0)
    assert not alone.notes
    for key in ("single/fgsm/0.1", "single/fgsm/0.2"):
        assert torch.equal(alone.tensors[key], seen.tensors[key])


def test_examples_show_the_last_attack(model: Classifier) -> None:
    data = task()
    evaluation = Adversarial(attacks=(FGSM(eps=0.1), PGD(eps=0.1, steps=5)), budgets=(0.02, 0.1), examples=4)
    seen = evaluation.observe(model, data, seed=0).tensors
    _, slope = margins(model, data)
    torch.testing.assert_close(seen["example/clean"], data.test.x[:4].float() / 255)
    assert torch.equal(seen["example/label"], data.test.y[:4])
    for eps in (0.02, 0.1):
        points = seen[f"example/adversarial/{eps:g}"]
        expected = seen["example/clean"] - eps * slope[:4].sign().view_as(points).float()
        torch.testing.assert_close(points, expected)
        assert torch.equal(seen[f"example/prediction/{eps:g}"], model(points).argmax(1))
    none = replace(evaluation, examples=0).observe(model, data, seed=0).tensors
    assert not any(key.startswith("example/") for key in none)


def test_a_sample_of_the_images(model: Classifier) -> None:
    evaluation = Adversarial(attacks=(FGSM(eps=0.1),), budgets=(0.1,), images=30)
    assert len(evaluation.observe(model, task(), seed=0).tensors["clean"]) == 30


def test_names_and_refusals(linear: Any) -> None:
    assert describe(Adversarial()) == "adversarial"
    assert canonical(Adversarial()) == {"name": "adversarial", "version": 2}
    assert [describe(attack) for attack in Adversarial().attacks] == [
        "fgsm(eps=0.3)",
        "pgd(eps=0.3, steps=40, early_stop=True)",
    ]
    with pytest.raises(BadValueError, match="budgets: expected ascending numbers > 0"):
        Adversarial(budgets=(0.2, 0.2))
    with pytest.raises(BadValueError, match="budgets: expected ascending numbers > 0"):
        Adversarial(budgets=(0.0, 0.2))
    with pytest.raises(BadValueError, match="adversarial: budgets: expected a number >= 0, got -1"):
        Adversarial(budgets=(-1, 0.2))
    with pytest.raises(BadValueError, match="attacks: expected at least one, all of one norm"):
        Adversarial(attacks=(FGSM(eps=0.1), FGSM(eps=0.1, norm="l2")))
    with pytest.raises(BadValueError, match="attacks: expected different ones, got fgsm, fgsm"):
        Adversarial(attacks=(FGSM(eps=0.1), FGSM(eps=0.2)))
    with pytest.raises(BadValueError, match=r"toy/test: expected labels in 0\.\.1, as the model has 2 classes, got 3"):
        Adversarial().observe(linear(torch.ones(2, 16)), task(classes=4), seed=0)


def test_a_worst_case_among_the_attacks_gives_the_worst_case_alone() -> None:
    with pytest.raises(BadValueError, match="worst_case has no accuracy of its own; give single=False with it"):
        Adversarial(attacks=(WorstCase(eps=0.3),))
    assert Adversarial(attacks=(WorstCase(eps=0.3),), single=False).labels == ("worst_case",)
