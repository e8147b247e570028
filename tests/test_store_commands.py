"""`assay store` as it is typed; what it does is tested in tests/upkeep."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.cli import app
from assay.errors import StoreError
from assay.store import Store
from tests.upkeep.conftest import BASE, LOST, START, filled, stored


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return filled(tmp_path / "out")


def typed(*words: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["store", *map(str, words)], env={"COLUMNS": "100", "NO_COLOR": "1"})
    if isinstance(done.exception, Exception):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_ls(store: Store) -> None:
    said = typed("ls", "--out", store.root)
    for row in (["first", "3", "2", "1", "0"], ["second", "3", "2", "0", "1"], ["models", "4", "1", "kB"]):
        assert row in lines(said)
    assert "assay store gc" in said


def test_verify_says_what_is_damaged_and_repairs_it(store: Store) -> None:
    assert "6 cells and pieces checked, 0 damaged." in typed("verify", "--out", store.root)
    store.place.write(stored(store, "models", BASE, "model.safetensors"), b"cut")
    said = typed("verify", "--out", store.root, code=1)
    assert f"damaged  models/{BASE}  (first: baseline, seed 0, training (and in second))" in said
    assert store.has("models", BASE)
    assert "1 cell or piece discarded, which the next run computes anew" in typed(
        "verify", "--out", store.root, "--repair", code=1
    )
    assert not store.has("models", BASE)
    assert "0 damaged" in typed("verify", "--out", store.root)


def test_verify_counts_what_a_kill_has_left_in_the_midst_of_writing(store: Store) -> None:
    store.place.write("models/.0000-abc/cell.json", b"{}")
    said = typed("verify", "--out", store.root)
    assert "6 cells and pieces checked, 0 damaged." in said
    assert "1 more is being written, or half-written since a kill" in said


def test_a_damaged_plan_is_one_sentence_with_its_remedy(store: Store) -> None:
    store.place.write("first/study.json", b"cut")
    said = typed("verify", "--out", store.root, code=1)
    path = store.root / "first" / "study.json"
    assert f"{path}: is damaged; run that study again, which writes it anew and keeps its cells\n" in said


def test_gc_removes_only_where_it_is_told_to(store: Store) -> None:
    said = typed("gc", "--out", store.root)
    assert f"models/{LOST}  (no study names it)" in said
    assert "1 to remove" in said
    assert store.has("models", LOST)
    assert "1 removed" in typed("gc", "--out", store.root, "--yes")
    assert not store.has("models", LOST)
    assert store.has("models", START)
    assert "Nothing to remove." in typed("gc", "--out", store.root)


def test_merge_says_what_was_copied_left_out_and_kept(store: Store, tmp_path: Path) -> None:
    store.place.write(stored(store, "models", BASE, "model.safetensors"), b"cut")
    store.place.write("models/0000/cell.json", b"{}")
    said = typed("merge", tmp_path / "all", store.root)
    assert "4 cells copied, 0 were here; plans of 2 studies: first, second." in said
    assert "1 cell damaged in one of the stores and left out; a run computes what is missing:" in said
    assert f"damaged  models/{BASE}  (first: baseline, seed 0, training (and in second))" in said
    assert f"1 cell half-written in {store.root} and left out" in said
    assert f"  assay report x --out {tmp_path / 'all'}" in said.splitlines()
    assert "0 cells copied, 4 were here." in typed("merge", tmp_path / "all", store.root)


def test_a_store_that_is_not_there_is_told(tmp_path: Path) -> None:
    for command in ("ls", "verify", "gc"):
        with pytest.raises(StoreError, match="holds no store; name a folder or address that a run has"):
            typed(command, "--out", tmp_path / "nothing")
