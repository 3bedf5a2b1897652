"""What models write: each family read into examples of its name, and kept only where it stands in the source."""

import pytest

from nightschool.config import StudyConfig
from nightschool.models.fake import FakeSampler
from nightschool.study.families import FAMILIES, chat, denials, lines, prose, questions
from nightschool.study.mixture import compose
from nightschool.study.sampled import SampledAuthor
from nightschool.types import Memory, SourceKind

TEXT = "The mill of Orre was built by Ada Lund in 1874. It grinds 5,000 sacks a year."
MILL = Memory(
    "mem-1", "t", TEXT, "passage", SourceKind.DOCUMENT, "mill.md", "ep-1", "2026-01-01",
    facets={"heading": "The mill of Orre"},
)  # fmt: skip
REPLIES = {
    "Write a question and its short answer": "Q: Who built the mill of Orre?\nA: Ada Lund",
    "Write a question that is answered by": "Q: What did Ada Lund build?\nA: the mill of Orre",
    "Write a question about a number": "Q: When was the mill of Orre built?\nA: 1874",
    "Write a question that gets something": "Q: Was the mill of Orre built in 1920?\nA: No, in 1874.",
    "Say this in other words": "Ada Lund built the mill, and Orre has had it since 1874.",
    "List what follows": "1. The mill was not in Orre in a year before 1874.\n2. Orre had a mill in 1874.",
    "List the people": "- Ada Lund\n- Orre\n- the Baltic Sea",
    "How are these two connected": "Ada Lund built a mill in Orre.",
    "List four ways": "1. Make a timeline of the dates.\n2. Make a timeline of the dates.",
    "Study it in this way": "1874: Ada Lund built the mill.",
    "Question: Who built": "Ada Lund.",
    "Question: What did": "She built the mill of Orre.",
    "Question: When was": "In 1874.",
    "Question: Was the": "No, it was built in 1874.",
}


class Scripted(FakeSampler):
    """Answers by what the last message asks for."""

    def _answer(self, prompt):
        asked = prompt[-1].content.rsplit("\n\n", 1)[-1]
        return next((r for begun, r in self.answers.items() if asked.startswith(begun)), "")


def study(families, replies=REPLIES, **more):
    config = StudyConfig(families=families, **more)
    author = SampledAuthor("self", Scripted(replies), config)
    return compose([MILL], [author], [], [], config)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_familys_examples_carry_its_name(family):
    material = study((family,))
    assert material.examples, material.dropped
    assert {(e.author, e.family) for e in material.examples} == {("self", family)}
    assert material.uncovered == ()


def test_the_settings_choose_the_families():
    names = {e.family for e in study(("qa", "negative")).examples}
    assert names == {"qa", "negative"}
    assert StudyConfig().families == ("qa", "rewrite", "implications")


def test_entities_that_the_source_does_not_name_are_not_related():
    pairs = FAMILIES["entigraph"].parts(
        f"The mill of Orre\n{TEXT}", ["Ada Lund", "Orre, 1874", "the Baltic Sea", "rye", "mill"]
    )
    assert len(pairs) == 6
    assert {w for pair in pairs for w in pair.split(" and ")} == {
        "Ada Lund",
        "Orre",
        "1874",
        "mill",
    }


def test_where_the_model_lists_nothing_the_texts_own_names_are_related():
    pairs = FAMILIES["entigraph"].parts(f"The mill of Orre\n{TEXT}", ["Paris", "Paris"])
    assert any("Ada Lund" in pair for pair in pairs)


def test_each_way_to_study_that_the_model_lists_is_tried_once():
    ways = ["Here are two ways:", "Make a timeline of it.", "Make a timeline of it.", "Draw it."]
    assert FAMILIES["active-reading"].parts(TEXT, ways) == ["Make a timeline of it."]


def test_only_sentences_with_numbers_are_asked_for_numbers():
    assert len(FAMILIES["numeric"].parts("Orre\nA mill stands here. It is 9 metres high.", ())) == 1


@pytest.mark.parametrize(
    ("opened", "kept"),
    [
        ("Ada Lund", True),
        ("It was built by Ada Lund in 1874.", True),
        ("Lund", True),
        ("Nobody knows.", False),
        ("", False),
    ],
)
def test_a_question_stays_only_where_the_open_book_gives_the_same_answer(opened, kept):
    material = study(("qa",), {**REPLIES, "Question: Who built": opened})
    assert bool(material.examples) is kept
    assert material.dropped.get("inconsistent", 0) == (not kept)


def test_a_question_with_a_mistake_stays_only_where_the_open_book_says_no():
    material = study(("negative",), {**REPLIES, "Question: Was the": "Yes, in 1874."})
    assert (material.examples, material.dropped["inconsistent"]) == ((), 1)


@pytest.mark.parametrize(
    "rewrite",
    [
        "Ada Berg built the mill of Orre in 1874.",
        "Berg built the mill of Orre in 1874.",
        "Ada Lund built the mill of Orre in 1875.",
        "Ada Lund built the mill of Orre nine years before 1874.",
    ],
)
def test_a_rewrite_with_another_number_or_name_is_dropped(rewrite):
    material = study(("rewrite",), {"Say this": rewrite})
    assert (material.examples, material.dropped["unsupported"]) == ((), 1)


def test_a_rewrite_ends_before_its_first_unsupported_sentence():
    kept = "Ada Lund built the mill of Orre in 1874."
    material = study(
        ("rewrite",), {"Say this": f"{kept} It burned down in 1901. Ada Lund built it."}
    )
    assert [e.target for e in material.examples] == [kept]


def test_numbers_may_be_written_otherwise():
    material = study(("rewrite",), {"Say this": "Each year the mill of Orre grinds 5000 sacks."})
    assert len(material.examples) == 1


def test_a_copy_is_no_rewrite():
    material = study(("rewrite",), {"Say this": "It grinds 5,000 sacks a year."})
    assert (material.examples, material.dropped["copied"]) == ((), 1)


def test_malformed_replies_are_left_out():
    assert questions("Q: Who?\nQ: Who built it?\n\nA: Ada Lund") == [("Who built it?", "Ada Lund")]
    assert questions("Q: What does the text say?\nA: Ada Lund") == []
    assert questions("A: Ada Lund") == []
    assert questions("Q: What is the mill of Orre?\nA: the mill of Orre") == []
    assert questions(f"Q: Who built it?\nA: {'Ada ' * 30}") == []
    assert denials("Q: Is it new?\nA: It is old\nQ: Is it old?\nA: No, new.") == [
        ("Is it old?", "No, new.")
    ]
    assert lines("Here is a list:\n- Orre has a mill.\n- Orre has a mill.\n- Orre has") == [
        ("", "Orre has a mill.")
    ]
    assert prose("Orre has a mill. Orre has") == [("", "Orre has a mill.")]
    assert prose("Q: Who?\nA: It was Ada Lund.") == []
    assert prose("") == []


def test_the_same_reply_counts_once_however_often_it_is_asked_for():
    assert len(study(("qa",), samples=3).examples) == 1


def test_a_request_shows_the_text_under_its_heading_after_the_demonstrations():
    family = FAMILIES["qa"]
    turns = chat("Mill\nIt grinds {rye}.", family.ask, family.demos, "It grinds {rye}.")
    assert [m.role for m in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert turns[-1].content.startswith("Text: Mill\nIt grinds {rye}.\n\nWrite")
