"""The stream of changes: references and numbers, to whom they concern, as long as they are in."""

from __future__ import annotations

import http.client
import json
import time
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from support.broker import free_ports
from support.inbox import HERE, Browser
from support.notifying import COURSE_ID, site_folder, told, treatment
from support.processes import Command

from schemas.alerts import Severity
from services.notifier.inbox.access.local import PASSWORD
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.web import hub, streams
from services.notifier.store.instants import micros
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.inbox import Desk

PATIENT, OTHERS = "HOSP|000007", "HOSP|000001"
Event = dict[str, str]


class Stream:
    """An open stream, read event by event."""

    def __init__(self, browser: Browser, last: str = "") -> None:
        where = urlsplit(browser.origin)
        self._connection = http.client.HTTPConnection(HERE, where.port or 80, timeout=30)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        told_now = {"Host": where.netloc, "Cookie": cookie}
        told_now |= {"Last-Event-ID": last} if last else {}
        self._connection.request("GET", "/events", headers=told_now)
        self.got = self._connection.getresponse()

    def event(self) -> Event:
        """The next one that says something; empty at the end."""
        found: Event = {}
        while line := self.got.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if line == "\n" and "event" in found:
                return found
            found |= {name: value} if name.strip() else {}
        return {}

    def beat(self) -> None:
        """Wait for the next sign of life."""
        while (line := self.got.readline()) != b": still here\n":
            assert line, "the stream ended"

    def close(self) -> None:
        self._connection.close()


@contextmanager
def stream(browser: Browser, last: str = "") -> Iterator[Stream]:
    found = Stream(browser, last)
    try:
        yield found
    finally:
        found.close()


def begin(found: Stream) -> None:
    """Wait until it listens."""
    assert found.got.readline() == b"retry: 5000\n"


def test_a_change_is_told_by_its_reference_and_to_its_own_team(inbox: Desk) -> None:
    inbox.bench.take(told(patient=PATIENT), treatment(), told(name="a2", course=COURSE_ID))
    own, other = inbox.reference(PATIENT), inbox.reference(OTHERS, COURSE_ID)
    with (
        stream(inbox.signed_in("anne", Role.VIEWER)) as ward,
        stream(inbox.signed_in("mia", Role.VIEWER)) as elsewhere,
    ):
        begin(ward)
        begin(elsewhere)
        assert ward.got.headers["Content-Type"].startswith("text/event-stream")
        inbox.bench.take(
            told(name="a3", patient=PATIENT, severity=Severity.URGENT),
            told(name="a4", course=COURSE_ID, severity=Severity.URGENT),
        )
        heard = {one: json.loads(_changed(one)["data"]) for one in (ward, elsewhere)}
    assert heard[ward] == {"case": own, "rev": inbox.bench.case(patient=PATIENT).revision}
    assert heard[elsewhere]["case"] == other
    assert heard[elsewhere].keys() == {"case", "rev"}


def _changed(one: Stream) -> Event:
    event = one.event()
    assert event["event"] == "changed"
    return event


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_was_away_is_told_what_they_missed_or_to_load_anew(
    inbox: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = inbox.signed_in("anne", Role.VIEWER)
    inbox.bench.take(told(patient=PATIENT))
    with stream(browser, "0") as missed:
        event = missed.event()
    assert json.loads(event["data"])["case"] == inbox.reference(PATIENT)
    monkeypatch.setattr(hub, "BEHIND", 1)
    with stream(browser, "0") as lost:
        assert lost.event()["event"] == "reset"
    head, news = inbox.parts.hub.since(int(event["id"]))
    assert (news, head >= int(event["id"])) == ([], True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_stream_neither_extends_a_sign_in_nor_outlives_it(
    inbox: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT", 0.05)
    clock = inbox.parts.clock
    assert isinstance(clock, ManualClock)
    browser = inbox.signed_in("anne", Role.VIEWER)
    with stream(browser) as one:
        begin(one)
        clock.set(micros(inbox.parts.now() + timedelta(minutes=14)))
        for _ in range(3):
            one.beat()
        clock.set(micros(inbox.parts.now() + timedelta(minutes=1)))
        assert one.event()["event"] == "ended"
        assert one.event() == {}
    assert browser.get("/").to == "/sign-in"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_fourth_page_is_told_to_come_later(inbox: Desk) -> None:
    browser = inbox.signed_in("anne", Role.VIEWER)
    with ExitStack() as stack:
        for _ in range(hub.EACH):
            begin(stack.enter_context(stream(browser)))
        late = browser.get("/events")
        assert (late.status, late.headers["retry-after"]) == (503, "30")
        begin(stack.enter_context(stream(inbox.signed_in("ben", Role.VIEWER))))


SITE = "public: {origin}\nlocal: {{member: anne, roles: [clinician]}}\n"
STREAMS = 50


@pytest.mark.slow
def test_a_supervisor_ends_it_within_ten_seconds_with_fifty_open_streams(tmp_path: Path) -> None:
    site, (port,) = tmp_path / "site", free_ports(1)
    site_folder(site / "teams")
    (site / "channels.yaml").write_text("channels:\n  paper: {type: console}\n")
    (site / "inbox.yaml").write_text(SITE.format(origin=f"http://{HERE}:{port}"))
    (tmp_path / "alerts.jsonl").write_bytes(told(patient=PATIENT).to_json() + b"\n")
    words = ["--database", str(tmp_path / "n.db"), "--site", str(site), "--serve-inbox", str(port)]
    words += ["--alerts", str(tmp_path / "alerts.jsonl")]
    with Command("notify", "run", *words) as command, ExitStack() as stack:
        command.heard("inbox open")
        password = (site / PASSWORD).read_text().strip()
        opened = [stack.enter_context(one) for one in _streams(port, password)]
        began = time.monotonic()
        assert command.end() == 0
        assert time.monotonic() - began < 10
        for one in opened:
            one.got.read()  # to its orderly end: one that was cut off would raise here


def _streams(port: int, password: str) -> Iterator[AbstractContextManager[Stream]]:
    """Each begun, on as many sign-ins as it takes."""
    for number in range(STREAMS):
        if number % hub.EACH == 0:
            browser = Browser(f"http://{HERE}:{port}")
            page = browser.get("/sign-in")
            done = browser.post("/sign-in", {"csrf": page.token(), "password": password})
            assert done.status == 303
        found = Stream(browser)
        begin(found)
        assert found.got.readline() == b"\n"
        yield closing(found)
