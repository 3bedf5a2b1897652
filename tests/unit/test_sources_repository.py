"""What of a repository is read as what, and what is passed over; a first reading, without memory."""

import json

import pytest

from nightschool.errors import SourceError, SourceUnreadable
from nightschool.sources import repository as module
from nightschool.sources import texts
from nightschool.sources.git import Repository
from nightschool.sources.grammars import GRAMMARS, parser
from nightschool.sources.repository import Mark, read_mark, read_repository, reader_name
from nightschool.sources.roles import Role, role_of

CORE = '''"""The core."""

def pack(item: str, *, layers: int = 3) -> bytes:
    """Wrap an item in sheets of paper."""
    return item.encode() * layers

class Box:
    """Holds things."""
    def close(self) -> None:
        """Shut it."""
'''
KIT = {"src/kit/__init__.py": "from ._core import Box, pack\n", "src/kit/_core.py": CORE}


def toured(folder, last=None, **more):
    with Repository(folder.address) as repository:
        return read_repository(repository, "t", last, **more)


def found(tour):
    return {f.facets.get("name", f.key): f for r in tour.readings for f in r.findings}


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("src/kit/core.py", Role.CODE), ("app/main.py", Role.CODE), ("kit/web.ts", Role.CODE),
        ("tests/test_a.py", Role.USAGE), ("kit/tests/helper.py", Role.USAGE), ("kit/a_test.go", Role.USAGE),
        ("examples/hello.py", Role.USAGE), ("web/a.spec.ts", Role.USAGE),
        ("README.md", Role.DOCUMENT), ("docs/a/b.rst", Role.DOCUMENT), ("packages/x/README.txt", Role.DOCUMENT),
        ("CONTRIBUTING.md", Role.DOCUMENT), ("docs/release-process.md", Role.DOCUMENT),
        ("CHANGELOG.md", Role.NONE), ("LICENSE.txt", Role.NONE), ("setup.py", Role.NONE), ("docs/conf.py", Role.NONE),
        ("node_modules/x/index.js", Role.NONE), ("web/x.min.js", Role.NONE), (".github/a.md", Role.NONE),
        ("my-app/run.py", Role.NONE), ("a.png", Role.NONE), ("notes/a.txt", Role.NONE), ("Makefile", Role.NONE),
    ],
)  # fmt: skip
def test_roles(path, role):
    told = role_of(path)
    assert told.role is role
    assert bool(told.reason) == (role is Role.NONE)


def test_a_package_is_read_by_its_public_names_file_by_file(git_folder):
    git_folder.commit({**KIT, "README.md": "# Kit\n\nThe kit wraps parcels.\n"})
    tour = toured(git_folder)
    names = found(tour)
    assert {"kit", "kit.pack", "kit.Box", "kit.Box.close"} <= set(names)
    by_source = {r.episode.source.partition("#")[2]: r for r in tour.readings}
    assert set(by_source) == {"src/kit/__init__.py", "src/kit/_core.py", "README.md"}
    assert [f.facets["name"] for f in by_source["src/kit/_core.py"].findings] == ["kit.Box", "kit.Box.close", "kit.pack"]  # fmt: skip
    assert any("wraps parcels" in f.text for f in by_source["README.md"].findings)
    assert (tour.since, tour.changed) == (None, 3)


def test_modules_outside_of_packages_are_read_by_the_name_that_imports_them(git_folder):
    code = 'def go(speed: int = 4):\n    """Start to move."""\n'
    git_folder.commit({"app/db/store.py": code, "tool.py": code, "src/lone.py": code})
    assert {"app.db.store.go", "tool.go", "lone.go"} <= set(found(toured(git_folder)))
    assert not any("__init__" in f.text for f in found(toured(git_folder)).values())


def test_tests_and_examples_show_how_a_thing_is_called(git_folder):
    git_folder.commit({
        **KIT,
        "tests/test_kit.py": "from kit import Box, pack\n\ndef test():\n    pack(thing, layers=2)\n    pack('tea', layers=2)\n    Box().close()\n",
        "examples/hello.py": "import kit\nkit.pack('coffee')\n",
    })  # fmt: skip
    names = found(toured(git_folder))
    pack = names["kit.pack"]
    assert pack.text.endswith("For example: `kit.pack('coffee')`.")
    assert json.loads(pack.facets["usage"]) == [
        ["kit.pack('coffee')", "examples/hello.py"],
        ["pack('tea', layers=2)", "tests/test_kit.py"],
        ["pack(thing, layers=2)", "tests/test_kit.py"],
    ]
    assert json.loads(names["kit.Box.close"].facets["usage"])[0][0] == "Box().close()"


def test_a_call_that_is_unfit_is_not_shown(git_folder):
    git_folder.commit({**KIT, "tests/test_kit.py": "import kit\nkit.pack('hunter2')\n"})
    assert (
        "usage"
        not in found(toured(git_folder, fit=lambda code: "hunter2" not in code))["kit.pack"].facets
    )


def test_unreadable_files_are_counted_and_the_others_read(git_folder):
    git_folder.commit({
        **KIT,
        "src/kit/latin.py": "# caf\xe9\ndef a(): ...\n".encode("latin-1"),
        "src/kit/broken.py": "def a(:\n",
        "src/kit/null.py": b"a = 1\0\n",
        "src/kit/big.py": b"a = 1\n" * 200_000,
        "docs/pointer.md": texts.POINTER + "v1\noid sha256:00\n",
        "src/kit/deep.py": "a = " + "(" * 400 + "1" + ")" * 400 + "\n",
    })  # fmt: skip
    tour = toured(git_folder)
    reasons = {reason: names for names, reason in tour.skipped}
    assert reasons["not UTF-8 text"] == "src/kit/latin.py"
    assert reasons["binary, not text"] == "src/kit/null.py"
    assert reasons["larger than 1000 KB"] == "src/kit/big.py"
    assert reasons["its content lies in Git LFS"] == "docs/pointer.md"
    assert "src/kit/broken.py" in reasons["its Python has a syntax error"]
    assert "kit.pack" in found(tour)
    assert "src/kit/broken.py" in tour.paths  # what is known of it stays
    assert "src/kit/broken.py" not in {r.episode.source.partition("#")[2] for r in tour.readings}


def test_a_repository_without_anything_to_learn_is_told(git_folder):
    git_folder.commit({"a.png": b"\x89PNG", "data/x.csv": "1,2"})
    with pytest.raises(SourceUnreadable, match="no code, no documents"):
        toured(git_folder)


def test_more_text_than_is_read_is_refused(git_folder, monkeypatch):
    monkeypatch.setattr(texts, "MOST_BYTES", 100)
    git_folder.commit(KIT)
    with pytest.raises(SourceError, match="more than"):
        toured(git_folder)


def test_only_what_changed_is_read_again(git_folder):
    first = git_folder.commit({**KIT, "README.md": "# Kit\n\nThe kit wraps parcels.\n"})
    last = Mark(first, reader_name())
    assert toured(git_folder, last).readings == ()
    git_folder.commit({"README.md": "# Kit\n\nThe kit wraps letters.\n"})
    tour = toured(git_folder, last)
    assert [r.episode.source.partition("#")[2] for r in tour.readings] == ["README.md"]
    assert (tour.since, tour.changed) == (first, 1)


def test_another_reader_or_a_commit_that_is_gone_reads_everything(git_folder):
    first = git_folder.commit(KIT)
    assert toured(git_folder, Mark(first, "0 none")).since is None
    assert toured(git_folder, Mark("1" * 40, reader_name())).since is None
    assert toured(git_folder, Mark("--evil", reader_name())).since is None


def test_the_mark_can_be_read_back(git_folder):
    first = git_folder.commit(KIT)
    assert read_mark(toured(git_folder).mark.episode.text) == Mark(first, reader_name())
    assert read_mark("a README of this source") is None
    assert read_mark("[1]") is None


def test_a_language_without_its_wheel_is_counted(git_folder, monkeypatch):
    monkeypatch.setattr(module, "parser", lambda grammar: None)
    git_folder.commit({**KIT, "web/a.js": "export function f(a) {}\n"})
    reasons = {reason: names for names, reason in toured(git_folder).skipped}
    assert (
        reasons["JavaScript needs tree-sitter-javascript (pip install tree-sitter-javascript)"]
        == "web/a.js"
    )


@pytest.mark.skipif(parser(GRAMMARS[0]) is None, reason="needs tree-sitter-javascript")
def test_other_languages_and_their_tests(git_folder):
    git_folder.commit({
        "src/store.js": "/** Open it. */\nexport function open(path, mode = 'r') { return path }\nexport function same() {}\n",
        "src/other.js": "export function same() {}\n",
        "test/store.test.js": "open('a.db', 'w'); same(1);\n",
    })  # fmt: skip
    names = found(toured(git_folder))
    assert json.loads(names["src/store.open"].facets["usage"]) == [
        ["open('a.db', 'w')", "test/store.test.js"]
    ]
    assert "usage" not in names["src/store.same"].facets  # two are called so
    assert names["src/store.open"].facets["package"] == "project"
