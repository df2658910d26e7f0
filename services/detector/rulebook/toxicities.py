"""Words of cases about toxicity: what is known of the person, and what was reported of harm."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from services.detector.language.errors import RuleError
from services.detector.rulebook.drafts import Draft, Fields, Frame, day_of, draft, observation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.detector.rulebook.cases import Case, Plain

CONTEXT = frozenset({"age", "kg", "gls0", "falling", "base_t", "liver_mets"})
"""`ctx` keys that this module knows."""

BASELINES = {"qt": "qtc", "kps": "ecog"}
"""Result of a case -> the analyte of which `base` is meant: nobody compares bare QT intervals, and
a performance status before treatment is one of ECOG."""

CUSTOMARY_BASELINES = frozenset({"weight", "wt"})
"""Results whose `base` is in the customary unit, whatever that of the result that is judged."""

SYMPTOMS = {
    "fever": "Fever",
    "rash": "Rash maculo-papular",
    "fatigue": "Fatigue",
    "nausea": "Nausea",
    "vomiting": "Vomiting",
    "ruq_pain": "Abdominal pain",
    "gi": "Diarrhea",
    "constitutional": "Malaise",
    "respiratory": "Dyspnea",
}
"""`event: sx` with one of these words as `group` or `term` -> the term that a ward would report."""

_LEAP_DAY = (2, 29)
_BEFORE_FALL = "3.0"
"""Neutrophils, 10*9/L, as they were before they fell (ours)."""
_FALL, _DOSE, _DAY = timedelta(days=2), timedelta(days=5), timedelta(days=1)


def told_before(case: Case, start: date | datetime) -> Iterator[Draft]:
    """The facts of these `ctx` keys; `start` is the first day of the case.

    Raises:
        RuleError: a value that means nothing.
    """
    says, frame = case.context, Frame(start, start, {}, case.place)
    if "age" in says:
        born = _birth_date(says["age"], day_of(start), frame)
        yield draft("patient", frame, {"birth_date": born})
    if "kg" in says:
        yield observation("weight", says["kg"], frame)
    if "gls0" in says:
        before = Frame(start - 2 * _DAY, start - 2 * _DAY, {}, case.place)
        yield observation("gls", says["gls0"], before)
    if says.get("liver_mets") == "true":
        yield observation("liver_metastases", "present", frame)
    if says.get("falling") == "true":
        yield from _falling(case, day_of(start))


def _birth_date(age: Plain, today: date, frame: Frame) -> date:
    """Born so many whole years ago, to the day."""
    if not str(age).isdigit():
        raise RuleError(frame.place, "ctx: `age`", "whole years")
    day = 28 if (today.month, today.day) == _LEAP_DAY else today.day
    return today.replace(year=today.year - int(str(age)), day=day)


def _falling(case: Case, today: date) -> Iterator[Draft]:
    """Neutrophils were higher before, and chemotherapy was given a few days ago."""
    before, dosed = today - _FALL, today - _DOSE
    frame = Frame(before, before, {"unit": "10*9/L"}, case.place)
    yield observation("neutrophils", _BEFORE_FALL, frame)
    fields = {
        "course_id": "chemotherapy-1",
        "condition": "cancer",
        "modality": "chemotherapy",
        "phase": "administered",
        "line": 1,
    }
    yield draft("treatment", Frame(dosed, dosed, {}, case.place), fields)


def _meddra(code: Plain) -> Fields:
    return {"system": "http://terminology.hl7.org/CodeSystem/MDRAE", "code": code}


def adverse_event(frame: Frame) -> Draft:
    """`event: ae` with `term`, `grade`, the day it `ended`; `event: sx` with a word for a symptom.

    Raises:
        RuleError: no term, or no such symptom.
    """
    says, before = frame.says, frame.before or {}
    word = says.get("term", says.get("group", before.get("term")))
    if word is None:
        raise RuleError(frame.place, "an adverse event without a term", "`term`")
    grade = says.get("grade", before.get("grade"))
    fields: Fields = {
        "term": SYMPTOMS.get(str(word), str(word)),
        "grade": None if grade is None else int(str(grade)),
        "causality": says.get("rel", before.get("causality")),
        "suspected": says.get("suspected", before.get("suspected")),
        "code": _meddra(says["code"]) if "code" in says else before.get("code"),
        "ended_at": says.get("ended", before.get("ended_at")),
    }
    return draft("adverse_event", frame, fields)
