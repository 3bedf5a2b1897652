"""Long work says when it begins and how long it took; a night's events can be followed from any point."""

import json
import os
import resource
import subprocess
import sys

import pytest

from nightschool.runlog import EventLog, all_events, progress_bar, read_events, recorded


def test_without_a_terminal_a_line_opens_and_closes_the_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar("training") as report:
        report(1, 2)
        assert capsys.readouterr().err == "training ...\n"
    shown = capsys.readouterr()
    assert shown.err.startswith("training: ")
    assert shown.err.endswith(" s\n")
    assert shown.out == ""


def test_quiet_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("training", quiet=True) as report:
        report(1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "night" / "events.jsonl"


def quiet(label):
    return progress_bar(label, quiet=True)


def test_a_night_is_told_step_by_step_with_every_loss(path):
    bar = recorded(quiet, [EventLog(path)])
    with bar("training") as report:
        for step in range(1, 4):
            report(step, 3, 2.0 / step)
    with bar("exam: base") as report:
        for done in range(1, 101):  # faster than anybody reads
            report(done, 100)
    told = [(e.name, e.data) for e in all_events(path)]
    assert told[0] == ("step", {"step": "training"})
    assert [d["loss"] for n, d in told if n == "loss"] == [2.0, 1.0, 0.6667]
    progress = [d["done"] for n, d in told if n == "progress"]
    assert progress[-1] == 100
    assert len(progress) < 5


def test_events_go_on_from_any_id_with_none_lost_or_doubled(path):
    log = EventLog(path)
    for number in range(50):
        log.write("progress", {"done": number})
    events = read_events(path)
    for known in (0, *(event.id for event in events)):
        rest = read_events(path, known)
        assert [e.id for e in rest] == [e.id for e in events if e.id > known]
    assert [e.data["done"] for e in events] == list(range(50))


def test_what_is_no_id_means_all_of_them(path):
    log = EventLog(path)
    log.write("step", {"step": "training"})
    for wrong in (-5, 3, 10**9):
        assert len(read_events(path, wrong)) == 1


def test_a_half_line_of_a_killed_night_is_never_told(path):
    EventLog(path).write("step", {"step": "training"})
    whole = path.stat().st_size
    for torn in (b'{"event": "lo', b"x" * 10_000):
        with path.open("ab") as file:
            file.write(torn)
        assert [e.id for e in read_events(path)] == [whole]
        assert read_events(path, whole) == []
        EventLog(path).close()
        assert path.stat().st_size == whole


def test_a_file_without_any_whole_line_begins_anew(path):
    path.parent.mkdir()
    path.write_bytes(b'{"event"')
    log = EventLog(path)
    log.write("step", {"step": "gate"})
    assert [e.data for e in read_events(path)] == [{"step": "gate"}]


def test_many_events_are_read_in_batches(path):
    log = EventLog(path)
    for number in range(6000):
        log.write("loss", {"done": number})
    assert len(read_events(path)) < 6000
    assert [e.data["done"] for e in all_events(path)] == list(range(6000))


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from nightschool.runlog import EventLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = EventLog(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
for number in range(9): log.write("loss", {"done": number})
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.write("end", {})
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on files")
def test_a_full_disk_costs_events_and_not_the_night(path):
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, env=os.environ
    )
    assert run.returncode == 0, run.stderr
    lines = path.read_text().splitlines()
    assert all(json.loads(line) for line in lines)
    assert read_events(path)[-1].name == "end"
