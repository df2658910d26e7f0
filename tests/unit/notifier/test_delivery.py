"""Digests and throttles: what can wait, and how much is too much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cases import ANNE, BEN, DAY, HOUR, START, World, alert

from schemas.actions import Disposition
from schemas.alerts import Severity
from services.notifier.cases.commands import DigestSent, Dispose
from services.notifier.cases.words import Channel, person
from services.notifier.delivery.digest import compose, digest_due
from services.notifier.delivery.throttle import LIMITS, LONGEST_URGENT_WAIT, admit
from services.notifier.roster.loading import load_house

if TYPE_CHECKING:
    from services.notifier.cases.effects import Notice

EXAMPLE = Path(__file__).resolve().parents[3] / "deploy" / "notifier" / "teams"
MINUTE = timedelta(minutes=1)


def waiting(name: str, days: int = 60) -> World:
    world = World()
    world.give(alert(severity=Severity.ADVISORY, name=name, act_by=START + days * DAY))
    return world


def test_a_digest_lists_what_waits_soonest_first_and_names_no_patient() -> None:
    worlds = [waiting("a1", 60), waiting("a2", 50)]
    cases = [world.open.model_copy(update={"episode": at}) for at, world in enumerate(worlds)]
    found = compose(ANNE, cases, START + DAY, worlds[0].site)
    assert found is not None
    assert found.cases == (cases[1].case_id, cases[0].case_id)
    assert found.channel is Channel.MESSAGE
    assert set(found.references).isdisjoint(found.cases)


def test_an_empty_digest_is_not_sent() -> None:
    world = waiting("a1")
    assert compose(BEN, [world.open], START, world.site) is None
    world.give(DigestSent(to=ANNE))
    assert compose(ANNE, [world.open], START, world.site) is None


def test_what_was_closed_meanwhile_is_not_listed() -> None:
    world = waiting("a1")
    world.give(Dispose(by=ANNE.id, disposition=Disposition.DUPLICATE))
    assert compose(ANNE, [world.open], START, world.site) is None


def test_what_has_become_urgent_does_not_wait_for_a_digest() -> None:
    world = waiting("a1")
    world.give(alert(severity=Severity.CRITICAL, name="a1", revision=2))
    assert compose(ANNE, [world.open], START, world.site) is None
    assert len(world.notices) == 1


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-06-01T00:00", "2026-06-01T05:30"),
        ("2026-06-01T05:30", "2026-06-02T05:30"),
        ("2026-03-28T12:00", "2026-03-29T05:30"),
        ("2026-10-24T12:00", "2026-10-25T06:30"),
    ],
)
def test_a_digest_is_due_at_a_local_time(after: str, expected: str) -> None:
    teams = load_house(EXAMPLE).teams
    at = datetime.fromisoformat(after).replace(tzinfo=UTC)
    due = digest_due(person("inf-doctor-1"), teams, at)
    assert due == datetime.fromisoformat(expected).replace(tzinfo=UTC)


# --- Throttles --------------------------------------------------------------------------------


def notice(severity: Severity = Severity.URGENT, *, first: bool = False) -> Notice:
    world = World()
    world.give(alert(severity=severity, act_by=START + 20 * DAY))
    return world.notices[0].model_copy(update={"first": first})


def test_the_limit_itself_is_within_and_the_next_one_waits() -> None:
    sent = [START - 10 * MINUTE, START - 5 * MINUTE]
    assert admit(notice(), sent, START).now(START)
    sent.append(START - MINUTE)
    verdict = admit(notice(), sent, START)
    assert verdict.send_at == START + 5 * MINUTE


def test_the_longer_limit_counts_too() -> None:
    sent = [START - (11 - each) * HOUR for each in range(8)]
    assert admit(notice(), sent, START).send_at == START + HOUR


def test_the_first_notice_of_an_urgent_case_always_goes() -> None:
    sent = [START] * 50
    assert admit(notice(Severity.CRITICAL, first=True), sent, START).now(START)


def test_no_urgent_notice_waits_longer_than_a_short_while() -> None:
    sent = [START] * 50
    assert admit(notice(), sent, START).send_at == START + 12 * HOUR
    urgent = admit(notice(Severity.CRITICAL), sent, START)
    assert urgent.send_at == START + LONGEST_URGENT_WAIT


@given(minutes=st.lists(st.integers(0, 3 * 24 * 60), max_size=60), spread=st.booleans())
def test_who_waits_for_the_verdict_exceeds_no_limit(minutes: list[int], *, spread: bool) -> None:
    """Notices sent as the verdicts say: in no period more than the limit."""
    sent: list[datetime] = []
    for minute in sorted(minutes if spread else [one % 60 for one in minutes]):
        now = max(START + minute * MINUTE, *sent[-1:], START)
        sent.append(admit(notice_soon(), sent, now).send_at)
    for limit in LIMITS[Channel.PUSH]:
        for at in sent:
            assert sum(at <= one < at + limit.within for one in sent) <= limit.most


_SOON = notice()


def notice_soon() -> Notice:
    return _SOON
