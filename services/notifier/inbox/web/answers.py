"""Answers become HTTP: pages, JSON, problems, ways onward, streams, cookies."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.notifier.inbox.access import tickets
from services.notifier.inbox.reading.contract import Trouble
from services.notifier.inbox.web.calls import JSON, Data, Listen, Shown, Went
from services.notifier.inbox.web.entry import ENTRY
from services.notifier.inbox.web.entry import LASTS as ENTRY_LASTS
from services.notifier.inbox.web.streams import EVENTS, UNBUFFERED, follow

if TYPE_CHECKING:
    from services.notifier.inbox.reading.contract import Frame
    from services.notifier.inbox.web.calls import Reply
    from services.notifier.inbox.web.parts import Parts
    from services.notifier.inbox.web.routes import Route

PROBLEM: Final = "application/problem+json"
_HTML: Final = "text/html; charset=utf-8"
_LATER: Final = {429: "60", 503: "30"}
FORGET: Final = '"cache", "cookies", "storage"'


def respond(route: Route, reply: Reply, frame: Frame, parts: Parts) -> Response:
    """The answer."""
    response = _plain(route, reply, frame, parts)
    if isinstance(reply, Shown | Went):
        for name, value in reply.cookies.items():
            _set(response, name, value, parts)
    if isinstance(reply, Went) and reply.forget:
        response.headers["Clear-Site-Data"] = FORGET
    return response


def _plain(route: Route, reply: Reply, frame: Frame, parts: Parts) -> Response:
    match reply:
        case Went():
            return RedirectResponse(reply.url, status_code=303)
        case Listen():
            return StreamingResponse(follow(parts, reply), headers=UNBUFFERED, media_type=EVENTS)
        case Data():
            return _json(reply.value, reply.status)
        case Shown(view=Trouble()) if route.api:
            return _problem(reply.view, reply.status)
        case Shown() if route.api:
            return _json(reply.view)
        case Shown():
            text = parts.render(reply.name, reply.view, frame)
            response = Response(text, reply.status, media_type=_HTML)
            _mark_later(response, reply.status)
            return response
        case _:
            raise TypeError("what is to be done is done before it is answered")


def _json(value: Any, status: int = 200) -> Response:
    kind: Any = type(value)
    return Response(_written_by(kind).dump_json(value), status, media_type=JSON)


@cache
def _written_by(kind: type) -> TypeAdapter[Any]:
    """What writes a class; to make it takes as long as many answers."""
    return TypeAdapter(kind)


def _problem(view: Any, status: int) -> Response:
    """RFC 9457."""
    said = {"type": "about:blank", "title": view.title, "status": status, "detail": view.why}
    response = Response(_written_by(dict).dump_json(said), status, media_type=PROBLEM)
    _mark_later(response, status)
    return response


def _mark_later(response: Response, status: int) -> None:
    if status == 401:  # noqa: PLR2004 - HTTP's word for it
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in _LATER:
        response.headers["Retry-After"] = _LATER[status]


def _set(response: Response, name: str, value: str, parts: Parts) -> None:
    """Set a cookie, or end it by an empty value; scripts never see one."""
    lasts = int(tickets.WHOLE.total_seconds()) if name != ENTRY else ENTRY_LASTS
    response.set_cookie(
        parts.cookie(name),
        value,
        max_age=lasts if value else 0,
        path="/",
        secure=parts.settings.is_secure,
        httponly=True,
        samesite="lax",
    )
