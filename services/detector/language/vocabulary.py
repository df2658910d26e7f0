"""What the checker has to know of the world: analytes, units, and the fields that facts have.

The one place of the language that asks `schemas.terminology`; tests pass another `Terminology`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from schemas import terminology as terms
from services.detector.language.kinds import NUMBER, WORD, WORDS, Kind
from services.detector.language.words import PATIENT, SUSPICION

if TYPE_CHECKING:
    from collections.abc import Collection


class Terminology(Protocol):
    """What is measured, and in what."""

    def analytes(self) -> Collection[str]:
        """Every name of an analyte, for "did you mean"."""
        ...

    def key(self, name: str) -> str | None:
        """The one name under which results of an analyte are kept; None for an unknown one."""
        ...

    def unit(self, analyte: str) -> str | None:
        """The unit to suggest for an analyte: "" if it is coded, None if there is no such one."""
        ...

    def unitless(self, analyte: str) -> bool:
        """Whether a number without a unit is a value of it (INR, ECOG)."""
        ...

    def measures(self, unit: str, analyte: str) -> bool:
        """Whether a value in this unit is exactly convertible into the analyte's own."""
        ...

    def is_unit(self, unit: str) -> bool:
        """Whether there is such a unit."""
        ...

    def same_dimension(self, one: str, other: str) -> bool:
        """Whether two units differ by a factor only, whatever is measured."""
        ...


class Published:
    """`schemas.terminology` as a Terminology; its tables are read when first asked."""

    def analytes(self) -> Collection[str]:
        """Keys and aliases."""
        return [name for one in terms.all_analytes() for name in (one.key, *one.aliases)]

    def key(self, name: str) -> str | None:
        """The key of that key or alias."""
        found = terms.analyte(name)
        return None if found is None else found.key

    def unit(self, analyte: str) -> str | None:
        """The customary unit."""
        found = terms.analyte(analyte)
        return None if found is None else found.customary

    def unitless(self, analyte: str) -> bool:
        """As its table says."""
        found = terms.analyte(analyte)
        return found is not None and found.unitless

    def measures(self, unit: str, analyte: str) -> bool:
        """Whether `scale` finds the way."""
        found = terms.analyte(analyte)
        return found is not None and not isinstance(terms.scale(unit, found), terms.Refusal)

    def is_unit(self, unit: str) -> bool:
        """In UCUM or a customary spelling."""
        return terms.is_unit(unit)

    def same_dimension(self, one: str, other: str) -> bool:
        """Independent of the analyte."""
        return terms.same_dimension(one, other)


FIELDS: Final[dict[str, dict[str, Kind]]] = {
    "imaging": {
        "response": WORD,
        "deauville": NUMBER,
        "sum": Kind("number", units=("mm",)),
        "new_lesions": WORDS,
        "new_sum": Kind("number", units=("mm",)),
        "timepoint": WORD,
    },
    "adverse_event": {"grade": NUMBER, "term": WORD, "action_taken": WORD},
    "treatment": {
        "regimen": WORD,
        "cycle": NUMBER,
        "phase": WORD,
        "line": NUMBER,
        "drug": WORD,
        "reason": WORD,
        "level": NUMBER,
        "dose": Kind("number", units=("mg",)),
    },
    "observation": {"code": WORD, "analyte": WORD, "method": WORD, "test": WORD},
    "course": {
        "condition": WORD,
        "modality": WORD,
        "regimen": WORD,
        "drug_classes": WORDS,
        "line": NUMBER,
        "intent": WORD,
    },
    PATIENT: {"age": NUMBER, "sex": WORD},
    SUSPICION: {"tag": WORD},
}
"""Kind of a series, `course` or `suspicion` -> its fields."""

READINESS: Final = ("age", "prior_lines", "goals_of_care")
"""What bears on fitness and is no analyte."""

PLACEHOLDERS: Final = (
    *("value", "unit", "date", "onset", "tag", "nadir", "baseline", "analyte", "clock", "grade"),
    *("figure", "action"),
)
"""What a sentence may fill in."""
