"""Small rules explained as of a day: what `salvage explain` is made of, without the command."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from schemas.events import EVENT
from services.detector.adapters.outlook import outlook
from services.detector.engine.instants import end_of, moment
from services.detector.language.compiler import compile_rule
from support.small_rules import lab, mistakes, small_rule

if TYPE_CHECKING:
    from services.detector.adapters.outlook import RuleView
    from services.detector.adapters.views import CriterionView, Prospect

READS = "psa: {analyte: psa}"


def view(reads: str, criteria: str, *events: dict[str, Any], at: str, course: bool = False) -> Any:
    """The rule explained as of the end of a day."""
    rule = small_rule(reads, criteria, course=course)
    assert mistakes(rule) == []
    said = [EVENT.validate_python(event) for event in events]
    now = moment(end_of(date.fromisoformat(at).toordinal()))
    (found,) = outlook(said, "HOSP|1", (compile_rule(rule),), now).views
    return found


def only(found: RuleView) -> CriterionView:
    (criterion,) = found.criteria
    return criterion


def earliest(prospect: Prospect) -> str | None:
    return None if prospect.earliest is None else date.fromordinal(prospect.earliest).isoformat()


def limits(prospect: Prospect) -> list[tuple[str, str]]:
    return [(one.op, str(one.value)) for look in prospect.looks for one in look.limits]


def psa(at: str, value: str) -> dict[str, Any]:
    return lab("psa", at, value, "ng/mL")
