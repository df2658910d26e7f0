"""Subscription notifications: a hint to look, and the look is what counts.

Rows 38 to 40 of the list of bad inputs.
"""

from __future__ import annotations

import asyncio
import io
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestServer
from support.fhir import bundle, encoded, psa
from support.fhir_server import FhirServer, stamped
from support.mllp import HERE, entries
from support.rest import Client, taken

from services.ingest.coding import Refused
from services.ingest.journal import State
from services.ingest.polling.notification import Kind, Notification, read_notification
from services.ingest.polling.server import Server
from services.ingest.polling.subscriptions import Subscriptions
from services.ingest.profiles.sources import ANYBODY
from services.ingest.rest.doors import OpenDoor
from services.ingest.rest.listener import FhirListener, Where, Work
from services.runtime.clock import SystemClock
from services.runtime.logs import to_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATH = "/subscription/results"


def status(kind: str = "event-notification", count: object = "1", *events: int) -> dict[str, Any]:
    """The first entry of a notification, as the guide for R4 has it."""
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": "Subscription/1"}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": kind},
        {"name": "eventsSinceSubscriptionStart", "valueString": count},
    ]
    parameters += [
        {"name": "notificationEvent", "part": [{"name": "eventNumber", "valueString": str(one)}]}
        for one in events
    ]
    return {"resourceType": "Parameters", "id": "s", "parameter": parameters}


def notified(*resources: dict[str, Any], **changes: object) -> dict[str, Any]:
    return bundle(*resources, kind="history") | changes


# --- What it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
def test_why_it_came_and_its_number_are_read(kind: Kind) -> None:
    found = read_notification(encoded(notified(status(kind.value, "7", 6, 7))))
    assert found == Notification(kind, 7)


def test_of_r5_the_status_is_a_resource_of_its_own() -> None:
    first = {
        "resourceType": "SubscriptionStatus",
        "type": "event-notification",
        "eventsSinceSubscriptionStart": "4",
        "notificationEvent": [{"eventNumber": 4}],
    }
    assert read_notification(encoded(notified(first))) == Notification(Kind.EVENT, 4)
    assert read_notification(encoded(notified(status("heartbeat", None)))).last is None


@pytest.mark.parametrize(
    "wrong",
    [
        notified(status(), type="collection"),
        notified(psa()),
        notified(),
        notified(status("party")),
        psa(),
    ],
)
def test_38_what_is_no_notification_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        read_notification(encoded(wrong))


@pytest.mark.parametrize(
    ("kind", "last", "before", "gap"),
    [
        (Kind.EVENT, 5, 4, False),
        (Kind.EVENT, 6, 4, True),
        (Kind.EVENT, 4, 4, False),
        (Kind.HEARTBEAT, 4, 4, False),
        (Kind.HEARTBEAT, 5, 4, True),
        (Kind.EVENT, 9, None, False),
        (Kind.EVENT, None, 4, False),
    ],
)
def test_40_a_missing_number_is_noticed(
    kind: Kind, last: int | None, before: int | None, *, gap: bool
) -> None:
    assert Notification(kind, last).gap(before) is gap


def test_40_silence_is_told_and_a_handshake_counts_anew() -> None:
    clock, hints, events = [0], list[int](), dict[str, int]()
    heard = Subscriptions(["a", "b"], events, lambda: hints.append(1), lambda: clock[0], 60.0)
    hooks = heard.hooks()
    clock[0] = 121_000_000
    assert heard.silent() is not None
    for hook in hooks.values():
        hook(Notification(Kind.HEARTBEAT, 5))
    assert heard.silent() is None
    assert (events, hints) == ({"a": 5, "b": 5}, [])
    hooks["a"](Notification(Kind.HANDSHAKE, 0))
    hooks["a"](Notification(Kind.EVENT, 1))
    assert (events["a"], hints) == (1, [1])
    hooks["b"](Notification(Kind.HEARTBEAT, 7))
    assert (events["b"], hints) == (7, [1, 1]), "what was missed is asked for"
    quiet = Subscriptions(["a"], events, lambda: None, lambda: clock[0])
    clock[0] *= 9
    assert quiet.silent() is None, "nothing was promised"


# --- What comes of it -----------------------------------------------------------------------------


def subscribed(
    folder: Path, fhir: FhirServer, work: Callable[[Client, FhirListener], None]
) -> None:
    """Endpoint and poller in their thread, the server in ours, and the test in a third."""

    async def run() -> None:
        async with TestServer(fhir.app()) as running:
            base = str(running.make_url("/fhir"))
            server = Server(base, ("Observation",), subscriptions=frozenset({"results"}))
            job = Work(Where(HERE, 0, OpenDoor()), server)
            listener = FhirListener(job, ANYBODY.read_resources, folder, SystemClock())
            await asyncio.to_thread(_work, listener, work)

    asyncio.run(run())


def _work(listener: FhirListener, work: Callable[[Client, FhirListener], None]) -> None:
    listener.start()
    try:
        with Client(listener.port) as client:
            work(client, listener)
    finally:
        listener.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_notification_makes_us_ask_and_what_we_hear_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.polling.poller.LEAST_PAUSE", 0.05)
    log = io.StringIO()
    to_stream(log)
    fhir = FhirServer([stamped(1, 1)])

    def work(client: Client, listener: FhirListener) -> None:
        until(lambda: len(entries(tmp_path)) == 1)
        for kind in ("handshake", "heartbeat"):
            answer = client.post(notified(status(kind, "0")), PATH)
            assert (answer.status, answer.codes) == (200, ["informational"])
        assert len(entries(tmp_path)) == 1, "they state nothing"
        fhir.content.append(stamped(2, 2))
        assert client.post(notified(status("event-notification", "1", 1)), PATH).status == 200
        until(lambda: len(entries(tmp_path)) == 3)
        assert listener.problem() is None
        # 40: the second never came, the third does, and again.
        fhir.content += [stamped(3, 3), stamped(4, 4)]
        for _ in range(2):
            assert client.post(notified(status("event-notification", "3", 3)), PATH).status == 200
        until(lambda: len({event.event_id for event in taken(tmp_path)[0]}) == 4)

    subscribed(tmp_path, fhir, work)
    assert log.getvalue().count("subscription gap") == 1
    assert {entry.source for entry in entries(tmp_path)} > {"fhir"}


def test_what_a_notification_brings_along_is_taken_like_any_other(tmp_path: Path) -> None:
    def work(client: Client, _: FhirListener) -> None:
        assert client.post(notified(status(), psa()), PATH).status == 200
        bad = notified(status(), psa(id="b", status="x"))
        assert client.post(bad, PATH).status == 200

    subscribed(tmp_path, FhirServer(), work)
    events, refused = taken(tmp_path)
    assert (len(events), refused) == (1, ["bad_status"])


def test_39_what_is_not_ours_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    fhir = FhirServer()

    def work(client: Client, _: FhirListener) -> None:
        until(lambda: len(fhir.asked) == 1)
        answer = client.post(notified(status()), "/subscription/other")
        assert (answer.status, answer.codes) == (404, ["not-found"])
        answer = client.post(notified(status(), type="collection"), PATH)
        assert (answer.status, answer.codes) == (422, ["unexpected_resource"])
        assert client.post(b"SECRET", PATH).status == 400
        assert len(fhir.asked) == 1

    subscribed(tmp_path, fhir, work)
    assert [entry for entry in entries(tmp_path) if entry.state is State.NEW] == []
