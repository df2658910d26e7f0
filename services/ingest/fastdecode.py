"""The fast reader of plain observations, which nearly all lines of nearly all feeds are.

Law of this file: it accepts only what the strict reader (`decode`) accepts, and means the same.
Whatever isn't plainly valid gives None, and the strict reader decides and finds the words for it.

Why a key that stands twice can be told by counting: in a line without backslashes every quotation
mark opens or closes a text, so half of them is the number of texts: one for each key, and one for
each value that is a text. A reader that keeps one value for each key can say how many texts its
values account for. If the line has no more, no key stood twice, and none had a `null`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder
from msgspec.structs import astuple

from schemas.events import Coding, Comparator, Observation, Status
from schemas.terminology import Refusal, analyte, by_code, scale
from services.ingest.strictjson import MAX_BYTES

__all__ = ["PlainCoding", "PlainObservation", "decode_plain"]

_EARLIEST, _LATEST = "1850", "2200"  # as `schemas.base` has it; years have four digits
_OFFSET_SIGNS = frozenset({"+:", "-:"})
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


_WIDTH = len(_Wire.__struct_fields__)
_read_wire = Decoder(_Wire).decode
_read_fractions = Decoder(_Fractions).decode


class PlainObservation(Struct, frozen=True, gc=False):
    """An observation, read and valid: the fields of `schemas.events.Observation`, no more."""

    event_id: str
    patient_id: str
    source: str
    effective_at: date | datetime
    issued_at: datetime | None
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

    type: ClassVar[Literal["observation"]] = "observation"
    schema_version: ClassVar[Literal[1]] = 1

    def as_event(self) -> Observation:
        """The same as the model that the strict reader gives. Nothing is left to validate."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
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


def _observation(wire: _Wire, text: str) -> PlainObservation:  # noqa: C901 - see below
    """Read times and numbers, and look at all that the models look at.

    One function, because this is run for every line: each further one would cost a tenth of it.

    Raises:
        ValueError: something that is not plainly valid.
    """
    fields = astuple(wire)
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
    ) = fields
    # Each field is two texts, its key and its value; `type` is one that `fields` doesn't hold.
    texts = 2 * (_WIDTH - fields.count(None) + 1)
    if version is not None:
        texts -= 1
    if value is not None:
        if value.__class__ is not str:
            texts -= 1
            value = _digits(value, text, "value")
        value = _decimal(value)
    elif comparator is not None or (
        value_code is None and (status is None or not status.withdraws)
    ):
        raise ValueError("not plainly complete")
    if low is not None:
        if low.__class__ is not str:
            texts -= 1
            low = _digits(low, text, "reference_low")
        low = _decimal(low)
    if high is not None:
        if high.__class__ is not str:
            texts -= 1
            high = _digits(high, text, "reference_high")
        high = _decimal(high)
        if low is not None and low > high:
            raise ValueError("not plainly a reference interval")
    if code is None:
        key = _key(name, unit, value is not None)
    else:
        key = _key(name, unit, value is not None, code.system, code.code)
        texts += 3 if code.display is None else 5  # a code is no text, but holds some
    if text.count('"') != 2 * texts or "\\" in text or "\x7f" in text:
        raise ValueError("not plainly one value for each key")
    return PlainObservation(
        event_id,
        patient_id,
        source,
        _clinical_time(effective_at),
        None if issued_at is None else _moment(issued_at),
        Status.FINAL if status is None else status,
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
    )


# ---------------------------------------------------------------- times


def _clinical_time(text: str) -> date | datetime:
    """A calendar date, or a moment."""
    if len(text) != len("YYYY-MM-DD"):
        return _moment(text)
    # `fromisoformat` reads weeks (2024-W05-1), too; the hyphens rule them out.
    if text[4::3] != "--" or not _EARLIEST <= text < _LATEST:
        raise ValueError("not plainly a date")
    return date.fromisoformat(text)


def _moment(text: str) -> datetime:
    """`YYYY-MM-DDThh:mm:ss`, then `Z` or `±hh:mm`; other forms are left to the strict reader.

    `fromisoformat` checks the digits, but takes much beyond this form: weeks, no separators,
    fractions, no offset. Each of them has another length, or another sign at one of these places.
    """
    plain = text[4:17:3] == "--T::" and (
        text[19:] == "Z"
        or (len(text) == len("YYYY-MM-DDThh:mm:ss+hh:mm") and text[19::3] in _OFFSET_SIGNS)
    )
    if not plain or not _EARLIEST <= text < _LATEST:
        raise ValueError("not plainly a moment")
    return datetime.fromisoformat(text)


# ---------------------------------------------------------------- numbers


def _digits(number: float, text: str, name: str) -> str:
    """The digits of a number that wasn't sent as text; of a fraction it takes another reading."""
    if number.__class__ is int:
        return str(number)
    return str(getattr(_read_fractions(text), name))


@lru_cache(maxsize=16384)  # results have few digits: the same ones come again and again
def _decimal(text: str) -> Decimal:
    """Digits with at most one point; signs and exponents are left to the strict reader."""
    if len(text) > _MAX_NUMBER or not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise ValueError("not plainly a number")
    return Decimal(text)


# ---------------------------------------------------------------- names


@lru_cache(maxsize=4096)
def _key(
    name: str | None,
    unit: str | None,
    numeric: bool,  # noqa: FBT001 - a keyword would miss the fast way into the cache
    system: str | None = None,
    code: str | None = None,
) -> str:
    """Our key of the analyte, where there is nothing to remark on name, code and unit.

    Raises:
        ValueError: there is something.
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
    return known.key
