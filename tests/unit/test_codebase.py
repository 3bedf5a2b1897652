"""A repository's next commit: what is new, what changed, what goes by another name, and what is gone."""

import json

import pytest
from typer.testing import CliRunner

from nightschool.cli.main import app
from nightschool.codebase import in_words, learn_repository
from nightschool.errors import SourceUnreadable
from nightschool.forget import forget
from nightschool.scope import choose
from nightschool.types import MemoryStatus
from nightschool.wire import open_school
from nightschool.workspace import Workspace

TEXT = '''"""Parcels."""

def pack(item: str, layers: int = 3) -> bytes:
    """Wrap an item in sheets of paper."""
    sheets = [item.encode() for _ in range(layers)]
    return b"".join(sheets)

def weigh(item: str) -> float:
    """Put an item on the scales."""
    grams = len(item.encode())
    return grams / 1000
'''
INIT = "from kit.core import pack\n"
FILES = {"kit/__init__.py": INIT, "kit/core.py": TEXT}


@pytest.fixture
def school(tmp_path):
    return open_school(Workspace.create(tmp_path / "school", "").root)


def named(school, **more):
    """Name -> live memory of something in code."""
    found = school.store.memories("default", **more)
    return {m.facets["name"]: m for m in found if m.form.startswith("code.")}


def events(school, memory):
    return [(e["action"], e["actor"]) for e in school.store.history(memory.id)]


def test_the_same_commit_again_changes_nothing(school, git_folder):
    git_folder.commit(FILES)
    first = learn_repository(school, git_folder.address)
    assert {"kit.core.pack", "kit.core.weigh"} <= set(named(school))
    assert named(school)["kit.core.pack"].source == f"{git_folder.address}@main#kit/core.py"
    again = learn_repository(school, f"{git_folder.address}@main")
    assert (again.learnt.added, again.learnt.superseded) == ((), ())
    assert (again.since, again.changed) == (first.commit, 0)
    assert "0 of 2 files changed since" in in_words([again])


def test_a_changed_signature_supersedes_and_names_the_commit(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    old = named(school)["kit.core.pack"]
    commit = git_folder.commit({"kit/core.py": TEXT.replace("layers: int = 3", "layers: int = 5")})
    learnt = learn_repository(school, git_folder.address).learnt
    new = named(school)["kit.core.pack"]
    assert ([m.id for m in learnt.added], new.supersedes) == ([new.id], old.id)
    assert school.store.memory(old.id).status is MemoryStatus.SUPERSEDED
    assert events(school, old)[-1] == ("superseded", f"commit {commit[:12]}")


def test_a_removed_function_is_retired_with_its_commit(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    old = named(school)["kit.core.weigh"]
    removing = git_folder.commit({"kit/core.py": TEXT.partition("def weigh")[0]})
    git_folder.commit({"README.md": "# Kit\n\nThe kit wraps parcels.\n"})
    learn_repository(school, git_folder.address)
    gone = school.store.memory(old.id)
    assert (gone.status, gone.ended_by) == (MemoryStatus.RETIRED, f"commit {removing[:12]}")
    assert events(school, old)[-1] == ("retired", f"commit {removing[:12]}")
    assert "kit.core.weigh" not in named(school)


def test_what_a_revert_brings_back_is_known_again_but_not_what_a_person_took_out(
    school, git_folder
):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    school.store.retire(named(school)["kit.core.pack"].id, "owner")
    git_folder.commit({"kit/core.py": '"""Parcels."""\n'})
    learn_repository(school, git_folder.address)
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    assert "kit.core.weigh" in named(school)
    assert "kit.core.pack" not in named(school)


def test_a_renamed_function_supersedes_the_old_one(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    old = named(school)["kit.core.weigh"]
    git_folder.commit({"kit/core.py": TEXT.replace("def weigh(", "def mass(")})
    seen = learn_repository(school, git_folder.address)
    new = named(school)["kit.core.mass"]
    assert (new.supersedes, seen.renamed) == (old.id, 1)
    assert school.store.memory(old.id).status is MemoryStatus.SUPERSEDED
    assert [m.id for m in school.store.lineage(new.id)] == [new.id, old.id]


def test_another_body_under_another_name_is_another_function(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    old = named(school)["kit.core.weigh"]
    git_folder.commit(
        {"kit/core.py": TEXT.replace("def weigh(", "def mass(").replace("/ 1000", "/ 28.35")}
    )
    learn_repository(school, git_folder.address)
    assert named(school)["kit.core.mass"].supersedes is None
    assert school.store.memory(old.id).status is MemoryStatus.RETIRED


def test_functions_that_change_places_keep_their_histories(school, git_folder):
    head, weigh = '"""Parcels."""\n\n', "def weigh" + TEXT.partition("def weigh")[2]
    pack = "def pack" + TEXT.partition("def pack")[2].partition("def weigh")[0]
    git_folder.commit({"kit/__init__.py": "", "kit/a.py": head + pack, "kit/b.py": head + weigh})
    learn_repository(school, git_folder.address)
    old = named(school)
    git_folder.commit({"kit/a.py": head + weigh, "kit/b.py": head + pack})
    seen = learn_repository(school, git_folder.address)
    new = named(school)
    assert new["kit.b.pack"].supersedes == old["kit.a.pack"].id
    assert new["kit.a.weigh"].supersedes == old["kit.b.weigh"].id
    assert seen.renamed == 2
    assert all(m.status is not MemoryStatus.RETIRED for m in seen.learnt.superseded)


def test_a_moved_file_takes_its_module_and_a_moved_document_its_passages_along(school, git_folder):
    guide = "# Guide\n\nThe kit wraps parcels in brown paper.\n"
    git_folder.commit({**FILES, "docs/a.md": guide})
    learn_repository(school, git_folder.address)
    old = {m.text: m for m in school.store.memories("default") if m.source.endswith("docs/a.md")}
    module = named(school)["kit.core"]
    git_folder.commit(
        {"kit/parcels.py": TEXT, "docs/b.md": guide, "kit/__init__.py": ""},
        gone=["kit/core.py", "docs/a.md"],
    )
    seen = learn_repository(school, git_folder.address)
    assert named(school)["kit.parcels"].supersedes == module.id
    moved = [m for m in school.store.memories("default") if m.source.endswith("docs/b.md")]
    assert {m.text: m.supersedes for m in moved} == {text: m.id for text, m in old.items()}
    assert all(m.status is not MemoryStatus.RETIRED for m in seen.learnt.superseded)


def test_a_file_that_breaks_keeps_what_is_known_of_it(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    git_folder.commit({"kit/core.py": TEXT + "def (:\n"})
    seen = learn_repository(school, git_folder.address)
    assert "kit.core.pack" in named(school)
    assert any("syntax error" in reason for _, reason in seen.learnt.skipped)


def test_branches_are_sources_of_their_own(school, git_folder):
    git_folder.commit(FILES)
    git_folder.git("switch", "-qc", "next")
    git_folder.commit({"kit/core.py": TEXT.partition("def weigh")[0]})
    learn_repository(school, f"{git_folder.address}@main")
    learn_repository(school, f"{git_folder.address}@next")
    weighing = [
        m for m in school.store.memories("default") if m.facets.get("name") == "kit.core.weigh"
    ]
    assert [m.source.partition("#")[0] for m in weighing] == [f"{git_folder.address}@main"]


def test_a_history_that_was_rewritten_is_read_whole(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    git_folder.git("commit", "-q", "--amend", "-m", "other")
    git_folder.git("reflog", "expire", "--expire=now", "--all")
    git_folder.git("gc", "-q", "--prune=now")
    git_folder.commit({"kit/core.py": TEXT.partition("def weigh")[0]})
    seen = learn_repository(school, git_folder.address)
    assert seen.since is None
    assert "kit.core.weigh" not in named(school)
    assert "kit.core.pack" in named(school)


def test_a_new_test_changes_what_is_known_of_the_function_it_calls(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    git_folder.commit(
        {
            "tests/test_kit.py": "from kit.core import weigh\n\ndef test():\n    assert weigh('tea')\n"
        }
    )
    learn_repository(school, git_folder.address)
    assert named(school)["kit.core.weigh"].text.endswith("For example: `weigh('tea')`.")
    git_folder.commit({}, gone=["tests/test_kit.py"])
    learn_repository(school, git_folder.address)
    assert "For example" not in named(school)["kit.core.weigh"].text


def test_a_call_with_a_password_is_not_shown(school, git_folder):
    secret = "ghp_" + "a1B2" * 9
    git_folder.commit(
        {**FILES, "tests/test_kit.py": f"from kit.core import weigh\nweigh('{secret}')\n"}
    )
    learn_repository(school, git_folder.address)
    memory = named(school)["kit.core.weigh"]
    assert secret not in memory.text
    assert not memory.holds


def test_what_was_forgotten_whole_can_be_learnt_again(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    forget(school, [m.id for m in choose(school, source=f"{git_folder.address}@main")])
    assert not named(school)
    assert school.store.last_episode("default", f"{git_folder.address}@main#kit/core.py") is None
    learn_repository(school, git_folder.address)
    assert "kit.core.pack" in named(school)


def test_reading_again_finds_the_same(school, git_folder):
    git_folder.commit(FILES)
    learn_repository(school, git_folder.address)
    seen = learn_repository(school, git_folder.address, again=True)
    assert (seen.since, seen.learnt.added, seen.learnt.superseded) == (None, (), ())


def test_step_by_step_leads_where_one_reading_does(school, git_folder, tmp_path):
    commits = [
        FILES,
        {"kit/core.py": TEXT.replace("def weigh(", "def mass(")},
        {
            "kit/core.py": TEXT.replace("weigh", "heft"),
            "kit/more.py": TEXT,
            "docs/a.md": "The kit is blue.\n",
        },
        {"kit/more.py": "", "tests/test_a.py": "from kit import pack\npack('tea')\n"},
    ]
    for files in commits:
        git_folder.commit(files)
        learn_repository(school, git_folder.address)
    other = open_school(Workspace.create(tmp_path / "other", "").root)
    learn_repository(other, git_folder.address)
    known = [
        sorted((m.source, m.key, m.text) for m in one.store.memories("default"))
        for one in (school, other)
    ]
    assert known[0] == known[1]


def test_tenants_do_not_share_how_far_a_repository_was_read(git_folder, tmp_path):
    root = Workspace.create(tmp_path / "school", "").root
    git_folder.commit(FILES)
    learn_repository(open_school(root, tenant="ada"), git_folder.address)
    seen = learn_repository(open_school(root, tenant="bo"), git_folder.address)
    assert (seen.since, seen.learnt.added != ()) == (None, True)


def test_nothing_is_stored_of_what_cannot_be_read(school, git_folder):
    git_folder.commit({"a.png": b"\x89PNG"})
    with pytest.raises(SourceUnreadable, match="no code, no documents"):
        learn_repository(school, git_folder.address)
    assert not school.store.memories("default", include_retired=True)


def test_the_command_tells_the_commit_and_what_was_retired(git_folder, tmp_path):
    Workspace.create(tmp_path / "school", "")
    git_folder.commit(FILES)
    command = ["learn", "-w", str(tmp_path / "school"), git_folder.address]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0
    assert "2 files read" in first.stderr
    git_folder.commit({"kit/core.py": TEXT.partition("def weigh")[0]})
    second = CliRunner().invoke(app, command)
    assert "1 retired." in second.stdout
    assert "1 of 2 files changed since" in second.stderr
    third = CliRunner().invoke(app, [*command, "--json"])
    assert json.loads(third.stdout)["added"] == []
    missing = CliRunner().invoke(app, [*command[:-1], f"{git_folder.address}@nope"])
    assert (missing.exit_code, "Its branches: main" in missing.stderr) == (1, True)
