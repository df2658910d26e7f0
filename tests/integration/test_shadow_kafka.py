"""Other rules beside `salvage detect`: they say what they would, and Kafka is as it was before."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaAdminClient
from support.console import salvage
from support.datafolder import RULES, rules_above
from support.kafka import at, everything
from support.living import all_rules
from support.partition import Partition
from support.small_rules import FRAME, lab

from schemas.events import EVENT
from schemas.topics import ALERTS, DEADLETTERS, EVENTS, INNER, STATE, TOPICS
from services.commands.shadowtopics import topic_facts
from services.detector.adapters.keyed import Arrival, Judging, Person
from services.detector.adapters.review import Kind
from services.detector.adapters.review_run import Sides
from services.detector.adapters.rows import key_of
from services.detector.adapters.shadow import Shadow
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from support.broker import Broker

    from schemas.events import Event

pytestmark = pytest.mark.slow

STRICTER = rules_above(50000)
BYSTANDERS = {"salvage-detect", "salvage-map", "salvage-notifier"}


def load(patient: int, value: str) -> Event:
    said = lab("hiv_rna", "2026-03-02", value, "{copies}/mL", patient_id=f"HOSP|{patient}")
    return EVENT.validate_python(said)


def judged(address: str, judging: Judging, *events: Event) -> Partition:
    """As `salvage map` and `salvage detect` leave it: the events, and a row for each."""
    partition = Partition(judging)
    for one in events:
        partition.put(one, SystemClock().now())
    partition.work()
    publish(address, ((EVENTS.name, one.patient_id, one.to_json()) for one in events))
    publish(address, ((STATE.name, key.decode(), row) for key, row in partition.changelog))
    return partition


def set_aside(address: str, judging: Judging, event: Event) -> None:
    """Our code failed at a patient, and the detector goes on without."""
    partition = Partition(judging)
    partition.put(event, SystemClock().now())
    record = partition.topics[EVENTS.name][0]
    row = Person(event.patient_id, judging).fail(Arrival(record, record.at, event), "a:1")
    value = row.to_bytes()
    key = key_of(event.patient_id, row.head.number, value).decode()
    rows = [(EVENTS.name, event.patient_id, event.to_json()), (STATE.name, key, value)]
    publish(address, rows)


def publish(address: str, records: Iterable[tuple[str, str, bytes]]) -> None:
    with Publisher(at(address)) as publisher:
        publisher.publish(Outgoing(*one, headers=()) for one in records)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def following(address: str, stack: ExitStack) -> Shadow:
    facts = topic_facts(at(address), RULES, stack)
    shadow = Shadow(facts, Sides.of(RULES, STRICTER), SystemClock())
    shadow.catch_up()
    return shadow


def left(address: str) -> dict[str, Any]:
    """All that a reader could have changed: records, and the groups that Kafka knows of."""
    admin: Any = KafkaAdminClient(bootstrap_servers=address)
    groups = {one["group_id"] for one in admin.list_groups()}
    admin.close()
    records = {row.name: len(everything(address, row.name)) for row in TOPICS}
    return {"groups": groups - BYSTANDERS, **records}


def test_events_are_judged_by_both_and_nothing_is_left_behind(
    broker: Broker, stack: ExitStack
) -> None:
    address, judging = broker.address, Judging.by(RULES)
    judged(address, judging, load(1001, "1200"), load(1002, "800"), load(1003, "90000"))
    set_aside(address, judging, load(1009, "1200"))
    mistaken = load(1008, "1200").to_json()
    publish(address, [(EVENTS.name, "HOSP|1007", mistaken), (EVENTS.name, "HOSP|1", b"{")])
    before = left(address)
    shadow = following(address, stack)
    found = shadow.review()
    assert [(one.kind, one.either.patient_id) for one in found.differences] == [
        (Kind.REMOVED, "HOSP|1001")
    ]
    assert (found.patients, sum(found.same.values())) == (3, 1)
    assert shadow.look() == []
    assert left(address) == before
    assert not any(before[one.name] for one in (ALERTS, DEADLETTERS, INNER))

    judged(address, judging, load(1004, "60000"), load(1005, "2000"))
    would_be = [(one.new, one.revision.patient_id) for one in shadow.look()]
    assert sorted(would_be) == [(False, "HOSP|1004"), (False, "HOSP|1005"), (True, "HOSP|1004")]
    assert shadow.look() == []


def test_it_refuses_rules_that_are_not_in_force_and_the_command_says_who_differs(
    broker: Broker, stack: ExitStack, tmp_path: Path
) -> None:
    address = broker.address
    with pytest.raises(OperatorError, match="nothing was judged"):
        topic_facts(at(address), RULES, stack)
    judged(address, Judging.by(STRICTER), load(1001, "1200"))
    with pytest.raises(OperatorError, match="other rules"):
        topic_facts(at(address), RULES, stack)

    judged(address, Judging.by(all_rules()), load(1002, "70000"))  # a detector of another day
    packs = tmp_path / "packs"
    packs.mkdir()
    fires = "  - {name: high, each: load, confirmed: 'load > 50000 {copies}/mL'}"
    reads = "  load: {analyte: hiv_rna}"
    small = FRAME.format(course="", more="", reads=reads, criteria=fires)
    (packs / "small.yaml").write_text(small)
    words = ("shadow", str(packs / "small.yaml"), "--kafka", address)
    ran = salvage(*words, "--once", "--json")
    assert ran.code == 1, ran.err
    kinds = [(one["rule"], one["kind"]) for one in json.loads(ran.out)["differences"]]
    assert kinds == [("SMALL", "added")]
    assert "HOSP" not in ran.out
    assert "--out" in salvage(*words).err
    assert salvage("shadow", "released", "--once").code == 2
