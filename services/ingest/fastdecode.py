"""The fast reader of plain observations, which nearly all lines of nearly all feeds are.

Law of this file: it accepts only what the strict reader (`decode`) accepts, and means the same.
Whatever isn't plainly valid gives None, and the strict reader decides and finds the words for it.

Why a key that stands twice can be told by counting: in a line without backslashes every quotation
mark opens or closes a text, so half of them is the number of texts: one for each key, and one for
each value that is a text. A reader that keeps one value for each key can say how many texts its
values account for. If the line has no more, no key stood twice, and none had a `null`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder
from msgspec.structs import astuple

from schemas.events import Coding, Comparator, Observation, Status
from schemas.terminology import Refusal, analyte, by_code, scale
from services.ingest.strictjson import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PlainCoding", "PlainObservation", "decode_plain"]

_T = TypeVar("_T")
_EARLIEST, _LATEST = "1850", "2200"  # as `schemas.base` has it; years have four digits
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DATE_SIGNS = len("YYYY-MM-DD")
_US_PER_DAY = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)
_ANY_MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)
_OFFSETS = frozenset({(6, "+:"), (6, "-:")})
_FINAL = Status.FINAL
_MAX_NUMBER = 18
"""Characters of a number; fewer than `schemas.base` allows, so that digits need no counting."""

_Text = Annotated[str, Meta(min_length=1, max_length=256)]
_Number = str | int | float


class PlainCoding(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A code from a terminology; mirrors `schemas.events.Coding`."""

    system: _Text
    code: _Text
    display: _Text | None = None


class _Wire(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="type", tag="observation"
):
    """An observation as it is written: times and numbers are still text, defaults are None."""

    event_id: _Text
    patient_id: _Text
    source: _Text
    effective_at: str
    issued_at: str | None = None
    status: Status | None = None
    analyte: _Text | None = None
    code: PlainCoding | None = None
    value: _Number | None = None
    comparator: Comparator | None = None
    unit: _Text | None = None
    value_code: _Text | None = None
    reference_low: _Number | None = None
    reference_high: _Number | None = None
    specimen: _Text | None = None
    method: _Text | None = None
    schema_version: Literal[1] | None = None


class _Fractions(Struct, frozen=True, gc=False):
    """The numbers of a line again, with all the digits of those that aren't texts."""

    value: Decimal | None = None
    reference_low: Decimal | None = None
    reference_high: Decimal | None = None


_FIELDS = tuple(name for name in _Wire.__struct_fields__ if name != "schema_version")
_ALWAYS = len(("type", "event_id", "patient_id", "source", "effective_at"))
_read_wire = Decoder(_Wire).decode
_read_fractions = Decoder(_Fractions).decode


class PlainObservation(Struct, frozen=True, gc=False):
    """An observation, read and valid: the fields of `schemas.events.Observation`.

    Its times are read only as far as it takes to compare them; as objects they are made when
    somebody asks, which is at few of all results.

    Attributes:
        effective_text, issued_text: the times as they were written.
        times: ordinal of the clinical day as written; clinical instant, in microseconds UTC since
            1970, of a bare date its first moment; whether the hour is known; instant of issue.
    """

    event_id: str
    patient_id: str
    source: str
    effective_text: str
    issued_text: str | None
    status: Status
    analyte: str | None
    code: PlainCoding | None
    value: Decimal | None
    comparator: Comparator | None
    unit: str | None
    value_code: str | None
    reference_low: Decimal | None
    reference_high: Decimal | None
    specimen: str | None
    method: str | None
    times: tuple[int, int, bool, int | None]

    type: ClassVar[Literal["observation"]] = "observation"
    schema_version: ClassVar[Literal[1]] = 1

    @property
    def effective_at(self) -> date | datetime:
        """The clinical time."""
        text = self.effective_text
        return datetime.fromisoformat(text) if self.times[2] else date.fromisoformat(text)

    @property
    def issued_at(self) -> datetime | None:
        """When this version was released."""
        return None if self.issued_text is None else datetime.fromisoformat(self.issued_text)

    def as_event(self) -> Observation:
        """The same as the model that the strict reader gives. Nothing is left to validate."""
        fields = {name: getattr(self, name) for name in _FIELDS}
        if self.code is not None:
            fields["code"] = Coding(
                system=self.code.system, code=self.code.code, display=self.code.display
            )
        return Observation.model_construct(type="observation", **fields)

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        """As the model dumps itself, so that a digest doesn't tell who read the line."""
        return self.as_event().model_dump(mode=mode)


def decode_plain(line: bytes) -> PlainObservation | None:
    """Read one canonical observation, if it is a plain one.

    Args:
        line: one JSON object in UTF-8, with or without its line end.

    Returns:
        The observation, its analyte named by our key, of which the strict reader would say the
        same and have nothing to remark; or None: let the strict reader decide.
    """
    if len(line) > MAX_BYTES:
        return None
    try:
        text = line.decode()
        return _observation(_read_wire(text), text)
    except (DecodeError, ValueError):  # what msgspec refuses, and what the functions below do
        return None


def _observation(wire: _Wire, text: str) -> PlainObservation:  # noqa: C901, PLR0912 - see below
    """Read times and numbers, and look at all that the models look at.

    One function, because this is run for every line: each further one would cost a tenth of it.

    Raises:
        ValueError: something that is not plainly valid.
    """
    (
        event_id,
        patient_id,
        source,
        effective_at,
        issued_at,
        status,
        name,
        code,
        value,
        comparator,
        unit,
        value_code,
        low,
        high,
        specimen,
        method,
        version,
    ) = astuple(wire)
    if code is None:
        key, texts = _kind(name, unit, specimen, method, value is not None)
    else:
        key, texts = _kind(name, unit, specimen, method, value is not None, code.system, code.code)
        texts += 5 if code.display is None else 7  # its own key, and two for each of its fields
    if value is not None:
        if value.__class__ is str:
            texts += 2
        else:
            texts += 1
            value = _digits(value, text, "value")
        value = _NUMBERS[value]
    elif comparator is not None or (
        value_code is None and (status is None or not status.withdraws)
    ):
        raise ValueError("not plainly complete")
    if low is not None:
        if low.__class__ is str:
            texts += 2
        else:
            texts += 1
            low = _digits(low, text, "reference_low")
        low = _NUMBERS[low]
    if high is not None:
        if high.__class__ is str:
            texts += 2
        else:
            texts += 1
            high = _digits(high, text, "reference_high")
        high = _NUMBERS[high]
        if low is not None and low > high:
            raise ValueError("not plainly a reference interval")
    if status is not None:
        texts += 2
    if comparator is not None:
        texts += 2
    if value_code is not None:
        texts += 2
    if version is not None:
        texts += 1
    day, at = _DAYS[effective_at[:_DATE_SIGNS]]
    hour = effective_at[_DATE_SIGNS:]
    if hour:
        at += _HOURS[hour]
    issued = None
    if issued_at is not None:
        texts += 2
        issued = _DAYS[issued_at[:_DATE_SIGNS]][1] + _HOURS[issued_at[_DATE_SIGNS:]]
    if text.count('"') != 2 * texts or "\\" in text or "\x7f" in text:
        raise ValueError("not plainly one value for each key")
    return PlainObservation(
        event_id,
        patient_id,
        source,
        effective_at,
        issued_at,
        _FINAL if status is None else status,
        key,
        code,
        value,
        comparator,
        unit,
        value_code,
        low,
        high,
        specimen,
        method,
        (day, at, hour != "", issued),
    )


class _Memo(dict[str, _T]):
    """What texts have been read as; many come again and again. Faster than `lru_cache`."""

    def __init__(self, read: Callable[[str], _T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> _T:
        if len(self) >= _MOST_REMEMBERED:
            self.clear()  # crude, but it comes seldom and costs little
        found = self[text] = self._read(text)
        return found


_MOST_REMEMBERED = 16_384
"""45 years of days, all minutes of a day in eleven time zones, all numbers of four digits."""


# ---------------------------------------------------------------- times


def _midnight(text: str) -> tuple[int, int]:
    """The ordinal of a day, `YYYY-MM-DD`, and the instant at which it begins in UTC.

    Raises:
        ValueError: not plainly a day.
    """
    # `fromisoformat` reads weeks (2024-W05-1), too; the hyphens rule them out.
    if len(text) != _DATE_SIGNS or text[4::3] != "--" or not _EARLIEST <= text < _LATEST:
        raise ValueError("not plainly a date")
    day = date.fromisoformat(text).toordinal()
    return day, (day - _EPOCH_DAY) * _US_PER_DAY


def _since_midnight(text: str) -> int:
    """Microseconds from midnight UTC to an hour of the same date: `Thh:mm:ss`, `Z` or `±hh:mm`.

    `fromisoformat` checks the digits, but takes much beyond this form: weeks, no separators,
    fractions, no offset. Each of them has another length, or another sign at one of these places.

    Raises:
        ValueError: not plainly an hour; other forms are left to the strict reader.
    """
    offset = text[9:]
    if text[:7:3] != "T::" or (offset != "Z" and (len(offset), offset[::3]) not in _OFFSETS):
        raise ValueError("not plainly a moment")
    return (datetime.fromisoformat("2000-01-01" + text) - _ANY_MIDNIGHT) // _MICROSECOND


_DAYS = _Memo(_midnight)
_HOURS = _Memo(_since_midnight)


# ---------------------------------------------------------------- numbers


def _digits(number: float, text: str, name: str) -> str:
    """The digits of a number that wasn't sent as text; of a fraction it takes another reading."""
    if number.__class__ is int:
        return str(number)
    return str(getattr(_read_fractions(text), name))


def _decimal(text: str) -> Decimal:
    """Digits with at most one point; signs and exponents are left to the strict reader."""
    if len(text) > _MAX_NUMBER or not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError("not plainly a number")
    return Decimal(text)


_NUMBERS = _Memo(_decimal)


# ---------------------------------------------------------------- names


@lru_cache(maxsize=4096)  # a feed has few kinds of results
def _kind(
    name: str | None,
    unit: str | None,
    specimen: str | None,
    method: str | None,
    numeric: bool,  # noqa: FBT001 - a keyword would miss the fast way into the cache
    system: str | None = None,
    code: str | None = None,
) -> tuple[str, int]:
    """Our key of the analyte, where there is nothing to remark on name, code and unit.

    Returns:
        The key, and how many texts a line of this kind has in any case: those of the fields given
        here but for the code's, and of those that every line has.

    Raises:
        ValueError: there is something to remark.
    """
    named = analyte(name) if name is not None else None
    coded = by_code(system, code) if system is not None and code is not None else None
    known = named or coded
    if known is None or isinstance(known, Refusal) or isinstance(coded, Refusal):
        raise ValueError("not plainly one analyte")
    if coded is not None and coded.key != known.key:
        raise ValueError("not plainly one analyte")
    if numeric and isinstance(scale(unit, known), Refusal):
        raise ValueError("not plainly a unit of it")
    given = sum(field is not None for field in (name, unit, specimen, method))
    return known.key, 2 * (given + _ALWAYS)
