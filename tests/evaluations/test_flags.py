"""Each flag at its edge: raised by what it is for, and by nothing else."""

from typing import Any

import pytest
import torch
from torch import Tensor

from assay.evaluations import Measurement
from assay.evaluations.flags import NO_GRADIENTS, OLDER, flags
from assay.metrics.intervals import wilson

N = 100


def some(count: int, n: int = N, *, start: int = 0) -> Tensor:
    """(n,) bool, of which `count` from `start` on are true."""
    place = torch.arange(n)
    return (place >= start) & (place < start + count)


def quiet(images: int = N, /, **changed: Tensor | None) -> dict[str, Tensor]:
    """Observations of a model that is right on all images, of which all stand, and that nothing speaks against."""
    yes, no = torch.ones(images, dtype=torch.bool), torch.zeros(images, dtype=torch.bool)
    tensors: dict[str, Any] = {
        "eps": torch.tensor([0.3], dtype=torch.float64),
        **dict.fromkeys(("right", "foolable"), yes),
        **dict.fromkeys(("changed/logits", "changed/decision"), no),
        **dict.fromkeys(("gradient/cross_entropy", "gradient/margin"), torch.ones(images)),
        **dict.fromkeys((f"stands/{name}" for name in ("fgsm", "many", "again", "square", "draws")), yes),
        "stands/unbounded": no,
    }
    tensors |= {name.replace("__", "/"): tensor for name, tensor in changed.items()}
    return {"clean": yes} | {f"check/{name}": tensor for name, tensor in tensors.items() if tensor is not None}


def raised(tensors: dict[str, Tensor], rises: int | None = 0) -> set[str]:
    return {row.setting["check"] for row in flags(tensors, rises) if row.metric == "flag" and row.value}  # type: ignore[misc]


def rows_of(tensors: dict[str, Tensor], check: str) -> tuple[Measurement, dict[str, Measurement]]:
    """The flag and the evidence of a check, by what it counts."""
    rows = [row for row in flags(tensors, 0) if row.setting["check"] == check]
    [flag] = [row for row in rows if row.metric == "flag"]
    return flag, {str(row.setting["of"]): row for row in rows if row.metric == "evidence"}


def test_a_quiet_model_raises_nothing() -> None:
    rows = [row for row in flags(quiet(), 0) if row.metric == "flag"]
    assert [row.value for row in rows] == [0.0] * 11
    assert len({row.setting["check"] for row in rows}) == 11


@pytest.mark.parametrize(
    ("check", "edge", "beyond"),
    [
        # 0.5^6 = 0.016 and 0.5^7 = 0.008: of 100 images the sign test needs 7 where a second run fools none
        ("black_box_beats_gradients", {"stands__square": ~some(6)}, {"stands__square": ~some(7)}),
        ("chance_beats_gradients", {"stands__draws": ~some(6)}, {"stands__draws": ~some(7)}),
        ("one_step_beats_many", {"stands__fgsm": ~some(6)}, {"stands__fgsm": ~some(7)}),
        ("unbounded_attack_fails", {"stands__unbounded": some(5)}, {"stands__unbounded": some(6)}),
        ("gradients_vanish", {"gradient__margin": 1.0 - some(5).float()}, {"gradient__margin": 1.0 - some(6).float()}),
        (
            "loss_saturates",
            {"gradient__cross_entropy": 1.0 - some(5).float()},
            {"gradient__cross_entropy": 1.0 - some(6).float()},
        ),
        (
            "gradients_broken",
            {"gradient__margin": torch.full((N,), 1e30)},
            {"gradient__margin": torch.ones(N).masked_fill(some(1), torch.nan)},
        ),
        ("model_is_random", {}, {"changed__logits": some(1)}),
        # Wilson's interval of 9 of 100 begins at 4.8 %, of 10 at 5.5 %
        ("seed_decides", {"stands__again": ~some(9)}, {"stands__again": ~some(10)}),
        # 59 and 60 of 100 begin at 49.2 % and 50.2 %; the other part is far beyond
        (
            "one_step_overstates",
            {"stands__fgsm": some(59), "stands__many": some(0)},
            {"stands__fgsm": some(60), "stands__many": some(0)},
        ),
    ],
)
def test_a_flag_is_raised_beyond_its_edge_and_alone(
    check: str, edge: dict[str, Tensor], beyond: dict[str, Tensor]
) -> None:
    assert raised(quiet(**edge)) == set()
    assert raised(quiet(**beyond)) == {check}


def test_one_step_is_refuted_only_where_most_of_what_it_leaves_falls() -> None:
    claims = some(80)
    few, most = some(48, start=32), some(16, start=64)  # 40 % and 80 % of the 80 fall
    assert raised(quiet(stands__fgsm=claims, stands__many=few, stands__again=few)) == set()
    assert raised(quiet(stands__fgsm=claims, stands__many=most, stands__again=most)) == {"one_step_overstates"}


@pytest.mark.parametrize("of", ["square", "draws", "fgsm"])
def test_what_a_second_run_fools_as_well_is_chance(of: str) -> None:
    """9 images more than the second run's own 9 are discordant 9 : 0; the same 9 images are not."""
    same = {f"stands__{of}": ~some(9), "stands__again": ~some(9)}
    assert raised(quiet(**same)) == set()
    apart = {f"stands__{of}": ~some(9), "stands__again": ~some(9, start=50)}
    assert raised(quiet(**apart)) == set()
    many = {f"stands__{of}": ~some(27), "stands__again": ~some(9, start=50)}
    assert len(raised(quiet(**many))) == 1, "27 : 9"


def test_a_gap_as_every_attack_leaves_it_raises_nothing_however_many_images() -> None:
    n = 1000
    assert raised(quiet(n, stands__square=~some(50, n))) == set()
    assert raised(quiet(n, stands__square=~some(51, n))) == {"black_box_beats_gradients"}


def test_evidence_is_a_share_of_images_with_wilsons_interval() -> None:
    flag, evidence = rows_of(quiet(stands__square=~some(40), stands__again=~some(3)), "black_box_beats_gradients")
    assert flag.value == 1
    assert flag.setting["eps"] == 0.3
    assert {name: row.value for name, row in evidence.items()} == {"Square": 0.4, "a second run": 0.03}
    assert (evidence["Square"].low, evidence["Square"].high) == wilson(40, 100)


def test_images_that_are_fooled_already_count_for_nothing() -> None:
    """Square and draws are tried on what stands under FGSM and under many steps."""
    fallen = some(30, start=70)
    tensors = quiet(stands__fgsm=~fallen, stands__many=~fallen, stands__again=~fallen, stands__square=~fallen)
    _, evidence = rows_of(tensors, "black_box_beats_gradients")
    assert evidence["Square"].value == 0
    assert raised(tensors) == set()


def test_vanishing_gradients_of_fallen_images_harm_no_attack() -> None:
    fallen = {"stands__many": ~some(40), "stands__fgsm": ~some(40), "stands__again": ~some(40)}
    zero = 1.0 - some(40).float()
    assert raised(quiet(**fallen, gradient__margin=zero, gradient__cross_entropy=zero)) == set()


def test_images_that_nothing_can_fool_do_not_speak_against_an_attack() -> None:
    """With one class for all images, no other image shows that there is anything to find."""
    tensors = quiet(foolable=some(0), stands__unbounded=some(N))
    assert raised(tensors) == set()
    flag, _ = rows_of(tensors, "unbounded_attack_fails")
    assert flag.value is None
    assert "one class" in flag.reason


def test_without_gradients_what_needs_them_says_so() -> None:
    gone: dict[str, Tensor | None] = {f"stands__{name}": None for name in ("fgsm", "many", "again", "square", "draws")}
    nothing = torch.full((N,), torch.nan)
    tensors = quiet(**gone, stands__unbounded=None, gradient__margin=nothing, gradient__cross_entropy=nothing)
    rows = [row for row in flags(tensors, None) if row.metric == "flag"]
    assert {row.setting["check"] for row in rows if row.value is not None} == {"gradients_broken", "model_is_random"}
    assert raised(tensors) == {"gradients_broken"}
    assert {row.reason for row in rows if row.value is None} == {
        NO_GRADIENTS, "each attack's own accuracy was not measured; evaluate with single=True",
    }  # fmt: skip


def test_a_model_that_is_never_right_and_older_observations() -> None:
    none = some(0)
    standing = {f"stands__{name}": none for name in ("fgsm", "many", "again", "square", "draws", "unbounded")}
    flag, _ = rows_of(quiet(right=none, **standing), "one_step_overstates")
    assert flag.reason == "the model is right on none of the checked images"
    older = [row for row in flags({"clean": some(3)}, 0) if row.value is None]
    assert len(older) == 10
    assert {row.reason for row in older} == {OLDER}


def test_rises_are_a_flag_too() -> None:
    assert raised(quiet(), rises=2) == {"accuracy_rises"}
