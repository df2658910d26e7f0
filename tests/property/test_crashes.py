"""A crash between any two steps, and the same again from Kafka: the alerts of a monitor alone.

What a worker does with a record is four steps: the row is stored, the changelog has it, each thing
is sent, the place is committed. Here it is killed between any of them, several times, and goes on
with its own disk or with the changelog alone.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import histories
from support.living import facts_of, rule_named, the_end
from support.partition import Crash, Partition

from schemas.alerts import OPEN_STATES, AlertRevision
from schemas.topics import ALERTS
from services.detector.adapters.keyed import Judging
from services.detector.adapters.replay import replay
from services.detector.engine.instants import instant, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from support.telling import History

    from schemas.events import ClinicalEvent

Told = dict[tuple[str, int], str]
"""Content of each revision, by alert and number."""


class End(NamedTuple):
    """How a worker ends: after so many steps; and whether its disk is lost with it."""

    steps: int
    moved: bool


ENDS = st.lists(st.builds(End, st.integers(0, 25), st.booleans()), max_size=6)


def without_merges(history: History) -> list[ClinicalEvent]:
    found = (one for one in history.versions if getattr(one, "merged_into", None) is None)
    return sorted(found, key=issued)


def issued(event: ClinicalEvent) -> int:
    assert event.issued_at is not None
    return instant(event.issued_at)


def survive(partition: Partition, ends: Iterator[End], until: int) -> None:
    """Let the worker go on and time pass, whatever happens."""
    while True:
        try:
            partition.work()
            partition.let_pass(until)
        except Crash:
            arm(partition, ends, after_crash=True)
        else:
            return


def arm(partition: Partition, ends: Iterator[End], *, after_crash: bool = False) -> None:
    end = next(ends, None)
    if after_crash:
        (partition.moved if end is not None and end.moved else partition.start)()
    partition.steps_left = None if end is None else end.steps


def lived(events: Iterable[ClinicalEvent], rule: str, ends: Iterable[End], until: int) -> Partition:
    """Everything published at its issue, with workers that end like that."""
    partition = Partition(Judging.by([rule_named(rule)]))
    plan = iter(ends)
    arm(partition, plan)
    for received, together in groupby(events, key=issued):
        survive(partition, plan, received - 1)
        for event in together:
            partition.put(event, received)
    survive(partition, plan, until)
    return partition


def told(partition: Partition) -> Told:
    found: Told = {}
    for one in partition.sent:
        assert one.topic == ALERTS.name
        revision = AlertRevision.model_validate_json(one.value)
        name = revision.alert_id, revision.revision
        assert found.setdefault(name, one.value) == one.value, "one revision, one content"
    return found


def expected(events: Iterable[ClinicalEvent], rule: str, until: int) -> Told:
    journal = replay(events, [rule_named(rule)], until=moment(until)).revisions
    return {(one.alert_id, one.revision): one.to_json().decode() for one in journal}


@settings(max_examples=150)
@given(histories(), ENDS)
def test_crashes_lose_nothing_and_invent_nothing(history: History, ends: list[End]) -> None:
    events = without_merges(history)
    until = the_end(facts_of(events))
    partition = lived(events, history.rule, ends, until)
    assert told(partition) == expected(events, history.rule, until)


@settings(max_examples=150)
@given(histories(), ENDS, st.data())
def test_two_workers_at_once_say_what_one_says(
    history: History, ends: list[End], data: st.DataObject
) -> None:
    """One fell asleep somewhere and wakes up somewhere else, in the middle of what it did."""
    events = without_merges(history)
    until = the_end(facts_of(events))
    rule = history.rule
    partition = lived(events[: len(events) // 2], rule, ends, 0)
    for received, together in groupby(events[len(events) // 2 :], key=issued):
        asleep = partition.twin()
        survive(partition, iter(()), received - 1)
        for event in together:
            partition.put(event, received)
        survive(partition, iter(()), received)
        records = [one for log in partition.topics.values() for one in log]
        for record in data.draw(st.lists(st.sampled_from(records), max_size=4)):
            asleep.handle(record)
    partition.moved()
    survive(partition, iter(()), until)
    assert told(partition) == expected(events, rule, until)


def standing(revisions: Iterable[AlertRevision]) -> dict[str, str]:
    """Of each alert that stands, what it says last."""
    last = {one.alert_id: one for one in revisions}
    return {name: one.digest for name, one in last.items() if one.state in OPEN_STATES}


@settings(max_examples=150)
@given(histories(), ENDS)
def test_merged_records_end_in_the_alerts_of_one(history: History, ends: list[End]) -> None:
    """They are judged apart; the facts of one are handed to the other, over Kafka."""
    events = sorted(history.versions, key=issued)
    until = the_end(facts_of(events))
    partition = lived(events, history.rule, ends, until)
    journal = replay(events, [rule_named(history.rule)], until=moment(until)).revisions
    sent = (AlertRevision.model_validate_json(text) for _, text in sorted(told(partition).items()))
    assert standing(sent) == standing(journal)
