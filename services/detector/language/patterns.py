"""A criterion of suspicion and confirmation becomes the machine that judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detector.engine import lasting
from services.detector.engine.confirmation import Confirmation
from services.detector.engine.criterion import Refutation
from services.detector.engine.milestone import Milestone
from services.detector.engine.pattern import Pattern

if TYPE_CHECKING:
    from services.detector.language import spec
    from services.detector.language.lowering.rule import About
    from services.detector.language.parts import Parts


def with_calendar(parts: Parts, criterion: spec.Pattern) -> Pattern | lasting.Lasting:
    """The pattern; with the calendar, where it has a say."""
    machine = _pattern(parts, criterion)
    if not criterion.stays:
        return machine
    stays = tuple(_stay(parts, one, criterion.each) for one in criterion.stays)
    return lasting.Lasting(pattern=machine, stays=stays, untold=criterion.untold)


def _stay(parts: Parts, stay: spec.Stay, about: About) -> lasting.Stay:
    return lasting.Stay(
        parts.days(stay.duration),
        parts.day_if_any(stay.since, about),
        parts.condition_if_any(stay.when, about),
        stay.tag,
        stay.severity,
    )


def _pattern(parts: Parts, criterion: spec.Pattern) -> Pattern:
    about = criterion.each
    return Pattern(
        name=criterion.name,
        listens=parts.seats(about),
        given=parts.condition_if_any(criterion.given, about),
        suspect=parts.arms(criterion.suspect, about),
        confirmed=parts.arms(criterion.confirmed, about),
        info=parts.arms(criterion.info, about),
        confirm=_confirmation(parts, criterion.confirm, about),
        refute=tuple(_refutation(parts, one, about) for one in criterion.refute),
        renames=criterion.renames,
        graver=parts.arms(criterion.graver, about),
        refute_by_default=not criterion.never_refuted,
        reset=parts.condition_if_any(criterion.reset, about),
        milestone=_milestone(parts, criterion.milestone, about),
        tags=parts.arms(criterion.tags, about),
        actions=parts.arms(criterion.action, about),
        value=parts.number_if_any(criterion.value, about),
    )


def _confirmation(parts: Parts, confirm: spec.Confirm | None, about: About) -> Confirmation | None:
    if confirm is None:
        return None
    strictly = confirm.more_than is not None
    return Confirmation(
        after=parts.days(confirm.more_than if strictly else confirm.after),
        strictly=strictly,
        within=parts.days_if_any(confirm.within),
        gap=parts.days_if_any(confirm.gap),
        not_before=parts.day_if_any(confirm.not_before, about),
        when=parts.condition_if_any(confirm.when, about),
        tag=confirm.tag,
        across_lines=confirm.across_lines,
    )


def _refutation(parts: Parts, refute: spec.Refute, about: About) -> Refutation:
    return Refutation(
        parts.condition(refute.when, about),
        parts.days(refute.after),
        refute.confirmed_tag,
        refute.tag,
        refute.info,
        refute.anew,
    )


def _milestone(parts: Parts, milestone: spec.Milestone | None, about: About) -> Milestone | None:
    if milestone is None:
        return None
    return Milestone(
        parts.day(milestone.start, about),
        parts.day(milestone.end, about),
        milestone.missing,
        due=parts.day_if_any(milestone.due, about),
        unusable=milestone.unusable,
        late=milestone.late,
    )
