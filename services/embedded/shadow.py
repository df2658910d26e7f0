"""Other rules beside the ones in force: what they would have said, and nobody is told.

Laws of this file:
- it reads the store that `salvage run` writes, and writes nothing there: neither a defect of the
  new rules nor their load can reach what is in force;
- both sets are judged here, side by side, on the same facts at the same instants, so that they
  differ in nothing but the rules.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from schemas.events import EVENT
from schemas.reading import decode_plain
from services.detector.adapters.review_run import Beside, reviewed
from services.detector.engine.fact import Fact
from services.embedded.readonly import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemas.alerts import AlertRevision
    from services.detector.adapters.review_run import Review, Sides
    from services.runtime.clock import Clock

_BEHIND = (
    "SELECT seq, event, received FROM facts WHERE seq > ? "
    "AND patient_id NOT IN (SELECT patient_id FROM suspended) ORDER BY seq"
)


class WouldBe(NamedTuple):
    """A revision that was not published. `new`: said by the new rules, else by those in force."""

    new: bool
    revision: AlertRevision


class Shadow:
    """Follows a store."""

    def __init__(self, store: Path, sides: Sides, clock: Clock) -> None:
        """Know nothing, yet; `catch_up` comes first.

        Args:
            store: the file that `salvage run` writes.
            sides: the rules in force, and the new ones.
            clock: says when new facts become known, and what is due.
        """
        self._store = store
        self._clock = clock
        self._monitor = Beside(sides)
        self._seq = 0

    def catch_up(self) -> None:
        """Live through all that is stored, each fact at its issue, up to the present.

        Raises:
            Unavailable: the store can't be read.
        """
        now = self._clock.now()
        facts = sorted(
            self._news(), key=lambda fact: (fact.issued, fact.event.patient_id, fact.key)
        )
        for issued, group in groupby(facts, key=lambda fact: min(fact.issued, now)):
            self._monitor.receive(group, issued)
        self._monitor.advance(now)

    def look(self) -> list[WouldBe]:
        """Take in what was stored since, and let time pass.

        Returns:
            What either set says anew.

        Raises:
            Unavailable: the store can't be read; nothing was taken in.
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

    def _news(self) -> Iterator[Fact]:
        with reading(self._store) as db:
            rows = db.execute(_BEHIND, (self._seq,)).fetchall()
        for seq, text, received in rows:
            yield Fact(decode_plain(text.encode()) or EVENT.validate_json(text), received)
            self._seq = seq
