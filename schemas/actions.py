"""Actions: what people did about an alert, and what became of it.

They close the loop: an alert without an action is a message, not care. Codes are a closed list, so
that they can be counted; what a person writes beside them stays with the notifier.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.base import EffectiveTime, Message, Moment, Text


class Counts(StrEnum):
    """How a disposition counts for the positive predictive value of a rule."""

    TRUE = "true"
    FALSE = "false"
    APART = "apart"  # the alert was right and came too late to help
    NEUTRAL = "neutral"  # says nothing about the rule


class Disposition(StrEnum):
    """Why a case is closed."""

    TREATMENT_CHANGED = "treatment_changed"
    SALVAGE_REFERRED = "salvage_referred"
    CONFIRMATORY_TEST_ORDERED = "confirmatory_test_ordered"
    ADHERENCE_INTERVENTION = "adherence_intervention"
    DOSE_ADJUSTED = "dose_adjusted"
    ALREADY_KNOWN = "already_known"
    NOT_CLINICALLY_RELEVANT = "not_clinically_relevant"
    WRONG_PATIENT = "wrong_patient"
    WRONG_DATA = "wrong_data"
    RULE_WRONG = "rule_wrong"
    PATIENT_DECLINED = "patient_declined"
    PALLIATIVE_GOALS = "palliative_goals"
    TRANSFERRED_OUT = "transferred_out"
    DECEASED = "deceased"
    DUPLICATE = "duplicate"

    @property
    def counts(self) -> Counts:
        """What it says about the rule."""
        if self in _TRUE:
            return Counts.TRUE
        if self in _FALSE:
            return Counts.FALSE
        return Counts.APART if self is Disposition.ALREADY_KNOWN else Counts.NEUTRAL


_TRUE = frozenset(
    {
        Disposition.TREATMENT_CHANGED,
        Disposition.SALVAGE_REFERRED,
        Disposition.CONFIRMATORY_TEST_ORDERED,
        Disposition.ADHERENCE_INTERVENTION,
        Disposition.DOSE_ADJUSTED,
    }
)
_FALSE = frozenset(
    {
        Disposition.NOT_CLINICALLY_RELEVANT,
        Disposition.WRONG_PATIENT,
        Disposition.WRONG_DATA,
        Disposition.RULE_WRONG,
    }
)


class Deed(StrEnum):
    """What was done."""

    ACKNOWLEDGED = "acknowledged"
    STARTED = "started"
    SNOOZED = "snoozed"
    DISPOSED = "disposed"
    HANDED_OVER = "handed-over"
    REOPENED = "reopened"  # what was answered before no longer counts
    SALVAGE_STARTED = "salvage-started"


class Action(Message):
    """One thing done about one alert. A case of several alerts gives one for each."""

    action_id: Text = Field(description="content identity: the same deed gives the same id")
    alert_id: Text
    case_id: Text
    patient_id: Text
    course_id: Text | None = None
    rule: Text
    rule_version: Text
    deed: Annotated[Deed, Field(strict=False)]
    at: Moment
    by: Text | None = Field(default=None, description="who; none when an event of the record shows")
    until: Moment | None = Field(default=None, description="of what ends by itself")
    disposition: Annotated[Disposition, Field(strict=False)] | None = None
    event_id: Text | None = Field(default=None, description="of what shows the deed")
    effective_at: EffectiveTime | None = Field(default=None, description="of that event")

    @model_validator(mode="after")
    def _is_coded(self) -> Self:
        if (self.deed is Deed.DISPOSED) is (self.disposition is None):
            raise ValueError("a disposition belongs to disposing, and only to that")
        if self.by is None and self.event_id is None:
            raise ValueError("an action needs who did it, or the event that shows it")
        return self
