"""What every attack shares: its contract, what it climbs, and the gradient with respect to the image.

An attack maximises, per image, the mean over the model's members of a loss, most often the cross entropy to the label
(a plain model is its own only member), so the gradient for an ensemble is the average of its members' loss gradients. A
targeted attack descends the cross entropy to its target instead. An attack never judges itself: whoever calls it
predicts again.
"""

from typing import ClassVar, NamedTuple, Protocol, Self, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from assay.attacks.norms import Norm
from assay.classifier import Classifier
from assay.errors import BadValueError, ContractError, GradientError
from assay.parts import Part

BLOCK = 128  # images differentiated at once on a CPU

Target = int | str | None  # a class, "least_likely", or None: away from the label
LEAST_LIKELY = "least_likely"


@runtime_checkable
class Attack(Part, Protocol):
    """Moves images inside a ball so that a model errs.

    `eps` is the ball's radius in pixel units and `norm` its norm. The attack runs the model in the mode it finds it in:
    call it under `evaluating(model)` unless training mode is wanted.
    """

    @property
    def eps(self) -> float: ...  # noqa: D102

    @property
    def norm(self) -> Norm: ...  # noqa: D102

    def at(self, eps: float) -> "Attack":
        """The same attack with another radius."""
        ...

    def __call__(self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Attack a batch.

        Args:
            model: the classifier; its weights, their gradients and its modes are left as they are.
            x: (B, C, H, W) float in [0, 1]; left as it is.
            y: class indices (B,) int64, or probabilities (B, K).
            generator: where every draw comes from.

        Returns:
            (B, C, H, W) of x's type, in [0, 1] and within eps of x.
        """
        ...


@runtime_checkable
class Continuing(Attack, Protocol):
    """An attack that can go on from points given to it, such as those that it found in a smaller ball."""

    continuing: ClassVar[bool]

    def __call__(
        self, model: Classifier, x: Tensor, y: Tensor, generator: torch.Generator, start: Tensor | None = None
    ) -> Tensor:
        """As `Attack`; `start` (B, C, H, W), brought into the ball, comes before the starts that are drawn.

        Of those there is one less then, but at least one: what holds an image at a small radius may hold it on.
        """
        ...


class Goal(Protocol):
    """What an attack climbs, and where it has succeeded: `Aim` for the cross entropy, others in `losses`."""

    def climbed(self, logits: Tensor) -> Tensor:
        """What is climbed (B,) at one model's logits (B, K), differentiable."""
        ...

    def reached(self, logits: Tensor) -> Tensor:
        """Where (B,) the logits (B, K) are what the attack wants."""
        ...

    def take(self, index: Tensor) -> Self:
        """The goal of the images at `index`."""
        ...


class Aim(NamedTuple):
    """What an attack climbs: sign * cross entropy to `labels`.

    `labels` are indices (B,) or probabilities (B, K). `sign` (B,) is +1 where the label is to be left and -1 where
    it is a target to be reached; None stands for +1 everywhere.
    """

    labels: Tensor
    sign: Tensor | None = None

    def take(self, index: Tensor) -> "Aim":
        """The aim of the images at `index`."""
        return Aim(self.labels[index], None if self.sign is None else self.sign[index])

    def climbed(self, logits: Tensor) -> Tensor:
        """The cross entropy (B,) of the logits (B, K) to the labels, times the sign."""
        loss = _cross_entropy(logits, ordinary(self.labels))
        return loss if self.sign is None else loss * ordinary(self.sign)

    def reached(self, logits: Tensor) -> Tensor:
        """Where (B,) the logits (B, K) leave the label, or predict the target; of soft labels the largest counts."""
        missed = logits.argmax(1) != hard(self.labels)
        return missed if self.sign is None else missed ^ (self.sign < 0)


class Climb(NamedTuple):
    """One step's view: what is climbed (B,), the model's logits (B, K), and the gradient with respect to x."""

    loss: Tensor
    logits: Tensor
    gradient: Tensor


def hard(y: Tensor) -> Tensor:
    """Class indices (B,) of labels given as indices (B,) or probabilities (B, K)."""
    return y if y.ndim == 1 else y.argmax(1)


def attack_loss(model: Classifier, x: Tensor, y: Tensor) -> Tensor:
    """Mean over the model's members of their cross entropy to y (indices or probabilities), per image: (B,)."""
    return _climbed_and_logits(model, x, Aim(y))[0]


def _climbed_and_logits(model: Classifier, x: Tensor, goal: Goal) -> tuple[Tensor, Tensor]:
    members = model.members
    if members == (model,):
        logits = model(x)
        return goal.climbed(logits), logits
    outputs = [member.outputs(x) for member in members]
    loss = torch.stack([goal.climbed(out.logits) for out in outputs]).mean(0)
    with torch.no_grad():  # an ensemble's features are its members', joined: no second pass through them
        return loss, model.head(torch.cat([out.features for out in outputs], dim=1))


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(logits, y.to(logits.dtype) if y.is_floating_point() else y, reduction="none")


def input_gradient(model: Classifier, x: Tensor, goal: Goal) -> Climb:
    """What the goal climbs, and its gradient with respect to x alone, from one forward and one backward pass.

    On a CPU a large batch goes through a model in evaluation mode, where images do not touch each other, in blocks that
    fit its cache. Weights keep their gradients and flags, and no gradient with respect to a weight is computed:
    autograd is asked for x only. Works for callers under no_grad or inference_mode and on tensors made there.

    Raises:
        GradientError: the logits do not depend on x, as far as autograd can tell.
    """
    if len(x) <= BLOCK or x.device.type != "cpu" or model.training:
        return _climb(model, x, goal)
    parts = torch.split(torch.arange(len(x)), BLOCK)
    climbs = [_climb(model, x[part], goal.take(part)) for part in parts]
    return Climb(*(torch.cat(pieces) for pieces in zip(*climbs, strict=True)))


def _climb(model: Classifier, x: Tensor, goal: Goal) -> Climb:
    with torch.inference_mode(False), torch.enable_grad():
        leaf = ordinary(x).detach().requires_grad_()
        loss, logits = _climbed_and_logits(model, leaf, goal)
        # The sum, not the mean: an image's gradient does not depend on what shares its batch.
        total = loss.sum()
        gradient = torch.autograd.grad(total, leaf, allow_unused=True)[0] if total.requires_grad else None
    if gradient is None:
        raise GradientError(
            "the model's output: expected logits that depend on the image differentiably, got none; "
            "remove what cuts the graph (detach, no_grad, rounding), or leave out attacks that need gradients"
        )
    return Climb(loss.detach(), logits.detach(), gradient)


def ordinary(tensor: Tensor) -> Tensor:
    """The tensor, or a copy where autograd cannot save it, as it was made in inference mode."""
    return tensor.clone() if tensor.is_inference() else tensor


def judge(model: Classifier, x: Tensor, goal: Goal) -> tuple[Tensor, Tensor]:
    """Without gradients: what the goal climbs (B,), and where it is reached (B,)."""
    with torch.no_grad():
        loss, logits = _climbed_and_logits(model, x, goal)
    return loss, goal.reached(logits)


def standing(part: str, model: Classifier, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Without gradients: the logits (B, K) at x, and which images (n,) the model gives their label.

    Raises:
        ContractError: a logit is not finite.
    """
    with torch.no_grad():
        logits = model(x)
    if not bool(logits.sum().isfinite()):
        raise ContractError(
            f"{part}: expected finite logits, got NaN or infinity; check the model's layers and weights"
        )
    return logits, (logits.argmax(1) == hard(y)).nonzero().squeeze(1)


def check_finite(part: str, total: Tensor) -> None:
    """Raise GradientError unless `total`, a sum of gradients, is finite: NaN and infinity survive every sum."""
    if not bool(total.isfinite()):
        raise GradientError(
            f"{part}: expected finite gradients of the loss, got NaN or infinity; check the model's layers and weights"
        )


def check_target(part: str, target: object) -> None:
    """Raise BadValueError unless `target` is None, a class index or "least_likely"."""
    index = isinstance(target, int) and not isinstance(target, bool) and target >= 0
    if not (index or target is None or target == LEAST_LIKELY):
        raise BadValueError(f"{part}: target: expected a class index, {LEAST_LIKELY!r} or None, got {target!r}")


def aim_at(part: str, target: Target, model: Classifier, x: Tensor, y: Tensor) -> Aim:
    """What to climb: away from y, or towards the target.

    "least_likely" is the class with the smallest logit at x. An image whose label is the target already cannot be
    attacked towards it; it is attacked away from its label instead.

    Raises:
        BadValueError: the target lies outside the model's classes.
    """
    if target is None:
        return Aim(y)
    if isinstance(target, int):
        if target >= model.n_classes:
            raise BadValueError(f"{part}: target: expected a class in 0..{model.n_classes - 1}, got {target}")
        goal = torch.full((len(x),), target, device=x.device)
    else:
        with torch.no_grad():
            goal = model(x).argmin(1)
    towards = goal != hard(y)
    sign = 1 - 2 * towards.to(x.dtype)
    if y.ndim == 1:
        return Aim(torch.where(towards, goal, y), sign)
    return Aim(torch.where(towards[:, None], F.one_hot(goal, y.shape[1]).to(y.dtype), y), sign)
