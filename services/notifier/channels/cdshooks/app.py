"""The web application of CDS Hooks: discovery, the service, and its feedback.

Laws of this file: a caller is known before its body is read, and no answer quotes what was sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

from services.notifier.channels.cdshooks.cards import cards
from services.notifier.channels.cdshooks.requests import (
    HOOK,
    PREFETCH,
    BadRequest,
    Names,
    NoPatient,
    feedback_of,
    patients_of,
    read_object,
)
from services.notifier.channels.cdshooks.trust import NotTrusted, Trust
from services.runtime.errors import Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from services.notifier.channels.contract import OpenCases, Record
    from services.notifier.channels.service import Listener

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SERVICE: Final = "salvage-watch-patient-view"
LARGEST: Final = 2 * 1024 * 1024
_PATH: Final = "/cds-services"
ABOUT: Final = {
    "hook": HOOK,
    "id": SERVICE,
    "title": "Open cases of salvage-watch",
    "description": "Shows cases that are open for the patient: signs that a treatment has failed "
    "or is not tolerated, with evidence and the time left. It informs; people decide.",
    "prefetch": PREFETCH,
}


@dataclass(frozen=True)
class Desk:
    """Whom the application asks.

    Attributes:
        public: our address, as callers know it; tokens are meant for what stands below it.
        limit: seconds that the cases may take.
    """

    cases: OpenCases
    listener: Listener
    trust: Trust
    names: Names
    now: Callable[[], datetime]
    public: str
    limit: float

    def caller(self, request: web.Request) -> str:
        """Who calls, before anything is read of what they send.

        Raises:
            NotTrusted: nobody whom we would answer.
        """
        authorization = request.headers.get("Authorization", "")
        return self.trust.caller(authorization, f"{self.public}{request.path}")


def build_app(desk: Desk) -> web.Application:
    """The application."""

    async def discovery(request: web.Request) -> web.Response:
        desk.caller(request)
        return web.json_response({"services": [ABOUT]})

    async def view(request: web.Request) -> web.Response:
        desk.caller(request)
        said = read_object(await request.read())
        found = await _open_cases(desk, patients_of(said, desk.names))
        return web.json_response({"cards": cards(found, desk.now())})

    async def feedback(request: web.Request) -> web.Response:
        origin = desk.caller(request)
        said = read_object(await request.read())
        for one in feedback_of(said, origin):
            await desk.listener.heard(one)
        return web.Response()

    app = web.Application(middlewares=[_guarded], client_max_size=LARGEST)
    app.router.add_get(_PATH, discovery)
    app.router.add_post(f"{_PATH}/{SERVICE}", view)
    app.router.add_post(f"{_PATH}/{SERVICE}/feedback", feedback)
    app.on_response_prepare.append(_headers)
    return app


async def _open_cases(desk: Desk, patients: list[str]) -> list[Record]:
    async with asyncio.timeout(desk.limit):
        found = [one for name in patients for one in await desk.cases.open_cases(name)]
    return list({one.case_id: one for one in found}.values())


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal says what is wrong with the call, and nothing of what is in it."""
    try:
        return await handler(request)
    except NotTrusted as error:
        logger().warning("refused caller", extra={"reason": str(error)})
        return _refusal(HTTPStatus.UNAUTHORIZED, "a valid bearer token is needed")
    except BadRequest as error:
        return _refusal(HTTPStatus.BAD_REQUEST, str(error))
    except NoPatient:
        text = "prefetch.patient: no identifier that is known here"
        return _refusal(HTTPStatus.PRECONDITION_FAILED, text)
    except (Unavailable, TimeoutError):
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "not now; ask again later")
    except web.HTTPException as error:
        return _refusal(HTTPStatus(error.status), HTTPStatus(error.status).phrase)
    except Exception as error:  # noqa: BLE001 - a defect must not say what it was at
        logger().error("defect", extra={"detail": place_of(error)})
        return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "a defect of ours")


async def _headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Server"] = "salvage-watch"


def _refusal(status: HTTPStatus, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
