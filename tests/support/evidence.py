"""Is the evidence of a finding enough, and is every piece of it needed?

Enough: a rule that sees only the cited facts derives the same finding. Needed: without any one of
them it does not.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from services.detector.language.ast import Call, Node
from services.detector.language.spec import Tiers
from services.detector.language.walk import parts, walk
from support import packs
from support.living import Spoken, derived, live, rule_named, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from services.detector.engine.fact import Fact, Key
    from services.detector.engine.monitor import Monitor
    from services.detector.engine.rule import CompiledRule


_PAIR = 2
_LEAST_POINTS = 3
"""Of a curve with more, one may be missing and there still is a curve."""


class Flaw(NamedTuple):
    """Evidence that isn't enough (`without` is None), or a piece that isn't needed."""

    step: Spoken
    without: Key | None

    def __str__(self) -> str:
        """Which finding, and what is wrong with its evidence."""
        wrong = "is not enough" if self.without is None else f"does not need {self.without}"
        return f"{self.step.rule} {self.step.identity} citing {self.step.cited} {wrong}"


def flaws(monitor: Monitor, now: int, rule: CompiledRule | None = None) -> Iterator[Flaw]:
    """The flaws in the evidence of every finding that a monitor holds to be true by `now`.

    `rule` is the only one it runs, where that isn't one as it comes with the software.
    """
    for step in standing(monitor):
        known = {fact.key: fact for fact in monitor.facts(step.patient)}
        cited = [known[key] for key in step.cited]
        if not _fires(step, cited, now, rule) and not _fires(
            step, [*cited, *_renaming(step, known.values())], now, rule
        ):
            yield Flaw(step, None)
            continue
        for left_out in cited:
            if _is_half_of_a_median(step, left_out.key) or _fails_either_way(step, left_out):
                continue
            if _only_delayed(step, left_out) or _is_part_of_a_mean(step, left_out):
                continue
            if _is_silence_as_well(step, left_out, cited) or _has_an_older_one(
                step, left_out, cited
            ):
                continue
            if _is_point_of_a_curve(step, left_out) or _is_the_reference_scan(
                step, left_out, cited
            ):
                continue
            rest = [fact for fact in cited if fact is not left_out]
            if _is_followed_as_clock(step, left_out, rest, rule or rule_named(step.rule)):
                continue
            if _fires(step, rest, now, rule) and not _counts_for_more(step, cited, rest, now, rule):
                yield Flaw(step, left_out.key)


def _renaming(step: Spoken, facts: Iterable[Fact]) -> Iterator[Fact]:
    """Steps of the course after its clock: they tell what the regimen no longer is.

    What is absent isn't cited. Without them an old regimen may make more of the finding.
    """
    clock = [key for key, role in step.roles.items() if role == "clock"]
    return (
        fact
        for fact in facts
        if fact.topic == "treatment"
        and fact.event.course_id == step.course
        and clock
        and fact.key not in step.roles
    )


def _is_half_of_a_median(step: Spoken, key: Key) -> bool:
    """Both middle values make a median; with one of them left, another median takes its place."""
    halves = [one for one, role in step.roles.items() if role == "baseline"]
    return step.rule == "TOX-AKI-KDIGO" and len(halves) > 1 and key in halves


def _is_point_of_a_curve(step: Spoken, piece: Fact) -> bool:
    """Every value has its part in a regression; without one of them another curve is drawn."""
    points = [one for one, role in step.roles.items() if role != "clock"]
    return piece.key in points and len(points) > _LEAST_POINTS and step.rule in _with_a_curve()


def _is_part_of_a_mean(step: Spoken, piece: Fact) -> bool:
    """Every tracing or dose has its part in the mean; without one of them it is another mean."""
    if step.rule == "TOX-DOSE-REDUCTION":
        return step.criterion == "intensity"
    return step.rule == "TOX-QTC" and piece.topic in {"qtc", "qt", "heart_rate", "rr_interval"}


def _is_silence_as_well(step: Spoken, piece: Fact, cited: Sequence[Fact]) -> bool:
    """What nobody reported is read to the same end as what this piece says.

    A dose of which no plan is known was due on the day it was held; a liver whose state before is
    unknown may have been raised before; of whom nothing is known may have cancer.
    """
    role = step.roles.get(piece.key)
    if step.rule == "TOX-DOSE-DELAY":
        held = [fact for fact in cited if fact.topic == "treatment" and fact.event.phase == "held"]
        return role != "clock" and piece.event.phase == "planned" and piece.day == held[-1].day
    if step.rule in {"TOX-NEUROPATHY", "TOX-CIS-INELIGIBLE"}:
        return role == "support" and piece.topic == "treatment"
    return step.rule == "TOX-IRAE" and step.state == "suspected" and role == "baseline"


def _has_an_older_one(step: Spoken, piece: Fact, cited: Sequence[Fact]) -> bool:
    """The weight of the day is what the clearance was reckoned with; an older one would do."""
    return (
        step.rule == "TOX-CIS-INELIGIBLE"
        and piece.topic == "weight"
        and any(one.topic == "weight" and _placed(one) < _placed(piece) for one in cited)
    )


def _is_the_reference_scan(step: Spoken, piece: Fact, cited: Sequence[Fact]) -> bool:
    """Without the first scan on treatment the one that settled its suspicion takes its place."""
    scans = [fact for fact in cited if fact.topic == "imaging_report"]
    return (
        step.rule == "PROST-PCWG3-BONE" and len(scans) > _PAIR and piece is min(scans, key=_placed)
    )


def _placed(fact: Fact) -> tuple[int, int, Key]:
    return fact.day, fact.at, fact.key


@cache
def _with_a_curve() -> frozenset[str]:
    """The rules that ask how fast a series doubles or halves."""
    return frozenset(
        rule.id
        for rule in packs.rules()
        for part in parts(rule)
        if isinstance(part, Node)
        for node in walk(part)
        if isinstance(node, Call) and node.function in {"doubling_time", "halving_time"}
    )


def _is_followed_as_clock(
    step: Spoken, piece: Fact, rest: Sequence[Fact], rule: CompiledRule
) -> bool:
    """Without the clock another step of the course that is cited would be the clock in its place.

    What was counted was counted from the piece all the same. So with a start that was told twice:
    one of them is the clock, and the newest says what the regimen is.
    """
    phases = () if rule.clock is None else rule.clock.phases

    def may_be_the_clock(fact: Fact) -> bool:
        own = fact.topic == "treatment" and fact.event.course_id == step.course
        return own and fact.event.phase in phases

    counted_from = step.roles.get(piece.key) == "clock" and rule.clock is not None
    return (counted_from or may_be_the_clock(piece)) and any(map(may_be_the_clock, rest))


def _counts_for_more(
    step: Spoken, cited: Sequence[Fact], rest: Sequence[Fact], now: int, rule: CompiledRule | None
) -> bool:
    """The piece is what makes the finding one severity higher (`closer_watch`)."""
    judged = rule or rule_named(step.rule)
    if judged.closer_watch is None:
        return False
    whole, less = (
        {
            revision.severity
            for revision in live([(now, list(facts))], now, (judged,), incremental=False).revisions
            if revision.state == step.state
        }
        for facts in (cited, rest)
    )
    return whole != less


def _fails_either_way(step: Spoken, piece: Fact) -> bool:
    """A rebound comes after suppression; without that the regimen never worked: failing as well."""
    return step.rule == "HIV-SWITCH-OVERDUE" and step.roles.get(piece.key) == "support"


def _only_delayed(step: Spoken, piece: Fact) -> bool:
    """Radiotherapy that made a PET too early to confirm: the biopsy settles it either way.

    With it the PET was suspect by its time, without it by its finding; both end alike. The same
    goes for a scan too soon after the last dose, which is why it waited for the biopsy.
    """
    if step.rule == "LBCL-EARLY":
        return step.roles.get(piece.key) == "confirmation"
    return (
        step.rule == "LYM-EOT"
        and step.roles.get(piece.key) != "clock"
        and "confirmation" in step.roles.values()
        and piece.topic == "treatment"
    )


def _words_of(step: Spoken) -> tuple[str, ...]:
    """Criterion, state and tag of a step, without the day."""
    return tuple(map(str, ast.literal_eval(step.identity)[:3]))


def _at_least(step: Spoken) -> list[tuple[str, ...]]:
    """The words of a step, and those of the tiers that come after its own and say more."""
    *same, tag = _words_of(step)
    tags = next((tags for tags in _tiers(step.rule) if tag in tags), (tag,))
    return [(*same, more) for more in tags[tags.index(tag) :]]


@cache
def _tiers(rule: str) -> list[tuple[str, ...]]:
    """The tags of each criterion that has tiers, in their order."""
    criteria = next(one for one in packs.rules() if one.id == rule).criteria
    return [tuple(str(arm.tag) for arm in one.arms) for one in criteria if isinstance(one, Tiers)]


def standing(monitor: Monitor) -> Iterable[Spoken]:
    """The findings to be looked at: all but those that take another one back."""
    return (step for step in spoken(monitor) if step.stands)


def _fires(step: Spoken, facts: Sequence[Fact], now: int, rule: CompiledRule | None) -> bool:
    alone = derived(facts, now, (rule or rule_named(step.rule),))
    if step.rule in _with_a_curve():
        # Without the points in between or before, an earlier curve may be as steep, or steeper.
        said = (step.criterion, step.course)
        return any(
            (one.criterion, one.course) == said and _words_of(one) in _at_least(step)
            for one in spoken(alone)
        )
    return any(
        (one.criterion, one.identity, one.course) == (step.criterion, step.identity, step.course)
        for one in spoken(alone)
    )
