"""Work on several models at once: the passes that they want at one time become one.

Each model's work runs in a thread of its own, one thread at a time, until it wants a pass through a network. When all
have come so far, these are one pass of a `Stack`, padded to the largest batch; then each goes on with its own answer.
So what is done with a model is written once, for one: an attack leaves the images that it has fooled, an evaluation
asks for gradients or not, and each ends when it ends.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from threading import Condition, Thread
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from assay.classifier import Classifier, LinearHead, device_of
from assay.errors import BadValueError
from assay.randomness import global_streams
from assay.stacks.networks import Stack

T = TypeVar("T")


def together(
    groups: Sequence[Sequence[Classifier]], work: Callable[[int, tuple[Classifier, ...]], T]
) -> list[T | Exception]:
    """Do the work for each group of networks, as if one after the other.

    A stand-in is in evaluation mode and gives its network's features, to rounding, and their gradients with respect to
    the images, once and not twice. In training mode, and where gradients are on but none is wanted of the images, it
    runs the network itself. The weights are those at the beginning; hooks on a network's layers are not called.

    Args:
        groups: networks in evaluation mode, all of one architecture, as `Stack` takes them, whose outputs are
            `head(features(x))`; a group is a model, or the members of an ensemble.
        work: called with the place of a group and stand-ins for its networks, in a thread of its own.

    Returns:
        What the work gave for each group, or the error that it raised. What is no `Exception`, such as an interrupt, is
        raised, and so is what breaks a pass of all.

    Raises:
        BadValueError: there are no groups, a group is a model itself, or a network does more than `head(features(x))`.
    """
    if not groups or any(isinstance(group, nn.Module) or not group for group in groups):
        raise BadValueError("groups: expected lists of networks, such as [[model], [other]]")
    for network in (network for group in groups for network in group):
        _check(network)
    firsts = accumulate(map(len, groups[:-1]), initial=0)
    # The streams are put back: threads take turns inside.
    with global_streams(0, device_of(groups[0][0])), torch.inference_mode(False):
        meeting = _Meeting(Stack([network for group in groups for network in group]))
        seats = [
            _Seat(group, first, partial(work, place))
            for place, (group, first) in enumerate(zip(groups, firsts, strict=True))
        ]
        meeting.hold(seats)
    return [cast("T | Exception", seat.result) for seat in seats]


def _check(network: Classifier) -> None:
    if not isinstance(network, Classifier):
        raise BadValueError(
            f"groups: expected networks as training gives them, such as fit(...).model, got {type(network).__name__}"
        )
    own = [
        name for name in ("forward", "outputs", "members") if getattr(type(network), name) != getattr(Classifier, name)
    ]
    if own:
        raise BadValueError(
            f"{type(network).__name__}: has {own[0]} of its own, beside features and head; work on it by itself"
        )


@dataclass(eq=False)
class _Forward:
    """Images (B, C, H, W) through the network at `place` of the stack; the answer is `features` (B, D)."""

    place: int
    x: Tensor
    graph: bool  # whether a gradient may be asked for
    features: Tensor = field(init=False)
    joint: "_Joint" = field(init=False)
    row: int = field(init=False)


@dataclass(eq=False)
class _Backward:
    """Back from the features of a pass, along `slope` (B, D); the answer is `gradient` (B, C, H, W)."""

    of: _Forward
    slope: Tensor
    gradient: Tensor = field(init=False)


class _Stopped(BaseException):
    """Raised in a thread whose work is no longer wanted."""


class _Seat(Generic[T]):
    """A thread that works while it has the turn, and gives it back with what it wants, or as it ends."""

    def __init__(self, group: Sequence[Classifier], first: int, work: Callable[[tuple[Classifier, ...]], T]) -> None:
        """A thread for a group of networks, of which the first is at that place of the stack."""
        self.stand_ins = tuple(_StandIn(network, self, place) for place, network in enumerate(group, start=first))
        self.work = work
        self.wanted: _Forward | _Backward | None = None
        self.result: T | BaseException | None = None
        self.working = self.ended = self.stopped = False
        self.change = Condition()  # of who works
        self.thread = Thread(target=self._run, daemon=True)

    def resume(self) -> None:
        """Let the thread work until it wants something, or ends."""
        if self.thread.ident is None:
            self.thread.start()
        self._turn(working=True)

    def ask(self, wanted: _Forward | _Backward) -> None:
        """In the thread: wait until it is answered."""
        self.wanted = wanted
        self._turn(working=False)
        self.wanted = None
        if self.stopped:
            raise _Stopped

    def end(self) -> None:
        """End the thread where it is; one that an interrupt has left at work is waited for."""
        self.stopped = True
        while self.thread.ident is not None and not self.ended:
            self.resume()
        self.stand_ins = ()  # which hold this seat

    def _turn(self, *, working: bool) -> None:
        """Give the turn away, and wait until it comes back."""
        with self.change:
            self.working = working
            self.change.notify()
            self.change.wait_for(lambda: self.working != working)

    def _run(self) -> None:
        with self.change:
            self.change.wait_for(lambda: self.working)
        try:
            if self.stopped:
                raise _Stopped
            # Autograd runs the backward pass of a GPU in one thread for all, where to wait would be for ever.
            with torch.autograd.set_multithreading_enabled(False):
                self.result = self.work(self.stand_ins)
        except _Stopped:
            self.result = None
        except BaseException as error:  # whatever it is, it is for who holds the meeting
            self.result = error
        with self.change:
            self.ended, self.working = True, False
            self.change.notify()


class _Meeting:
    """Gives each seat its turn, and answers what they want."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.places, self.present = tuple(range(len(stack))), stack

    def hold(self, seats: Sequence[_Seat[Any]]) -> None:
        try:
            due = list(seats)
            while due:
                for seat in due:
                    seat.resume()
                    if isinstance(seat.result, BaseException) and not isinstance(seat.result, Exception):
                        raise seat.result
                due = self._answered([seat for seat in seats if not seat.ended])
        finally:
            for seat in seats:
                seat.end()

    def _answered(self, seats: Sequence[_Seat[Any]]) -> list[_Seat[Any]]:
        """Answer what is wanted, gradients first: who waits for them is then level with the others."""
        backward = {seat: one for seat in seats if isinstance(one := seat.wanted, _Backward)}
        for joint in _unique(one.of.joint for one in backward.values()):
            joint.back([one for one in backward.values() if one.of.joint is joint])
        if backward:
            return list(backward)
        forward = [one for seat in seats if isinstance(one := seat.wanted, _Forward)]
        for kind in _unique((one.x.shape[1:], one.x.dtype) for one in forward):
            alike = [one for one in forward if (one.x.shape[1:], one.x.dtype) == kind]
            _Joint(self._at(tuple(one.place for one in alike)), alike)
        return list(seats)

    def _at(self, places: tuple[int, ...]) -> Stack:
        """The networks at these places; mostly they are the same again."""
        if places != self.places:
            self.places, self.present = places, self.stack.take(places)
        return self.present


class _Joint:
    """A pass of several networks, as one."""

    def __init__(self, stack: Stack, passes: Sequence[_Forward]) -> None:
        """Answer the passes, one for each network of the stack."""
        graph = any(one.graph for one in passes)
        with torch.set_grad_enabled(graph):
            self.leaf = _padded([one.x for one in passes]).requires_grad_(graph)
            self.features = stack.features(self.leaf)
        for row, one in enumerate(passes):
            one.joint, one.row = self, row
            one.features = self.features.detach()[row, : len(one.x)].clone()

    def back(self, slopes: Sequence[_Backward]) -> None:
        """Answer what wants gradients; the others' slopes are 0."""
        given = dict.fromkeys(range(len(self.leaf)), self.features.new_zeros((0, self.features.shape[2])))
        given |= {one.of.row: one.slope for one in slopes}
        slope = _padded(list(given.values()), self.features.shape[1])
        [gradient] = torch.autograd.grad(self.features, self.leaf, slope, retain_graph=True)
        for one in slopes:
            one.gradient = gradient[one.of.row, : len(one.slope)].clone()


class _Shared(torch.autograd.Function):
    """Features by a pass that is shared, and so is the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, seat: _Seat[Any], place: int) -> Tensor:
        """Ask for the features (B, D) of x (B, C, H, W)."""
        ctx.seat, ctx.asked = seat, _Forward(place, x.detach(), graph=True)
        seat.ask(ctx.asked)
        features: Tensor = ctx.asked.features
        del ctx.asked.features  # which will hold what holds `asked`
        return features

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        """Ask for the gradient (B, C, H, W)."""
        if torch.is_grad_enabled():  # else its terms would be missing without a word
            raise BadValueError("create_graph: expected one derivative of a model among others; work on it by itself")
        asked = _Backward(ctx.asked, slope)
        ctx.seat.ask(asked)
        return asked.gradient, None, None


class _StandIn(Classifier):
    """A network whose passes are shared with others."""

    def __init__(self, network: Classifier, seat: _Seat[Any], place: int) -> None:
        super().__init__()
        self.n_classes, self.network, self.seat, self.place = network.n_classes, network, seat, place
        self.training = network.training

    def features(self, x: Tensor) -> Tensor:
        """The network's features for x (B, C, H, W)."""
        if self.training or (torch.is_grad_enabled() and not x.requires_grad):
            return self.network.features(x)
        if torch.is_grad_enabled():
            found: Tensor = _Shared.apply(x, self.seat, self.place)  # type: ignore[no-untyped-call]
            return found
        asked = _Forward(self.place, x.detach(), graph=False)
        self.seat.ask(asked)
        return asked.features

    def head(self, features: Tensor) -> Tensor:
        """The network's head."""
        return self.network.head(features)

    @property
    def linear_head(self) -> LinearHead | None:
        """The network's."""
        return self.network.linear_head

    @property
    def log_probabilities(self) -> bool:
        """Whether the network's logits are log-probabilities."""
        return self.network.log_probabilities


def _padded(pieces: Sequence[Tensor], length: int = 0) -> Tensor:
    """Tensors (B, ...) as one (N, B, ...), those that are shorter than the longest, or than `length`, ending in 0."""
    longest = max(length, *map(len, pieces))
    if all(len(piece) == longest for piece in pieces):
        return torch.stack(list(pieces))
    whole = pieces[0].new_zeros((len(pieces), longest, *pieces[0].shape[1:]))
    for own, piece in zip(whole, pieces, strict=True):
        own[: len(piece)] = piece
    return whole


def _unique(items: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(items))
