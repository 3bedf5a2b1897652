"""Every refusal and failure of the service in one shape, OpenAI's: the one place that gives errors their HTTP status.

What is wrong with a request is told in the error's own words; what is wrong inside is told by its name alone,
because a message may name folders, and other tenants use this API.
"""

from __future__ import annotations

import logging
import re
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from nightschool import errors
from nightschool.errors import NightschoolError

logger = logging.getLogger("nightschool.serve")


class _Kind(NamedTuple):
    error: type[Exception]
    status: int
    type: str
    code: str
    """Empty: the class's own name."""


_INVALID, _DENIED, _SERVER = "invalid_request_error", "permission_error", "server_error"
KINDS = (
    _Kind(errors.KeyRefused, 401, "authentication_error", "invalid_api_key"),
    _Kind(errors.RateExceeded, 429, "rate_limit_error", "rate_limit_exceeded"),
    _Kind(errors.QuotaExceeded, 429, "rate_limit_error", "quota_exceeded"),
    _Kind(errors.TooLarge, 413, _INVALID, "request_too_large"),
    _Kind(errors.ServiceBusy, 503, _SERVER, "overloaded"),
    _Kind(errors.LeaseCut, 503, _SERVER, "version_forgotten"),
    _Kind(errors.EngineFailed, 502, _SERVER, "engine_failed"),
    _Kind(errors.ModelUnfit, 400, _INVALID, ""),
    _Kind(errors.ModelMissing, 503, _SERVER, "model_missing"),
    _Kind(errors.UnknownVersion, 404, _INVALID, "model_not_found"),
    _Kind(errors.TaintedVersion, 410, _INVALID, "version_forgotten"),
    _Kind(errors.EditConflict, 409, _INVALID, ""),
    _Kind(errors.NightUnfinished, 409, _INVALID, ""),
    _Kind(errors.WorkspaceLocked, 409, _INVALID, ""),
    _Kind(errors.SourceError, 400, _INVALID, ""),
    _Kind(errors.ServiceError, 403, _DENIED, ""),
)
"""The first that fits counts; `BadRequest`, unknown records and the rest go by the standard type they refine."""
PLAIN = (
    _Kind(KeyError, 404, _INVALID, ""),
    _Kind(PermissionError, 403, _DENIED, ""),
    _Kind(ValueError, 400, _INVALID, ""),
)
RETRY_S = {429: "5", 503: "2"}
"""Status -> when a client may come again."""


def problem(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status and the body for an error."""
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return 400, body(f"{where or 'The body'}: {first['msg']}.", _INVALID, "invalid", where)
    if isinstance(error, HTTPException):
        code = "not_found" if error.status_code == 404 else "refused"
        return error.status_code, body(str(error.detail), _INVALID, code)
    internal = isinstance(error, errors.ModelCorrupt | errors.WorkspaceError)
    for kind in (*KINDS, *PLAIN) if isinstance(error, NightschoolError) else ():
        fits = isinstance(error, kind.error)
        if isinstance(error, errors.BadRequest) and kind not in PLAIN:
            continue
        if fits and (not internal or kind.status == 409):
            code = getattr(error, "code", "") or kind.code or _name(error)
            return kind.status, body(str(error), kind.type, code)
    return 500, body(
        f"The service failed ({type(error).__name__}). Its operator finds more in the log.",
        _SERVER,
        _name(error) if isinstance(error, NightschoolError) else "internal_error",
    )


def body(message: str, kind: str, code: str, param: str = "") -> dict[str, Any]:
    """Return an error as OpenAI's API tells it."""
    return {"error": {"message": message, "type": kind, "code": code, "param": param or None}}


def reply(error: Exception) -> JSONResponse:
    """Answer with an error."""
    status, told = problem(error)
    headers = {"Retry-After": RETRY_S[status]} if status in RETRY_S else {}
    if isinstance(error, HTTPException):
        headers |= dict(error.headers or {})
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(told, status, headers)


async def handler(request: Request, error: Exception) -> JSONResponse:
    """Answer with an error, as FastAPI wants it; the log has what the client is not told."""
    answer = reply(error)
    if answer.status_code == 500:  # of ours, whose words quote no talk: `Guard` has all others
        logger.error("%s: %s", type(error).__name__, error)
    route = getattr(request.scope.get("route"), "path", None)
    if (
        answer.status_code == 405 and route
    ):  # a path's methods are routes of their own: name them all
        methods = request.app.openapi()["paths"].get(route, {})
        answer.headers["Allow"] = ", ".join(sorted(method.upper() for method in methods))
    return answer


def _name(error: Exception) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
