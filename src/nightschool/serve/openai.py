"""The routes that OpenAI's API has: models, chat completions, completions and embeddings.

A model's name is an alias, `base` or a version id; memory is recalled into the prompt, unless `:closed-book`
follows the name, and with `:memory` the model has the memory tool. Plain completions and embeddings are the
weights' alone, and no episodes.
"""

from __future__ import annotations

import base64
import struct
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response

from nightschool.errors import BadRequest, UnknownVersion
from nightschool.hosting import CLOSED_BOOK, MEMORY, House, wanted
from nightschool.registry.versions import BASE
from nightschool.serve.access import Caller, needs, the_house
from nightschool.serve.answers import (
    Answering,
    Streamed,
    ask,
    declines,
    in_thread,
    line,
    may_store,
    open_stream,
    prepare,
)
from nightschool.serve.memory_loop import answer_with_memory, as_events
from nightschool.serve.relay import GONE, ClientGone, Relay
from nightschool.serve.requests import (
    ChatRequest,
    CompletionRequest,
    EmbeddingRequest,
    StreamOptions,
)
from nightschool.types import Version
from nightschool.wire import School

router = APIRouter(prefix="/v1", tags=["models"])
Chatting = Annotated[Caller, Depends(needs("chat"))]
TheHouse = Annotated[House, Depends(the_house)]
STREAMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer: whole, or as server-sent events where `stream` asks for them.",
        "content": {"application/json": {}, "text/event-stream": {}},
    }
}


@router.post("/chat/completions", responses=STREAMS)
async def chat(
    request: Request,
    body: ChatRequest,
    caller: Chatting,
    house: TheHouse,
    x_nightschool_store: Annotated[str | None, Header()] = None,
) -> Response:
    """Answer a conversation; OpenAI's chat completions, streamed or whole."""
    if wanted(body.model).tool_loop:
        caller.require("memory")
        if (body.n or 1) > 1:
            raise BadRequest(f"n is {body.n}; a {MEMORY} model gives one answer.")
    prepared = await in_thread(lambda: prepare(house, caller.tenant, body.model, body.messages))
    stored = may_store(house, caller.tenant)
    declined = stored and declines(caller, body.store, x_nightschool_store)
    answering = Answering(
        house,
        caller,
        prepared.lease,
        "chat.completion",
        tuple((m.plain()["role"], m.text()) for m in body.messages if m.text().strip()),
        prepared.recalled,
        stored and not declined,
        declined,
    )
    asked = {
        **body.passed(),
        "messages": prepared.messages,
        "max_tokens": body.longest(house.settings.serve.answer_tokens),
    }
    return await _answer(request, answering, "chat/completions", asked, body.stream_options, body)


@router.post("/completions", responses=STREAMS)
async def complete(
    request: Request, body: CompletionRequest, caller: Chatting, house: TheHouse
) -> Response:
    """Continue a text; OpenAI's older completions."""
    if wanted(body.model).tool_loop:
        raise BadRequest(f"A {MEMORY} model answers conversations only. Use /v1/chat/completions.")
    prepared = await in_thread(lambda: prepare(house, caller.tenant, body.model, ()))
    answering = Answering(house, caller, prepared.lease, "text_completion")
    answering.id = answering.id.replace("chatcmpl-", "cmpl-")
    asked = {
        **body.passed(),
        "prompt": body.text(),
        "max_tokens": body.longest(house.settings.serve.answer_tokens),
    }
    return await _answer(request, answering, "completions", asked, body.stream_options, body)


async def _answer(
    request: Request,
    answering: Answering,
    route: str,
    asked: dict[str, Any],
    options: StreamOptions | None,
    body: ChatRequest | CompletionRequest,
) -> Response:
    relay: Relay = request.app.state.relay
    answering.count = partial(request.app.state.metrics.tokens, answering.caller.tenant)
    streamed = False
    try:
        if answering.lease.tool_loop:
            answer = await answer_with_memory(relay, request, answering, asked)
            if body.stream:
                events = as_events(answering, answer, bool(options and options.include_usage))
                lines = b"".join(map(line, events)) + b"data: [DONE]\n\n"
                return Response(lines, media_type="text/event-stream")
            return JSONResponse(answering.whole(answer))
        if body.stream:
            asked |= {"stream": True}
            if options:
                asked["stream_options"] = options.model_dump()
            await open_stream(relay, request, answering, route, asked)
            streamed = True
            return Streamed(relay, answering)
        return JSONResponse(answering.whole(await ask(relay, request, answering, route, asked)))
    except ClientGone:
        return Response(status_code=GONE)
    finally:
        if not streamed:
            await answering.close()


@router.post("/embeddings")
async def embed(
    request: Request, body: EmbeddingRequest, caller: Chatting, house: TheHouse
) -> Response:
    """Embed texts by the base model under the one named: such vectors stay comparable from night to night."""
    texts = body.texts()
    lease = await in_thread(lambda: house.lease_embeddings(caller.tenant, body.model))
    answering = Answering(house, caller, lease, "list")
    relay: Relay = request.app.state.relay
    try:
        answer = await ask(relay, request, answering, "embeddings", {"input": texts})
        rows = [
            {"object": "embedding", "index": index, "embedding": _written(row["embedding"], body)}
            for index, row in enumerate(answer.get("data") or ())
        ]
        told = {
            "object": "list",
            "data": rows,
            "model": answering.lease.version_id,
            "usage": answer.get("usage"),
        }
        return JSONResponse(told)
    except ClientGone:
        return Response(status_code=GONE)
    finally:
        await answering.close()


def _written(numbers: list[float], body: EmbeddingRequest) -> list[float] | str:
    if body.encoding_format == "float":
        return numbers
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@router.get("/models")
def models(caller: Chatting, house: TheHouse) -> dict[str, Any]:
    """List the models that may be asked: aliases with their variants, the base, and every version."""
    with house.school(caller.tenant) as school:
        return {"object": "list", "data": _models(house, school)}


@router.get("/models/{model}")
def model(model: str, caller: Chatting, house: TheHouse) -> dict[str, Any]:
    """Describe one model, under any name that may be asked."""
    asked = wanted(model)
    with house.school(caller.tenant) as school:
        for found in _models(house, school):
            if found["id"] == asked.name:
                return {**found, "id": model}
    raise UnknownVersion(f"No model is called {model[:80]!r}. See /v1/models.")


def _models(house: House, school: School) -> list[dict[str, Any]]:
    versions = {v.id: v for v in school.registry.versions(school.settings.tenant)}
    usable = {name: v for name, v in versions.items() if not v.tainted_by}
    names = {**house.aliases(school.settings.tenant), BASE: BASE}
    found = []
    for alias, name in names.items():
        if name == BASE or name in usable:
            about = _about(school, usable.get(name))
            found += [
                {**about, "id": f"{alias}{way}"} for way in ("", f":{CLOSED_BOOK}", f":{MEMORY}")
            ]
    return found + [{**_about(school, version), "id": name} for name, version in usable.items()]


def _about(school: School, version: Version | None) -> dict[str, Any]:
    created = datetime.fromisoformat(version.created) if version else None
    decision = school.registry.decision(version.id) if version else None
    examined = decision and {
        "promote": decision.promote,
        "overridden_by": decision.overridden_by,
        "checks": [{"name": check.name, "passed": check.passed} for check in decision.checks],
    }
    return {
        "object": "model",
        "created": int(created.timestamp()) if created else 0,
        "owned_by": "nightschool",
        "version": version.id if version else BASE,
        "base": version.base if version else school.base,
        "kind": version.kind if version else BASE,
        "examined": examined,
    }
