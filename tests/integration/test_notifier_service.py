"""The notifier's work on a real store: alerts in, messages out, people's answers between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from support.cases import DAY, HOUR, START
from support.notifying import (
    COURSE_ID,
    PATIENT,
    TEAM_YAML,
    Bench,
    Scripted,
    premises,
    told,
    treatment,
)

from schemas.actions import Action, Deed, Disposition
from schemas.alerts import Severity, State
from services.notifier.cases.commands import Accept, Acknowledge, Dispose, Snooze
from services.notifier.cases.words import CaseState, Cause
from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.contract import (
    Kind,
    permanent,
)
from services.notifier.service.asking import Answers
from services.notifier.service.inputs import asked
from services.notifier.service.publishing import publish
from services.notifier.service.shifts import tell_gaps
from services.notifier.service.sitefolder import same_key
from services.notifier.store import audit, deeds, shelf
from services.notifier.store.instants import micros
from services.notifier.store.tables import (
    ACTIONS,
    FINDINGS,
    NOTICES,
)
from services.runtime.clock import ManualClock
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.notifier.store.database import Database


MINUTE = timedelta(minutes=1)
STATES = select(NOTICES.c.state, NOTICES.c.why).order_by(NOTICES.c.seq)


def test_an_alert_reaches_the_owner_on_their_strongest_channel_without_a_patients_name(
    bench: Bench,
) -> None:
    bench.take(told())
    bench.settle()
    (message,) = bench.got("bell")
    assert (message.kind, str(message.recipient)) == (Kind.ALERT, "person:anne")
    assert message.addresses == ("anne-push",)
    assert message.links == (f"https://inbox.example/c/{message.reference}",)
    assert message.record is None
    assert message.reference is not None
    assert PATIENT not in message.model_dump_json()
    assert bench.case().case_id not in message.model_dump_json()
    assert bench.rows(STATES) == [("delivered", "")]


def test_a_revision_comes_in_once_whoever_tells_it_how_often(bench: Bench) -> None:
    for _ in range(3):
        bench.take(told())
        bench.settle()
    assert len(bench.got("bell")) == 1
    assert bench.case().revision == 1


def test_everybody_who_was_told_hears_that_it_does_not_hold(bench: Bench) -> None:
    bench.take(told())
    bench.pass_time(110 * MINUTE)  # up the ladder: first owner, second way, cover
    told_before = [one for name in ("bell", "mail") for one in bench.got(name)]
    who = {str(one.recipient) for one in told_before}
    assert who == {"person:anne", "person:ben"}
    bench.take(told(State.RETRACTED, revision=2))
    bench.settle()
    corrections = [one for one in bench.got("bell") if one.kind is Kind.CORRECTION]
    assert {str(one.recipient) for one in corrections} == who
    for one in corrections:
        mine = {each.key for each in told_before if each.recipient == one.recipient}
        assert set(one.corrects) == mine


def test_what_was_suspected_and_refuted_is_told_too(bench: Bench) -> None:
    bench.take(told(State.SUSPECTED))
    bench.settle()
    bench.take(told(State.REFUTED, revision=2))
    bench.settle()
    (message,) = [one for one in bench.got("mail") if one.kind is Kind.CORRECTION]
    assert message.cause is Cause.RESOLVED


def test_a_new_line_of_treatment_closes_the_loop_and_says_so(bench: Bench) -> None:
    bench.take(treatment(), told(course=COURSE_ID))
    assert bench.case(COURSE_ID).team == "other", "the course's condition has a team"
    bench.now += DAY / 2
    bench.take(treatment("t2", course="C2", line=2, at=bench.now))
    case = bench.case(COURSE_ID)
    assert (case.state, case.closed_by_event) == (CaseState.CLOSED, "t2")
    published: list[Action] = []
    assert publish(bench.database, published.extend, bench.now) == 1
    assert publish(bench.database, published.extend, bench.now) == 0
    (action,) = published
    assert (action.deed, action.event_id) == (Deed.SALVAGE_STARTED, "t2")


def test_deeds_that_could_not_be_published_are_published_later(bench: Bench) -> None:
    bench.take(told())
    bench.agenda.submit(asked(PATIENT, None, Acknowledge(by="ben"), "k1"), bench.now)

    def fails(_: Sequence[Action]) -> None:
        raise Unavailable("no broker answers")

    with pytest.raises(Unavailable):
        publish(bench.database, fails, bench.now)
    with bench.database.transaction() as connection:
        assert deeds.unpublished(connection) == 1
    assert bench.rows(select(ACTIONS.c.published_at)) == [(None,)]


def test_a_command_is_carried_out_once_and_a_refused_one_says_why(bench: Bench) -> None:
    bench.take(told())
    bench.settle()
    command = asked(PATIENT, None, Acknowledge(by="ben", note="I look at it"), "k1")
    assert bench.agenda.submit(command, bench.now) is None
    assert bench.agenda.submit(command, bench.now) is None
    assert str(bench.case().owner) == "person:ben"
    assert len(bench.rows(select(ACTIONS.c.seq))) == 1
    stranger = asked(PATIENT, None, Acknowledge(by="zoe"), "k2")
    assert bench.agenda.submit(stranger, bench.now) == "who asks is in no team's roster"
    elsewhere = asked(PATIENT, "C9", Acknowledge(by="ben"), "k3")
    assert bench.agenda.submit(elsewhere, bench.now) == "there is no such case"


def test_overdue_is_visible_within_a_minute_and_the_desk_is_called(bench: Bench) -> None:
    by = (START + DAY).isoformat()
    bench.take(told(act_by=by))
    bench.agenda.submit(asked(PATIENT, None, Acknowledge(by="anne"), "k1"), bench.now)
    bench.now = START + DAY + MINUTE
    bench.settle()
    with bench.database.transaction() as connection:
        assert shelf.counts(connection) == {"overdue": 1}
    assert [one.cause for one in bench.got("phone")][-1] is Cause.OVERDUE
    assert bench.got("phone")[-1].addresses == ("+41 00 000 00 01", "+41 00 000 00 02")


def test_an_unanswered_alert_climbs_to_the_desk(bench: Bench) -> None:
    bench.take(told())
    bench.pass_time(4 * HOUR)
    heard = [str(one.recipient) for name in ("bell", "mail", "phone") for one in bench.got(name)]
    assert heard == ["person:anne", "person:ben", "person:lea", "person:anne", "desk:ward-desk"]


def test_an_alert_waits_a_little_for_the_events_that_say_which_course_it_is_of(
    database: Database, tmp_path: Path
) -> None:

    house = replace(premises(tmp_path / "teams"), patience=timedelta(seconds=30))
    bench = Bench(database, house)
    bench.take(told(course=COURSE_ID))
    assert bench.rows(select(FINDINGS.c.alert_id)) == []
    bench.now += timedelta(seconds=10)
    bench.take(treatment())
    assert bench.case(COURSE_ID).team == "other"
    bench.take(told(course="C7", name="a7"))
    bench.now += timedelta(seconds=31)
    bench.work()
    assert bench.case("C7").team == "ward", "nobody spoke of that course; it waits no longer"


def test_routine_findings_leave_in_one_digest_at_the_recipients_hour(bench: Bench) -> None:
    for number in range(3):
        patient = f"HOSP|00001{number}"
        bench.take(told(severity=Severity.ADVISORY, name=f"a{number}", patient=patient))
    bench.settle()
    assert bench.got("mail") == []
    bench.pass_time(DAY)
    (digest,) = bench.got("mail")
    assert (digest.kind, len(digest.links)) == (Kind.DIGEST, 3)
    assert not bench.case(patient="HOSP|000010").in_digest
    bench.pass_time(DAY)
    assert len(bench.got("mail")) == 1, "an empty digest is not sent"


def test_what_is_too_much_for_one_person_leaves_as_one(bench: Bench) -> None:
    for number in range(6):
        patient = f"HOSP|00001{number}"
        bench.take(told(severity=Severity.URGENT, name=f"a{number}", patient=patient))
    bench.settle()
    assert len(bench.got("bell")) == 3, "at most 3 in 15 minutes"
    bench.pass_time(HOUR, 5 * MINUTE)
    (bundle,) = [one for one in bench.got("bell") if one.kind is Kind.DIGEST]
    assert (len(bundle.links), bundle.severity) == (3, Severity.URGENT)
    assert [row.state for row in bench.rows(STATES)].count("bundled") == 3
    bench.take(told(State.RETRACTED, name="a5", patient="HOSP|000015", revision=2))
    bench.settle()
    assert bench.got("bell")[-1].corrects == (bundle.key,)


def test_the_first_notice_of_an_urgent_case_always_goes(bench: Bench) -> None:
    for number in range(6):
        bench.take(told(name=f"a{number}", patient=f"HOSP|00001{number}"))
    bench.settle()
    assert len(bench.got("bell")) == 6


def test_an_answer_that_came_first_spares_the_message(bench: Bench) -> None:
    bench.take(told())
    bench.agenda.submit(asked(PATIENT, None, Acknowledge(by="anne"), "k1"), bench.now)
    bench.settle()
    assert bench.got("bell") == []
    assert bench.rows(STATES) == [("dropped", "answered")]


def test_nothing_is_sent_for_a_case_that_was_closed_meanwhile(bench: Bench) -> None:
    bench.take(told())
    done = Dispose(by="anne", disposition=Disposition.ALREADY_KNOWN)
    bench.agenda.submit(asked(PATIENT, None, done, "k1"), bench.now)
    bench.settle()
    assert bench.rows(STATES) == [("dropped", "closed")]


# -- the record, the inbox, the key


def test_the_record_gets_one_copy_for_each_new_thing_with_the_alerts_in_full(
    database: Database, tmp_path: Path
) -> None:
    chart = Scripted("chart", frozenset())
    bench = Bench(database, premises(tmp_path / "teams", chart))
    bench.take(told(title="CML failure"))
    bench.pass_time(4 * HOUR)
    (copy,) = chart.got
    assert copy.record is not None
    assert [one.title for one in copy.record.alerts] == ["CML failure"]
    bench.take(told(State.RETRACTED, revision=2))
    bench.settle()
    correction = chart.got[-1]
    assert (correction.kind, correction.corrects) == (Kind.CORRECTION, (copy.key,))
    assert len({one.key for one in chart.got}) == len(chart.got)


def test_open_cases_are_told_gravest_first(bench: Bench) -> None:
    bench.take(told(severity=Severity.URGENT, name="a1", course="C1"))
    bench.take(told(severity=Severity.CRITICAL, name="a2", course="C2"))
    answers = Answers(bench.database, bench.house, ManualClock(micros(bench.now)))
    found = asyncio.run(answers.open_cases(PATIENT))
    assert [one.course_id for one in found] == ["C2", "C1"]
    bench.settle()
    messages = [*bench.got("mail"), *bench.got("bell"), *bench.got("phone")]
    (told_of,) = {one.reference for one in messages if one.severity is Severity.CRITICAL}
    assert found[0].reference == told_of, "the same name as in the message about it"
    assert found[0].link == f"{bench.house.links}{told_of}"
    assert asyncio.run(answers.open_cases("HOSP|999999")) == []


def test_a_result_that_a_snooze_waits_for_wakes_it(bench: Bench) -> None:
    bench.take(told(severity=Severity.URGENT))
    sleep = Snooze(by="anne", until=bench.now + DAY, awaiting="treatment")
    assert bench.agenda.submit(asked(PATIENT, None, sleep, "k1"), bench.now) is None
    bench.take(treatment(phase="planned"))
    assert bench.case().state is CaseState.ASSIGNED


def test_notifiers_of_one_database_have_one_key(bench: Bench) -> None:
    same_key(bench.database, b"one")
    same_key(bench.database, b"one")
    with pytest.raises(OperatorError, match="another key"):
        same_key(bench.database, b"two")


def test_the_audit_trail_of_all_this_is_whole(bench: Bench) -> None:
    bench.take(told())
    bench.pass_time(5 * HOUR)
    with bench.database.transaction() as connection:
        assert isinstance(audit.verify(connection), audit.Head)


def test_a_digest_is_of_the_class_that_does_not_interrupt(bench: Bench) -> None:
    assert Strength.DIGEST in bench.channel("mail").strengths
    bench.channel("mail").always = permanent("gone")
    bench.take(told(severity=Severity.ADVISORY))
    bench.pass_time(DAY)
    assert [str(one.recipient) for one in bench.got("phone")] == ["desk:ward-desk"]
    assert bench.got("bell") == [], "not louder for anne; the desk looks after it"


# -- shifts

SHIFTS = """owner:
    weekly:
      - {member: anne, days: mon, from: "08:00", to: "20:00"}
      - {member: ben, days: mon, from: "20:00", to: "08:00"}
"""


def test_at_a_change_of_shift_a_case_is_offered_and_stays_until_accepted(
    database: Database, tmp_path: Path
) -> None:
    ward = TEAM_YAML.replace("owner: {always: anne}\n", SHIFTS)
    bench = Bench(database, premises(tmp_path / "teams", ward=ward))
    bench.take(told(severity=Severity.URGENT))
    bench.pass_time(9 * HOUR + MINUTE, 10 * MINUTE)  # it is 20:01 in Zurich
    case = bench.case()
    assert case.offer is not None
    assert (str(case.owner), str(case.offer.to)) == ("person:anne", "person:ben")
    offered = [one for one in bench.got("bell") if one.cause is Cause.HAND_OVER]
    assert [str(one.recipient) for one in offered] == ["person:ben"]
    assert bench.agenda.submit(asked(PATIENT, None, Accept(by="ben"), "k1"), bench.now) is None
    bench.pass_time(HOUR, 10 * MINUTE)
    assert str(bench.case().owner) == "person:ben"
    assert bench.case().offer is None


def test_hours_that_nobody_covers_are_told_ahead_and_once_a_day(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ward = TEAM_YAML.replace("owner: {always: anne}\n", SHIFTS)
    teams = premises(tmp_path / "teams", ward=ward).teams
    assert tell_gaps(database, teams, START) > 0
    assert tell_gaps(database, teams, START + HOUR) == 0
    assert tell_gaps(database, teams, START + DAY) > 0
    assert {one.message for one in caplog.records} == {"nobody on duty"}
