"""From facts and an alert to charts: what is worth drawing, and over which time. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from schemas.alerts import AlertRevision, Evidence, Role
from schemas.base import as_utc
from schemas.events import ImagingReport, Observation, Treatment
from schemas.partial import PartialDate
from services.notifier.inbox import words
from services.notifier.inbox.charts.picture import (
    FULL,
    SMALL,
    WIDE,
    Chart,
    Point,
    Span,
    Threshold,
)
from services.notifier.inbox.courses import moments, of_condition, periods
from services.notifier.inbox.facts import (
    Reading,
    in_unit,
    key_of,
    parsed,
    reading,
    usual_unit,
)
from services.notifier.inbox.thresholds import SUM, Limit, limits
from services.notifier.inbox.trends import looked_ahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.notifier.inbox.book import Event

_SCANNED: Final = re.compile(r"\bsum (?P<sum>\d+(?:\.\d+)?) mm\b")
"""The sum of diameters in what an imaging report's evidence says."""
_SUM_TITLE: Final = "Sum of diameters of target lesions"


@dataclass(frozen=True, slots=True)
class Series:
    """The numbers of one quantity, with the role that each plays for the verdict."""

    what: str
    unit: str
    points: tuple[Point, ...]
    left_out: int = 0

    @property
    def title(self) -> str:
        """For people."""
        return _SUM_TITLE if self.what == SUM else words.name_of(self.what)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart and what has to be said beside it.

    left_out: values in units that don't fit. what, unit: the quantity, as terminology has them.
    """

    chart: Chart
    left_out: int = 0
    what: str = ""
    unit: str = ""


# ---------------------------------------------------------------- one alert


def of_alert(
    alert: AlertRevision,
    facts: Sequence[Event],
    now: datetime,
    *,
    was: Sequence[Reading] = (),
    key: str = "evidence",
) -> list[Drawn]:
    """The charts of an alert: one for each quantity of its evidence, all over the same time.

    Args:
        alert: a revision with evidence.
        facts: the standing facts of the patient, by time.
        now: drawn as a line when it lies in the time shown.
        was: readings that have been corrected or withdrawn.
        key: what the ids of the elements begin with.
    """
    readings = _with_evidence(facts, alert.evidence)
    around = _around(alert)
    roles = {item.event_id: Role(item.role) for item in alert.evidence}
    wanted = _quantities(alert, readings)
    series = [_series(what, readings, roles, around) for what in wanted]
    bounds = limits(
        alert.explanation,
        {f.event_id: f for f in facts if isinstance(f, Observation | ImagingReport)},
        {one.what: one.unit for one in series},
    )
    context = replace(_context(alert, facts, around, now), layout=WIDE if bounds else FULL)
    struck = {one.what: _series(one.what, was, {}, around).points for one in was}
    drawn = [
        _drawn(one, bounds, replace(context, struck=struck.get(one.what, ())), f"{key}-{number}")
        for number, one in enumerate(series)
    ]
    return drawn or [Drawn(replace(context, key=key, title="Course of treatment"))]


def _with_evidence(facts: Sequence[Event], evidence: Sequence[Evidence]) -> list[Reading]:
    """All numbers of the record; those that are evidence as they were when it was used."""
    used = {item.event_id: _of_evidence(item) for item in evidence}
    now = [one for fact in facts if (one := reading(fact)) and used.get(one.event_id) is None]
    sums = [one for fact in facts if (one := _sum(fact))]
    known = {fact.event_id for fact in facts}
    told = [one for item in evidence if item.event_id not in known and (one := _scanned(item))]
    return [*now, *sums, *(one for one in used.values() if one is not None), *told]


def _of_evidence(item: Evidence) -> Reading | None:
    number = parsed(item.value)
    if number is None or isinstance(item.at, PartialDate):
        return None
    return Reading(item.event_id, key_of(item.what), item.at, number[0], item.unit, number[1])


def _scanned(item: Evidence) -> Reading | None:
    """The sum of diameters that the evidence quotes of a report that isn't at hand."""
    found = _SCANNED.search(item.value or "")
    if found is None or isinstance(item.at, PartialDate):
        return None
    return Reading(item.event_id, SUM, item.at, Decimal(found["sum"]), "mm")


def _sum(fact: Event) -> Reading | None:
    if not isinstance(fact, ImagingReport) or fact.sum_of_diameters_mm is None:
        return None
    if isinstance(fact.effective_at, PartialDate):
        return None
    return Reading(fact.event_id, SUM, fact.effective_at, fact.sum_of_diameters_mm, "mm")


def _quantities(alert: AlertRevision, readings: Sequence[Reading]) -> list[str]:
    """What the evidence measures, in the order in which it is cited."""
    whats = {one.event_id: one.what for one in readings}
    cited = (whats.get(item.event_id) for item in alert.evidence)
    return list(dict.fromkeys(what for what in cited if what is not None))


def _around(alert: AlertRevision) -> tuple[datetime, datetime]:
    """The time worth seeing: from the first evidence to the last day that counts, with room."""
    days = [as_utc(item.at) for item in alert.evidence] or [as_utc(alert.at)]
    days += [as_utc(at) for at in (alert.act_by, alert.confirm_by) if at is not None]
    first, last = min(days), max(days)
    room = max((last - first) * 0.06, timedelta(days=10))
    return first - room, last + room


def _series(
    what: str,
    readings: Sequence[Reading],
    roles: dict[str, Role],
    around: tuple[datetime, datetime] | None = None,
) -> Series:
    chosen = [one for one in readings if one.what == what]
    if around is not None:
        chosen = [one for one in chosen if around[0] <= as_utc(one.at) <= around[1]]
    unit = usual_unit(chosen)
    placed = [(one, in_unit(one, unit)) for one in chosen]
    points = tuple(
        Point(one.at, value, one.bound, roles.get(one.event_id))
        for one, value in placed
        if value is not None
    )
    return Series(what, unit, points, len(placed) - len(points))


def _context(
    alert: AlertRevision, facts: Sequence[Event], around: tuple[datetime, datetime], now: datetime
) -> Chart:
    """What all charts of an alert share: treatments, events, the time that is left."""
    until = alert.act_by or alert.confirm_by
    label = "" if until is None else f"{'act' if alert.act_by else 'confirm'} by {words.day(until)}"
    span = None if until is None else Span(alert.at, until, label)
    return Chart(
        key="",
        title="",
        periods=tuple(periods(of_condition(alert, facts), around)),
        moments=tuple(moments(facts, alert, around)),
        span=span,
        now=now,
        limits=around,
    )


def _drawn(one: Series, bounds: Sequence[Limit], context: Chart, key: str) -> Drawn:
    own = tuple(limit for limit in bounds if limit.what == one.what)
    return Drawn(_chart(one, context, key, _merged(own)), one.left_out, one.what, one.unit)


def _chart(one: Series, context: Chart, key: str, thresholds: tuple[Threshold, ...]) -> Chart:
    unit = words.readable(one.unit)
    return replace(
        context, key=key, title=one.title, unit=unit, points=one.points, thresholds=thresholds
    )


def foreseen(drawn: Drawn, levels: Sequence[Limit]) -> Drawn:
    """The same, with the next of a rule's levels that the trend reaches, and when."""
    units = {drawn.what: drawn.unit}
    own = [one for level in levels if level.what == drawn.what and (one := level.within(units))]
    return replace(drawn, chart=looked_ahead(drawn.chart, _merged(own)))


def _merged(own: Sequence[Limit]) -> tuple[Threshold, ...]:
    """One line for limits of one value; their labels join."""
    labels: dict[Decimal, list[str]] = {}
    for limit in own:
        labels.setdefault(limit.value, []).append(limit.label)
    return tuple(Threshold(value, "; ".join(said)) for value, said in labels.items())


# ---------------------------------------------------------------- one patient


def of_patient(facts: Sequence[Event], first: Sequence[str]) -> list[Drawn]:
    """A chart for every quantity of a patient, all over the same time.

    Args:
        facts: the standing facts.
        first: quantities to be shown before the others, which come by name.
    """
    readings = [one for fact in facts if (one := reading(fact) or _sum(fact))]
    if not readings:
        return []
    days = [as_utc(one.at) for one in readings]
    around = (min(days) - timedelta(days=14), max(days) + timedelta(days=14))
    courses = tuple(periods([f for f in facts if isinstance(f, Treatment)], around))
    rank = {what: place for place, what in enumerate(first)}
    whats = sorted(
        {one.what for one in readings},
        key=lambda what: (rank.get(what, len(rank)), words.name_of(what).casefold()),
    )
    context = Chart(key="", title="", periods=courses, limits=around, layout=SMALL)
    return [
        _plain(_series(what, readings, {}), context, f"chart-{number}", facts)
        for number, what in enumerate(whats)
    ]


def _plain(one: Series, context: Chart, key: str, facts: Sequence[Event]) -> Drawn:
    return Drawn(_chart(one, context, key, _references(one, facts)), one.left_out)


def _references(one: Series, facts: Sequence[Event]) -> tuple[Threshold, ...]:
    """The reference limits that came with the last result in the chart's unit."""
    same = [
        fact
        for fact in facts
        if isinstance(fact, Observation)
        and key_of(fact.analyte or "") == one.what
        and (fact.unit or "") == one.unit
    ]
    if not same:
        return ()
    ends = (
        ("reference from", same[-1].reference_low),
        ("reference up to", same[-1].reference_high),
    )
    return tuple(
        Threshold(value, f"{name} {words.number(value)}", soft=True)
        for name, value in ends
        if value is not None
    )
