import pytest

from assay.analysis.overfitting import Overfitting, overfitting


def history(*looks: tuple[float | None, float | None]) -> list[dict[str, float | None]]:
    return [
        {"epoch": epoch, "loss": 1.0, "robust_accuracy": pgd, "fgsm_accuracy": fgsm}
        for epoch, (pgd, fgsm) in enumerate(looks, start=1)
    ]


def test_a_fall_under_pgd_while_fgsm_stays_is_found_where_it_began() -> None:
    found = overfitting(history((0.4, 0.6), (0.61, 0.75), (0.6, 0.76), (0.0, 0.95), (0.02, 0.97)))
    assert found == Overfitting(epoch=4, best=0.61, pgd=0.0, fgsm=0.95)


def test_what_never_withstood_pgd_is_found() -> None:
    assert overfitting(history((0.02, 0.97), (0.0, 0.99))) == Overfitting(epoch=1, best=None, pgd=0.02, fgsm=0.97)
    slow = history((0.15, 0.25), (0.14, 0.4), (0.07, 0.53), (0.08, 0.57), (0.06, 0.71))  # lenet5, fgsm(eps=0.3)
    assert overfitting(slow) == Overfitting(epoch=5, best=None, pgd=0.06, fgsm=0.71)


def test_a_training_that_recovered_is_not_broken_and_one_that_broke_again_is() -> None:
    recovered = history((0.6, 0.7), (0.0, 0.9), (0.55, 0.7))
    assert overfitting(recovered) is None
    again = overfitting([*recovered, {"epoch": 4, "robust_accuracy": 0.1, "fgsm_accuracy": 0.9}])
    assert again is not None
    assert (again.epoch, again.best) == (4, 0.6)


@pytest.mark.parametrize(
    "looks",
    [
        ((0.2, 0.4), (0.5, 0.65), (0.62, 0.72)),  # honest
        ((0.0, 0.05), (0.0, 0.1), (0.1, 0.3)),  # still learning
        ((0.0, 0.4), (0.0, 0.45)),
        ((0.6, 0.7), (0.1, 0.35)),  # falls under both
        ((0.6, 0.9), (0.31, 0.9)),  # not by half
        ((None, None), (None, None)),
        (),
    ],
)
def test_others_are_not_flagged(looks: tuple[tuple[float | None, float | None], ...]) -> None:
    assert overfitting(history(*looks)) is None


def test_records_of_before_the_looks_are_read() -> None:
    assert overfitting([{"epoch": 1, "loss": 0.3, "accuracy": 0.9, "validation_accuracy": 0.9}]) is None
