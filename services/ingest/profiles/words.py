"""The words that a profile may use: each is looked up, and a near miss is told.

Errors are sentences of ours about the site's own words: a profile holds no patient's data.
"""

from __future__ import annotations

import codecs
import re
from datetime import timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from schemas.terminology import Refusal, all_analytes, analyte, by_code, is_unit
from schemas.terminology.analytes import LOINC
from schemas.terminology.coded import finding, organism
from schemas.terminology.results import parse_result
from services.ingest.fhir.resources import R4
from services.ingest.readings import FINDINGS, NOT_DETECTED

if TYPE_CHECKING:
    from collections.abc import Iterable

MODALITIES: Final = frozenset(
    {"surgery", "radiotherapy", "chemotherapy", "immunotherapy", "targeted", "endocrine"}
    | {"antiretroviral", "antimicrobial", "transplant", "procedure", "other", "radionuclide"}
)
"""As `schemas.events.Treatment` lists them."""
LEVELS: Final = frozenset(
    {"susceptible", "potential-low-level", "low-level", "intermediate", "high-level"}
)
"""Levels of drug resistance as the rules ask for them (Stanford HIVDB's five)."""
FINDING_WORDS: Final = frozenset({*FINDINGS.values(), NOT_DETECTED}) | LEVELS
"""Words of ours that are neither a finding of `schemas.terminology.coded` nor an organism."""

_OFFSET: Final = re.compile(r"([+-])(\d{2}):([0-5]\d)")
_MAX_OFFSET: Final = timedelta(hours=14)
_CHARSET_PART: Final = re.compile(r"8859/(\d{1,2})")
_CHARSET_NAMES: Final = {"UNICODE UTF-8": "utf-8", "UNICODE": "utf-8", "GB 18030-2000": "gb18030"}
_EVERY_SIGN: Final = "MSH|^~\\&\r\n019AZaz"
_MESSAGE: Final = re.compile(r"[A-Z]{3}(\^[A-Z0-9]{3})?")
_RESPONSE: Final = re.compile(r"deauville:[1-5]|[a-z0-9.-]*:[A-Za-z]{2,4}")


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, where a known word is like it."""
    found = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def analyte_key(text: str) -> str:
    """The key of an analyte, by its key or an alias.

    Raises:
        ValueError: we have none of that name.
    """
    found = analyte(text)
    if found is None:
        names = {name for one in all_analytes() for name in (one.key, *one.aliases)}
        raise ValueError(f"unknown analyte {text!r}{near(text, names)}")
    return found.key


def loinc(text: str) -> str:
    """A LOINC code that one of our analytes has.

    Raises:
        ValueError: none has, or the code is refused.
    """
    found = by_code(LOINC, text)
    if isinstance(found, Refusal):
        raise ValueError(f"LOINC {text} is refused: {found.reason}")  # noqa: TRY004 - of a word
    if found is None:
        hint = "leave the line out: no rule reads it, or name the analyte without it"
        raise ValueError(f"no analyte of ours has the LOINC code {text!r} ({hint})")
    return text


def analyte_of_loinc(text: str) -> str:
    """The key of the analyte of a code that `loinc` has let pass."""
    found = by_code(LOINC, text)
    return "" if found is None or isinstance(found, Refusal) else found.key


def unit(text: str) -> str:
    """A unit of UCUM that we can compute with.

    Raises:
        ValueError: it is none.
    """
    if not is_unit(text):
        known = {name for one in all_analytes() for name in (one.unit, *one.units) if name}
        raise ValueError(f"{text!r} is no UCUM unit that we know{near(text, known)}")
    return text


def finding_word(text: str) -> str:
    """A finding by a word that rules understand.

    Raises:
        ValueError: none does.
    """
    if finding(text) or organism(text) or text in FINDING_WORDS:
        return text
    raise ValueError(f"{text!r} is no finding that rules know{near(text, FINDING_WORDS)}")


def sent_finding(text: str) -> str:
    """A finding as it is sent. A number is none: it would be taken from every result.

    Raises:
        ValueError: it is a number or a limit.
    """
    if parse_result(text).number is not None:
        raise ValueError(f"{text!r} is a number, and would hide the same number of any result")
    return text


def modality(text: str) -> str:
    """A kind of treatment.

    Raises:
        ValueError: there is none of that name.
    """
    if text not in MODALITIES:
        raise ValueError(f"unknown kind of treatment {text!r}{near(text, MODALITIES)}")
    return text


def response(text: str) -> str:
    """What a coded conclusion says: `recist-1.1:PD`, `:PD`, `deauville:4`.

    Raises:
        ValueError: it has not that form.
    """
    if not _RESPONSE.fullmatch(text):
        raise ValueError("expected criteria:response, such as recist-1.1:PD, or deauville:1 to 5")
    return text


def message_or_resource(text: str) -> str:
    """A message type (`MFN`, `MFN^M02`) or a resource type of FHIR R4.

    Raises:
        ValueError: it is neither.
    """
    if _MESSAGE.fullmatch(text) or text in R4:
        return text
    hint = near(text, R4)
    raise ValueError(f"{text!r} is no message type such as MFN^M02, and no resource type{hint}")


@cache
def zones() -> frozenset[str]:
    """The names of all time zones that this machine knows."""
    return frozenset(available_timezones())


def zone_of(text: str) -> tzinfo:
    """The zone of a name (`Europe/Zurich`, `UTC`) or of an offset (`+01:00`).

    Raises:
        ValueError: there is no such zone.
    """
    match = _OFFSET.fullmatch(text)
    if match is not None:
        size = timedelta(hours=int(match[2]), minutes=int(match[3]))
        if size > _MAX_OFFSET:
            raise ValueError(f"no place on Earth has the offset {text!r}")
        return timezone(-size if match[1] == "-" else size)
    if text not in zones():
        hint = near(text, zones()) or "; expected a name such as Europe/Zurich, or +01:00"
        raise ValueError(f"unknown time zone {text!r}{hint}")
    return ZoneInfo(text)


def time_zone(text: str) -> str:
    """The name of a zone that exists.

    Raises:
        ValueError: there is no such zone.
    """
    zone_of(text)
    return text


def charset(text: str) -> str:
    """Python's name of a character set, given by that or as HL7 table 0211 has it.

    Raises:
        ValueError: unknown, or one in which HL7's delimiters are other bytes.
    """
    part = _CHARSET_PART.fullmatch(text)
    name = f"iso8859-{part[1]}" if part else _CHARSET_NAMES.get(text.upper(), text)
    try:
        usable = _EVERY_SIGN.encode(name) == _EVERY_SIGN.encode("ascii")
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ValueError(f"unknown character set {text!r}, expected e.g. 8859/1, utf-8") from None
    if not usable:
        raise ValueError(f"{text!r} writes delimiters in another way than ASCII does")
    return found
