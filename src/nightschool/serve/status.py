"""Routes on how things stand: the status, and the figures for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from nightschool.contradictions import Contradictions
from nightschool.hosting import House
from nightschool.jobs import Nights
from nightschool.overview import disk_bytes
from nightschool.registry.nights import nights
from nightschool.registry.versions import BASE
from nightschool.schedule import nights_of_day
from nightschool.serve.access import Caller, needs, the_house
from nightschool.serve.memories import READING_SECONDS
from nightschool.serve.metrics import Measured, Metrics
from nightschool.serve.shapes import Shape, refusals, tell_exactly
from nightschool.trust import waits
from nightschool.wire import School

router = APIRouter(tags=["status"])
Owner = Annotated[Caller, Depends(needs("admin"))]
TheHouse = Annotated[House, Depends(the_house)]


class Tally(Shape):
    """How many memories there are."""

    live: int
    waiting: int
    """Of the live ones."""
    conflicts: int
    """Live ones that contradict another, as far as they have been read."""
    undecided: int
    """Those that wait or contradict another, each once."""
    superseded: int
    retired: int


class Status(Shape):
    """How things stand with the caller's tenant."""

    tenant: str
    live: str
    """What requests get for `live`: a version id, or `base`."""
    previous: str
    base: str
    night: dict[str, Any] | None
    """The newest night, as `/v1/nights` tells it; null where none was asked for."""
    memories: Tally
    versions: int
    quotas: dict[str, float]
    """`disk_bytes` held, and `nights` of the last 24 hours; with `_most` after the name, the bound where there is one."""


def install(app: FastAPI) -> None:
    """Give an app what the routers keep for its life; after its other middleware, so that nothing goes unmeasured.

    Whoever runs nights puts its own in the place of two of them: `app.state.night_of` (tenant -> its newest job as
    the API tells it, or None) and `app.state.alone` (a context in which no night runs).
    """
    app.state.metrics = Metrics()
    app.state.contradictions = Contradictions()
    app.state.night_of = lambda tenant: None
    app.state.alone = nullcontext
    app.add_middleware(Measured, metrics=app.state.metrics)
    tell_exactly(app)


@router.get("/v1/status", responses=refusals())
def status(
    request: Request, caller: Annotated[Caller, Depends(needs("chat"))], house: TheHouse
) -> Status:
    """Tell what is served, what is remembered and what waits."""
    aliases = house.aliases(caller.tenant)
    with house.school(caller.tenant) as school:
        counts = school.store.counts(caller.tenant)
        groups = request.app.state.contradictions.groups(school, READING_SECONDS)
        differing = {memory.id: memory for group in groups for memory in group}
        return Status(
            tenant=caller.tenant,
            live=aliases.get("live", BASE),
            previous=aliases.get("previous", BASE),
            base=school.base,
            night=request.app.state.night_of(caller.tenant),
            memories=Tally(
                live=counts["live"],
                waiting=counts["waiting"],
                conflicts=len(differing),
                undecided=counts["waiting"] + sum(not waits(m) for m in differing.values()),
                superseded=counts["superseded"],
                retired=counts["retired"],
            ),
            versions=len(school.registry.versions(caller.tenant)),
            quotas=_quotas(school, request.app.state.nights),
        )


def _quotas(school: School, lived: Nights) -> dict[str, float]:
    jobs = lived.records.jobs(school.settings.tenant)
    told: dict[str, float] = {
        "disk_bytes": disk_bytes(school),
        "nights": nights_of_day(jobs, datetime.now(UTC)),
    }
    if lived.config.nights_a_day is not None:
        told["nights_most"] = lived.config.nights_a_day
    if lived.config.tenant_disk_gb is not None:
        told["disk_bytes_most"] = lived.config.tenant_disk_gb * 1e9
    return told


@router.get(
    "/metrics",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Figures."},
        **refusals(),
    },
    response_class=Response,
)
def metrics(request: Request, caller: Owner, house: TheHouse) -> Response:
    """Tell the figures of the caller's tenant in Prometheus's text format."""
    with house.school(caller.tenant) as school:
        standing = list(_standing(school, house))
    text = request.app.state.metrics.text(caller.tenant, standing)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _standing(school: School, house: House) -> Iterator[Metric]:
    """Yield how things stand with a tenant at this moment."""
    tenant = school.settings.tenant
    versions = school.registry.versions(tenant)
    live = house.aliases(tenant).get("live", BASE)
    outcomes = Counter(n.outcome or "unfinished" for n in nights(school.workspace, tenant))
    yield _gauge(
        "nightschool_memories", "Memories, by status; those that wait are live, too.", "status",
        {name: count for name, count in school.store.counts(tenant).items() if name != "all"},
    )  # fmt: skip
    kept = sum(not version.tainted_by for version in versions)
    yield _gauge(
        "nightschool_versions", "Versions, with their weights and without.", "state",
        {"kept": kept, "forgotten": len(versions) - kept},
    )  # fmt: skip
    yield _gauge(
        "nightschool_live_is_version", "1 where a version answers to `live`, 0 where the base does.", "",
        {"": int(live != BASE)},
    )  # fmt: skip
    yield _gauge(
        "nightschool_nights", "Nights, by outcome.", "outcome",
        {name: outcomes[name] for name in ("promoted", "refused", "unfinished")},
    )  # fmt: skip
    yield _gauge(
        "nightschool_disk_bytes", "What takes how much of the disk; the database is all tenants'.", "what",
        {"tenant": disk_bytes(school), "database": school.workspace.database.stat().st_size},
    )  # fmt: skip
    yield _gauge(
        "nightschool_engines", "Engines that run, for all tenants.", "",
        {"": len(house.fleet.engines())},
    )  # fmt: skip
    yield _gauge(
        "nightschool_answers_running", "Answers in the making, for all tenants.", "",
        {"": house.fleet.leases()},
    )  # fmt: skip
    recorder = house.recorder
    yield _gauge(
        "nightschool_unrecorded", "Answers of all tenants that became no episode, by reason.", "reason",
        {"no_room": recorder.dropped, "failed": recorder.failed},
    )  # fmt: skip


def _gauge(name: str, says: str, label: str, values: dict[str, int]) -> Metric:
    metric = GaugeMetricFamily(name, says, labels=[label] if label else None)
    for value_of, value in values.items():
        metric.add_metric([value_of] if label else [], value)
    return metric
