"""What makes a notice and what does not: news, retractions, closed cases, the record."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from support.cases import (
    ANNE,
    COURSE,
    DAY,
    HOUR,
    START,
    World,
    actions,
    alert,
    audit,
    gaps,
    site,
)

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from schemas.events import EVENT
from services.notifier.cases.commands import (
    Acknowledge,
    Alerted,
    DigestSent,
    Dispose,
    Happened,
    Snooze,
    Tick,
)
from services.notifier.cases.happened import course_after
from services.notifier.cases.step import step
from services.notifier.cases.words import CaseState, Channel, Duty
from services.notifier.quality.intervals import intervals

FIRST = ANNE.id


def causes(world: World) -> list[str]:
    return [cause for _, __, cause in world.told]


def event(kind: str, at: object = START, **fields: object) -> Happened:
    """A clinical event of the patient."""
    said: dict[str, object] = {
        "type": kind,
        "event_id": f"{kind}-1",
        "patient_id": COURSE.patient_id,
        "source": "EHR",
        "effective_at": at,
        **fields,
    }
    return Happened(event=EVENT.validate_python(said))


def new_line(**fields: object) -> Happened:
    said: dict[str, object] = {"course_id": "C2", "condition": "cml", "modality": "targeted"}
    return event("treatment", **{**said, "line": 2, "phase": "started", **fields})


def test_an_alert_that_does_not_stand_opens_no_case() -> None:
    world = World()
    done = world.give(alert(State.RETRACTED))
    assert (done.case, done.effects, done.wake_at) == (None, (), None)


@pytest.mark.parametrize("given", [Tick(), Acknowledge(by=FIRST), new_line()])
def test_without_an_alert_there_is_no_case(given: Tick | Acknowledge | Happened) -> None:
    assert World().give(given).case is None


def test_the_same_revision_again_says_nothing() -> None:
    world = World()
    world.give(alert())
    for again in (alert(), alert(revision=1, severity=Severity.CRITICAL)):
        assert world.give(again).effects == ()


def test_a_revision_without_news_interrupts_nobody() -> None:
    world = World()
    world.give(alert())
    world.give(alert(revision=2, summary="another sentence"), START + HOUR)
    assert causes(world) == ["new-finding"]


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (
            alert(State.CONFIRMED, Severity.IMPORTANT, revision=2, act_by=START + 10 * DAY),
            "new-finding",
        ),
        (alert(State.SUSPECTED, Severity.URGENT, revision=2), "higher-severity"),
        (
            alert(
                State.SUSPECTED,
                Severity.IMPORTANT,
                revision=2,
                act_by=START + 9 * DAY,
            ),
            "earlier-deadline",
        ),
        (
            alert(
                State.SUSPECTED,
                Severity.IMPORTANT,
                revision=2,
                act_by=START + 10 * DAY,
                confirmation_overdue=True,
            ),
            "new-finding",
        ),
    ],
    ids=["confirmed", "graver", "sooner", "test overdue"],
)
def test_what_notifies_again(second: object, cause: str) -> None:
    world = World()
    world.give(alert(State.SUSPECTED, Severity.IMPORTANT, act_by=START + 10 * DAY))
    world.give(Acknowledge(by=FIRST), START + HOUR)
    world.give(second, START + 2 * HOUR)  # type: ignore[arg-type]  # built above
    assert world.open.state is CaseState.ASSIGNED
    assert causes(world) == ["new-finding", cause]


def test_a_deadline_that_creeps_nearer_by_hours_is_no_news_until_it_is_a_day() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.give(Acknowledge(by=FIRST))
    for revision, hours in ((2, 10), (3, 20)):
        world.give(alert(revision=revision, act_by=START + 20 * DAY - hours * HOUR))
    assert causes(world) == ["new-finding"]
    assert world.open.act_by == START + 20 * DAY - 20 * HOUR
    world.give(alert(revision=4, act_by=START + 19 * DAY))
    assert causes(world) == ["new-finding", "earlier-deadline"]


def test_a_lesser_finding_beside_a_graver_one_waits_for_the_digest() -> None:
    world = World()
    world.give(alert(severity=Severity.URGENT))
    world.give(Acknowledge(by=FIRST))
    world.give(alert(severity=Severity.ADVISORY, name="a2"), START + HOUR)
    assert world.open.state is CaseState.ACKNOWLEDGED
    assert world.open.in_digest
    assert causes(world) == ["new-finding"]


def test_a_tier_of_a_window_is_news() -> None:
    world = World()
    world.give(alert(State.WINDOW, tag="first"))
    world.give(alert(State.WINDOW, tag="first", revision=2))
    world.give(alert(State.WINDOW, tag="second", revision=3))
    assert causes(world) == ["new-finding", "new-finding"]


# --- Taking back ------------------------------------------------------------------------------


def test_everybody_who_was_told_hears_of_a_retraction_on_the_same_channel() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.until(START + 5 * DAY)
    told = {(to, channel) for to, channel, _ in world.told}
    world.give(alert(State.RETRACTED, revision=2))
    back = {(to, channel) for to, channel, cause in world.told if cause == "retraction"}
    assert {to for to, _ in back} == {to for to, _ in told}
    assert {"person:first", "person:cover"} <= {to for to, _ in back}
    assert back <= told
    assert world.until(START + 100 * DAY) == [], "and the ladder is over"


def test_a_retraction_after_closing_is_told_too() -> None:
    world = World()
    world.give(alert())
    world.give(Dispose(by=FIRST, disposition=Disposition.TREATMENT_CHANGED))
    world.give(alert(State.RETRACTED, revision=2), START + 40 * DAY)
    assert world.told[-1] == ("person:first", "push", "retraction")
    assert world.open.state is CaseState.CLOSED


def test_who_only_acknowledged_hears_of_it_too() -> None:
    world = World()
    world.give(alert())
    world.give(Acknowledge(by="lead"))
    world.give(alert(State.RETRACTED, revision=2))
    assert ("person:lead", "message", "retraction") in world.told


def test_what_was_only_in_a_digest_is_taken_back_by_message() -> None:
    world = World()
    world.give(alert(severity=Severity.ADVISORY))
    world.give(DigestSent(to=ANNE, channel=Channel.DIGEST))
    world.give(alert(State.RETRACTED, Severity.ADVISORY, revision=2))
    assert world.told == [("person:first", "message", "retraction")]


def test_what_nobody_was_told_closes_itself() -> None:
    world = World()
    world.give(alert(severity=Severity.ADVISORY))
    world.give(alert(State.CLEARED, Severity.ADVISORY, revision=2))
    assert world.open.state is CaseState.CLOSED
    assert world.told == []


def test_what_somebody_was_told_does_not_close_itself() -> None:
    world = World()
    world.give(alert())
    world.give(alert(State.REFUTED, revision=2))
    assert world.open.state is CaseState.ASSIGNED
    assert world.told[-1] == ("person:first", "message", "resolved")


def test_a_finding_that_comes_back_after_a_retraction_is_new() -> None:
    world = World()
    world.give(alert())
    world.give(alert(State.RETRACTED, revision=2))
    world.give(alert(revision=3))
    assert causes(world) == ["new-finding", "retraction", "new-finding"]


def test_a_retraction_of_one_finding_leaves_the_other() -> None:
    world = World()
    world.give(alert(severity=Severity.CRITICAL))
    world.give(alert(severity=Severity.URGENT, name="a2"))
    world.give(alert(State.RETRACTED, Severity.CRITICAL, revision=2))
    assert world.open.severity is Severity.URGENT
    assert world.open.state is CaseState.ASSIGNED


# --- After closing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("disposition", "days", "episode"),
    [
        (Disposition.CONFIRMATORY_TEST_ORDERED, 30, 1),
        (Disposition.CONFIRMATORY_TEST_ORDERED, 31, 2),
        (Disposition.TREATMENT_CHANGED, 1, 2),
        (Disposition.NOT_CLINICALLY_RELEVANT, 1, 2),
    ],
)
def test_news_reopens_or_begins_anew(disposition: Disposition, days: int, episode: int) -> None:
    world = World()
    world.give(alert(State.SUSPECTED))
    before = world.open.case_id
    world.give(Dispose(by=FIRST, disposition=disposition))
    later = START + days * DAY
    world.give(alert(State.CONFIRMED, revision=2, at=later), later)
    assert (world.open.state, world.open.episode) == (CaseState.ASSIGNED, episode)
    assert (world.open.case_id == before) is (episode == 1)
    assert world.open.disposition is None
    assert causes(world)[-1] == "new-finding"


def test_what_was_decided_asks_for_nothing_in_the_next_episode() -> None:
    world = World()
    world.give(alert(severity=Severity.CRITICAL))
    world.give(Dispose(by=FIRST, disposition=Disposition.PATIENT_DECLINED))
    later = START + 60 * DAY
    world.give(alert(name="a2", at=later), later)
    assert (world.open.state, world.open.severity) == (CaseState.ASSIGNED, Severity.URGENT)
    assert world.notices[-1].facts.findings == 1


def test_saying_it_again_is_no_delay() -> None:
    world = World()
    world.give(alert())
    for week in (1, 2):
        later = START + week * 3 * DAY
        world.give(alert(revision=1 + week, at=later), later)
    assert world.open.act_by == START + 7 * DAY


def test_becoming_graver_is_no_delay_either() -> None:
    world = World()
    world.give(alert())
    almost = START + 7 * DAY - HOUR
    world.give(alert(severity=Severity.CRITICAL, revision=2, at=almost), almost)
    assert world.open.act_by == START + 7 * DAY


def test_becoming_graver_is_sooner() -> None:
    world = World()
    world.give(alert())
    later = START + 2 * DAY
    world.give(alert(severity=Severity.CRITICAL, revision=2, at=later), later)
    assert world.open.act_by == later + DAY


def test_a_nearer_deadline_alone_reopens_nothing() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.give(Dispose(by=FIRST, disposition=Disposition.PATIENT_DECLINED))
    world.give(alert(revision=2, act_by=START + 10 * DAY))
    assert world.open.state is CaseState.CLOSED


# --- The record -------------------------------------------------------------------------------


def test_a_new_line_of_treatment_closes_the_loop() -> None:
    world = World()
    world.give(alert())
    world.give(new_line(at=START + 3 * DAY), START + 4 * DAY)
    assert world.open.state is CaseState.CLOSED
    assert actions(world.effects) == ["salvage-started"]
    assert intervals(world.open.marks).evidence_to_salvage == 4 * DAY


@pytest.mark.parametrize(
    "other",
    [
        new_line(line=1),
        new_line(phase="planned"),
        new_line(condition="hiv"),
        new_line(at=START - 2 * DAY),
        new_line(status="entered-in-error"),
        new_line(patient_id="HOSP|000002"),
    ],
    ids=["same line", "planned", "other disease", "before the evidence", "error", "other patient"],
)
def test_other_treatments_close_nothing(other: Happened) -> None:
    world = World()
    world.give(alert())
    world.give(other)
    assert world.open.is_open


def test_without_line_numbers_another_course_counts_and_the_same_does_not() -> None:
    for course, state in (("C1", CaseState.ASSIGNED), ("C2", CaseState.CLOSED)):
        world = World()
        world.give(alert())
        world.give(new_line(line=None, course_id=course))
        assert world.open.state is state


def test_salvage_after_a_disposition_is_noted_once() -> None:
    world = World()
    world.give(alert())
    world.give(Dispose(by=FIRST, disposition=Disposition.SALVAGE_REFERRED))
    for _ in range(2):
        world.give(new_line(at=START + 3 * DAY), START + 4 * DAY)
    assert actions(world.effects) == ["disposed", "salvage-started"]
    assert world.open.disposition is Disposition.SALVAGE_REFERRED


def test_a_treatment_entered_in_error_opens_the_case_again() -> None:
    world = World()
    world.give(alert())
    world.give(new_line())
    world.give(new_line(status="entered-in-error"), START + HOUR)
    assert world.open.state is CaseState.ASSIGNED
    assert world.told[-1] == ("person:first", "push", "correction")
    assert world.open.marks.salvage is None


def test_a_later_dose_changes_nothing_of_what_had_closed_the_case() -> None:
    world = World()
    world.give(alert())
    world.give(new_line())
    world.give(new_line(event_id="dose-2"), START + DAY)
    world.give(new_line(status="entered-in-error"), START + 2 * DAY)
    assert world.open.state is CaseState.ASSIGNED


def test_death_closes_the_case() -> None:
    world = World()
    world.give(alert())
    world.give(event("patient", deceased_at=date(2026, 3, 3)))
    assert (world.open.state, world.open.disposition) == (
        CaseState.CLOSED,
        Disposition.DECEASED,
    )
    assert world.until(START + 60 * DAY) == []


def test_the_awaited_result_ends_a_snooze() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.give(Snooze(by=FIRST, until=START + 10 * DAY, awaiting="bcr_abl"))
    result = {"value": "1", "unit": "%"}
    world.give(event("observation", analyte="psa", **result), START + DAY)
    assert world.open.state is CaseState.SNOOZED
    world.give(event("observation", analyte="bcr_abl", **result), START + DAY)
    assert world.told[-1] == ("person:first", "push", "snooze-ended")


def test_the_course_is_known_from_its_events() -> None:
    known = course_after(COURSE, event("patient", care_team="HAEM").event)
    assert known.care_team == "HAEM"
    known = course_after(known, new_line(course_id="C1", line=3).event)
    assert (known.line, known.care_team) == (3, "HAEM")
    assert course_after(known, new_line(patient_id="HOSP|2", course_id="C1").event) == known


# --- Who, and what a message says --------------------------------------------------------------


def test_nobody_on_duty_is_reported_and_the_desk_stands_in() -> None:
    world = World(site(away=frozenset({Duty.OWNER})))
    world.give(alert())
    assert set(gaps(world.effects)) == {"owner"}
    assert world.told == [("desk:desk", "phone", "new-finding")]


def test_info_is_in_one_digest_and_that_is_all() -> None:
    world = World()
    world.give(alert(State.INFO))
    assert world.open.in_digest
    assert world.wake_at is None
    world.give(DigestSent(to=ANNE))
    assert world.open.state is CaseState.CLOSED
    assert world.told == []


def test_what_asks_nothing_interrupts_nobody_whatever_its_severity() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.give(Acknowledge(by=FIRST))
    world.give(alert(State.INFO, Severity.CRITICAL, name="a2"))
    assert (world.open.state, world.open.in_digest) == (CaseState.ACKNOWLEDGED, True)
    assert causes(world) == ["new-finding"]


def test_what_asks_something_is_news_beside_what_asked_nothing() -> None:
    world = World()
    world.give(alert(State.INFO, Severity.CRITICAL))
    world.give(alert(State.CONFIRMED, Severity.URGENT, name="a2"))
    assert causes(world) == ["higher-severity"]


def test_an_alert_that_turns_into_information_ends_the_ladder() -> None:
    world = World()
    world.give(alert())
    world.give(alert(State.INFO, revision=2))
    world.until(START + 30 * DAY)
    assert causes(world) == ["new-finding"]
    assert world.open.is_open, "somebody was told, and closes it"


def test_a_message_holds_nothing_of_the_patient() -> None:
    world = World()
    secret: dict[str, Any] = {"title": "SENTINEL", "summary": "SENTINEL"}
    world.give(alert(name="SENTINEL-a", **secret))
    world.until(START + 10 * DAY)
    world.give(alert(State.RETRACTED, revision=2, name="SENTINEL-a", **secret))
    for one in world.notices:
        text = one.facts.model_dump_json() + one.notice_id
        for word in ("SENTINEL", COURSE.patient_id, "000001", "cml", "C1", one.case_id):
            assert word not in text


def test_references_differ_between_houses_and_not_between_messages() -> None:
    world = World()
    world.give(alert())
    world.until(START + 10 * DAY)
    assert len({one.facts.reference for one in world.notices}) == 1
    mine = world.site.reference(world.open.case_id)
    assert mine == world.notices[0].facts.reference
    assert mine != type(world.site)(world.site.policy, world.site.roster, b"other").reference(
        world.open.case_id
    )


def test_the_intervals_of_an_episode() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY), START + HOUR)
    world.give(Acknowledge(by=FIRST), START + 3 * HOUR)
    world.give(Dispose(by=FIRST, disposition=Disposition.DOSE_ADJUSTED), START + 7 * HOUR)
    found = intervals(world.open.marks)
    assert found.evidence_to_alert == DAY
    assert found.alert_to_notice == HOUR
    assert found.notice_to_acknowledgement == 2 * HOUR
    assert found.acknowledgement_to_disposition == 4 * HOUR
    assert found.evidence_to_salvage is None
    assert found.lead == 20 * DAY


def test_an_old_case_reads_as_it_was_written() -> None:
    world = World()
    world.give(alert())
    world.give(Acknowledge(by=FIRST))
    again = type(world.open).model_validate_json(world.open.model_dump_json())
    assert again == world.open
    assert step(again, Tick(), START + 9 * DAY, world.site) == step(
        world.open, Tick(), START + 9 * DAY, world.site
    )


def test_a_date_to_act_by_ends_with_its_day_at_the_site() -> None:
    world = World()
    world.give(alert(act_by=date(2026, 3, 20)))
    assert world.open.act_by is not None
    assert world.open.act_by.isoformat() == "2026-03-20T23:00:00+00:00"


def test_a_note_stays_in_the_audit_trail() -> None:
    world = World()
    world.give(alert())
    world.give(Acknowledge(by=FIRST, note="calling the ward"))
    (entry,) = audit(world.effects, "acknowledge")
    assert (entry.by, entry.why) == (FIRST, "calling the ward")


def test_a_demoted_rule_begins_with_a_digest_and_still_escalates() -> None:
    world = World(site(demoted=frozenset({"RULE-a1"})))
    world.give(alert(act_by=START + 20 * DAY))
    assert world.told == []
    assert world.open.in_digest
    world.until(START + 20 * DAY - timedelta(seconds=1))
    assert world.told[-1][0] == "desk:desk"


def by_rules(**fields: Any) -> Alerted:
    return alert(cause="rule-change", **fields)


def test_what_a_rule_change_brings_begins_with_a_digest_and_still_escalates() -> None:
    world = World()
    world.give(by_rules(act_by=START + 20 * DAY))
    assert (world.told, world.open.in_digest) == ([], True)
    world.until(START + 20 * DAY - timedelta(seconds=1))
    assert world.told[-1][0] == "desk:desk"


@pytest.mark.parametrize(
    "closing", [{"act_by": START + 2 * DAY}, {"severity": Severity.CRITICAL}], ids=["late", "grave"]
)
def test_what_a_rule_change_brings_too_late_to_wait_goes_at_once(closing: dict[str, Any]) -> None:
    world = World()
    world.give(by_rules(**closing))
    assert causes(world) == ["new-finding"]
    assert not world.open.in_digest


def test_what_a_rule_change_adds_to_a_case_interrupts_nobody() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.give(by_rules(name="a2", act_by=START + 20 * DAY), START + HOUR)
    assert causes(world) == ["new-finding"]
    assert world.open.in_digest


def test_a_new_stage_by_a_fact_is_told_although_the_first_came_of_a_rule_change() -> None:
    world = World()
    world.give(by_rules(state=State.SUSPECTED, act_by=START + 20 * DAY))
    world.give(alert(revision=2, act_by=START + 20 * DAY), START + HOUR)
    assert causes(world) == ["new-finding"]


def test_a_critical_alert_of_a_demoted_rule_goes_at_once() -> None:
    world = World(site(demoted=frozenset({"RULE-a1"})))
    world.give(alert(severity=Severity.CRITICAL))
    assert world.told == [("person:first", "push", "new-finding")]
