"""What a criterion remembers of its episode: where it stands, since when, and on what evidence."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact
    from services.detector.engine.finding import Finding
    from services.detector.engine.terms import Cited, Context


class Phase(Enum):
    """Where the episode stands."""

    SILENT = 0
    SUSPECTED = 1
    CONFIRMED = 2
    INFORMED = 3


class Episode(NamedTuple):
    """What the episode remembers.

    `cited` is the evidence for what it is called, `grounds` the evidence that it is at all;
    `seat` the series of `first`; `due` the day by which the milestone's sample is awaited,
    `unusable` the first sample that could not answer, `missed` what a later one may yet clear;
    `formers` the first and the last suspicion before, each with the fact that refuted it.
    """

    phase: Phase = Phase.SILENT
    first: Fact | None = None
    tag: str | None = None
    cited: tuple[Cited, ...] = ()
    grounds: tuple[Cited, ...] = ()
    run: tuple[Fact, ...] = ()
    judged: bool = False
    due: int | None = None
    unusable: Fact | None = None
    missed: Finding | None = None
    seat: tuple[int, ...] = ()
    formers: tuple[tuple[Episode, Fact], ...] = ()

    def begun(
        self, tag: str | None, cited: tuple[Cited, ...], grounds: tuple[Cited, ...], here: Context
    ) -> Episode:
        """A suspicion begins, or begins anew, with the fact in question."""
        return self._replace(
            phase=Phase.SUSPECTED,
            first=here.fact,
            tag=tag,
            cited=cited,
            grounds=grounds,
            run=(here.fact,),
            seat=seat_of(here),
        )

    def over(self) -> Episode:
        """It has ended, and nothing of it is remembered but that the milestone was judged."""
        return Episode(judged=self.judged)


BLANK = Episode()


def seat_of(context: Context) -> tuple[int, ...]:
    """The series of the fact in question."""
    return context.history[context.before].series
