"""The pieces of the benchmark agree: same bytes, same rules, same alerts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from benchmarks.disorder import shuffled, untidy
from benchmarks.engine import Watch, arrivals
from benchmarks.handwritten import HandWritten, read_msgspec, read_stdlib
from benchmarks.verdicts import Difference, Streams, judge
from benchmarks.workload import DAYS, Message, tidy
from schemas.reading import decode_plain
from services.detector.engine.instants import instant
from services.ingest.decode import Decoded, decode_event

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENTS, EVENTS = 60, 60


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - makes patients, not secrets


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return tidy(seeded(7), PATIENTS, EVENTS)


@pytest.fixture(scope="module")
def streams(messages: list[Message]) -> Streams:
    return Streams.of(seeded(8), messages)


def test_a_seed_gives_the_same_bytes(messages: list[Message]) -> None:
    assert tidy(seeded(7), PATIENTS, EVENTS) == messages
    assert tidy(seeded(9), PATIENTS, EVENTS) != messages


def test_the_work_is_what_the_study_measured(messages: list[Message]) -> None:
    fields = [json.loads(message.line) for message in messages]
    assert set(Counter(each["patient_id"] for each in fields).values()) == {EVENTS}
    assert len({each["analyte"] for each in fields}) == 6
    span = max(message.at for message in messages) - min(message.at for message in messages)
    assert timedelta(days=DAYS - 60) < span <= timedelta(days=DAYS + 1)
    assert 350 < sum(len(message.line) for message in messages) / len(messages) < 450


def test_every_line_is_valid_and_plain(messages: list[Message]) -> None:
    for message in messages:
        strict = decode_event(message.line)
        assert isinstance(strict, Decoded), strict
        assert strict.notices == ()
        plain = decode_plain(message.line)
        assert plain is not None
        assert plain.as_event() == strict.event


def test_a_tidy_stream_has_one_result_a_day_and_in_order(messages: list[Message]) -> None:
    last: dict[str, int] = {}
    for fact, at in arrivals(messages):
        assert at == fact.issued
        assert fact.at < fact.issued
        assert fact.day > last.get(fact.event.patient_id, 0)
        last[fact.event.patient_id] = fact.day


def test_the_hand_written_readers_agree(messages: list[Message]) -> None:
    for message in messages:
        assert read_msgspec(message.line) == read_stdlib(message.line)


def test_the_engine_says_what_the_hand_written_machine_says(messages: list[Message]) -> None:
    hand = HandWritten()
    hand.run(read_msgspec(message.line) for message in messages)
    watch = Watch()
    watch.run_lines([message.line for message in messages])
    assert len(set(hand.alerts)) == len(hand.alerts)
    assert watch.standing(instant(messages[-1].at)) == set(hand.alerts)
    assert len(watch.said) == len(hand.alerts)
    assert {rule for _, rule, _, _ in hand.alerts} == {"BENCH-VL", "BENCH-PSA", "BENCH-LIVER"}


def test_words_change_nothing(messages: list[Message]) -> None:
    ready = arrivals(messages)
    written, decided = Watch(), Watch(words=False)
    written.run_facts(ready)
    decided.run_facts(ready)
    end = ready[-1][1]
    assert written.standing(end) == decided.standing(end)
    assert len(written.said) == len(decided.said)


def test_the_untidy_stream_holds_the_same_facts(streams: Streams) -> None:
    told = [json.loads(message.line) for message in streams.untidy]
    last: dict[str, tuple[bool, dict[str, object]]] = {}
    for each in told:
        corrected = each["status"] == "corrected"
        if corrected or not last.get(each["event_id"], (False, {}))[0]:
            last[each["event_id"]] = (corrected, each)
    ours = {event_id: each["value"] for event_id, (_, each) in last.items()}
    assert ours == {
        each["event_id"]: each["value"] for each in map(json.loads, _lines(streams.tidy))
    }


def test_the_untidy_stream_is_as_untidy_as_it_says(streams: Streams) -> None:
    events = len(streams.tidy)
    corrected = sum(b'"corrected"' in line for line in _lines(streams.untidy))
    doubled = events * 2 - len(set(_lines(streams.untidy)) & set(_lines(streams.tidy)))
    assert 0.01 < corrected / events < 0.03
    assert doubled - events >= corrected
    extra = len(streams.untidy) - events - corrected
    assert 0.015 < extra / events < 0.045
    out_of_order = sum(
        one.issued > two.issued
        for (one, _), (two, _) in zip(
            arrivals(streams.untidy), arrivals(streams.untidy)[1:], strict=False
        )
    )
    assert out_of_order / events > 0.05
    assert sorted(_lines(streams.shuffled)) == sorted(_lines(streams.untidy))


def test_the_order_of_arrival_does_not_matter(streams: Streams) -> None:
    verdicts = judge(streams)
    assert verdicts.right
    assert set(verdicts.engine) == {"tidy", "untidy", "shuffled"}
    assert sum(verdicts.alerts.values()) > 50


def test_a_wrong_stream_is_seen(streams: Streams) -> None:
    """The comparison can fail: without the corrections the alerts differ."""
    uncorrected = [message for message in streams.untidy if b'"corrected"' not in message.line]
    assert not judge(Streams(streams.tidy, uncorrected, streams.shuffled)).right


def test_difference() -> None:
    one, two = ("p", "R", "e", frozenset({"e"})), ("p", "R", "f", frozenset({"f"}))
    assert Difference.between({one}, {one}).none
    assert Difference.between({one}, {two}) == Difference(missed=1, false=1)


def test_disorder_is_seeded(messages: list[Message]) -> None:
    assert untidy(seeded(1), messages) == untidy(seeded(1), messages)
    assert shuffled(seeded(1), messages) == shuffled(seeded(1), messages)
    assert shuffled(seeded(1), messages) != shuffled(seeded(2), messages)


def _lines(messages: Sequence[Message]) -> list[bytes]:
    return [message.line for message in messages]
