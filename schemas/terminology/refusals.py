"""Why a code or a unit can't be used. A refusal is a value: it is kept, shown and counted.

The reasons are a closed list, so that they can label a metric. None of them holds a value of a
patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """What is wrong, in a few words that go into a work list."""

    # The unit.
    NO_UNIT = "no unit"
    UNKNOWN_UNIT = "unit not known"
    WRONG_DIMENSION = "unit does not fit the analyte"
    NEEDS_ASSAY_FACTOR = "needs the assay's own conversion factor"
    NO_QUANTITY = "a coded finding has no unit"
    OUT_OF_RANGE = "number too large for a logarithmic unit"

    # The code.
    QUALITATIVE = "qualitative test, not a number"
    INTERPRETATION = "an interpretation, not a number"
    PANEL = "a panel, not a number"
    PERCENT = "a percentage, not a count"
    SEGMENTED_ONLY = "segmented neutrophils only"
    OTHER_VIRUS = "another virus"
    PROVIRAL_DNA = "proviral DNA"
    CEREBROSPINAL_FLUID = "cerebrospinal fluid"
    LAVAGE_FLUID = "bronchoalveolar lavage fluid"
    URINE = "urine"
    NOT_24_HOURS = "urine concentration, not a 24-hour amount"
    DIRECT = "direct (conjugated) bilirubin"
    BONE_ISOENZYME = "bone isoenzyme only"
    FREE_PSA = "free PSA or its ratio"
    ARBITRARY_UNITS = "arbitrary units"
    PREGNANCY = "pregnancy or maternal screening test"
    NOT_INTERNATIONAL_SCALE = "BCR::ABL1 not on the International Scale"
    OTHER_PLATFORM = "another assay platform, not interchangeable"
    DEAD_ORGANISMS = "also positive with dead organisms or after cure"
    OTHER_TEST = "another test with a similar name"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A code or unit that we understand well enough not to use."""

    reason: Reason

    def __str__(self) -> str:
        return self.reason.value
