"""Lengths of time as people write them: `30 min`, `4 h`, `7 d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS: Final = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "wk": "weeks"}
_FORM: Final = re.compile(rf"(\d{{1,6}}) ?({'|'.join(_UNITS)})")


def parse_duration(value: object) -> timedelta:
    """Read a number and a unit: s, min, h, d (24 hours) or wk.

    Raises:
        ValueError: not such a text.
    """
    if isinstance(value, timedelta):
        return value
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a number and a unit: 30 min, 4 h, 7 d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def write_duration(value: timedelta) -> str:
    """The text of a duration, in the largest unit that divides it."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(write_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_FORM.pattern}$"}),
]
