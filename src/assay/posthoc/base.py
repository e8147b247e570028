"""What is done to trained models, and what calibrators share: fitted to logits and labels, they give other logits."""

from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor, nn

from assay.classifier import Classifier, LinearHead, Outputs, device_of, predict_logits
from assay.data.images import Images
from assay.parts import Part


class Calibration(nn.Module):
    """A fitted map of logits (B, K) to calibrated logits (B, K), of the same type; its numbers are buffers.

    Attributes:
        log_probabilities: whether what it gives are log-probabilities.
    """

    log_probabilities: ClassVar[bool] = False

    def affine(self, head: LinearHead) -> LinearHead | None:  # noqa: ARG002
        """The head followed by the map, where the map is affine, else None."""
        return None


@runtime_checkable
class Posthoc(Part, Protocol):
    """What is done to a trained model, without training it further.

    Attributes:
        needs_validation: whether it is fitted to validation images.
    """

    needs_validation: ClassVar[bool]

    @property
    def networks(self) -> int:
        """How many networks one becomes, whose softmaxes are averaged; 1 where it stays one."""
        ...

    def fit(self, model: Classifier, images: Images, /) -> Classifier:
        """Make another classifier of the model.

        Args:
            model: trained.
            images: the validation images; for a part that needs none, any that the model takes.

        Raises:
            BadValueError: a label lies outside the model's classes, or the part does not suit the model.
            ContractError: the model breaks its contract.
        """
        ...


@runtime_checkable
class Calibrator(Posthoc, Protocol):
    """A way to calibrate a trained model: a map of its logits, fitted to validation images in one pass over them.

    Attributes:
        differentiable: whether calibrated logits have gradients.
    """

    differentiable: ClassVar[bool]

    def fit_logits(self, logits: Tensor, labels: Tensor) -> Calibration:
        """Fit to logits (N, K) and labels (N,) in float64, the same way each time.

        Raises:
            BadValueError: a shape is wrong, a logit is not finite, or a label lies outside the classes.
        """
        ...


class Calibrated(Classifier):
    """A model whose logits pass through a fitted calibration; its features are the model's."""

    def __init__(self, model: Classifier, calibration: Calibration, *, differentiable: bool) -> None:
        super().__init__()
        self.n_classes, self.model = model.n_classes, model
        self.calibration = calibration
        self._differentiable = differentiable
        self.training = model.training  # the model stays in its mode

    def outputs(self, x: Tensor) -> Outputs:
        """The model's features, and its logits, calibrated, in one pass."""
        features, logits = self.model.outputs(x)
        return Outputs(features, self.calibration(logits))

    def features(self, x: Tensor) -> Tensor:
        """The model's features for x (B, C, H, W)."""
        return self.model.features(x)

    def head(self, features: Tensor) -> Tensor:
        """The model's head, calibrated."""
        logits: Tensor = self.calibration(self.model.head(features))
        return logits

    @property
    def members(self) -> tuple[Classifier, ...]:
        """An ensemble's members, whose own losses attacks average as without calibration; else the model itself.

        Where the calibration has no gradients, none is given by way of the members either.
        """
        inside = self.model.members
        return inside if self._differentiable and inside != (self.model,) else (self,)

    @property
    def linear_head(self) -> LinearHead | None:
        """The model's linear head followed by the calibration, where that is affine."""
        head = self.model.linear_head
        return None if head is None else self.calibration.affine(head)

    @property
    def log_probabilities(self) -> bool:
        """Whether the calibration gives log-probabilities."""
        return self.calibration.log_probabilities


def calibrate(part: Calibrator, model: Classifier, validation: Images) -> Classifier:
    """Fit the part to the model's logits on validation images, as `Posthoc.fit` promises."""
    fitted = part.fit_logits(predict_logits(model, validation.x), validation.y).to(device_of(model))
    return Calibrated(model, fitted, differentiable=part.differentiable)
