"""Is the evidence of a finding enough, and is every piece of it needed?

Enough: a rule that sees only the cited facts derives the same finding. Needed: without any one of
them it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from support.living import Spoken, derived, rule_named, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from services.detector.engine.fact import Fact, Key
    from services.detector.engine.monitor import Monitor
    from services.detector.engine.rule import CompiledRule


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
        if not _fires(step, cited, now, rule):
            yield Flaw(step, None)
            continue
        for left_out in cited:
            if _is_half_of_a_median(step, left_out.key) or _only_delayed(step, left_out):
                continue
            rest = [fact for fact in cited if fact is not left_out]
            if _fires(step, rest, now, rule):
                yield Flaw(step, left_out.key)


def _is_half_of_a_median(step: Spoken, key: Key) -> bool:
    """Both middle values make a median; with one of them left, another median takes its place."""
    halves = [one for one, role in step.roles.items() if role == "baseline"]
    return step.rule == "TOX-AKI-KDIGO" and len(halves) > 1 and key in halves


def _only_delayed(step: Spoken, piece: Fact) -> bool:
    """Radiotherapy that made a PET too early to confirm: the biopsy settles it either way.

    With it the PET was suspect by its time, without it by its finding; both end alike.
    """
    return (
        step.rule == "LYM-EOT"
        and step.roles.get(piece.key) != "clock"
        and "confirmation" in step.roles.values()
        and piece.topic == "treatment"
    )


def standing(monitor: Monitor) -> Iterable[Spoken]:
    """The findings to be looked at: all but those that take another one back."""
    return (step for step in spoken(monitor) if step.stands)


def _fires(step: Spoken, facts: Sequence[Fact], now: int, rule: CompiledRule | None) -> bool:
    alone = derived(facts, now, (rule or rule_named(step.rule),))
    return any(
        (one.criterion, one.identity, one.course) == (step.criterion, step.identity, step.course)
        for one in spoken(alone)
    )
