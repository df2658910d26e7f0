"""What operations watch of the mapper: counted by what became of records, and bounded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest
from prometheus_client import generate_latest
from support.gauges import Gauges
from support.steady import Steady

from schemas.deadletter import Reason
from schemas.topics import DEADLETTERS, EVENTS, RAW
from services.ingest.kafka.group import Span
from services.ingest.kafka.mapmetrics import MapperMetrics, Standing, Verdict
from services.ingest.kafka.membership import (
    DEAF_SECONDS,
    LOOK_SECONDS,
    SILENT_SECONDS,
    Membership,
)
from services.ingest.kafka.publisher import Outgoing
from services.ingest.kafka.records import Incoming
from services.runtime.lag import Behind

if TYPE_CHECKING:
    from services.ingest.kafka.group import GroupReader
    from services.runtime.lag import Place

NOW = 1_772_614_800_000_000
BUS = "hospital.events"
RECORD = Incoming(RAW.name, 1, 7, NOW, b"HOSP/LAB", b"", {"received": str(NOW)})
EVENT = Outgoing(EVENTS.name, "HOSP|1", b"{}", ())
LETTER = Outgoing(DEADLETTERS.name, "a", b"{}", (("reason", "unknown_unit"),))
NAMES = RAW.name, EVENTS.name
HERE, THERE = (RAW.name, 0), (RAW.name, 1)

# ---------------------------------------------------------------- counted


Watched = Gauges[MapperMetrics, Standing]


@pytest.fixture
def watched() -> Watched:
    found = Gauges(lambda registry: MapperMetrics(registry, [RAW.name, BUS]), Standing())
    found.metrics.watch(lambda: found.standing)
    return found


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        ([EVENT, EVENT], Verdict.MAPPED),
        ([EVENT, LETTER], Verdict.PARTLY),
        ([LETTER, LETTER], Verdict.REFUSED),
        ([], Verdict.PASSED),
    ],
)
def test_a_record_is_counted_by_what_became_of_it(
    watched: Watched, made: list[Outgoing], verdict: Verdict
) -> None:
    watched.metrics.mapped(RECORD, made, NOW + 250_000)
    counted = {
        one: watched.value("mapper_records_total", topic=RAW.name, verdict=one) for one in Verdict
    }
    assert counted == {one: float(one is verdict) for one in Verdict}
    letters = watched.value("dead_letters_total", stage="map", reason="unknown_unit")
    assert letters == made.count(LETTER)
    assert watched.value("end_to_end_seconds_sum", stage="map") == 0.25


def test_the_age_of_what_others_wrote_or_people_sent_again_is_not_our_slowness(
    watched: Watched,
) -> None:
    again = replace(RECORD, headers={"received": str(NOW), "first": "a" * 32, "tries": "2"})
    for record in (again, replace(RECORD, topic=BUS)):
        watched.metrics.mapped(record, [EVENT], NOW + 3_600_000_000)
    assert watched.value("end_to_end_seconds_count", stage="map") == 0
    assert watched.value("mapper_records_total", topic=BUS, verdict="mapped") == 1


def test_an_older_record_is_not_the_newest(watched: Watched) -> None:
    for at in (NOW, NOW - 5_000_000):
        watched.metrics.mapped(replace(RECORD, headers={"received": str(at)}), [EVENT], NOW)
    newest = watched.value("mapper_last_record_timestamp_seconds", topic=RAW.name)
    assert newest == NOW / 1_000_000


def test_first_failures_are_increases(watched: Watched) -> None:
    for topic in (RAW.name, BUS):
        for verdict in Verdict:
            assert watched.value("mapper_records_total", topic=topic, verdict=verdict) == 0
    for reason in Reason:
        assert watched.value("dead_letters_total", stage="map", reason=reason) == 0


def test_how_the_mapper_stands_is_asked_at_each_scrape(watched: Watched) -> None:
    watched.standing = Standing({(RAW.name, 3): Behind(7, 1.5)}, standstill=4.0, troubled=True)
    place = {"topic": RAW.name, "partition": "3"}
    assert watched.value("consumer_lag_messages", **place) == 7
    assert watched.value("consumer_lag_seconds", **place) == 1.5
    assert watched.value("mapper_partitions", topic=RAW.name) == 1
    assert watched.value("mapper_partitions", topic=BUS) == 0
    assert watched.value("mapper_standstill_seconds") == 4.0
    assert watched.value("mapper_trouble") == 1


def test_copies_that_are_missing_are_told_of_topics_that_we_know(watched: Watched) -> None:
    watched.standing = Standing(missing={RAW.name: 6, EVENTS.name: 12, "others": 3})
    found = {topic: watched.value("kafka_missing_replicas", topic=topic) for topic in NAMES}
    assert found == {RAW.name: 6, EVENTS.name: 12}
    assert "others" not in generate_latest(watched.registry).decode()


def test_thousands_of_senders_are_no_more_series(watched: Watched) -> None:
    watched.metrics.mapped(RECORD, [EVENT], NOW)
    before = len(generate_latest(watched.registry).splitlines())
    for number in range(2_000):
        watched.metrics.mapped(replace(RECORD, key=f"HOSP/LAB{number}".encode()), [EVENT], NOW)
    text = generate_latest(watched.registry).decode()
    assert len(text.splitlines()) == before
    assert "HOSP" not in text


# ---------------------------------------------------------------- seen


class Reader:
    """What a member would tell of itself."""

    def __init__(self) -> None:
        self.quiet = 0.0
        self.ours: dict[Place, Span] = {HERE: Span(5, 5), THERE: Span(5, 5)}

    def silence(self) -> float:
        return self.quiet

    def spans(self) -> dict[Place, Span]:
        return self.ours


class Seen:
    """A membership, and the member that it looks at every few seconds."""

    def __init__(self) -> None:
        self.steady, self.reader = Steady(), Reader()
        self.membership = Membership(self.steady)

    def look(self, seconds: float = LOOK_SECONDS) -> Membership:
        self.steady.seconds += seconds
        self.membership.look(cast("GroupReader", self.reader))
        return self.membership


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_who_has_partitions_and_is_heard_is_at_work(seen: Seen) -> None:
    assert seen.membership.problem() == "it has no place in its group yet"
    assert seen.look().problem() is None
    assert seen.membership.behind == {HERE: (0, 0.0), THERE: (0, 0.0)}


def test_who_has_no_partitions_is_not(seen: Seen) -> None:
    seen.reader.ours = {}
    assert "no partitions" in (seen.look().problem() or "")
    assert not seen.membership.is_deaf()


def test_who_is_not_heard_is_not_and_then_begins_anew(seen: Seen) -> None:
    seen.reader.quiet = SILENT_SECONDS + 1
    assert "not been heard" in (seen.look().problem() or "")
    assert not seen.membership.is_deaf()
    seen.reader.quiet = DEAF_SECONDS + 1
    assert seen.look(0.0).is_deaf(), "also between two looks at partitions"
    seen.membership.left()
    assert not seen.membership.is_deaf()
    assert seen.membership.problem() == "it has no place in its group yet"


def test_whom_nothing_is_brought_although_it_waits_begins_anew(seen: Seen) -> None:
    seen.reader.ours |= {THERE: Span(5, 9)}
    for _ in range(12):
        seen.look()
    assert seen.membership.standstill == 55.0
    assert seen.membership.behind[THERE] == (4, 55.0)
    assert not seen.membership.is_deaf()
    for _ in range(2):
        seen.look()
    assert seen.membership.is_deaf()
    seen.reader.ours |= {THERE: Span(6, 9)}
    assert not seen.look().is_deaf(), "something has moved"


def test_what_stands_still_in_spite_of_that_is_not_forgotten(seen: Seen) -> None:
    """Or nobody would be called where joining anew doesn't help."""
    ours = seen.reader.ours | {THERE: Span(5, 9)}
    seen.reader.ours = ours
    while not seen.look().is_deaf():
        pass
    seen.membership.left()
    assert seen.membership.standstill == 0.0
    seen.reader.ours = {}
    assert seen.look().standstill == 0.0, "they may be somebody else's by now"
    seen.reader.ours = ours
    assert seen.look().standstill > DEAF_SECONDS
    assert not seen.membership.is_deaf(), "it has just joined"
    for _ in range(12):
        seen.look()
    assert seen.membership.is_deaf()
    assert seen.membership.standstill > 2 * DEAF_SECONDS
    seen.reader.ours = {HERE: Span(5, 5)}
    assert seen.look().standstill == 0.0, "others have it"
