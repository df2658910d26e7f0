"""Merges as the detector itself tells them, in any order, and with crashes in the middle."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support import packs
from support.five_patients import RULES, five_events
from support.merging import NEW, NEWER, OLD, merge, open_cases, says
from support.notifying import Bench, premises

from schemas.alerts import AlertRevision, State
from schemas.base import as_utc
from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.language.compiler import compile_rule
from services.notifier.cases.words import Cause
from services.notifier.service import agenda
from services.notifier.service.agenda import take_in
from services.notifier.service.inputs import occurred, revised
from services.notifier.store.database import opened
from services.notifier.store.migrating import migrate
from services.notifier.store.tables import INPUTS, NOTICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.events import Event
    from services.notifier.store.intake import Given

MINUTE = timedelta(minutes=1)
MERGED_AT = datetime.fromisoformat("2026-03-02T09:00:00+00:00")


def heir(patient: str) -> str:
    """Under which id a patient's record goes on."""
    return patient.replace("HOSP|2", "HOSP|3")


def merged(patient: str) -> Event:
    """The event that says so."""
    said = {"type": "patient", "event_id": f"m-{patient}", "patient_id": patient, "source": "ADT"}
    said |= {"effective_at": "2026-03-02", "issued_at": MERGED_AT.isoformat(), "status": "final"}
    return EVENT.validate_python(said | {"merged_into": heir(patient)})


def archive() -> Iterator[tuple[datetime, Given]]:
    """Five records that live on under other ids, and what the rules say of them, as it comes."""
    events: list[Event] = [*five_events(), *map(merged, RULES.values())]
    rules = [compile_rule(rule) for rule in packs.rules() if rule.id in RULES]
    found = replay(events, rules, until=MERGED_AT).revisions
    told = [(as_utc(one.issued_at or MERGED_AT), 0, occurred(one)) for one in events]
    told += [(one.at, 1, revised(one)) for one in found]
    for at, _, one in sorted(told, key=lambda each: each[:2]):
        yield at, one


@pytest.mark.slow
def test_what_the_detector_says_of_a_merge_is_told_nobody_twice(lone: Bench) -> None:
    """It withdraws what it said of the one record, and tells the other's whole history anew."""
    for lone.now, one in archive():
        lone.take(one)
    lone.pass_time(5 * MINUTE, stride=MINUTE)
    cases = open_cases(lone)
    assert {one.course.patient_id for one in cases} == set(map(heir, RULES.values()))
    for case in cases:
        assert {one.record for one in case.standing} == {None}, "the survivor's own alerts speak"
        assert case.forerunners
    told = {Cause.NEW_FINDING, Cause.HIGHER_SEVERITY, Cause.RETRACTION, Cause.RESOLVED}
    assert told & set(_causes(lone, *map(heir, RULES.values()))) == set()


def _causes(bench: Bench, *patients: str) -> Iterator[str]:
    """Why somebody was to be told of the cases of these records."""
    query = select(NOTICES.c.body).where(NOTICES.c.patient_id.in_(patients))
    return (str(json.loads(row.body).get("cause")) for row in bench.rows(query))


# -- any order

ALERTS: tuple[tuple[AlertRevision, ...], ...] = (
    (says(OLD), says(OLD, State.RETRACTED, revision=2)),
    (says(NEW), says(NEW, State.RETRACTED, revision=2)),
    (says(NEWER, rule="R1"),),
    (says(OLD, rule="R2"),),
    (says(NEWER, rule="R3"), says(NEWER, State.REFUTED, rule="R3", revision=2)),
)
"""Each alert's revisions, in their order."""
MERGES = (merge(OLD, NEW), merge(NEW, NEWER))
UNDONE = merge(NEW, NEWER, status="entered-in-error", hours=1)
LAST = (f"R1-of-{NEWER}", State.CONFIRMED)
FIRST = (f"R2-of-{OLD}", State.CONFIRMED)


@st.composite
def histories(draw: st.DrawFn, *, undone: bool) -> list[Given]:
    """Merges and alerts in any order, but that the revisions of an alert come in theirs."""
    lanes = [[revised(each) for each in one] for one in ALERTS]
    lanes += [[one] for one in (*MERGES, *([UNDONE] if undone else []))]
    found: list[Given] = []
    while lanes:
        lane = draw(st.sampled_from(range(len(lanes))))
        found.append(lanes[lane].pop(0))
        lanes = [one for one in lanes if one]
    return found


def lived(news: Sequence[Given]) -> dict[str, list[tuple[str, State]]]:
    """Take in all of it, one by one, and wait until nothing is left to be said.

    Returns:
        What stands in the open cases, by their patients.
    """
    with tempfile.TemporaryDirectory() as folder, opened(f"{folder}/n.db") as database:
        migrate(database)
        bench = Bench(database, premises(Path(folder) / "teams"))
        for one in news:
            take_in(bench.database, [one], bench.now, {})
            bench.now += timedelta(seconds=20)
            bench.work()
        bench.pass_time(3 * MINUTE, stride=MINUTE)
        cases = [one for one in open_cases(bench) if one.standing]
    return {
        one.course.patient_id: [(each.alert_id, State(each.state)) for each in one.standing]
        for one in cases
    }


@settings(max_examples=5)
@given(histories(undone=False))
def test_any_order_of_merges_and_alerts_ends_in_the_same_cases(news: list[Given]) -> None:
    assert lived(news) == {NEWER: [LAST, FIRST]}


@settings(max_examples=5)
@given(histories(undone=True))
def test_so_does_any_order_in_which_a_merge_is_taken_back(news: list[Given]) -> None:
    """Also one in which that comes before the merge itself."""
    assert lived(news) == {NEW: [FIRST], NEWER: [LAST]}


# -- crashes


class Killed(BaseException):
    """The process is gone; what it had not committed never was."""


@pytest.mark.parametrize("place", range(1, 9))
def test_a_crash_at_any_place_of_a_merge_changes_nothing(
    lone: Bench, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    """Before and after the commits of the record that hands on, and of the one that takes over."""
    lone.take(says(OLD), says(NEW, rule="R2"))
    lone.settle()
    left = place

    def reached(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    monkeypatch.setattr(agenda, "reached", reached)
    for given_ in (merge(), merge(NEW, NEWER)):
        for _ in range(2):  # a feed that was not acknowledged tells it again
            try:
                lone.take(given_)
            except Killed:
                continue
    lone.take(merge(), merge(NEW, NEWER))
    (case,) = open_cases(lone)
    assert case.course.patient_id == NEWER
    assert {one.rule for one in case.standing} == {"R1", "R2"}
    assert lone.rows(select(INPUTS.c.seq).where(INPUTS.c.body.is_not(None))) == []
    assert Counter(_causes(lone, OLD, NEW, NEWER)) == {Cause.NEW_FINDING: 2}
