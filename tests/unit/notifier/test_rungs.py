"""The ladder at work: what moves its times, who is addressed, by which channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support.cases import ANNE, BEN, DAY, DESK, HOUR, LEA, NIGHT, START, World, alert, site

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from services.notifier.cases.commands import (
    Accept,
    Acknowledge,
    DigestSent,
    Dispose,
    OfferHandOver,
    Snooze,
)
from services.notifier.cases.words import CaseState, Channel

FIRST = ANNE.id
LATE = START.replace(hour=22)
MORNING = (START + DAY).replace(hour=6)


def test_news_that_nobody_answers_gives_no_more_time_to_answer() -> None:
    world = World()
    world.give(alert(act_by=START + 60 * DAY))
    world.until(START + 3 * DAY)
    world.give(alert(name="a2", act_by=START + 60 * DAY))
    world.until(START + 7 * DAY)
    assert world.told[-1] == ("desk:desk", "phone", "new-finding")


def test_news_after_an_acknowledgement_gives_the_whole_time_again() -> None:
    world = World()
    world.give(alert(act_by=START + 60 * DAY))
    world.give(Acknowledge(by=FIRST), START + DAY)
    world.give(alert(name="a2", act_by=START + 60 * DAY), START + 3 * DAY)
    world.until(START + 7 * DAY)
    assert "desk:desk" not in [to for to, _, __ in world.told]


def test_a_later_deadline_gives_a_reviewer_no_more_time() -> None:
    world = World(site(triage=4 * HOUR))
    world.give(alert(act_by=START + 20 * DAY))
    world.give(alert(revision=2, act_by=START + 50 * DAY), START + HOUR)
    world.until(START + 4 * HOUR)
    assert world.told[-1] == ("person:first", "push", "new-finding")


def test_an_earlier_deadline_ends_a_snooze_in_time_for_the_ladder() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.give(Snooze(by=FIRST, until=START + 15 * DAY))
    world.give(alert(revision=2, act_by=START + 20 * DAY - 20 * HOUR), START + HOUR)
    assert world.open.pause_until == START + 15 * DAY - 20 * HOUR


def test_an_earlier_deadline_ends_an_acknowledgement() -> None:
    world = World()
    world.give(alert(severity=Severity.CRITICAL, act_by=START + 30 * HOUR))
    world.give(Acknowledge(by=FIRST), START + 23 * HOUR)
    until = world.open.pause_until
    assert until is not None
    world.give(alert(State.CONFIRMED, Severity.CRITICAL, revision=2, act_by=START + 24 * HOUR))
    assert world.open.pause_until == START + 24 * HOUR < until


def test_what_waits_for_the_morning_still_does_when_the_deadline_moves_a_little() -> None:
    world = World(site(quiet=NIGHT))
    world.give(alert(at=LATE, act_by=LATE + 20 * DAY), LATE)
    world.give(alert(revision=2, at=LATE, act_by=LATE + 19 * DAY + HOUR), LATE + HOUR)
    world.until(MORNING)
    assert [one.at for one in world.notices] == [MORNING]


def test_an_accepted_offer_is_over() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.give(OfferHandOver(by=FIRST, to=BEN))
    world.give(Accept(by=BEN.id))
    world.until(START + 2 * HOUR)
    assert (world.open.state, world.open.owner) == (CaseState.ACKNOWLEDGED, BEN)


def test_a_new_episode_belongs_to_whoever_is_on_duty() -> None:
    world = World()
    world.give(alert())
    world.give(Dispose(by=BEN.id, disposition=Disposition.TREATMENT_CHANGED))
    world.give(Acknowledge(by=BEN.id))
    later = START + 60 * DAY
    world.case = world.open.model_copy(update={"owner": BEN})
    world.give(alert(name="a2", at=later), later)
    assert world.open.owner == ANNE


def test_what_was_decided_and_has_become_graver_is_a_new_episode() -> None:
    world = World()
    world.give(alert())
    world.give(Dispose(by=FIRST, disposition=Disposition.NOT_CLINICALLY_RELEVANT))
    later = START + DAY
    world.give(alert(severity=Severity.CRITICAL, revision=2, at=later), later)
    assert (world.open.state, world.open.episode) == (CaseState.ASSIGNED, 2)
    assert world.told[-1] == ("person:first", "push", "higher-severity")


def test_a_case_that_somebody_knows_of_is_not_closed_by_a_digest() -> None:
    world = World()
    world.give(alert())
    world.give(alert(State.REFUTED, revision=2))
    assert world.open.in_digest
    world.give(DigestSent(to=ANNE))
    assert world.open.state is CaseState.ASSIGNED


def test_what_is_late_for_one_finding_stays_late_when_another_falls() -> None:
    world = World()
    for name in ("a1", "a2"):
        world.give(alert(name=name, act_by=START + (2 if name == "a1" else 3) * DAY))
    world.until(START + 4 * DAY)
    world.give(alert(State.RETRACTED, revision=2))
    assert world.open.state is CaseState.OVERDUE


def test_what_is_no_longer_late_begins_again() -> None:
    world = World()
    for name, days in (("a1", 2), ("a2", 40)):
        world.give(alert(name=name, act_by=START + days * DAY))
    world.until(START + 4 * DAY)
    assert world.open.state is CaseState.OVERDUE
    world.give(alert(State.RETRACTED, revision=2))
    assert (world.open.state, world.open.late) == (CaseState.ASSIGNED, None)
    world.give(Acknowledge(by=FIRST))
    assert world.open.pause_until == START + 8 * DAY


def test_a_retraction_takes_the_strongest_channel_that_was_used() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.until(START + 3 * DAY)
    assert [channel for _, channel, __ in world.told] == ["push", "message"]
    world.give(alert(State.RETRACTED, revision=2))
    assert world.told[-1] == ("person:first", "push", "retraction")


@pytest.mark.parametrize(
    ("severity", "channel"), [(Severity.URGENT, "message"), (Severity.CRITICAL, "push")]
)
def test_what_is_urgent_takes_the_strongest_channel_that_somebody_has(
    severity: Severity, channel: str
) -> None:
    house = replace(site().roster, push=(Channel.MESSAGE, Channel.PUSH))  # type: ignore[type-var]
    world = World(replace(site(), roster=house))
    world.give(alert(severity=severity, act_by=START + 20 * DAY))
    assert world.told == [("person:first", channel, "new-finding")]


def test_a_notice_is_stale_when_the_next_rung_starts() -> None:
    world = World()
    world.give(alert(act_by=START + 20 * DAY))
    world.until(START + 20 * DAY - timedelta(seconds=1))
    told = [one for one in world.notices if one.rung is not None][:5]
    assert [one.stale_at for one in told[:-1]] == [one.at for one in told[1:]]
    assert told[-1].stale_at == START + 20 * DAY


def test_a_review_that_a_site_gave_up_costs_the_ladder_no_rung() -> None:
    world = World(site(triage=2 * HOUR))
    world.give(alert(severity=Severity.URGENT, act_by=START + 20 * DAY))
    world.until(START + 3 * HOUR)
    world.site = site()
    world.give(Acknowledge(by=ANNE.id))
    world.until(START + 12 * DAY + 20 * HOUR)
    expired = [to for to, _, cause in world.told if cause == "expired"]
    assert expired == [str(one) for one in (ANNE, ANNE, BEN, LEA, DESK)]


def test_news_of_a_case_in_triage_waits_for_no_review_where_there_is_none_any_more() -> None:
    world = World(site(triage=2 * HOUR))
    world.give(alert(severity=Severity.URGENT, act_by=START + 20 * DAY))
    world.site = site()
    world.give(alert(name="a2", severity=Severity.URGENT, act_by=START + 20 * DAY))
    world.until(START)
    assert world.told[-1] == (str(ANNE), "push", "new-finding")


def test_what_waits_for_the_morning_goes_at_once_when_it_has_no_time_left_for_that() -> None:
    """The graver finding falls; the ladder of the lesser one is longer than the time left."""
    world = World(site(quiet=NIGHT), now=LATE)
    by = LATE + 6 * DAY
    world.give(alert(severity=Severity.URGENT, act_by=by, at=LATE))
    world.give(alert(name="a2", severity=Severity.IMPORTANT, act_by=by, at=LATE))
    assert world.open.climb is not None
    assert world.open.climb.held == MORNING
    world.give(alert(State.RETRACTED, revision=2, at=LATE))
    assert [(one.to, one.at) for one in world.notices if one.rung == 0] == [(ANNE, LATE)]
