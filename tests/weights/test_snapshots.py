"""Snapshots: the cyclic learning rate, and the weights at the ends of the cycles."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from assay.architectures.base import Network
from assay.errors import BadValueError
from assay.weights import Course, Snapshots


def course(steps: int, rate: float = 0.4) -> Course:
    return Course(rate, steps, steps)


def test_the_rate_is_that_of_the_paper_where_the_cycles_divide_the_steps() -> None:
    part, steps, members, length = Snapshots(members=4), 24, 4, 6
    for t in range(1, steps + 1):  # equation 2 of the paper, whose iterations count from 1
        wanted = 0.4 / 2 * (math.cos(math.pi * ((t - 1) % math.ceil(steps / members)) / math.ceil(steps / members)) + 1)
        assert part.rate(t - 1, course(steps)) == pytest.approx(wanted, rel=1e-12)
    assert part.marks(course(steps)) == (length, 2 * length, 3 * length, 4 * length)


def test_a_cycle_of_four_steps_by_hand() -> None:
    found = [Snapshots(members=2).rate(step, course(8, 1.0)) for step in range(8)]
    root = math.sqrt(0.5)
    assert found == pytest.approx([1, (1 + root) / 2, 0.5, (1 - root) / 2] * 2)


@given(members=st.integers(2, 12), more=st.integers(0, 40))
def test_there_are_as_many_cycles_as_members_and_each_begins_high_and_falls(members: int, more: int) -> None:
    part, whole = Snapshots(members=members), course(members + more)
    marks = part.marks(whole)
    assert len(set(marks)) == members
    assert marks[-1] == whole.total
    lengths = [end - start for start, end in zip((0, *marks), marks, strict=False)]
    assert max(lengths) - min(lengths) <= 1
    for start, end in zip((0, *marks), marks, strict=False):
        rates = [part.rate(step, whole) for step in range(start, end)]
        assert rates[0] == pytest.approx(0.4)
        assert rates == sorted(rates, reverse=True)
        assert rates[-1] > 0


def test_fewer_steps_than_cycles_are_refused() -> None:
    with pytest.raises(BadValueError, match="snapshots: members: expected at most one for each of the 3 steps"):
        Snapshots().marks(course(3))
    with pytest.raises(BadValueError, match="snapshots: members: expected a whole number >= 2, got 1"):
        Snapshots(members=1)


def test_what_is_kept_are_copies_with_the_buffers() -> None:
    model = Network((1, 2, 2), 2, nn.Sequential(nn.Flatten()), 4)
    kept = Snapshots(members=2).collector()
    for value in (1.0, 2.0):
        with torch.no_grad():
            model.last.weight.fill_(value)
            model.normalise.mean.fill_(-value)
        kept.add(model)
    states = kept.states(model, torch.Generator())
    assert [float(state["last.weight"].mean()) for state in states] == [1, 2]
    assert [float(state["normalise.mean"]) for state in states] == [-1, -2]
