"""Dates of which only the month or the year is known, as in FHIR's partial `dateTime`.

Law of this file: nothing is filled in. Who wants a day has to say which one, `first` or `last`.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime

_PARTIAL = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")
PARTIAL_PATTERN = r"^\d{4}(-(0[1-9]|1[0-2]))?$"
"""How such a date is written, for JSON Schema."""


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A month, or a whole year: it stands for every day of it.

    Attributes:
        year: four digits.
        month: 1 to 12; None when only the year is known.
    """

    year: int
    month: int | None = None

    @property
    def first(self) -> date:
        """The earliest day that may be meant."""
        return date(self.year, self.month or 1, 1)

    @property
    def last(self) -> date:
        """The latest day that may be meant."""
        month = self.month or 12
        return date(self.year, month, calendar.monthrange(self.year, month)[1])

    def isoformat(self) -> str:
        """As it is written in a message: `2023-05` or `2023`."""
        return f"{self.year:04}" + ("" if self.month is None else f"-{self.month:02}")

    __str__ = isoformat


Effective = date | datetime | PartialDate
"""When something was true of the patient, as far as it is known."""


def is_partial(text: str) -> bool:
    """Whether a text is a year, or a year and a month."""
    return _PARTIAL.fullmatch(text) is not None


def read_partial(text: str) -> PartialDate:
    """Read `YYYY` or `YYYY-MM`.

    Raises:
        ValueError: neither.
    """
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise ValueError("expected a year or a month as YYYY or YYYY-MM")
    return PartialDate(int(match[1]), None if match[2] is None else int(match[2]))
