"""The facts of a patient as they stand: the winning version of each, sorted, with their values."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from schemas.base import as_utc
from schemas.events import Comparator, ImagingReport, Observation, Treatment
from schemas.partial import PartialDate
from schemas.terminology import Refusal, analyte, convert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from services.notifier.inbox.book import Event
    from services.notifier.inbox.charts.picture import Bound

_REPORTED: Final = re.compile(r"(?P<sign>[<>]=?)?(?P<number>[+-]?\d+(\.\d+)?([eE][+-]?\d+)?)")


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as reported; `bound` tells one that is only known to lie below or above it."""

    event_id: str
    what: str
    at: date | datetime
    value: Decimal
    unit: str | None
    bound: Bound = "exact"


def standing(events: Iterable[Event]) -> list[Event]:
    """The latest version of every fact, withdrawn ones left out, by clinical time.

    The winner is the version with the latest `issued_at`, then with the higher status.
    """
    latest: dict[str, Event] = {}
    for event in events:
        other = latest.get(event.event_id)
        if other is None or _version(event) > _version(other):
            latest[event.event_id] = event
    facts = [event for event in latest.values() if not event.status.withdraws]
    return sorted(facts, key=lambda event: (as_utc(event.effective_at), event.event_id))


def superseded(events: Iterable[Event]) -> list[Reading]:
    """Numbers that the record gave once and no longer gives: corrected or withdrawn since."""
    versions: dict[str, list[Event]] = {}
    for event in events:
        versions.setdefault(event.event_id, []).append(event)
    return [one for group in versions.values() for one in _former(sorted(group, key=_version))]


def _former(versions: Sequence[Event]) -> Iterator[Reading]:
    """The readings of the earlier versions that the last one doesn't repeat, each once."""
    last = None if versions[-1].status.withdraws else reading(versions[-1])
    told = dict.fromkeys(one for version in versions if (one := reading(version)) is not None)
    yield from (one for one in told if one != last)


def _version(event: Event) -> tuple[datetime, int]:
    return as_utc(event.issued_at or event.effective_at), event.status.rank


def key_of(name: str) -> str:
    """An analyte's own key; another name as it stands."""
    known = analyte(name)
    return known.key if known else name


def bound_of(sign: str | None) -> Bound:
    """The side on which a value lies, from its comparator."""
    if not sign:
        return "exact"
    return "below" if sign.startswith("<") else "above"


def reading(event: Event) -> Reading | None:
    """The number of an observation; None for what carries none."""
    if not isinstance(event, Observation) or event.value is None:
        return None
    if isinstance(event.effective_at, PartialDate):
        return None  # it has no place on an axis of days
    what = key_of(event.analyte or (event.code.code if event.code else ""))
    sign: Comparator | None = event.comparator
    return Reading(
        event.event_id, what, event.effective_at, event.value, event.unit, bound_of(sign)
    )


def parsed(text: str | None) -> tuple[Decimal, Bound] | None:
    """The number of a value as evidence reports it: `<0.01`, `6.4`; None if it is none."""
    found = _REPORTED.fullmatch(text or "")
    return None if found is None else (Decimal(found["number"]), bound_of(found["sign"]))


def usual_unit(readings: Sequence[Reading]) -> str:
    """The unit in which most of the values were reported: the one that this hospital reads."""
    counted = Counter(one.unit or "" for one in readings)
    return max(counted, key=lambda unit: (counted[unit], unit), default="")


def in_unit(one: Reading, unit: str) -> Decimal | None:
    """The value in another unit, exact; None if it can't be said in that."""
    if (one.unit or "") == unit:
        return one.value
    known = analyte(one.what)
    value = None if known is None else convert(one.value, one.unit, unit, known)
    return None if isinstance(value, Refusal) else value


def shown_value(event: Event) -> str:
    """The value of a fact as its source reported it, comparator included; empty if it has none."""
    match event:
        case Observation(value=None):
            return event.value_code or ""
        case Observation():
            return f"{event.comparator or ''}{event.value}"
        case ImagingReport():
            return _verdict(event)
        case Treatment():
            return event.regimen or ""
        case _:
            return ""


def _verdict(scan: ImagingReport) -> str:
    parts = [scan.response or ""]
    if scan.deauville is not None:
        parts.append(f"Deauville {scan.deauville}")
    if scan.sum_of_diameters_mm is not None:
        parts.append(f"sum {scan.sum_of_diameters_mm} mm")
    if scan.new_lesions:
        parts.append("new lesions: " + ", ".join(scan.new_lesions))
    return "; ".join(part for part in parts if part)
