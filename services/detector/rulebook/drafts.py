"""Single clinical facts from the words of a case, before they have an id and an issue time."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from schemas.base import parse_clinical_time
from schemas.terminology.analytes import Analyte, analyte
from services.detector.language.errors import RuleError
from services.detector.rulebook import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.detector.language.ast import Place
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Plain
    from services.detector.rulebook.vocabulary import Step

Fields = dict[str, Any]
"""A clinical event as `schemas.events` reads it."""

PATIENT = "CASE|1"
SOURCE = "CASE"
NOON = time(12, tzinfo=UTC)
"""Hour of receipt when a case names only the day."""

_MEASURED = re.compile(r"(<=|>=|<|>)?\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


@dataclass(frozen=True, slots=True)
class Frame:
    """When and how a fact was reported.

    Attributes:
        effective: clinical time.
        received: when the message came; a day stands for its noon, UTC.
        says: the words of the case about this fact.
        place: where they stand.
        before: the earlier version of the same fact.
    """

    effective: date | datetime
    received: date | datetime
    says: Mapping[str, Plain]
    place: Place
    before: Fields | None = None

    @property
    def status(self) -> str:
        """As written; else final, and corrected for a new version."""
        return str(self.says.get("status", "corrected" if self.before else "final"))

    def unit(self, default: str | None) -> Plain:
        """As written (`null`: the message had none), as corrected, else the default."""
        if "unit" in self.says:
            return self.says["unit"]
        return self.before.get("unit", default) if self.before else default


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact on its way to become an event."""

    received: datetime
    fields: Fields
    place: Place

    def named(self, event_id: str) -> Draft:
        """The same fact, with its identity."""
        return replace(self, fields={**self.fields, "event_id": event_id})

    def issued(self, received: datetime) -> Draft:
        """The same fact, received and therefore issued at that moment."""
        return replace(self, received=received, fields={**self.fields, "issued_at": received})


def draft(kind: str, frame: Frame, fields: Fields) -> Draft:
    """A fact of any type."""
    about = {
        "type": kind,
        "patient_id": PATIENT,
        "source": SOURCE,
        "effective_at": frame.effective,
        "status": frame.status,
    }
    return Draft(moment_of(frame.received), about | fields, frame.place)


def treatment(rule: Rule, step: Step, frame: Frame) -> Draft:
    """A step of a course, of the condition that the rule is about."""
    modality = step.modality or next(iter(rule.modalities), "other")
    if modality == "chemotherapy" and rule.modalities and modality not in rule.modalities:
        modality = rule.modalities[0]
    classes, line = frame.says.get("class"), int(str(frame.says.get("line", step.line)))
    fields: Fields = {
        "course_id": f"{modality}-{line}",
        "condition": next(iter(rule.conditions), "cancer"),
        "modality": modality,
        "phase": step.phase,
        "line": line,
        "regimen": frame.says.get("regimen"),
        "drug_classes": None if classes is None else (classes,),
    }
    return draft("treatment", frame, fields)


def imaging(frame: Frame) -> Draft:
    """A PET by Lugano (`pet: {ds, met}`), else a CT by RECIST 1.1 (`sum`, `new`, `response`)."""
    says = frame.says
    pet = says.get("pet")
    if pet is None:
        new = says.get("new")
        fields: Fields = {
            "modality": "CT",
            "criteria": "recist-1.1",
            "response": says.get("response"),
            "sum_of_diameters_mm": says.get("sum"),
            "new_lesions": None if new is None else (new,),
        }
        return draft("imaging_report", frame, fields)
    if not isinstance(pet, dict) or pet.keys() - {"ds", "met"}:
        raise RuleError(frame.place, "not a PET verdict", "`pet: {ds: 1 to 5, met: CMR}`")
    deauville = int(str(pet["ds"])) if "ds" in pet else None
    fields = {"modality": "PT", "criteria": "lugano", "response": pet.get("met")}
    return draft("imaging_report", frame, fields | {"deauville": deauville})


def observation(
    name: str, value: Plain, frame: Frame, limits: Mapping[str, Plain] | None = None
) -> Draft:
    """A result.

    Args:
        name: analyte, alias, or a word for a result under a refused code.
        value: number with or without comparator, a word, or None for none.
        frame: may name `unit`, `specimen`, and `uln`, `lln` of this result.
        limits: `uln`, `lln` of all results: a number, or numbers by analyte.

    Raises:
        RuleError: no such analyte.
    """
    known = analyte(name)
    if name in vocabulary.REFUSED:
        system, code, unit = vocabulary.REFUSED[name]
        fields: Fields = {"code": {"system": system, "code": code}, "unit": unit}
    elif known is not None:
        fields = _about(known, name, frame, limits or {})
    else:
        raise RuleError(frame.place, f"`{name}` is neither a key of a case nor an analyte")
    return draft("observation", frame, fields | _value(value, frame.place))


def _about(known: Analyte, name: str, frame: Frame, limits: Mapping[str, Plain]) -> Fields:
    return {
        "analyte": known.key,
        "unit": frame.unit(known.customary or None),
        "reference_high": _limit(frame.says.get("uln", limits.get("uln")), name),
        "reference_low": _limit(frame.says.get("lln", limits.get("lln")), name),
        "specimen": frame.says.get("specimen"),
    }


def _limit(limit: Plain, name: str) -> Plain:
    return limit.get(name) if isinstance(limit, dict) else limit


def _value(value: Plain, place: Place) -> Fields:
    if value is None:
        return {}
    if not isinstance(value, str):
        raise RuleError(place, "a result in several parts", "a number or a word")
    measured = _MEASURED.fullmatch(value)
    if measured is None:
        return {"value_code": value}
    return {"comparator": measured[1], "value": measured[2]}


def time_of(value: Plain, place: Place) -> date | datetime:
    """A day, or a moment; a moment without an offset is UTC.

    Raises:
        RuleError: neither.
    """
    text = str(value)
    if "T" in text and not re.search(r"(Z|[+-]\d{2}:\d{2})$", text):
        text += "Z"
    try:
        return parse_clinical_time(text)
    except ValueError as error:
        raise RuleError(place, str(error)) from None


def moment_of(value: date | datetime) -> datetime:
    """The moment; of a day, its noon."""
    return value if isinstance(value, datetime) else datetime.combine(value, NOON)


def day_of(value: date | datetime) -> date:
    """The day, in the offset in which it was written."""
    return value.date() if isinstance(value, datetime) else value
