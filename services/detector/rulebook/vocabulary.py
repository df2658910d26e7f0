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
    "resection": Step("completed", "surgery"),
    "adjuvant_start": Step("started", "chemotherapy"),
    "adjuvant_end": Step("completed", "chemotherapy"),
    "last_dose": Step("administered"),
    "tx": Step("started"),
    "start": Step("started"),
    "last_1l": Step("completed"),
    "asct": Step("administered", "transplant", line=2),
    "tki_start": Step("started"),
    "eot": Step("completed"),
    "c1d1": Step("started"),
    "active_start": Step("started"),
    "af_start": Step("started"),
    "d0": Step("started"),
    "evac": Step("completed", "surgery"),
    "consol_end": Step("completed"),
}
"""`ctx` keys that hold the date of a step."""

STEPS: Mapping[str, Step] = {
    "chemo_dose": Step("administered", "chemotherapy"),
    "last_chemo": Step("completed", "chemotherapy"),
    "rt_end": Step("completed", "radiotherapy"),
    "dose": Step("administered"),
    "induction": Step("administered"),
    "adjuvant_start": Step("started", "chemotherapy"),
    "adjuvant_end": Step("completed", "chemotherapy"),
    "chemo_start": Step("started", "chemotherapy"),
    "chemo_end": Step("completed", "chemotherapy"),
    "stop": Step("stopped"),
    "hold": Step("held"),
    "reduce": Step("reduced"),
    "procedure": Step("completed", "procedure"),
    "asct": Step("administered", "transplant", line=2),
    "salvage_cycle": Step("administered", "chemotherapy", line=2),
    "srt_start": Step("started", "radiotherapy", line=2),
    "adt_start": Step("started", "endocrine", line=2),
    "regimen_change": Step("started", line=2),
    "therapy_change": Step("started", line=2),
}
"""`event` words that are steps of a treatment."""

NEW_LESIONS = frozenset({"new_site", "new_metastasis", "extramedullary"})
"""`event` words for imaging that shows disease where there was none."""

FINDINGS: Mapping[str, tuple[str, str]] = {
    "choriocarcinoma": ("histology", "choriocarcinoma"),
    "progression": ("disease_status", "progression"),
    "relapse": ("disease_status", "relapse"),
    "transformation": ("disease_status", "transformation"),
    "no_progression": ("disease_status", "stable"),
    "nodes_up": ("lymph_nodes", "increased"),
    "clinical_failure": ("who_stage", "4"),
    "danger": ("malaria_danger_sign", "present"),
    "deterioration": ("clinical_course", "deteriorating"),
    "clinical_deterioration": ("clinical_course", "deteriorating"),
    "new_infection": ("malaria_genotyping", "new infection"),
    "pcr_new_infection": ("malaria_genotyping", "new infection"),
    "reinfection": ("malaria_genotyping", "new infection"),
    "pcr_recrudescence": ("malaria_genotyping", "recrudescence"),
}
"""`event` words that are what a clinician found: the coded observation that says it."""

DISEASES: Mapping[str, str] = {
    "HL": "hodgkin-lymphoma",
    "LBCL": "lbcl",
    "FL": "follicular-lymphoma",
    "HIV": "hiv",
    "MDR-TB": "mdr-tuberculosis",
}
"""What `ctx: {disease: …}` may be, and the condition of the treatment that it means."""

KNOWN_BEFORE: Mapping[str, str | None] = {"tgab": None, "nodes_up": "lymph_nodes"}
"""`ctx` keys that are findings from the start on -> the analyte, if it is called otherwise."""

LOCAL = frozenset({"surgery", "radiotherapy", "procedure"})
"""Modalities that drugs never stand for: beside them chemotherapy is a course of its own."""

PARAMETERS: Mapping[str, str] = {"ver": "version"}
"""`ctx` keys that are parameters of the rule under another name."""

PUBLISHED_PROFILES: Mapping[str, str] = {"HIV-VL-OVERDUE": "WHO"}
"""Rule -> the schedule that it follows without a parameter `profile` to choose another."""

DESCRIBING = frozenset(
    {"modality", "regimen", "class", "uln", "lln", "base", "measurable", "sex"}
    | {"vf_fired", "vf_retracted"}
    | {"intensity", "disease", "drug", "untreated", *KNOWN_BEFORE},
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

INTENSITIES: Mapping[str, str] = {
    "intensive": "7+3",
    "less": "azacitidine-venetoclax",
    "less_intensive": "azacitidine-venetoclax",
    "less-intensive": "azacitidine-venetoclax",
    "low": "azacitidine-venetoclax",
    "low_intensity": "azacitidine-venetoclax",
    "non-intensive": "azacitidine-venetoclax",
    "non_intensive": "azacitidine-venetoclax",
    "nonintensive": "azacitidine-venetoclax",
}
"""`ctx: intensity` -> a regimen of that intensity: a hospital sends the regimen."""

TOGETHER: Mapping[str, Mapping[str, str]] = {"marrow": {"blasts": "bmblast"}}
"""Words for several results of one day, `{blasts: 18, anc: 0.4}` -> parts that are named otherwise
than the analyte or its alias."""

ON_COURSE_DAY: Mapping[str, str] = {"course_hcg": "hcg"}
"""Words for a result of a day on which a course of treatment was given -> the analyte."""

FRAME = frozenset({"t", "rx", "id", "corrects", "status", "unit", "uln", "lln", "specimen"}) | {
    *("method", "assay", "sens"),
}
"""Keys of a fact that say when, under which name and how it was reported."""
OF_TREATMENT = frozenset({"event", "class", "regimen", "line", "cycle"})
OF_ADVERSE_EVENT = frozenset({"term", "grade", "group", "rel", "haem", "suspected", "code"}) | {
    "ended"
}
OF_DELIVERY = frozenset({"n", "reason", "level", "drug", "mg", "planned", "cls", "ended"})
OF_LUGANO = frozenset({"pet", "ct"})
OF_CT = frozenset({"sum", "new", "new_ids", "new_sum", "response"})
OF_IMAGING = OF_LUGANO | OF_CT | {"bone"}
KEYS = FRAME | OF_TREATMENT | OF_ADVERSE_EVENT | OF_IMAGING | OF_DELIVERY
"""Every other key of a fact is an analyte."""

REFUSED: Mapping[str, tuple[str, str, str | None]] = {
    "hp_igg": ("http://loinc.org", "5176-3", None),
    "bcrabl_nonis": ("http://loinc.org", "46434-7", "%"),
    "temp_axillary": ("http://loinc.org", "8328-7", "Cel"),
}
"""Results under a code that the terminology, or a rule, refuses (system, code, unit).

8328-7 is the axillary temperature: no proof of fever in neutropenia (infectious diseases, B6.1).
46434-7 is BCR::ABL1 that is not on the International Scale: catalogue of oncology, Analytes.
"""
