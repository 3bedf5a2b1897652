"""A service's nights with real training: killed at random moments, cancelled, too large, on a full disk; nothing is lost."""

import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from nightschool.config import ServeConfig
from nightschool.jobs import Nights
from nightschool.night_process import CHILD, NightProcess
from nightschool.registry.jobs import JobState, events_path
from nightschool.registry.nights import nights as nights_of
from nightschool.runlog import all_events
from nightschool.workspace import Workspace

SECONDS = 300.0
SLOW = ("train.min_steps=60", "train.checkpoint_seconds=0.01")
"""So that a kill often comes in training, and there is a checkpoint to go on from."""


class Service:
    """The nights of a workspace on the tiny model, looked at as a server does."""

    def __init__(self, school, config=None, overrides=SLOW, launch=NightProcess):
        self.ended = []
        self.nights = Nights(
            Workspace(school.folder),
            config or ServeConfig(),
            overrides=overrides,
            engine=None,
            machine=school.folder.parent,
            on_ended=lambda tenant, job: self.ended.append((tenant, job.state)),
            launch=launch,
        )
        self.nights.take_up()

    def until(self, true):
        deadline = time.monotonic() + SECONDS
        while not true():
            assert time.monotonic() < deadline
            self.nights.tick()
            time.sleep(0.02)

    def over(self, job):
        self.until(lambda: self.job(job).state not in (JobState.QUEUED, JobState.RUNNING))
        return self.job(job)

    def job(self, job):
        return self.nights.records.job(job.tenant, job.id)

    def events(self, job):
        return list(all_events(events_path(self.nights.workspace, job)))

    def training(self, job):
        self.until(lambda: any(event.name == "loss" for event in self.events(job)))


@pytest.fixture
def service(school):
    found = Service(school)
    yield found
    found.nights.close()


def whole(school, job):
    """See that a refused night (the tiny model learns nothing) left all that a night leaves, and `live` as it was."""
    assert (job.state, job.outcome.promoted) == (JobState.DONE, False), job.error
    (night,) = nights_of(Workspace(school.folder), "default")
    assert (night.id, night.outcome) == (job.night, "refused")
    for path in night.folder.glob("*.json"):
        json.loads(path.read_text())
    versions = school.json("versions")
    assert versions["live"] == "base"
    assert [v["id"] for v in versions["versions"]] == [job.outcome.version]
    assert not list((school.folder / "versions").rglob("state.pt"))


def killed(service, school, job, at, server_too):
    """Kill a job's process at a moment, and the server with it if asked; return who goes on."""
    service.until(lambda: time.monotonic() > at or service.job(job).ended)
    process = service.job(job).process
    with suppress(ProcessLookupError, TypeError):
        os.kill(process[0], signal.SIGKILL)
    if not server_too:
        return service
    service.nights._owner.release()  # as the kernel does for a dead server
    service.nights._machine.release()
    return Service(school)


def test_a_night_killed_at_random_moments_ends_whole(school):
    rng = random.Random(int(os.environ.get("SEED", "5")))
    service = Service(school)
    job = service.nights.submit("default")
    for number in range(4):
        at = time.monotonic() + rng.uniform(0.0, 20.0)
        service = killed(service, school, job, at, server_too=number % 2 == 1)
    done = service.over(job)
    whole(school, done)
    events = service.events(job)
    steps = [e.data["done"] for e in events if e.name == "loss"]
    assert set(steps) == set(range(1, max(steps) + 1))
    assert [e.name for e in events].count("end") == 1
    assert "night-0001" in school("report")
    service.nights.close()


def test_a_cancelled_night_is_gone_on_with(school, service):
    job = service.nights.submit("default")
    service.training(job)
    cancelled = service.nights.cancel("default", job.id)
    assert cancelled.state is JobState.CANCELLED
    version = (school.folder / "nights" / "default" / "night-0001" / "version.txt").read_text()
    done = service.over(service.nights.submit("default", effort="small"))
    assert done.outcome.version == version
    whole(school, done)


def test_a_night_with_too_much_memory_fails_and_nothing_else_does(school):
    service = Service(school, ServeConfig(night_memory_gb=0.2))
    failed = service.over(service.nights.submit("default"))
    assert failed.state is JobState.FAILED
    assert "serve.night_memory_gb is 0.2" in failed.error
    assert school.json("versions")["live"] == "base"
    service.nights.close()
    again = Service(school)
    whole(school, again.over(again.nights.submit("default")))
    again.nights.close()


def test_a_deletion_interrupts_a_night_and_the_next_start_is_without_it(school, service):
    job = service.nights.submit("default")
    service.training(job)
    with service.nights.paused():
        school("forget", "--query", "walrus", "--yes")
    done = service.over(job)
    assert done.state is JobState.DONE
    night = school.folder / "nights" / "default" / done.night
    assert "walrus" not in (night / "material.json").read_text()


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on files")
def test_a_full_disk_fails_the_job_and_the_next_goes_on(school):
    def limited(arguments, threads):
        shell = ("prlimit", "--fsize=1000000", *CHILD)
        return NightProcess(arguments, threads, shell)

    full = Service(school, launch=limited)
    failed = full.over(full.nights.submit("default"))
    full.nights.close()
    assert failed.state is JobState.FAILED
    assert "Free some" in failed.error
    assert str(school.folder) not in failed.error
    service = Service(school)
    whole(school, service.over(service.nights.submit("default")))
    service.nights.close()


def test_the_process_steps_back_for_serving(service):
    job = service.nights.submit("default")
    service.training(job)
    number, _born = service.job(job).process
    assert os.getpriority(os.PRIO_PROCESS, number) == 19
    assert os.getpgid(number) == number != os.getpgid(0)
    if sys.platform == "linux":
        assert int(Path(f"/proc/{number}/oom_score_adj").read_text()) > 0
        half = max(1, len(os.sched_getaffinity(0)) // 2)
        assert f"OMP_NUM_THREADS={half}\0" in Path(f"/proc/{number}/environ").read_text()
        # What trains is in the idle class, what has the database is not.
        assert os.sched_getscheduler(number) == os.SCHED_OTHER
        threads = {int(task.name) for task in Path(f"/proc/{number}/task").iterdir()}
        assert os.SCHED_IDLE in map(os.sched_getscheduler, threads)


def test_losses_reach_tensorboard(school):
    runs = school.folder.parent / "runs"
    school("consolidate", "--tensorboard", str(runs), code=3)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(runs / "default" / "night-0001"))
    found.Reload()
    losses = found.Scalars("train/loss")
    assert [point.step for point in losses] == list(range(1, len(losses) + 1))
    assert [point.value for point in found.Scalars("gate/promoted")] == [0.0]


def test_a_tracker_that_is_not_installed_is_told_before_the_night(school):
    run = subprocess.run([sys.executable, "-c", "import mlflow"], capture_output=True)
    if run.returncode == 0:
        pytest.skip("MLflow's client is installed")
    said = school("consolidate", "--mlflow", "http://127.0.0.1:9", code=2)
    assert "pip install -e '.[mlflow]'" in said
    assert not (school.folder / "nights" / "default").exists()


def serve(school, port=0):
    """Start the real server; return its process and a client."""
    process = school.start("serve", "--port", str(port))
    address = re.search(r"(http://[^/]+)/v1", process.stdout.readline())
    return process, httpx.Client(base_url=address[1], timeout=60)


def followed(client, job, known, until):
    """Follow a night until an event of this name; return (id, name) of each."""
    seen = []
    headers = {"Last-Event-ID": str(known)} if known else {}
    with client.stream("GET", f"/v1/nights/{job}/events", headers=headers, timeout=600) as told:
        event = 0
        for line in told.iter_lines():
            if line.startswith("id: "):
                event = int(line[4:])
            if line.startswith("event: "):
                seen.append((event, line[7:]))
                if line[7:] == until:
                    return seen
    return seen


def test_a_server_that_is_killed_goes_on_with_the_night_and_its_events(school):
    server, client = serve(school)
    job = client.post("/v1/nights").json()["id"]
    before = followed(client, job, 0, until="loss")
    server.kill()
    server.communicate()
    server, client = serve(school)
    after = followed(client, job, before[-1][0], until="end")
    ids = [event for event, _ in before + after]
    assert ids == sorted(set(ids))
    assert after[-1][1] == "end"
    told = client.get(f"/v1/nights/{job}").json()
    assert (told["state"], told["starts"], told["night"]) == ("done", 2, "night-0001")
    assert client.get("/v1/status").json()["live"] == "base"
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=60)
