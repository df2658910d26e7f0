"""The fast reader of plain observations, which nearly all lines of nearly all feeds are.

Law of this file: it accepts only what the strict reader (`decode`) accepts, and means the same.
Whatever isn't plainly valid gives None, and the strict reader decides and finds the words for it.

msgspec checks types and lengths while it reads. What was read before is looked up: times and
numbers in `remembered`, and what the results of one test have in common in `_FORMS`.

That no key stands twice, which msgspec doesn't say, is seen by the length of a line. It can't be
shorter than its values need; if it isn't longer either, there is no room for anything else: for no
second value of a key, no `null`, no escape, no space. A longer one may still be plain: `_is_plain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.structs import asdict, astuple

from schemas.base import MAX_BYTES
from schemas.events import Comparator, Status
from schemas.plain import PlainCoding, PlainForm, PlainObservation, PlainText
from schemas.remembered import DAYS, HOUR, HOURS, NUMBERS, OF_THE_HOUR, Memo
from schemas.terminology import Refusal, analyte, by_code, scale

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PlainCoding", "PlainObservation", "decode_plain"]

_FINAL = Status.FINAL
_DELETE = 0x7F
_MOST_FORMS = 8_192
_LONGEST_CODE = 1024  # bytes: more than three texts take, and little enough to be remembered
_Bare = str | int | float


class _Wire(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="type", tag="observation"
):
    """An observation as it is written: times and numbers are still text, defaults are None."""

    event_id: PlainText
    patient_id: PlainText
    effective_at: str
    source: PlainText
    issued_at: str | None = None
    value: str | None = None
    schema_version: Literal[1] | None = None
    status: Status | None = None
    analyte: PlainText | None = None
    code: Raw = Raw()
    comparator: Comparator | None = None
    unit: PlainText | None = None
    value_code: PlainText | None = None
    reference_low: str | None = None
    reference_high: str | None = None
    specimen: PlainText | None = None
    method: PlainText | None = None


class _BareWire(_Wire, frozen=True, gc=False, forbid_unknown_fields=True, tag="observation"):
    """The same, with numbers that needn't be texts; their digits are read by `_Digits`."""

    value: _Bare | None = None  # type: ignore[assignment]
    reference_low: _Bare | None = None  # type: ignore[assignment]
    reference_high: _Bare | None = None  # type: ignore[assignment]


class _Digits(Struct, frozen=True, gc=False):
    """The numbers of a line as they stand in it, with all their digits."""

    value: Raw = Raw()
    reference_low: Raw = Raw()
    reference_high: Raw = Raw()


_read = Decoder(_Wire).decode
_read_bare = Decoder(_BareWire).decode
_read_digits = Decoder(_Digits).decode
_read_coding = Decoder(PlainCoding).decode


def decode_plain(line: bytes) -> PlainObservation | None:
    """Read one canonical observation, if it is a plain one.

    Args:
        line: one JSON object in UTF-8, with or without its line end.

    Returns:
        The observation, its analyte named by our key, of which the strict reader would say the
        same and have nothing to remark; or None: let the strict reader decide.
    """
    # One function, because it is run for every line: each further one would cost a tenth of it.
    bare = 0
    try:
        try:
            fields = astuple(_read(line))
        except ValidationError:
            fields, bare = _with_digits(line)
        (
            event_id,
            patient_id,
            effective,
            source,
            issued,
            value,
            version,
            status,
            name,
            code,
            comparator,
            unit,
            value_code,
            low,
            high,
            specimen,
            method,
        ) = fields
        said = (
            source,
            version,
            status,
            name,
            bytes(code),
            comparator,
            unit,
            value_code,
            low,
            high,
            specimen,
            method,
            value is None,
            issued is None,
        )
        form = _LATEST.get((source, name, comparator))
        if form is None or form.said != said:
            form = _form_of(said)
        least = form.length + len(event_id) + len(patient_id) + len(effective)
        number = known = zone = told_in = None
        if value is not None:
            least += len(value)
            number = NUMBERS[value]
        if issued is not None:
            least += len(issued)
            past_hour, told_in = OF_THE_HOUR[issued[HOUR:]]
            known = HOURS[issued[:HOUR]][1] + past_hour
        rest = effective[HOUR:]
        if rest:
            day, at = HOURS[effective[:HOUR]]
            past_hour, zone = OF_THE_HOUR[rest]
            at += past_hour
        else:
            day, at = DAYS[effective]
    except (DecodeError, ValueError):  # what msgspec refuses, and what the functions below do
        return None
    if _DELETE in line or (len(line) != least - 2 * bare and not _is_plain(line, form, bare)):
        return None
    return PlainObservation(form, event_id, patient_id, number, day, at, zone, known, told_in)


def _with_digits(line: bytes) -> tuple[tuple[Any, ...], int]:
    """The fields of a line with bare numbers, these as text, and how many of them are bare.

    Raises:
        DecodeError: not a plain line either.
    """
    wire, digits = _read_bare(line), _read_digits(line)
    fields = {name: getattr(wire, name) for name in _Wire.__struct_fields__}
    bare = 0
    for name in _Digits.__struct_fields__:
        if fields[name].__class__ in {int, float}:
            fields[name] = bytes(getattr(digits, name)).decode()
            bare += 1
    return tuple(fields.values()), bare


def _is_plain(line: bytes, form: PlainForm, bare: int) -> bool:
    """Whether a line that is longer than it need be says nothing twice: it may have spaces.

    In a line without backslashes every quotation mark opens or closes a text, so half of them is
    the number of texts: one for each key, and one for each value that is a text. If there are no
    more than the values account for, no key stood twice, and none had a `null`.
    """
    if len(line) > MAX_BYTES or b"\\" in line:
        return False
    return line.count(b'"') == form.quotes - 2 * bare


# ---------------------------------------------------------------- what results have in common


class _Said(NamedTuple):
    """What makes a form, as it is written; `code` is JSON."""

    source: str
    version: int | None
    status: Status | None
    analyte: str | None
    code: bytes
    comparator: Comparator | None
    unit: str | None
    value_code: str | None
    reference_low: str | None
    reference_high: str | None
    specimen: str | None
    method: str | None
    valueless: bool
    unissued: bool


_TEXTS = tuple(
    name for name in _Said._fields if name not in {"version", "code", "valueless", "unissued"}
)


def _form(key: tuple[Any, ...]) -> PlainForm:
    """Look at all that the models look at, but for who, when and how much.

    Raises:
        DecodeError, ValueError: something that is not plainly valid, or something to remark.
    """
    said = _Said(*key)
    if len(said.code) > _LONGEST_CODE:
        raise ValueError("not plainly a code")
    coding = _read_coding(said.code) if said.code else None
    withdrawn = said.status is not None and said.status.withdraws
    said_at_all = said.value_code is not None or withdrawn
    if said.valueless and (said.comparator is not None or not said_at_all):
        raise ValueError("not plainly complete")
    low = None if said.reference_low is None else NUMBERS[said.reference_low]
    high = None if said.reference_high is None else NUMBERS[said.reference_high]
    if low is not None and high is not None and low > high:
        raise ValueError("not plainly a reference interval")
    length, quotes = _room(said, coding)
    return PlainForm(
        source=said.source,
        status=_FINAL if said.status is None else said.status,
        analyte=_analyte(said, coding),
        code=coding,
        comparator=said.comparator,
        unit=said.unit,
        value_code=said.value_code,
        reference_low=low,
        reference_high=high,
        specimen=said.specimen,
        method=said.method,
        said=key,
        length=length,
        quotes=quotes,
    )


_FORMS = Memo(_form, _MOST_FORMS)


_LATEST: dict[tuple[str, str | None, str | None], PlainForm] = {}
"""The form that a source used last for an analyte: to compare costs less than to look it up."""


def _form_of(said: tuple[Any, ...]) -> PlainForm:
    """The form of what is said, which is then the latest of its kind.

    Raises:
        DecodeError, ValueError: as `_form`.
    """
    form = _FORMS[said]
    if len(_LATEST) >= _MOST_FORMS:
        _LATEST.clear()
    _LATEST[form.source, said[3], form.comparator] = form
    return form


def _analyte(said: _Said, coding: PlainCoding | None) -> str:
    """Our key of the analyte, where there is nothing to remark on name, code and unit.

    Raises:
        ValueError: there is something to remark.
    """
    named = analyte(said.analyte) if said.analyte is not None else None
    coded = by_code(coding.system, coding.code) if coding is not None else None
    known = named or coded
    if known is None or isinstance(known, Refusal) or isinstance(coded, Refusal):
        raise ValueError("not plainly one analyte")
    if coded is not None and coded.key != known.key:
        raise ValueError("not plainly one analyte")
    if not said.valueless and isinstance(scale(said.unit, known), Refusal):
        raise ValueError("not plainly a unit of it")
    return known.key


def _room(said: _Said, coding: PlainCoding | None) -> tuple[int, int]:
    """The signs and quotation marks that a line needs, but for what `decode_plain` adds."""
    texts = {name: getattr(said, name) for name in _TEXTS}
    texts |= {"type": "observation", "event_id": "", "patient_id": "", "effective_at": ""}
    texts |= {"issued_at": None if said.unissued else "", "value": None if said.valueless else ""}
    length, quotes = _room_of(texts)
    if said.version is not None:
        length, quotes = length + len(',"schema_version":1'), quotes + 2
    if coding is not None:
        more, further = _room_of(asdict(coding))
        length, quotes = length + len(',"code":') + more, quotes + 2 + further
    return length, quotes


def _room_of(texts: Mapping[str, str | None]) -> tuple[int, int]:
    """Those of an object of texts: each takes a key, a value, four quotes, a colon, a comma."""
    given = [(name, text) for name, text in texts.items() if text is not None]
    return sum(len(name) + len(text) + 6 for name, text in given) + 1, 4 * len(given)
