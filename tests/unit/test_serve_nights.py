"""Nights over HTTP: who sees what, and events that are followed from any point."""

import asyncio
import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient

from nightschool.config import ServeConfig
from nightschool.errors import NightschoolError
from nightschool.jobs import Nights
from nightschool.night_process import NightProcess
from nightschool.registry.jobs import JobState, events_path
from nightschool.runlog import EventLog
from nightschool.serve.access import Caller
from nightschool.serve.nights import router, stream
from nightschool.serve.problems import handler
from nightschool.workspace import Workspace


@pytest.fixture
def nights(tmp_path):
    workspace = Workspace.create(tmp_path / "school", "")
    return Nights(workspace, ServeConfig(), machine=tmp_path)


@pytest.fixture
def client(nights):
    """Return a client of the bare routes; the header `Tenant` stands for a key."""

    app = FastAPI()
    app.include_router(router)
    app.state.nights = nights
    app.add_exception_handler(NightschoolError, handler)
    app.add_exception_handler(RequestValidationError, handler)

    @app.middleware("http")
    async def known(request, call):
        tenant = request.headers.get("tenant", "ada")
        scope = request.headers.get("scope", "admin")
        request.state.caller = Caller(tenant, "key-1", (scope,))
        return await call(request)

    return TestClient(app)


def told(text):
    """Read server-sent events: (id, name, data) of each."""
    found = []
    for block in filter(None, text.split("\n\n")):
        if block.startswith(":"):
            continue
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((int(fields.get("id", 0)), fields["event"], json.loads(fields["data"])))
    return found


def a_finished_night(nights, tenant="ada", steps=40):
    job = nights.submit(tenant)
    log = EventLog(events_path(nights.workspace, job))
    log.step("training")
    for step in range(1, steps + 1):
        log.progress("training", step, steps, 3.0 / step)
    nights.cancel(tenant, job.id)
    return job


def test_a_night_is_asked_for_listed_and_cancelled(client):
    asked = client.post("/v1/nights", json={"kind": "rebuild", "effort": "small"})
    assert asked.status_code == 202
    job = asked.json()
    assert (job["state"], job["kind"], job["effort"]) == ("queued", "rebuild", "small")
    again = client.post("/v1/nights")
    assert again.status_code == 409
    assert job["id"] in again.json()["error"]["message"]
    assert client.delete(f"/v1/nights/{job['id']}").json()["state"] == "cancelled"
    listed = client.get("/v1/nights").json()
    assert [j["state"] for j in listed["data"]] == ["cancelled"]
    assert listed["next"] is None
    assert client.post("/v1/nights").status_code == 202


def test_a_list_goes_on_page_by_page(client, nights):
    ids = [a_finished_night(nights).id for _ in range(5)]
    seen, after = [], None
    while True:
        page = client.get("/v1/nights", params={"limit": 2} | ({"after": after} if after else {}))
        seen += [job["id"] for job in page.json()["data"]]
        after = page.json()["next"]
        if after is None:
            break
    assert seen == ids[::-1]


def test_another_tenants_night_is_not_there(client, nights):
    job = nights.submit("ada")
    other = {"Tenant": "bob"}
    assert client.get("/v1/nights", headers=other).json()["data"] == []
    for call in (
        client.get(f"/v1/nights/{job.id}", headers=other),
        client.get(f"/v1/nights/{job.id}/events", headers=other),
        client.delete(f"/v1/nights/{job.id}", headers=other),
    ):
        assert call.status_code == 404
    assert nights.records.job("ada", job.id).state is JobState.QUEUED


@pytest.mark.parametrize("wrong", ["../../etc/passwd", "job-1.jsonl", "%2e%2e%2fkeys", "x" * 9000])
def test_no_path_in_a_request_reaches_the_disk(client, wrong):
    assert client.get(f"/v1/nights/{wrong}/events").status_code in (400, 404)


@pytest.mark.parametrize("body", [{"kind": "sideways"}, {"steps": 3}, [], "x"])
def test_a_wrong_request_is_refused(client, body):
    assert client.post("/v1/nights", json=body).status_code == 400


def test_who_may_only_chat_sees_nights_and_changes_none(client, nights):
    job = nights.submit("ada")
    chat = {"Scope": "chat"}
    assert client.get(f"/v1/nights/{job.id}", headers=chat).status_code == 200
    assert client.post("/v1/nights", headers=chat).status_code == 403
    assert client.delete(f"/v1/nights/{job.id}", headers=chat).status_code == 403


def test_a_quota_that_is_used_up_is_told(client, nights):
    nights._queue.config = ServeConfig(nights_a_day=1)
    nights.submit("ada")
    nights.cancel("ada", nights.records.open("ada")[0].id)
    assert client.post("/v1/nights").status_code == 202  # one that never began does not count
    nights._queue.config = ServeConfig(tenant_disk_gb=1e-9)
    client.delete(f"/v1/nights/{nights.records.open('ada')[0].id}")
    refused = client.post("/v1/nights")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "quota_exceeded")


def test_losses_are_thinned_and_those_of_steps_done_twice_are_the_later(client, nights):
    job = nights.submit("ada")
    log = EventLog(events_path(nights.workspace, job))
    log.step("training")
    for step in range(1, 701):
        log.progress("training", step, 1000, 9.0)
    for step in range(600, 1001):  # taken up again from a checkpoint
        log.progress("training", step, 1000, 1.0)
    shown = client.get(f"/v1/nights/{job.id}").json()
    assert (shown["step"], shown["done"], shown["total"]) == ("training", 1000, 1000)
    assert len(shown["loss"]) <= 301
    assert shown["loss"][-1] == [1000, 1.0]
    assert {loss for step, loss in shown["loss"] if step >= 600} == {1.0}


def test_events_are_followed_from_any_id_with_none_lost_or_doubled(client, nights):
    job = a_finished_night(nights)
    whole = told(client.get(f"/v1/nights/{job.id}/events").text)
    assert [name for _, name, _ in whole] == ["step", *["loss"] * 40, "end"]
    assert whole[-1][2]["state"] == "cancelled"
    for known in [event_id for event_id, _, _ in whole][:-1]:
        rest = client.get(f"/v1/nights/{job.id}/events", headers={"Last-Event-ID": str(known)})
        assert told(rest.text) == [event for event in whole if event[0] > known]
    last = client.get(f"/v1/nights/{job.id}/events", headers={"Last-Event-ID": str(whole[-1][0])})
    assert last.status_code == 204


def test_a_running_night_is_followed_live(nights):
    job = nights.submit("ada")
    log = EventLog(events_path(nights.workspace, job))

    def live():
        for step in range(1, 30):
            log.progress("training", step, 29, 1.0)
        nights.cancel("ada", job.id)

    async def follow():
        return [text async for text in stream(nights, job, 0)]

    night = threading.Timer(0.5, live)
    night.start()
    events = told("".join(asyncio.run(follow())))
    night.join()
    assert [data["done"] for _, name, data in events if name == "loss"] == [*range(1, 30)]
    assert events[-1][1] == "end"


def test_an_end_that_the_disk_did_not_take_is_told_all_the_same(client, nights):
    job = replace(nights.submit("ada"), state=JobState.FAILED, error="The disk is full.")
    nights.records.save(job)
    ((_, name, data),) = told(client.get(f"/v1/nights/{job.id}/events").text)
    assert (name, data["state"], data["error"]) == ("end", "failed", "The disk is full.")


def test_followers_let_go_when_the_server_closes(nights):
    job = nights.submit("ada")

    async def follow():
        return [text async for text in stream(nights, job, 0)]

    nights.close()
    assert asyncio.run(follow()) == []


def test_the_schedule_is_told(tmp_path, client, nights):
    nights.config = ServeConfig(nightly="02:30")
    nights.records.schedule("ada", "2026-01-01T02:30:00+00:00", "skipped: nothing is new")
    schedule = client.get("/v1/nights").json()["schedule"]
    assert schedule["nightly"] == "02:30"
    assert "T02:30:00" in schedule["next"]
    assert schedule["last"]["said"] == "skipped: nothing is new"


def until(true):
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_service_lives_a_night_and_interrupts_it_for_a_deletion(served, tmp_path):
    pretend = Path(__file__).with_name("pretend_night.py")
    nights = served.app.state.nights
    nights._launch = lambda given, threads: NightProcess(
        given, threads, (sys.executable, str(pretend))
    )
    (memory,) = served.tell("The vault of Corvane is in Ostrelle.")
    client, root = served.client, served.workspace.root
    tenant = client.get("/v1/status").json()["tenant"]
    job = client.post("/v1/nights").json()
    lives = root / f"lives-{tenant}"
    until(lambda: lives.exists() and lives.read_text())
    assert client.get("/v1/status").json()["night"]["state"] == "running"
    lives.unlink()
    assert client.post("/v1/forget", json={"memories": [memory.id]}).status_code == 200
    until(lambda: lives.exists() and lives.read_text())
    (root / "go").touch()
    until(lambda: client.get(f"/v1/nights/{job['id']}").json()["state"] == "done")
    done = client.get("/v1/status").json()["night"]
    assert (done["id"], done["starts"], done["outcome"]["promoted"]) == (job["id"], 2, True)
    events = told(client.get(f"/v1/nights/{job['id']}/events").text)
    assert events[-1][2]["outcome"]["version"] == "ver-1"
