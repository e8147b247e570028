"""Listing a store."""

from pathlib import Path

import pytest

from assay.errors import StoreError
from assay.store import Store
from assay.upkeep import StudyCount, list_store
from tests.upkeep.conftest import LOST, everything


def test_studies_and_amounts_are_counted_and_nothing_changes(store: Store) -> None:
    before = everything(store)
    found = list_store(store.out)
    assert everything(store) == before
    assert found.studies == (
        StudyCount(name="first", finished=2, failed=1, waiting=0),
        StudyCount(name="second", finished=2, failed=0, waiting=1),
    )
    sizes = {
        kind: sum(len(content) for path, content in before.items() if path.startswith(kind))
        for kind in ("models", "evaluations", "pieces", "failures", f"models/{LOST}")
    }
    assert {kind: tuple(amount) for kind, amount in found.amounts.items()} == {
        "models": (4, sizes["models"]),
        "evaluations": (1, sizes["evaluations"]),
        "pieces": (1, sizes["pieces"]),
        "failures": (1, sizes["failures"]),
    }
    assert tuple(found.unnamed) == (1, sizes[f"models/{LOST}"])  # what the tuning starts from is needed
    assert tuple(found.unfinished) == (0, 0)


def test_a_cell_without_its_marker_is_unfinished(store: Store) -> None:
    store.place.write("models/0000/cell.json", b"{}")
    found = list_store(store.out)
    assert tuple(found.unfinished) == (1, 2)
    assert found.amounts["models"].number == 4


def test_a_plan_that_cannot_be_read_is_told_and_the_others_are_counted(store: Store) -> None:
    store.place.write("first/study.json", b'{"format": 1, "models": [{}]}')
    first, second = list_store(store.out).studies
    assert "first/study.json: is damaged" in first.problem
    assert second.finished == 2


def test_where_there_is_no_store_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no store"):
        list_store(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []
