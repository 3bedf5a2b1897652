"""Nights over HTTP: asked for, listed, followed as they happen, and cancelled. A tenant sees its own only."""

from __future__ import annotations

import json
import pathlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from anyio import sleep, to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from nightschool.jobs import Nights
from nightschool.registry.jobs import OPEN, Job, ending, events_path
from nightschool.runlog import Event, all_events, read_events
from nightschool.schedule import next_due
from nightschool.serve.access import Caller, needs
from nightschool.serve.shapes import Body, refusals
from nightschool.types import Effort, NightKind
from nightschool.workspace import Workspace

POINTS = 300
"""At most so many losses are told of a night; the events have them all."""
POLL_SECONDS = 0.3
QUIET_SECONDS = 15.0
"""After so long without an event, a comment keeps the connection open."""
PAGE = 20
MOST = 100

router = APIRouter(prefix="/v1/nights", tags=["nights"])


class NightRequest(Body):
    """What night is asked for."""

    kind: NightKind | None = None
    """Anew from the base, on from the served version, or what is cheaper; None takes the settings'."""
    effort: Effort | None = None
    """None takes the settings'."""


@dataclass(frozen=True, slots=True)
class NightProgress:
    """How far a night is, by its events."""

    step: str | None
    """What it does; None before it began."""
    done: int
    total: int
    """0 where the step does not count."""
    losses: list[tuple[int, float]]
    """(step of training, loss in nats a token), thinned evenly."""


def the_nights(request: Request) -> Nights:
    """Give a route who lives the nights."""
    nights: Nights = request.app.state.nights
    return nights


JobId = Annotated[
    str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$", description="Of a night's job: `job-...`.")
]
TheNights = Annotated[Nights, Depends(the_nights)]
Reader = Annotated[Caller, Depends(needs("chat"))]
Admin = Annotated[Caller, Depends(needs("admin"))]


@router.post("", status_code=202, responses=refusals(409))
def ask(nights: TheNights, caller: Admin, body: NightRequest | None = None) -> dict[str, Any]:
    """Ask for a night of the caller's tenant; one that was interrupted is gone on with. 409 while one is not over."""
    wanted = body or NightRequest()
    job = nights.submit(caller.tenant, kind=wanted.kind, effort=wanted.effort, by=caller.key_id)
    return shown(nights.workspace, job)


@router.get("", responses=refusals())
def listing(
    nights: TheNights,
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> dict[str, Any]:
    """List the tenant's nights, newest first, and what the schedule does."""
    jobs = nights.records.jobs(caller.tenant, limit + 1, after)
    page = [shown(nights.workspace, job) for job in jobs[:limit]]
    more = page[-1]["id"] if len(jobs) > limit else None
    schedule = schedule_of(nights, caller.tenant)
    return {"object": "list", "data": page, "next": more, "schedule": schedule}


@router.get("/{job_id}", responses=refusals(404))
def one(job_id: JobId, nights: TheNights, caller: Reader) -> dict[str, Any]:
    """Tell how far one night is, or what came of it."""
    return shown(nights.workspace, nights.records.job(caller.tenant, job_id))


@router.get(
    "/{job_id}/events",
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events."},
        204: {"description": "Everything was told already."},
        **refusals(404),
    },
    response_class=StreamingResponse,
)  # fmt: skip
async def follow(job_id: JobId, request: Request, nights: TheNights, caller: Reader) -> Response:
    """Follow a night as server-sent events: `step`, `progress`, `loss`, `end`; `Last-Event-ID` goes on behind one.

    It ends with the key that it was asked for with. 204 where everything was told already, which keeps a browser from asking again.
    """
    job = await to_thread.run_sync(nights.records.job, caller.tenant, job_id)
    known = request.headers.get("last-event-id", "")
    after = int(known) if known.isascii() and known.isdigit() and len(known) < 16 else 0
    if job.state not in OPEN and after and not read_events(_path(nights, job), after):
        return Response(status_code=204)
    return StreamingResponse(
        stream(
            nights,
            job,
            after,
            lambda: caller.key is None or request.app.state.house.keys.holds(caller.key_id),
        ),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.delete("/{job_id}", responses=refusals(404, 409))
def cancel(job_id: JobId, nights: TheNights, caller: Admin) -> dict[str, Any]:
    """Cancel a night. What it has stored stays, and the next one goes on with it. 409 where another server lives it."""
    return shown(nights.workspace, nights.cancel(caller.tenant, job_id))


async def stream(
    nights: Nights, job: Job, after: int, allowed: Callable[[], bool] = lambda: True
) -> AsyncIterator[str]:
    """Yield a night's events behind an id as they happen, in the format of server-sent events, up to its end.

    Args:
        nights: Lives it.
        job: The night's.
        after: Id of the last event that is known; 0: none.
        allowed: Tells whether whoever follows it still may.
    """
    quiet = 0.0
    path = _path(nights, job)
    while not nights.closing and await to_thread.run_sync(allowed):
        # The state first: what is written before a job is over is in the file by the time that it is read.
        over = job.state not in OPEN
        events = await to_thread.run_sync(read_events, path, after)
        for event in events:
            yield as_sent(event)
            if event.name == "end":
                return
        if events:
            after, quiet = events[-1].id, 0.0
            continue
        if (
            over
        ):  # its end is on the job alone: the disk took no more, or the server died in between
            yield f"event: end\ndata: {json.dumps(ending(job))}\n\n"
            return
        await sleep(POLL_SECONDS)
        quiet += POLL_SECONDS
        if quiet >= QUIET_SECONDS:
            yield ": still here\n\n"
            quiet = 0.0
        job = await to_thread.run_sync(nights.records.job, job.tenant, job.id)


def as_sent(event: Event) -> str:
    """Return an event in the format of server-sent events."""
    data = json.dumps({**event.data, "at": event.at}, ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.name}\ndata: {data}\n\n"


def shown(workspace: Workspace, job: Job) -> dict[str, Any]:
    """Return a job as the API shows it."""
    far = progress_of([*all_events(events_path(workspace, job))])
    return {
        "id": job.id,
        "object": "night",
        "tenant": job.tenant,
        "night": job.night or None,
        "kind": job.kind,
        "effort": job.effort,
        "by": job.by,
        "step": far.step,
        "done": far.done,
        "total": far.total,
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
        "starts": job.starts,
        "loss": [[step, loss] for step, loss in far.losses],
        **ending(job),
    }


def progress_of(events: Sequence[Event]) -> NightProgress:
    """Return how far a night is by its events; of training steps that were done twice, the later loss counts."""
    step, done, total = None, 0, 0
    losses: dict[int, float] = {}
    for event in events:
        if event.name == "end":
            continue
        if event.name == "loss":
            losses[event.data["done"]] = event.data["loss"]
        step = event.data.get("step", step)
        done, total = event.data.get("done", 0), event.data.get("total", 0)
    points = sorted(losses.items())
    apart = max(1, -(-len(points) // POINTS))
    kept = points[::apart]
    return NightProgress(
        step, done, total, kept if kept[-1:] == points[-1:] else [*kept, points[-1]]
    )


def schedule_of(nights: Nights, tenant: str) -> dict[str, Any]:
    """Return when the next night begins by itself, and what the schedule last did for a tenant."""
    nightly = nights.config.nightly
    last = nights.records.scheduled(tenant)
    return {
        "nightly": nightly,
        "next": next_due(nightly, datetime.now(UTC)).isoformat() if nightly else None,
        "last": {"at": last.at, "said": last.said} if last else None,
    }


def newest(nights: Nights, tenant: str) -> dict[str, Any] | None:
    """Return a tenant's newest night as the API shows it; None where none was asked for."""
    jobs = nights.records.jobs(tenant, limit=1)
    return shown(nights.workspace, jobs[0]) if jobs else None


def _path(nights: Nights, job: Job) -> pathlib.Path:
    return events_path(nights.workspace, job)
