"""Escalation, computed backward from the instant by which somebody must have answered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from schemas.alerts import Severity
from services.notifier.cases.policy import total
from services.notifier.cases.words import Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.cases.site import Site


def starts(
    waits: Sequence[timedelta],
    now: datetime,
    goal: datetime,
    *,
    at_once: bool = True,
    slack: timedelta = timedelta(0),
) -> tuple[datetime, ...]:
    """When each rung starts.

    The last one ends at `goal`; each earlier one ends where the next begins. If the time is too
    short for that, all waits shrink in the same proportion: waiting is dropped, never a rung.

    Args:
        waits: how long each rung has to answer, first to last.
        now: nothing starts earlier.
        goal: by when somebody must have answered.
        at_once: the first rung starts now, and has what is left over.
        slack: start earlier by this, as far as there is room.

    Returns:
        As many instants as there are waits, none before the one before it.
    """
    whole, left = total(waits), goal - now
    if left < whole:
        ticks, all_ticks = max(left, timedelta(0)) // _TICK, whole // _TICK
        sums = [total(waits[:at]) // _TICK for at in range(len(waits))]
        return tuple(now + ticks * each // all_ticks * _TICK for each in sums)
    end = max(goal - slack, now + whole)
    found = [end - total(waits[at:]) for at in range(len(waits))]
    return (now, *found[1:]) if at_once and found else tuple(found)


_TICK = timedelta(microseconds=1)


def latest_end(case: Case, site: Site) -> datetime | None:
    """By when the ladder must have been climbed, so that there is time left to act."""
    if case.act_by is None:
        return None
    return case.act_by - site.policy.pace(case.severity).reserve


def goal(case: Case, site: Site, since: datetime) -> datetime | None:
    """By when somebody must have answered: in time to act, and as soon as the severity asks for."""
    end = latest_end(case, site)
    if end is None:
        return None
    return min(end, since + site.policy.pace(case.severity).answer_within)


def rest(case: Case, site: Site, rung: int) -> tuple[timedelta, ...]:
    """How long each rung from one on has to answer."""
    triage = case.climb is not None and case.climb.triage
    return site.policy.waits(case.severity, triage=triage)[rung:]


def urgency(case: Case, site: Site, now: datetime) -> Urgency:
    """How a case may interrupt now."""
    end = latest_end(case, site)
    if case.severity is Severity.CRITICAL:
        return Urgency.URGENT
    if end is None:
        return Urgency.ROUTINE
    rung = case.climb.rung if case.climb else 0
    left = end - now
    if left <= total(rest(case, site, rung)):
        return Urgency.URGENT
    if _is_demoted(case, site) or case.severity is Severity.ADVISORY:
        return Urgency.ROUTINE
    late = case.severity is Severity.URGENT or left <= site.policy.soon_within
    return Urgency.SOON if late else Urgency.ROUTINE


def _is_demoted(case: Case, site: Site) -> bool:
    """Whether all that stands comes of changed rules, or from rules that may not interrupt."""
    return all(one.by_rules or one.rule in site.demoted for one in case.pending)


def attention(case: Case, site: Site, now: datetime) -> datetime:
    """How long an acknowledgement holds: a quarter of the time left, and not for ever.

    Source:
        The quarter is the notifier's design; least and most are the site's policy (CHOICE).
    """
    policy = site.policy
    if case.late is not None:
        return now + policy.late_attention
    longest = policy.pace(case.severity).attention
    if case.act_by is None:
        return now + longest
    share = max(policy.least_attention, (case.act_by - now) / 4)
    return min(now + min(longest, share), max(now, case.act_by))


def latest_wake(case: Case, site: Site, now: datetime) -> datetime:
    """Until when a case may sleep: the rungs from the one that it reached still fit behind it."""
    end = latest_end(case, site)
    if end is None:
        return now + site.policy.longest_snooze
    return end - total(rest(case, site, reached(case)))


def reached(case: Case) -> int:
    """The rung that a case has reached: the last that was told, or the first."""
    return max(0, case.climb.rung - 1) if case.climb else 0


def last_call(case: Case, site: Site) -> datetime | None:
    """When to begin the ladder for the last time, if nobody answered the first."""
    end = latest_end(case, site)
    whole = total(site.policy.waits(case.severity, triage=False)) + site.policy.slack
    return None if end is None else end - whole
