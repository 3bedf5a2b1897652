"""Documents become passages and statements, without their marks and their code."""

import pytest

from nightschool.sources.documents import read_document


def passages(text):
    found = read_document(text, "t", "a.md", "Doc").findings
    return [(f.facets["heading"], f.text) for f in found if f.form == "passage"]


def stated(text):
    return [f.text for f in read_document(text, "t", "a.md", "Doc").findings if f.form == "said"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The variable MAX_RETRY_COUNT is 5.", "The variable MAX_RETRY_COUNT is 5."),
        ("The table user_login_events is in Oslo.", "The table user_login_events is in Oslo."),
        ("The glob is `src/**/*.py`.", "The glob is src/**/*.py."),
        ("The `db_host` setting is `db_prod_1`.", "The db_host setting is db_prod_1."),
        ("The formula is 2*x*3.", "The formula is 2*x*3."),
        ("The __init__ method takes a path.", "The __init__ method takes a path."),
        ("The host is **not** _kestrel_.", "The host is not kestrel."),
        ("The option **`max_size`** is 40.", "The option max_size is 40."),
        ("The cache is ~~enabled~~ disabled.", "The cache is disabled."),
    ],
)
def test_names_keep_their_marks_and_emphasis_loses_them(text, shown):
    assert stated(text) == [shown]


@pytest.mark.parametrize(
    "text",
    [
        "# Heron\nHeron listens on port 7070.\n",
        "Heron\n=====\nHeron listens on port 7070.\n",
        "=====\nHeron\n=====\nHeron listens on port 7070.\n",
    ],
)
def test_text_right_under_a_heading_is_read(text):
    assert passages(text) == [("Heron", "Heron listens on port 7070.")]
    assert stated(text) == ["Heron listens on port 7070."]


@pytest.mark.parametrize(
    "code",
    [
        "```bash\n# Install it first\nThe gate is red.\n\nThe door is blue.\n```",
        "~~~\nThe gate is red.\n~~~",
        "    The gate is red.",
        "<!-- The gate is red.\n\nThe door is blue. -->",
        ".. The gate is red.",
        ".. code-block:: python\n\n   # The gate is red.\n   x = 1",
        "| The gate is red. |",
    ],
)
def test_code_and_comments_claim_nothing_and_head_nothing(code):
    text = f"# Heron\n\nHeron is a gateway.\n\n{code}\n\nHeron listens on port 80.\n"
    assert stated(text) == ["Heron is a gateway.", "Heron listens on port 80."]
    assert {heading for heading, _ in passages(text)} == {"Heron"}


def test_comments_stand_in_no_passage_and_code_does():
    shown = " ".join(
        text for _, text in passages("A host.\n\n<!-- red -->\n\n.. blue\n\n```\ngreen\n```\n")
    )
    assert "red" not in shown
    assert "blue" not in shown
    assert "green" in shown


def test_what_belongs_to_a_list_or_a_note_is_no_code():
    text = "- A list.\n\n    The gate is red.\n\n.. note::\n\n   The door is blue.\n"
    assert stated(text) == ["The gate is red.", "The door is blue."]


def test_spans_point_at_the_words():
    text = "# A\nThe gate is red.\n<!-- x -->\n## B\nThe door is blue.\n"
    for finding in read_document(text, "t", "a.md", "Doc").findings:
        assert text[finding.span.start : finding.span.end].split() == finding.text.split()
