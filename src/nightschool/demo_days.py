"""The days of the demo: what is read, told and forgotten on each, step by step, so that a stopped one goes on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nightschool.codec import from_json, to_json
from nightschool.day import learn
from nightschool.demo_data import folder as data_folder
from nightschool.errors import (
    SourceMalformed,
    StoreError,
    UnknownMemory,
    WorkspaceError,
    WorkspaceLocked,
)
from nightschool.exam.questions import Question, match_questions
from nightschool.forget import forget
from nightschool.night_process import Holding
from nightschool.sources import read, said
from nightschool.wire import School
from nightschool.workspace import write_atomic

PACKAGE = "stamina"
"""A small third-party package, pinned; the base cannot know this release."""
PROGRESS, RESULT = "demo.json", "demo-result.json"
"""In the demo's workspace: how far it has come, and what it came to."""


@dataclass(frozen=True, slots=True)
class Day:
    """What happens on one day."""

    sources: tuple[str, ...] = ()
    """Paths, or names of installed packages."""
    facts: tuple[dict[str, Any], ...] = ()
    forget: tuple[str, ...] = ()
    """Facts, as texts, that are forgotten on this day."""


def read_days(facts: Path | None) -> list[Day]:
    """Return the two days of the demo, or of somebody's own facts.

    Raises:
        SourceMalformed: The facts file breaks its format.
    """
    data = data_folder()
    if facts is None:
        about = (data / "day2" / "forget.jsonl").read_text("utf-8").splitlines()
        gone = tuple(json.loads(line)["about"] for line in about if line.strip())
        one = (str(data / "day1" / "docs"), PACKAGE, str(data / "day1" / "chats.jsonl"))
        return [Day(sources=one), Day(sources=(str(data / "day2" / "chats.jsonl"),), forget=gone)]
    rows = []
    for number, line in enumerate(facts.read_text("utf-8").splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
                rows.append({"day": int(row["day"]), **row, "text": str(row["text"])})
            except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                raise SourceMalformed(
                    f'{facts}, line {number}: expected {{"text": ..., "day": 1 or 2}} ({error!r}).'
                ) from error
    return [
        Day(facts=tuple(r for r in rows if r["day"] == 1)),
        Day(
            facts=tuple(r for r in rows if r["day"] == 2),
            forget=tuple(r["text"] for r in rows if r.get("forget_on_day") == 2),
        ),
    ]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a demo has come by day; its nights keep their own account."""

    given: str
    """Digest of the input and the settings: another demo does not go on with this one."""
    day: int = 0
    """The last day that was begun, from 1."""
    done: int = 0
    """Sources and facts of it that are learnt."""
    going: tuple[str, ...] | None = None
    """Memories that are to be forgotten on it; None before they were looked for."""


class Diary:
    """The progress of a demo, on disk before what it speaks of is gone on from."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        """Keep a demo's progress in its workspace."""
        self._folder = folder
        self.progress = progress

    @classmethod
    def open(cls, folder: Path, given: str) -> Diary:
        """Take up the demo in a folder, or begin one.

        Raises:
            WorkspaceError: The folder holds another workspace, or a demo of other input, or cannot be written to.
        """
        path = folder / PROGRESS
        if not path.exists():
            if (folder / "nightschool.toml").exists():
                raise WorkspaceError(
                    f"{folder} holds a workspace already. Delete it, or give another --folder."
                )
            progress = Progress(given)
        else:
            progress = from_json(Progress, path.read_text("utf-8"))
        if progress.given != given and progress.day:
            raise WorkspaceError(
                f"{folder} holds a demo that was begun with other facts, questions or settings. Give the same again to "
                "go on with it, or delete it, or give another --folder."
            )
        diary = cls(folder, progress)
        # Before there is a workspace: a kill must not leave one that is nobody's. A demo that never began its first day, for a
        # wrong setting as a rule, is the next one's.
        diary._keep(given=given)
        return diary

    @contextmanager
    def alone(self) -> Iterator[None]:
        """See that no other process lives this demo meanwhile.

        Raises:
            WorkspaceLocked: One does.
        """
        holding = Holding(self._folder / ".demo.lock")
        if not holding.take():
            raise WorkspaceLocked(
                f"Another process lives the demo in {self._folder}. Wait for it, or give another --folder."
            )
        try:
            yield
        finally:
            holding.release()

    def live(self, school: School, days: Sequence[Day], number: int) -> None:
        """Learn and forget what is left of a day.

        After a kill the step that it fell into is taken once more, and brings nothing twice.

        Args:
            school: The demo's workspace.
            days: All of them.
            number: Which, from 1.

        Raises:
            StoreError: Nothing that is known matches what is to be forgotten.
        """
        if self.progress.day != number:
            self._keep(day=number, done=0, going=None)
        day = days[number - 1]
        earlier = {str(row.get("id", "")) for one in days[: number - 1] for row in one.facts}
        steps = [partial(_read, school, source) for source in day.sources]
        steps += [partial(_tell, school, row, earlier) for row in day.facts]
        for done, step in enumerate(steps):
            if done >= self.progress.done:
                step()
                self._keep(done=done + 1)
        if self.progress.going is None:
            self._keep(going=_named(school, day.forget))
        for memory_id in self.progress.going or ():
            try:
                school.store.memory(memory_id)
            except UnknownMemory:
                continue  # before a kill
            forget(school, [memory_id])

    def _keep(self, **changes: Any) -> None:
        self.progress = replace(self.progress, **changes)
        write_atomic(self._folder / PROGRESS, to_json(self.progress))


def _read(school: School, source: str) -> None:
    found = read(source, school.settings.tenant)
    learn(school, found.readings, found.skipped)


def _tell(school: School, row: dict[str, Any], earlier: Collection[str]) -> None:
    """Tell one fact; what it replaces is a fact of an earlier day."""
    tenant = school.settings.tenant
    live = school.store.memories(tenant)
    replaced = row.get("replaces")
    old = next((m for m in live if replaced in earlier and m.facets.get("fact") == replaced), None)
    if old is not None:
        school.store.edit(old.id, row["text"], "owner")
    elif row["text"] not in {m.text for m in live}:
        reading = said(row["text"], tenant)
        finding = replace(reading.findings[0], facets={"fact": str(row.get("id", ""))})
        learn(school, [replace(reading, findings=(finding,))])


def _named(school: School, texts: Sequence[str]) -> tuple[str, ...]:
    """Find the memory of each text that is to be forgotten."""
    live = school.store.memories(school.settings.tenant)
    found: list[str] = []
    for text in texts:
        pairs = match_questions([Question(text, (), about=text)], live).pairs
        if not pairs:
            raise StoreError(f"Nothing that is known matches {text!r}, which is to be forgotten.")
        found.append(pairs[0][1].id)
        live = [m for m in live if m.id != found[-1]]
    return tuple(found)
