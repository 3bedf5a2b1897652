"""Routes on memories: what is remembered and where it came from, what waits, approval, correction, forgetting."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from nightschool.contradictions import Contradictions
from nightschool.curate import correct, listing, provenance, review
from nightschool.day import remember
from nightschool.forget import Receipt, forget
from nightschool.hosting import House
from nightschool.memory.erasure import tombstone
from nightschool.scope import choose, cost, lineage
from nightschool.serve.access import Caller, needs, the_house
from nightschool.serve.memory_shapes import (
    Correction,
    Event,
    Forgetting,
    Forgotten,
    Learnt,
    MemoryShown,
    MemoryStanding,
    MemoryWhole,
    Origin,
    Told,
    shown,
)
from nightschool.serve.shapes import (
    MEMORY_PATTERN,
    Listing,
    MemoryId,
    refusals,
)
from nightschool.trust import lowest
from nightschool.types import Memory
from nightschool.wire import School

READING_SECONDS = 1.0
"""So long a request reads new memories to find contradictions; the next one goes on with it."""

router = APIRouter(prefix="/v1", tags=["memories"])
Reader = Annotated[Caller, Depends(needs("memory"))]
Owner = Annotated[Caller, Depends(needs("admin"))]
TheHouse = Annotated[House, Depends(the_house)]


def whole(school: School, memory_id: str, groups: list[list[Memory]]) -> MemoryWhole:
    """Return a memory with its provenance, and with what it contradicts in groups of contradictions."""
    memory = school.memory(memory_id)
    found = provenance(school, memory)
    against = _against(groups).get(memory_id)
    return MemoryWhole(
        **shown(memory, "conflict" if against else None, against).model_dump(),
        history=[Event(**event) for event in found.history],
        episode=Origin.model_validate(found) if found.id else None,
        versions=list(found.held_by),
        trained=list(found.trained),
    )


@router.get("/memories", responses=refusals(404))
def list_memories(
    request: Request,
    caller: Reader,
    house: TheHouse,
    query: Annotated[str, Query(max_length=500, description="A question or words.")] = "",
    status: Annotated[
        MemoryStanding | None, Query(description="Only those; all without it.")
    ] = None,
    source: Annotated[str, Query(max_length=1000, description="Only from this source.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[
        str | None, Query(pattern=MEMORY_PATTERN, description="`next` of the part before.")
    ] = None,
) -> Listing[MemoryShown]:
    """List memories, newest first; with a query the best first and in one part.

    A query finds live memories, but for `superseded` and `retired`, of which it finds those that hold all its words.
    """
    with house.school(caller.tenant) as school:
        if status == "conflict":
            watch: Contradictions = request.app.state.contradictions
            rows = _conflicts(watch.groups(school, READING_SECONDS), query, source)
            return _part(rows, after, limit)
        found = listing(
            school,
            status or "all",
            query=query.strip(),
            source=source or None,
            after=after,
            limit=limit,
        )
        return Listing(data=[shown(memory) for memory in found.memories], next=found.next)


def _conflicts(groups: list[list[Memory]], query: str, source: str) -> list[MemoryShown]:
    """Lay groups out as one list, each memory once with all that it contradicts."""
    members = {memory.id: memory for group in groups for memory in group}
    against = _against(groups)
    rows = [shown(memory, "conflict", against[name]) for name, memory in members.items()]
    words = query.lower().split()
    return [
        row
        for row in rows
        if source in ("", row.source) and all(word in row.text.lower() for word in words)
    ]


def _against(groups: list[list[Memory]]) -> dict[str, list[str]]:
    """Return what each memory of the groups contradicts, each once."""
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        for memory in group:
            others = found.setdefault(memory.id, {})
            others.update(dict.fromkeys(m.id for m in group if m.id != memory.id))
    return {name: list(others) for name, others in found.items()}


def _part(rows: list[MemoryShown], after: str | None, limit: int) -> Listing[MemoryShown]:
    places = [place for place, row in enumerate(rows, start=1) if row.id == after]
    start = places[0] if places else 0  # it was decided meanwhile: what is left, from the beginning
    part = rows[start : start + limit]
    return Listing(data=part, next=part[-1].id if start + limit < len(rows) else None)


@router.post("/memories", responses=refusals(409))
def add_memory(request: Request, told: Told, caller: Reader, house: TheHouse) -> Learnt:
    """Remember one fact; it is recalled at once, and the next night studies it if it may be trained."""
    trust = lowest(caller.trust, told.trust or caller.trust)
    with house.school(caller.tenant) as school:
        learnt = remember(school, told.text, told.speaker or trust.value, trust)
        request.state.objects = [memory.id for memory in (*learnt.added, *learnt.superseded)]
        return Learnt(
            added=[shown(memory) for memory in learnt.added],
            superseded=[shown(memory) for memory in learnt.superseded],
        )


@router.get("/memories/{memory_id}", responses=refusals(404))
def show_memory(
    request: Request, memory_id: MemoryId, caller: Reader, house: TheHouse
) -> MemoryWhole:
    """Show a memory with where it came from, what happened to it, what it contradicts, and which versions hold it."""
    watch: Contradictions = request.app.state.contradictions
    with house.school(caller.tenant) as school:
        return whole(school, memory_id, watch.groups(school, READING_SECONDS))


@router.patch("/memories/{memory_id}", responses=refusals(404, 409))
def edit_memory(
    memory_id: MemoryId, correction: Correction, caller: Reader, house: TheHouse
) -> MemoryShown:
    """Correct a live memory; the answer is the new one, and the old text stays in its history."""
    with house.school(caller.tenant) as school:
        return shown(correct(school, memory_id, correction.text))


@router.post("/memories/{memory_id}/approve", responses=refusals(404, 409))
def approve_memory(memory_id: MemoryId, caller: Reader, house: TheHouse) -> MemoryShown:
    """Vouch for a live memory, so that it may be trained; what contradicts it in its own words is superseded."""
    with house.school(caller.tenant) as school:
        return shown(review(school, [memory_id], approve=True)[0])


@router.post("/memories/{memory_id}/retire", responses=refusals(404, 409))
def retire_memory(memory_id: MemoryId, caller: Reader, house: TheHouse) -> MemoryShown:
    """Take a live memory out; it stays in the history, and its source does not bring it back."""
    with house.school(caller.tenant) as school:
        return shown(review(school, [memory_id], approve=False)[0])


@router.post("/forget", responses=refusals(404, 409))
def forget_memories(
    request: Request, forgetting: Forgetting, caller: Owner, house: TheHouse
) -> Forgotten:
    """Erase memories with everything derived from them; versions that know them answer nobody any more.

    The answer is a receipt. What the memories had superseded goes along. With `dry_run` nothing is changed.
    """
    with house.school(caller.tenant) as school:
        ids = list(forgetting.memories)
        if forgetting.source is not None:
            ids += [memory.id for memory in choose(school, source=forgetting.source)]
        if not ids or forgetting.dry_run:
            return _would(school, ids, forgetting.dry_run)
        request.state.objects = ids
        lineage(school, ids)  # all are known, before anybody's night is stopped for them
        try:
            with request.app.state.alone():
                receipt = forget(school, list(dict.fromkeys(ids)))
        finally:  # also after a deletion that did not come to its end: what it has marked answers nobody
            versions = school.registry.versions(caller.tenant)
            house.evict([version.id for version in versions if version.tainted_by])
    house.evict(receipt.tainted)
    return _receipt(receipt)


def _would(school: School, ids: list[str], dry_run: bool) -> Forgotten:
    if not ids:
        live = school.registry.alias(school.settings.tenant, "live")
        return Forgotten(
            dry_run=dry_run,
            tombstones=[],
            exam_items=0,
            examples=0,
            tainted=[],
            live_before=live,
            live_after=live,
        )
    told = cost(school, ids)
    return Forgotten(
        dry_run=True,
        tombstones=[tombstone(memory.id) for memory in told.memories],
        memories=[memory.id for memory in told.memories],
        exam_items=told.exam_items,
        examples=told.examples,
        tainted=list(told.tainted),
        live_before=told.live_before,
        live_after=told.live_after,
        next_night=told.next_night,
        minutes=told.minutes,
    )


def _receipt(receipt: Receipt) -> Forgotten:
    return Forgotten.model_validate(
        {name: getattr(receipt, name) for name in Receipt.__dataclass_fields__} | {"dry_run": False}
    )
