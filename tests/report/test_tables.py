import csv
import errno
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.errors import StoreError
from assay.evaluations.base import Measurement
from assay.report.tables import write_tables
from assay.results import COLUMNS, Results, rows, setting_text


def test_round_trip(complete: Results, tmp_path: Path) -> None:
    flat, document = write_tables(complete, str(tmp_path))
    records = complete.table.to_dict("records")
    with flat.open(encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream))
    loaded = json.loads(document.read_text(encoding="utf-8"))
    assert (loaded["format"], loaded["study"], loaded["limited"], loaded["limit"]) == (1, "quickstart", False, None)
    assert len(lines) == len(loaded["rows"]) == len(records)
    for line, row, record in zip(lines, loaded["rows"], records, strict=True):
        assert tuple(line) == tuple(row) == COLUMNS
        assert row["setting"] == record["setting"]
        assert line["setting"] == setting_text(record["setting"])
        for name in ("value", "low", "high"):
            missing = record[name] is None or math.isnan(record[name])
            assert row[name] == (None if missing else record[name])
            assert line[name] == ("" if missing else repr(record[name]))


def test_the_json_that_is_put_together_is_laid_out_as_the_encoder_of_python_does(
    study: Callable[..., Results], complete: Results, tmp_path: Path
) -> None:
    items = [
        Measurement(setting={"eps": 1}, metric="nll", value=1e-9, low=-0.0, high=1e22),
        Measurement(setting={"eps": 1.0, "text": 'a\n"b" é'}, metric="nll", value=None, reason="\u2028, \\ and\ttabs"),
        Measurement(setting={}, metric="nll", value=2, n=3, higher_is_better=True),
    ]
    empty = study(profiles={}, recipes=("a",), baseline=None, table=complete.table.iloc[:0])
    for place, results in enumerate((complete, odd(study, complete, *items, label="é"), empty)):
        text = write_tables(results, tmp_path / str(place))[1].read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


def odd(study: Callable[..., Results], complete: Results, *items: Measurement, label: str = "a") -> Results:
    records = rows(list(items), study="s", recipe=label, name=label, seed=0, evaluation="shift", limited=True)
    frame = type(complete.table)(records, columns=list(COLUMNS))
    return study(profiles={}, recipes=(label,), baseline=None, table=frame, limit=7)


def test_never_nan_but_null_with_a_reason(study: Callable[..., Results], complete: Results, tmp_path: Path) -> None:
    items = [
        Measurement(setting={}, metric="accuracy", value=math.nan, low=math.inf),
        Measurement(setting={}, metric="nll", value=None, reason="no KMNIST; run assay data fetch"),
    ]
    _, document = write_tables(odd(study, complete, *items), tmp_path)
    text = document.read_text(encoding="utf-8")
    loaded = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert [row["value"] for row in loaded["rows"]] == [None, None]
    assert loaded["rows"][0]["reason"] == "the store gives no reason"
    assert loaded["rows"][1]["reason"] == "no KMNIST; run assay data fetch"
    assert loaded["limited"] is True
    assert loaded["limit"] == 7


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@sum", "\tx"])
def test_csv_holds_no_formula(study: Callable[..., Results], complete: Results, tmp_path: Path, label: str) -> None:
    item = Measurement(setting={}, metric="accuracy", value=-0.5, n=1)
    flat, document = write_tables(odd(study, complete, item, label=label), tmp_path)
    with flat.open(encoding="utf-8", newline="") as stream:
        line = next(csv.DictReader(stream))
    assert line["recipe"] == "'" + label
    assert line["value"] == "-0.5"  # a number stays a number
    assert json.loads(document.read_text(encoding="utf-8"))["rows"][0]["recipe"] == label


def test_a_failed_write_leaves_the_old_file(complete: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flat, _ = write_tables(complete, tmp_path)
    before = flat.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="the disk is full; finished cells are safe"):
        write_tables(complete, tmp_path)
    assert flat.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv", "table.json"]
