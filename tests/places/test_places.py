"""The store's contract in every kind of place: a folder, memory, and a place that cannot rename."""

import contextlib
import json
import os
import time
import uuid
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from assay.errors import BadValueError, DamagedCellError, StoreError
from assay.packing import to_json
from assay.places import Elsewhere, Local, elsewhere, place_at
from assay.report.files import pages_at, write_atomically
from assay.store import Store, finished

FILES = {"model.safetensors": b"weights" * 100, "cell.json": b'{"a": 1}\n'}
OTHER = {"model.safetensors": b"another" * 100, "cell.json": b'{"a": 2}\n'}
KEY = "0123456789abcdef"


class Bucket(LocalFileSystem):  # type: ignore[misc]
    """Puts, gets, lists and removes: an object store without renames and copies."""

    protocol = "bucket"

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("bucket://"))

    def mv(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("rename")

    mv_file = rename = move = cp_file = copy = mv


fsspec.register_implementation("bucket", Bucket, clobber=True)


@pytest.fixture(params=["folder", "memory", "bucket"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    (tmp_path / "out").mkdir()
    places: dict[str, Path | str] = {
        "folder": tmp_path / "out",
        "memory": f"memory://{uuid.uuid4().hex}/out",
        "bucket": f"bucket://{tmp_path}/out",
    }
    return places[request.param]


@pytest.fixture
def store(address: Path | str) -> Store:
    return Store(address)


@pytest.fixture
def far() -> Store:
    return Store(f"memory://{uuid.uuid4().hex}")


def test_what_is_written_is_read_by_all(store: Store) -> None:
    assert not store.has("models", KEY)
    assert store.finished("models") == frozenset()
    store.write("models", KEY, FILES)
    for reader in (store, Store(store.out), Store(store.out, look=True)):
        assert reader.has("models", KEY)
        assert reader.finished("models") == {KEY}
        assert reader.contents("models", KEY) == FILES
        assert reader.read_json("models", KEY, "cell.json") == {"a": 1}
        assert reader.find("models", KEY, "cell.json") == FILES["cell.json"]
        assert reader.find("models", KEY, "draws.safetensors") is None
        assert not reader.has("evaluations", KEY)
    assert finished(store.out, [("models", KEY), ("models", "other"), ("evaluations", KEY)]) == {KEY}


def test_a_finished_cell_stays_until_it_is_discarded(store: Store) -> None:
    store.write("models", KEY, FILES)
    store.write("models", KEY, OTHER)
    assert store.contents("models", KEY) == FILES
    store.discard("models", KEY)
    assert not store.has("models", KEY)
    assert list(store.place.files("models")) == []
    store.write("models", KEY, OTHER)
    assert store.contents("models", KEY) == OTHER


def test_cut_altered_and_missing_files_are_damage(store: Store) -> None:
    store.write("models", KEY, FILES)
    path = f"models/{KEY}/{store.place.named('cell.json', store.checksums('models', KEY)['cell.json'])}"
    store.place.write(path, b'{"a": 3}\n')
    with pytest.raises(DamagedCellError, match="was cut or altered since it was written; delete the folder"):
        store.read("models", KEY, "cell.json")
    assert store.damaged("models", KEY)
    store.place.remove(path)
    with pytest.raises(DamagedCellError, match="cannot be read; delete the folder"):
        store.read("models", KEY, "cell.json")
    assert store.read("models", KEY, "model.safetensors") == FILES["model.safetensors"]
    with pytest.raises(DamagedCellError):
        store.read("models", "nothing", "cell.json")


def test_pieces_failures_and_plans(store: Store) -> None:
    store.keep_piece(KEY, "0-500", b"piece")
    store.keep_piece("other", "0-500", b"another")
    assert Store(store.out).pieces(KEY) == {"0-500": b"piece"}
    store.drop_pieces(KEY)
    assert store.pieces(KEY) == {}
    assert store.pieces("other") == {"0-500": b"another"}
    store.fail(KEY, "it broke")
    assert store.failure(KEY) == "it broke"
    store.write("models", KEY, FILES)
    assert store.failure(KEY) is None
    with pytest.raises(StoreError, match="not found; run that study first"):
        store.read_study("quickstart")
    store.write_study("quickstart", {"seeds": [0]})
    store.write_study("quickstart", {"seeds": [1]})
    assert store.read_study("quickstart") == {"format": 1, "seeds": [1]}
    assert store.studies() == ["quickstart"]


def test_one_of_two_has_a_claim(store: Store) -> None:
    again = Store(store.out)
    with store.claim(KEY) as mine:
        assert mine
        assert again.claimed(KEY)
        with again.claim(KEY) as theirs:
            assert not theirs
        with again.claim("another") as other:
            assert other
        assert store.claimed(KEY)
    assert not again.claimed(KEY)
    with again.claim(KEY) as theirs:
        assert theirs
    assert store.place.names("claims") == []


def test_another_format_is_refused_and_left_alone(store: Store) -> None:
    store.place.write("store.json", to_json({"format": 2}))
    for look in (False, True):
        with pytest.raises(StoreError, match="has format 2, written by a newer assay"):
            Store(store.out, look=look)


def test_a_writer_that_is_killed_before_the_marker_leaves_no_cell(far: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Elsewhere, "_put_first", killed)
    with pytest.raises(KeyboardInterrupt):
        far.write("models", KEY, FILES)
    monkeypatch.undo()
    assert len(list(far.place.files("models"))) == 2
    assert not far.has("models", KEY)
    assert far.finished("models") == frozenset()
    far.write("models", KEY, OTHER)
    assert far.contents("models", KEY) == OTHER


class Plain(MemoryFileSystem):  # type: ignore[misc]
    """A file system that knows no condition on which a file is put."""

    protocol = "plain"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return MemoryFileSystem._strip_protocol(str(path).removeprefix("plain://"))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        if mode != "overwrite":
            raise NotImplementedError("a header that you provided implies functionality that is not implemented")
        super().pipe_file(path, value)


fsspec.register_implementation("plain", Plain, clobber=True)


@pytest.mark.parametrize("kind", ["memory", "plain"])
@pytest.mark.parametrize("moment", range(4))
def test_two_writers_never_mix_their_files(moment: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second writes its whole cell before the first writes its first file, its second, its marker, or after it."""
    far = Store(f"{kind}://{uuid.uuid4().hex}")
    put, calls = Elsewhere._fresh, 0

    def disturbed(self: Elsewhere) -> Any:
        nonlocal calls
        calls += 1
        if calls == (2, 3, 4, 99)[moment]:  # the first asks whether there is a marker
            monkeypatch.setattr(Elsewhere, "_fresh", put)
            Store(far.out).write("models", KEY, OTHER)
        return put(self)

    monkeypatch.setattr(Elsewhere, "_fresh", disturbed)
    far.write("models", KEY, FILES)
    monkeypatch.setattr(Elsewhere, "_fresh", put)
    if moment == 3:
        Store(far.out).write("models", KEY, OTHER)
    assert far.contents("models", KEY) == (FILES if moment == 3 else OTHER), "who came first stays"


@pytest.mark.parametrize(("kind", "moment"), [("memory", 1), ("memory", 2), ("plain", 1), ("plain", 2), ("plain", 4)])
def test_of_two_that_claim_at_the_same_moment_one_is_told(
    kind: str, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second claims before the first asks something of its file system.

    That is to put the claim if there is none, and to read it; where no such condition is known, whether there is one
    and to put it lie between: no moment between these two is tried, since there both are told that they have it.
    """
    far = Store(f"{kind}://{uuid.uuid4().hex}")
    fresh, calls, found = Elsewhere._fresh, 0, list[bool]()

    def disturbed(self: Elsewhere) -> Any:
        nonlocal calls
        calls += 1
        if calls == moment:
            monkeypatch.setattr(Elsewhere, "_fresh", fresh)
            found.append(other.enter_context(Store(far.out).claim(KEY)))
        return fresh(self)

    with contextlib.ExitStack() as other:
        monkeypatch.setattr(Elsewhere, "_fresh", disturbed)
        with far.claim(KEY) as mine:
            assert sorted([*found, mine]) == [False, True]


def test_a_claim_whose_answer_was_lost_is_ours(far: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put = MemoryFileSystem.pipe_file

    def lost(self: Any, path: str, value: bytes, mode: str = "overwrite", **rest: Any) -> None:
        put(self, path, value, mode=mode, **rest)
        if mode == "create":
            raise TimeoutError("no answer")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", lost)
    with far.claim(KEY) as mine:
        assert mine


def test_a_claim_is_renewed_ends_without_renewal_and_with_its_context(
    far: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "RENEWED", 0.01)
    path = f"claims/{KEY}"
    with far.claim(KEY):
        begun = json.loads(far.place.read(path))
        while json.loads(far.place.read(path))["time"] == begun["time"]:
            time.sleep(0.01)
    assert not far.place.exists(path)
    for when in (time.time() - 2 * elsewhere.EXPIRES, time.time() + 2 * elsewhere.EXPIRES):
        far.place.write(path, json.dumps({"owner": "killed", "time": when}).encode())
        assert not far.claimed(KEY)
    for damaged in (b"", b"[]", b"{}", b'{"time": "x"}'):
        far.place.write(path, damaged)
        assert not far.claimed(KEY)


def test_a_claim_names_the_worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "RENEWED", 0.01)
    store.name_worker(KEY, "node:7")
    assert store.place.names("claims") == [], "nobody has claimed it"
    with store.claim(KEY):
        store.name_worker(KEY, "node:7")
        while (held := Store(store.out).holder(KEY)) is None or not held.worker:
            time.sleep(0.01)
        assert (held.worker, held.pid) == ("node:7", os.getpid())
    assert store.holder(KEY) is None


def test_who_loses_a_race_for_a_claim_is_told(far: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    renew = Elsewhere._renew

    def late(self: Elsewhere, path: str, claim: dict[str, Any]) -> None:
        renew(self, path, claim)
        renew(self, path, {"owner": "faster"})

    monkeypatch.setattr(Elsewhere, "_renew", late)
    far.place.write(f"claims/{KEY}", b"damaged, so that it is taken over")
    with far.claim(KEY) as mine:
        assert not mine


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError("no"), "permission denied"),
        (TimeoutError("no answer\nin time"), "TimeoutError: no answer"),
        (RuntimeError("NoCredentials"), "RuntimeError: NoCredentials"),
    ],
)
def test_what_a_place_answers_is_one_sentence_and_never_damage(
    error: Exception, words: str, far: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.write("models", KEY, FILES)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    system = type(far.place._system)  # type: ignore[attr-defined]
    for name in ("info", "cat_file", "pipe_file", "ls", "find", "rm"):
        monkeypatch.setattr(system, name, fail)
    for act in (
        lambda: far.has("models", KEY),
        lambda: far.damaged("models", KEY),
        lambda: far.read("models", KEY, "cell.json"),
        lambda: far.finished("models"),
        lambda: far.fail(KEY, "reason"),
        lambda: far.pieces(KEY),
        lambda: far.discard("models", KEY),
        lambda: Store(far.out),
    ):
        with pytest.raises(StoreError) as caught:
            act()
        assert not isinstance(caught.value, DamagedCellError)
        assert f"{far.out}: cannot be used ({words})" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_unknown_kind_of_address_is_told() -> None:
    with pytest.raises(StoreError, match=r"nonsense://x: cannot be used .*; install what it needs, or choose another"):
        place_at("nonsense://x")


@pytest.mark.parametrize("start", ["file://", "local://", ""])
def test_addresses_of_folders(start: str, tmp_path: Path) -> None:
    assert Store(f"{start}{tmp_path}/out").root == tmp_path / "out"
    assert (tmp_path / "out" / "store.json").exists()


def test_pages_are_put_where_the_store_is(store: Store) -> None:
    store.write_study("quickstart", {"seeds": [0]})
    for text in ("old", "new"):
        with pages_at(store.out, "quickstart") as folder:
            write_atomically(folder / "report.html", text)
    with pages_at(store.out, "quickstart") as folder:
        assert (folder / "report.html").exists()
        write_atomically(folder / "transfer.csv", "a,b")
    assert store.place.read("quickstart/report.html") == b"new"
    with pages_at(store.out, "quickstart") as folder:
        (folder / "transfer.csv").unlink()
    assert store.place.names("quickstart") == ["report.html", "study.json"]
    assert store.read_study("quickstart")["seeds"] == [0]


def test_pages_do_not_land_in_a_folder_named_like_an_address() -> None:
    with pytest.raises(BadValueError, match="is no folder of this machine"):
        write_atomically(Path("memory://x") / "report.html", "text")


def test_an_address_that_lacks_a_slash_is_no_folder() -> None:
    with pytest.raises(StoreError, match=r"s3:/bucket/x: expected s3:// with two slashes; .* write \./s3:/bucket/x"):
        place_at("s3:/bucket/x")
    assert isinstance(place_at("./s3:/bucket/x"), Local)
