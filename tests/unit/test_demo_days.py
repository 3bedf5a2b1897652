"""The days of the demo: killed at any step, what is known and forgotten at the end is as if nothing had happened."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from nightschool import demo_days
from nightschool.demo_days import Day, Diary, read_days
from nightschool.errors import StoreError, WorkspaceError, WorkspaceLocked
from nightschool.forget import finish, unfinished
from nightschool.memory.store import SqliteStore
from nightschool.wire import open_school
from nightschool.workspace import Workspace

NORTH = "The spare key of the north gate is in the third drawer of the red cabinet."
SOUTH = NORTH.replace("north", "south")
ROWS = (
    {"id": "a", "day": 1, "text": "The staging host is kestrel-7."},
    {"id": "b", "day": 1, "text": "The staging host is osprey-2."},
    {"id": "c", "day": 1, "text": "The old van is called Gertrude.", "forget_on_day": 2},
    {"id": "d", "day": 1, "text": NORTH, "forget_on_day": 2},
    {"id": "e", "day": 1, "text": SOUTH},
    {"id": "f", "day": 2, "text": "The van of the staff is called Mabel.", "replaces": "c0"},
    {"id": "g", "day": 2, "text": "The staging host is merlin-4.", "replaces": "b"},
)


class Killed(BaseException):
    """Nothing catches it."""


def days_of(folder: Path) -> list[Day]:
    path = folder / "facts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return read_days(path)


def live_both(folder: Path, days: list[Day]) -> list[str]:
    """Live the days as the demo does at each of its starts; return what is known."""
    diary = Diary.open(folder, "same")
    Workspace.create(folder, "")
    school = open_school(folder, ("write.encoder=null",))
    try:
        if unfinished(school):
            finish(school)
        for number in range(max(1, diary.progress.day), len(days) + 1):
            diary.live(school, days, number)
        return sorted(memory.text for memory in school.store.memories("default"))
    finally:
        school.close()


def dying(real, stop: int, after: bool):
    """Return a function that kills at its call of a number, from 1: before it has done its work, or after."""
    calls = itertools.count(1)

    def dies(*given, **named):
        last = next(calls) == stop
        if last and not after:
            raise Killed
        done = real(*given, **named)
        if last:
            raise Killed
        return done

    return dies


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["learn", "forget", "edit"])
def test_killed_before_or_after_any_step_the_days_come_to_the_same(
    tmp_path, monkeypatch, step, after
):
    days = days_of(tmp_path)
    whole = live_both(tmp_path / "whole", days)
    assert whole == sorted(
        [SOUTH, "The staging host is merlin-4.", "The van of the staff is called Mabel."]
    )
    owner = SqliteStore if step == "edit" else demo_days
    for stop in range(1, 7):
        folder = tmp_path / f"{stop}"
        with monkeypatch.context() as patched:
            patched.setattr(owner, step, dying(getattr(owner, step), stop, after))
            try:
                live_both(folder, days)
            except Killed:
                pass
            else:
                break  # no step of this kind is left
        assert live_both(folder, days) == whole, stop
    assert stop > 1


def test_a_deletion_that_was_killed_halfway_is_finished_before_the_day_goes_on(tmp_path, killed_at):
    from nightschool import forget

    days = days_of(tmp_path)
    whole = live_both(tmp_path / "whole", days)
    with killed_at(forget, "_finish"):
        live_both(tmp_path / "w", days)
    assert live_both(tmp_path / "w", days) == whole


def test_what_cannot_be_found_to_be_forgotten_is_an_error_each_time(tmp_path):
    days = [Day(facts=(ROWS[0],)), Day(forget=("The moon is made of old cheese.",))]
    for _ in range(2):
        with pytest.raises(StoreError, match="moon"):
            live_both(tmp_path / "w", days)


def test_the_demos_own_days_bring_nothing_twice(tmp_path):
    days = read_days(None)
    once = live_both(tmp_path / "w", days)
    assert len(once) > 100
    diary = Diary.open(tmp_path / "w", "same")
    diary._keep(done=0)
    assert live_both(tmp_path / "w", days) == once


def test_whose_folder_it_is(tmp_path):
    Diary.open(tmp_path / "w", "a wrong setting")  # and so nothing was begun
    diary = Diary.open(tmp_path / "w", "one")
    diary._keep(day=1)
    with pytest.raises(WorkspaceError, match="other facts, questions or settings"):
        Diary.open(tmp_path / "w", "two")
    with diary.alone(), pytest.raises(WorkspaceLocked), Diary.open(tmp_path / "w", "one").alone():
        pass
    Workspace.create(tmp_path / "mine", "")
    with pytest.raises(WorkspaceError, match="holds a workspace already"):
        Diary.open(tmp_path / "mine", "one")
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="Cannot write"):
        Diary.open(tmp_path / "file", "one")
