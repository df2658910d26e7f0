"""FHIR dates and instants as clinical times, with the precision that they have.

Source: FHIR R4, Data Types, `dateTime`, `date` and `instant`: a year, a month, a day, or a moment
with its offset. Nothing is filled in, and a moment without an offset is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from schemas.base import parse_effective_time, parse_moment
from schemas.deadletter import Reason
from services.ingest.coding import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from schemas.partial import Effective
    from services.ingest.fhir.elements import Element

_FINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\d+(Z|[+-]\d\d:\d\d)")
"""More than microseconds: some servers write seven digits."""


class Span(NamedTuple):
    """From when to when something was true; of a single time both are the same."""

    start: Effective | None
    end: Effective | None


def effective(element: Element, name: str) -> Effective | None:
    """A field's time, be it only a month or a year; None if it is empty.

    Raises:
        Refused: there is no such time, or it has an hour and no offset.
    """
    text = element.text(name)
    if text is None:
        return None
    try:
        return parse_effective_time(_FINE.sub(r"\1\2", text))
    except ValueError as error:
        raise Refused(Reason.IMPOSSIBLE_DATE, str(error), element.where(name)) from None


def instant(element: Element | None, name: str) -> datetime | None:
    """A field's moment; None if it is empty.

    Raises:
        Refused: there is no such moment, or it has no offset.
    """
    text = element.text(name) if element is not None else None
    if element is None or text is None:
        return None
    try:
        return parse_moment(_FINE.sub(r"\1\2", text))
    except ValueError as error:
        raise Refused(Reason.IMPOSSIBLE_DATE, str(error), element.where(name)) from None


def period(element: Element | None) -> Span | None:
    """A Period; None if neither end is given.

    Raises:
        Refused: an end that is no time.
    """
    if element is None:
        return None
    span = Span(effective(element, "start"), effective(element, "end"))
    return span if any(span) else None


def span(element: Element, stem: str) -> Span | None:
    """The time of `stem[x]`: a dateTime, an instant or a Period; None if there is none.

    Raises:
        Refused: it cannot be read.
    """
    for name in (f"{stem}DateTime", f"{stem}Instant"):
        at = effective(element, name)
        if at is not None:
            return Span(at, at)
    return period(element.one(f"{stem}Period"))
