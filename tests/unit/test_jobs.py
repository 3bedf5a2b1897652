"""Nights as jobs: queued, lived in a process, cancelled, taken up again; told by a night that only pretends to train."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nightschool.config import ServeConfig
from nightschool.day import remember
from nightschool.errors import (
    NightRunning,
    QuotaExceeded,
    UnknownJob,
    WorkspaceLocked,
)
from nightschool.jobs import Nights
from nightschool.night_process import NightProcess, threads_for
from nightschool.registry.jobs import JobState, events_path
from nightschool.registry.nights import nights as nights_of
from nightschool.runlog import all_events
from nightschool.wire import open_school
from nightschool.workspace import Workspace, migrate

PRETEND = Path(__file__).with_name("pretend_night.py")
SECONDS = 60.0


def pretend(arguments, threads):
    return NightProcess(arguments, threads, (sys.executable, str(PRETEND)))


class House:
    """One server's nights, with what it was told of their ends."""

    def __init__(self, root, config=None, **named):
        self.promoted, self.ended = [], []
        self.nights = Nights(
            Workspace.create(root, ""),
            config or ServeConfig(),
            machine=root.parent,
            launch=pretend,
            on_promoted=lambda *told: self.promoted.append(told),
            on_ended=lambda tenant, job: self.ended.append((tenant, job.state.value)),
            **named,
        )
        self.root = root
        self.nights.take_up()

    def until(self, true):
        """Look again and again, as a server's thread does."""
        deadline = time.monotonic() + SECONDS
        while not true():
            assert time.monotonic() < deadline
            self.nights.tick()
            time.sleep(0.01)

    def lives(self, tenant="ada"):
        """Wait until a tenant's night is at work; return its process id."""
        path = self.root / f"lives-{tenant}"
        self.until(lambda: path.exists() and path.read_text())
        return int(path.read_text())

    def over(self, job):
        self.until(lambda: self.state(job) not in ("queued", "running"))
        return self.nights.records.job(job.tenant, job.id)

    def state(self, job):
        return self.nights.records.job(job.tenant, job.id).state.value

    def go(self):
        (self.root / "go").touch()

    def say(self, what):
        (self.root / "said.txt").write_text(what)


@pytest.fixture
def house(tmp_path):
    found = House(tmp_path / "school")
    yield found
    found.nights.close()


def names(house, job):
    return [e.name for e in all_events(events_path(house.nights.workspace, job))]


def test_a_promoted_night_tells_the_server(house):
    job = house.nights.submit("ada")
    house.lives()
    assert house.state(job) == "running"
    house.go()
    done = house.over(job)
    assert (done.state, done.night, done.starts) == (JobState.DONE, "night-0001", 1)
    assert (done.outcome.promoted, done.outcome.version) == (True, "ver-1")
    assert done.outcome.checks == (("acquired", True, "learnt"),)
    assert house.promoted == [("ada", "ver-1")]
    assert house.ended == [("ada", "done")]
    assert names(house, job) == ["step", "step", "loss", "end"]


def test_a_refused_night_is_done_and_nothing_is_promoted(house):
    house.say("refuse")
    house.go()
    done = house.over(house.nights.submit("ada"))
    assert (done.state, done.outcome.promoted) == (JobState.DONE, False)
    assert house.promoted == []
    assert house.ended == [("ada", "done")]


def test_two_tenants_wait_for_one_another_and_one_has_one_night(house):
    first, second = house.nights.submit("ada"), house.nights.submit("bob")
    house.lives("ada")
    with pytest.raises(NightRunning, match=first.id):
        house.nights.submit("ada")
    with pytest.raises(NightRunning, match="queued"):
        house.nights.submit("bob")
    for _ in range(5):
        house.nights.tick()
    assert house.state(second) == "queued"
    house.go()
    assert house.over(second).state is JobState.DONE
    assert house.ended == [("ada", "done"), ("bob", "done")]


def test_one_machine_trains_one_night(house, tmp_path):
    other = House(tmp_path / "other")
    job, later = house.nights.submit("ada"), other.nights.submit("ada")
    house.lives()
    for _ in range(5):
        other.nights.tick()
    assert other.state(later) == "queued"
    house.go(), other.go()
    house.over(job)
    assert other.over(later).state is JobState.DONE
    other.nights.close()


def test_a_night_waits_while_somebody_holds_the_versions(house):
    house.go()
    job = house.nights.submit("ada")
    with house.nights.workspace.lock("a promotion"):
        for _ in range(5):
            house.nights.tick()
        assert house.state(job) == "queued"
    assert house.over(job).state is JobState.DONE


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_night_that_is_killed_goes_on_by_itself(house, number):
    job = house.nights.submit("ada")
    process = house.lives()
    (house.root / "lives-ada").unlink()
    os.kill(process, number)
    assert house.lives() != process
    house.go()
    done = house.over(job)
    assert (done.state, done.starts, done.night) == (JobState.DONE, 2, "night-0001")
    assert len(nights_of(house.nights.workspace, "ada")) == 1


def test_a_night_that_dies_again_and_again_fails(house):
    job = house.nights.submit("ada")
    for death in range(1, 6):
        os.kill(house.lives(), signal.SIGKILL)
        (house.root / "lives-ada").unlink()
        house.until(lambda n=death: house.nights.records.job("ada", job.id).deaths == n)
    failed = house.over(job)
    assert failed.state is JobState.FAILED
    assert "interrupted 5 times" in failed.error
    assert house.ended == [("ada", "failed")]


def test_a_cancelled_night_stays_for_the_next(house):
    job = house.nights.submit("ada")
    process = house.lives()
    assert house.nights.cancel("ada", job.id).state is JobState.CANCELLED
    assert house.ended == [("ada", "cancelled")]
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert house.nights.cancel("ada", job.id).state is JobState.CANCELLED  # again changes nothing
    house.go()
    after = house.over(house.nights.submit("ada"))
    assert (after.state, after.night) == (JobState.DONE, "night-0001")


def test_a_night_that_another_server_lives_is_not_said_to_be_cancelled(house):
    job = house.nights.submit("ada")
    house.lives()
    other = Nights(house.nights.workspace, ServeConfig(), machine=house.root.parent, launch=pretend)
    with pytest.raises(WorkspaceLocked, match="Cancel it there"):
        other.cancel("ada", job.id)
    assert house.state(job) == "running"
    house.go()
    assert house.over(job).state is JobState.DONE
    assert other.cancel("ada", job.id).state is JobState.DONE


def test_a_night_that_ended_just_before_it_was_cancelled_is_done(house):
    job = house.nights.submit("ada")
    house.lives()
    house.go()
    deadline = time.monotonic() + SECONDS
    while not nights_of(house.nights.workspace, "ada")[0].outcome:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert house.nights.cancel("ada", job.id).state is JobState.DONE
    assert house.promoted == [("ada", "ver-1")]


def test_a_queued_night_is_cancelled_without_a_process(house):
    job = house.nights.submit("ada")
    assert house.nights.cancel("ada", job.id).state is JobState.CANCELLED
    assert names(house, job) == ["end"]
    with pytest.raises(UnknownJob):
        house.nights.cancel("bob", job.id)


def test_too_much_memory_ends_a_night_with_a_reason(tmp_path):
    house = House(tmp_path / "school", ServeConfig(night_memory_gb=0.3))
    house.say("hog")
    failed = house.over(house.nights.submit("ada"))
    assert failed.state is JobState.FAILED
    assert "serve.night_memory_gb is 0.3" in failed.error
    house.say("")
    house.go()
    after = house.over(house.nights.submit("ada"))
    assert (after.state, after.night) == (JobState.DONE, "night-0001")
    house.nights.close()


def test_a_failure_says_our_message_and_nothing_that_somebody_told(house):
    house.say("fail")
    failed = house.over(house.nights.submit("ada"))
    assert failed.error == "Too much of the study material repeats exam questions."
    house.say("crash")
    failed = house.over(house.nights.submit("ada"))
    assert failed.state is JobState.FAILED
    assert "code 1" in failed.error
    assert "4417" not in (failed.error + json.dumps(names(house, failed)))


def test_whatever_needs_the_versions_interrupts_the_night(house):
    job = house.nights.submit("ada")
    process = house.lives()
    (house.root / "lives-ada").unlink()
    with house.nights.paused():
        with house.nights.workspace.lock("forgetting"):
            house.nights.tick()
            assert house.state(job) == "queued"
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        house.nights.tick()
        assert house.state(job) == "queued"
    house.go()
    assert house.over(job).deaths == 0


SERVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_jobs import House
house = House(Path(sys.argv[1]))
if not house.nights.records.open(): house.nights.submit("ada")
while True: house.nights.tick(); time.sleep(0.02)
"""


def serve(root):
    here = os.path.dirname(__file__)
    return subprocess.Popen([sys.executable, "-c", SERVER, root, here])


def alive(process):
    """Tell whether a process runs; one that nobody has collected does not."""
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="reads /proc")
def test_a_night_dies_with_its_server_and_the_next_server_takes_it_up(tmp_path):
    root = tmp_path / "school"
    seen = set()
    for _ in range(2):
        server = serve(root)
        path = root / "lives-ada"
        deadline = time.monotonic() + SECONDS
        while not (path.exists() and path.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process = int(path.read_text())
        path.unlink()
        server.kill()
        server.wait()
        while alive(process):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert process not in seen
        seen.add(process)
    house = House(root)
    (job,) = house.nights.records.open()
    assert (job.state, job.deaths) == (JobState.QUEUED, 2)
    house.go()
    assert house.over(job).state is JobState.DONE
    house.nights.close()


def test_a_server_that_closes_leaves_the_night_to_the_next(tmp_path):
    root = tmp_path / "school"
    first = House(root)
    job = first.nights.submit("ada")
    first.lives()
    first.nights.close()
    assert first.state(job) == "queued"
    second = House(root)
    second.go()
    done = second.over(job)
    assert (done.state, done.starts, done.deaths) == (JobState.DONE, 2, 0)
    second.nights.close()


def test_a_server_lives_nights_in_a_thread_of_its_own(tmp_path):
    house = House(tmp_path / "school")
    house.nights.close()
    house = House(tmp_path / "school")
    house.go()
    house.nights.start()
    job = house.nights.submit("ada")
    deadline = time.monotonic() + SECONDS
    while house.ended != [("ada", "done")]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    house.nights.close()
    assert house.state(job) == "done"


def test_one_server_lives_a_workspaces_nights(house):
    with pytest.raises(WorkspaceLocked, match="Another server"):
        House(house.root)


def test_a_night_that_ended_while_nobody_looked_is_not_lived_twice(tmp_path):
    house = House(tmp_path / "school")
    job = house.nights.submit("ada")
    process = house.lives()
    # Its server hangs while the night goes on to its end.
    house.go()
    deadline = time.monotonic() + SECONDS
    while alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    house.nights._owner.release()
    other = House(tmp_path / "school")
    assert other.state(job) == "done"
    assert other.promoted == [("ada", "ver-1")]
    assert len(nights_of(other.nights.workspace, "ada")) == 1
    other.nights.close()


def test_a_disk_that_takes_no_row_delays_the_end_and_loses_nothing(house):
    job = house.nights.submit("ada")
    house.lives()
    with closing(sqlite3.connect(house.nights.workspace.database)) as db:
        db.execute("CREATE TRIGGER t BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END")

        def refused():
            try:
                house.nights.tick()
            except sqlite3.Error:
                return True
            return False

        house.go()
        deadline = time.monotonic() + SECONDS
        while not refused():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert refused()
        assert house.state(job) == "running"
        assert house.ended == []
        db.execute("DROP TRIGGER t")
    assert house.over(job).state is JobState.DONE
    assert house.ended == [("ada", "done")]


def test_trouble_of_those_who_are_told_is_not_the_nights(house):
    def broken(*told):
        raise RuntimeError("the engine did not start")

    house.nights._on_promoted = broken
    house.go()
    assert house.over(house.nights.submit("ada")).state is JobState.DONE
    assert house.over(house.nights.submit("ada")).state is JobState.DONE


def test_threads_are_half_of_the_cores_and_at_least_one():
    assert threads_for(7) == 7
    assert threads_for(None) == max(1, len(os.sched_getaffinity(0)) // 2)


# -- the schedule and quotas ----------------------------------------------------------------


class Clock:
    """A clock that a test winds."""

    def __init__(self, at):
        self.at = at

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock(datetime(2026, 3, 10, 1, 0).astimezone())


def taught(root, tenant="ada", fact="The ferry of Tolben is painted in vermilion."):
    Workspace.create(root, "")
    with closing(open_school(root, (), tenant)) as school:
        remember(school, fact)


def test_a_night_begins_at_its_hour_once(tmp_path, clock):
    root = tmp_path / "school"
    taught(root)
    taught(root, "bob")
    house = House(root, ServeConfig(nightly="02:30"), clock=clock)
    house.go()
    house.nights.tick()
    assert house.nights.records.open() == []
    clock.at += timedelta(hours=1, minutes=30)
    house.until(lambda: len(house.ended) == 2)
    assert {job.by for job in house.nights.records.jobs("ada")} == {"schedule"}
    clock.at += timedelta(hours=20)
    house.nights.tick()
    assert len(house.nights.records.jobs("ada")) == 1
    house.nights.close()


def test_a_night_with_nothing_new_is_skipped_and_says_why(tmp_path, clock):
    root = tmp_path / "school"
    taught(root)
    house = House(root, ServeConfig(nightly="02:30"), clock=clock)
    house.go()
    house.over(house.nights.submit("ada"))
    with closing(open_school(root, (), "ada")) as school:
        school.store.studied([m.id for m in school.store.memories("ada")], "night-0001")
    clock.at += timedelta(days=1, hours=2)
    house.nights.tick()
    assert "nothing is new since night-0001" in house.nights.records.scheduled("ada").said
    assert house.nights.records.open() == []
    taught(root, fact="The gatekeeper of Imbrey is called Mirelda.")
    house.nights.tick()
    assert house.nights.records.open() == []  # its hour is over
    clock.at += timedelta(days=1)
    house.until(lambda: len(house.ended) == 2)
    house.nights.close()


@pytest.mark.parametrize(
    ("hours_ago", "runs"), [(30, True), (20, False), (None, False)], ids=["old", "recent", "never"]
)
def test_a_missed_night_is_made_good_if_the_last_is_old(tmp_path, clock, hours_ago, runs):
    root = tmp_path / "school"
    taught(root)
    clock.at = clock.at.replace(hour=9)
    before = House(root, clock=clock)
    if hours_ago is not None:
        last = clock.at - timedelta(hours=hours_ago)
        before.nights.records.schedule("ada", last.astimezone(UTC).isoformat(), "skipped")
    before.nights.close()
    house = House(root, ServeConfig(nightly="02:30"), clock=clock)
    house.nights.tick()
    assert bool(house.nights.records.open()) is runs
    house.nights.close()


def test_nights_a_day_are_counted_by_tenant(tmp_path, clock):
    house = House(tmp_path / "school", ServeConfig(nights_a_day=2), clock=clock)
    house.go()
    for _ in range(2):
        house.over(house.nights.submit("ada"))
    with pytest.raises(QuotaExceeded, match="nights_a_day is 2"):
        house.nights.submit("ada")
    house.over(house.nights.submit("bob"))
    clock.at += timedelta(hours=25)
    house.over(house.nights.submit("ada"))
    house.nights.close()


def test_a_tenant_that_fills_the_disk_gets_no_night(tmp_path):
    house = House(tmp_path / "school", ServeConfig(tenant_disk_gb=0.001))
    house.go()
    house.over(house.nights.submit("ada"))  # registers ver-1 as its own
    folder = house.nights.workspace.versions / "ver-1"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(2_000_000))
    with pytest.raises(QuotaExceeded, match=r"tenant_disk_gb is 0\.001"):
        house.nights.submit("ada")
    house.nights.submit("bob")
    house.nights.close()


def test_old_jobs_go_with_their_events(house, monkeypatch):
    monkeypatch.setattr("nightschool.registry.jobs.KEPT", 3)
    jobs = []
    for _ in range(6):
        jobs.append(house.nights.submit("ada"))
        house.nights.cancel("ada", jobs[-1].id)
    kept = [job.id for job in house.nights.records.jobs("ada")]
    assert kept == [job.id for job in jobs[:2:-1]]
    files = {path.stem for path in (house.nights.workspace.nights / "ada").glob("job-*")}
    assert files == set(kept)


def test_an_older_workspace_gets_its_table(tmp_path):
    workspace = Workspace.create(tmp_path / "school", "")
    with closing(workspace.connect()) as connection:
        migrate(connection, "memory", ())
    house = House(tmp_path / "school")
    assert house.nights.records.jobs("ada") == []
    house.nights.close()
