"""What texts have been read as: times and numbers, most of which come again and again.

Everything here is stricter than the models: what it refuses, the strict reader decides.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DAYS", "HOUR", "HOURS", "NUMBERS", "OF_THE_HOUR", "Memo"]

K = TypeVar("K")
V = TypeVar("V")

MOST_REMEMBERED = 65_536
"""Seven years of hours, all minutes of an hour in any time zone, all numbers of four digits."""

HOUR = len("YYYY-MM-DDThh")
"""Where a moment is cut: few hours are asked for again and again, and few texts follow them."""
_EARLIEST, _LATEST = "1850", "2200"  # as `schemas.base` has it; years have four digits
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_US_PER_HOUR = 3_600_000_000
_US_PER_DAY = 24 * _US_PER_HOUR
_MICROSECOND = timedelta(microseconds=1)
_ANY_MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)
_OFFSETS = frozenset({(6, "+:"), (6, "-:")})
_MAX_NUMBER = 18
"""Characters of a number; fewer than `schemas.base` allows, so that digits need no counting."""


class Memo(dict[K, V]):
    """What was worked out from a key, kept as long as there is room. Faster than `lru_cache`."""

    def __init__(self, read: Callable[[K], V], most: int = MOST_REMEMBERED) -> None:
        super().__init__()
        self._read = read
        self._most = most

    def __missing__(self, key: K) -> V:
        if len(self) >= self._most:
            self.clear()  # crude, but it comes seldom and costs little
        found = self[key] = self._read(key)
        return found


def _day(text: str) -> tuple[int, int]:
    """The ordinal of a day, `YYYY-MM-DD`, and the instant at which it begins in UTC.

    Raises:
        ValueError: not plainly a day.
    """
    # `fromisoformat` reads weeks (2024-W05-1), too; the hyphens rule them out.
    if text[4::3] != "--" or not _EARLIEST <= text < _LATEST:
        raise ValueError("not plainly a date")
    day = date.fromisoformat(text).toordinal()
    return day, (day - _EPOCH_DAY) * _US_PER_DAY


def _hour(text: str) -> tuple[int, int]:
    """The same of `YYYY-MM-DDThh`, the beginning of a moment: its day, and where its hour begins.

    Raises:
        ValueError: not plainly the beginning of a moment.
    """
    day, midnight = DAYS[text[:10]]
    if text[10:11] != "T" or len(text) != HOUR:
        raise ValueError("not plainly a moment")
    return day, midnight + time.fromisoformat(text[11:]).hour * _US_PER_HOUR


def _of_the_hour(text: str) -> tuple[int, tzinfo]:
    """Microseconds from the hour to the moment, and its zone: of `:mm:ss` and `Z` or `±hh:mm`.

    `fromisoformat` checks the digits, but takes much beyond this form: no separators, fractions,
    no offset. Each of them has another length, or another sign at one of these places.

    Raises:
        ValueError: not plainly the end of a moment; other forms are left to the strict reader.
    """
    offset = text[6:]
    if text[:4:3] != "::" or (offset != "Z" and (len(offset), offset[::3]) not in _OFFSETS):
        raise ValueError("not plainly a moment")
    said = datetime.fromisoformat("2000-01-01T00" + text)
    assert said.tzinfo is not None, "the text ends with an offset"  # noqa: S101
    return (said - _ANY_MIDNIGHT) // _MICROSECOND, said.tzinfo


def _decimal(text: str) -> Decimal:
    """Digits with at most one point; signs and exponents are left to the strict reader.

    Raises:
        ValueError: not plainly a number.
    """
    if len(text) > _MAX_NUMBER or not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError("not plainly a number")
    return Decimal(text)


DAYS = Memo(_day)
HOURS = Memo(_hour)
OF_THE_HOUR = Memo(_of_the_hour)
NUMBERS = Memo(_decimal)
