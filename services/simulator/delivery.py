"""The hospital's usual mess: results late, twice, out of order, preliminary first, put right later.

Nothing here knows a rule. What a verdict hangs on (`Draft.planted`) is only ever delayed within
its hold, sent out of order or sent twice, none of which may change a verdict; everyday results
suffer everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from schemas.base import as_utc
from schemas.events import (
    EVENT,
    AdverseEvent,
    ImagingReport,
    Observation,
    Patient,
    Status,
    Treatment,
)
from services.simulator.chance import CONTEXT, Chance
from services.simulator.chart import LAB, Chart, Draft, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

AnyEvent = Observation | ImagingReport | AdverseEvent | Treatment | Patient

LATE = 100
"""Per mille of the reports that may take longer than `LATE_FROM`; 80 of all, as some may not."""
TWICE = 30
"""Per mille of the messages."""
OUT_OF_ORDER = 50
"""Per mille of the messages, held up on the line for hours to days."""
PRELIMINARY, CORRECTED, WRONG_PATIENT, SPOILT = 60, 45, 4, 8
"""Per mille of everyday orders; with the corrections of the stories, 20 of all messages."""

LATE_FROM = timedelta(days=5)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLOW = {"hiv_rna": 2 * DAY, "bcrabl": 3 * DAY, "mspike": DAY, "biopsy": 3 * DAY}
"""Molecular tests, electrophoresis and pathology take days, a count takes hours."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One message: the facts of one order, in the versions released at one moment."""

    sent_at: datetime
    events: tuple[AnyEvent, ...]


def deliver(chart: Chart) -> list[Dispatch]:
    """Turn a chart into messages, in no particular order; fixes every version's `issued_at`."""
    chance = chart.chance
    dispatches: list[Dispatch] = []
    for _, group in groupby(_within_life(chart), key=lambda draft: draft.order):
        order = list(group)
        _schedule(chance, order)
        dispatches.extend(_send(chance, chart.patient_id, order))
    return dispatches


def _within_life(chart: Chart) -> Iterator[Draft]:
    """Facts up to the day of death; one that was planned for later never happens."""
    limit = None if chart.died_on is None else chart.on(chart.died_on)
    return (draft for draft in chart.facts if limit is None or draft.day <= limit)


def _schedule(chance: Chance, order: list[Draft]) -> None:
    """Decide when each version of the facts of one order is released."""
    first = order[0]
    if first.issued_at is None:
        issued = _drawn(first) + _turnaround(chance, first)
        for draft in order:
            draft.versions[0].issued_at = issued
    if not first.planted:
        _disturb(chance, order)


def _drawn(draft: Draft) -> datetime:
    """The moment at which the clock of the report starts: of a bare date, its morning."""
    if isinstance(draft.effective_at, datetime):
        return draft.effective_at
    return datetime.combine(draft.effective_at, time(9), UTC)


def _turnaround(chance: Chance, draft: Draft) -> timedelta:
    """How long the report takes."""
    if chance.happens(LATE) and draft.hold > LATE_FROM + DAY:
        return chance.span(LATE_FROM + DAY, draft.hold)
    quickest = SLOW.get(draft.name, HOUR)
    return min(draft.hold, chance.span(quickest, quickest + 30 * HOUR))


def _disturb(chance: Chance, order: list[Draft]) -> None:
    """One disturbance, at most, for an everyday order."""
    fate = chance.below(1000)
    if fate < PRELIMINARY:
        _preliminary_first(order)
    elif fate < PRELIMINARY + CORRECTED:
        _corrected_later(chance, chance.pick(order))
    elif fate < PRELIMINARY + CORRECTED + WRONG_PATIENT:
        _taken_off(chance, order)


def _preliminary_first(order: list[Draft]) -> None:
    """The same values, released half-way, before they are final."""
    for draft in order:
        final = draft.versions[0]
        half = _drawn(draft) + (_released(final) - _drawn(draft)) / 2
        early = Version(draft, Status.PRELIMINARY, final.fields, half.replace(microsecond=0))
        draft.versions.insert(0, early)


def _corrected_later(chance: Chance, draft: Draft) -> None:
    """A value put right by a few per cent, some days later."""
    before = draft.versions[-1]
    fields = dict(before.fields)
    if "value" not in fields:
        return
    value = Decimal(str(fields["value"]))
    fields["value"] = str(CONTEXT.multiply(value, Decimal("1.03")).quantize(value))
    issued = _released(before) + chance.span(6 * HOUR, 8 * DAY)
    draft.versions.append(Version(draft, Status.CORRECTED, fields, issued))


def _taken_off(chance: Chance, order: list[Draft]) -> None:
    """Somebody else's blood: the whole order is withdrawn."""
    issued = _released(order[0].versions[-1]) + chance.span(HOUR, 4 * DAY)
    for draft in order:
        fields = draft.versions[-1].fields
        draft.versions.append(Version(draft, Status.ENTERED_IN_ERROR, fields, issued))


def _released(version: Version) -> datetime:
    if version.issued_at is None:
        raise ValueError("a version without a moment of release")
    return version.issued_at


def _send(chance: Chance, patient_id: str, order: list[Draft]) -> Iterator[Dispatch]:
    """The messages of an order, some of them late on the line and some sent again."""
    versions = sorted((v for draft in order for v in draft.versions), key=_released)
    for issued, together in groupby(versions, key=_released):
        events = tuple(event_of(version, patient_id) for version in together)
        delay = chance.span(HOUR, 2 * DAY) if chance.happens(OUT_OF_ORDER) else timedelta()
        yield Dispatch(issued + delay, events)
        if chance.happens(TWICE):
            yield Dispatch(issued + delay + chance.span(timedelta(minutes=5), 36 * HOUR), events)
    if order[0].source == LAB and chance.happens(SPOILT):
        yield _spoilt(order[0], patient_id)


def _spoilt(draft: Draft, patient_id: str) -> Dispatch:
    """A tube of the same blood draw that clotted: cancelled, without a value."""
    issued = _drawn(draft) + 3 * HOUR
    lost = Draft(f"{draft.order}X", "potassium", LAB, draft.effective_at, draft.hold, planted=False)
    fields = {"type": "observation", "analyte": "potassium"}
    return Dispatch(
        issued, (event_of(Version(lost, Status.CANCELLED, fields, issued), patient_id),)
    )


def event_of(version: Version, patient_id: str) -> AnyEvent:
    """The canonical event of a version."""
    draft = version.draft
    return EVENT.validate_python(
        {
            "event_id": draft.event_id,
            "patient_id": patient_id,
            "source": draft.source,
            "effective_at": draft.effective_at,
            "issued_at": version.issued_at,
            "status": version.status,
            **version.fields,
        }
    )


def in_order(dispatches: Iterable[Dispatch]) -> tuple[Dispatch, ...]:
    """By the moment of sending; what is sent at once, by patient and fact."""
    return tuple(sorted(dispatches, key=_place))


def _place(dispatch: Dispatch) -> tuple[datetime, str, str, datetime]:
    first = dispatch.events[0]
    issued = first.issued_at or as_utc(first.effective_at)
    return dispatch.sent_at, first.patient_id, first.event_id, issued
