"""Where facts stand in a rule's lane: the seat that facts of a kind share, the entry of each.

A lane holds many facts and a rule few seats, so what decides a place is kept once for each seat,
and a place is worked out only where two entries must be told apart.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from services.detector.engine.fact import Fact, Key
    from services.detector.engine.rule import Plan


class Mark(Enum):
    """What a fact does to the course, besides being data."""

    NONE = 0
    OWN = 1
    CLOCK = 2
    END = 3
    NEW_LINE = 4
    DEATH = 5


TIMELESS = 0
"""The day at which a lane keeps what is told of the person: before the first of the calendar."""

Place = tuple[int, int, int, "Key"]
"""Sort key of a fact in a lane: day, rank within the day, instant, source and id."""


class Seat:
    """Where facts of a kind belong in a lane.

    Attributes:
        series: of the rule, to which they belong.
        rank: among the facts of a day.
        mark: what they do to the course.
        timeless: they stand before all that happened, in the order in which they were told.
        plan: who is shown such a fact; the rule fills it in when it first meets one.
    """

    __slots__ = ("_unmarked", "mark", "plan", "rank", "series", "timeless")

    def __init__(
        self,
        series: tuple[int, ...],
        rank: int,
        mark: Mark = Mark.NONE,
        *,
        timeless: bool = False,
    ) -> None:
        """Know all of it but the plan."""
        self.series = series
        self.rank = rank
        self.mark = mark
        self.timeless = timeless
        self.plan: Plan | None = None
        self._unmarked: Seat | None = None

    @property
    def unmarked(self) -> Seat:
        """The same, for a fact whose mark was seen to."""
        if self._unmarked is None:
            self._unmarked = Seat(self.series, self.rank, timeless=self.timeless)
        return self._unmarked


class Entry(NamedTuple):
    """A fact at its place."""

    fact: Fact
    seat: Seat

    @property
    def series(self) -> tuple[int, ...]:
        """The series of the rule that it belongs to."""
        return self.seat.series

    @property
    def mark(self) -> Mark:
        """What it does to the course."""
        return self.seat.mark

    @property
    def day(self) -> int:
        """The day on which it stands."""
        return TIMELESS if self.seat.timeless else self.fact.day

    @property
    def place(self) -> Place:
        """Its sort key."""
        fact, seat = self
        if seat.timeless:
            return TIMELESS, seat.rank, fact.issued, fact.key
        return fact.day, seat.rank, fact.at, fact.key
