"""Flags: signs that an attack has failed, so that accuracy under it says little, each with the counts behind it.

Shares are of all checked images (points of accuracy) unless said otherwise. A flag is raised:

- black_box_beats_gradients, chance_beats_gradients, one_step_beats_many: where Square Attack, uniform draws from the
  ball, or FGSM fools more than `MATERIAL` of the images although many steps left them standing, and more of them than
  a second run of those many steps does, by the sign test on the images that one alone of the two fools, at `LEVEL`. A
  second run fools a few by chance as well; weaker attacks have no business fooling more than that. Below `MATERIAL` it
  is the gap that every finite set of attacks leaves.
- unbounded_attack_fails: where many steps leave more than `MATERIAL` of the foolable images at a radius that holds the
  whole box. An attack that works leaves none: the points that fool lie in the ball.
- gradients_vanish, loss_saturates: where more than `MATERIAL` of the images stand under many steps and have a gradient
  of the margin that is zero, or one of the cross entropy that is zero though the margin's is not, as float32 rounds the
  other classes' probabilities to 0. Small gradients harm no attack here, since all step by direction.
- gradients_broken: where attacks cannot run or a gradient at an image is missing, NaN or infinite.
- model_is_random: where two predictions of one batch differ by more than rounding.
- one_step_overstates: where most of the right images stand under FGSM, and many steps fool most of those; "most" is a
  Wilson interval above one half. An undefended model claims nothing under FGSM, and one that is robust is not refuted.
- seed_decides: where the Wilson interval of what a second run fools, of what stood under the first, lies above
  `MATERIAL`.
- accuracy_rises: where an attack's own accuracy rises with the budget, see `robust_accuracy.rises`.

Sources: as in `assay.evaluations.honesty`. Croce and Hein (2020), Reliable evaluation of adversarial robustness, find
PGD to overstate robust accuracy by a few points on sound defences and by tens on others: `MATERIAL` lies between.
By chance alone, the three tests at `LEVEL` and the two one-sided ends of 95 % intervals raise a flag in at most one
model in twelve; `accuracy_rises` has a chance of its own for each attack and step between budgets.
"""

from collections.abc import Callable, Iterator, Mapping

from torch import Tensor

from assay.evaluations.base import Measurement
from assay.evaluations.honesty import PREFIX
from assay.metrics.intervals import wilson

MATERIAL = 0.05
LEVEL = 0.01
FLAG, EVIDENCE = "flag", "evidence"
Found = dict[str, Tensor]
NO_GRADIENTS = "attacks by gradients cannot run on this model: its gradients are missing or not finite"
NO_L1 = "Square Attack, which makes this check, knows no L1 ball"
OLDER = "the checks were not run: these observations are older; evaluate the model again"
NO_SINGLE = "each attack's own accuracy was not measured; evaluate with single=True"


class Check:
    """One check's rows: evidence is gathered first, then the verdict."""

    def __init__(self, name: str, eps: float | None = None) -> None:
        self.setting: dict[str, str | float] = {"check": name} if eps is None else {"check": name, "eps": eps}
        self.rows: list[Measurement] = []

    def share(self, of: str, count: int, n: int) -> float:
        """Note that what is named holds for `count` of n images; return the lower end of Wilson's interval."""
        low, high = wilson(count, n)
        self.rows.append(
            Measurement(
                setting=self.setting | {"of": of},
                metric=EVIDENCE,
                value=count / n,
                low=low,
                high=high,
                n=n,
                interval="wilson",
            )
        )
        return low

    def flag(self, raised: bool, n: int) -> list[Measurement]:
        """The flag, 1 where it is raised and else 0, and its evidence."""
        row = Measurement(setting=self.setting, metric=FLAG, value=float(raised), n=n, higher_is_better=False)
        return [row, *self.rows]

    def missing(self, reason: str) -> list[Measurement]:
        """The flag that could not be measured, and why."""
        return [Measurement(setting=self.setting, metric=FLAG, value=None, higher_is_better=False, reason=reason)]


def flags(tensors: Mapping[str, Tensor], rises: int | None) -> Iterator[Measurement]:
    """Every check's flag and evidence.

    Args:
        tensors: the evaluation's observations, among them those that `honesty.observe` has made.
        rises: how often an attack's own accuracy rises with the budget, None where it was not measured.

    Yields:
        "flag" with the setting {"check": name}, 1 where it is raised, 0 where not, and None with the reason where it is
        not measured; after it "evidence" with the setting {"check": name, "of": what}, the share of images for which
        what is named holds. Checks at a budget have "eps" in their setting too.
    """
    found = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
    for name, check in CHECKS.items():
        if not found:
            yield from Check(name).missing(OLDER)
        elif name in BY_ATTACKS and "stands/many" not in found:
            yield from Check(name).missing(NO_GRADIENTS)
        else:
            at_budget = name in BY_ATTACKS and name != "unbounded_attack_fails"
            yield from check(Check(name, float(found["eps"]) if at_budget else None), found)
    rising = Check("accuracy_rises")
    yield from rising.missing(NO_SINGLE) if rises is None else rising.flag(rises > 0, len(tensors["clean"]))


def _beats(by: str, *left_by: str) -> Callable[[Check, Found], list[Measurement]]:
    """Whether `by` fools more of the images that stand under `left_by` than a second run of many steps does."""

    def check(rows: Check, found: Found) -> list[Measurement]:
        from scipy.stats import binom  # here, since it takes a second and a report needs none

        if f"stands/{by}" not in found:
            return rows.missing(NO_L1)
        left, n = found["stands/many"], len(found["right"])
        for name in left_by:
            left = left & found[f"stands/{name}"]
        own, again = left & ~found[f"stands/{by}"], left & ~found["stands/again"]
        rows.share(NAMES[by], int(own.sum()), n)
        rows.share("a second run", int(again.sum()), n)
        alone, other = int((own & ~again).sum()), int((again & ~own).sum())
        beyond_chance = float(binom.sf(alone - 1, alone + other, 0.5)) <= LEVEL
        return rows.flag(beyond_chance and int(own.sum()) > MATERIAL * n, n)

    return check


NAMES = {"square": "Square", "draws": "uniform draws", "fgsm": "FGSM"}


def _unbounded(rows: Check, found: Found) -> list[Measurement]:
    foolable = found["right"] & found["foolable"]
    n, left = int(foolable.sum()), int((foolable & found["stands/unbounded"]).sum())
    if n == 0:
        return rows.missing("the model gives all checked images one class, so none is known to be foolable")
    rows.share("left standing", left, n)
    return rows.flag(left > MATERIAL * n, n)


def _vanish(rows: Check, found: Found) -> list[Measurement]:
    if bool(found["gradient/margin"].isnan().all()):
        return rows.missing(NO_GRADIENTS)
    zero, n = _standing(found) & (found["gradient/margin"] == 0), len(found["right"])
    rows.share("zero gradient of the margin", int(zero.sum()), n)
    return rows.flag(int(zero.sum()) > MATERIAL * n, n)


def _saturates(rows: Check, found: Found) -> list[Measurement]:
    if bool(found["gradient/margin"].isnan().all()):
        return rows.missing(NO_GRADIENTS)
    zero = (found["gradient/cross_entropy"] == 0) & (found["gradient/margin"] > 0) & _standing(found)
    n = len(zero)
    rows.share("zero gradient of the cross entropy alone", int(zero.sum()), n)
    return rows.flag(int(zero.sum()) > MATERIAL * n, n)


def _standing(found: Found) -> Tensor:
    return found.get("stands/many", found["right"])


def _broken(rows: Check, found: Found) -> list[Measurement]:
    broken = found["gradient/cross_entropy"].isnan() | found["gradient/margin"].isnan()
    rows.share("missing or not finite", int(broken.sum()), len(broken))
    return rows.flag("stands/many" not in found or bool(broken.any()), len(broken))


def _random(rows: Check, found: Found) -> list[Measurement]:
    logits, decision = found["changed/logits"], found["changed/decision"]
    rows.share("logits differ", int(logits.sum()), len(logits))
    rows.share("decision differs", int(decision.sum()), len(logits))
    return rows.flag(bool((logits | decision).any()), len(logits))


def _overstates(rows: Check, found: Found) -> list[Measurement]:
    n, stands = int(found["right"].sum()), found["stands/fgsm"]
    if n == 0:
        return rows.missing("the model is right on none of the checked images")
    claimed, refuted = int(stands.sum()), int((stands & ~found["stands/many"]).sum())
    most = rows.share("right images that FGSM leaves", claimed, n) > 0.5
    if claimed:
        most &= rows.share("of those, fooled by many steps", refuted, claimed) > 0.5
    return rows.flag(most, n)


def _seed(rows: Check, found: Found) -> list[Measurement]:
    stands = found["stands/many"]
    fallen = int((stands & ~found["stands/again"]).sum())
    low = rows.share("fooled by a second run alone", fallen, len(stands))
    return rows.flag(low > MATERIAL, len(stands))


CHECKS: dict[str, Callable[[Check, Found], list[Measurement]]] = {
    "black_box_beats_gradients": _beats("square", "fgsm"),
    "chance_beats_gradients": _beats("draws", "fgsm"),
    "one_step_beats_many": _beats("fgsm"),
    "unbounded_attack_fails": _unbounded,
    "gradients_vanish": _vanish,
    "loss_saturates": _saturates,
    "gradients_broken": _broken,
    "model_is_random": _random,
    "one_step_overstates": _overstates,
    "seed_decides": _seed,
}
BY_ATTACKS = (
    "black_box_beats_gradients", "chance_beats_gradients", "one_step_beats_many", "unbounded_attack_fails",
    "one_step_overstates", "seed_decides",
)  # fmt: skip
