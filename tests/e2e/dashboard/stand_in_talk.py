"""The stand-in's routes of talk (chat, feedback) and of keys with their audit log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse


def add_talk(app: FastAPI, stand: Any, listed: Callable[..., dict[str, Any]]) -> None:
    """Add the routes to an app; `listed` puts a list in the shape of the API."""

    @app.post("/v1/feedback")
    def feedback():
        return {"object": "feedback", "stored": True}

    @app.post("/v1/chat/completions")
    async def complete(request: Request):
        body = await request.json()
        base = body["model"].startswith(("base", "previous"))
        day = "Tuesdays" if base else "Thursdays"
        answer = f"Deploys happen on {day} at ten, " + (
            "as far as I know." if base else "never on the day before a holiday."
        )
        out = {
            "version": stand.having(body["model"].split(":")[0]) or "base",
            "recalled": []
            if "closed" in body["model"]
            else [stand.memories[0]["id"], stand.memories[3]["id"]],
            "episode": "ep-9" if body["store"] else None,
        }

        async def stream():
            for n, word in enumerate(answer.split(" ")):
                chunk = {
                    "id": f"chatcmpl-{len(stand.calls)}",
                    "choices": [{"index": 0, "delta": {"content": (" " if n else "") + word}}],
                }
                yield f"data: {json.dumps(chunk)}\n\n"
                await asyncio.sleep(0.01)
            yield f"data: {json.dumps({'id': f'chatcmpl-{len(stand.calls)}', 'choices': [], 'nightschool': out})}\n\ndata: [DONE]\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    @app.get("/v1/keys")
    def keys():
        return listed([] if stand.mode == "empty" else stand.keys)

    @app.post("/v1/keys")
    async def make(request: Request):
        body = await request.json()
        new = {
            "id": f"key-{len(stand.keys)}",
            "name": body.get("name", ""),
            "tenant": "main",
            "scopes": body["scopes"],
            "created": "2026-11-26T15:30:00+00:00",
            "expires": None,
            "revoked": None,
        }
        stand.keys.append(new)
        if (
            len(stand.keys) == 1
        ):  # as the service: from the first key on, whoever has none is refused
            stand.mode, stand.open_to = "locked", "ns-3vQ8nX0b5Jt2yKfWm7RcLz"
        return {**new, "token": "ns-3vQ8nX0b5Jt2yKfWm7RcLz"}

    @app.delete("/v1/keys/{id_}")
    def revoke(id_: str):
        stand.find("keys", id_)["revoked"] = "2026-11-26T15:30:00+00:00"
        return stand.find("keys", id_)

    @app.get("/v1/audit")
    def audit():
        entries = [
            ("POST /v1/versions/{version_id}/promote", [stand.having("live")], 200),
            ("POST /v1/memories/{memory_id}/approve", ["mem-000000000000001c"], 200),
            ("POST /v1/forget", ["tomb-4", "tomb-5"], 200),
            ("POST /v1/nights", [], 403),
        ]
        return listed(
            []
            if stand.mode == "empty"
            else [
                {
                    "number": n,
                    "at": f"2026-11-25T1{n}:04:00+00:00",
                    "tenant": "main",
                    "key_id": "key-19aa",
                    "action": action,
                    "objects": objects,
                    "status": status,
                }
                for n, (action, objects, status) in enumerate(entries)
            ]
        )
