"""The contract of every model: x (B, C, H, W) in [0, 1] -> logits (B, K), split into features and head.

Normalisation lives inside the model, so that attacks, corruptions and scores all speak about pixels in [0, 1].
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from assay.errors import BadValueError, ContractError

CHUNK = 1000  # images a forward pass holds at once


class Outputs(NamedTuple):
    """What one forward pass gives: features (B, D) and logits (B, K)."""

    features: Tensor
    logits: Tensor


class LinearHead(NamedTuple):
    """The weight (K, D) and the bias (K,) of a head that is linear in the features."""

    weight: Tensor
    bias: Tensor


class Classifier(nn.Module, ABC):
    """A classifier of images: `forward(x)` is `head(features(x))`.

    Attributes:
        n_classes: K, the number of classes, at least 2.
    """

    n_classes: int

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Map x (B, C, H, W) in [0, 1] to features (B, D)."""

    @abstractmethod
    def head(self, features: Tensor) -> Tensor:
        """Map features (B, D) to logits (B, K)."""

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, H, W) in [0, 1] to logits (B, K); shapes are checked here, values in `outputs`."""
        return self.outputs(x).logits

    def outputs(self, x: Tensor) -> Outputs:
        """Map x (B, C, H, W) in [0, 1] to features and logits in one pass.

        Raises:
            ContractError: x, the features or the logits have the wrong shape or type.
        """
        check_input(x)
        features = self.features(x)
        return check_outputs(Outputs(features, self.head(features)), len(x), self.n_classes)

    @property
    def members(self) -> tuple["Classifier", ...]:
        """The models whose losses an attack averages: the model itself, or an ensemble's members."""
        return (self,)

    @property
    def linear_head(self) -> LinearHead | None:
        """The head's weight and bias where it is linear in the features, else None."""
        return None

    @property
    def log_probabilities(self) -> bool:
        """Whether the logits are log-probabilities: as good as any for the softmax, but their logsumexp is 0."""
        return False


def check_input(x: Tensor) -> None:
    """Raise ContractError unless x is a float tensor (B, C, H, W)."""
    if x.ndim != 4 or not x.is_floating_point():
        raise ContractError(
            f"x: expected a float tensor (B, C, H, W) in [0, 1], got {x.dtype} of shape {tuple(x.shape)}"
        )


def check_outputs(outputs: Outputs, batch: int, n_classes: int) -> Outputs:
    """Return the outputs; raise ContractError unless they are features (B, D) and logits (B, K)."""
    features, logits = outputs
    if features.ndim != 2 or len(features) != batch:
        raise ContractError(f"features: expected shape ({batch}, D), got {tuple(features.shape)}")
    if logits.shape != (batch, n_classes):
        raise ContractError(
            f"logits: expected shape ({batch}, {n_classes}), got {tuple(logits.shape)}; "
            "a classifier returns one row of logits per image"
        )
    return outputs


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put the model into evaluation mode, and every module back into the mode it was in afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def device_of(model: nn.Module) -> torch.device:
    """The device of the model's first parameter or buffer; the CPU where it has none."""
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def to_unit(x: Tensor, device: torch.device | None = None) -> Tensor:
    """Map uint8 images 0..255 to float32 in [0, 1] on the device; floats are moved and otherwise left alone."""
    moved = x if device is None else x.to(device)
    return moved.float().div_(255) if x.dtype == torch.uint8 else moved


def check_unit(x: Tensor, what: str = "images") -> None:
    """Raise BadValueError unless every value of x is a number in [0, 1] (uint8 is by its type)."""
    if x.dtype == torch.uint8 or x.numel() == 0:
        return
    low, high = (float(value) for value in torch.aminmax(x))
    if not (low >= 0 and high <= 1):  # NaN fails this comparison too
        if low != low or high != high:
            raise BadValueError(f"{what}: expected values in [0, 1], got NaN; drop or repair those images")
        raise BadValueError(
            f"{what}: expected values in [0, 1], got values from {low:g} to {high:g}; divide by 255 or normalise in "
            "the model"
        )


def predict(model: Classifier, x: Tensor, *, chunk: int = CHUNK) -> Iterator[Outputs]:
    """Run the model over x in chunks, without gradients and in evaluation mode; its modes are restored.

    Args:
        model: any classifier.
        x: (N, C, H, W), uint8, or float in [0, 1].
        chunk: images held at once.

    Yields:
        The outputs of each chunk in order, on the model's device.

    Raises:
        BadValueError: x is empty, holds NaN, or leaves [0, 1].
        ContractError: the logits are not finite, or have the wrong shape.
    """
    if len(x) == 0:
        raise BadValueError("images: expected at least one, got an empty set")
    device = device_of(model)
    for start in range(0, len(x), chunk):
        batch = to_unit(x[start : start + chunk], device)
        check_unit(batch)
        with evaluating(model), torch.inference_mode():
            outputs = model.outputs(batch)
        if not bool(outputs.logits.isfinite().all()):
            raise ContractError("logits: expected finite numbers, got NaN or infinity; check the model's weights")
        yield outputs


def predict_all(model: Classifier, x: Tensor, *, chunk: int = CHUNK) -> Outputs:
    """As `predict`, with the chunks' outputs joined on the CPU: features (N, D), logits (N, K)."""
    pieces = [(out.features.cpu(), out.logits.cpu()) for out in predict(model, x, chunk=chunk)]
    return Outputs(torch.cat([piece[0] for piece in pieces]), torch.cat([piece[1] for piece in pieces]))


def predict_logits(model: Classifier, x: Tensor, *, chunk: int = CHUNK) -> Tensor:
    """As `predict_all`, for the logits (N, K) alone: the features of one chunk at most are held."""
    return torch.cat([out.logits.cpu() for out in predict(model, x, chunk=chunk)])


class Wrapped(Classifier):
    """A model that is not ours, held to the contract: its features are what enters its last linear layer."""

    def __init__(
        self, model: nn.Module, n_classes: int, linear: nn.Linear | None, *, log_probabilities: bool = False
    ) -> None:
        super().__init__()
        self.model = model
        self.n_classes = n_classes
        self._log_probabilities = log_probabilities
        self._linear = [linear]  # in a list: the layer is registered once, inside the model

    def outputs(self, x: Tensor) -> Outputs:
        """As the contract, in one pass through the wrapped model: the logits are its own, whatever follows `head`."""
        check_input(x)
        linear = self._linear[0]
        logits, calls = _run(self.model, x, [] if linear is None else [linear])
        return check_outputs(Outputs(calls[-1].features if calls else logits, logits), len(x), self.n_classes)

    def features(self, x: Tensor) -> Tensor:
        """What enters the last linear layer (B, D), or the logits where the model does not end in one."""
        return self.outputs(x).features

    def head(self, features: Tensor) -> Tensor:
        """The last linear layer, or the identity where the model does not end in one."""
        linear = self._linear[0]
        return features if linear is None else torch.nn.functional.linear(features, linear.weight, linear.bias)

    @property
    def linear_head(self) -> LinearHead | None:
        """Weight and bias of the last linear layer, or None where the model does not end in one."""
        linear = self._linear[0]
        if linear is None:
            return None
        bias = linear.weight.new_zeros(self.n_classes) if linear.bias is None else linear.bias
        return LinearHead(linear.weight, bias)

    @property
    def log_probabilities(self) -> bool:
        """Whether the model was found to end in a log_softmax."""
        return self._log_probabilities


class _Call(NamedTuple):
    """What entered and left a linear layer."""

    linear: nn.Linear
    features: Tensor
    result: Tensor


def _run(model: nn.Module, x: Tensor, watched: list[nn.Linear]) -> tuple[Tensor, list[_Call]]:
    """One pass: the model's output, and the calls of the watched layers in their order."""
    calls: list[_Call] = []

    def note(linear: nn.Module, inputs: tuple[Tensor, ...], result: Tensor) -> None:
        assert isinstance(linear, nn.Linear), "only linear layers are watched"
        calls.append(_Call(linear, inputs[0], result))

    hooks = [linear.register_forward_hook(note) for linear in watched]
    try:
        logits = model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return logits, calls


def wrap(model: nn.Module, example: Tensor) -> Classifier:
    """Hold any module that maps [0, 1] images to logits to the contract, after one probing pass.

    Args:
        model: maps (B, C, H, W) in [0, 1] to logits (B, K); its normalisation must be inside.
        example: (B, C, H, W), a few of the images it will meet: uint8, or float in [0, 1].

    Returns:
        The model itself where it is a Classifier already, else a `Wrapped` around it that shares its weights.

    Raises:
        BadValueError: the example is empty, holds NaN, or leaves [0, 1].
        ContractError: the model fails on the example, or gives no finite (B, K) logits with K >= 2, or gives
            probabilities.
    """
    if isinstance(model, Classifier):
        return model
    if len(example) == 0:
        raise BadValueError("example: expected at least one image, got an empty set")
    x = to_unit(example[:8], device_of(model))
    check_unit(x, "example")
    with evaluating(model), torch.inference_mode():
        try:
            logits, calls = _run(model, x, [module for module in model.modules() if isinstance(module, nn.Linear)])
        except Exception as error:  # whatever code that is not ours may raise
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise ContractError(f"the model fails on images of shape {tuple(x.shape)} in [0, 1]: {reason}") from error
        _check_logits(logits, len(x))
    ending = [call.linear for call in calls if call.features.ndim == 2 and torch.equal(call.result, logits)]
    normal = bool((logits.logsumexp(1).abs() < 1e-4).all())
    return Wrapped(model, int(logits.shape[1]), ending[-1] if ending else None, log_probabilities=normal)


def _check_logits(logits: object, batch: int) -> None:
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != batch or logits.shape[1] < 2:
        came = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ContractError(f"the model's output: expected logits ({batch}, K) with K >= 2, got {came}")
    if not bool(logits.isfinite().all()):
        raise ContractError("the model's output: expected finite logits, got NaN or infinity")
    if bool((logits >= 0).all()) and bool(((logits.sum(1) - 1).abs() < 1e-3).all()):
        raise ContractError("the model's output: expected logits, got probabilities; remove the final softmax")
