"""Reading Metamath databases: what is refused, with the line, and what frames come out."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightschool.errors import SourceMalformed, SourceUnreadable
from nightschool.verify.metamath import reader
from nightschool.verify.metamath.database import Assertion
from nightschool.verify.metamath.reader import parse, read_database
from nightschool.verify.metamath.theorems import small

HEAD = "$c wff |- -> $.\n$v p q $.\nwp $f wff p $.\nwq $f wff q $.\n"
REFUSED = {
    "character": ("$c é $.", 1, "printable ASCII"),
    "open comment": (HEAD + "$( never", 5, "never closed"),
    "comment in a comment": (HEAD + "$( a $( b $)", 5, "`$(` inside"),
    "comment that touches": (HEAD + "$( a$)", 5, "touches a word"),
    "end of no comment": (HEAD + "$)", 5, "closes no comment"),
    "include": (HEAD + "$[ /etc/passwd $]", 5, "included file"),
    "declared twice": (HEAD + "$v p $.", 5, "declared already"),
    "constant in a scope": ("${\n$c a $. $}", 2, "outside of every scope"),
    "constant for a variable": (HEAD + "$c p $.", 5, "declared already"),
    "two types": (HEAD + "x $f wff p $.", 5, "has a type already"),
    "no type": ("$c |- $.\n$v p $.\na $a |- p $.", 3, "no `$f` in force"),
    "type of nothing": (HEAD + "x $f wff |- $.", 5, "not a typecode and a variable"),
    "unknown symbol": (HEAD + "a $a |- r $.", 5, "no symbol in force"),
    "symbol out of scope": ("$c |- $. ${ $v r $. $}\na $a |- r $.", 2, "no symbol in force"),
    "variable first": (HEAD + "a $a p $.", 5, "does not begin with a constant"),
    "nothing stated": (HEAD + "a $a $.", 5, "does not begin with a constant"),
    "label twice": (HEAD + "wp $a |- p $.", 5, "used already"),
    "label as a symbol": (HEAD + "q $a |- p $.", 5, "both a label and a symbol"),
    "bad label": (HEAD + "a/b $a |- p $.", 5, "no label"),
    "no label": (HEAD + "$a |- p $.", 5, "statement was expected"),
    "label alone": (HEAD + "a", 5, "was expected"),
    "open statement": (HEAD + "a $a |- p", 5, "without its `$.`"),
    "open proof": (HEAD + "a $p |- p $= wp\nb $a |- p $.", 6, "`$.` is missing"),
    "open scope": (HEAD + "${", 5, "never closed"),
    "end of no scope": (HEAD + "$}", 5, "closes nothing"),
    "distinct from itself": (HEAD + "$d p p $.", 5, "twice"),
    "distinct alone": (HEAD + "$d p $.", 5, "at least 2"),
    "distinct constant": (HEAD + "$d p |- $.", 5, "no variable in force"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_database_is_refused_with_its_line(name):
    text, line, what = REFUSED[name]
    with pytest.raises(SourceMalformed, match=f"t.mm, line {line}: ") as caught:
        parse(text, "t.mm")
    assert what in str(caught.value)


def test_a_frame_holds_the_hypotheses_and_pairs_that_apply():
    found = small().labels["alrimiv"]
    assert isinstance(found, Assertion)
    assert [h.label for h in found.hypotheses] == ["wph", "wps", "vx", "alrimiv.1"]
    names = small().names
    assert [{names[a], names[b]} for a, b in found.distinct] == [{"x", "ph"}]


def test_a_variable_of_a_closed_scope_may_be_declared_anew():
    database = parse("$c |- wff $. ${ $v p $. a $f wff p $. $} $v p $. b $f wff p $. t $a |- p $.")
    found = database.labels["t"]
    assert isinstance(found, Assertion)
    assert [h.label for h in found.hypotheses] == ["b"]


def test_a_file_that_is_missing_or_too_large_says_so(tmp_path, monkeypatch):
    with pytest.raises(SourceUnreadable, match="Check the path"):
        read_database(tmp_path / "none.mm")
    (tmp_path / "large.mm").write_text(HEAD)
    monkeypatch.setattr(reader, "LARGEST", 10)
    with pytest.raises(SourceUnreadable, match="at most 10"):
        read_database(tmp_path / "large.mm")


@given(
    st.lists(st.sampled_from([*HEAD.split(), "${", "$}", "$d", "$e", "$a", "$p", "$=", "x", "?"]))
)
@settings(max_examples=200, deadline=None)
def test_no_list_of_words_breaks_the_reader(words):
    with suppress(SourceMalformed):
        parse(HEAD + " ".join(words))
