"""What may happen to a patient whom a rule watches: values on both sides of each of its limits.

One `Story` a rule. Its numbers are the published thresholds and their neighbours, its gaps the
published distances and a day either side, so that chance meets every boundary often.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Step:
    """A step of treatment. `course` names one of the patient's courses; a line is optional."""

    course: str
    modality: str
    phase: str
    regimen: str | None = None
    line: int | None = None
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Lab:
    """An analyte: values in `unit`, the upper limits that come with them, another unit.

    `other` is that unit and how many of it one `unit` is.
    """

    unit: str
    values: tuple[str, ...]
    limits: tuple[str, ...] = ()
    other: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What may happen.

    Attributes:
        rule: the rule that the story is about.
        condition: of all treatment in it.
        opening: what sets the clock.
        steps: what else may be done.
        gaps: days from one happening to the next.
        hours: whether times of day matter to the rule.
    """

    rule: str
    condition: str
    opening: Step | None
    steps: tuple[Step, ...]
    gaps: tuple[int, ...]
    labs: Mapping[str, Lab] = field(default_factory=dict)
    scans: tuple[Mapping[str, object], ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    hours: bool = False


_SURGERY = Step("one", "surgery", "completed", "prostatectomy", 1)
_AFTER_SURGERY = (
    Step("one", "surgery", "completed", "biopsy"),
    Step("two", "radiotherapy", "started", None, 2),
    Step("two", "radiotherapy", "completed", None, 2),
)
_CHEMO = Step("one", "chemotherapy", "started", "r-chop", 1)
_LYMPHOMA_STEPS = (
    Step("one", "chemotherapy", "administered", "r-chop", 1),
    Step("one", "chemotherapy", "completed", "r-chop", 1),
    Step("two", "radiotherapy", "completed", None, 1),
    Step("three", "chemotherapy", "started", "r-ice", 2),
)
_PETS: tuple[Mapping[str, object], ...] = (
    {"modality": "PT", "response": "PMD"},
    {"modality": "PT", "response": "PMR"},
    {"modality": "PT", "response": "CMR"},
    {"modality": "PT", "deauville": 4},
    {"modality": "PT", "deauville": 3},
    {"modality": "CT", "response": "PD"},
)
_ARV = Step("one", "antiretroviral", "started", "tdf-3tc-dtg", 1, ("NRTI", "INSTI"))
_HIV_STEPS = (
    Step("one", "antiretroviral", "reduced", "tdf-3tc-efv", 1, ("NRTI", "NNRTI")),
    Step("one", "antiretroviral", "stopped"),
    Step("two", "antiretroviral", "started", "abc-3tc-dtg", 2, ("INSTI",)),
)
_HIV_RNA = {
    "hiv_rna": Lab("{copies}/mL", ("20", "999", "1000", "1001", "50000"), other=None),
}

STORIES: tuple[Story, ...] = (
    Story(
        "PROST-PHOENIX",
        "prostate-cancer",
        Step("one", "radiotherapy", "completed", "brachytherapy", 1),
        (
            Step("one", "radiotherapy", "completed", "ebrt", 1),
            Step("two", "endocrine", "started", None, 2),
        ),
        (0, 1, 90, 180, 400),
        {"psa": Lab("ng/mL", ("0.05", "0.2", "0.21", "0.4", "2.19", "2.2", "2.21", "3"))},
    ),
    Story(
        "PROST-BCR-RP",
        "prostate-cancer",
        _SURGERY,
        _AFTER_SURGERY,
        (0, 1, 6, 7, 8, 41, 42, 43, 90),
        {"psa": Lab("ng/mL", ("0.01", "0.05", "0.09", "0.1", "0.19", "0.2", "0.21", "0.4"))},
    ),
    Story(
        "PROST-SRT-WINDOW",
        "prostate-cancer",
        _SURGERY,
        _AFTER_SURGERY,
        (0, 1, 41, 42, 43, 90),
        {
            "psa": Lab(
                "ng/mL",
                ("0.01", "0.02", "0.03", "0.05", "0.1", "0.2", "0.25", "0.26", "0.5", "0.51"),
                other=("ug/L", "1"),
            )
        },
    ),
    Story(
        "PROST-PCWG3-PSA",
        "prostate-cancer",
        Step("one", "endocrine", "started", "abiraterone", 1),
        (
            Step("one", "endocrine", "stopped"),
            Step("two", "chemotherapy", "started", "docetaxel", 2),
        ),
        (0, 7, 20, 21, 22, 42, 84),
        {"psa": Lab("ng/mL", ("4", "5.99", "6", "8", "9.99", "10", "12.4", "12.5", "20"))},
    ),
    Story(
        "HIV-VF-WHO",
        "hiv",
        _ARV,
        _HIV_STEPS,
        (0, 30, 83, 84, 85, 153, 184, 366),
        _HIV_RNA,
    ),
    Story(
        "HIV-VL-OVERDUE",
        "hiv",
        _ARV,
        _HIV_STEPS,
        (0, 30, 112, 113, 150, 214, 335, 396, 397),
        _HIV_RNA,
    ),
    Story(
        "CML-ELN",
        "cml",
        Step("one", "targeted", "started", "imatinib", 1),
        (Step("one", "targeted", "stopped"), Step("two", "targeted", "started", "dasatinib", 2)),
        (0, 27, 28, 29, 74, 92, 93, 136, 184),
        {"bcrabl": Lab("%", ("0.05", "0.1", "0.11", "1", "1.01", "10", "10.1", "50"))},
    ),
    Story(
        "LYM-EOT",
        "dlbcl",
        Step("one", "chemotherapy", "completed", "r-chop", 1),
        _LYMPHOMA_STEPS,
        (0, 1, 20, 21, 22, 83, 84, 85),
        scans=_PETS,
        codes=(("biopsy", "positive"), ("biopsy", "neg")),
    ),
    Story(
        "LYM-RESTAGE-OVERDUE",
        "hodgkin-lymphoma",
        _CHEMO,
        _LYMPHOMA_STEPS,
        (0, 20, 21, 22, 62, 63, 64, 98, 99),
        scans=_PETS,
    ),
    Story(
        "MM-IMWG-PD",
        "multiple-myeloma",
        Step("one", "targeted", "started", "vrd", 1),
        (Step("two", "targeted", "started", "dara-kd", 2),),
        (0, 1, 28, 30),
        {
            "mspike": Lab("g/dL", ("0.9", "1", "1.25", "1.5", "2", "5", "6"), other=("g/L", "10")),
            "umprot": Lab("mg/(24.h)", ("100", "200", "399", "400", "500")),
            "dflc": Lab("mg/L", ("99", "100", "200", "201", "301")),
        },
        scans=(
            {"modality": "CT", "criteria": "imwg", "new_lesions": ["unequivocal"]},
            {"modality": "CT", "criteria": "imwg", "response": "PD"},
        ),
    ),
    Story(
        "OVAR-GCIG",
        "ovarian-cancer",
        Step("one", "chemotherapy", "started", "carboplatin-paclitaxel", 1),
        (
            Step("one", "chemotherapy", "administered", "carboplatin-paclitaxel", 1),
            Step("three", "procedure", "completed", "paracentesis"),
            Step("two", "chemotherapy", "started", "pld", 2),
        ),
        (0, 6, 7, 8, 28, 29, 60, 183),
        {
            "ca125": Lab(
                "[arb'U]/mL", ("20", "35", "36", "69", "70", "71", "100", "200"), ("35", "40")
            )
        },
    ),
    Story(
        "SOLID-RECIST11",
        "nsclc",
        Step("one", "immunotherapy", "started", "pembrolizumab", 1),
        (Step("two", "chemotherapy", "started", "docetaxel", 2),),
        (0, 1, 28, 60),
        scans=tuple(
            {"modality": "CT", "criteria": "recist-1.1", **said}
            for said in (
                {"sum_of_diameters_mm": "20"},
                {"sum_of_diameters_mm": "25"},
                {"sum_of_diameters_mm": "50"},
                {"sum_of_diameters_mm": "59.9"},
                {"sum_of_diameters_mm": "60"},
                {"new_lesions": ["unequivocal"]},
                {"new_lesions": ["equivocal"], "sum_of_diameters_mm": "49"},
                {"response": "PD"},
                {"response": "NE"},
            )
        ),
    ),
    Story(
        "TOX-AKI-KDIGO",
        "nsclc",
        None,
        (),
        (0, 0, 1, 2, 3, 7, 8, 300),
        {
            "creatinine": Lab(
                "umol/L",
                ("80", "106.4", "106.5", "107", "119", "120", "160", "240", "353.6"),
                other=("mg/dL", "0.0113"),
            )
        },
        hours=True,
    ),
    Story(
        "TOX-ANC4-7D",
        "aml",
        None,
        (),
        (0, 1, 2, 3, 4, 4, 5, 8),
        {
            "neutrophils": Lab(
                "10*9/L", ("0.1", "0.3", "0.4", "0.45", "0.49", "0.5"), other=("/uL", "1000")
            )
        },
    ),
    Story(
        "TOX-HYS-LAW",
        "hiv",
        None,
        (),
        (0, 1, 6, 7, 8, 29, 30, 31),
        {
            "alt": Lab("U/L", ("40", "119", "120", "121", "400"), ("40",)),
            "ast": Lab("U/L", ("119", "120"), ("40",)),
            "bilirubin": Lab("umol/L", ("20", "40", "41", "90"), ("20",)),
            "alp": Lab("U/L", ("100", "239", "240"), ("120",)),
        },
        hours=True,
    ),
)
"""One for each rule that alerts."""
