"""A small server with the service's routes and plausible data, to drive the dashboard in a browser.

It stands in for the real application: `Stand` has a mode, so that a test can see a view empty, failing or
locked, and its approvals, deletions, promotions and nights behave.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles

import nightschool

FILES = Path(nightschool.__file__).parent / "serve" / "dashboard"
POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)
DATA = runpy.run_path(str(Path(__file__).with_name("stand_in_data.py")))
KEY = DATA["KEY"]
LIVE = DATA["LIVE"]
Refusal = DATA["Refusal"]
Stand = DATA["Stand"]
checks = DATA["checks"]
curve = DATA["curve"]
memory = DATA["memory"]
told = DATA["told"]


def listed(data: list[Any], after: Any = None) -> dict[str, Any]:
    return {"object": "list", "data": data, "next": after}


def application(stand: Stand) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.mount("/static", StaticFiles(directory=FILES))

    def error(status: int, message: str) -> JSONResponse:
        return JSONResponse(
            {"error": {"message": message, "type": "error", "code": None, "param": None}}, status
        )

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> JSONResponse:
        return error(refusal.status, refusal.message)

    @app.middleware("http")
    async def modes(request: Request, proceed):
        if request.url.path.startswith("/v1"):
            if (
                stand.mode == "locked"
                and request.headers.get("authorization") != f"Bearer {stand.open_to}"
            ):
                return error(401, "This needs a key.")
            if stand.mode == "error":
                return error(500, "The database is locked by another program.")
            if request.method != "GET":
                body = await request.body()
                stand.calls.append(
                    (request.method, request.url.path, json.loads(body) if body else None)
                )
        answer = await proceed(request)
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    @app.get("/")
    def page():
        return FileResponse(FILES / "index.html")

    @app.get("/v1/status")
    def status():
        if stand.mode == "empty":
            return {
                "live": None,
                "previous": None,
                "night": None,
                "memories": {"live": 0, "waiting": 0, "conflicts": 0, "retired": 0},
                "base": "smollm2-135m",
                "quotas": {},
            }
        tally = {
            name: sum(m["status"] == name for m in stand.memories)
            for name in ("live", "waiting", "conflict", "retired")
        }
        return {
            "live": stand.having("live"),
            "previous": stand.having("previous"),
            "night": stand.job,
            "memories": {
                "live": tally["live"],
                "waiting": tally["waiting"],
                "conflicts": tally["conflict"],
                "retired": tally["retired"],
            },
            "base": "smollm2-135m",
            "quotas": {},
        }

    @app.get("/v1/models")
    def models():
        names = (
            ["base"]
            if stand.mode == "empty"
            else ["live", "previous", "base", *(v["id"] for v in stand.versions)]
        )
        return listed(
            [
                {
                    "id": name,
                    "object": "model",
                    "created": 1763600000,
                    "owned_by": "nightschool",
                    "version": stand.having(name) or name,
                    "base": "smollm2-135m",
                    "kind": "full",
                    "examined": None,
                }
                for name in names
            ]
        )

    @app.get("/v1/memories")
    def memories(
        query: str = "", status: str = "", source: str = "", limit: int = 20, after: str = ""
    ):
        if stand.mode == "empty":
            return listed([])
        found = [
            m
            for m in stand.memories
            if (not status or m["status"] == status)
            and query.lower() in m["text"].lower()
            and source in m["source"]
        ]
        start = next((n + 1 for n, m in enumerate(found) if m["id"] == after), 0)
        page = found[start : start + limit]
        return listed(page, page[-1]["id"] if start + limit < len(found) else None)

    @app.post("/v1/memories")
    async def add(request: Request):
        new = memory(100 + len(stand.memories), (await request.json())["text"], speaker="owner")
        stand.memories.insert(0, new)
        return {"added": [new["id"]], "superseded": []}

    @app.get("/v1/memories/{id_}")
    def one(id_: str):
        found = stand.find("memories", id_)
        history = [{"at": found["at"], "actor": "reader", "action": "added", "text": found["text"]}]
        episode = {
            "id": "ep-1",
            "title": "How we work, page 3",
            "source": found["source"],
            "excerpt": f"… and so it was agreed. {found['text']} Exceptions are written down …",
        }
        return {**found, "history": history, "episode": episode, "versions": found["graduated"]}

    @app.patch("/v1/memories/{id_}")
    async def edit(id_: str, request: Request):
        found = stand.find("memories", id_)
        found.update(id=f"mem-{500 + len(stand.calls):016x}", text=(await request.json())["text"])
        return found

    @app.post("/v1/memories/{id_}/{action}")
    def decide(id_: str, action: str):
        found = stand.find("memories", id_)
        found.update(
            {"status": "live", "approved": True} if action == "approve" else {"status": "retired"}
        )
        return found

    @app.post("/v1/forget")
    async def forget(request: Request):
        body = await request.json()
        going = [
            m
            for m in stand.memories
            if m["id"] in body["memories"] or (body.get("source") and body["source"] == m["source"])
        ]
        tainted = [LIVE] if any(m["graduated"] for m in going) else []
        if not body["dry_run"]:
            stand.memories = [m for m in stand.memories if m not in going]
        return {
            "tombstones": [f"tomb-{n}" for n, _ in enumerate(going)],
            "exam_items": 2 * len(going),
            "examples": 14 * len(going),
            "tainted": tainted,
            "live_before": LIVE,
            "live_after": "ver-5be0c1d2a3f49677" if tainted else LIVE,
            "at": "2026-11-26T15:30:00+00:00",
            "backups": 1,
            "seconds": 0.4,
            "resumed": False,
            "probes": None,
        }

    @app.get("/v1/versions")
    def versions(after: str = ""):
        return listed([] if stand.mode == "empty" else stand.versions)

    @app.get("/v1/versions/{id_}")
    def version_(id_: str):
        columns = ["questions", "asked", "right", "low", "high", "base"]
        rows = [["told", 24, 0.92, 0.75, 0.98, 0.04], ["tools", 18, 0.78, 0.55, 0.91, 0.0]]
        tables = [{"title": "Facts by kind", "columns": columns, "rows": rows}]
        return {**stand.find("versions", id_), "tables": tables}

    @app.post("/v1/versions/{id_}/promote")
    async def promote(id_: str, request: Request):
        chosen = stand.find("versions", id_)
        if not chosen["decision"]["promote"]:
            if not (await request.json())["override"]:
                raise Refusal(409, "The gate refused it; say override to promote it all the same.")
            chosen["decision"]["overridden_by"] = "owner"
        for each in stand.versions:
            each["aliases"] = ["previous"] if "live" in each["aliases"] else []
        chosen["aliases"] = ["live"]
        return {"live": id_, "previous": stand.having("previous")}

    @app.post("/v1/rollback")
    def rollback():
        to, back = stand.having("previous"), stand.having("live")
        for each in stand.versions:
            each["aliases"] = (
                ["live"] if each["id"] == to else ["previous"] if each["id"] == back else []
            )
        return {"live": to, "previous": back}

    @app.get("/v1/matrix")
    def matrix():
        if stand.mode == "empty":
            return {
                "nights": [],
                "rows": [],
                "base": [],
                "acc": None,
                "bwt": None,
                "fwt": None,
                "forgetting": None,
            }
        nights = [f"night-{n:04d}" for n in (1, 2, 3, 4, 5)]
        rows = [
            [0.71, 0.04, 0.02, 0.05, None],
            [0.74, 0.81, 0.05, 0.06, 0.03],
            [0.69, 0.83, 0.86, 0.11, 0.04],
            [0.66, 0.8, 0.84, 0.9, 0.08],
            [0.7, 0.79, 0.85, 0.93, 0.97],
        ]
        return {
            "nights": nights,
            "rows": rows,
            "base": [0.0, 0.03, 0.02, 0.05, 0.01],
            "acc": 0.848,
            "bwt": -0.006,
            "fwt": 0.031,
            "forgetting": 0.022,
        }

    @app.get("/v1/nights")
    def nights():
        schedule = {"nightly": "02:00", "next": "2026-11-27T02:00:00+00:00", "last": None}
        return {**listed([] if stand.mode == "empty" else stand.nights), "schedule": schedule}

    @app.post("/v1/nights")
    def start():
        if stand.job:
            raise Refusal(409, "A night is running already.")
        job = {
            "id": f"job-{len(stand.nights) + 1}",
            "tenant": "main",
            "night": "night-0005",
            "state": "running",
            "step": "sealing the exam",
            "done": 0,
            "total": 0,
            "started": "2026-11-26T15:30:00+00:00",
            "ended": None,
            "loss": [],
            "outcome": None,
            "error": None,
        }
        stand.nights.insert(0, job)
        threading.Thread(target=live_through, args=(stand, job), daemon=True).start()
        return job

    @app.delete("/v1/nights/{id_}")
    def cancel(id_: str):
        job = stand.find("nights", id_)
        job["state"] = "cancelled"
        return job

    @app.get("/v1/nights/{id_}/events")
    async def events(id_: str, request: Request):
        job = stand.find("nights", id_)

        async def stream():
            seen, last = int(request.headers.get("last-event-id", 0)), None
            sent = 0
            while True:
                for done, loss in job["loss"][seen:]:
                    told = {"step": "training", "done": done, "total": 80, "loss": loss}
                    yield f"id: {done}\nevent: loss\ndata: {json.dumps(told)}\n\n"
                    seen, sent = seen + 1, sent + 1
                    if sent == 10 and stand.drops:
                        stand.drops -= 1
                        return
                now = {name: job[name] for name in ("step", "done", "total")}
                if now != last and job["step"] != "training":
                    yield f"event: progress\ndata: {json.dumps(now)}\n\n"
                last = now
                if job["state"] not in ("queued", "running"):
                    yield f"event: end\ndata: {json.dumps({'state': job['state']})}\n\n"
                    return
                await asyncio.sleep(0.05)

        return StreamingResponse(stream(), media_type="text/event-stream")

    runpy.run_path(str(Path(__file__).with_name("stand_in_talk.py")))["add_talk"](
        app, stand, listed
    )
    return app


def live_through(stand: Stand, job: dict[str, Any]) -> None:
    """Let a night pass: its steps, its loss, its exam, its outcome."""
    plan = [
        ("sealing the exam", 0),
        ("writing study material", 40),
        ("training", 80),
        ("exam: ver-new", 30),
        ("gate", 0),
    ]
    losses = curve(81)
    for step, total in plan:
        job.update(step=step, done=0, total=total)
        for n in range(total or 2):
            if job["state"] != "running":
                return
            time.sleep(stand.pace)
            if total:
                job["done"] = n + 1
            if step == "training":
                job["loss"].append(losses[n])
    job.update(
        state="done",
        ended="2026-11-26T15:41:00+00:00",
        outcome={"promoted": True, "version": LIVE, "checks": told(checks(True))},
    )


class Server:
    """Serves the stand-in from a thread on a free loopback port."""

    def __init__(self) -> None:
        self.stand = Stand()
        config = uvicorn.Config(
            application(self.stand),
            port=0,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)


if __name__ == "__main__":  # to look at it in a browser
    with Server() as running:
        running.stand.pace = 0.4
        print(running.url)
        threading.Event().wait()
