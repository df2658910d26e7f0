"""The report of `salvage explain` as one JSON object, with the same content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from services.commands.explaining.words import iso
from services.detector.engine.conditions import digits
from services.detector.engine.evidence import reported, what, written_day

if TYPE_CHECKING:
    from decimal import Decimal

    from services.detector.adapters.outlook import Outlook, RuleView
    from services.detector.adapters.views import CriterionView, Due, Look, Prospect
    from services.detector.engine.conditions import Condition, Side
    from services.detector.engine.fact import Fact
    from services.detector.engine.margin import Limit

Json = dict[str, Any]


def as_json(found: Outlook) -> Json:
    """The object."""
    return {
        "patient_id": found.patient_id,
        "as_of": found.as_of.isoformat().replace("+00:00", "Z"),
        "rules": [_rule(view) for view in found.views],
        "not_concerned": found.not_concerned,
    }


def _kept(**fields: Any) -> Json:
    """Without what there is nothing to say of."""
    return {name: value for name, value in fields.items() if value not in (None, [], ())}


def _rule(view: RuleView) -> Json:
    return _kept(
        rule=view.rule.id,
        title=view.rule.card.title,
        course_id=view.course_id,
        status=view.status.value,
        clock=_fact(view.clock),
        ended_on=_day(view.closed),
        ended_by=_fact(view.closed_by),
        criteria=[_criterion(one) for one in view.criteria],
    )


def _criterion(one: CriterionView) -> Json:
    return _kept(
        criterion=one.name,
        serves=one.serves,
        status=one.status.value,
        alert=None if one.alert is None else json.loads(one.alert.to_json()),
        over=one.over,
        missing=list(one.missing),
        due=_due(one.due),
        prospects=[_prospect(each) for each in one.prospects],
    )


def _prospect(one: Prospect) -> Json:
    return _kept(
        state=one.state.value,
        tag=one.tag,
        series=list(one.series),
        earliest=_day(one.earliest),
        unclocked=one.unclocked or None,
        because=list(one.because),
        looks=[_look(look) for look in one.looks],
    )


def _look(one: Look) -> Json:
    return _kept(
        last=_fact(one.last),
        limits=[_limit(limit) for limit in one.limits],
        conditions=[_condition(each) for each in one.conditions],
    )


def _limit(one: Limit) -> Json:
    return _kept(
        fires=one.op,
        value=digits(one.value),
        unit=one.unit or None,
        as_reported=None if one.reported is None else _reported(*one.reported),
        on=iso(one.day),
        text=one.term.text,
        facts=[_fact(fact) for fact in one.facts],
    )


def _reported(value: Decimal, unit: str) -> Json:
    return {"value": digits(value), "unit": unit}


def _condition(one: Condition) -> Json:
    return _kept(
        text=one.text,
        truth=one.truth,
        reason=one.reason,
        word=one.word or None,
        sides=[_side(each) for each in one.sides],
        parts=[_condition(part) for part in one.parts],
    )


def _side(one: Side) -> Json:
    return _kept(
        text=one.text,
        value=one.value,
        unit=one.unit,
        facts=[_fact(fact) for fact in one.facts],
    )


def _due(one: Due | None) -> Json | None:
    if one is None:
        return None
    return _kept(day=iso(one.day), state=one.state.value, tag=one.tag, unless=list(one.series))


def _fact(fact: Fact | None) -> Json | None:
    if fact is None:
        return None
    return _kept(
        event_id=fact.event.event_id,
        what=what(fact),
        value=reported(fact),
        unit=getattr(fact.event, "unit", None),
        on=written_day(fact),
    )


def _day(ordinal: int | None) -> str | None:
    return None if ordinal is None else iso(ordinal)
