"""Merging one store into another."""

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay import studies
from assay.cli import app
from assay.errors import BadValueError, StoreError
from assay.places import Local
from assay.recipe import Recipe
from assay.run import run_study
from assay.store import Store, key_of
from assay.stored_results import load_results
from assay.upkeep import find_garbage, merge, verify
from tests.test_execute import QUICK, small_study
from tests.upkeep.conftest import BASE, CLEAN, LOST, START, Make, evaluation, everything, model, plan, stored

MORE = key_of("more")


def test_what_one_lacks_is_copied_and_the_other_does_not_change(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    theirs.write("evaluations", MORE, evaluation(0.7))
    theirs.write_study("third", plan("baseline", [BASE], {"anomaly": MORE}))
    before = everything(theirs)
    found = merge(ours.out, theirs.out)
    assert everything(theirs) == before
    assert (found.copied, found.shared, found.damaged, found.differing) == (1, 5, (), ())
    assert (found.studies, found.kept) == (("third",), ())
    assert ours.contents("evaluations", MORE) == evaluation(0.7)
    assert ours.read_study("third") == theirs.read_study("third")
    assert verify(ours.out).damage == ()
    assert merge(ours.out, theirs.out).copied == 0


def test_a_folder_goes_to_memory_and_comes_back_as_it_was(make: Make, tmp_path: Path) -> None:
    store = make("store")
    merge("memory://merged", store.out)
    assert merge(tmp_path / "back", "memory://merged").copied == 5
    back = Store(tmp_path / "back")
    assert all(back.contents("models", key) == store.contents("models", key) for key in store.finished("models"))


def test_other_numbers_are_named_and_other_times_are_not(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    for key, cell in ((CLEAN, evaluation(0.6)),):
        theirs.discard("evaluations", key)
        theirs.write("evaluations", key, cell)
    theirs.discard("models", BASE)
    theirs.write("models", BASE, model(seconds=7))
    found = merge(ours.out, theirs.out)
    assert [(item.key, item.whose) for item in found.differing] == [(CLEAN, "first: baseline, seed 0, calibration")]
    assert ours.contents("evaluations", CLEAN) == evaluation()
    assert found.copied == 0


def test_damaged_cells_are_left_out_and_named(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    theirs.write("evaluations", MORE, evaluation())
    theirs.place.write(stored(theirs, "evaluations", MORE, "measurements.json"), b"[0]")
    found = merge(ours.out, theirs.out)
    assert [item.key for item in found.damaged] == [MORE]
    assert found.damaged[0].what == "damaged"
    assert not ours.has("evaluations", MORE)
    assert found.copied == 0


def test_an_interrupted_merge_is_repeated(make: Make, tmp_path: Path) -> None:
    theirs = make("theirs")

    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(tmp_path / "ours", theirs.out, progress=stop)
    assert verify(tmp_path / "ours").damage == ()
    found = merge(tmp_path / "ours", theirs.out)
    assert (found.copied, found.shared) == (3, 2)
    assert Store(tmp_path / "ours").finished("models") == theirs.finished("models")
    assert Store(tmp_path / "ours").has("models", START)


def test_a_study_with_other_cells_stays_and_is_named(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    theirs.write_study("first", plan("baseline", [BASE], {"anomaly": MORE}))
    theirs.write_study("second", {**theirs.read_study("second"), "command": "typed otherwise"})
    before = ours.read_study("first")
    assert merge(ours.out, theirs.out).kept == ("first",)
    assert ours.read_study("first") == before


def test_a_study_of_which_the_other_names_fewer_cells_goes_unnamed(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    theirs.write_study("first", plan("baseline", [BASE], {}))
    found = merge(ours.out, theirs.out)
    assert (found.kept, found.commands) == ((), ())
    assert "first" in merge(theirs.out, ours.out).kept, "the other way round it has more"


def test_what_was_merged_of_other_seeds_stays_named(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    theirs.write("evaluations", MORE, evaluation())
    other = plan("baseline", [LOST], {"calibration": MORE})
    other["models"][0]["seed"] = 1
    theirs.write_study("first", other)
    assert merge(ours.out, theirs.out).kept == ("first",)
    assert ours.has("evaluations", MORE)
    assert find_garbage(ours.out) == ()
    assert ours.read_study("first")["models"][0]["seed"] == 0
    assert merge(ours.out, theirs.out).copied == 0
    assert len(ours.read_study("first")["earlier"]) == 1


def test_the_commands_show_what_was_merged(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    for store, seed in ((ours, 0), (theirs, 3)):
        known = {"study": "quickstart", "preset": None, "limit": 7, "folder": f"/data of {seed}"}
        content = plan("baseline", [f"{seed}"], {}, seeds=[seed], **known)
        content["models"][0]["seed"] = seed
        content["models"].append({**content["models"][0], "recipe": "again", "seed": seed + 1000, "replicate": True})
        store.write_study("x-limit-7", content)
    theirs.write_study("y-laptop", plan("baseline", [], {}, study="y", seeds=[0], preset="laptop", limit=None))
    assert merge(ours.out, theirs.out).commands == (
        f"assay run quickstart --limit 7 --seeds 0,3 --data '/data of 0' --out {ours.out}",
        f"assay report y --preset laptop --out {ours.out}",
    )
    both = ours.read_study("x-limit-7")
    ours.write_study("x-limit-7", {**both, "chosen": ["baseline"]})
    theirs.write_study("x-limit-7", {**theirs.read_study("x-limit-7"), "chosen": ["baseline", "again"]})
    assert merge(ours.out, theirs.out).commands == (
        f"assay run quickstart --limit 7 --seeds 0,3 --recipes 'baseline;again' --data '/data of 0' --out {ours.out}",
    )
    ours.write_study("x-limit-7", {**both, "study": "x"})
    assert merge(ours.out, theirs.out).commands == (
        f"assay.run_study(study, limit=7, seeds=(0, 3), data='/data of 0', out={str(ours.out)!r})  # your study x",
    )


def test_the_commands_work_as_they_are_typed(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study(Recipe(train=QUICK))
    monkeypatch.setattr(studies, "small", study, raising=False)
    monkeypatch.setattr(studies, "__all__", [*studies.__all__, "small"])
    monkeypatch.chdir(tiny_folder.parent)
    for name, seed in (("ours", 0), ("theirs", 1)):
        run_study(study, out=tmp_path / name, data=tiny_folder.name, seeds=(seed,))
    monkeypatch.chdir(tmp_path)
    [alone] = merge("new", "theirs").commands
    [together] = merge("ours", "theirs").commands
    for line, trained in ((alone, 1), (f"{together} --jobs 1", 2)):
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, (line, done.output, done.exception)
        store = Store(shlex.split(line)[shlex.split(line).index("--out") + 1])
        assert len(load_results(store, "small").trained) == trained
        assert len(store.finished("models")) == trained, "nothing was computed anew"


def test_what_is_half_written_is_counted(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    theirs.place.write("models/.0000-abc/cell.json", b"{}")
    theirs.place.write("evaluations/0000/cell.json", b"{}")
    assert merge(ours.out, theirs.out).half == 2
    assert merge(theirs.out, ours.out).half == 0


def test_names_that_lead_out_of_a_cell_are_damage(make: Make, tmp_path: Path) -> None:
    theirs = make("theirs")
    store = Store(tmp_path / "ours")
    for name in ("../../store.json", "/tmp/x", ".hidden"):
        theirs.place.write(f"models/{BASE}/checksums.json", json.dumps({name: "0" * 64}).encode())
        assert [item.key for item in merge(store.out, theirs.out).damaged] == [BASE]
    assert not store.has("models", BASE)


def test_the_same_store_twice_another_format_and_no_store_are_refused(make: Make, tmp_path: Path) -> None:
    ours, theirs = make("ours"), make("theirs")
    again = ours.root / ".." / "ours" if isinstance(ours.place, Local) else f"{ours.out}/"
    with pytest.raises(BadValueError, match="the same twice"):
        merge(ours.out, again)
    theirs.place.write("store.json", b'{"format": 2}')
    with pytest.raises(StoreError, match="has format 2"):
        merge(ours.out, theirs.out)
    with pytest.raises(StoreError, match="has format 2"):
        merge(theirs.out, ours.out)
    with pytest.raises(StoreError, match="holds no store"):
        merge(ours.out, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_damaged_cell_of_the_first_store_is_replaced(make: Make) -> None:
    ours, theirs = make("ours"), make("theirs")
    ours.place.write(stored(ours, "models", BASE, "model.safetensors"), b"cut")
    assert ours.damaged("models", BASE)
    found = merge(ours.out, theirs.out)
    assert (found.copied, found.damaged, found.differing) == (1, (), ())
    assert verify(ours.out).damage == ()
