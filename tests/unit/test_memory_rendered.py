"""Memories change, people edit their files, writes are killed: the files end as if rendered at once."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from nightschool.memory import rendered, rules
from nightschool.memory.fake import FakeStore
from nightschool.memory.files import EDITOR, Edits, edited, expect_changes, sync_files
from nightschool.memory.kin import kin
from nightschool.memory.notes import read_note
from nightschool.memory.store import SqliteStore
from nightschool.sources import said
from nightschool.sources.documents import read_document
from nightschool.types import Memory, MemoryStatus, Trust
from nightschool.workspace import Workspace

Make = Callable[[Workspace], SqliteStore | FakeStore]
KilledAfter = Callable[[int], AbstractContextManager[None]]

places = st.integers(0, 30)
kills = st.lists(st.integers(0, 9), max_size=2)


class Files(RuleBasedStateMachine):
    """Memories change, people edit files, syncs are killed; pages hold three memories."""

    def __init__(self, make: Make, killed_after: KilledAfter) -> None:
        super().__init__()
        self.killed_after = killed_after
        self.root = Path(tempfile.mkdtemp())
        self.workspace = Workspace.create(self.root / "own", "")
        self.home = self.workspace.memories / "t"
        self.store = make(self.workspace)
        self.number = itertools.count()
        self.scratch = itertools.count()

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def sync(self, workspace: Workspace) -> Edits:
        return sync_files(self.store, workspace, "t", lambda text: said(text, "t", speaker=EDITOR))

    def texts(self) -> list[str]:
        return sorted(m.text for m in self.store.memories("t"))

    def settle(self, killed: list[int], expected: list[str] | None = None) -> None:
        """Sync, some times killed on the way; no memory may be touched but as was edited."""
        expected = self.texts() if expected is None else sorted(expected)
        for writes in killed:
            with self.killed_after(writes):
                self.sync(self.workspace)
        self.sync(self.workspace)
        assert self.texts() == expected
        assert not edited(self.workspace, "t", known=True)
        assert not self.sync(self.workspace)
        fresh = Workspace.create(self.root / f"fresh-{next(self.scratch)}", "")
        self.sync(fresh)
        assert markdown(self.home) == markdown(fresh.memories / "t")

    def without(self, memory: Memory) -> list[str]:
        """Return what is left where a person takes a memory out: without the passages that say it."""
        passages = [m for m in self.store.memories("t") if m.form == "passage"]
        gone = [memory, *(kin([memory], passages) if memory.form != "passage" else ())]
        return sorted((Counter(self.texts()) - Counter(m.text for m in gone)).elements())

    def live(self, place: int) -> Memory | None:
        found = self.store.memories("t")
        return found[place % len(found)] if found else None

    def line(self, place: int) -> tuple[Path, str, Memory] | None:
        """Choose a rendered line of a memory."""
        lines = [
            (path, line, self.store.memory(match["id"]))
            for path in sorted(self.home.glob("*.md"))
            for line in path.read_text().splitlines()
            if (match := rendered.LINE.match(line))
        ]
        return lines[place % len(lines)] if lines else None

    def fact(self) -> str:
        n = next(self.number)
        return f"The code of door {n} is 7{n}."

    @rule(many=st.integers(1, 8), killed=kills)
    def tell(self, many: int, killed: list[int]) -> None:
        for _ in range(many):
            self.store.absorb(said(self.fact(), "t"))
        self.settle(killed)

    @rule(many=st.integers(0, 8), name=st.sampled_from(["a.md", "b.md"]), killed=kills)
    def learn(self, many: int, name: str, killed: list[int]) -> None:
        text = "\n\n".join(["# House", *(self.fact() for _ in range(many))])
        self.store.absorb(read_document(text, "t", name, "House"))
        self.settle(killed)

    @rule(many=st.integers(1, 5), killed=kills)
    def propose(self, many: int, killed: list[int]) -> None:
        text = "".join(f"- {self.fact()}\n" for _ in range(many))
        self.store.absorb(read_note("/memories/n.md", text, "t", Trust.TOOL, "model"))
        self.settle(killed)

    @rule(place=places, what=st.sampled_from(["edit", "approve", "retire", "use"]), killed=kills)
    def change(self, place: int, what: str, killed: list[int]) -> None:
        memory = self.live(place)
        if memory is None:
            return
        if what == "edit":
            self.store.edit(memory.id, self.fact(), "owner")
        elif what == "approve":
            self.store.approve(memory.id, "owner")
        elif what == "retire":
            self.store.retire(memory.id, "owner")
        else:
            self.store.used([memory.id])
        self.settle(killed)

    @rule(place=places, many=st.integers(1, 6), killed=kills)
    def forget(self, place: int, many: int, killed: list[int]) -> None:
        found = self.store.memories("t")[place:][:many]
        expect_changes(self.workspace, "t")
        for memory in found:
            self.store.remove([memory.id])
        self.settle(killed)
        everything = b"".join(p.read_bytes() for p in self.home.rglob("*") if p.is_file())
        assert not any(m.id.encode() in everything for m in found)

    @rule(place=places, killed=kills)
    def delete_a_line(self, place: int, killed: list[int]) -> None:
        chosen = self.line(place)
        if chosen is None:
            return
        path, line, memory = chosen
        path.write_text(path.read_text().replace(line + "\n", ""))
        self.settle(killed, self.without(memory))
        assert self.store.memory(memory.id).status is MemoryStatus.RETIRED

    @rule(place=places, killed=kills)
    def correct_a_line(self, place: int, killed: list[int]) -> None:
        chosen = self.line(place)
        if chosen is None:
            return
        path, line, memory = chosen
        new = self.fact()
        path.write_text(path.read_text().replace(line, f"* {new}   <!-- {memory.id} -->"))
        self.settle(killed, [*self.without(memory), new])

    @rule(place=places, killed=kills)
    def add_a_line(self, place: int, killed: list[int]) -> None:
        files = sorted(self.home.glob("*.md"))
        if not files:
            return
        new = self.fact()
        with files[place % len(files)].open("a") as file:
            file.write(f"- {new}\n")
        self.settle(killed, [*self.texts(), new])

    @rule(place=places, killed=kills)
    def lose_a_file(self, place: int, killed: list[int]) -> None:
        files = sorted(self.home.glob("*.md"))
        if files:
            files[place % len(files)].unlink()
        self.settle(killed)


def markdown(home: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in home.glob("*.md")}


@pytest.mark.parametrize(
    "make",
    [pytest.param(SqliteStore, id="sqlite"), pytest.param(lambda _: FakeStore(), id="fake")],
)
def test_the_files_are_as_if_rendered_at_once_and_no_edit_is_lost(
    make: Make, monkeypatch: pytest.MonkeyPatch, killed_after: KilledAfter
) -> None:
    monkeypatch.setattr(rules, "PAGE", 3)
    run_state_machine_as_test(
        lambda: Files(make, killed_after),
        settings=settings(
            max_examples=10,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
