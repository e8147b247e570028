"""Monte Carlo dropout: the mean of the softmaxes of thinned networks, whose dropout stays on after training.

With T = `samples` draws m_1, ..., m_T of all dropout masks of the network f, kept units scaled by 1 / (1 - p) as in
training,

    p(y | x) = 1/T sum_t softmax(f(x; m_t)),

a Monte Carlo estimate of the predictive distribution under the approximate posterior that training with dropout fits.
Source: Gal and Ghahramani 2016, "Dropout as a Bayesian approximation: representing model uncertainty in deep learning".

Deviations: the paper draws masks anew for each image and pass, so that the classifier is random. Here they are drawn
once, from a fixed seed, and are the same for every image: the classifier is deterministic, attacks climb the function
that is judged, and a run that goes on meets the model that it left. What an image's output is on average over masks is
the same; its errors due to few samples are shared by all images instead of independent. Masks are where the network has
dropout, which in `lenet5` is around its hidden layer, while the paper puts one before every layer with weights. The
whole network is run for each sample, so that ten cost about ten passes.
"""

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from assay.architectures import Ensemble
from assay.classifier import Classifier, device_of, evaluating
from assay.data.images import Images
from assay.errors import BadValueError
from assay.parts import check_count
from assay.randomness import derive, global_streams

Shape = tuple[int, ...]
SEED = 0  # every model meets the same draws, and the first of many samples are those of few


@dataclass(frozen=True, kw_only=True)
class MCDropout:
    """The mean of the softmaxes of networks thinned by dropout, whose masks are drawn once.

    Attributes:
        samples: T, thinned networks of each network of the model.
    """

    name: ClassVar[str] = "mc_dropout"
    version: ClassVar[int] = 1
    needs_validation: ClassVar[bool] = False
    samples: int = 10

    def __post_init__(self) -> None:
        check_count(self.name, "samples", self.samples)

    @property
    def networks(self) -> int:
        """As many as there are samples."""
        return self.samples

    def fit(self, model: Classifier, images: Images) -> Classifier:
        """Thin the model, or each member of an ensemble, into `samples` networks that share its weights.

        Args:
            model: has dropout layers (`torch.nn.Dropout` and its kin); dropout called as a function is not seen.
            images: any that the model takes; their shape alone is used.

        Returns:
            An `Ensemble`, in the model's mode; its parameters are the model's own, not copies.

        Raises:
            BadValueError: a network has no dropout layer that runs, runs one twice in a pass, has dropout inside a
                layer of another kind, or gives a layer other than one row for each image.
        """
        inside = model.members if isinstance(model, Ensemble) else (model,)
        thinned: list[Classifier] = []
        for place, member in enumerate(inside):
            shapes = dropout_shapes(member, images.shape)
            thinned.extend(thin(member, shapes, place, sample) for sample in range(self.samples))
        ensemble = Ensemble(thinned)
        ensemble.training = model.training
        return ensemble


class Mask(nn.Module):
    """One draw of a dropout layer, kept: x -> scale * x + shift, in training and evaluation mode alike.

    Of plain dropout scale is 0 or 1 / (1 - p) and shift 0; of alpha dropout, which puts a value in place of what it
    drops, neither.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, p: float, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self.p = p  # of the layer that it stands for, should the model's own code read it
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that dropout layers give it
        """Map x (B, ...) to the same shape, by the same mask for each row."""
        return torch.addcmul(self.shift, input, self.scale)


def dropout_shapes(model: Classifier, shape: tuple[int, int, int]) -> dict[str, Shape]:
    """What enters each dropout layer for one image (C, H, W), by the layer's name, from a pass of two blank images."""
    layers = {name: module for name, module in model.named_modules() if isinstance(module, _DropoutNd)}
    for name, module in model.named_modules():
        if isinstance(module, nn.MultiheadAttention | nn.RNNBase) and module.dropout > 0:
            raise BadValueError(f"mc_dropout: {name}: expected dropout in a layer of its own, got it inside of another")
    entered: dict[str, Shape] = {}

    def note(name: str, x: Tensor) -> None:
        if name in entered:
            raise BadValueError(
                f"mc_dropout: expected each dropout layer once in a pass, got {name} twice; give each place its own"
            )
        if x.ndim < 2 or len(x) != 2:
            raise BadValueError(
                f"mc_dropout: {name}: expected a row for each image, got shape {tuple(x.shape)} for two images"
            )
        entered[name] = tuple(x.shape[1:])

    hooks = [
        layer.register_forward_pre_hook(
            lambda _, inputs, named, name=name: note(name, *inputs, *named.values()), with_kwargs=True
        )
        for name, layer in layers.items()
    ]
    try:
        with evaluating(model), torch.no_grad():
            model(torch.zeros(2, *shape, device=device_of(model)))
    finally:
        for hook in hooks:
            hook.remove()
    if not entered:
        raise BadValueError(
            "mc_dropout: expected a network with dropout layers, got one without; take one that is trained with "
            "dropout, such as lenet5"
        )
    return entered


def thin(model: Classifier, shapes: dict[str, Shape], place: int, sample: int) -> Classifier:
    """The model with a drawn mask in place of each dropout layer that runs; it shares all parameters and buffers.

    Args:
        model: one network.
        shapes: as `dropout_shapes` gives them.
        place: of the model in its ensemble: members have masks of their own.
        sample: which draw.
    """
    kept: dict[int, Any] = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    with torch.inference_mode(False):  # what is made in inference mode has no gradients later either
        for name, shape in shapes.items():
            layer = model.get_submodule(name)
            assert isinstance(layer, _DropoutNd), "shapes are those of dropout layers"
            kept[id(layer)] = drawn(layer, shape, derive(SEED, "mc_dropout", place, sample, name)).to(device_of(model))
    return copy.deepcopy(model, kept)  # what is in the memo is taken as it is


def drawn(layer: _DropoutNd, shape: Shape, generator: torch.Generator) -> Mask:
    """One draw of a dropout layer's mask, on the CPU, by the layer itself: what it makes of zeros and of ones."""
    own = copy.deepcopy(layer).train()
    seed = generator.initial_seed()

    def of(value: float) -> Tensor:
        with global_streams(seed, "cpu"):
            found: Tensor = own(torch.full((1, *shape), value))
        return found

    shift = of(0.0)
    return Mask(float(own.p), of(1.0) - shift, shift)
