"""Radiotherapy as mCODE's course summary tells it: what kind of radiation it was.

Source: mCODE 4.0.0, extension `mcode-radiotherapy-modality-and-technique` and its value sets of
modalities (H).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.ingest.fhir.concepts import SNOMED, codings

if TYPE_CHECKING:
    from services.ingest.fhir.elements import Element

_RADIOPHARMACEUTICAL: Final = "440252007"
_BRACHYTHERAPY: Final = {
    "1156708005": "ldr-brachytherapy",  # low dose rate, temporary source
    "169359004": "ldr-brachytherapy",  # permanent seeds
    "1156384006": "brachytherapy",  # pulsed dose rate
    "394902000": "hdr-brachytherapy",
    "438629002": "hdr-brachytherapy",  # electronic
}


class Radiation(NamedTuple):
    """Our modality, and the regimen where a rule asks for it."""

    modality: str
    regimen: str | None


def radiation(procedure: Element) -> Radiation:
    """What kind of radiation a course summary names.

    A radiopharmaceutical is a drug that radiates: PSA after it has no nadir as after external
    beams. Brachytherapy counts as such only where nothing else was given (CHOICE): the benign
    bounce that it explains must not excuse a rise after external beams.

    Raises:
        Refused: the extension is malformed.
    """
    kinds = _kinds(procedure)
    if kinds and kinds <= {_RADIOPHARMACEUTICAL}:
        return Radiation("radionuclide", None)
    if kinds and kinds <= _BRACHYTHERAPY.keys():
        named = {_BRACHYTHERAPY[kind] for kind in kinds}
        return Radiation("radiotherapy", named.pop() if len(named) == 1 else "brachytherapy")
    return Radiation("radiotherapy", None)


def _kinds(procedure: Element) -> set[str]:
    """The SNOMED CT codes of its modalities, each part of an extension of its own."""
    return {
        code.code
        for outer in procedure.many("extension")
        if (outer.text("url") or "").endswith("mcode-radiotherapy-modality-and-technique")
        for part in outer.many("extension")
        if (part.text("url") or "").endswith("modality")
        for code in codings(part.one("valueCodeableConcept"))
        if code.system == SNOMED
    }
