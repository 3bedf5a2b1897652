"""A night killed at any of its steps is taken up again; nothing is lost and `live` stays."""

import json
import signal
import time

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


def test_kill_at_every_step(school):
    night = school.folder / "nights" / "default" / "night-0001"
    before = school.json("memories")
    done = {}
    for step in STEPS:
        kill_after(school, step, night)
        now = stored(night)
        assert all(now[name] == body for name, body in done.items()), f"{step} began anew"
        for name, body in now.items():  # whole, whatever the moment
            if name.endswith(".json"):
                json.loads(body)
        done = now
        assert school.json("versions")["live"] == "base", f"{step}: live has moved"
        kept = school.json("memories")
        assert [m["text"] for m in kept] == [m["text"] for m in before]
    # The night was over; all that was missing is its rendered report.
    assert "night-0001" in school("report")
    assert len(school.json("versions")["versions"]) == 1


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
