"""Routes on versions: how each came to be and did in its exam, the matrix, promotion, rollback, two models compared."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictBool

from nightschool.errors import UnknownVersion
from nightschool.hosting import House
from nightschool.overview import Cell, Standing, Standings, matrix
from nightschool.promotion import promote, refusal, roll_back
from nightschool.registry.versions import BASE
from nightschool.serve.access import Caller, needs, the_house
from nightschool.serve.answers import Answering, Prepared, ask, in_thread, prepare
from nightschool.serve.relay import GONE, ClientGone, Relay
from nightschool.serve.requests import Message
from nightschool.serve.shapes import (
    SAYS_SOMETHING,
    VERSION_PATTERN,
    Body,
    Listing,
    ModelName,
    Refusal,
    Refused,
    Shape,
    VersionId,
    refusals,
)
from nightschool.types import Decision, Version
from nightschool.wire import School

ANSWER_TOKENS = 512
"""Longest answer of a comparison."""

router = APIRouter(prefix="/v1", tags=["versions"])
Talker = Annotated[Caller, Depends(needs("chat"))]
Owner = Annotated[Caller, Depends(needs("admin"))]
TheHouse = Annotated[House, Depends(the_house)]


class CheckShown(Shape):
    """One line of the gate's decision."""

    name: str
    passed: bool
    difference: float | None
    low: float | None
    margin: float | None
    n: int
    reason: str


class DecisionShown(Shape):
    """What the gate decided, and who overrode it."""

    promote: bool
    checks: list[CheckShown]
    attempt: int
    overridden_by: str | None


class Trained(Shape):
    """What the training cost and came to."""

    tokens: int
    seconds: float
    last_loss: float


class Scores(Shape):
    """Shares right, closed-book, in the exam of its own night; null where none was asked."""

    new: float | None
    earlier: float | None
    general: float | None
    abstention: float | None


class VersionShown(Shape):
    """A version: a set of trained weights."""

    id: str
    night: str
    kind: str
    base: str
    parent: str
    created: str
    aliases: list[str]
    tainted: bool
    """Whether it was trained on something forgotten since: its weights are deleted."""
    decision: DecisionShown | None
    """Null where it has not been before the gate."""
    memories: int
    examples: int
    train: Trained | None
    scores: Scores


class TableShown(Shape):
    """One table of an exam."""

    title: str
    columns: list[str]
    rows: list[list[Cell]]


class VersionWhole(VersionShown):
    """A version with the tables of its exam."""

    tables: list[TableShown]


class MatrixShown(Shape):
    """Accuracy over nights: a row after each night, a column for each night's questions."""

    nights: list[str]
    rows: list[list[float | None]]
    base: list[float | None]
    acc: float | None
    bwt: float | None
    fwt: float | None
    forgetting: float | None


class Aliases(Shape):
    """What requests get for the names; `base` for the untouched base model."""

    live: str
    previous: str


class Promotion(Body):
    """How a version is promoted."""

    override: StrictBool = False
    """Against the gate's word."""


class Comparison(Body):
    """A question to two models."""

    prompt: str = Field(min_length=1, max_length=8000, pattern=SAYS_SOMETHING)
    models: Annotated[list[ModelName], Field(min_length=2, max_length=2)]


class Side(Shape):
    """What one model answered."""

    model: str
    version: str
    text: str
    recalled: list[str]
    """Ids of the memories in its prompt."""
    seconds: float


class Compared(Shape):
    """Two answers to one question, at temperature 0; nothing of it is remembered."""

    prompt: str
    answers: list[Side]


def _shown(standing: Standing) -> VersionShown:
    version = standing.version
    return VersionShown(
        **{
            name: getattr(version, name)
            for name in ("id", "night", "kind", "base", "parent", "created")
        },
        aliases=list(standing.aliases),
        tainted=bool(version.tainted_by),
        decision=DecisionShown.model_validate(standing.decision) if standing.decision else None,
        memories=len(version.memory_ids),
        examples=len(version.example_ids),
        train=Trained.model_validate(version.train) if version.train else None,
        scores=Scores(**standing.scores),
    )


@router.get("/versions", responses=refusals(404))
def list_versions(
    caller: Talker,
    house: TheHouse,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    after: Annotated[
        str | None, Query(pattern=VERSION_PATTERN, description="`next` of the part before.")
    ] = None,
) -> Listing[VersionShown]:
    """List the versions, oldest first, with the gate's word and the exam of each."""
    with house.school(caller.tenant) as school:
        found = school.registry.versions(caller.tenant)
        start = 0
        if after is not None:
            places = [place for place, version in enumerate(found, start=1) if version.id == after]
            if not places:
                raise UnknownVersion(f"No version is called {after}. Begin again without it.")
            start = places[0]
        part = found[start : start + limit]
        standings = Standings(school)
        more = start + limit < len(found)
        return Listing(
            data=[_shown(standings.of(version)) for version in part],
            next=part[-1].id if more else None,
        )


@router.get("/versions/{version_id}", responses=refusals(404))
def show_version(version_id: VersionId, caller: Talker, house: TheHouse) -> VersionWhole:
    """Show a version with the tables of its exam, 95% intervals and the base model beside it."""
    with house.school(caller.tenant) as school:
        version = school.registry.resolve(caller.tenant, version_id)
        if version is None:
            raise UnknownVersion(f"{version_id} is the base model, which is no version.")
        standings = Standings(school)
        return VersionWhole(
            **_shown(standings.of(version)).model_dump(),
            tables=[TableShown.model_validate(table) for table in standings.tables(version)],
        )


@router.get("/matrix", responses=refusals())
def show_matrix(caller: Talker, house: TheHouse) -> MatrixShown:
    """Show accuracy over nights, closed-book, with ACC, BWT, FWT and forgetting."""
    with house.school(caller.tenant) as school:
        found, told = matrix(school)
    return MatrixShown(
        nights=list(found.nights),
        rows=[list(row) for row in found.rows],
        base=list(found.base),
        acc=told.acc,
        bwt=told.bwt,
        fwt=told.fwt,
        forgetting=told.forgetting,
    )


@router.post(
    "/versions/{version_id}/promote",
    responses=refusals(404, 409, 410, 503),
    response_model=Aliases,
)
def promote_version(
    request: Request,
    version_id: VersionId,
    caller: Owner,
    house: TheHouse,
    promotion: Promotion | None = None,
) -> Aliases | JSONResponse:
    """Serve a version from now on; running answers finish on theirs. Where the gate refused it, that takes `override`."""
    override = promotion is not None and promotion.override
    with house.school(caller.tenant) as school:
        version, standing = _examined(school, version_id)
        if not (standing.promote or override):
            told = Refusal(
                message=f"The gate refused {version_id}: {refusal(standing)}. Send override to serve it all the same.",
                type="invalid_request_error",
                code="gate_refused",
            )
            return JSONResponse(Refused(error=told).model_dump(), 409)
        if version.id != school.registry.alias(caller.tenant, "live"):
            with request.app.state.alone():
                promote(school, version.id, _actor(caller), override=override)
    return _moved(house, caller.tenant)


@router.post("/rollback", responses=refusals(409, 503))
def rollback(request: Request, caller: Owner, house: TheHouse) -> Aliases:
    """Serve the version before the live one again; running answers finish on theirs. Without one nothing is changed."""
    with house.school(caller.tenant) as school:
        registry = school.registry
        if registry.fallback(caller.tenant) != registry.alias(caller.tenant, "live"):
            with request.app.state.alone():
                roll_back(school, _actor(caller))
    return _moved(house, caller.tenant)


def _examined(school: School, name: str) -> tuple[Version, Decision]:
    """Return a version that could be served with the gate's word on it, before anybody's night is stopped for it.

    Raises:
        UnknownVersion: There is no such version, or it has not been before the gate.
        TaintedVersion: It was trained on something that has been forgotten.
        WorkspaceCorrupt: Its weights are missing.
    """
    version = school.registry.resolve(school.settings.tenant, name)
    decision = school.registry.decision(version.id) if version else None
    if version is None or decision is None:
        raise UnknownVersion(f"{name} has not been before the gate. See /v1/versions.")
    school.registry.weights(version)
    return version, decision


def _actor(caller: Caller) -> str:
    return "owner" if caller.key is None else caller.key_id


def _moved(house: House, tenant: str) -> Aliases:
    house.refresh(tenant)
    names = house.aliases(tenant)
    return Aliases(live=names.get("live", BASE), previous=names.get("previous", BASE))


@router.post("/compare", responses=refusals(404, 410, 502, 503), response_model=Compared)
async def compare(
    request: Request, comparison: Comparison, caller: Talker, house: TheHouse
) -> Compared | Response:
    """Ask two models the same, at temperature 0; plain names recall, `:closed-book` does not. Nothing is remembered."""
    asked = [Message(role="user", content=comparison.prompt)]
    sides: list[tuple[str, Prepared, Answering]] = []
    try:
        for model in comparison.models:
            prepared = await in_thread(partial(prepare, house, caller.tenant, model, asked))
            answering = Answering(house, caller, prepared.lease, "chat.completion")
            answering.count = partial(request.app.state.metrics.tokens, caller.tenant)
            sides.append((model, prepared, answering))
        answers = [await _side(request, *side) for side in sides]
    except ClientGone:
        return Response(status_code=GONE)
    finally:
        for _, _, answering in sides:
            await answering.close()
    return Compared(prompt=comparison.prompt, answers=answers)


async def _side(request: Request, model: str, prepared: Prepared, answering: Answering) -> Side:
    begun = time.perf_counter()
    body = {
        "messages": prepared.messages,
        "max_tokens": min(ANSWER_TOKENS, answering.house.settings.serve.answer_tokens),
        "temperature": 0,
        "seed": 0,
    }
    relay: Relay = request.app.state.relay
    answering.whole(await ask(relay, request, answering, "chat/completions", body))
    return Side(
        model=model,
        version=answering.lease.version_id,
        text="".join(answering.text),
        recalled=[memory.id for memory in prepared.recalled],
        seconds=round(time.perf_counter() - begun, 3),
    )
