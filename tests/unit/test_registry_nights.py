"""A night's journal: a step is made once, and a night that is not over goes on."""

import json
import shutil

import pytest

from nightschool.registry.nights import nights, open_night, scrub, upcoming_night
from nightschool.registry.records import ExamRecords
from nightschool.types import Bank, BankKind, Item
from nightschool.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace.create(tmp_path, "")


def test_looking_ahead_makes_nothing(workspace):
    assert upcoming_night(workspace, "t").id == "night-0001"
    assert not list(workspace.nights.iterdir())


def test_an_unfinished_night_goes_on_and_a_finished_one_is_followed(workspace):
    first = open_night(workspace, "t")
    assert open_night(workspace, "t") == upcoming_night(workspace, "t") == first
    first.finish("refused")
    assert upcoming_night(workspace, "t").id == open_night(workspace, "t").id == "night-0002"
    assert open_night(workspace, "other").id == "night-0001"
    assert [night.outcome for night in nights(workspace, "t")] == ["refused", None]


def test_a_night_that_is_sealed_anew_has_its_new_bank(workspace):
    exams = ExamRecords(workspace)
    for question in ("Who keeps the gate?", "Who keeps the key?"):
        item = Item(f"item-{question}", question, ("Ada",), ("mem-1",))
        exams.save_bank(Bank("bank-1", "t", BankKind.ACQUIRED, "night-0001", (item,), ""))
    (bank,) = exams.banks("t")
    assert [item.question for item in bank.items] == ["Who keeps the key?"]


def test_a_discarded_night_begins_afresh(workspace):
    night = open_night(workspace, "t")
    night.artifact("a.txt", lambda: "one")
    night.discard()
    assert open_night(workspace, "t").stored("a.txt") is None


class Killed(BaseException):
    """What ends a deletion in the middle."""


def test_what_a_killed_discard_leaves_is_no_night(workspace, monkeypatch):
    night = open_night(workspace, "t")
    for name in ("version.txt", "decision.json", "report-base.json"):
        night.artifact(name, lambda: "{}")

    def half(folder):
        (folder / "version.txt").unlink()
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(shutil, "rmtree", half)
        with pytest.raises(Killed):
            night.discard()
    assert nights(workspace, "t") == []
    assert len(list((workspace.nights / "t").iterdir())) == 1
    again = open_night(workspace, "t")
    assert [path.name for path in (workspace.nights / "t").iterdir()] == ["night-0001"]
    assert list(again.folder.iterdir()) == []
    with monkeypatch.context() as killing:
        killing.setattr(shutil, "rmtree", stop)
        with pytest.raises(Killed):
            again.discard()
    scrub(workspace, "t", {"mem-1"})  # a deletion takes it along
    assert list((workspace.nights / "t").iterdir()) == []


def stop(*given):
    raise Killed


def test_a_step_is_made_once(workspace):
    night = open_night(workspace, "t")
    made = [night.artifact("a.txt", lambda n=n: str(n)) for n in (1, 2)]
    assert made == ["1", "1"]
    lines = (night.folder / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start a.txt", "done a.txt"]


def test_the_time_of_all_processes_counts_and_that_between_them_does_not(workspace):
    night = open_night(workspace, "t")
    lines = (
        (0, "taken up"), (5, "start banks.json"), (20, "done banks.json"), (20, "training"),  # and killed
        (500, "taken up"), (503, "training"), (513, "start report.json"),  # and killed
        (900, "taken up"), (930, "done report.json"),
    )  # fmt: skip
    journal = [
        {"at": f"2026-01-01T00:{s // 60:02}:{s % 60:02}+00:00", "event": e} for s, e in lines
    ]
    (night.folder / "journal.jsonl").write_text(
        "\n".join([*map(json.dumps, journal), '{"at": "2026'])
    )
    assert night.seconds(training=40.0) == 20 + 40 + 3 + 30
    assert night.seconds(training=0.0) == 20 + 10 + 3 + 30


def test_a_step_that_fails_leaves_no_artifact(workspace):
    night = open_night(workspace, "t")
    with pytest.raises(ZeroDivisionError):
        night.artifact("a.txt", lambda: str(1 / 0))
    assert night.stored("a.txt") is None
    assert night.artifact("a.txt", lambda: "whole") == "whole"
