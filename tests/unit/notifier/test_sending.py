"""What decides about a message on its way: its channel, when again, whether still, what instead."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import ANNE, DAY, DESK, HOUR, SITE, START, World, alert, notices
from support.notifying import Scripted

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from services.notifier.cases.commands import Acknowledge, Dispose, Tick
from services.notifier.cases.words import CaseState, Cause, Channel, Urgency
from services.notifier.channels.contract import Kind
from services.notifier.delivery.choice import choose
from services.notifier.delivery.parcels import Parcel, bundle, copy_for, instead, of_notice
from services.notifier.delivery.relevance import needless
from services.notifier.delivery.retry import LONGEST, retry_at
from services.notifier.delivery.undelivered import next_rung_now

MAIL = Scripted("mail", frozenset({Channel.MESSAGE, Channel.DIGEST}))
BELL = Scripted("bell", frozenset({Channel.PUSH}))
LINE = Scripted("line", frozenset({Channel.PHONE}))
ALL = (LINE, BELL, MAIL)


def parcel(channel: Channel | None = Channel.PUSH, kind: Kind = Kind.ALERT) -> Parcel:
    return Parcel(parcel_id="p", kind=kind, to=ANNE, channel=channel, at=START)


def first(world: World) -> Parcel:
    """The parcel of a case's first notice."""
    (notice,) = notices(world.effects)
    return of_notice(notice, "HOSP|000001", "C1")


def opened(severity: Severity = Severity.CRITICAL) -> World:
    world = World()
    world.give(alert(severity=severity))
    return world


# -- which channel


@pytest.mark.parametrize(
    ("wanted", "refused", "found"),
    [
        (Channel.PUSH, (), "bell"),
        (Channel.PUSH, ("bell",), "line"),
        (Channel.PUSH, ("bell", "line"), None),
        (Channel.MESSAGE, ("mail",), "bell"),
        (Channel.PHONE, (), "line"),
    ],
)
def test_a_notice_goes_by_the_weakest_channel_that_is_strong_enough(
    wanted: Channel, refused: tuple[str, ...], found: str | None
) -> None:
    chosen = choose(parcel(wanted), ALL, refused)
    assert (chosen.name if chosen else None) == found


def test_a_digest_never_gets_louder() -> None:
    digest = parcel(Channel.MESSAGE, Kind.DIGEST)
    assert choose(digest, ALL, ()) is MAIL
    assert choose(digest, ALL, ("mail",)) is None


# -- when again


@given(st.integers(1, 60), st.text(min_size=1, max_size=8))
def test_retries_grow_to_five_minutes_and_are_spread(attempts: int, key: str) -> None:
    at = retry_at(key, attempts, START, None, None)
    assert at is not None
    most = min(LONGEST, timedelta(seconds=5) * 2 ** min(attempts - 1, 10))
    assert START <= at < START + most
    assert at == retry_at(key, attempts, START, None, None), "the same after a restart"


def test_what_the_peer_asked_for_bounds_the_wait_from_below_up_to_five_minutes() -> None:
    asked = retry_at("k", 1, START, timedelta(minutes=2), None)
    assert asked == START + timedelta(minutes=2)
    assert retry_at("k", 1, START, DAY, None) == START + LONGEST


def test_no_retry_reaches_past_the_rung() -> None:
    end = START + timedelta(minutes=1)
    assert retry_at("k", 1, START, timedelta(minutes=2), end) is None
    soon = retry_at("k", 1, START, timedelta(seconds=30), end)
    assert soon is not None


# -- whether still


def test_what_nobody_has_answered_is_needed() -> None:
    world = opened()
    assert needless(first(world), world.case, START) is None


def test_what_somebody_looks_after_is_not() -> None:
    world = opened()
    waiting = first(world)
    world.give(Acknowledge(by=ANNE.id))
    assert needless(waiting, world.case, START) == "answered"


def test_nor_is_what_is_closed_or_belongs_to_an_episode_that_is_over() -> None:
    world = opened()
    waiting = first(world)
    world.give(Dispose(by=ANNE.id, disposition=Disposition.TREATMENT_CHANGED))
    assert needless(waiting, world.case, START) == "closed"
    world.give(alert(revision=2, episode=2, severity=Severity.CRITICAL))
    assert needless(waiting, world.case, START) == "superseded"


def test_nor_what_the_next_rung_has_overtaken() -> None:
    world = opened()
    waiting = first(world)
    assert waiting.stale_at is not None
    assert needless(waiting, world.case, waiting.stale_at) == "stale"


def test_a_correction_is_always_needed_and_waits_for_nothing() -> None:
    world = opened()
    begin = len(world.effects)
    world.give(alert(State.RETRACTED, revision=2))
    (notice,) = notices(world.effects[begin:])
    correction = of_notice(notice, "HOSP|000001", "C1")
    assert (correction.kind, correction.first) == (Kind.CORRECTION, True)
    world.give(Dispose(by=ANNE.id, disposition=Disposition.WRONG_DATA))
    assert needless(correction, world.case, START + DAY) is None


# -- what comes after a failure


def test_a_rung_that_could_not_be_told_ends_at_once() -> None:
    world = opened()
    assert world.case is not None
    sooner = next_rung_now(world.case, first(world), START)
    assert sooner is not None
    world.case = sooner
    done = world.give(Tick(), START)
    (notice,) = notices(done.effects)
    assert (notice.rung, notice.at) == (1, START)


def test_a_failure_that_comes_late_changes_nothing() -> None:
    world = opened()
    waiting = first(world)
    assert world.case is not None
    world.until(START + HOUR)
    assert next_rung_now(world.case, waiting, world.now) is None, "it is on a later rung"
    answered = opened()
    waiting = first(answered)
    answered.give(Acknowledge(by=ANNE.id))
    assert answered.case is not None
    assert answered.case.state is CaseState.ACKNOWLEDGED
    assert next_rung_now(answered.case, waiting, START) is None


# -- parcels


def test_a_bundle_is_as_urgent_as_its_most_urgent() -> None:
    grave = parcel().model_copy(
        update={"parcel_id": "a", "severity": Severity.CRITICAL, "urgency": Urgency.URGENT}
    )
    light = parcel().model_copy(
        update={
            "parcel_id": "b",
            "severity": Severity.IMPORTANT,
            "urgency": Urgency.SOON,
            "references": ("r1", "r2"),
            "act_by": START,
        }
    )
    found = bundle([light, grave], START)
    assert (found.severity, found.urgency, found.act_by) == (
        Severity.CRITICAL,
        Urgency.URGENT,
        START,
    )
    assert found.references == ("r1", "r2")
    assert found.parcel_id == bundle([grave, light], START).parcel_id


def test_the_record_gets_one_copy_of_a_cause_whatever_the_rung() -> None:
    world = opened()
    world.until(START + HOUR)
    told = [one for one in notices(world.effects) if one.facts.cause is Cause.NEW_FINDING]
    assert len({one.rung for one in told}) > 1
    copies = {copy_for(one, of_notice(one, "p", None), "chart").parcel_id for one in told}
    assert len(copies) == 1


def test_what_is_told_to_somebody_else_instead_is_another_message() -> None:
    other = instead(parcel(), DESK, START)
    assert (other.to, other.channel) == (DESK, Channel.PHONE)
    assert other.parcel_id != parcel().parcel_id
    assert SITE.reference(other.parcel_id) != SITE.reference(parcel().parcel_id)
