"""Where a run that is asked for is not in a store, what is there is said."""

from pathlib import Path

import pytest

from assay.asked import asked_folder
from assay.errors import BadValueError
from assay.store import PLAN, Store


def said(out: Path, study: str, preset: str | None = None, limit: int | None = None) -> str:
    with pytest.raises(BadValueError) as caught:
        asked_folder(study, preset=preset, limit=limit, out=out)
    return str(caught.value)


def test_no_store(tmp_path: Path) -> None:
    out = tmp_path / "none"
    assert said(out, "quickstart", limit=5) == (
        f"{out}: there is no store here; name one with --out, or run `assay run quickstart --limit 5 --out {out}` first"
    )
    assert not out.exists()
    assert "did you mean quickstart?" in said(out, "quikstart")


def test_other_options_and_other_studies_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert f"{tmp_path}: tradeoffs was not run here; run" in said(tmp_path, "tradeoffs")
    store.write_study("tradeoffs-laptop-limit-7", {"study": "tradeoffs", "preset": "laptop", "limit": 7})
    store.write_study("quickstart", {"study": "quickstart", "preset": None, "limit": None})
    store.write_study("one_class-3-limit-7", {"study": "one_class-3", "preset": None, "limit": 7, "kept": {"class": 3}})
    store.place.write(f"broken/{PLAN}", b"cut")
    assert asked_folder("tradeoffs", preset="laptop", limit=7, out=tmp_path) == "tradeoffs-laptop-limit-7"
    assert "was run here only with --preset laptop --limit 7; ask for that, or run" in said(tmp_path, "tradeoffs")
    assert "quickstart was run here only with no options; ask" in said(tmp_path, "quickstart", limit=5)
    assert "one_class was run here only with --limit 7; ask" in said(tmp_path, "one_class")
    others = "(this store has one_class --limit 7, or quickstart, or tradeoffs --preset laptop --limit 7)"
    assert f"monitoring was not run here {others}; run" in said(tmp_path, "monitoring")
