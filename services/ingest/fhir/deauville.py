"""Deauville scores and response categories as codes: what a coded conclusion says.

Sources: mCODE's Deauville Scale profile for its code (H); CDISC controlled terminology for the NCI
Thesaurus codes of response (C: recalled, to be checked); DICOM CID 6147 for criteria (H). A site
adds its own with `Profile.responses`; a text for people is never searched for a category.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from schemas.deadletter import Reason
from schemas.events import ImagingReport
from services.ingest.coding import Refused
from services.ingest.fhir.concepts import NCIT, SNOMED, codings
from services.ingest.fhir.elements import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.ingest.fhir.concepts import Code
    from services.ingest.fhir.elements import Element

_SCALE: Final = (SNOMED, "708895006")
_SCORE: Final = re.compile(r"(?:deauville )?(?:(?:5|five)[ -]point scale )?(?:score )?([1-5])")
"""The whole display of a score; `5-point scale` alone is none."""
_RESPONSES: Final = {
    (NCIT, "C4870"): "CR",
    (NCIT, "C18058"): "PR",
    (NCIT, "C18213"): "SD",
    (NCIT, "C35571"): "PD",
}
_CRITERIA: Final = {("http://dicom.nema.org/resources/ontology/DCM", "126081"): "recist-1.1"}


def is_deauville(observation: Element) -> bool:
    """Whether an Observation gives a Deauville score."""
    return any((c.system, c.code) == _SCALE for c in codings(observation.one("code")))


def deauville(observation: Element, common: Mapping[str, Any]) -> ImagingReport:
    """The report of the PET of which an Observation gives the score.

    Raises:
        Refused: no score from 1 to 5, or several.
        ValidationError: a field that is not what it should be.
    """
    fields = dict(common) | {"type": "imaging_report", "modality": "PT"}
    if not fields["status"].withdraws:
        fields |= {"criteria": "lugano", "deauville": _score(observation)}
    return ImagingReport(**fields)


def _score(observation: Element) -> int:
    concepts = [*observation.many("interpretation"), *observation.many("valueCodeableConcept")]
    found = {_scored(code) for concept in concepts for code in codings(concept)} - {None}
    quantity = observation.one("valueQuantity")
    numbers = [observation.number("valueInteger")]
    numbers += [quantity.number("value")] if quantity is not None else []
    found |= {int(number) for number in numbers if number is not None and number % 1 == 0}
    scores = [score for score in found if score in range(1, 6)]
    if len(found) > 1:
        where = observation.where("value[x]")
        raise Refused(Reason.AMBIGUOUS_VALUE, "several Deauville scores", where)
    if not scores:
        raise Refused(Reason.NO_VALUE, "no Deauville score from 1 to 5", observation.place)
    return scores[0] or 0


def _scored(code: Code) -> int | None:
    words = " ".join((code.display or code.code).casefold().replace(":", " ").split())
    match = _SCORE.fullmatch(words.partition(" (")[0])
    return int(match[1]) if match else None


def concluded(report: Element, site: Mapping[str, str]) -> dict[str, Any]:
    """What the coded conclusions of a report say: `response`, `criteria`, `deauville`.

    Args:
        report: a DiagnosticReport.
        site: the site's own codes (`Profile.responses`).

    Raises:
        Refused: two conclusions contradict each other.
    """
    found: dict[str, Any] = {}
    for concept in report.many("conclusionCode"):
        for code in codings(concept):
            for name, value in _meaning(code, site):
                if found.setdefault(name, value) != value:
                    where = report.where("conclusionCode")
                    raise Refused(Reason.AMBIGUOUS_VALUE, f"more than one {name}", where)
    return found


def _meaning(code: Code, site: Mapping[str, str]) -> Iterable[tuple[str, Any]]:
    key = (code.system, code.code)
    if key in _RESPONSES:
        return [("response", _RESPONSES[key])]
    if key in _CRITERIA:
        return [("criteria", _CRITERIA[key])]
    own = f"deauville:{code.code}" if code.system == f"{OURS}:deauville" else None
    own = f":{code.code}" if code.system == f"{OURS}:response" else own
    kind, _, value = (own or site.get(code.code) or "").partition(":")
    if kind == "deauville" and value in set("12345"):
        return [("deauville", int(value)), ("criteria", "lugano")]
    said = [("criteria", kind)] if kind and kind != "deauville" else []
    return [*said, ("response", value)] if value and kind != "deauville" else []
