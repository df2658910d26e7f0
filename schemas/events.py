"""Clinical events: what a source says was true of a patient, and when it said so.

One message is one *version* of one clinical fact. `event_id` names the fact at its source and
stays the same in every version; `issued_at` says when the source released this version.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from schemas.base import (
    ClinicalTime,
    Day,
    EffectiveTime,
    LongText,
    Message,
    Model,
    Moment,
    Number,
    Text,
)


class Status(StrEnum):
    """State of a version (FHIR `Observation.status`, the part that we use)."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"

    @property
    def withdraws(self) -> bool:
        """Whether this version takes the fact away."""
        return self in (Status.CANCELLED, Status.ENTERED_IN_ERROR)

    @property
    def rank(self) -> int:
        """Tie-break between versions issued at the same moment: the later state wins."""
        return list(Status).index(self)


class Comparator(StrEnum):
    """The value is only known to lie on one side (FHIR `Quantity.comparator`)."""

    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


class Coding(Model):
    """A code from a terminology (FHIR `Coding`)."""

    system: Text
    code: Text
    display: Text | None = None


class ClinicalEvent(Message):
    """What every event carries.

    `form` is what many results have in common, where a reader knows it; a model doesn't.
    """

    form: ClassVar[None] = None

    event_id: Text = Field(description="identity of the fact at its source, same in all versions")
    patient_id: Text = Field(description="with its assigning authority, e.g. `HOSP|12345`")
    source: Text = Field(description="the sending system")
    effective_at: EffectiveTime = Field(
        description="when it was true of the patient: specimen collected, image acquired, onset; "
        "of a day that isn't known the month or the year"
    )
    issued_at: Moment | None = Field(
        default=None, description="when the source released this version; else receipt"
    )
    status: Annotated[Status, Field(strict=False)] = Status.FINAL


class Observation(ClinicalEvent):
    """A laboratory or bedside measurement, or a coded finding."""

    type: Literal["observation"]
    analyte: Text | None = Field(default=None, description="our key or an alias of it, e.g. `psa`")
    code: Coding | None = None
    value: Number | None = None
    comparator: Annotated[Comparator, Field(strict=False)] | None = None
    unit: Text | None = Field(default=None, description="UCUM")
    value_code: Text | None = Field(
        default=None, description="`positive`, an organism, a resistance level"
    )
    reference_low: Number | None = Field(default=None, description="in `unit`")
    reference_high: Number | None = Field(default=None, description="in `unit`")
    specimen: Text | None = None
    method: Text | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.analyte is None and self.code is None:
            raise ValueError("an observation needs analyte or code")
        if self.value is None and self.value_code is None and not self.status.withdraws:
            raise ValueError("an observation needs value or value_code")
        if self.comparator is not None and self.value is None:
            raise ValueError("comparator without value")
        low, high = self.reference_low, self.reference_high
        if low is not None and high is not None and low > high:
            raise ValueError("reference_low is above reference_high")
        return self


class Lesion(Model):
    """One measured lesion."""

    id: Text
    mm: Number = Field(ge=0, description="longest diameter, or short axis of a node")


class ImagingReport(ClinicalEvent):
    """A reported imaging study, with its verdict in a published response scheme."""

    type: Literal["imaging_report"]
    modality: Text | None = Field(default=None, description="DICOM modality, e.g. `CT`, `PT`, `NM`")
    criteria: Literal["recist-1.1", "irecist", "lugano", "pcwg3", "imwg"] | None = None
    response: Text | None = Field(
        default=None, description="CR, PR, SD, PD, NE, iUPD, iCPD, CMR, PMR, NMR, PMD"
    )
    deauville: Annotated[int, Field(ge=1, le=5)] | None = None
    sum_of_diameters_mm: Annotated[Number, Field(ge=0)] | None = None
    lesions: tuple[Lesion, ...] | None = Field(default=None, strict=False)
    new_lesions: tuple[Text, ...] | None = Field(
        default=None, strict=False, description="lesion ids, or `unequivocal`, `equivocal`"
    )
    timepoint: Literal["baseline", "interim", "end-of-treatment", "follow-up"] | None = None


class AdverseEvent(ClinicalEvent):
    """A toxicity, graded by CTCAE."""

    type: Literal["adverse_event"]
    term: Text = Field(description="CTCAE v5 term")
    code: Coding | None = Field(default=None, description="MedDRA")
    grade: Annotated[int, Field(ge=1, le=5)] | None = None
    ended_at: ClinicalTime | None = None
    suspected: Text | None = Field(default=None, description="the suspected drug or regimen")
    causality: Text | None = None
    serious: bool | None = None
    action_taken: Literal["none", "dose-reduced", "dose-delayed", "withdrawn"] | None = None


class Phase(StrEnum):
    """Where a course of treatment stands."""

    PLANNED = "planned"
    STARTED = "started"
    ADMINISTERED = "administered"
    HELD = "held"
    REDUCED = "reduced"
    COMPLETED = "completed"
    STOPPED = "stopped"


class Treatment(ClinicalEvent):
    """One step of a course of treatment."""

    type: Literal["treatment"]
    course_id: Text
    condition: Text = Field(description="e.g. `prostate-cancer`, `hiv`, `cml`")
    modality: Text = Field(
        description="surgery, radiotherapy, chemotherapy, immunotherapy, targeted, endocrine, "
        "antiretroviral, antimicrobial, transplant, procedure, other"
    )
    regimen: Text | None = None
    drug_classes: tuple[Text, ...] | None = Field(
        default=None, strict=False, description="e.g. NNRTI, INSTI, anthracycline"
    )
    line: Annotated[int, Field(ge=1, le=50)] | None = Field(default=None, description="1 = first")
    intent: Literal["curative", "disease-control", "palliative"] | None = None
    phase: Annotated[Phase, Field(strict=False)]
    cycle: Annotated[int, Field(ge=0, le=1000)] | None = None
    planned_cycles: Annotated[int, Field(ge=1, le=1000)] | None = None
    reason: LongText | None = Field(default=None, description="of a hold, a reduction, a stop")
    drug: Text | None = Field(
        default=None, description="of the regimen, to which this step applies"
    )
    dose: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="amount planned or given in this step"
    )
    dose_unit: Text | None = Field(default=None, description="of `dose`, UCUM")
    dose_level: Annotated[int, Field(ge=-20, le=20)] | None = Field(
        default=None,
        description="of `drug` from this step on: 0 where it began, -1 one level lower",
    )

    @model_validator(mode="after")
    def _is_dosed(self) -> Self:
        if self.dose is not None and self.dose_unit is None:
            raise ValueError("a dose without its unit")
        return self


class Patient(ClinicalEvent):
    """What bears on every rule of a patient: death, goals of care, identity."""

    type: Literal["patient"]
    birth_date: Day | None = None
    sex: Literal["female", "male", "other", "unknown"] | None = None
    deceased_at: ClinicalTime | None = None
    care_team: Text | None = None
    goals_of_care: Literal["cure", "control", "palliation", "comfort-only"] | None = None
    merged_into: Text | None = Field(default=None, description="surviving patient_id (HL7 A40)")


Event = Annotated[
    Observation | ImagingReport | AdverseEvent | Treatment | Patient, Field(discriminator="type")
]
"""Any clinical event, told apart by `type`."""

EVENT: TypeAdapter[Observation | ImagingReport | AdverseEvent | Treatment | Patient] = TypeAdapter(
    Event
)
