"""A night killed at any of its steps is taken up again; nothing is lost and `live` stays."""

import errno
import json
import os
import shutil
import signal
import sqlite3
import time

import pytest
import typer

from nightschool.cli.output import errors_as_messages
from nightschool.wire import open_school

STEPS = (
    "memories.json", "banks.json", "material.json", "version.txt", "created.txt",
    "report-base.json", "report-aided.json", "report-candidate.json", "decision.json",
    "facts.json", "outcome.txt",
)  # fmt: skip


def kill_after(line, step, night):
    """Start a night, and kill it dead as soon as the step's artifact is there."""
    process = line.start("consolidate")
    while not (night / step).exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def stored(night):
    return {step: (night / step).read_bytes() for step in STEPS if (night / step).exists()}


def standing(folder):
    """Return what is served and what is remembered, as a process that has just started finds it."""
    school = open_school(folder)
    live = school.registry.resolve("default", "live")
    texts = [m.text for m in school.store.memories("default")]
    school.close()
    return live, texts


def test_kill_at_every_step(school):
    night = school.folder / "nights" / "default" / "night-0001"
    _, before = standing(school.folder)
    assert before
    done = {}
    for step in STEPS:
        kill_after(school, step, night)
        now = stored(night)
        assert all(now[name] == body for name, body in done.items()), f"{step} began anew"
        for name, body in now.items():  # whole, whatever the moment
            if name.endswith(".json"):
                json.loads(body)
        done = now
        live, kept = standing(school.folder)
        assert live is None, f"{step}: live has moved"
        assert kept == before
    # The night was over; all that was missing is its rendered report.
    assert "night-0001" in school("report")
    told = school.json("versions")
    assert told["live"] == "base"
    assert len(told["versions"]) == 1


def test_kill_in_training_resumes_from_its_checkpoint(school):
    night = school.folder / "nights" / "default" / "night-0001"
    slow = ("--set", "train.min_steps=120", "--set", "train.checkpoint_seconds=0.01")
    process = school.start("consolidate", *slow)
    checkpoints = school.folder / "versions"
    deadline = time.monotonic() + 120
    while not list(checkpoints.rglob("state.pt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    school.preloaded = None  # a process of its own: forks share what Python hashes by
    outcome = school.json("consolidate", *slow, code=3)
    assert outcome["version"] == (night / "version.txt").read_text()
    assert not list(checkpoints.rglob("state.pt"))


def test_two_nights_at_once(school):
    first = school.start("consolidate")
    deadline = time.monotonic() + 60
    while not (school.folder / "nights" / "default" / "night-0001").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    said = school("consolidate", code=1)
    assert f"process {first.pid}" in said
    assert "a night" in said
    first.communicate()
    assert first.returncode == 3


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit")
def test_a_disk_that_takes_no_more(school):
    before = school.json("memory", "list")
    school.largest_file = 1_000_000  # the weights do not fit
    said = school("consolidate", code=1)
    assert "Nothing more can be written" in said
    assert "Traceback" not in said
    assert school.json("versions") == {"live": "base", "versions": [], "unknown": []}
    assert [m["text"] for m in school.json("memory", "list")] == [m["text"] for m in before]
    night = school.folder / "nights" / "default" / "night-0001"
    written = (night / "material.json").read_bytes()
    school.largest_file = None
    outcome = school.json("consolidate", code=3)  # goes on where it was
    assert outcome["version"] == (night / "version.txt").read_text()
    assert (night / "material.json").read_bytes() == written


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_workspace_that_may_not_be_written(school):
    for folder in (school.folder, *(p for p in school.folder.rglob("*") if p.is_dir())):
        folder.chmod(0o555)
    (school.folder / "nightschool.db").chmod(0o444)
    said = school("remember", "The cat is called Biscuit.", code=1)
    assert "may not be written" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.json"), "Free some space"),
        (OSError(errno.EROFS, "Read-only file system", "a.json"), "Make the folder writable"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "Make the folder"),
        (sqlite3.OperationalError("database or disk is full"), "Free some space"),
        (OSError(errno.ENOENT, "No such file", "a.json"), None),
        (ValueError("a bug"), None),
    ],
)
def test_what_the_disk_says_becomes_a_sentence_and_a_bug_stays_a_bug(error, said, capsys):
    with pytest.raises(type(error) if said is None else typer.Exit), errors_as_messages():
        raise error
    assert (said or "") in capsys.readouterr().err


def test_no_network(fresh_cli):
    cache = fresh_cli.folder / "cache"
    fresh_cli.env |= {
        "XDG_CACHE_HOME": str(cache),
        "NIGHTSCHOOL_CACHE": str(cache),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
        "HF_HUB_OFFLINE": "1",
    }
    said = fresh_cli("models", "pull", "smollm2-135m", code=1)
    assert "Traceback" not in said
    assert "again" in said or "network" in said
    assert not list(cache.rglob("*.safetensors"))
    fresh_cli("init", "school")
    fresh_cli.folder = fresh_cli.folder / "school"
    fresh_cli("remember", "The staging host is kestrel-7.")
    assert "models pull" in fresh_cli("consolidate", code=1)
