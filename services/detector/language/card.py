"""What a rule says becomes the card of its alerts: words, severity, time to act, citations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alerts import Citation, Kind, Severity
from services.detector.engine.card import Card, TimeToAct
from services.detector.engine.readiness import DEFAULT_ITEMS
from services.detector.language import spec
from services.detector.language.ast import Duration
from services.detector.language.overrides import version

if TYPE_CHECKING:
    from services.detector.language.parts import Parts


def card(parts: Parts) -> Card:
    """The card of a rule."""
    rule = parts.rule
    return Card(
        rule=rule.id,
        version=version(rule),
        title=rule.title,
        kind=Kind(rule.kind) if rule.kind != "function" else Kind.INTOLERANCE,
        severity={key: Severity(value) for key, value in rule.severity},
        act_within={key: _time_to_act(parts, limit) for key, limit in rule.act_within},
        sentences=_sentences(rule),
        confirm_after=_confirm_after(parts),
        readiness=_readiness(rule),
        options=rule.options,
        to_be_checked=rule.to_be_checked,
        source=tuple(_citation(one) for one in rule.source),
    )


def _citation(one: spec.Citation) -> Citation:
    told = {"cite": one.cite, "confidence": one.confidence, "note": one.note}
    return Citation.model_validate(told)


def _sentences(rule: spec.Rule) -> dict[str, str]:
    sentences = dict(rule.sentences)
    if rule.sentence:
        sentences.setdefault("default", rule.sentence)
    return {key: " ".join(text.split()) for key, text in sentences.items()}


def _time_to_act(parts: Parts, limit: spec.ActWithin) -> TimeToAct:
    duration = parts.written(limit.duration)
    if not isinstance(duration, Duration):
        raise TypeError("the time to act is a duration")
    return TimeToAct(
        days=duration.amount * {"d": 1, "wk": 7}.get(duration.unit, 0),
        months=duration.amount * {"mo": 1, "y": 12}.get(duration.unit, 0),
        hours=duration.amount if duration.unit == "h" else 0,
        from_onset=limit.counted_from == "onset",
        tier=limit.tier,
        evidence=limit.evidence,
    )


def _readiness(rule: spec.Rule) -> tuple[str, ...]:
    """A failure asks whether salvage is possible, so it always carries all that bears on it."""
    if rule.kind == "failure" or not rule.readiness:
        return tuple(dict.fromkeys((*rule.readiness, *DEFAULT_ITEMS)))
    return rule.readiness


def _confirm_after(parts: Parts) -> dict[str, int]:
    """The least days to a confirming test, by criterion."""
    return {
        one.name: _least_days(parts, one.confirm)
        for one in parts.rule.criteria
        if isinstance(one, spec.Pattern) and one.confirm is not None
    }


def _least_days(parts: Parts, confirm: spec.Confirm) -> int:
    if confirm.more_than is not None:
        return parts.days(confirm.more_than) + 1
    return parts.days(confirm.after)
