"""A cohort is reproducible, valid, complete, and untidy within bounds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from schemas.base import as_utc
from schemas.events import EVENT, Observation, Patient, Status
from services.simulator.cohort import BLOOD_RULES, Cohort, simulate
from services.simulator.delivery import LATE_FROM
from services.simulator.stories import STORIES
from services.simulator.writers import WRITERS, truth_csv

if TYPE_CHECKING:
    from services.simulator.delivery import AnyEvent

START = date(2024, 1, 1)
ALL_STORIES = sum(story.share for story in STORIES)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    """Three decks of patients, so that every story occurs."""
    return simulate(11, 3 * ALL_STORIES, START, 24)


def versions(cohort: Cohort) -> dict[tuple[str, datetime | None], AnyEvent]:
    """Each version once, however often it was sent."""
    return {(event.event_id, event.issued_at): event for event in cohort.events}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    once, again = simulate(5, 10, START, 24), simulate(5, 10, START, 24)
    write = WRITERS[name]
    assert b"".join(write(once.dispatches)) == b"".join(write(again.dispatches))
    assert truth_csv(once.truth) == truth_csv(again.truth)


def test_another_seed_gives_other_patients() -> None:
    assert simulate(5, 5, START, 24).events != simulate(6, 5, START, 24).events


def test_a_patient_is_the_same_in_a_larger_cohort() -> None:
    few, many = simulate(5, 4, START, 24), simulate(5, 30, START, 24)
    inside = {verdict.patient_id for verdict in few.truth}
    assert few.truth == tuple(v for v in many.truth if v.patient_id in inside)
    assert few.events == tuple(e for e in many.events if e.patient_id in inside)


def test_decimal_settings_of_the_caller_change_nothing() -> None:
    from decimal import localcontext  # noqa: PLC0415

    plain = simulate(5, 20, START, 24)
    with localcontext() as context:
        context.prec = 6
        assert simulate(5, 20, START, 24).events == plain.events


def test_every_event_passes_the_contract(cohort: Cohort) -> None:
    for event in versions(cohort).values():
        assert EVENT.validate_json(event.to_json()) == event


def test_every_story_is_told(cohort: Cohort) -> None:
    assert {verdict.story for verdict in cohort.truth} == {story.name for story in STORIES}


def test_the_uneventful_is_commoner(cohort: Cohort) -> None:
    told = Counter(v.story for v in cohort.truth if v.rule == BLOOD_RULES[0])
    assert told["control"] > told["hys-law"]
    silent = sum(verdict.state == "none" for verdict in cohort.truth)
    assert silent > len(cohort.truth) / 2


def test_everything_is_released_within_the_period(cohort: Cohort) -> None:
    first = datetime(START.year, START.month, START.day, tzinfo=UTC)
    for event in cohort.events:
        assert event.issued_at is not None
        assert first <= event.issued_at < as_utc(cohort.until)


def test_messages_come_in_the_order_of_sending(cohort: Cohort) -> None:
    sent = [dispatch.sent_at for dispatch in cohort.dispatches]
    assert sent == sorted(sent)


def test_nothing_is_released_before_it_is_true(cohort: Cohort) -> None:
    for event in cohort.events:
        assert event.issued_at is not None
        assert as_utc(event.effective_at) < event.issued_at


def test_nothing_happens_after_death(cohort: Cohort) -> None:
    died = {
        event.patient_id: as_utc(event.deceased_at)
        for event in cohort.events
        if isinstance(event, Patient) and event.deceased_at is not None
    }
    assert died
    for event in cohort.events:
        if event.patient_id in died:
            assert as_utc(event.effective_at) < died[event.patient_id] + timedelta(days=1)


def test_a_fact_keeps_patient_source_and_time_in_all_versions(cohort: Cohort) -> None:
    seen: dict[str, tuple[str, str, object]] = {}
    for event in cohort.events:
        own = (event.patient_id, event.source, event.effective_at)
        assert seen.setdefault(event.event_id, own) == own


def test_no_two_versions_of_a_fact_are_released_at_once(cohort: Cohort) -> None:
    known = versions(cohort)
    for event in cohort.events:
        assert known[event.event_id, event.issued_at] == event


def share(part: int, whole: int) -> float:
    return part / whole


def test_three_messages_in_a_hundred_are_sent_twice(cohort: Cohort) -> None:
    sent = Counter(tuple((e.event_id, e.issued_at) for e in d.events) for d in cohort.dispatches)
    again = sum(count - 1 for count in sent.values())
    assert 0.02 < share(again, len(sent)) < 0.04


def test_eight_results_in_a_hundred_are_late(cohort: Cohort) -> None:
    released: dict[str, timedelta] = {}
    for event in versions(cohort).values():
        if isinstance(event, Observation) and event.issued_at is not None:
            wait = event.issued_at - as_utc(event.effective_at)
            released[event.event_id] = min(wait, released.get(event.event_id, wait))
    late = sum(wait > LATE_FROM for wait in released.values())
    assert 0.06 < share(late, len(released)) < 0.10


def test_two_messages_in_a_hundred_are_corrections(cohort: Cohort) -> None:
    orders = {
        (event.event_id.partition(".")[0], event.issued_at): event.status
        for event in versions(cohort).values()
    }
    corrected = sum(status is Status.CORRECTED for status in orders.values())
    assert 0.012 < share(corrected, len(orders)) < 0.03


def test_some_messages_overtake_others(cohort: Cohort) -> None:
    latest, overtaken = None, 0
    for dispatch in cohort.dispatches:
        issued = dispatch.events[0].issued_at
        assert issued is not None
        overtaken += latest is not None and issued < latest
        latest = issued if latest is None else max(latest, issued)
    assert 0.03 < share(overtaken, len(cohort.dispatches)) < 0.12


def test_every_kind_of_untidiness_occurs(cohort: Cohort) -> None:
    assert {event.status for event in cohort.events} == set(Status)
    units = {(e.analyte, e.unit) for e in cohort.events if isinstance(e, Observation)}
    assert {("mspike", "g/dL"), ("mspike", "g/L")} <= units
    assert {("hiv_rna", "{copies}/mL"), ("hiv_rna", "{log_copies}/mL")} <= units
    assert {("creatinine", "umol/L"), ("creatinine", "mg/dL")} <= units
    assert ("creatinine", "mg/vial") in units
    assert any(isinstance(e, Observation) and e.comparator for e in cohort.events)


def test_there_is_one_truth_for_a_patient_and_a_rule(cohort: Cohort) -> None:
    count = Counter((verdict.patient_id, verdict.rule) for verdict in cohort.truth)
    assert set(count.values()) == {1}


def test_everybody_has_a_truth_about_blood_tests(cohort: Cohort) -> None:
    told = {(verdict.patient_id, verdict.rule) for verdict in cohort.truth}
    for patient in {event.patient_id for event in cohort.events}:
        assert {(patient, rule) for rule in BLOOD_RULES} <= told


def test_silence_has_no_dates_and_onset_comes_first(cohort: Cohort) -> None:
    for verdict in cohort.truth:
        if verdict.state == "none":
            assert (verdict.tag, verdict.at, verdict.onset) == (None, None, None)
        if verdict.at is not None:
            assert START <= verdict.at < cohort.until
        if verdict.at is not None and verdict.onset is not None:
            assert verdict.onset <= verdict.at


def test_hospitals_act_after_the_failure_could_be_known(cohort: Cohort) -> None:
    known = {
        verdict.patient_id: verdict.at
        for verdict in cohort.truth
        if verdict.state == "confirmed" and verdict.rule not in BLOOD_RULES and verdict.at
    }
    switched = [label for label in cohort.labels if label.recorded_switch_on]
    assert switched
    for label in switched:
        assert label.recorded_switch_on is not None
        assert label.recorded_switch_on > known[label.patient_id]


def test_labels_name_the_day_of_the_next_line(cohort: Cohort) -> None:
    starts = {
        (event.patient_id, event.effective_at)
        for event in cohort.events
        if event.type == "treatment" and event.phase == "started"
    }
    for label in cohort.labels:
        if label.recorded_switch_on is not None:
            assert (label.patient_id, label.recorded_switch_on) in starts


def test_a_short_period_holds_only_short_stories() -> None:
    short = simulate(3, 40, START, 6)
    long = {story.name for story in STORIES if story.days > 150}
    assert not long & {verdict.story for verdict in short.truth}


@pytest.mark.parametrize(
    ("patients", "months", "field"), [(0, 24, "patients"), (1, 5, "months"), (1, 121, "months")]
)
def test_impossible_sizes_are_refused(patients: int, months: int, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        simulate(1, patients, START, months)
