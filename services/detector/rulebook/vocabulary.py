"""The words of a case, and what they mean as clinical facts.

A word that stands in none of these tables, and is no analyte, is an error: a case that says less
than its author thinks would prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a course, as a case names it.

    Attributes:
        phase: of `schemas.events.Phase`.
        modality: None is the one that the rule's `course` asks for.
        line: 1 is the treatment that is watched (consolidation included), 2 the one after it.
    """

    phase: str
    modality: str | None = None
    line: int = 1


ANCHORS: Mapping[str, Step] = {
    "rt_end": Step("completed", "radiotherapy"),
    "rp": Step("completed", "surgery"),
    "tx": Step("started"),
    "start": Step("started"),
    "tki_start": Step("started"),
}
"""`ctx` keys that hold the date of a step."""

STEPS: Mapping[str, Step] = {
    "chemo_dose": Step("administered", "chemotherapy"),
    "last_chemo": Step("completed", "chemotherapy"),
    "rt_end": Step("completed", "radiotherapy"),
    "dose": Step("administered"),
    "stop": Step("stopped"),
    "procedure": Step("completed", "procedure"),
    "srt_start": Step("started", "radiotherapy", line=2),
    "adt_start": Step("started", "endocrine", line=2),
    "regimen_change": Step("started", line=2),
    "therapy_change": Step("started", line=2),
}
"""`event` words that are steps of a treatment."""

PARAMETERS: Mapping[str, str] = {"ver": "version"}
"""`ctx` keys that are parameters of the rule under another name."""

PUBLISHED_PROFILES: Mapping[str, str] = {"HIV-VL-OVERDUE": "WHO"}
"""Rule -> the schedule that it follows without a parameter `profile` to choose another."""

DESCRIBING = frozenset(
    {"modality", "regimen", "class", "uln", "lln", "base", "measurable", "sex"},
)
"""`ctx` keys that describe the anchor, the patient or the results."""

ATTENDANT = frozenset({"symptomatic", "anticoagulant"})
"""`ctx` keys, `true` or `false`, on which a grade may rest: a parameter where the rule has it, else
facts: an adverse event, a drug on the medication list."""

SYMPTOMATIC: Mapping[str, str] = {
    "potassium": "Hypokalemia",
    "sodium": "Hyponatremia",
    "lipase": "Lipase increased",
    "amylase": "Serum amylase increased",
}
"""Analyte -> the adverse event that someone who saw the patient would have reported (CTCAE v5)."""

SEXES: Mapping[str, str] = {"M": "male", "F": "female"}

FRAME = frozenset({"t", "rx", "id", "corrects", "status", "unit", "uln", "lln", "specimen"})
"""Keys of a fact that say when, under which name and how it was reported."""
OF_TREATMENT = frozenset({"event", "class", "regimen", "line"})
OF_IMAGING = frozenset({"pet", "sum", "new", "response"})
KEYS = FRAME | OF_TREATMENT | OF_IMAGING
"""Every other key of a fact is an analyte."""

REFUSED: Mapping[str, tuple[str, str, str]] = {
    "bcrabl_nonis": ("http://loinc.org", "46434-7", "%"),
}
"""Results under a code that the terminology refuses (system, code, unit).

46434-7 is BCR::ABL1 that is not on the International Scale: catalogue of oncology, Analytes.
"""
