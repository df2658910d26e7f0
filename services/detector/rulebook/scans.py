"""Imaging reports from the words of a case: bone scans by PCWG3, CT by RECIST 1.1 or iRECIST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.language.errors import RuleError
from services.detector.rulebook.drafts import Draft, Fields, Frame, draft

if TYPE_CHECKING:
    from services.detector.language.spec import Rule
    from services.detector.rulebook.cases import Plain

_CRITERIA = ("irecist", "recist-1.1", "imwg")


def bone_scan(frame: Frame) -> Draft:
    """`bone: [a, b]`: the lesions that are not on the baseline scan."""
    found = _listed(frame, "bone")
    fields: Fields = {"modality": "NM", "criteria": "pcwg3", "new_lesions": found}
    return draft("imaging_report", frame, fields | _verdict(frame))


def ct(frame: Frame, rule: Rule) -> Draft:
    """A CT by the criteria that the rule reads.

    `sum` of the target lesions in mm, `response`; new lesions as a word (`new: equivocal`) or by
    name (`new_ids: [n1]`), and the sum of those that were measured (`new_sum`).
    """
    says = frame.says
    fields: Fields = {
        "modality": "CT",
        "criteria": _criteria(rule),
        "sum_of_diameters_mm": says.get("sum"),
        "new_lesions": _new_lesions(frame),
        "lesions": _measured(frame),
    }
    return draft("imaging_report", frame, fields | _verdict(frame))


def _verdict(frame: Frame) -> Fields:
    return {"response": frame.says.get("response")}


def _criteria(rule: Rule) -> str:
    asked = [name for series in rule.series for name in series.criteria]
    return next((name for name in asked if name in _CRITERIA), "recist-1.1")


def _new_lesions(frame: Frame) -> tuple[Plain, ...] | None:
    named = _listed(frame, "new_ids")
    word = frame.says.get("new")
    return named if word is None else (*(named or ()), word)


def _listed(frame: Frame, name: str) -> tuple[Plain, ...] | None:
    """The lesions of a list; None where the report has none."""
    found = frame.says.get(name)
    if found is not None and not isinstance(found, list):
        raise RuleError(frame.place, f"`{name}` is not a list of lesions", "[a, b]")
    return None if found is None else tuple(found)


def _measured(frame: Frame) -> tuple[Fields, ...] | None:
    """The first of the new lesions stands for all that were measured: only their sum is told."""
    total = frame.says.get("new_sum")
    if total is None:
        return None
    named = _listed(frame, "new_ids")
    if not named:
        raise RuleError(frame.place, "`new_sum` of which lesions?", "`new_ids` as well")
    return ({"id": named[0], "mm": total},)
