"""The contract of classifiers, prediction in chunks, and wrapped models."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from assay.architectures import LeNet5
from assay.classifier import (
    Classifier,
    Wrapped,
    check_unit,
    device_of,
    evaluating,
    predict,
    predict_all,
    predict_logits,
    to_unit,
    wrap,
)
from assay.errors import BadValueError, ContractError

SHAPE = (1, 16, 16)


class Broken(Classifier):
    """A classifier that returns what it is told to."""

    def __init__(self, features: Tensor, logits: Tensor, n_classes: int = 3) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.kept = (features, logits)

    def features(self, x: Tensor) -> Tensor:  # noqa: ARG002
        return self.kept[0]

    def head(self, features: Tensor) -> Tensor:  # noqa: ARG002
        return self.kept[1]


class Mapping(nn.Module):
    """A model that is a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.fixture
def x() -> Tensor:
    return torch.rand(10, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def lenet() -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LeNet5().build(SHAPE, 3).eval()


def plain(*last: nn.Module, bias: bool = True) -> nn.Sequential:
    """A network with batch norm and dropout that is no Classifier."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5))
        return nn.Sequential(*body, nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 3, bias=bias), *last)


def test_forward_is_head_of_features(lenet: Classifier, x: Tensor) -> None:
    out = lenet.outputs(x)
    assert torch.equal(lenet(x), out.logits)
    assert torch.equal(lenet.head(lenet.features(x)), out.logits)
    assert lenet.members == (lenet,)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "bad",
    [torch.zeros(2, 16, 16), torch.zeros(2, *SHAPE, dtype=torch.uint8), torch.zeros(2, *SHAPE, dtype=torch.int64)],
)
def test_images_of_wrong_shape_or_type_break_the_contract(
    lenet: Classifier, x: Tensor, bad: Tensor, wrapped: bool
) -> None:
    model = wrap(plain(), x) if wrapped else lenet
    with pytest.raises(ContractError, match=r"x: expected a float tensor \(B, C, H, W\)"):
        model(bad)


@pytest.mark.parametrize(
    ("features", "logits", "message"),
    [
        ((4, 5), (4, 2), r"logits: expected shape \(4, 3\), got \(4, 2\)"),
        ((4, 5), (1, 3), r"logits: expected shape \(4, 3\), got \(1, 3\)"),
        ((4, 5), (4, 3, 1), r"logits: expected shape"),
        ((4, 5, 1, 1), (4, 3), r"features: expected shape \(4, D\), got \(4, 5, 1, 1\)"),
        ((1, 5), (4, 3), r"features: expected shape"),
    ],
)
def test_outputs_of_wrong_shape_break_the_contract(
    features: tuple[int, ...], logits: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        Broken(torch.zeros(features), torch.zeros(logits))(torch.zeros(4, *SHAPE))


def test_a_wrapped_model_is_checked_at_every_pass(x: Tensor) -> None:
    model = wrap(Mapping(lambda x: x.flatten(1)[:, : 4 if len(x) == 10 else 3] - 1), x[:8])
    assert model(x[:8]).shape == (8, 3)
    with pytest.raises(ContractError, match=r"logits: expected shape \(10, 3\), got \(10, 4\)"):
        model(x)


@pytest.mark.parametrize("chunk", [1, 3, 10, 1000])
def test_chunks_give_what_one_pass_gives(x: Tensor, chunk: int) -> None:
    model = wrap(plain(), x)
    with evaluating(model), torch.no_grad():
        logits, features = model(x), model.features(x)
    out = predict_all(model, x, chunk=chunk)
    torch.testing.assert_close(out.logits, logits)
    torch.testing.assert_close(out.features, features)
    assert [len(piece.logits) for piece in predict(model, x, chunk=3)] == [3, 3, 3, 1]


def test_bytes_and_floats_agree(lenet: Classifier, x: Tensor) -> None:
    levels = (x * 255).round().to(torch.uint8)
    one, other = predict_all(lenet, levels), predict_all(lenet, levels.float() / 255)
    assert torch.equal(one.logits, other.logits)


def test_prediction_needs_no_gradients_and_changes_nothing(x: Tensor) -> None:
    model = wrap(plain(), x)
    before, kept = copy.deepcopy(model.state_dict()), x.clone()
    out = predict_all(model, x)
    assert not out.logits.requires_grad
    assert torch.equal(x, kept)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not out.logits.is_inference()  # what comes back serves as any tensor


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.full((2, *SHAPE), 1.01), r"expected values in \[0, 1\], got values from 1.01 to 1.01"),
        (torch.full((2, *SHAPE), -0.01), "divide by 255 or normalise in the model"),
        (torch.full((2, *SHAPE), torch.nan), "got NaN"),
        (torch.full((2, *SHAPE), torch.inf), "got values from inf to inf"),
        (torch.zeros(0, *SHAPE), "expected at least one, got an empty set"),
    ],
)
def test_bad_images_are_refused(lenet: Classifier, bad: Tensor, message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        predict_all(lenet, bad)


def test_one_nan_pixel_late_in_the_set_is_found(lenet: Classifier, x: Tensor) -> None:
    x[9, 0, 3, 3] = torch.nan
    with pytest.raises(BadValueError, match="got NaN"):
        predict_all(lenet, x, chunk=4)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_logits_that_are_not_finite_break_the_contract(value: float) -> None:
    logits = torch.zeros(2, 3)
    logits[1, 2] = value
    with pytest.raises(ContractError, match="logits: expected finite numbers"):
        predict_all(Broken(torch.zeros(2, 5), logits), torch.zeros(2, *SHAPE))


def mixed_modes(model: nn.Module) -> list[bool]:
    """Put every other module into training mode and return all modes."""
    for number, module in enumerate(model.modules()):
        module.training = number % 2 == 0
    return [module.training for module in model.modules()]


def test_modes_come_back_as_they_were(x: Tensor) -> None:
    model = plain()
    modes = mixed_modes(model)
    with evaluating(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == modes
    wrapped = wrap(model, x)
    assert [module.training for module in model.modules()] == modes
    for _ in predict(wrapped, x, chunk=4):  # between two chunks too
        assert [module.training for module in model.modules()] == modes


def test_modes_come_back_after_an_error(x: Tensor) -> None:
    model = plain()
    modes = mixed_modes(model)

    def fail() -> None:
        with evaluating(model):
            raise KeyError("here")

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(ContractError):
        wrap(model, x[..., :8])
    assert [module.training for module in model.modules()] == modes


def test_to_unit_never_changes_the_callers_data() -> None:
    levels, values = torch.arange(256).to(torch.uint8), torch.tensor([0.0, 0.5, 1.0])
    found = to_unit(levels)
    assert found.dtype == torch.float32
    assert torch.equal(found, torch.arange(256) / 255)
    assert torch.equal(levels, torch.arange(256).to(torch.uint8))
    assert torch.equal(to_unit(levels[100:]), found[100:])
    assert to_unit(values) is values
    assert to_unit(values.double()).dtype == torch.float64


def test_check_unit_takes_the_ends_and_all_bytes() -> None:
    check_unit(torch.tensor([0.0, 1.0]))
    check_unit(torch.tensor([0, 255], dtype=torch.uint8))
    check_unit(torch.zeros(0))
    with pytest.raises(BadValueError, match="x: expected"):
        check_unit(torch.tensor([1.0 + 1e-6]), "x")


def test_device_of() -> None:
    assert device_of(nn.ReLU()) == torch.device("cpu")
    assert device_of(nn.BatchNorm2d(2, affine=False).to("meta")) == torch.device("meta")


def test_wrapping_a_classifier_gives_it_back(lenet: Classifier, x: Tensor) -> None:
    assert wrap(lenet, x) is lenet


@pytest.mark.parametrize("bias", [True, False])
def test_a_model_that_ends_in_a_linear_layer(x: Tensor, bias: bool) -> None:
    model = plain(bias=bias).eval()
    wrapped = wrap(model, x)
    out = wrapped.outputs(x)
    assert wrapped.n_classes == 3
    assert torch.equal(out.logits, model(x))
    assert torch.equal(wrapped(x), out.logits)
    assert torch.equal(out.features, model[:-1](x))
    assert torch.equal(wrapped.features(x), out.features)
    assert torch.equal(wrapped.head(out.features), out.logits)
    head = wrapped.linear_head
    assert head is not None
    assert head.weight is model[-1].weight
    torch.testing.assert_close(out.features @ head.weight.T + head.bias, out.logits)


@pytest.mark.parametrize("last", [nn.Tanh(), nn.LogSoftmax(dim=1)])
def test_a_model_that_does_not_end_in_a_linear_layer(x: Tensor, last: nn.Module) -> None:
    model = plain(last).eval()
    wrapped = wrap(model, x)
    assert wrapped.linear_head is None
    assert torch.equal(wrapped.features(x), model(x))
    assert torch.equal(wrapped.head(wrapped.features(x)), wrapped(x))


def test_the_last_linear_layer_is_the_last_that_runs(x: Tensor) -> None:
    class HeadFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.classify = nn.Linear(20, 3)
            self.body = nn.Linear(256, 20)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.classify(self.body(x.flatten(1)).relu())
            return logits

    model = HeadFirst()
    wrapped = wrap(model, x)
    assert wrapped.features(x).shape == (10, 20)
    assert wrapped.linear_head is not None
    assert wrapped.linear_head.weight is model.classify.weight


def test_a_linear_layer_per_pixel_is_no_head(x: Tensor) -> None:
    model = nn.Sequential(nn.Linear(16, 3), Mapping(lambda x: x.mean((1, 2))))
    assert wrap(model, x).linear_head is None


def test_a_wrapped_model_shares_its_weights_and_passes_gradients(x: Tensor) -> None:
    model = plain()
    wrapped = wrap(model, x)
    assert isinstance(wrapped, Wrapped)
    assert {id(weight) for weight in wrapped.parameters()} == {id(weight) for weight in model.parameters()}
    leaf = x.clone().requires_grad_()
    with evaluating(wrapped):
        wrapped(leaf).sum().backward()
    assert leaf.grad is not None
    assert bool(leaf.grad.any())
    assert not [hook for module in model.modules() for hook in module._forward_hooks]


def test_a_copy_of_a_wrapped_model_stands_alone(x: Tensor) -> None:
    wrapped = wrap(plain().eval(), x)
    twin = copy.deepcopy(wrapped)
    before = wrapped(x)
    for weight in twin.parameters():
        weight.data.zero_()
    assert torch.equal(wrapped(x), before)
    assert twin.linear_head is not None
    assert not bool(twin.linear_head.weight.any())


def test_wrapped_models_follow_their_type(x: Tensor) -> None:
    wrapped = wrap(plain().double().eval(), x.double())
    assert wrapped(x.double()).dtype == torch.float64


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (plain(nn.Softmax(dim=1)), "got probabilities; remove the final softmax"),
        (plain(nn.Softmax(dim=1)).double(), "the model fails on images of shape"),
        (nn.Sequential(nn.Flatten(), nn.Linear(100, 3)), r"the model fails on images of shape \(8, 1, 16, 16\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(256, 1)), r"expected logits \(8, K\) with K >= 2, got \(8, 1\)"),
        (nn.Conv2d(1, 2, 3), r"got \(8, 2, 14, 14\)"),
        (Mapping(lambda x: x.flatten(1).mean(0, keepdim=True)), r"got \(1, 256\)"),
        (Mapping(lambda x: (x,)), "got tuple"),  # type: ignore[arg-type, return-value]
        (Mapping(lambda x: x.flatten(1) * torch.nan), "expected finite logits"),
        (Mapping(lambda x: x.flatten(1) / 0), "expected finite logits"),
    ],
)
def test_models_that_break_the_contract_are_refused(x: Tensor, model: nn.Module, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        wrap(model, x)


@pytest.mark.parametrize("error", [RuntimeError(), AssertionError("two\nlines"), IndexError("out"), KeyError("k")])
def test_whatever_a_model_raises_is_told_in_one_line(x: Tensor, error: Exception) -> None:
    def fail(_: Tensor) -> Tensor:
        raise error

    with pytest.raises(ContractError) as caught:
        wrap(Mapping(fail), x)
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith(": ")


def test_an_example_that_is_no_set_of_images_is_refused(x: Tensor) -> None:
    with pytest.raises(BadValueError, match="expected at least one image"):
        wrap(plain(), x[:0])
    with pytest.raises(BadValueError, match=r"example: expected values in \[0, 1\]"):
        wrap(plain(), x * 255)


def test_an_example_of_bytes_serves(x: Tensor) -> None:
    assert wrap(plain(), (x * 255).to(torch.uint8)).n_classes == 3


def test_logits_are_joined_without_the_features(lenet: Classifier, x: Tensor) -> None:
    assert torch.equal(predict_logits(lenet, x, chunk=3), predict_all(lenet, x, chunk=3).logits)


def test_log_probabilities_are_recognised(x: Tensor) -> None:
    plain = nn.Sequential(nn.Flatten(), nn.Linear(SHAPE[0] * SHAPE[1] * SHAPE[2], 4))
    assert not wrap(plain, x).log_probabilities
    assert wrap(nn.Sequential(plain, nn.LogSoftmax(dim=1)), x).log_probabilities
