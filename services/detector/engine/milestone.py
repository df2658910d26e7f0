"""A milestone: only the first usable sample of a period is judged, and its absence is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.alerts import Role, State
from services.detector.engine.finding import Finding, cite, cleared
from services.detector.engine.instants import end_of, latest

if TYPE_CHECKING:
    from services.detector.engine.episode import Episode
    from services.detector.engine.fact import Fact
    from services.detector.engine.finding import Note
    from services.detector.engine.terms import Cited, Context, Term


@dataclass(frozen=True, slots=True)
class Milestone:
    """Only the first usable fact between two days is judged. See `language.spec.Milestone`."""

    start: Term
    end: Term
    missing: str | None = None
    due: Term | None = None
    unusable: str | None = None
    late: bool = False

    def awaited(self, context: Context) -> int | None:
        """The day by which the sample is due."""
        day: int | None = (self.due or self.end).evaluate(context)
        return day

    def holds(self, context: Context) -> bool:
        """Whether the fact in question lies in the period."""
        start, end = self.start.evaluate(context), self.end.evaluate(context)
        if start is None or end is None:
            return False
        fact = context.fact
        return bool(start <= fact.day and latest(fact.when) <= end)

    def tried(self, episode: Episode, fact: Fact) -> Episode:
        """Remember a sample in the period that can't answer: the one that was known first."""
        known_before = episode.unusable is not None and episode.unusable.known <= fact.known
        asked = self.unusable is not None and not known_before
        return episode._replace(unusable=fact) if asked else episode

    def overdue(self, name: str, episode: Episode, context: Context | None) -> Finding:
        """Nobody sampled in the period, or nobody could tell anything from what was sampled."""
        assert episode.due is not None, "only asked with a deadline"  # noqa: S101
        tried = self._unusable_in_time(episode, episode.due)
        return Finding(
            name,
            State.OVERDUE,
            opens=True,
            day=episode.due,
            tag=self.missing if tried is None else self.unusable,
            cited=cite(_clock_of(context), () if tried is None else ((tried, Role.SUPPORT),)),
            due=True,
        )

    def _unusable_in_time(self, episode: Episode, due: int) -> Fact | None:
        tried = episode.unusable if self.unusable is not None else None
        return tried if tried is not None and tried.known <= end_of(due) else None

    def arrived_late(self, name: str, episode: Episode, context: Context) -> tuple[Note, ...]:
        """The sample was taken in time, but its result became known only after the deadline."""
        if episode.due is None or context.fact.known <= end_of(episode.due):
            return ()
        overdue = self.overdue(name, episode, context)
        return (overdue, cleared(overdue, context.fact))


def _clock_of(context: Context | None) -> tuple[Cited, ...]:
    clock = None if context is None else context.clock
    return () if clock is None else ((clock, Role.CLOCK),)
