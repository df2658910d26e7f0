"""Values of results: OBX-2, 5, 6 and 7 become a number, a limit or a code.

Sources: HL7 v2.8.2 §7.4.2 (OBX) and chapter 2A (NM, SN, CWE); result texts and reference ranges
as the catalogue's C3 and C5. What cannot be read for certain is refused, never guessed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.base import parse_number
from schemas.deadletter import Reason
from schemas.events import Comparator
from schemas.remembered import Memo
from schemas.terminology.results import MAX_LENGTH, Kind, parse_range, parse_result
from schemas.terminology.units import logarithmic, normalise
from services.ingest.hl7v2.codec import Refused
from services.ingest.readings import FINDINGS, Reading, of_result, printed, word

if TYPE_CHECKING:
    from decimal import Decimal

    from schemas.terminology.results import Range
    from services.ingest.hl7v2.codec import Segment
    from services.ingest.hl7v2.profile import Profile

_CODED = frozenset({"CWE", "CE", "CNE", "CF", "IS", "ID", "CD"})
_TEXT = frozenset({"ST", "TX", "FT", "SI"})
_UCUM = frozenset({"UCUM", "2.16.840.1.113883.6.8"})
_SNOMED = frozenset({"SCT", "SNM", "SNM3", "2.16.840.1.113883.6.96"})
_NO_NUMBER = "expected a number, a limit such as <20, or a finding"


def read_value(obx: Segment, place: str, profile: Profile) -> Reading:
    """Read OBX-5 by the type in OBX-2.

    Raises:
        Refused: no value, several, or none that is a result. Comments and documents are refused
            as `not_a_result` or `unsupported_value`.
    """
    kind, where = obx.get(2).upper(), f"{place}-5"
    if not obx.raw(5).strip() or obx.is_null(5):
        raise Refused(Reason.NO_VALUE, "empty, although the status says that there is one", where)
    said = _declared_word(obx, kind, profile)
    if said is not None:
        return Reading(code=said)
    if kind in _TEXT and kind != "ST":
        return _from_comment(obx, where)
    if obx.repeats(5) > 1:
        raise Refused(Reason.BAD_FIELD, "several values in one result", where)
    if kind == "SN":
        return _structured(obx, where)
    if kind in _CODED:
        return Reading(code=_finding(obx, where))
    if kind in ("NM", "ST"):
        return _printed(obx, where, profile, kind)
    raise Refused(Reason.UNSUPPORTED_VALUE, "not a type that a rule can read", f"{place}-2")


def _declared_word(obx: Segment, kind: str, profile: Profile) -> str | None:
    """Our word for a finding that the site has declared."""
    if not profile.dialect.words or obx.repeats(5) > 1:
        return None
    parts = (1, 2, 4, 5, 9) if kind in _CODED else (1,)
    return profile.dialect.word(*(obx.get(5, part) for part in parts))


def _from_comment(obx: Segment, where: str) -> Reading:
    """TX and FT are made for prose; one line of them may still be a result."""
    result = parse_result(obx.get(5)) if obx.repeats(5) == 1 else None
    if result is None or result.kind is Kind.INVALID:
        raise Refused(Reason.NOT_A_RESULT, "text for people", where)
    return _undivided(obx, of_result(result), where)


def _structured(obx: Segment, where: str) -> Reading:
    """SN: comparator, number, separator, number."""
    comparator, number, separator, other = (obx.get(5, part) for part in (1, 2, 3, 4))
    if separator == ":" and number and other:
        return Reading(code=f"{number}:{other}"[:256])
    if separator == "+" and number and not other:
        return Reading(code=f"{number}+"[:256])
    if obx.get(5, 2, 2) or obx.get(5, 1, 2):
        raise Refused(Reason.NOT_A_NUMBER, "more than one subcomponent", where)
    if separator or other:
        raise Refused(Reason.UNSUPPORTED_VALUE, "an interval is not one value", where)
    sign = comparator.replace("=", "") if comparator == "=" else comparator
    if sign and sign not in list(Comparator):
        raise Refused(Reason.BAD_FIELD, "not a comparator", where)
    try:
        return Reading(parse_number(number), Comparator(sign) if sign else None)
    except ValueError as error:
        raise Refused(Reason.NOT_A_NUMBER, str(error), where) from None


def _finding(obx: Segment, where: str) -> str:
    """The finding's word: by SNOMED CT code where there is one, else the sender's own text."""
    for at in (1, 4):
        if obx.get(5, at + 2).upper() in _SNOMED and obx.get(5, at) in FINDINGS:
            return FINDINGS[obx.get(5, at)]
    text = next((obx.get(5, at) for at in (2, 5, 9, 1, 4) if obx.get(5, at)), "")
    if not text.strip():
        raise Refused(Reason.NO_VALUE, "a coded value without code or text", where)
    return word(text)


def _printed(obx: Segment, where: str, profile: Profile, kind: str) -> Reading:
    """A number or a text that says one; NM often carries `<20`, which it should not."""
    text = obx.get(5)
    if profile.decimal_comma and re.fullmatch(r"[<>]?=?\s*\d+,\d+", text):
        text = text.replace(",", ".")
    short, words = len(text) <= MAX_LENGTH, kind == "ST"
    reading = _READINGS[text, words] if short else printed(text, words=words)
    if reading is not None:
        return _undivided(obx, reading, where)
    reason = Reason.NOT_A_NUMBER if kind == "NM" else Reason.NO_VALUE
    raise Refused(reason, _NO_NUMBER, where)


def _undivided(obx: Segment, reading: Reading, where: str) -> Reading:
    """A number must be all of its field: `10^6`, sent without escapes, is not 10.

    Raises:
        Refused: there is more, behind a delimiter.
    """
    marks = obx.delimiters.component, obx.delimiters.subcomponent
    text = obx.raw(5).rstrip(" " + "".join(marks))
    if reading.value is not None and any(mark and mark in text for mark in marks):
        raise Refused(Reason.NOT_A_NUMBER, "more than one component", where)
    return reading


def read_unit(obx: Segment, reading: Reading, place: str, profile: Profile) -> str | None:
    """The unit of a number: OBX-6, which OBX-5 may repeat but not contradict.

    Raises:
        Refused: OBX-5 and OBX-6 name different units.
    """
    sent = profile.dialect.unit(_sent_unit(obx))
    printed = reading.unit
    if printed is None:
        log = logarithmic(sent) if sent and reading.logarithmic else None
        return log or (None if reading.logarithmic else sent)
    if sent and normalise(sent) not in (None, normalise(printed)):
        raise Refused(Reason.UNKNOWN_UNIT, "OBX-5 and OBX-6 name different units", f"{place}-6")
    return printed


def _sent_unit(obx: Segment) -> str | None:
    """OBX-6: the UCUM triplet, whichever place it has; else the first code or text."""
    if obx.is_one(6):
        return obx.get(6) or None
    for at in (1, 4):
        if obx.get(6, at + 2).upper() in _UCUM and obx.get(6, at):
            return obx.get(6, at)
    return obx.get(6, 1) or obx.get(6, 2) or None


def _printed_as(key: tuple[str, bool]) -> Reading | None:
    return printed(key[0], words=key[1])


def _range_of(key: tuple[str, str | None]) -> Range | None:
    return parse_range(*key)


_REMEMBERED = 8_192
_READINGS = Memo(_printed_as, _REMEMBERED)
_RANGES = Memo(_range_of, _REMEMBERED)
"""What short texts were read as: the same few come with nearly every message."""


def read_limits(obx: Segment, sex: str | None) -> tuple[Decimal | None, Decimal | None]:
    """The reference limits of OBX-7, in the unit of OBX-6; none if there is no numeric range."""
    text = obx.get(7)
    found = _RANGES[text, sex] if len(text) <= MAX_LENGTH else None
    return (found.low, found.high) if found is not None else (None, None)
