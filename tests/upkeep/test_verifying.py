"""Verifying a store, and discarding what is damaged."""

from assay.store import PIECE, Store
from assay.upkeep import repair, verify
from assay.upkeep.census import studies_of
from tests.upkeep.conftest import BASE, CLEAN, LOST, START, TUNED, WAITING, everything, plan, stored


def test_a_sound_store_is_sound_and_nothing_changes(store: Store) -> None:
    before, steps = everything(store), []
    found = verify(store.out, progress=lambda done, total: steps.append((done, total)))
    assert found.damage == ()
    assert found.checked == 6
    assert steps[-1] == (6, 6)
    assert everything(store) == before


def test_every_kind_of_damage_is_found_with_its_cell_and_repaired(store: Store) -> None:
    store.place.write(stored(store, "models", BASE, "model.safetensors"), b"weights" * 9 + b"weightz")
    store.place.remove(stored(store, "evaluations", CLEAN, "cell.json"))
    store.place.write(f"models/{LOST}/checksums.json", b"{")
    store.place.remove(f"models/{TUNED}/checksums.json")
    piece = f"{WAITING}-0-500-abc"
    store.place.write(stored(store, "pieces", piece, PIECE), b"cut")
    found = verify(store.out)
    assert {(item.kind, item.key, item.what, item.whose) for item in found.damage} == {
        ("models", LOST, "damaged", ""),
        ("models", BASE, "damaged", "first: baseline, seed 0, training (and in second)"),
        ("evaluations", CLEAN, "damaged", "first: baseline, seed 0, calibration"),
        ("pieces", piece, "damaged", "second: tuned, seed 0, calibration"),
        ("models", TUNED, "half-written", "second: tuned, seed 0, training"),
    }
    with store.claim(LOST):  # a run is mending it
        assert {item.key for item in repair(store.out, found)} == {BASE, CLEAN, TUNED, piece}
    assert verify(store.out).damage == tuple(item for item in found.damage if item.key == LOST)
    assert not store.has("models", BASE)
    assert store.place.names("pieces") == []


def test_a_cell_that_is_being_written_is_not_damaged(store: Store) -> None:
    store.place.write("models/0000/cell.json", b"{}")
    with store.claim("0000"):
        assert verify(store.out).damage == ()
    assert [item.what for item in verify(store.out).damage] == ["half-written"]


def test_what_was_mended_meanwhile_is_not_discarded(store: Store) -> None:
    path = stored(store, "models", BASE, "model.safetensors")
    sound = store.place.read(path)
    store.place.write(path, b"cut")
    found = verify(store.out)
    store.place.write(path, sound)
    assert repair(store.out, found) == ()
    assert store.has("models", BASE)


def test_a_damaged_plan_is_told_and_stays(store: Store) -> None:
    store.place.write("first/study.json", b"{")
    found = verify(store.out)
    assert [(item.kind, item.key) for item in found.damage] == [("study", "first")]
    assert repair(store.out, found) == ()
    assert store.place.read("first/study.json") == b"{"


def test_a_shared_model_is_named_as_its_own_recipes(store: Store) -> None:
    both = plan("baseline", [BASE], {"calibration": CLEAN})
    both["models"] += plan("ensemble(members=2)", [BASE, START], {})["models"]
    store.write_study("first", both)
    (first, *_) = studies_of(store)
    assert first.cells["models", BASE] == "baseline, seed 0, training"
    assert first.cells["models", START] == "ensemble(members=2), seed 0, training"
