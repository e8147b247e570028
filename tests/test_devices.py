"""Everything runs where the model is: checked on a device that is not there, and on a GPU where there is one.

The device that is not there is a claim: its tensors hold values on the CPU, say that they lie elsewhere, and refuse to
meet tensors of the CPU as those of a GPU do. What is computed there must be what is computed on the CPU.
"""

import copy
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, replace
from typing import Any, Self

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.optim.adam import adam
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from assay import attacks, augmentations, corruptions, objectives, parts, scores
from assay.attacks import APGD, FABT, FGSM, PGD, Square
from assay.augmentations import CutOut, MixUp
from assay.cells import Given, compute, compute_stack
from assay.classifier import Classifier
from assay.data import Images, Task
from assay.evaluations import Adversarial, Anomaly, Calibration, Evaluation, Rejection, Shift
from assay.fit import build
from assay.objectives import Batch, Free, MixedAdversarial, OutlierExposure, Trades
from assay.outliers import Noise
from assay.packing import unpack_weights
from assay.plan import Plan, plan
from assay.posthoc import BBQ, Histogram, MCDropout, Platt, Temperature, Vector
from assay.recipe import Recipe, Train, part_classes
from assay.study import Study
from assay.weights import SWAG, Snapshots

gpu = pytest.mark.gpu
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")

ELSEWHERE = torch.device("meta")  # a type of device that every torch knows
aten = torch.ops.aten
PLACES = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)  # whose indices may lie on the CPU


class There(Tensor):
    """A tensor that claims to lie elsewhere, and holds its values on the CPU."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, held: Tensor) -> "There":
        made: There = Tensor._make_wrapper_subclass(
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=ELSEWHERE
        )
        made.held = held.detach()
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        kwargs = dict(kwargs or {})
        _check(func, args, kwargs)
        back = "device" in kwargs and _is(kwargs["device"], torch.device("cpu"))
        if kwargs.get("device") is not None:
            kwargs["device"] = torch.device("cpu")
        held_args, held_kwargs = tree_map_only(There, lambda there: there.held, (args, kwargs))
        found = func(*held_args, **held_kwargs)
        if "out" in kwargs:
            return kwargs["out"]
        if func._schema.name.endswith("_"):
            return args[0]
        return found if back else tree_map_only(Tensor, There, found)


def _is(device: Any, wanted: torch.device) -> bool:
    return isinstance(device, str | torch.device) and torch.device(device).type == wanted.type


def _check(func: Any, args: Any, kwargs: Any) -> None:
    """Raise where a GPU's tensors would refuse: to meet those of the CPU, but for single numbers, copies and places."""
    if func in (aten.copy_.default, aten._to_copy.default):
        return
    meeting = [args[0], *args[2:3]] if func in PLACES else tree_leaves((args, kwargs))
    for item in meeting:
        if isinstance(item, Tensor) and not isinstance(item, There) and (item.ndim > 0 or func in PLACES[:1]):
            raise RuntimeError(f"{func}: a tensor {tuple(item.shape)} on the CPU meets one elsewhere")


class _Made(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside, tensors made elsewhere are `There`."""

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given = any(isinstance(item, Tensor) for item in tree_leaves((args, kwargs)))
        if not given and _is(kwargs.get("device"), ELSEWHERE):
            return There(func(*args, **{**kwargs, "device": torch.device("cpu")}))
        return func(*args, **kwargs)


class Elsewhere(TorchFunctionMode):
    """Inside, the device can be used: tensors made there or moved there are `There`."""

    def __enter__(self) -> Self:
        self.made = _Made()  # type: ignore[no-untyped-call]
        self.made.__enter__()  # type: ignore[no-untyped-call]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self.made.__exit__(*error)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Callable[..., Any], _: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name, first = getattr(func, "__name__", ""), args[0] if args else None
        if isinstance(first, There) and name == "tolist":
            return first.held.tolist()
        if isinstance(first, There) and name == "numpy":
            raise TypeError("can't convert a tensor that lies elsewhere to numpy; use Tensor.cpu() first")
        if isinstance(first, There) and name == "new_tensor":
            return There(torch.tensor(args[1], dtype=kwargs.get("dtype", first.dtype)))
        if name == "tensor" and _is(kwargs.get("device"), ELSEWHERE):
            return There(func(*args, **{**kwargs, "device": "cpu"}))
        if name == "to" and isinstance(first, Tensor) and not isinstance(first, There):
            where = kwargs.get("device", args[1] if len(args) > 1 else None)
            if isinstance(where, There) or _is(where, ELSEWHERE):
                dtype = where.dtype if isinstance(where, There) else kwargs.get("dtype", first.dtype)
                return There(first.detach().clone().to(dtype))
        return func(*args, **kwargs)


# One value for each field that has no default, and few steps: what is asked is where things are, not how good.
VALUES: dict[str, Any] = {"eps": 0.1, "length": 5, "holes": 2, "alpha": 0.5, "amount": 0.2}
FEW: dict[str, Any] = {
    "steps": 2,
    "queries": 60,
    "searches": 2,
    "samples": 2,
    "rounds": 1,
    "epochs": 1,
    "attack": PGD(eps=1, steps=2),
    "attacks": (APGD(eps=1, steps=2), FABT(eps=1, steps=2), Square(eps=1, queries=10)),
}


def examples(room: Any) -> list[Any]:
    """One instance of each part that a room exports."""
    made = []
    for kind in part_classes(room).values():
        few = {f.name: FEW[f.name] for f in fields(kind) if f.name in FEW}
        needed = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING and f.name not in few]
        made.append(kind(**few, **{name: VALUES[name] for name in needed}))
    return made


def drawn() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def some(size: int = 12, count: int = 6) -> tuple[Tensor, Tensor]:
    return torch.rand(count, 1, size, size, generator=drawn()), torch.arange(count) % 4


def moved(model: Classifier) -> Classifier:
    """A copy of the model that lies elsewhere."""
    with Elsewhere():
        return copy.deepcopy(model).to(ELSEWHERE)


def assert_same(there: Any, here: Tensor) -> None:
    assert isinstance(there, There)
    torch.testing.assert_close(there.detach().cpu(), here.detach(), atol=1e-4, rtol=1e-4)


def test_the_device_refuses_what_a_gpu_refuses() -> None:
    x = torch.rand(3, 2)
    with Elsewhere():
        there = x.to(ELSEWHERE)
        assert_same(there + 1, x + 1)
        assert_same(there[torch.tensor([0, 2])], x[[0, 2]])
        assert_same(torch.zeros(2, device=ELSEWHERE), torch.zeros(2))
        for wrong in (lambda: there + x, lambda: torch.cat([there, x]), lambda: x[there[:, 0].long()], there.numpy):
            with pytest.raises((RuntimeError, TypeError), match=r"elsewhere|numpy"):
                wrong()
        assert there.cpu().numpy().shape == (3, 2)
        assert float(there.sum()) == pytest.approx(float(x.sum()))


@pytest.mark.parametrize("attack", examples(attacks), ids=parts.describe)
def test_attacks(attack: Any, small: Classifier) -> None:
    (x, y), model = some(), small.eval()
    there = moved(model)
    with Elsewhere():
        point = attack(there, x.to(ELSEWHERE), y.to(ELSEWHERE), drawn())
    assert_same(point, attack(model, x, y, drawn()))


@pytest.mark.parametrize("augmentation", examples(augmentations), ids=parts.describe)
def test_augmentations(augmentation: Any) -> None:
    x, y = some()
    y = one_hot(y, 4).float() if augmentation.needs_soft_labels else y
    with Elsewhere():
        images, labels = augmentation(x.to(ELSEWHERE), y.to(ELSEWHERE), drawn())
    here = augmentation(x, y, drawn())
    assert_same(images, here[0])
    assert_same(labels, here[1])


@pytest.mark.parametrize("corruption", examples(corruptions), ids=parts.describe)
def test_corruptions(corruption: Any) -> None:
    x, _ = some(28, 2)
    with Elsewhere():
        changed = corruption(x.to(ELSEWHERE), drawn())
    assert_same(changed, corruption(x, drawn()))


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
# Without MMCE: a meta tensor has a rule of its own for a vector times a matrix, which knows no values.
@pytest.mark.parametrize("objective", [one for one in examples(objectives) if one.name != "mmce"], ids=parts.describe)
def test_objectives(objective: Any, soft: bool, small: Classifier) -> None:
    (x, y), outliers, model = some(), torch.rand(6, 1, 12, 12, generator=drawn()), small.eval()
    y, there = one_hot(y, 4).float() if soft else y, moved(model)
    with Elsewhere():
        loss, _ = objective(there, Batch(*(part.to(ELSEWHERE) for part in (x, y, outliers))), drawn())
        loss.backward()
    here = objective(model, Batch(x, y, outliers), drawn()).value
    here.backward()
    assert_same(loss, here)
    for ours, theirs in zip(there.parameters(), model.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert_same(ours.grad, theirs.grad)


def bars(count: int, seed: int, name: str = "bars") -> Images:
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(count) % 3
    x = torch.randint(0, 100, (count, 1, 28, 28), generator=generator)
    for label in range(3):
        x[y == label, :, 8 * label : 8 * label + 8] += 100
    return Images(name=name, x=x.to(torch.uint8), y=y, classes=("a", "b", "c"))


TASK = Task(
    name="bars",
    train=bars(48, 0),
    test=bars(24, 1),
    validation=bars(18, 2),
    outliers={"others": bars(18, 3, "others")},
)
BASE = Recipe(train=Train(epochs=1, batch_size=16, learning_rate=1e-3))
ALL_SCORES = tuple(kind(**({"k": 5} if name == "knn" else {})) for name, kind in part_classes(scores).items())
EVALUATIONS: tuple[Evaluation, ...] = (
    Calibration(),
    Adversarial(attacks=(FGSM(eps=0.1), PGD(eps=0.1, steps=2, early_stop=True)), budgets=(0.1,), images=12),
    Shift(images=4),
    Anomaly(scores=ALL_SCORES),
    Rejection(),
)


def recipe(*pipeline: Any, **changes: Any) -> Recipe:
    return Recipe(**{"train": BASE.train, "pipeline": pipeline, **changes})


RECIPES = (
    recipe(CutOut(length=5, holes=1), PGD(eps=0.1, steps=2), MixUp(alpha=1)),
    recipe(objective=Free(eps=0.1, replays=2)),
    recipe(objective=Trades(eps=0.1, steps=2)),
    recipe(objective=MixedAdversarial(attack=FGSM(eps=0.1))),
    recipe(objective=OutlierExposure(source=Noise())),
    recipe(weights=SWAG(samples=2, epochs=1, moments=3, rank=2)),
    recipe(weights=Snapshots(members=2), train=replace(BASE.train, epochs=2)),
)
AFTER = (Temperature(), Vector(), Platt(), BBQ(), Histogram(), MCDropout(samples=2))


def planned(recipe: Recipe, *evaluations: Evaluation) -> Plan:
    study = Study(name="s", title="s", question="s", recipes=(recipe,), evaluations=evaluations, outliers=("others",))
    return plan(study, TASK)


def quiet(fraction: float, text: str) -> None:
    """Report nothing."""


def assert_alike(one: bytes, other: bytes, atol: float = 1e-4) -> None:
    ours, theirs = unpack_weights(one), unpack_weights(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], atol=atol, rtol=1e-3, equal_nan=True)


@pytest.fixture
def unfused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam's fused kernel knows the devices that there are."""
    step = adam
    monkeypatch.setattr("assay.adam.adam", lambda *given, **named: step(*given, **{**named, "fused": False}))


@pytest.mark.usefixtures("unfused")
@pytest.mark.parametrize("own", RECIPES, ids=lambda own: own.label)
def test_training(own: Recipe) -> None:
    [cell] = planned(own, Calibration()).training
    with Elsewhere():
        there = compute(cell, TASK, [], str(ELSEWHERE), quiet)
    assert_alike(there["model.safetensors"], compute(cell, TASK, [], "cpu", quiet)["model.safetensors"])
    assert json.loads(there["cell.json"])["provenance"]["device"].startswith("meta")


@functools.cache
def trained(seed: int) -> bytes:
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in build(BASE, (1, 28, 28), 3, seed).state_dict().items()})


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=lambda evaluation: evaluation.name)
def test_evaluations(evaluation: Evaluation, members: int) -> None:
    [cell] = planned(recipe(members=members), evaluation).evaluating
    given = [trained(member) for member in range(members)]
    with Elsewhere():
        there = compute(cell, TASK, given, str(ELSEWHERE), quiet)
    here = compute(cell, TASK, given, "cpu", quiet)
    assert_alike(there["observations.safetensors"], here["observations.safetensors"])
    assert json.loads(there["measurements.json"])


@pytest.mark.parametrize("after", AFTER, ids=parts.describe)
def test_what_is_done_after_training(after: Any) -> None:
    [cell] = planned(recipe(posthoc=after), Calibration()).evaluating
    with Elsewhere():
        there = compute(cell, TASK, [trained(0)], str(ELSEWHERE), quiet)
    here = compute(cell, TASK, [trained(0)], "cpu", quiet)
    assert_alike(there["observations.safetensors"], here["observations.safetensors"])


# On a GPU, where there is one: its sums are taken in another order, so that numbers agree to rounding.


@gpu
@CUDA
@pytest.mark.parametrize("own", [BASE, *RECIPES], ids=lambda own: own.label)
def test_training_on_a_gpu(own: Recipe) -> None:
    [cell] = planned(own, Calibration()).training
    files = compute(cell, TASK, [], "cuda", quiet)
    again = compute(cell, TASK, [], "cuda", quiet)
    assert_alike(files["model.safetensors"], again["model.safetensors"])
    assert json.loads(files["cell.json"])["provenance"]["device"].startswith("cuda")


@gpu
@CUDA
@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=lambda evaluation: evaluation.name)
def test_evaluations_on_a_gpu(evaluation: Evaluation, members: int) -> None:
    [cell] = planned(recipe(members=members), evaluation).evaluating
    given = [trained(member) for member in range(members)]
    there, here = (compute(cell, TASK, given, device, quiet) for device in ("cuda", "cpu"))
    rows = [json.loads(files["measurements.json"]) for files in (there, here)]
    assert len(rows[0]) == len(rows[1])
    for ours, theirs in zip(*rows, strict=True):
        assert ours["value"] == pytest.approx(theirs["value"], abs=0.1, nan_ok=True)


@gpu
@CUDA
@pytest.mark.parametrize(
    "pipelines",
    [((), (CutOut(length=5, holes=1),), (MixUp(alpha=1),)), ((FGSM(eps=0.1),), (FGSM(eps=0.2), MixUp(alpha=1)))],
    ids=["plain", "attacked"],
)
def test_a_stack_on_a_gpu_gives_what_one_at_a_time_gives(pipelines: tuple[tuple[Any, ...], ...]) -> None:
    cells = [planned(recipe(*pipeline), Calibration()).training[0] for pipeline in pipelines]
    given = [Given([], {})] * len(cells)
    stacked = compute_stack(cells, TASK, given, "cuda", lambda *_: None, lambda *_: None)
    for cell, files in zip(cells, stacked, strict=True):
        assert isinstance(files, dict)
        alone = compute(cell, TASK, [], "cuda", quiet)
        # A sign that rounding turns moves a pixel.
        assert_alike(
            files["model.safetensors"], alone["model.safetensors"], atol=1e-2 if cell.recipe.attack_steps else 1e-3
        )


@gpu
@CUDA
@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=lambda evaluation: evaluation.name)
def test_evaluations_together_on_a_gpu_give_what_one_at_a_time_gives(evaluation: Evaluation, members: int) -> None:
    [cell] = planned(recipe(members=members), evaluation).evaluating
    given = [Given([trained(seed + member) for member in range(members)], {}) for seed in (0, 1, 2)]
    together = compute_stack([cell] * 3, TASK, given, "cuda", lambda *_: None, lambda *_: None)
    for one, files in zip(given, together, strict=True):
        assert isinstance(files, dict), files
        alone = compute(cell, TASK, one.weights, "cuda", quiet)
        rows = [json.loads(found["measurements.json"]) for found in (files, alone)]
        assert len(rows[0]) == len(rows[1])
        for ours, theirs in zip(*rows, strict=True):
            assert ours["value"] == pytest.approx(theirs["value"], abs=0.1, nan_ok=True)
