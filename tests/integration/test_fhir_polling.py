"""Polling a real server over loopback: nothing is missed, nothing else is asked, and it goes on.

Rows 48 and 49 of the list of bad inputs.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.fhir_server import START, FhirServer, ids, page, stamped

from services.ingest.polling import fetch
from services.ingest.polling.cursor import CursorFile
from services.ingest.polling.poller import LONGEST_PAUSE, Poller, retry_after
from services.ingest.polling.server import Server, TokenFile
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Desk:
    """Where pages are kept; may fail."""

    def __init__(self) -> None:
        self.pages: list[bytes] = []
        self.came = asyncio.Event()
        self.fails = False

    async def keep(self, raw: bytes) -> None:
        if self.fails:
            raise Unavailable("the journal cannot be written")
        self.pages.append(raw)
        self.came.set()

    def taken(self) -> list[str]:
        found, self.pages = ids(self.pages), []
        return found


def polling(
    folder: Path, fhir: FhirServer, work: Callable[[Poller, Desk], Awaitable[None]], **server: Any
) -> None:
    """Start the server and a poller of it, and let the test work."""

    async def run() -> None:
        async with TestServer(fhir.app()) as running, aiohttp.ClientSession() as session:
            base = str(running.make_url("/fhir"))
            where = Server(base, ("Observation",), **server)
            desk = Desk()
            now = int(NOW.timestamp()) * 1_000_000
            poller = Poller(where, session, CursorFile(folder, "s"), desk.keep, lambda: now)
            await work(poller, desk)

    asyncio.run(run())


def test_every_page_is_kept_and_the_next_round_asks_only_for_what_is_new(tmp_path: Path) -> None:
    fhir = FhirServer([stamped(at, at) for at in range(8)])

    async def work(poller: Poller, desk: Desk) -> None:
        await poller.round()
        assert desk.taken() == [f"p{at}" for at in range(8)]
        await poller.round()
        assert desk.taken() == [], "the overlap brings nothing new"
        since = fhir.asked[-1].query["_lastUpdated"]
        last = START + timedelta(minutes=7)
        assert datetime.fromisoformat(since.removeprefix("ge")) == last - timedelta(minutes=5)
        # One that was committed late, with a time that is past already.
        fhir.content += [stamped(20, 4.5), stamped(9, 9)]
        await poller.round()
        assert {"p20", "p9"} <= set(desk.taken())

    polling(tmp_path, fhir, work)


def test_a_new_version_is_taken_and_a_restart_goes_on(tmp_path: Path) -> None:
    fhir = FhirServer([stamped(1, 1)])

    async def first(poller: Poller, desk: Desk) -> None:
        await poller.round()
        assert desk.taken() == ["p1"]

    async def second(poller: Poller, desk: Desk) -> None:
        await poller.round()
        assert desk.taken() == []
        corrected = stamped(1, 1, status="corrected")
        corrected["meta"] = corrected["meta"] | {"versionId": "2"}
        fhir.content = [corrected]
        await poller.round()
        assert desk.taken() == ["p1"]

    polling(tmp_path, fhir, first)
    polling(tmp_path, fhir, second)


def test_the_cursor_stays_until_every_page_is_in_the_journal(tmp_path: Path) -> None:
    fhir = FhirServer([stamped(at, at) for at in range(5)])

    async def work(poller: Poller, desk: Desk) -> None:
        desk.fails = True
        await poller.round()
        assert (poller.cursor.high, poller.failed) == ({}, 1)
        desk.fails = False
        await poller.round()
        assert len(desk.taken()) == 5
        assert poller.failed == 0

    polling(tmp_path, fhir, work)


def test_a_wrong_clock_does_not_make_us_run_ahead(tmp_path: Path) -> None:
    """A release of the year 2099 would let us miss everything until then."""
    fhir = FhirServer([stamped(1, 1), stamped(2, 60 * 24 * 365 * 75)])

    async def work(poller: Poller, desk: Desk) -> None:
        await poller.round()
        assert len(desk.taken()) == 2
        assert poller.cursor.high["Observation"].year < 2090
        fhir.content.append(stamped(3, 60 * 24 * 365 * 74))
        await poller.round()
        assert "p3" in desk.taken()

    polling(tmp_path, fhir, work)


def test_what_does_not_say_its_version_is_known_by_its_content(tmp_path: Path) -> None:
    fhir = FhirServer([stamped(1, 1) | {"meta": {}}, stamped(2, 2) | {"meta": {}}])

    async def work(poller: Poller, desk: Desk) -> None:
        for _ in range(3):
            await poller.round()
        assert desk.taken() == ["p1", "p2"]
        fhir.content[0]["status"] = "corrected"
        await poller.round()
        assert desk.taken() == ["p1", "p2"]

    polling(tmp_path, fhir, work)


# --- 48: answers that are none --------------------------------------------------------------------


def _complaint(_: web.Request) -> web.Response:
    issue = {"severity": "error", "code": "timeout"}
    return page([stamped(1, 1), {"resourceType": "OperationOutcome", "issue": [issue]}])


def _elsewhere(request: web.Request) -> web.Response:
    port = request.url.port
    address = f"http://user@{request.url.host}:{port}/fhir/Observation?at=3"
    return page([stamped(1, 1)], [{"relation": "next", "url": address}])


ANSWERS: dict[str, Callable[[web.Request], web.StreamResponse | None]] = {
    "a login page": lambda _: web.Response(text="<html>Log in</html>", content_type="text/html"),
    "a redirect": lambda _: web.Response(status=302, headers={"Location": "/elsewhere"}),
    "an error": lambda _: web.Response(status=500, text="SECRET"),
    "another resource": lambda _: web.Response(text='{"resourceType":"Patient"}'),
    "another Bundle": lambda _: web.Response(text='{"resourceType":"Bundle","type":"history"}'),
    "a complaint among results": _complaint,
    "a next page elsewhere": lambda _: page(
        [stamped(1, 1)], [{"relation": "next", "url": "http://127.0.0.2:1/fhir/Observation"}]
    ),
    "a next page with a user": _elsewhere,
    "a next page that is this one": lambda request: page(
        [stamped(1, 1)], [{"relation": "next", "url": str(request.url)}]
    ),
    "a next page without end": lambda request: page(
        [stamped(1, 1)],
        [{"relation": "next", "url": f"{request.url.with_query(None)}?at={len(request.path_qs)}"}],
    ),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_48_what_is_no_page_does_not_move_the_cursor(tmp_path: Path, answer: str) -> None:
    fhir = FhirServer([stamped(1, 1)], manners=ANSWERS[answer])

    async def work(poller: Poller, desk: Desk) -> None:
        for _ in range(3):
            await poller.round()
        assert poller.cursor.high == {}
        assert poller.problem() is not None
        assert {request.path for request in fhir.asked} == {"/fhir/Observation"}
        fhir.manners = lambda _: None
        desk.taken()
        await poller.round()
        assert poller.cursor.high
        assert poller.problem() is None

    polling(tmp_path, fhir, work)


def test_48_an_answer_without_end_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.polling.poller.MAX_BYTES", 1000)
    fhir = FhirServer(manners=lambda _: web.Response(text='{"a":"' + "x" * 5000))

    async def work(poller: Poller, desk: Desk) -> None:
        await poller.round()
        assert (poller.failed, desk.pages) == (1, [])

    polling(tmp_path, fhir, work)


def test_48_a_server_that_hangs_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.fetch, "__kwdefaults__", {"seconds": 0.1, "headers": None})
    app = web.Application()

    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(2)
        return web.Response()

    app.router.add_get("/fhir/{kind}", hang)
    fhir = FhirServer()
    fhir.app = lambda: app  # type: ignore[method-assign]

    async def work(poller: Poller, desk: Desk) -> None:
        await poller.round()
        assert (poller.failed, desk.pages) == (1, [])

    polling(tmp_path, fhir, work)


# --- 49: come again later -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "wish", "least", "most"),
    [
        (429, "120", 120, 133),
        (503, "86400", LONGEST_PAUSE, LONGEST_PAUSE * 1.1),
        (503, "Mon, 01 Jan 2001 00:00:00 GMT", 1, 1.2),
        (429, "soon", 60, 67),
        (429, None, 60, 67),
    ],
)
def test_49_a_server_may_ask_to_come_later_within_reason(
    tmp_path: Path, status: int, wish: str | None, least: float, most: float
) -> None:
    headers = {} if wish is None else {"Retry-After": wish}
    fhir = FhirServer(manners=lambda _: web.Response(status=status, headers=headers))

    async def work(poller: Poller, desk: Desk) -> None:
        for _ in range(3):
            assert least <= await poller.round() <= most
        assert desk.pages == []
        assert poller.problem() is not None, "beyond some rounds somebody is told"

    polling(tmp_path, fhir, work, every=60.0)


def test_49_a_wish_by_date_is_understood() -> None:
    assert retry_after("Thu, 01 Jan 2026 00:01:00 GMT", NOW) == 60
    assert retry_after("9" * 12, NOW) is None


# --- Who asks, and when ---------------------------------------------------------------------------


def test_the_token_is_read_at_each_poll(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    fhir = FhirServer([stamped(1, 1)])

    async def work(poller: Poller, desk: Desk) -> None:
        await poller.round()
        path.write_text("two")
        await poller.round()
        assert [one.headers["Authorization"] for one in fhir.asked] == ["Bearer one", "Bearer two"]
        path.unlink()
        await poller.round()
        assert (poller.failed, len(fhir.asked)) == (1, 2), "nobody is asked without it"
        assert desk.taken() == ["p1"]

    polling(tmp_path, fhir, work, credentials=TokenFile(path))


def test_a_hint_makes_it_look_at_once_and_many_hints_make_one_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.polling.poller.LEAST_PAUSE", 0.05)
    fhir = FhirServer([stamped(1, 1)])

    async def work(poller: Poller, desk: Desk) -> None:
        running = asyncio.create_task(poller.run())
        await desk.came.wait()
        desk.came.clear()
        asked = len(fhir.asked)
        fhir.content.append(stamped(2, 2))
        for _ in range(20):
            poller.hint()
        await desk.came.wait()
        assert "p2" in desk.taken()
        await asyncio.sleep(0.2)
        running.cancel()
        assert len(fhir.asked) == asked + 1

    polling(tmp_path, fhir, work)


def test_an_interval_that_is_none_is_refused() -> None:
    with pytest.raises(OperatorError, match="--fhir-poll-every"):
        Server("https://ehr.example/fhir", every=0)
