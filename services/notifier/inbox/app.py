"""The local pages: a list of alerts, a page for each alert, a page for each patient.

Read only: GET and HEAD, no forms that change anything, no cookies, nothing from other hosts.
There is no sign-in, so the application answers only to the names of this machine (which also
keeps other sites from reading it through a renamed address); a runtime binds it to loopback.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from schemas.alerts import OPEN_STATES, Kind
from services.notifier.inbox import listing, words
from services.notifier.inbox.listing import Choice
from services.notifier.inbox.pages.alert import alert_page
from services.notifier.inbox.pages.patient import patient_page
from services.notifier.inbox.pages.rendering import environment

if TYPE_CHECKING:
    from datetime import datetime

    from jinja2 import Environment

    from services.notifier.inbox.book import Book

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG: Final = logging.getLogger("salvage.inbox")
_UNREADABLE: Final = "The page could not be made: the alerts could not be read. Try again.\n"

STATIC: Final = Path(__file__).parent / "static"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The names under which a machine reaches itself."""

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""On every answer, errors included. Nothing clinical may stay in a cache."""


def build_app(
    book: Book,
    *,
    now: Callable[[], datetime],
    title: str = "salvage-watch",
    notice: str = "",
    hosts: frozenset[str] = LOOPBACK,
) -> web.Application:
    """The pages of a book.

    Args:
        book: what is read; asked anew for every page.
        now: the runtime's clock, from which the time that is left is counted.
        title: the name on every page.
        notice: a sentence on top of every page, e.g. that the patients are synthetic.
        hosts: the names in `Host` to which the application answers.
    """
    app = web.Application(middlewares=[_guard(hosts)])
    inbox = Inbox(book, now, _environment(title, notice))
    app.router.add_get("/", inbox.index)
    app.router.add_get("/alerts/{alert_id:.+}", inbox.alert)
    app.router.add_get("/patients/{patient_id:.+}", inbox.patient)
    app.router.add_get("/latest", inbox.latest)
    app.router.add_static("/static/", STATIC)
    return app


def _guard(hosts: frozenset[str]) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other hosts' names and other methods; put the headers on every answer."""
        try:
            response = await _answer(request, handler, hosts)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, the reader must be told)
            # Its text and its frames may hold a patient's data, so only its kind is logged.
            _LOG.error("page failed", extra={"detail": type(error).__name__})
            response = web.Response(status=503, text=_UNREADABLE)
        response.headers.update(HEADERS)
        return response

    return guard


async def _answer(
    request: web.Request, handler: Handler, hosts: frozenset[str]
) -> web.StreamResponse:
    if _name(request.host) not in hosts:
        raise web.HTTPMisdirectedRequest(text="This server does not answer to that name.")
    if request.method not in ("GET", "HEAD"):
        raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])
    return await handler(request)


def _name(host: str) -> str:
    """The host without its port: `localhost:8642`, `[::1]:8642`."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _environment(title: str, notice: str) -> Environment:
    return environment(site=title, notice=notice, choices=_choices())


def _choices() -> dict[str, list[tuple[str, str]]]:
    """The values of the list's filters, with their words."""
    states = [(state.value, name) for state, (name, _) in words.STATES.items()]
    return {
        "state": [
            (listing.OPEN, "All that stand"),
            (listing.CLOSED, "All taken back"),
            (listing.ALL, "All"),
            *states,
        ],
        "severity": [("", "Any"), *((s.value, name) for s, (name, _) in words.SEVERITIES.items())],
        "kind": [("", "Any"), *((kind.value, words.KINDS[kind]) for kind in Kind)],
    }


@dataclass(frozen=True, slots=True)
class Inbox:
    """The pages. The book is read in a thread, so that a slow disk holds up nobody else's page."""

    book: Book
    now: Callable[[], datetime]
    environment: Environment

    async def index(self, request: web.Request) -> web.Response:
        """The list of alerts."""
        return await asyncio.to_thread(self._index, Choice.read(request.query))

    async def alert(self, request: web.Request) -> web.Response:
        """One alert, with all that led to it."""
        return await asyncio.to_thread(self._alert, request.match_info["alert_id"])

    async def patient(self, request: web.Request) -> web.Response:
        """One patient, with all facts and alerts."""
        return await asyncio.to_thread(self._patient, request.match_info["patient_id"])

    async def latest(self, _request: web.Request) -> web.Response:
        """The number that grows with every alert: the list asks for it to stay up to date."""
        return web.json_response({"sequence": await asyncio.to_thread(self.book.latest_sequence)})

    def _index(self, choice: Choice) -> web.Response:
        sequence = self.book.latest_sequence()  # before the alerts: then none can be missed
        alerts, now = list(self.book.alerts()), self.now()
        return self._page(
            "list.html",
            rows=listing.rows(alerts, choice, now),
            choice=choice,
            standing=sum(alert.state in OPEN_STATES for alert in alerts),
            total=len(alerts),
            severities=listing.by_severity(alerts),
            counts=self.book.counts(),
            sequence=sequence,
            now=now,
        )

    def _alert(self, alert_id: str) -> web.Response:
        page = alert_page(self.book, alert_id, self.now())
        if page is None:
            return self._page("missing.html", status=404, why="There is no alert of that id.")
        return self._page("alert.html", page=page, alert=page.row.alert)

    def _patient(self, patient_id: str) -> web.Response:
        page = patient_page(self.book, patient_id, self.now())
        if page is None:
            return self._page("missing.html", status=404, why="Nothing is known of such a patient.")
        return self._page("patient.html", page=page)

    def _page(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        text = self.environment.get_template(template).render(**values)
        return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)
