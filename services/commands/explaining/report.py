"""The report of `salvage explain` for people: fired, not fired, undecided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.commands.explaining import why, words
from services.detector.adapters.prospects import ENDED
from services.detector.adapters.views import CriterionView, Look, Prospect, Status
from services.detector.engine.instants import day_of, instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.alerts import AlertRevision, Evidence
    from services.detector.adapters.outlook import Outlook, RuleView
    from services.detector.engine.conditions import Condition

_HEADS: Final = {
    Status.FIRED: "FIRED",
    Status.NOT_FIRED: "NOT FIRED",
    Status.UNDECIDED: "UNDECIDED",
}
_IN: Final = "  "


def report(found: Outlook) -> Iterator[str]:
    """The lines."""
    yield f"{found.patient_id} as of {found.as_of:%Y-%m-%d %H:%M} UTC"
    today = day_of(instant(found.as_of))
    for status, head in _HEADS.items():
        views = [view for view in found.views if view.status is status]
        if views:
            yield from ("", head)
        for view in views:
            yield ""
            yield from _rule(view, today)
    yield from ("", _rest(found))


def _rest(found: Outlook) -> str:
    """The rules that are not about this patient, counted."""
    count = found.not_concerned
    rules = (
        "no other rule" if not count else "1 other rule" if count == 1 else f"{count} other rules"
    )
    return f"Asked for, but about no course of this patient: {rules}."


def _rule(view: RuleView, today: int) -> Iterator[str]:
    course = "the whole patient" if view.course_id is None else f"course {view.course_id}"
    clock = "" if view.clock is None else f", clock {words.result(view.clock)}"
    ended = "" if view.closed_by is None else f", ended by {words.result(view.closed_by)}"
    yield f"{view.rule.id}: {view.rule.card.title}"
    yield f"{_IN}{course}{clock}{ended}"
    if all(one.over == ENDED and one.alert is None for one in view.criteria):
        yield f"{_IN}{ENDED}"
        return
    for one in view.criteria:
        yield from (f"{_IN}{line}" for line in _criterion(one, today))


def _criterion(one: CriterionView, today: int) -> Iterator[str]:
    name = one.name if one.serves is None else f"{one.name}, for {one.serves}"
    yield f"{name}: {_verdict(one)}"
    if one.alert is not None:
        yield from (f"{_IN}{line}" for line in _alert(one.alert))
    for reason in one.missing:
        yield f"{_IN}can't be told: {reason}"
    if one.due is not None:
        yield f"{_IN}{words.due(one.due)}"
    yield from (f"{_IN}{line}" for line in _prospects(one, today))


def _verdict(one: CriterionView) -> str:
    if one.alert is not None:
        return f"{words.named(one.alert.state, one.alert.tag)}, {one.alert.severity}"
    over = f": {one.over}" if one.over is not None else ""
    return f"{one.status.value}{over}"


# ---------------------------------------------------------------- what stands


def _alert(alert: AlertRevision) -> Iterator[str]:
    yield alert.summary
    onset = "" if alert.onset is None else f", onset {words.time(alert.onset)}"
    yield f"since {words.time(alert.at)}{onset}"
    if alert.confirm_by is not None:
        yield f"to be settled by {words.time(alert.confirm_by)}"
    if alert.act_by is not None:
        yield f"act by {words.time(alert.act_by)}"
    for piece in alert.evidence:
        yield _evidence(piece)
    if alert.explanation is not None:
        yield "because:"
        units = why.units_of(alert.evidence)
        yield from (f"{_IN}{line}" for line in why.proof(alert.explanation, units))


def _evidence(one: Evidence) -> str:
    said = words.amount(one.value, one.unit)
    return (
        f"{one.role}: {one.what} {'' if said == 'nothing' else said + ' '}on {words.time(one.at)}"
    )


# ---------------------------------------------------------------- what doesn't, yet


def _prospects(one: CriterionView, today: int) -> Iterator[str]:
    """What may come of it; what is said of several is said once."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for each in one.prospects:
        names = alike.setdefault(tuple(_prospect(each, today)), [])
        names.append(words.named(each.state, each.tag))
    for (head, *lines), names in alike.items():
        yield f"{', '.join(dict.fromkeys(names))}: {head}"
        yield from (f"{_IN}{line}" for line in lines)


def _prospect(one: Prospect, today: int) -> Iterator[str]:
    """From when on; then what stands against each kind of fact that has come so far."""
    waits = one.earliest is not None and not one.looks and not one.follows
    none = f"no {' or '.join(one.series)} yet; " if waits else ""
    yield f"{none}{words.when(one, today)}"
    asked = [tuple(why.stated(look.conditions)) for look in one.looks]
    common = _common(asked)
    if common:
        yield from ("of each of these:", *(f"{_IN}{line}" for line in _asked(common)))
    for look, conditions in zip(one.looks, asked, strict=True):
        own = tuple(each for each in conditions if each not in common)
        yield from _look(look, own, words.then(one, today))


def _common(asked: list[tuple[Condition, ...]]) -> tuple[Condition, ...]:
    """What is said of several facts alike."""
    if len(asked) < 2:  # noqa: PLR2004 - one fact is not several
        return ()
    return tuple(one for one in asked[0] if all(one in others for others in asked))


def _look(look: Look, conditions: tuple[Condition, ...], then: str) -> Iterator[str]:
    yield f"last {words.result(look.last)}"
    for where in words.firing(look.limits):
        yield f"{_IN}one more{then} fires {where}"
    said = frozenset(limit.term.text for limit in look.limits)
    rest = tuple(one for one in conditions if not why.compares_with(said, one))
    if rest:
        yield f"{_IN}{'besides' if said else 'the same once more' + then}:"
        yield from (f"{_IN}{_IN}{line}" for line in _asked(rest))


def _asked(conditions: tuple[Condition, ...]) -> Iterator[str]:
    for one in conditions:
        yield from why.asked(one)
