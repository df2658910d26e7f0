"""`salvage detect` on a real broker: what the replay says, whatever happens on the way."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.detecting import Detector
from support.following import Following
from support.kafka import anew, at, drop_topics, everything
from support.processes import salvage

from schemas.alerts import AlertRevision
from schemas.events import EVENT
from schemas.topics import ALERTS, DEADLETTERS, EVENTS
from services.detector.adapters.outbox import INNER
from services.detector.adapters.settings import CHANGELOG
from services.detector.engine.instants import US_PER_DAY, instant
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from support.broker import Broker

    from schemas.events import Event

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # a group waits for its dead

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT / "examples" / "cohort-small.jsonl"
FEW = ("--rules", str(ROOT / "services" / "detector" / "rules" / "hiv"))
"""Rules that also speak of what doesn't come; with all of them each start takes seconds."""
PATIENCE = 90.0


@pytest.fixture
def address(own_broker: Broker) -> str:
    """Of a broker with our topics, all of them empty."""
    drop_topics(own_broker.address, INNER, CHANGELOG)
    anew(own_broker.address)
    return own_broker.address


@pytest.fixture
def alerts(address: str) -> Iterator[Following]:
    with Following(address, ALERTS.name) as found:
        yield found


@pytest.fixture
def changelog(address: str) -> Iterator[Following]:
    with Following(address, CHANGELOG) as found:
        yield found


def until(done: Callable[[], bool], *detectors: Detector) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        said = "".join(line for one in detectors for line in ["\n", *one.lines[-30:]])
        assert time.monotonic() < deadline, said
        assert all(one.process.poll() is None for one in detectors), said
        time.sleep(0.3)


def rows(changelog: Following) -> int:
    changelog.news()
    return len(changelog.records)


def cohort() -> list[Event]:
    return [EVENT.validate_json(line) for line in COHORT.read_bytes().splitlines()]


def issued(event: Event) -> int:
    assert event.issued_at is not None
    return instant(event.issued_at)


def publish(address: str, events: Iterable[Event]) -> None:
    """As `salvage map` does, of messages that were received when they were issued."""
    publish_raw(address, [(one.patient_id, one.to_json(), issued(one)) for one in events])


def publish_raw(address: str, rows: Iterable[tuple[str, bytes, int]]) -> None:
    with Publisher(at(address)) as publisher:
        publisher.publish(
            Outgoing(EVENTS.name, key, value, (("received", str(received)),), received)
            for key, value, received in rows
        )


def told(alerts: Following) -> dict[tuple[str, int], bytes]:
    """Every revision that was published; each has one content, however often it was sent."""
    alerts.news()
    found: dict[tuple[str, int], bytes] = {}
    for record in alerts.records:
        assert record.value is not None
        revision = AlertRevision.model_validate_json(record.value)
        assert record.key == revision.alert_id.encode()
        name = revision.alert_id, revision.revision
        assert found.setdefault(name, record.value) == record.value
    return found


@cache
def replayed(day: str, *words: str) -> dict[tuple[str, int], bytes]:
    lines = salvage("replay", str(COHORT), "--until", day, *words).stdout.splitlines()
    entries = (AlertRevision.model_validate_json(line) for line in lines)
    return {(one.alert_id, one.revision): one.to_json() for one in entries}


def today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())


def asked(detector: Detector, path: str) -> tuple[int, dict[str, Any]]:
    port = detector.heard("detecting", PATIENCE)["port"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except (urllib.error.URLError, ConnectionError):
        return 0, {}  # it has ended


def test_a_cohort_gives_what_the_replay_says(
    address: str, alerts: Following, tmp_path: Path
) -> None:
    publish(address, cohort())
    expected = replayed(today())
    assert len(expected) > 40
    with Detector(address, tmp_path) as detector:
        assert asked(detector, "/livez")[0] == 200
        until(lambda: told(alerts) == expected, detector)
        assert asked(detector, "/readyz") == (200, {"status": "ok"})
        assert detector.end() == 0
    alerts.news()
    assert len(alerts.records) == len(expected), "each once"
    assert everything(address, DEADLETTERS.name) == []
    rows = everything(address, CHANGELOG)
    assert len({row.key for row in rows}) == len(rows), "one row for each record, written once"


def test_a_worker_that_is_killed_loses_nothing_and_invents_nothing(
    address: str, alerts: Following, changelog: Following, tmp_path: Path
) -> None:
    events = cohort()
    publish(address, events)
    folders = [tmp_path / name for name in ("first", "first", "elsewhere")]
    for number, folder in enumerate(folders, start=1):
        with Detector(address, folder, *FEW) as detector:
            goal = number * len(events) // 5
            until(lambda: rows(changelog) >= goal, detector)  # noqa: B023
            detector.kill()
    assert told(alerts) != replayed(today(), *FEW), "killed in the middle"
    with Detector(address, tmp_path / "first", *FEW) as detector:  # whose disk is out of date
        until(lambda: told(alerts) == replayed(today(), *FEW), detector)
        assert detector.end() == 0


def test_workers_share_the_patients_and_hand_them_over(
    address: str, alerts: Following, changelog: Following, tmp_path: Path
) -> None:
    """One joins in the middle, then the first one leaves: both times, all partitions stop."""
    events = cohort()
    behind = SystemClock().now() - min(map(issued, events))  # what is not there yet is not late
    with Detector(address, tmp_path / "a", *FEW, behind=behind) as first:
        publish(address, events[:200])
        until(lambda: rows(changelog) >= 100, first)
        with Detector(address, tmp_path / "b", *FEW, behind=behind) as second:
            publish(address, events[200:400])
            until(lambda: asked(second, "/readyz")[0] == 200, first, second)
            publish(address, events[400:600])
            assert first.end() == 0
            publish(address, events[600:])
            different = len({one.to_json() for one in events})  # a repetition is no news
            until(lambda: rows(changelog) >= different, second)
            assert second.end() == 0
    # With an old state of some of the patients.
    with Detector(address, tmp_path / "a", *FEW) as last:
        until(lambda: told(alerts) == replayed(today(), *FEW), last)
        assert last.end() == 0


def test_what_was_to_come_due_comes_due_after_a_restart_elsewhere(
    address: str, alerts: Following, tmp_path: Path
) -> None:
    events = cohort()
    publish(address, events)
    last = max(map(issued, events)) + 2 * US_PER_DAY
    then = replayed(str(max(one.issued_at for one in events if one.issued_at).date()), *FEW)
    late = replayed(today(), *FEW)
    assert then.keys() < late.keys()
    with Detector(address, tmp_path / "a", *FEW, behind=SystemClock().now() - last) as detector:
        until(lambda: told(alerts) == then, detector)
        time.sleep(2)  # all that waits has been judged
        assert detector.end() == 0
    assert told(alerts) == then, "nothing before its time"
    with Detector(address, tmp_path / "b", *FEW) as detector:
        until(lambda: told(alerts) == late, detector)
        assert detector.end() == 0


def test_what_the_client_forgets_is_read_again(
    address: str, alerts: Following, changelog: Following, tmp_path: Path
) -> None:
    events = cohort()
    publish(address, events)
    with Detector(address, tmp_path, *FEW, loses=len(events)) as detector:
        until(lambda: told(alerts) == replayed(today(), *FEW), detector)
        assert detector.heard("read again")
        assert detector.end() == 0
    rows(changelog)
    assert len({one.key for one in changelog.records}) == len(changelog.records), "each once"


def test_poison_among_good_records_stops_nobody(
    address: str, alerts: Following, tmp_path: Path
) -> None:
    one = cohort()[0]
    line, when = one.to_json(), issued(one)
    publish_raw(
        address,
        [
            (one.patient_id, b"\xff{", when),
            (one.patient_id, line.replace(b'"final"', b'"sort of"'), when),
            ("HOSP|somebody else", line, when),
        ],
    )
    publish(address, cohort())
    with Detector(address, tmp_path, *FEW) as detector:
        until(lambda: told(alerts) == replayed(today(), *FEW), detector)
        assert detector.end() == 0
    letters = everything(address, DEADLETTERS.name)
    assert sorted(one.headers["reason"] for one in letters) == [
        "bad_field",
        "key_mismatch",
        "malformed_json",
    ]


def test_without_dead_letters_nothing_is_acknowledged(address: str, tmp_path: Path) -> None:
    one = cohort()[0]
    with Detector(address, tmp_path, *FEW, hurried=True) as detector:
        until(lambda: asked(detector, "/readyz")[0] == 200, detector)
        drop_topics(address, DEADLETTERS.name)
        publish_raw(address, [(one.patient_id, b"{", issued(one))])
        until(lambda: asked(detector, "/readyz")[0] != 200)
        assert detector.process.wait(PATIENCE) == 1
        assert detector.heard("gave up")
    drop_topics(address, ALERTS.name)
    salvage("topics", "apply", "--kafka", address, "--replicas", "1")
    with Detector(address, tmp_path, *FEW) as detector:
        with Following(address, DEADLETTERS.name) as letters:
            until(lambda: len(letters.news()) == 1, detector)
        assert detector.end() == 0
