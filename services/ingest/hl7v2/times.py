"""HL7 v2 times (data types TS, DTM, DT) as clinical times.

Source: HL7 v2.8.2 chapter 2A, DTM: `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`; where a time
has no offset, that of MSH-7 holds, and after it the sender's (§2.A.21).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

from schemas.base import parse_date, parse_effective_time, parse_moment
from schemas.remembered import Memo

if TYPE_CHECKING:
    from schemas.partial import Effective

_DTM = re.compile(
    r"(?P<day>\d{8})"
    r"(?:(?P<hour>\d{2})(?:(?P<minute>\d{2})(?:(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?)?)?)?"
    r"(?P<zone>[+-]\d{4})?"
)
_MONTH_OR_YEAR = re.compile(r"(\d{4})(\d{2})?")
_MAX_OFFSET = timedelta(hours=14)


def clinical_time(text: str, zone: tzinfo) -> date | datetime:
    """Read a time. A bare day stays a day: its hour is not known.

    Args:
        text: the field's text.
        zone: the zone of a time that carries none.

    Raises:
        ValueError: not such a time, no such day, or less than a day is given.
    """
    return _KNOWN[text, zone]


def _clinical_time(key: tuple[str, tzinfo]) -> date | datetime:
    text, zone = key
    match = _DTM.fullmatch(text)
    if match is None:
        raise ValueError("expected at least a day, as YYYYMMDD[HH[MM[SS[.S]]]][+/-ZZZZ]")
    day = parse_date(f"{text[:4]}-{text[4:6]}-{text[6:8]}")
    if match["hour"] is None:
        return day
    fraction = (match["fraction"] or "0").ljust(6, "0")
    try:
        local = datetime(
            day.year,
            day.month,
            day.day,
            int(match["hour"]),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int(fraction),
            tzinfo=offset(text) or zone,
        )
    except ValueError:
        raise ValueError("there is no such time of day") from None
    return _fixed(local)


_KNOWN = Memo(_clinical_time)
"""A message says the same few times again and again. What can't be read is not remembered."""


def effective_time(text: str, zone: tzinfo) -> Effective:
    """Read a time that may be given only to its month or year: nothing is filled in.

    Args:
        text: the field's text.
        zone: the zone of a time that carries none.

    Raises:
        ValueError: not such a time, no such month or day.
    """
    match = _MONTH_OR_YEAR.fullmatch(text)
    if match is None:
        return clinical_time(text, zone)
    return parse_effective_time("-".join(filter(None, match.groups())))


def moment(text: str, zone: tzinfo) -> datetime | None:
    """Read a time that has an hour; None for a bare day.

    Raises:
        ValueError: as `clinical_time`.
    """
    found = clinical_time(text, zone)
    return found if isinstance(found, datetime) else None


def offset(text: str) -> tzinfo | None:
    """The offset that a time carries, if it does.

    Raises:
        ValueError: no place on Earth has that offset.
    """
    match = re.search(r"([+-])(\d{2})(\d{2})$", text)
    if match is None:
        return None
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if size > _MAX_OFFSET or int(match[3]) > 59:  # noqa: PLR2004 - minutes of an hour
        raise ValueError("there is no such offset")
    return timezone(-size if match[1] == "-" else size) if size else UTC


def _fixed(local: datetime) -> datetime:
    """The same moment with its offset written out, so that no zone table is needed later."""
    shift = local.utcoffset()
    fixed = UTC if not shift else timezone(shift)
    return parse_moment(local.replace(tzinfo=fixed))
