"""Results as words and figures: what reading a value has in common whatever the source.

Sources: result texts as the catalogue's C3; SNOMED CT codes as the profiles of mCODE and the HL7
laboratory guides list them (C: to be checked in a licensed release).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.terminology import Analyte, analyte, by_code
from schemas.terminology.results import Kind, Result, parse_result

if TYPE_CHECKING:
    from schemas.events import Coding, Comparator

NOT_DETECTED = "not detected"
FINDINGS = {
    "10828004": "positive",
    "260385009": "negative",
    "260373001": "detected",
    "260415000": NOT_DETECTED,
    "419984006": "inconclusive",
    "42425007": "equivocal",
    "280413001": "reactive",
    "131194007": "non-reactive",
    "268910001": "improved",
    "271299001": "worsened",
    "359746009": "stable",
    "709137006": "undetermined",
    "103338009": "full remission",
    "103337004": "partial remission",
}
"""SNOMED CT values that are sent as results: of laboratories, and of disease status (mCODE).

The last six are those of mCODE STU3, ConditionStatusTrendVS (H). No rule asks for a remission by
a word: it ends nothing that a scan or a biopsy says.
"""
_WORDS = frozenset(
    {"positive", "pos", "negative", "neg", "detected", "present", "absent", "reactive"}
    | {"non-reactive", "nonreactive", "equivocal", "indeterminate", "inconclusive"}
    | {"trace", "scanty", "normal", "abnormal"}
)
_ORDINAL = re.compile(r"[1-4]\+|\+{1,4}|1:\d{1,6}")


@dataclass(frozen=True, slots=True)
class Reading:
    """A value: a number with its comparator, a code, or both. `unit` only if the value has it."""

    value: Decimal | None = None
    comparator: Comparator | None = None
    code: str | None = None
    unit: str | None = None
    logarithmic: bool = False


def word(text: str) -> str:
    """A finding on one line and cut to fit; a word that laboratories use in lower case."""
    words = " ".join(text.split())
    return words.casefold()[:256] if words.casefold() in _WORDS else words[:256]


def printed(text: str, *, words: bool) -> Reading | None:
    """A number or a limit as text; with `words`, a finding too. None for anything else."""
    result = parse_result(text)
    if result.kind is not Kind.INVALID:
        return of_result(result)
    found = " ".join(text.split()).casefold()
    if words and (found in _WORDS or _ORDINAL.fullmatch(found)):
        return Reading(code=found)
    return None


def of_result(result: Result) -> Reading:
    """The reading of a result text that is not invalid."""
    code = None
    if result.kind is Kind.NOT_DETECTED:
        code = NOT_DETECTED
    elif result.detected and result.kind is Kind.LEFT:
        code = "detected"
    return Reading(result.number, result.comparator, code, result.unit, result.logarithmic)


def nothing_there(key: str | None, code: Coding) -> dict[str, Any]:
    """The fields of an observation in which nothing was detected.

    Not detected is 0, below every limit of detection (catalogue C3). Zero is the same amount in
    every linear unit, but 0 log copies would be one copy: therefore it is given in the analyte's
    own unit, whatever unit was sent.

    Args:
        key: our name of the analyte, where the source gave it; else the code tells.
        code: what was measured.
    """
    known = analyte(key) if key else by_code(code.system, code.code)
    if not isinstance(known, Analyte) or known.coded:
        return {"value_code": NOT_DETECTED}
    return {"value_code": NOT_DETECTED, "value": Decimal(0), "unit": known.unit}
