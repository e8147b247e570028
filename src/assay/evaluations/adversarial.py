"""Adversarial robustness: accuracy within a budget of change, per attack and in the worst case over all attacks.

Worst case: an image stands at a budget when the model is right on the clean image, and no attack fools it at this or a
smaller budget. This is the number to report, and it falls with the budget by construction. Beside it, as papers report
them, each attack's own accuracy at each single budget; one that rises with the budget shows that the attack fails
there, most often because the model hides its gradients (Athalye, Carlini and Wagner, 2018, Obfuscated gradients give a
false sense of security; Carlini et al., 2019, On evaluating adversarial robustness). That is one of the checks
for failing attacks, see `assay.evaluations.flags`.

A model without gradients, or whose gradients are not finite, is attacked without them; its worst case is not measured.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from assay.attacks import FGSM, PGD, Attack
from assay.classifier import Classifier, device_of, predict_logits, to_unit
from assay.data.images import Images
from assay.data.splits import sample
from assay.data.task import Task
from assay.errors import BadValueError, GradientError
from assay.evaluations import honesty
from assay.evaluations.base import (
    Measurement,
    Observations,
    Pieces,
    Progress,
    afresh,
    check_labels,
    no_progress,
)
from assay.evaluations.chunk import attack_chunk
from assay.evaluations.flags import flags
from assay.evaluations.robust_accuracy import accuracy, costs, mean_accuracy, rises
from assay.evaluations.strike import strike
from assay.evaluations.taught import teach
from assay.parts import check_count, check_number, shown_fields
from assay.randomness import derive, global_streams

CHUNK = 500  # images attacked at once; a constant, since each chunk has its own draws
WORST = "worst_case"
TARGETS = 9  # wrong classes of an attack that takes all of them in turn, for estimates of time
UNMEASURED = "not measured/attacks by gradients"  # a note


def _studied() -> tuple[Attack, ...]:
    return FGSM(eps=0.3), PGD(eps=0.3, steps=40, early_stop=True)


@dataclass(frozen=True, kw_only=True)
class Adversarial:
    """Accuracy under attack on the test set.

    Attributes:
        attacks: of one norm; each is given every budget as its radius, whatever its own.
        budgets: radii in pixel units (pixels in [0, 1]) and the attacks' norm, ascending, > 0.
        images: attack a fixed random sample of that many images; None attacks all.
        examples: images kept with their attacked versions by the last attack.
        single: attack every image at every budget, for each attack's own accuracy. Without, only images that still
            stand are attacked, from where the smaller budget left them, which is cheaper and gives the worst case
            alone: see `assay.evaluations.chunk`.
        checked: look for signs of failing attacks on a fixed random sample of so many of these images; 0: on none.
    """

    name: ClassVar[str] = "adversarial"
    version: ClassVar[int] = 2
    uses: ClassVar[tuple[str, ...]] = ("test",)
    stacks: ClassVar[bool] = True
    piecewise: ClassVar[bool] = True

    attacks: tuple[Attack, ...] = field(default_factory=_studied)
    budgets: tuple[float, ...] = (0.2, 0.3, 0.4, 0.5)
    images: int | None = None
    examples: int = 6
    single: bool = True
    checked: int = 100

    def __post_init__(self) -> None:
        if not isinstance(self.attacks, tuple) or not all(isinstance(attack, Attack) for attack in self.attacks):
            raise BadValueError(
                f"adversarial: attacks: expected a tuple of attacks, such as (PGD(eps=0.3, steps=40),), "
                f"got {self.attacks!r}"
            )
        if not isinstance(self.budgets, tuple):
            raise BadValueError(f"adversarial: budgets: expected a tuple such as (0.1, 0.3), got {self.budgets!r}")
        if not self.attacks or len({attack.norm for attack in self.attacks}) != 1:
            raise BadValueError("adversarial: attacks: expected at least one, all of one norm")
        if len(set(self.labels)) < len(self.labels):
            raise BadValueError(f"adversarial: attacks: expected different ones, got {', '.join(self.labels)}")
        if self.single and WORST in self.labels:  # its rows would bear the name of the worst case over all attacks
            raise BadValueError(f"adversarial: attacks: {WORST} has no accuracy of its own; give single=False with it")
        for eps in self.budgets:
            check_number(self.name, "budgets", eps, low=0)
        if not self.budgets or self.budgets[0] <= 0 or any(a >= b for a, b in pairwise(self.budgets)):
            raise BadValueError(f"adversarial: budgets: expected ascending numbers > 0, got {self.budgets}")
        if self.images is not None:
            check_count(self.name, "images", self.images)
        check_count(self.name, "examples", self.examples, low=0)
        check_count(self.name, "checked", self.checked, low=0)

    @property
    def passes(self) -> float:
        """A gradient is about seven passes; attacks that stop early take less than a third of them, as measured."""
        return len(self.budgets) * sum(_passes(attack) for attack in self.attacks)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each attack is called: its name, or where several share one, its description without eps."""
        counts = Counter(attack.name for attack in self.attacks)
        return tuple(a.name if counts[a.name] == 1 else _without_eps(a) for a in self.attacks)

    def observe(
        self,
        model: Classifier,
        task: Task,
        seed: int,
        progress: Progress = no_progress,
        pieces: Pieces = afresh,
    ) -> Observations:
        """Attack the test images, in pieces of `CHUNK` images.

        A model whose output is random draws from the global stream, which is seeded here: one seed, one result.

        Returns:
            Tensors, for N images: "clean", "worst/<eps>" and (with `single`) "single/<attack>/<eps>", each (N,) bool,
            true where the model is right; "outside/<attack>" (N,) bool, where an attack left its budget (only if it
            did); "cost/<attack>" (pieces, 2) float64, images passed forward and differentiated (`Counted`) in its turns
            at all budgets; for the first k images "example/clean" and "example/adversarial/<eps>" (k, C, H, W) float32,
            "example/prediction/clean", "example/prediction/<eps>" and "example/label" (k,) int64; and
            "check/...", see `honesty.observe`. Of a model on which attacks by gradients cannot run there is
            "single/<attack>/<eps>" of attacks without gradients, those of the evaluation or else Square with few
            queries, and no worst case.

        Raises:
            BadValueError: a label lies outside the model's classes.
            ContractError: the model or an attack breaks its contract.
        """
        images = sample(task.test, self.images)
        check_labels(images, model)
        with global_streams(derive(seed, self.name, "model").initial_seed(), device_of(model)):
            return self._observed(model, images, seed, progress, pieces)

    def _observed(
        self, model: Classifier, images: Images, seed: int, progress: Progress, pieces: Pieces
    ) -> Observations:
        try:
            return self._attacked(model, images, seed, progress, pieces)
        except GradientError as error:
            own = tuple(attack for attack in self.attacks if honesty.black_box(attack))
            if not own and self.attacks[0].norm == "l1":
                raise  # no attack here does without gradients in L1
            return self._without_gradients(own, model, images, seed, progress, pieces, str(error))

    def _attacked(
        self, model: Classifier, images: Images, seed: int, progress: Progress, pieces: Pieces
    ) -> Observations:
        clean = predict_logits(model, images.x).argmax(1) == images.y
        labelled = tuple(zip(self.labels, self.attacks, strict=True))
        attacks, teaching, notes = teach(
            model,
            labelled,
            images,
            CHUNK,
            lambda attack: derive(seed, self.name, _without_eps(attack), "substitute"),
        )
        chunks = [
            pieces(
                f"{start}-{start + CHUNK}",
                partial(self._chunk, model, attacks, images, clean, start, seed, progress),
            )
            for start in range(0, len(images), CHUNK)
        ]
        tensors = {"clean": clean, **{key: torch.cat([chunk[key] for chunk in chunks]) for key in chunks[0]}}
        for label, spent in teaching.items():
            tensors[f"cost/{label}"][0] += spent
        for label in self.labels:
            count = int(tensors[f"outside/{label}"].sum())
            if count == 0:
                del tensors[f"outside/{label}"]
                continue
            notes[f"out of bounds/{label}"] = (
                f"{label} returned points outside its budget or [0, 1] for {count} images; they were brought inside "
                "before they were judged"
            )
        checks = self._checks(model, images, seed, {eps: tensors[f"worst/{eps:g}"] for eps in self.budgets})
        examples = self._examples(model, attacks[-1][1], images, seed)
        return Observations(tensors={**tensors, **examples, **checks}, notes=notes)

    def _checks(self, model: Classifier, images: Images, seed: int, worst: dict[float, Tensor]) -> dict[str, Tensor]:
        if self.checked == 0:
            return {}
        index = self._sampled(images)
        eps = honesty.budget({eps: right[index] for eps, right in worst.items()})
        return honesty.observe(model, images.take(index), self.attacks, eps, self.attacks[0].norm, seed)

    def _sampled(self, images: Images) -> Tensor:
        """Which images are checked: never the first ones, which may be the easier or all of one class."""
        drawn = torch.randperm(len(images), generator=derive(0, self.name, "checked", images.name))
        return drawn[: self.checked].sort().values

    def _without_gradients(
        self,
        own: tuple[Attack, ...],
        model: Classifier,
        images: Images,
        seed: int,
        progress: Progress,
        pieces: Pieces,
        reason: str,
    ) -> Observations:
        """What is left of a model on which attacks by gradients cannot run: attacks without, and the checks."""
        black = replace(
            self, attacks=own or (honesty.square(self.budgets[0], self.attacks[0].norm),), single=True, checked=0
        )
        seen = black._attacked(model, images, seed, progress, lambda name, make: pieces(f"black-box-{name}", make))
        tensors = {name: right for name, right in seen.tensors.items() if not name.startswith("worst/")}
        if not own:  # a substitute's name says how little it was allowed
            label = f"square(queries={honesty.QUERIES})"
            tensors = {name.replace("/square", f"/{label}", 1): found for name, found in tensors.items()}
        if self.checked:
            few_images = images.take(self._sampled(images))
            checks = honesty.observe(model, few_images, self.attacks, self.budgets[0], self.attacks[0].norm, seed)
            # On these few images the attacks may run all the same: as elsewhere they do not, that would say nothing.
            tensors |= {
                name: found for name, found in checks.items() if not name.startswith(f"{honesty.PREFIX}stands/")
            }
        return Observations(tensors=tensors, notes=seen.notes | {UNMEASURED: reason})

    def _chunk(
        self,
        model: Classifier,
        attacks: tuple[tuple[str, Attack], ...],
        images: Images,
        clean: Tensor,
        start: int,
        seed: int,
        progress: Progress,
    ) -> dict[str, Tensor]:
        part = slice(start, start + CHUNK)
        with global_streams(derive(seed, self.name, "model", start).initial_seed(), device_of(model)):
            return attack_chunk(
                model,
                images.x[part],
                images.y[part],
                clean[part],
                attacks,
                self.budgets,
                single=self.single,
                draws=lambda attack, eps: derive(seed, self.name, _without_eps(attack), float(eps), start),
                progress=lambda done: progress((start + len(images.y[part]) * done) / len(images)),
            )

    def _examples(self, model: Classifier, attack: Attack, images: Images, seed: int) -> dict[str, Tensor]:
        if self.examples == 0:
            return {}
        x, y = to_unit(images.x[: self.examples]), images.y[: self.examples].clone()
        device = device_of(model)
        predicted = predict_logits(model, x).argmax(1)
        tensors = {"example/clean": x, "example/label": y, "example/prediction/clean": predicted}
        for eps in self.budgets:
            draws = derive(seed, self.name, "examples", float(eps))
            found = strike(model, attack.at(eps), x.to(device), y.to(device), draws)
            tensors[f"example/adversarial/{eps:g}"] = found.points
            tensors[f"example/prediction/{eps:g}"] = found.prediction
        return tensors

    def measure(self, observations: Observations) -> list[Measurement]:
        """Turn observations into measurements.

        "accuracy" at eps 0 (clean), for "worst_case" and each attack at each budget (Wilson's interval);
        "mean_accuracy", the worst case's mean over the budgets (bootstrap over images); "accuracy_rise", where an
        attack's own accuracy is higher at a budget than at the one before, beyond chance (paired bootstrap);
        "out_of_bounds", the number of images for which an attack left its budget, where it did; what an attack cost
        over all budgets, "queries_per_image" (passes forward) and "gradients_per_image"; "flag" and "evidence", see
        `flags.flags`. Where attacks by gradients cannot run, the worst case carries the reason.
        """
        tensors = observations.tensors
        found = [accuracy({"eps": 0.0}, tensors["clean"]), *self._worst(observations)]
        single = self._single(tensors)
        rising = 0
        for label, curve in single.items():
            found += [accuracy({"attack": label, "eps": eps}, right) for eps, right in curve]
            own = list(rises(label, curve))
            found, rising = found + own, rising + len(own)
        for label in self.labels:
            if (spent := tensors.get(f"cost/{label}")) is not None:
                found += costs(label, spent.sum(0), len(tensors["clean"]))
            if (outside := tensors.get(f"outside/{label}")) is not None:
                found.append(
                    Measurement(
                        setting={"attack": label},
                        metric="out_of_bounds",
                        value=float(outside.sum()),
                        n=len(outside),
                        higher_is_better=False,
                    )
                )
        return found + (list(flags(tensors, rising if single else None)) if self.checked else [])

    def _worst(self, observations: Observations) -> list[Measurement]:
        tensors, reason = observations.tensors, observations.notes.get(UNMEASURED)
        settings: list[dict[str, str | float]] = [{"attack": WORST, "eps": float(eps)} for eps in self.budgets]
        if reason is not None:
            whole = [("accuracy", setting) for setting in settings] + [("mean_accuracy", {"attack": WORST})]
            return [
                Measurement(setting=setting, metric=metric, value=None, higher_is_better=True, reason=reason)
                for metric, setting in whole
            ]
        worst = [tensors[f"worst/{eps:g}"] for eps in self.budgets]
        rows = [accuracy(setting, right) for setting, right in zip(settings, worst, strict=True)]
        return [*rows, mean_accuracy({"attack": WORST}, torch.stack(worst))]

    def _single(self, tensors: dict[str, Tensor]) -> dict[str, list[tuple[float, Tensor]]]:
        """Each attack's own curve: (eps, right (N,) bool) by ascending eps, of the attacks that ran."""
        there = [name.removeprefix("single/").rsplit("/", 1)[0] for name in tensors if name.startswith("single/")]
        return {
            label: [(float(eps), tensors[f"single/{label}/{eps:g}"]) for eps in self.budgets]
            for label in dict.fromkeys([*self.labels, *there])
            if f"single/{label}/{self.budgets[0]:g}" in tensors
        }


def _without_eps(attack: Attack) -> str:
    inside = ", ".join(f"{key}={value!r}" for key, value in shown_fields(attack).items() if key != "eps")
    return f"{attack.name}({inside})" if inside else attack.name


def _passes(attack: Attack) -> float:
    """About how many passes an image costs; an attack that is made of others costs what they do."""
    if members := getattr(attack, "attacks", ()):
        return sum(_passes(member) for member in members)
    if (inner := getattr(attack, "attack", None)) is not None:
        return _passes(inner) * getattr(attack, "samples", 1)
    gradient = 2 if getattr(attack, "early_stop", False) else 7
    gradients = getattr(attack, "steps", 1) * (getattr(attack, "targets", 1) or TARGETS)
    return 3 + gradient * gradients + getattr(attack, "queries", 0)
