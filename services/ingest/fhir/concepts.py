"""Codings and concepts: which of several codes counts, and what to show people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from schemas.events import Coding
from schemas.terminology import is_loinc
from services.ingest.fhir.elements import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from services.ingest.fhir.elements import Element

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
ICD10 = frozenset(
    {"http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm"}
    | {"urn:oid:2.16.840.1.113883.6.90", "urn:oid:2.16.840.1.113883.6.3"}
)
MEDDRA = frozenset({"https://www.meddra.org", "http://www.meddra.org", "http://meddra.org"})
_LOCAL = "local"


class Code(NamedTuple):
    """One coding; `system` is empty where none is given."""

    system: str
    code: str
    display: str | None


def codings(concept: Element | None) -> list[Code]:
    """The codings of a CodeableConcept that have a code, in their order.

    Raises:
        Refused: the concept is malformed.
    """
    return [] if concept is None else list(_codings(concept))


def _codings(concept: Element) -> Iterator[Code]:
    for coding in concept.many("coding"):
        code = coding.text("code")
        if code:
            yield Code(coding.text("system") or "", code, coding.title("display"))


def told(concept: Element | None) -> str | None:
    """What a concept says to people: its text, else the display of a coding, else a code."""
    if concept is None:
        return None
    found = codings(concept)
    shown = (code.display for code in found if code.display)
    return concept.title("text") or next(shown, None) or next((c.code for c in found), None)


def mapped(found: list[Code], table: Mapping[str, str]) -> str | None:
    """What a site's table says of the first code that is in it."""
    return next((table[code.code] for code in found if code.code in table), None)


def measured(concept: Element | None) -> Coding | None:
    """The code of what was measured: LOINC wherever it stands, else ours, else the first one.

    Raises:
        ValidationError: a code that is longer than codes are.
    """
    found = codings(concept)
    chosen = [c for c in found if is_loinc(c.system)] or [c for c in found if is_ours(c.system)]
    if chosen or found:
        first = (chosen or found)[0]
        system = LOINC if is_loinc(first.system) else first.system or _LOCAL
        return Coding(system=system, code=first.code, display=first.display)
    text = told(concept)
    return Coding(system=_LOCAL, code=text) if text else None


def is_ours(system: str) -> bool:
    """Whether a coding system is one of our own."""
    return system.startswith(f"{OURS}:")
