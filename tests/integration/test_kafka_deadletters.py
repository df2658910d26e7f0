"""Dead letters on a real topic are worked: each once, by several people, whatever breaks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.broker import ROOT
from support.detecting import Detector
from support.kafka import at, everything, make_topic
from support.letters import RECEIVED, SECRET, Ward, emptied, nameless, repaired
from support.mllp import obx
from support.processes import Command

from schemas.alerts import AlertRevision, State
from schemas.deadletter import Reason
from schemas.handling import Handling, Step
from schemas.topics import ALERTS, DEADLETTERS, EVENTS, HANDLED, INNER, RAW
from services.commands import topicletters
from services.detector.adapters import outbox
from services.embedded.reading import Reading, read
from services.ingest.kafka import letters
from services.ingest.kafka.letters import Book, Choice
from services.ingest.kafka.mapper import Mapper
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.repeating import Check, parcels
from services.ingest.kafka.replaying import Operator, Outcome
from services.ingest.kafka.snapshot import Snapshot
from services.ingest.profiles.sources import Sources
from services.runtime.clock import SystemClock
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from support.broker import Broker

    from services.ingest.kafka.records import Incoming
    from services.ingest.sources.files import Arrival

SENT_ONE = "done: sent 1 records, of 1 letters\n"


@pytest.fixture
def ward(own_broker: Broker) -> Ward:
    return Ward(own_broker.address)


def handlings(ward: Ward) -> list[Handling]:
    found = everything(ward.address, HANDLED.name)
    return [Handling.model_validate_json(one.value or b"") for one in found]


def raw(ward: Ward) -> list[Incoming]:
    return everything(ward.address, RAW.name)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90.0
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


# -- once


def test_what_is_replayed_is_sent_once_unless_asked(ward: Ward, tmp_path: Path) -> None:
    ward.receive(nameless())
    ward.map()
    (letter,) = ward.listed()
    assert (letter["reason"], letter["state"], letter["tries"]) == ("unmapped_patient", "open", 1)
    assert (
        ward.letters("replay", "--dry-run").out == "dry run: would send 1 records, of 1 letters\n"
    )
    assert ward.letters("replay").out == SENT_ONE
    ward.map(repaired(tmp_path))
    (event,) = everything(ward.address, EVENTS.name)
    assert event.key == b"NORTH|4711"
    assert event.received == RECEIVED, "a fact keeps the moment of its receipt"

    assert ward.listed() == []
    (letter,) = ward.listed("--all")
    assert (letter["state"], letter["tries"]) == ("replayed", 2)
    assert ward.told("replay")["records"] == 0
    assert ward.told("replay", "--again")["records"] == 1
    first, second, third = raw(ward)
    assert {one.value for one in (first, second, third)} == {nameless()}
    assert [one.headers.get("tries") for one in (first, second, third)] == [None, "2", "3"]
    assert second.headers["origin"] == str(first.where)
    assert (second.key, second.headers["format"]) == (first.key, "hl7")
    assert second.at > RECEIVED, "it is kept for 30 days from now on"


def test_a_letter_that_fails_again_is_open_again_and_knows_its_first(
    ward: Ward, tmp_path: Path
) -> None:
    ward.receive(nameless("M1", obx(value="see Jane")))
    ward.map()
    (first,) = ward.listed()
    ward.letters("replay")
    ward.map()  # nothing was repaired
    (same,) = ward.listed()
    assert (same["id"], same["times"], same["tries"]) == (first["id"], 1, 2)
    ward.letters("replay")
    ward.map(repaired(tmp_path))  # now something else is wrong
    (other,) = ward.listed()
    assert (other["reason"], other["tries"]) == ("not_a_number", 3)
    assert other["id"] != other["first"] == first["id"]
    assert ward.told("show", first["id"])["led_to"] == [other["id"]]


def test_parts_of_one_record_are_answered_by_one_reading(ward: Ward, tmp_path: Path) -> None:
    ward.receive(nameless("M1", obx(), obx(2, "1", f11="?"), obx(3, "2", f11="?")))
    ward.map(repaired(tmp_path))
    assert [one["part"] for one in ward.listed()] == ["OBX[2]-11", "OBX[3]-11"]
    words = (ward.listed()[0]["id"], "--profile", repaired(tmp_path))
    still = ward.told("replay", *words)
    assert (still["records"], still["still_refused"]) == (0, {"bad_status": 2}), "read here first"
    assert ward.told("replay", ward.listed()[0]["id"])["letters"] == 2
    assert ward.listed() == []
    assert {one.step for one in handlings(ward)} == {Step.CLAIMED, Step.RELEASED, Step.REPLAYED}


# -- whatever breaks

_KILLED = """
import os, signal, sys
from services.cli import main
from services.ingest.kafka.replaying import Operator
Operator._record_sent = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_killed_between_sending_and_recording_nothing_is_lost(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.receive(nameless())
    ward.map()
    words = ["deadletters", "replay", "--kafka", ward.address]
    done = subprocess.run([sys.executable, "-c", _KILLED, *words], cwd=ROOT, check=False)
    assert (done.returncode, len(raw(ward))) == (-9, 2), "killed when it was sent"

    (letter,) = ward.listed()
    assert letter["state"] == "being replayed", "by whom nobody knows that it is dead"
    assert ward.letters("replay").out.startswith("in the hands of another replay: 1\n")
    assert ward.letters("drop", letter["id"], "--because", "x").out == (
        "dropped 0 letters; 1 in the hands of a replay\n"
    )
    monkeypatch.setattr(letters, "LEASE", 0)  # two minutes later
    assert ward.letters("replay").out == SENT_ONE
    ward.map(repaired(tmp_path))
    first, second = everything(ward.address, EVENTS.name)
    assert (first.key, first.value) == (second.key, second.value), "the same fact, so it merges"
    assert ward.listed() == []


def test_where_kafka_fails_the_letters_stay_open(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward.receive(nameless())
    ward.map()

    class Failing(Publisher):
        """Of what it sends to be read again, nobody knows whether it arrived."""

        def publish(self, records: Iterable[Outgoing]) -> None:
            rows = list(records)
            super().publish(rows)
            if any(row.topic == RAW.name for row in rows):
                raise Unavailable("kafka: KafkaTimeoutError")

    monkeypatch.setattr(topicletters, "Publisher", Failing)
    ran = ward.letters("replay")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "salvage deadletters: kafka: KafkaTimeoutError\n"
    assert [one["state"] for one in ward.listed()] == ["being replayed"]


# -- several people


def test_of_two_who_replay_at_once_one_sends(ward: Ward) -> None:
    ward.receive(nameless())
    ward.map()
    second: list[dict[str, Any]] = []

    class Overtaken(Publisher):
        """After the claim, somebody else runs the same command from its beginning to its end."""

        def publish(self, records: Iterable[Outgoing]) -> None:
            super().publish(records)
            if not second:
                second.append(ward.told("replay", "--again"))

    with Snapshot(at(ward.address)) as snapshot:
        first = worked(ward, snapshot, Overtaken)
    assert (first.records, first.elsewhere) == (1, 0)
    assert (second[0]["records"], second[0]["elsewhere"]) == (0, 1)
    assert len(raw(ward)) == 2


def worked(ward: Ward, snapshot: Snapshot, kind: type[Publisher] = Publisher) -> Outcome:
    """One operator, from reading the letters to having replayed them."""
    book = Book()
    book.add(snapshot.news(DEADLETTERS.name))
    book.note(snapshot.news(HANDLED.name))
    made, _ = parcels(book, Choice())
    operator = Operator(snapshot, book, SystemClock(), "somebody")
    mapper = Mapper(partial(read, sources=Sources()))
    with kind(at(ward.address)) as publisher:
        return operator.replay(made, Check(mapper.mapped, profiles=False), publisher, print)


def test_many_letters_and_two_operators_send_each_once(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.kafka.replaying.MOST", 5)
    ward.receive(*(nameless(f"M{n}") for n in range(40)))
    ward.map()
    sent: list[int] = []

    def operator() -> None:
        with Snapshot(at(ward.address)) as snapshot:
            sent.append(worked(ward, snapshot).records)

    threads = [threading.Thread(target=operator) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(sent) == 40
    assert len(raw(ward)) == 80
    assert len({one.value for one in raw(ward)}) == 40
    assert ward.listed() == []


# -- what lies where


def test_records_of_a_bus_are_not_sent_to_the_bus(ward: Ward) -> None:
    bus = make_topic(ward.address, f"bus-{SystemClock().now()}", 1)
    line = json.dumps(EVENT).encode()
    ward.publish(
        Outgoing(bus, key, value, (), RECEIVED + n)
        for n, (key, value) in enumerate([("NORTH|4711", line), ("NORTH|2", line), ("x", b"{")])
    )
    tombstone(ward.address, bus)

    def fails(arrival: Arrival) -> Reading:
        if arrival.record.raw == line and arrival.record.rejected is None:
            raise KeyError("Jane")
        return read(arrival, Sources())

    ward.map_by(Mapper(fails), RAW.name, bus)
    reasons = {one["reason"] for one in ward.listed("--topic", bus)}
    assert reasons == {"defect", "key_mismatch", "malformed_json", "tombstone"}
    told = ward.told("replay")
    assert (told["records"], told["facts"]) == (1, 1)
    assert told["still_refused"] == {"malformed_json": 1}
    assert told["not_replayable"] == {"key_mismatch": 1, "tombstone": 1}
    assert len(everything(ward.address, bus)) == 4, "others read there"
    ward.map()
    (event,) = everything(ward.address, EVENTS.name)
    assert (event.key, event.headers["source"]) == (b"NORTH|4711", "LAB")


EVENT: dict[str, Any] = {
    "type": "observation",
    "event_id": "E1",
    "patient_id": "NORTH|4711",
    "source": "LAB",
    "effective_at": "2026-03-04",
    "analyte": "hiv_rna",
    "value": "1200",
    "unit": "{copies}/mL",
}


def tombstone(address: str, topic: str) -> None:
    from kafka import KafkaProducer  # noqa: PLC0415 - our publisher writes none

    producer: Any = KafkaProducer(bootstrap_servers=address)
    producer.send(topic, None, key=b"NORTH|4711").get(10)
    producer.close()


def test_what_the_detector_could_not_use_goes_back_to_it(ward: Ward) -> None:
    line = json.dumps(EVENT).encode()
    ward.publish([Outgoing(EVENTS.name, "NORTH|4711", line, (("source", "LAB"),), RECEIVED)])
    (record,) = everything(ward.address, EVENTS.name)
    place = (record.partition, record.offset, record.key, record.value, RECEIVED)
    for topic in (EVENTS.name, INNER.name, "gone-for-good"):
        made = outbox.letter(outbox.Record(topic, *place), Reason.DEFECT, "KeyError at x.py:1")
        ward.publish([Outgoing(made.topic, made.key, made.value.encode(), made.headers)])
    told = ward.told("replay")
    assert told["records"] == 1
    assert told["not_replayable"] == {"of_a_service_to_itself": 1, "not_kept_whole": 1}
    first, second = everything(ward.address, EVENTS.name)
    assert (second.key, second.value) == (first.key, first.value)
    assert (second.headers["tries"], second.headers["source"]) == ("2", "LAB")
    assert second.received == RECEIVED


def test_a_letter_outlives_what_it_is_about(ward: Ward, tmp_path: Path) -> None:
    long = nameless("M2") + b"NTE|1||" + b"x" * 70_000 + b"\r"
    ward.receive(nameless("M1"), long)
    ward.map()
    emptied(ward.address, RAW.name)
    assert raw(ward) == []
    told = ward.told("replay")
    assert (told["records"], told["not_replayable"]) == (1, {"not_kept_whole": 1})
    ward.map(repaired(tmp_path))
    (event,) = everything(ward.address, EVENTS.name)
    assert (event.received, event.key) == (RECEIVED, b"NORTH|4711")
    assert [one["state"] for one in ward.listed()] == ["open"]
    ran = ward.letters("show", ward.listed()[0]["id"], "--raw")
    assert ran.out == long[: 64 * 1024].decode()
    assert "only its beginning is left" in ran.err


# -- what people see


@pytest.mark.slow
def test_letters_are_chosen_shown_and_dropped(ward: Ward) -> None:
    ward.receive(nameless("M1"), nameless("M2"), b"Erika 4711", nameless("M1"))
    ward.map()
    hidden = [("list",), ("list", "--all", "--json"), ("count",), ("count", "--json")]
    first, second, third = ward.listed()
    hidden += [("show", first["id"]), ("replay", "--dry-run"), ("replay", "--dry-run", "--json")]
    for words in hidden:
        ran = ward.letters(*words)
        assert ran.code == 0, ran.err
        assert not SECRET.search(ran.out + ran.err), words
    assert ward.letters("list").out.splitlines()[0] == (
        f"{first['id'][:12]}  2026-03-04T09:00:00Z  unmapped_patient  NORTH/LAB  2 times  "
        "PID-3: no identifier with an authority"
    )
    chosen = {
        ("--reason", "malformed_hl7"): [third],
        ("--since", "2026-03-04T09:01:00Z"): [second, third],
        ("--source", "SOUTH"): [],
        ("--topic", RAW.name): [first, second, third],
        ("--topic", "bus"): [],
    }
    for filters, expected in chosen.items():
        assert ward.listed(*filters) == expected, filters
    assert ward.told("count")["count"] == 3
    shown = ward.letters("show", first["id"][:8], "--raw")
    assert (shown.out, shown.code) == (nameless("M1").decode(), 0)
    assert "a patient's data" in shown.err

    assert ward.letters("drop", "--because", "all of it").code == 2, "say which"
    assert (
        ward.letters("drop", third["id"], "--because", "sent by mistake", "--by", "ops").code == 0
    )
    assert ward.listed() == [first, second]
    told = ward.told("show", third["id"])
    assert (told["state"], told["handled_by"]) == ("dropped", "ops")
    assert told["because"] == "sent by mistake"
    assert ward.told("replay", third["id"])["records"] == 0
    for record in everything(ward.address, HANDLED.name):
        assert not SECRET.search(str(record)), "nor on the topic of what was done"


# -- all of it


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_repaired_profile_brings_the_fact_and_the_alert(broker: Broker, tmp_path: Path) -> None:
    ward = Ward(broker.address)  # alerts of others would be read, too
    started = EVENT | {"type": "treatment", "event_id": "T1", "effective_at": "2025-01-01"}
    for name in ("analyte", "value", "unit"):
        del started[name]
    started |= {"course_id": "C1", "condition": "hiv", "modality": "antiretroviral"}
    started |= {"phase": "started", "line": 1, "issued_at": "2025-01-01T12:00:00Z"}
    header = (("received", "1735732800000000"),)
    value = json.dumps(started).encode()
    ward.publish([Outgoing(EVENTS.name, "NORTH|4711", value, header, 1_735_732_800_000_000)])
    ward.receive(nameless())
    map_ = ("map", "--kafka", ward.address)
    with Command(*map_) as mapping:
        until(lambda: len(everything(ward.address, DEADLETTERS.name)) == 1)
        assert mapping.end() == 0
    profile = repaired(tmp_path)
    told = ward.told("replay", "--profile", profile)
    assert (told["records"], told["closed"], told["facts"]) == (1, 1, 1)
    with Command(*map_, "--source", str(profile)) as mapping:
        until(lambda: len(everything(ward.address, EVENTS.name)) == 2)
        assert mapping.end() == 0
    rules = str(ROOT / "services" / "detector" / "rules" / "hiv" / "hiv-vf-who.yaml")
    with Detector(ward.address, tmp_path / "state", "--rules", rules) as detector:
        until(lambda: State.SUSPECTED in told_by(ward))
        assert detector.end() == 0


def told_by(ward: Ward) -> set[State]:
    found = everything(ward.address, ALERTS.name)
    revisions = (AlertRevision.model_validate_json(one.value or b"") for one in found)
    return {one.state for one in revisions if one.patient_id == "NORTH|4711"}
