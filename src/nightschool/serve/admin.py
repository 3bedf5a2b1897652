"""Routes for a tenant's owner: its API keys, and what was done with them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from nightschool.hosting import House
from nightschool.registry.keys import Scope
from nightschool.serve.access import Caller, needs, the_house

router = APIRouter(prefix="/v1", tags=["admin"])
Admin = Annotated[Caller, Depends(needs("admin"))]
TheHouse = Annotated[House, Depends(the_house)]


class KeyRequest(BaseModel):
    """What a new key is to be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field("", max_length=80)
    scopes: list[Scope] = Field(["chat"], min_length=1, max_length=3)
    days: float | None = Field(None, gt=0, le=36_500, allow_inf_nan=False)
    """How long it is good; null: until it is revoked."""
    requests_per_minute: int | None = Field(None, ge=1, le=1_000_000)
    body_bytes: int | None = Field(None, ge=1024, le=1 << 30)
    store: bool = True
    """Whether conversations under it become episodes."""


@router.get("/keys")
def keys(caller: Admin, house: TheHouse) -> dict[str, Any]:
    """List the tenant's keys, without anything that lets somebody in."""
    rows = [asdict(key) for key in house.keys.listing(caller.tenant)]
    return {"object": "list", "data": rows, "next": None}


@router.post("/keys")
def create_key(
    request: Request, body: KeyRequest, caller: Admin, house: TheHouse
) -> dict[str, Any]:
    """Make a key of the tenant's; the answer is the only place where its token ever stands."""
    key, token = house.keys.create(
        caller.tenant,
        body.name,
        tuple(body.scopes),
        days=body.days,
        requests_per_minute=body.requests_per_minute,
        body_bytes=body.body_bytes,
        store=body.store,
    )
    request.state.objects = [key.id]
    return {**asdict(key), "token": token}


@router.delete("/keys/{key_id}")
def revoke_key(key_id: str, caller: Admin, house: TheHouse) -> dict[str, Any]:
    """Revoke one of the tenant's keys, from the next request on."""
    return asdict(house.keys.revoke(key_id, caller.tenant))


@router.get("/audit")
def audit(
    caller: Admin,
    house: TheHouse,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[int | None, Query(ge=0, lt=1 << 62)] = None,
) -> dict[str, Any]:
    """List what was done in the tenant's name, newest first."""
    rows = house.audit.entries(caller.tenant, limit, after)
    more = rows[-1].number if len(rows) == limit else None
    return {"object": "list", "data": [asdict(row) for row in rows], "next": more}
