"""Single clinical facts from the words of a case, before they have an id and an issue time."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.base import parse_clinical_time, parse_effective_time
from schemas.partial import Effective, PartialDate
from schemas.terminology.analytes import Analyte, analyte
from schemas.terminology.refusals import Refusal
from schemas.terminology.results import Kind, parse_result
from schemas.terminology.units import scale
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

    effective: Effective
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
    drugs = tuple(one for one in rule.modalities if one not in vocabulary.LOCAL)
    if modality == "chemotherapy" and drugs and modality not in drugs:
        modality = drugs[0]
    classes, line = frame.says.get("class"), int(str(frame.says.get("line", step.line)))
    fields: Fields = {
        "course_id": f"{modality}-{line}",
        "condition": next(iter(rule.conditions), "cancer"),
        "modality": modality,
        "phase": step.phase,
        "line": line,
        "regimen": frame.says.get("regimen") or _watched(rule, line),
        "drug_classes": _classes(rule, line) if classes is None else (classes,),
        "cycle": None if "cycle" not in frame.says else int(str(frame.says["cycle"])),
        "reason": frame.says.get("reason"),
    }
    return draft("treatment", frame, fields)


def _classes(rule: Rule, line: int) -> tuple[str, ...] | None:
    """The class of drugs of the treatment that is watched, where the rule asks for one."""
    return rule.drug_classes[:1] or None if line == 1 else None


def _watched(rule: Rule, line: int) -> str | None:
    """The regimen of the treatment that is watched, where the rule asks for one."""
    return next(iter(rule.regimens), None) if line == 1 else None


def lugano(frame: Frame) -> Draft:
    """A PET or CT by Lugano: `pet: {ds, met}`, `ct: PD`."""
    says = frame.says
    pet = says.get("pet")
    if "ct" in says:
        return draft(
            "imaging_report",
            frame,
            {"modality": "CT", "criteria": "lugano", "response": says["ct"]},
        )
    if not isinstance(pet, dict) or pet.keys() - {"ds", "met"}:
        raise RuleError(frame.place, "not a PET verdict", "`pet: {ds: 1 to 5, met: CMR}`")
    deauville = int(str(pet["ds"])) if "ds" in pet else None
    fields: Fields = {"modality": "PT", "criteria": "lugano", "response": pet.get("met")}
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
    found = _value(value, known, frame.place)
    return draft("observation", frame, fields | _as_sensitive_as(frame.says.get("sens"), found))


def _about(known: Analyte, name: str, frame: Frame, limits: Mapping[str, Plain]) -> Fields:
    return {
        "analyte": known.key,
        "unit": _unit(known, frame),
        "reference_high": _limit(frame.says.get("uln", limits.get("uln")), name),
        "reference_low": _limit(frame.says.get("lln", limits.get("lln")), name),
        "specimen": frame.says.get("specimen"),
        "method": frame.says.get("method", frame.says.get("assay")),
    }


def _unit(known: Analyte, frame: Frame) -> Plain:
    """The unit of a line; of several results on it, that of those which can have it."""
    customary = known.customary or None
    unit = frame.unit(customary)
    others = [a for name in frame.says if (a := analyte(name)) is not None and a is not known]
    if not isinstance(unit, str) or not others or not isinstance(scale(unit, known), Refusal):
        return unit
    return customary if any(not isinstance(scale(unit, a), Refusal) for a in others) else unit


def _limit(limit: Plain, name: str) -> Plain:
    return limit.get(name) if isinstance(limit, dict) else limit


def _as_sensitive_as(sensitivity: Plain, found: Fields) -> Fields:
    """Not detected by an assay of that sensitivity: below that."""
    if sensitivity is None or Decimal(found.get("value") or 0):
        return found
    return {"comparator": "<", "value": sensitivity, "value_code": "not detected"}


def _value(value: Plain, known: Analyte | None, place: Place) -> Fields:
    if value is None:
        return {}
    if not isinstance(value, str):
        raise RuleError(place, "a result in several parts", "a number or a word")
    measured = _MEASURED.fullmatch(value)
    if measured is not None:
        return {"comparator": measured[1], "value": measured[2]}
    return {"value_code": value} | ({} if known is None or known.coded else _read(value, known))


def _read(text: str, known: Analyte) -> Fields:
    """A result text, as the reader of messages gives it on: `<20 detected`, `Not detected`."""
    result = parse_result(text)
    if result.kind is Kind.INVALID:
        return {}
    if result.kind is Kind.NOT_DETECTED:
        return {"value_code": "not detected", "value": result.number, "unit": known.unit}
    code = "detected" if result.detected and result.kind is Kind.LEFT else None
    said: Fields = {"value_code": code, "value": result.number, "comparator": result.comparator}
    return said | ({} if result.unit is None else {"unit": result.unit})


def time_of(value: Plain, place: Place) -> date | datetime:
    """A day, or a moment; a moment without an offset is UTC.

    Raises:
        RuleError: neither.
    """
    try:
        return parse_clinical_time(_with_offset(value))
    except ValueError as error:
        raise RuleError(place, str(error)) from None


def effective_of(value: Plain, place: Place) -> Effective:
    """The same, or a month or year, of which no more is known.

    Raises:
        RuleError: none of them.
    """
    try:
        return parse_effective_time(_with_offset(value))
    except ValueError as error:
        raise RuleError(place, str(error)) from None


def _with_offset(value: Plain) -> str:
    text = str(value)
    written = "T" not in text or re.search(r"(Z|[+-]\d{2}:\d{2})$", text)
    return text if written else text + "Z"


def moment_of(value: date | datetime) -> datetime:
    """The moment; of a day, its noon."""
    return value if isinstance(value, datetime) else datetime.combine(value, NOON)


def day_of(value: Effective) -> date:
    """The day, in the offset in which it was written; of a month or year, its first."""
    if isinstance(value, PartialDate):
        return value.first
    return value.date() if isinstance(value, datetime) else value
