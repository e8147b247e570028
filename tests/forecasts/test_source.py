"""Every mistake in a file is one sentence with its line, its column and the remedy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay import AssayError
from assay.forecasts.parse import Binary, Classes, Ranges, parse, unread
from assay.forecasts.source import read

EVENT, CLASSES, RANGES = "probability,outcome\n", "p_cat,p_dog,outcome\n", "low,high,level,outcome\n"


def parsed(text: str | bytes, folder: Path) -> Binary | Classes | Ranges:
    path = folder / "f.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return parse(read(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f.csv: is empty; write a header"),
        (EVENT, "f.csv: has a header but no row"),
        ("a,b\n1,2\n", "expected the columns probability,outcome for an event; p_cat,p_dog,...,outcome"),
        ("probability\n0.2\n", "there is no column outcome; add it, or rename one of: probability"),
        ("low,high,outcome\n1,2,3\n", "there is no column level"),
        ("probability,p_a,p_b,outcome\n1,1,0,a\n", "the columns fit several kinds; keep those of one"),
        ("probability,outcome,outcome\n1,1,0\n", "the column 'outcome' occurs twice"),
        ("probability;outcome\n0,2;1\n", "line 1: separated by semicolons; save it with commas"),
        ("p_cat,outcome\n1,cat\n", "p_cat is the only class"),
        (EVENT + "0.5,1\n0.5\n", "line 3: expected 2 cells as in the header, got 1"),
        (EVENT + "0.5,1\n70%,1\n", "line 3, probability: expected a number from 0 to 1, got '70%'; write 0.7 for 70 %"),
        (EVENT + "70,1\n", "line 2, probability: expected a number from 0 to 1, got 70; write 0.7 for 70 %"),
        (EVENT + "-0.1,1\n", "line 2, probability: expected a number from 0 to 1, got -0.1"),
        (EVENT + "1e999,1\n", "line 2, probability: expected a number from 0 to 1, got 1e999, which is too large"),
        (EVENT + '"0,5",1\n', "line 2, probability: expected a number from 0 to 1, got '0,5'; write a decimal point"),
        (EVENT + "0.5,1\n\n,1\n", "line 4, probability: is missing; fill it in, or leave the row out"),
        (EVENT + "NaN,1\n", "line 2, probability: is missing"),
        (EVENT + "0.5,yes\n", "line 2, outcome: expected 0 or 1, got 'yes'; write 1 where the event happened, else 0"),
        (EVENT + "0.5,2\n", "line 2, outcome: expected 0 or 1, got 2"),
        (EVENT + "1_0,1\n", "line 2, probability: expected a number from 0 to 1, got '1_0'"),
        (CLASSES + "0.5,0.5,cow\n", "line 2, outcome: 'cow' is none of the classes; known: cat, dog"),
        (CLASSES + "0.5,0.5,dgo\n", "did you mean dog?"),
        (CLASSES + "0.5,0.5,\n", "line 2, outcome: is missing"),
        (CLASSES + "0.5,0.498,cat\n", "line 2, p_cat to p_dog: expected probabilities that sum to 1 within 0.001"),
        (RANGES + "0,1,90%,1\n", "line 2, level: expected a number between 0 and 1, got '90%'; write 0.9"),
        (RANGES + "0,1,90,1\n", "line 2, level: expected a number between 0 and 1, got 90; write 0.9"),
        (RANGES + "0,1,1,1\n", "line 2, level: expected a number between 0 and 1, got 1"),
        (RANGES + "2,1,0.9,1\n", "line 2, low: expected low <= high, got 2 and 1; swap them"),
        (RANGES + "2,inf,0.9,1\n", "line 2, high: expected a number, got 'inf'"),
        (RANGES + "2,1e200,0.9,1\n", "line 2, high: expected a number, got 1e200, which is too large"),
        ("probability,outcome,a\x1bb\n0.5,1,2\n", r"expected a column's name in printable letters, got 'a\x1bb'"),
        (EVENT.encode() + b"0.5,1\n\xff,1\n", "line 3: no UTF-8 text; save it as CSV in UTF-8"),
        ("probability,outcome\n0.5,1\n".encode("utf-16"), "line 1: no UTF-8 text"),
        (EVENT.encode("utf-16-le") + b"1,\0", "no text but bytes of another kind"),
        (EVENT + '"0.5,1\n', "line 2: no CSV: unexpected end of data; close every quotation mark"),
        (RANGES + "".join(f"0,1,{k / 100},1\n" for k in range(1, 60)), "expected at most 50 different levels, got 59"),
    ],
)
def test_mistakes(text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(AssayError) as found:
        parsed(text, tmp_path)
    assert said in str(found.value)
    assert "\n" not in str(found.value)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"none\.csv: no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(AssayError, match="cannot be read"):
        read(tmp_path)


def test_what_is_tolerated(tmp_path: Path) -> None:
    text = '\ufeffid, probability ,note,outcome\r\n1,.5,"two\nlines",1\r\n\r\n2, 1 ,,0.0\r\n'
    path = tmp_path / "f.csv"
    path.write_text(text, newline="")
    source = read(path)
    assert source.places == ["2", "5"]  # where a row starts, although one runs over two lines and one is empty
    data = parse(source)
    assert isinstance(data, Binary)
    assert data.probability.tolist() == [0.5, 1.0]
    assert data.outcome.tolist() == [1.0, 0.0]
    assert unread(source, data) == ("id", "note")


def test_classes_may_be_called_as_missing_values_are(tmp_path: Path) -> None:
    data = parsed("p_none,p_some,outcome\n0.9995,0,none\n0,1,some\n", tmp_path)
    assert isinstance(data, Classes)
    assert data.names == ("none", "some")
    assert data.outcome.tolist() == [0, 1]
    assert data.probability[0].tolist() == [0.9995, 0]  # as stated, not made to sum to 1


def test_a_frame_says_the_same_as_its_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"p_0": [0.25, 1 / 3], "p_1": [0.75, 2 / 3], "outcome": [1, 0]})
    frame.to_csv(tmp_path / "f.csv", index=False)
    whole, written = parse(read(frame)), parse(read(tmp_path / "f.csv"))
    assert isinstance(whole, Classes)
    assert isinstance(written, Classes)
    assert whole.probability.equal(written.probability)
    assert whole.outcome.equal(written.outcome)


def test_a_frames_mistakes_name_its_rows() -> None:
    frame = pd.DataFrame({"probability": [0.5, np.nan], "outcome": [True, False]}, index=["a", "b"])
    with pytest.raises(AssayError, match="data frame, row b, probability: is missing"):
        parse(read(frame))
    data = parse(read(frame.fillna(1.0)))
    assert isinstance(data, Binary)
    assert data.outcome.tolist() == [1, 0]
