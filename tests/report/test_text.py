import json

from hypothesis import given
from hypothesis import strategies as st

from assay.report.text import breakable, embed, emphasise, flatten


@given(st.dictionaries(st.text(), st.text()))
def test_embedded_json_means_the_same_and_cannot_end_its_element(data: dict[str, str]) -> None:
    text = str(embed(data))
    assert json.loads(text) == data
    assert not set("<>&\u2028\u2029") & set(text)


def test_names_are_bold_and_all_else_is_escaped() -> None:
    names = ["pgd(eps=0.3)", "pgd(eps=0.3) > <b>", "cut"]
    assert str(emphasise("x < pgd(eps=0.3) > <b>; cutout, cut.", names)) == (
        "x &lt; <b>pgd(eps=0.3) &gt; &lt;b&gt;</b>; cutout, <b>cut</b>."
    )
    assert str(emphasise("a & b", [])) == "a &amp; b"


def test_labels_break_at_brackets_and_are_escaped() -> None:
    assert str(breakable("a(<i>)")) == "a(<wbr>&lt;i&gt;)"
    assert str(breakable("a(x) > b")) == 'a(<wbr>x) <span class="step">&gt; b</span>'
    assert str(breakable("a(x=0.5, y=2) > b(z) > c")) == (
        'a(<wbr>x=0.5, y=2) <span class="step">&gt; b(</span><wbr>z) <span class="step">&gt; c</span>'
    )
    assert str(breakable("> <b>")) == "&gt; &lt;b&gt;"
    assert breakable("a(x) > b(y)").striptags() == "a(x) > b(y)"


def test_nested_facts_become_pairs() -> None:
    facts = {"run": {"torch": "2", "sizes": [1, 2]}, "sets": [{"n": 3}], "commit": None, "seconds": 1234.56}
    assert list(flatten(facts)) == [
        ("run, torch", "2"), ("run, sizes", "1, 2"), ("sets, 1, n", "3"), ("commit", "unknown"), ("seconds", "1,234.6"),
    ]  # fmt: skip
