"""A sound rule to spoil, and a small terminology that doesn't depend on the published tables."""

from __future__ import annotations

from typing import Final

import pytest

GOOD: Final = """\
rule: PROST-TEST
title: PSA rises after surgery
kind: failure
plain: PSA rises, and a second one agrees.
course: {condition: prostate-cancer, modality: surgery}
clock: last completed
ends: [new-line, stopped]
params:
  threshold: {value: 0.20 ng/mL, about: "from the guideline", confidence: H}
  gap: 7 d
  profile: who
reads:
  psa: {analyte: psa, since: clock + 42 d}
  pet: {imaging: PT, criteria: lugano}
  dose: {treatment: chemotherapy, phase: administered, own: true}
  liver: {analyte: [alt, ast]}
  biopsy: {analyte: biopsy}
let:
  low: nadir(psa since clock)
criteria:
  - name: rise
    each: psa
    if: day >= 84 d and course.regimen != $profile
    suspect:
      - {when: psa >= $threshold, tag: high}
      - when: >-
          psa > low + 0.1 ng/mL and
          not exists(dose within 30 d)
        tag: rising
    confirm: {after: $gap, within: 92 d, tag: agreed}
    refute: psa < 0.1 ng/mL
  - name: spread
    each: [pet, liver]
    confirmed:
      - {when: "pet.response in (PMD, NMR) or liver > 3 uln", severity: critical}
      - last(biopsy) = positive
severity: {suspected: advisory, confirmed: urgent}
act_within: {agreed: {time: 90 d, from: onset, tier: salvage-rt, evidence: "a trial"}}
sentence: {refuted: It fell again., default: "PSA {value} {unit} on {date}, clock {clock}."}
misses: [assay changes]
false_alarms:
  - infection
options: [radiotherapy]
readiness: [age, psa]
source:
  - {cite: "Cookson 2007, J Urol 177:540", confidence: H}
"""

_UNITS: Final = {"psa": "ng/mL", "alt": "U/L", "ast": "U/L", "biopsy": "", "inr": "{ratio}"}
_DIMENSIONS: Final = {
    "ng/mL": "mass/volume",
    "ug/L": "mass/volume",
    "mg/kg": "mass/mass",
    "umol/L": "amount/volume",
    "U/L": "activity/volume",
    "mm": "length",
    "%": "ratio",
    "{ratio}": "ratio",
}


class FakeTerminology:
    """Five analytes, eight units."""

    def analytes(self) -> list[str]:
        return list(_UNITS)

    def key(self, name: str) -> str | None:
        return "psa" if name == "PSA" else name if name in _UNITS else None

    def unit(self, analyte: str) -> str | None:
        return _UNITS.get(analyte)

    def unitless(self, analyte: str) -> bool:
        return analyte == "inr"

    def measures(self, unit: str, analyte: str) -> bool:
        return self.same_dimension(unit, _UNITS[analyte])

    def is_unit(self, unit: str) -> bool:
        return unit in _DIMENSIONS

    def same_dimension(self, one: str, other: str) -> bool:
        return one in _DIMENSIONS and _DIMENSIONS[one] == _DIMENSIONS.get(other)


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def terminology() -> FakeTerminology:
    return FakeTerminology()
