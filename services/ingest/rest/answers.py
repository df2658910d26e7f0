"""Answers of the web application: every refusal an OperationOutcome, whoever refuses."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

from services.ingest.coding import Refused, Rejected
from services.ingest.rest.body import BadBody, TooSlow
from services.ingest.rest.outcome import (
    CONTENT_TYPE,
    encoded,
    issue,
    outcome,
    refusal,
    status_of,
)
from services.ingest.rest.tokens import NotAllowed
from services.ingest.strictjson import Unreadable
from services.runtime.errors import Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.ingest.rest.outcome import Json

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_JSON: Final = frozenset({CONTENT_TYPE, "application/json", "application/json+fhir"})
_RELEASE: Final = re.compile(r"fhirversion\s*=\s*\"?([\d.]+)", re.IGNORECASE)
_RETRY: Final = {"Retry-After": "5"}


async def headers(_: web.Request, response: web.StreamResponse) -> None:
    """Nothing is to be stored on the way, and nobody needs to know what software this is."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Server"] = "salvage-watch"


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal is an OperationOutcome, also those that we don't give ourselves."""
    try:
        return await handler(request)
    except NotAllowed as error:
        logger().warning("refused caller", extra={"reason": str(error)})
        text = "a valid bearer token or certificate is needed"
        answer = told(HTTPStatus.UNAUTHORIZED, issue("login", text))
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    except Unavailable as error:
        logger().error("not taken", extra={"detail": place_of(error)})
        text = "not taken: send it again later"
        return told(HTTPStatus.SERVICE_UNAVAILABLE, issue("transient", text), **_RETRY)
    except BadBody as error:
        slow = isinstance(error, TooSlow)
        status = HTTPStatus.REQUEST_TIMEOUT if slow else HTTPStatus.BAD_REQUEST
        return told(status, issue("structure", str(error)))
    except web.HTTPException as error:
        return _foreign(error)
    except Exception as error:  # noqa: BLE001 - a defect must not say what it was at
        logger().error("defect", extra={"detail": place_of(error)})
        text = "not taken, through a defect of ours"
        return told(HTTPStatus.INTERNAL_SERVER_ERROR, issue("exception", text))


def _foreign(error: web.HTTPException) -> web.Response:
    status = HTTPStatus(error.status)
    kind = "not-found" if status is HTTPStatus.NOT_FOUND else "not-supported"
    allowed = error.headers.get("Allow")
    return told(status, issue(kind, status.phrase), **({"Allow": allowed} if allowed else {}))


def unfit(request: web.Request) -> web.Response | None:
    """What is refused before the body is read."""
    if request.content_type not in _JSON or (request.charset or "utf-8").lower() != "utf-8":
        text = "only FHIR JSON in UTF-8 is taken"
        return told(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, issue("not-supported", text))
    release = _RELEASE.search(request.headers.get("Content-Type", ""))
    if release is not None and release[1] != "4.0":
        text = "only FHIR R4 (4.0) is taken"
        return told(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, issue("not-supported", text))
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in (
        "identity",
        "gzip",
    ):
        text = "of encodings only gzip is taken"
        return told(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, issue("not-supported", text))
    return None


def unlike(error: Unreadable | Refused) -> tuple[HTTPStatus, Json]:
    """Why something is no notification."""
    if isinstance(error, Unreadable):
        return status_of(error.reason), refusal(Rejected(error.reason, error.detail))
    return status_of(error.rejected.reason), refusal(error.rejected)


def told(status: HTTPStatus, about: Json, **headers: str) -> web.Response:
    """An OperationOutcome of one issue."""
    return response(status, outcome(about), **headers)


def response(status: HTTPStatus, body: Json, **headers: str) -> web.Response:
    """A resource as the answer."""
    return web.Response(
        status=status,
        body=encoded(body),
        content_type=CONTENT_TYPE,
        charset="utf-8",
        headers=headers,
    )
