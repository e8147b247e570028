"""What nobody needs any more: found, and removed."""

import os
import time
from collections.abc import Callable

import pytest

from assay.errors import StoreError
from assay.places import Local
from assay.store import ABANDONED, Store
from assay.upkeep import Garbage, collect, collecting, find_garbage
from assay.upkeep.collecting import UNFINISHED
from tests.upkeep.conftest import BASE, CLEAN, LOST, START, TUNED, WAITING, everything

Later = Callable[[], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Two hours pass."""
    now = time.time

    def go() -> None:
        monkeypatch.setattr(time, "time", lambda: now() + 2 * ABANDONED)

    return go


def test_a_cell_that_no_study_names_goes_and_all_others_stay(store: Store) -> None:
    before = everything(store)
    assert [(item.path, item.why) for item in find_garbage(store.out)] == [(f"models/{LOST}", "no study names it")]
    assert everything(store) == before
    assert [item.key for item in collect(store.out)] == [LOST]
    left = everything(store)
    assert left == {path: content for path, content in before.items() if LOST not in path}
    assert {*store.finished("models"), *store.finished("evaluations")} == {BASE, START, TUNED, CLEAN}
    assert collect(store.out) == ()


def test_what_outlived_its_cell_goes(store: Store) -> None:
    store.write("evaluations", WAITING, {"cell.json": b"{}"})
    store.fail(CLEAN, "once")
    store.fail("unheard", "of")
    store.keep_piece("unheard", "0-500-abc", b"piece")
    found = {item.path: item.why for item in find_garbage(store.out)}
    assert found == {
        f"models/{LOST}": "no study names it",
        f"pieces/{WAITING}-0-500-abc": "its evaluation is finished",
        "pieces/unheard-0-500-abc": "no study names it",
        f"failures/{CLEAN}.json": "its cell is finished",
        "failures/unheard.json": "no study names it",
    }
    collect(store.out)
    assert find_garbage(store.out) == ()
    assert [item.path for item in find_garbage(store.out)] == []
    assert len(store.place.names("failures")) == 1


def test_what_was_begun_goes_after_an_hour_unless_a_run_has_claimed_it(store: Store, later: Later) -> None:
    collect(store.out)
    store.place.write("models/0000/cell.json", b"{}")
    store.place.write("evaluations/1111/cell.json", b"{}")
    assert find_garbage(store.out) == ()
    later()
    with store.claim("1111"):
        assert [item.path for item in find_garbage(store.out)] == ["models/0000"]
        assert [item.path for item in collect(store.out)] == ["models/0000"]
    assert [item.path for item in collect(store.out)] == ["evaluations/1111"]


def test_a_claimed_cell_stays(store: Store) -> None:
    with store.claim(LOST):
        assert find_garbage(store.out) == ()
        assert collect(store.out) == ()
    assert store.has("models", LOST)


def test_a_claim_that_has_ended_goes_and_one_that_lasts_stays(store: Store, later: Later) -> None:
    collect(store.out)
    store.place.write("claims/0000", b'{"owner": "gone", "time": 0}')
    if not isinstance(store.place, Local):  # its owner's clock may be off: it ends when it was not renewed for an hour
        assert collect(store.out) == ()
    later()
    with store.claim("1111"):
        assert [item.path for item in collect(store.out)] == ["claims/0000"]
        assert store.claimed("1111")
    assert store.place.names("claims") == []


def test_a_plan_that_cannot_be_read_stops_it(store: Store) -> None:
    store.place.write("second/study.json", b'{"format": 1}')
    before = everything(store)
    for look in (find_garbage, collect):
        with pytest.raises(StoreError, match="what second names cannot be told"):
            look(store.out)
    assert everything(store) == before


def test_temporaries_of_plans_and_pages_go_after_an_hour(store: Store) -> None:
    if not isinstance(store.place, Local):
        pytest.skip("there are none elsewhere")
    collect(store.out)
    old, young = store.root / "first" / ".study.json-abc", store.root / "first" / ".report.html.abc.part"
    marker = store.root / ".store.json-abc"
    for path in (old, young, marker):
        path.write_text("half")
    for path in (old, marker):
        os.utime(path, (0, 0))
    assert {item.path for item in collect(store.out)} == {"first/.study.json-abc", ".store.json-abc"}
    assert young.exists()
    assert not old.exists()
    assert not marker.exists()


def test_a_cell_that_was_finished_since_it_was_listed_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Garbage(path=f"models/{LOST}", why=UNFINISHED, size=1, key=LOST)
    monkeypatch.setattr(collecting, "find_garbage", lambda _: (listed,))
    assert collect(store.out) == ()
    assert store.has("models", LOST)
