"""Other rules beside the ones in force: what they would have said, and nobody is told.

Law of this file: both sets are judged here, side by side, on the same facts at the same instants,
so that they differ in nothing but the rules.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from services.detector.adapters.review_run import Beside, reviewed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from schemas.alerts import AlertRevision
    from services.detector.adapters.review_run import Review, Sides
    from services.detector.engine.fact import Fact
    from services.runtime.clock import Clock


class WouldBe(NamedTuple):
    """A revision that was not published. `new`: said by the new rules, else by those in force."""

    new: bool
    revision: AlertRevision


class Shadow:
    """Follows what is kept elsewhere."""

    def __init__(self, news: Callable[[], Iterable[Fact]], sides: Sides, clock: Clock) -> None:
        """Know nothing, yet; `catch_up` comes first.

        Args:
            news: the facts that it has not given before; all, when it is asked first. What it
                raises Unavailable for it gives again.
            sides: the rules in force, and the new ones.
            clock: says when new facts become known, and what is due.
        """
        self._news = news
        self._clock = clock
        self._monitor = Beside(sides)

    def catch_up(self) -> None:
        """Live through all that is kept, each fact at its issue, up to the present.

        Raises:
            Unavailable: it can't be read.
        """
        now = self._clock.now()
        facts = sorted(
            self._news(), key=lambda fact: (fact.issued, fact.event.patient_id, fact.key)
        )
        for issued, group in groupby(facts, key=lambda fact: min(fact.issued, now)):
            self._monitor.receive(group, issued)
        self._monitor.advance(now)

    def look(self) -> list[WouldBe]:
        """Take in what has come since, and let time pass.

        Returns:
            What either set says anew.

        Raises:
            Unavailable: it can't be read; nothing was taken in.
        """
        facts, now = list(self._news()), self._clock.now()
        before = [len(told) for told in self._monitor.told]
        self._monitor.advance(now - 1)
        self._monitor.receive(facts, now)
        self._monitor.advance(now)
        return [
            WouldBe(bool(side), revision)
            for side, told in enumerate(self._monitor.told)
            for _, revision in told[before[side] :]
        ]

    def review(self) -> Review:
        """All that both sets have said so far, held against each other."""
        return reviewed(self._monitor, len(self._monitor.patients()))
