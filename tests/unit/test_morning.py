"""The morning finds the module or the tool of a memory, whatever its language."""

from types import SimpleNamespace

from nightschool.morning import base_report, gather_morning
from nightschool.sources.code import read_package
from nightschool.sources.tools import read_tools
from nightschool.types import Episode, Finding, Reading, Report, SourceKind
from nightschool.wire import open_school
from nightschool.workspace import Workspace

TOOLS = '[{"name": "send_mail", "description": "Send a mail.", "inputSchema": {"type": "object"}}]'


def test_facts_are_counted_by_module_and_tool_before_the_first_night(tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit/__init__.py").write_text('"""Kit."""\n')
    (tmp_path / "kit/core.py").write_text('def pack(a):\n    """Wrap."""\n')
    school = open_school(Workspace.create(tmp_path / "school", "").root)
    episode = Episode(
        "ep-1", "default", SourceKind.CODE, "repo#a.go", "a.go", "x", "y", "2026-01-01"
    )
    facets = {"file": "a.go", "package": "repo", "language": "Go", "name": "repo.F"}
    for reading in (
        read_package("kit", "default", tmp_path),
        read_tools(TOOLS, "default", "tools.json"),
        Reading(episode, (Finding("F.", "code.function", facets, key="code:f"),)),
    ):
        school.store.absorb(reading)
    found = [(p.kind, p.name, p.facts, p.asked, p.version) for p in gather_morning(school).parts]
    assert found == [
        ("module", "kit/__init__.py", 1, 0, None),
        ("module", "kit/core.py", 2, 0, None),
        ("module", "repo/a.go", 1, 0, None),
        ("tool", "send_mail", 1, 0, None),
    ]


def test_an_exam_by_day_does_not_hide_what_a_night_measured_on_plain_text():
    night = Report("r1", "default", "base", "n1", (), perplexity=47.5, bits_per_byte=1.1)
    by_day = Report("r2", "default", "base", "day", ())
    found = base_report(SimpleNamespace(reports=lambda who: [night, by_day]), [])
    assert (found.id, found.perplexity, found.bits_per_byte) == ("r2", 47.5, 1.1)
