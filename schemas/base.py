"""What every message has in common: strict frozen models, clinical times, exact numbers, digests.

Law of this file: an error names the field and the reason, never the value, because a value
may be a patient's.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from schemas.partial import PARTIAL_PATTERN, PartialDate, is_partial, read_partial

SCHEMA_VERSION: Final = 1

MAX_BYTES = 1024 * 1024
"""Bytes of one event; a report with a hundred lesions has 10 KiB."""
MAX_DIGITS = 18
"""Significant digits a result may have. No laboratory reports more; an id in a value field does."""
MAX_EXPONENT = 18
"""Largest power of ten, either way. HIV RNA reaches 10**8, NPM1 ratios 10**-6."""

_EARLIEST = date(1850, 1, 1)
_LATEST = date(2200, 1, 1)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
"""As nearly all results are written: within all limits by its form."""


def parse_date(value: object) -> date:
    """Read an ISO 8601 calendar date, `YYYY-MM-DD`.

    Raises:
        ValueError: not such a date, or one outside 1850 to 2200.
    """
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise ValueError("expected a date as YYYY-MM-DD")
    if isinstance(value, str):
        if not _DATE.fullmatch(value):
            raise ValueError("expected a date as YYYY-MM-DD")
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("there is no such day in the calendar") from None
    if not _EARLIEST <= value < _LATEST:
        raise ValueError("the year is outside 1850 to 2199")
    return value


def parse_moment(value: object) -> datetime:
    """Read an ISO 8601 date-time with its offset, `YYYY-MM-DDThh:mm[:ss[.f]](Z|±hh:mm)`.

    Raises:
        ValueError: not such a date-time; one without an offset is refused, never guessed.
    """
    if isinstance(value, str):
        if not _MOMENT.fullmatch(value):
            raise ValueError("expected a date-time with its offset, as YYYY-MM-DDThh:mm:ssZ")
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("there is no such moment in the calendar") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("expected a date-time with its offset, as YYYY-MM-DDThh:mm:ssZ")
    if not _EARLIEST <= value.date() < _LATEST:
        raise ValueError("the year is outside 1850 to 2199")
    return value


def parse_clinical_time(value: object) -> date | datetime:
    """Read a date, or a date-time with its offset. A date stays a date: its hour is not known."""
    if isinstance(value, datetime):
        return parse_moment(value)
    if isinstance(value, date) or (isinstance(value, str) and len(value) == len("YYYY-MM-DD")):
        return parse_date(value)
    if not isinstance(value, str):
        raise ValueError("expected a date or a date-time with its offset")
    return parse_moment(value)


def parse_effective_time(value: object) -> date | datetime | PartialDate:
    """Read a clinical time; `YYYY-MM` and `YYYY` stay a month and a year, and nothing is filled in.

    Raises:
        ValueError: none of them, or outside 1850 to 2200.
    """
    if isinstance(value, str) and is_partial(value):
        value = read_partial(value)
    if not isinstance(value, PartialDate):
        return parse_clinical_time(value)
    parse_date(value.first)
    return value


def parse_number(value: object) -> Decimal:
    """Read an exact decimal from its text, an integer or a Decimal; never from a binary float.

    Raises:
        ValueError: not a finite number, or one with more than 18 digits or beyond 10**±18.
    """
    if type(value) is str and _PLAIN_NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("expected a decimal number")
    if isinstance(value, float):
        raise ValueError("a binary float has lost the laboratory's digits; send text or a decimal")
    text = str(value)
    if len(text) > 4 * MAX_DIGITS or not _NUMBER.fullmatch(text):
        raise ValueError("expected a decimal number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("expected a decimal number") from None
    if len(number.as_tuple().digits) > MAX_DIGITS or abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"more than {MAX_DIGITS} digits, or beyond 10**±{MAX_EXPONENT}")
    return number


def text_of_moment(value: date | datetime | PartialDate) -> str:
    """A time as messages write it."""
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _text_of_number(value: Decimal) -> str:
    return str(value)


_DATE_PATTERN = rf"^{_DATE.pattern}$"
_MOMENT_PATTERN = rf"^{_MOMENT.pattern}$"


def _written_as(description: str, *patterns: str, or_number: bool = False) -> WithJsonSchema:
    """How a value is written, for those who read JSON Schema and not this file."""
    texts: list[dict[str, Any]] = [{"type": "string", "pattern": text} for text in patterns]
    forms = [*texts, {"type": "number"}] if or_number else texts
    shape = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return WithJsonSchema({"description": description, **shape})


Day = Annotated[
    date,
    BeforeValidator(parse_date),
    PlainSerializer(text_of_moment, return_type=str),
    _written_as("ISO 8601 date", _DATE_PATTERN),
]
Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    PlainSerializer(text_of_moment, return_type=str),
    _written_as("ISO 8601 date-time with its offset", _MOMENT_PATTERN),
]
ClinicalTime = Annotated[
    date | datetime,
    BeforeValidator(parse_clinical_time),
    PlainSerializer(text_of_moment, return_type=str),
    _written_as("ISO 8601 date, or date-time with its offset", _DATE_PATTERN, _MOMENT_PATTERN),
]
EffectiveTime = Annotated[
    date | datetime | PartialDate,
    BeforeValidator(parse_effective_time),
    PlainSerializer(text_of_moment, return_type=str),
    _written_as(
        "ISO 8601 date, date-time with its offset, or only the month or year that is known",
        _DATE_PATTERN,
        _MOMENT_PATTERN,
        PARTIAL_PATTERN,
    ),
]
Number = Annotated[
    Decimal,
    BeforeValidator(parse_number),
    PlainSerializer(_text_of_number, return_type=str),
    _written_as(
        "an exact decimal, as text or as a JSON number", rf"^{_NUMBER.pattern}$", or_number=True
    ),
]
Text = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A short human or code string on one line."""
LongText = Annotated[str, Field(min_length=1, max_length=4096)]


class Model(BaseModel):
    """Base of every value in a message: strict, immutable, closed to unknown fields."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )


class Message(Model):
    """Base of everything that travels on a topic. Readers accept every published version."""

    schema_version: Literal[1] = SCHEMA_VERSION

    def to_json(self) -> bytes:
        """One line of UTF-8 JSON without empty fields."""
        return self.model_dump_json(exclude_none=True).encode()


def describe(error: ValidationError) -> str:
    """Say which fields are wrong and why, without any value.

    Returns:
        `field: reason; field: reason`, at most five of them.
    """
    problems = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(_safe(str(part)) for part in item["loc"]) or "message"
        problems.append(f"{where}: {_reason(item['type'], item['msg'])}")
    shown = problems[:5]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return "; ".join(shown)


def _reason(kind: str, message: str) -> str:
    """The library's sentence, but for the one that quotes what it was given."""
    if kind == "union_tag_invalid":
        return "not one of the known types"
    return message.removeprefix("Value error, ")


def _safe(name: str) -> str:
    """A field name is ours or an identifier; anything else may be data in the wrong place."""
    return name if re.fullmatch(r"[A-Za-z0-9_\[\]-]{1,40}", name) else "(unprintable name)"


def digest(*parts: Any) -> str:
    """Content identity: the first 128 bits of SHA-256 over canonical JSON, as 32 hex digits."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def as_utc(value: date | datetime | PartialDate) -> datetime:
    """The instant of a clinical time; a bare date stands at its first moment, in UTC.

    So does a month or a year: where it stands among others, not what is known of it.
    """
    if isinstance(value, PartialDate):
        value = value.first
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)
