"""The store: finished cells, whole or not at all."""

import contextlib
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import DamagedCellError, StoreError
from assay.places import local as module
from assay.places.local import Local
from assay.store import Store, key_of

FILES = {"model.safetensors": b"weights" * 100, "cell.json": b'{"a": 1}\n'}
KEY = "0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "out")


def everything(store: Store) -> set[str]:
    return {str(path.relative_to(store.root)) for path in store.root.rglob("*")}


def test_what_is_written_is_read(store: Store) -> None:
    assert not store.has("models", KEY)
    store.write("models", KEY, FILES)
    assert store.has("models", KEY)
    assert not store.has("evaluations", KEY)
    assert store.read("models", KEY, "model.safetensors") == FILES["model.safetensors"]
    assert store.read_json("models", KEY, "cell.json") == {"a": 1}
    assert everything(store) == {
        *("store.json", "models", f"models/{KEY}", f"models/{KEY}/checksums.json"),
        *(f"models/{KEY}/{name}" for name in FILES),
    }


def test_pieces_of_a_finished_evaluation_that_a_kill_left_behind_go_and_others_stay(store: Store) -> None:
    for key in ("finished", "begun"):
        store.keep_piece(key, "0-500", b"piece")
    store.write("evaluations", "finished", {"metrics.json": b"{}"})
    again = Store(store.root)
    assert [list(again.pieces(key)) for key in ("finished", "begun")] == [[], ["0-500"]]


def test_another_store_on_the_same_folder_sees_the_same(store: Store) -> None:
    store.write("models", KEY, FILES)
    assert Store(str(store.root)).read_json("models", KEY, "cell.json") == {"a": 1}


def test_others_may_read_a_finished_cell(store: Store) -> None:
    store.write("models", KEY, FILES)
    mode = (store.root / "models" / KEY).stat().st_mode
    assert mode & stat.S_IROTH
    assert mode & stat.S_IXOTH


def test_a_finished_cell_stays(store: Store) -> None:
    store.write("models", KEY, FILES)
    store.write("models", KEY, {"cell.json": b"{}"})
    assert store.read_json("models", KEY, "cell.json") == {"a": 1}
    assert len(everything(store)) == 6


def test_a_cell_that_another_run_finishes_at_the_last_moment_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        Store(store.root).write("models", KEY, {"cell.json": b'"theirs"'})
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    store.write("models", KEY, FILES)
    assert store.read_json("models", KEY, "cell.json") == "theirs"
    assert not [name for name in everything(store) if "/." in name]


def test_a_folder_without_checksums_is_no_cell_and_gives_way(store: Store) -> None:
    (store.root / "models" / KEY).mkdir(parents=True)
    (store.root / "models" / KEY / "cell.json").write_text("cut")
    assert not store.has("models", KEY)
    store.write("models", KEY, FILES)
    assert store.read_json("models", KEY, "cell.json") == {"a": 1}


CRASH = """
import os, sys
from pathlib import Path
from assay.store import Store
store = Store(sys.argv[1])
{patch}
store.write("models", "{key}", {{"model.safetensors": b"w" * 1000, "cell.json": b"{{}}"}})
"""


@pytest.mark.parametrize(
    "patch",
    [
        "Path.rename = lambda *_: os._exit(9)",  # everything is written, nothing is renamed
        "os.fsync = lambda _: os._exit(9)",  # in the midst of the first file
        "import assay.store; assay.store.to_json = lambda _: os._exit(9)",  # before the checksums
    ],
)
def test_a_crash_while_writing_leaves_nothing_visible(store: Store, patch: str) -> None:
    code = CRASH.format(patch=patch, key=KEY)
    assert subprocess.run([sys.executable, "-c", code, str(store.root)], check=False).returncode == 9
    assert not store.has("models", KEY)
    assert not (store.root / "models" / KEY).exists()
    store.write("models", KEY, FILES)
    assert store.read_json("models", KEY, "cell.json") == {"a": 1}


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_while_writing_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error):
        store.write("models", KEY, FILES)
    assert everything(store) == {"store.json", "models"}


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("models", "other", FILES)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full; finished cells are safe: free some space and run the same"):
        store.write("models", KEY, FILES)
    assert not store.has("models", KEY)
    assert not [name for name in everything(store) if KEY in name]
    monkeypatch.undo()
    assert store.read_json("models", "other", "cell.json") == {"a": 1}


def test_a_full_disk_for_notes_and_studies(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.fail(KEY, "first")
    store.write_study("quickstart", {"a": 1})
    monkeypatch.setattr(Path, "replace", full)
    writes: tuple[Callable[[], None], ...] = (
        lambda: store.fail(KEY, "second"),
        lambda: store.write_study("quickstart", {"a": 2}),
    )
    for write in writes:
        with pytest.raises(StoreError, match="the disk is full"):
            write()
    monkeypatch.undo()
    assert store.failure(KEY) == "first"
    assert store.read_study("quickstart")["a"] == 1
    assert not [name for name in everything(store) if "/." in name]


@pytest.mark.parametrize("damage", [b"", b"weight", b"weights" * 99 + b"weightz", b"weights" * 101])
def test_a_cut_or_altered_file_is_found(store: Store, damage: bytes) -> None:
    store.write("models", KEY, FILES)
    path = store.root / "models" / KEY / "model.safetensors"
    path.write_bytes(damage)
    with pytest.raises(StoreError) as caught:
        store.read("models", KEY, "model.safetensors")
    assert f"{path}: was cut or altered since it was written" in str(caught.value)
    assert f"delete the folder {path.parent} and run the same command again" in str(caught.value)
    shutil.rmtree(path.parent)  # the remedy
    store.write("models", KEY, FILES)
    assert store.read("models", KEY, "model.safetensors") == FILES["model.safetensors"]


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", "null", "[" * 100_000, '{"model.safetensors": 1}', "\xff"])
def test_damaged_checksums_are_found(store: Store, damage: str) -> None:
    store.write("models", KEY, FILES)
    (store.root / "models" / KEY / "checksums.json").write_bytes(damage.encode("latin1"))
    with pytest.raises(StoreError, match="delete the folder"):
        store.read("models", KEY, "model.safetensors")


def test_a_missing_file_or_cell_is_told(store: Store) -> None:
    store.write("models", KEY, FILES)
    (store.root / "models" / KEY / "cell.json").unlink()
    for key, name in ((KEY, "cell.json"), (KEY, "other"), ("nothing", "cell.json")):
        with pytest.raises(StoreError, match="cannot be read; delete the folder"):
            store.read("models", key, name)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"", b"[" * 100_000])
def test_a_file_that_is_no_json_is_told(store: Store, content: bytes) -> None:
    store.write("models", KEY, {"cell.json": content})
    with pytest.raises(StoreError, match=r"cell.json: is no JSON; delete the folder"):
        store.read_json("models", KEY, "cell.json")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"format": 2}')
    with pytest.raises(
        StoreError, match=r"has format 2, written by a newer assay; .* upgrade assay, or choose another"
    ):
        Store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["store.json"]


@pytest.mark.parametrize("content", ["", "{}", "[]", "3", "nonsense"])
def test_a_damaged_marker_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(StoreError, match=r"store.json: is damaged; choose another folder with --out"):
        Store(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path)
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    with pytest.raises(StoreError, match=r"cannot be written \(not writable\); choose another folder with --out"):
        Store(tmp_path)


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_in_the_folders_place(tmp_path: Path, below: str) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StoreError, match=r"cannot be written .*; choose another folder with --out"):
        Store(tmp_path / "out" / below)


def test_a_file_in_a_rooms_place(store: Store) -> None:
    for room in ("models", "claims", "failures"):
        (store.root / room).write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        store.write("models", KEY, FILES)
    with pytest.raises(StoreError, match="cannot be written"), store.claim(KEY):
        pass
    with pytest.raises(StoreError, match="cannot be written"):
        store.fail(KEY, "reason")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(one=plain, other=plain)
def test_keys_are_equal_where_the_content_is(one: Any, other: Any) -> None:
    assert (key_of(one) == key_of(other)) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
    assert len(key_of(one)) == 32


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_keys_are_of_finite_numbers_alone(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        key_of([value])


def test_keys_do_not_change_from_version_to_version() -> None:
    """The first 32 digits of `printf '{"a":[1,0.5,"x"],"b":null}' | sha256sum`."""
    assert key_of({"b": None, "a": [1, 0.5, "x"]}) == "5e18ff3d53bdff48fa32bb6108a2cf1d"


def test_failures_are_noted_until_the_cell_is_written(store: Store) -> None:
    assert store.failure(KEY) is None
    store.fail(KEY, "it broke")
    store.fail(KEY, "it broke again")
    assert store.failure(KEY) == "it broke again"
    assert not store.has("models", KEY)
    store.write("models", KEY, FILES)
    assert store.failure(KEY) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"3"])
def test_a_damaged_note_is_none(store: Store, content: bytes) -> None:
    store.fail(KEY, "it broke")
    (store.root / "failures" / f"{KEY}.json").write_bytes(content)
    assert store.failure(KEY) is None


def test_studies(store: Store) -> None:
    with pytest.raises(StoreError, match=r"study.json: not found; run that study first, with --out"):
        store.read_study("quickstart")
    store.write_study("quickstart", {"seeds": [0]})
    folder = store.root / "quickstart"
    assert store.read_study("quickstart") == {"format": 1, "seeds": [0]}
    store.write_study("quickstart", {"seeds": [0, 1]})
    assert store.read_study("quickstart")["seeds"] == [0, 1]
    (folder / "study.json").write_text('{"format": 3}')
    with pytest.raises(StoreError, match="has format 3, written by a newer assay"):
        store.read_study("quickstart")
    (folder / "study.json").write_text('{"format": ')
    with pytest.raises(StoreError, match="is damaged"):
        store.read_study("quickstart")


CLAIM = f"""
import sys
from assay.store import Store
with Store(sys.argv[1]).claim({KEY!r}) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def elsewhere(store: Store) -> Iterator["subprocess.Popen[str]"]:
    """Another process that tries to claim the cell, tells whether it could, and holds it until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(store.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def answer(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_one_of_two_processes_gets_a_claim_and_a_kill_ends_it(store: Store) -> None:
    with store.claim(KEY) as mine, elsewhere(store) as other:
        assert mine
        assert answer(other) == "False"
        with store.claim("another") as second:
            assert second
    with elsewhere(store) as other:
        assert answer(other) == "True"
        with store.claim(KEY) as mine:
            assert not mine
        other.send_signal(signal.SIGKILL)
        other.wait()
        with store.claim(KEY) as mine:
            assert mine
    assert list((store.root / "claims").iterdir()) == []


def test_a_claim_ends_with_an_error_too(store: Store) -> None:
    with pytest.raises(KeyError), store.claim(KEY):
        raise KeyError("here")
    with store.claim(KEY) as mine:
        assert mine


def test_a_lock_on_a_file_that_was_taken_away_is_no_claim(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs open the file, the first finishes and removes it, and a third makes it anew: one of them may hold it."""
    lock = module._lock
    held = contextlib.ExitStack()

    def late(handle: Any, path: Path) -> bool:
        monkeypatch.setattr(module, "_lock", lock)
        path.unlink()
        assert held.enter_context(store.claim(KEY))
        return lock(handle, path)

    monkeypatch.setattr(module, "_lock", late)
    with held, store.claim(KEY) as mine:
        assert not mine


def test_what_a_disk_cannot_read_now_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.write("models", "k", {"a": b"1"})
    read = Local.read

    def hiccup(place: Local, path: str) -> bytes:
        if path == "models/k/a":
            raise OSError(errno.EIO, "Input/output error")
        return read(place, path)

    monkeypatch.setattr(Local, "read", hiccup)
    with pytest.raises(StoreError, match=r"cannot be read now \(Input/output error\); nothing was changed") as caught:
        store.damaged("models", "k")
    assert not isinstance(caught.value, DamagedCellError)
    monkeypatch.undo()
    assert not store.damaged("models", "k")
    (tmp_path / "models" / "k" / "a").unlink()
    assert store.damaged("models", "k")


def test_the_plan_that_a_run_goes_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    assert store.former_study("x") == {}
    for content in (b"{", b"3", b""):
        store.place.write("x/study.json", content)
        assert store.former_study("x") == {}
    store.write_study("x", {"models": []})
    assert store.former_study("x")["models"] == []

    def hiccup(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Local, "read", hiccup)
    with pytest.raises(StoreError):
        store.former_study("x")
