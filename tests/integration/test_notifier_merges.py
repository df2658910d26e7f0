"""Two records turn out to be one patient's: their cases become one, and nobody hears it twice."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from support.cases import DAY, HOUR
from support.merging import NEW, NEWER, OLD, merge, open_cases, says
from support.notifying import COURSE_ID, Bench, Scripted, premises, treatment

from schemas.actions import Disposition
from schemas.alerts import AlertRevision, Severity, State
from services.notifier.cases.commands import Acknowledge, Dispose, Snooze, Start
from services.notifier.cases.words import CaseState, Cause
from services.notifier.channels.contract import Kind
from services.notifier.inbox.access.people import Identity, Person
from services.notifier.inbox.reading.cases import Located, episodes, located
from services.notifier.inbox.reading.worklist import search
from services.notifier.service.agenda import take_in
from services.notifier.service.asking import Answers
from services.notifier.service.inputs import asked
from services.notifier.store import audit
from services.notifier.store.instants import micros
from services.notifier.store.tables import NOTICES
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given

MINUTE = timedelta(minutes=1)


def causes(bench: Bench) -> list[tuple[str, Cause | None]]:
    """Who was told what, in all."""
    found = [one for name in ("mail", "bell", "phone") for one in bench.got(name)]
    return [(str(one.recipient), one.cause) for one in sorted(found, key=lambda each: each.at)]


def acknowledged(bench: Bench, patient: str, by: str, course: str | None = None) -> None:
    """Somebody looks after the case of a record."""
    key = f"{patient}-{by}-{bench.now}"
    done = bench.agenda.submit(asked(patient, course, Acknowledge(by=by), key), bench.now)
    assert done is None


def test_the_case_goes_on_at_the_surviving_record_and_nobody_hears_it_twice(bench: Bench) -> None:
    bench.take(says(OLD))
    bench.settle()
    acknowledged(bench, OLD, "ben")
    before = bench.case(patient=OLD)
    bench.take(merge(), says(NEW), says(OLD, State.RETRACTED, revision=2))
    bench.pass_time(5 * MINUTE, stride=MINUTE)
    (case,) = open_cases(bench)
    assert (case.course.patient_id, case.state) == (NEW, CaseState.ACKNOWLEDGED)
    assert (str(case.owner), case.pause_until) == ("person:ben", before.pause_until)
    assert [(one.alert_id, one.record) for one in case.standing] == [(f"R1-of-{NEW}", None)]
    assert causes(bench) == [("person:anne", Cause.NEW_FINDING)]
    assert bench.case(patient=OLD).merged_into == NEW


ORDERS = list(itertools.permutations(range(4)))


@pytest.mark.parametrize("order", ORDERS[:: len(ORDERS) // 3], ids=str)
def test_in_whatever_order_it_comes(lone: Bench, order: tuple[int, ...]) -> None:
    """But that an alert is raised before it is withdrawn."""
    parts: list[Given | AlertRevision] = [
        says(OLD),
        merge(),
        says(NEW),
        says(OLD, State.RETRACTED, revision=2),
    ]
    if order.index(3) < order.index(0):
        order = tuple({0: 3, 3: 0}.get(one, one) for one in order)
    for one in order:
        lone.take(parts[one])
        lone.pass_time(MINUTE, stride=MINUTE)
    lone.pass_time(5 * MINUTE, stride=MINUTE)
    (case,) = open_cases(lone)
    assert [one.alert_id for one in case.standing] == [f"R1-of-{NEW}"]
    assert [cause for _, cause in causes(lone)].count(Cause.NEW_FINDING) <= 2
    assert lone.case(patient=OLD).merged_into == NEW if order[0] == 0 else True


def test_a_merge_that_is_told_twice_is_one(lone: Bench) -> None:
    lone.take(says(OLD))
    lone.take(merge())
    once = lone.case(patient=NEW)
    lone.take(merge(), merge(hours=1))
    assert lone.case(patient=NEW) == once


def test_the_old_link_leads_on_and_both_histories_are_one(bench: Bench) -> None:
    bench.take(says(OLD))
    bench.settle()
    (message,) = bench.got("bell")
    bench.take(says(NEW, severity=Severity.URGENT, rule="R2"))
    bench.take(merge(), merge(NEW, NEWER))
    with bench.database.transaction() as connection:
        found = located(connection, message.reference or "")
    assert found is not None
    assert (found.case.course.patient_id, found.case.is_open) == (NEWER, True)
    old, new = bench.case(patient=OLD).case_id, bench.case(patient=NEW).case_id
    assert {old, new, found.case.case_id} == set(episodes(found.case))


def test_a_link_of_an_earlier_episode_leads_to_the_case_as_it_is_now(bench: Bench) -> None:
    bench.take(says(OLD))
    bench.settle()
    (message,) = bench.got("bell")
    done = Dispose(by="anne", disposition=Disposition.TREATMENT_CHANGED)
    assert bench.agenda.submit(asked(OLD, None, done, "k"), bench.now) is None
    bench.take(says(OLD, rule="R2"))
    case = bench.case(patient=OLD)
    assert case.episode == 2
    with bench.database.transaction() as connection:
        assert located(connection, message.reference or "") == Located(
            bench.house.site.reference(case.case_id), case
        )
        assert located(connection, "0" * 32) is None


def test_who_asks_for_the_old_record_gets_the_surviving_record_s_cases(bench: Bench) -> None:
    bench.take(says(OLD))
    bench.take(merge())
    answers = Answers(bench.database, bench.house, ManualClock(micros(bench.now)))
    found = asyncio.run(answers.open_cases(OLD))
    assert [one.patient_id for one in found] == [NEW]
    assert [one.alert_id for one in found[0].alerts] == [f"R1-of-{OLD}"]
    who = Identity(issuer="i", subject="anne", name="Anne", member="anne", roles=())
    reader = Person(who, "", frozenset({"ward"}), bench.now, {})
    with bench.database.transaction() as connection:
        rows = search(connection, OLD.partition("|")[2], reader, bench.now).rows
    assert [(one.patient, str(one.state), one.title) for one in rows] == [
        (NEW, "assigned", "t"),
        (OLD, "closed", "Goes on as the surviving record's case"),
    ]


def test_of_two_owners_the_graver_case_s_keeps_it_and_the_other_is_told(bench: Bench) -> None:
    other = says(OLD, severity=Severity.URGENT, rule="R1", course=COURSE_ID)
    bench.take(treatment(), other, says(NEW, rule="R2", course=COURSE_ID))
    acknowledged(bench, OLD, "mia", COURSE_ID)
    acknowledged(bench, NEW, "anne", COURSE_ID)
    bench.take(merge())
    bench.settle()
    (case,) = open_cases(bench)
    assert (str(case.owner), case.state) == ("person:anne", CaseState.ACKNOWLEDGED)
    assert {one.rule for one in case.pending} == {"R1", "R2"}
    assert case.act_by == min(one.act_by for one in case.pending if one.act_by)
    assert case.in_digest, "the lesser finding waits for anne's digest"
    assert [one for one in causes(bench) if one[1] is Cause.MERGED] == [
        ("person:mia", Cause.MERGED)
    ]


def test_an_urgent_case_wakes_the_one_that_sleeps(lone: Bench) -> None:
    lone.take(says(OLD, severity=Severity.URGENT, rule="R1"))
    sleep = Snooze(by="ben", until=lone.now + DAY)
    assert lone.agenda.submit(asked(OLD, None, sleep, "k"), lone.now) is None
    lone.take(says(NEW, severity=Severity.IMPORTANT, rule="R2", act_by=lone.now + 4 * DAY))
    lone.take(merge())
    case = lone.case(patient=NEW)
    assert case.state is CaseState.ASSIGNED
    assert case.severity is Severity.URGENT


def test_what_a_person_closed_is_not_asked_again(lone: Bench) -> None:
    lone.take(says(OLD))
    done = Dispose(by="anne", disposition=Disposition.TREATMENT_CHANGED)
    assert lone.agenda.submit(asked(OLD, None, done, "k"), lone.now) is None
    lone.take(merge(), says(NEW), says(OLD, State.RETRACTED, revision=2))
    lone.pass_time(5 * MINUTE, stride=MINUTE)
    assert open_cases(lone) == []
    assert lone.case(patient=NEW).disposition is Disposition.TREATMENT_CHANGED


def test_a_notice_that_waits_leaves_though_its_case_was_merged(lone: Bench) -> None:
    lone.take(says(OLD))
    lone.take(merge())
    assert lone.rows(select(NOTICES.c.state)) == [("pending",)]
    lone.settle()
    assert causes(lone) == [("person:anne", Cause.NEW_FINDING)]


def test_it_leaves_also_while_the_surviving_record_has_not_been_worked_on(lone: Bench) -> None:
    lone.take(says(OLD))
    take_in(lone.database, [merge()], lone.now, {})
    assert lone.agenda.work(lone.now) == 1, "the old record's turn; not yet the other's"
    assert lone.send() == 1


def test_an_answer_to_the_old_case_is_refused_with_the_reason(lone: Bench) -> None:
    lone.take(says(OLD))
    lone.take(merge())
    why = lone.agenda.submit(asked(OLD, None, Start(by="ben"), "k"), lone.now)
    assert why is not None
    assert "merged" in why


def test_who_was_told_of_the_old_record_hears_when_it_falls_for_good(lone: Bench) -> None:
    lone.take(says(OLD))
    lone.settle()
    (first,) = lone.got("bell")
    lone.take(merge(), says(OLD, State.RETRACTED, revision=2))
    lone.settle()
    assert len(lone.got("bell")) == 1, "the surviving record's alert may say it anew"
    lone.pass_time(3 * MINUTE, stride=MINUTE)
    (correction,) = [one for one in lone.got("bell") if one.kind is Kind.CORRECTION]
    assert correction.corrects == (first.key,)


def test_events_of_the_old_record_settle_the_surviving_record_s_case(bench: Bench) -> None:
    bench.take(treatment(), says(OLD, course=COURSE_ID))
    bench.take(merge())
    assert bench.case(COURSE_ID, NEW).course.condition == "cml"
    bench.now += DAY / 2
    bench.take(treatment("t2", course="C2", line=2, at=bench.now))
    case = bench.case(COURSE_ID, NEW)
    assert (case.state, case.closed_by_event) == (CaseState.CLOSED, "t2")


def test_a_chain_ends_at_its_end_whichever_link_comes_first(lone: Bench) -> None:
    lone.take(says(OLD), says(NEW, rule="R2"))
    lone.take(merge(NEW, NEWER), merge(OLD, NEW))
    (case,) = open_cases(lone)
    assert case.course.patient_id == NEWER
    assert {one.record for one in case.standing} == {OLD, NEW}


def test_a_circle_ends_at_one_of_its_records(lone: Bench) -> None:
    lone.take(says(OLD), says(NEW, rule="R2"))
    lone.take(merge(OLD, NEW), merge(NEW, OLD))
    (case,) = open_cases(lone)
    assert case.course.patient_id == min(OLD, NEW)
    assert {one.rule for one in case.standing} == {"R1", "R2"}
    assert case.merged_into is None


def test_a_merge_that_is_taken_back_parts_the_cases_again(bench: Bench) -> None:
    bench.take(says(OLD), says(NEW, rule="R2"))
    bench.settle()
    bench.take(merge())
    bench.take(merge(status="entered-in-error", hours=1))
    case = bench.case(patient=NEW)
    assert [one.rule for one in case.standing] == ["R2"]
    assert case.forerunners == ()
    mine = bench.case(patient=OLD)
    assert (mine.is_open, mine.merged_into) == (True, None), "its alert stands still"
    assert [one.rule for one in mine.standing] == ["R1"]
    bench.take(merge())
    assert bench.case(patient=OLD).is_open, "an older version says nothing new"


def test_a_chain_that_is_parted_in_the_middle_keeps_its_beginning(lone: Bench) -> None:
    lone.take(merge())
    lone.take(says(OLD), says(NEWER, rule="R3"))
    lone.take(merge(NEW, NEWER))
    assert len(open_cases(lone)) == 1
    lone.take(merge(NEW, NEWER, status="entered-in-error", hours=1))
    standing = {
        one.course.patient_id: [each.alert_id for each in one.standing] for one in open_cases(lone)
    }
    assert standing == {NEW: [f"R1-of-{OLD}"], NEWER: [f"R3-of-{NEWER}"]}


def test_what_the_detector_says_after_the_parting_is_the_record_s_own(lone: Bench) -> None:
    lone.take(says(OLD))
    lone.take(merge(), says(NEW), says(OLD, State.RETRACTED, revision=2))
    lone.pass_time(5 * MINUTE, stride=MINUTE)
    lone.take(merge(status="entered-in-error", hours=1))
    assert not lone.case(patient=OLD).is_open
    lone.take(says(OLD, revision=3), says(NEW, State.RETRACTED, revision=2))
    assert lone.case(patient=OLD).is_open
    assert lone.case(patient=NEW).standing == ()


def test_the_work_in_the_record_ends_with_the_case_that_took_it_over(
    database: Database, tmp_path: Path
) -> None:
    chart = Closing("chart", frozenset())
    bench = Bench(database, premises(tmp_path / "teams", chart))
    bench.take(says(OLD))
    bench.settle()
    (copy,) = chart.got
    bench.take(merge(), says(NEW))
    bench.settle()
    assert chart.got == [copy], "nothing ended, nothing new"
    done = Dispose(by="anne", disposition=Disposition.ALREADY_KNOWN)
    assert bench.agenda.submit(asked(NEW, None, done, "k"), bench.now) is None
    bench.settle()
    ended = [one.corrects for one in chart.got if one.kind is Kind.CLOSED]
    assert (copy.key,) in ended


class Closing(Scripted):
    """A channel that ends the work that it had opened in the record."""

    closes = True


def test_the_audit_trail_of_all_this_is_whole(bench: Bench) -> None:
    bench.take(says(OLD), says(NEW, rule="R2"), merge(), says(NEW), merge(NEW, NEWER))
    bench.pass_time(2 * HOUR)
    with bench.database.transaction() as connection:
        assert isinstance(audit.verify(connection), audit.Head)
