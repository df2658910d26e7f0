"""Dead letters of a topic are worked: sent again, or dropped, and what was done is recorded.

Laws of this file:
- a letter is claimed before it is sent again, and of two claims the first on the topic counts:
  several people may work at once;
- it counts as replayed only after Kafka has what was sent. Whoever is killed in between leaves a
  claim that ends by itself, and an open letter. Then the same may be sent twice, which gives the
  same facts with the same ids, and those merge.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from schemas.base import SCHEMA_VERSION
from schemas.handling import Handling, Step
from schemas.topics import HANDLED
from services.ingest.kafka.publisher import Outgoing
from services.ingest.kafka.records import moment
from services.ingest.kafka.repeating import NOT_KEPT, original, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from services.ingest.kafka.letters import Book, Held, Letter
    from services.ingest.kafka.publisher import Publisher
    from services.ingest.kafka.repeating import Check, Parcel
    from services.ingest.kafka.snapshot import Snapshot
    from services.runtime.clock import Clock

MOST: Final = 100
MOST_BYTES: Final = 32 * 1024 * 1024
"""What is claimed at a time: sent long before the claim ends."""


@dataclass(slots=True)
class Outcome:
    """What a replay did, or would do.

    Attributes:
        records: that were sent; `letters`: that they are about.
        closed, facts: what a reading here made of them, as far as there was one: letters of which
            nothing is wrong any longer, and versions of facts.
        refused: what is still wrong, by reason; a record of which all is still wrong is not sent.
        untried: can't be read again: letters, by reason.
        elsewhere: letters that somebody else is at work on, or was first to send.
    """

    records: int = 0
    letters: int = 0
    closed: int = 0
    facts: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    untried: Counter[str] = field(default_factory=Counter)
    elsewhere: int = 0


class Operator:
    """One run of the command: somebody, at work on letters."""

    def __init__(self, snapshot: Snapshot, book: Book, clock: Clock, name: str) -> None:
        """Wire.

        Args:
            snapshot: gives records, and what was done meanwhile.
            book: the letters.
            clock: the machine's.
            name: the operator's account.
        """
        self._snapshot = snapshot
        self._book = book
        self._clock = clock
        self._name = name
        self._attempt = secrets.token_hex(8)

    # -- replay

    def look(self, parcels: Iterable[Parcel], check: Check) -> Outcome:
        """What `replay` would do; sends nothing."""
        outcome, now = Outcome(), self._clock.now()
        for parcel in parcels:
            if parcel.lead.held_by_another(self._attempt, now):
                outcome.elsewhere += len(parcel.letters)
            else:
                self._prepared(parcel, check, outcome)
        return outcome

    def replay(
        self,
        parcels: Sequence[Parcel],
        check: Check,
        publisher: Publisher,
        progress: Callable[[int], None],
    ) -> Outcome:
        """Send records again.

        Args:
            parcels: which.
            check: keeps back what would be refused again.
            publisher: sends.
            progress: is told how many are done.

        Raises:
            Unavailable: of what was under way it isn't known; its letters stay open.
        """
        outcome, done = Outcome(), 0
        for batch in _batches(parcels):
            mine = self._claimed(batch, publisher, outcome)
            sent: list[Parcel] = []
            publisher.publish(self._all_prepared(mine, check, outcome, sent))
            self._record_sent(mine, sent, publisher)
            done += len(batch)
            progress(done)
        return outcome

    def _claimed(
        self, batch: Sequence[Parcel], publisher: Publisher, outcome: Outcome
    ) -> list[Parcel]:
        """Those that are ours to send: nobody claimed them before us, or did them meanwhile."""
        publisher.publish(self._handling(one.lead, Step.CLAIMED) for one in batch)
        self._book.note(self._snapshot.news(HANDLED.name))
        mine = [one for one in batch if self._is_ours(one)]
        outcome.elsewhere += sum(len(one.letters) for one in batch if one not in mine)
        return mine

    def _is_ours(self, parcel: Parcel) -> bool:
        claim, end = parcel.lead.claim, parcel.lead.end
        ours = claim is not None and claim.attempt == self._attempt
        return ours and (parcel.again or end is None)

    def _all_prepared(
        self, parcels: Iterable[Parcel], check: Check, outcome: Outcome, sent: list[Parcel]
    ) -> Iterator[Outgoing]:
        for parcel in parcels:
            made = self._prepared(parcel, check, outcome)
            if made is not None:
                sent.append(parcel)
                yield made

    def _prepared(self, parcel: Parcel, check: Check, outcome: Outcome) -> Outgoing | None:
        """What to send of a record, if anything."""
        record = original(parcel.lead, self._snapshot.at)
        if record is None:
            outcome.untried[NOT_KEPT] += len(parcel.letters)
            return None
        made = repeated(record, parcel)
        seen = check.outlook(record, made, parcel)
        if seen is not None and not seen.closed:
            outcome.refused.update(seen.refused)
            return None
        outcome.records += 1
        outcome.letters += len(parcel.letters)
        if seen is not None:
            outcome.closed += seen.closed
            outcome.facts += seen.facts
            outcome.refused.update(seen.refused)
        return made

    def _record_sent(
        self, mine: Sequence[Parcel], sent: Sequence[Parcel], publisher: Publisher
    ) -> None:
        done = [
            self._handling(held, Step.REPLAYED, tries=one.tries)
            for one in sent
            for held in one.covered
        ]
        left = [self._handling(one.lead, Step.RELEASED) for one in mine if one not in sent]
        publisher.publish([*done, *left])

    # -- drop

    def drop(self, letters: Iterable[Letter], because: str, publisher: Publisher) -> Outcome:
        """Record that nothing is to become of letters.

        Args:
            letters: which; those that somebody is just sending again are left alone.
            because: why.
            publisher: records it.

        Raises:
            Unavailable: it isn't known whether it was recorded; do it again.
        """
        outcome, now, dropped = Outcome(), self._clock.now(), []
        for letter in letters:
            if any(one.held_by_another(self._attempt, now) for one in letter.open):
                outcome.elsewhere += 1
                continue
            outcome.letters += 1
            dropped += [self._handling(one, Step.DROPPED, because=because) for one in letter.open]
        publisher.publish(dropped)
        return outcome

    def _handling(
        self, held: Held, step: Step, *, because: str | None = None, tries: int | None = None
    ) -> Outgoing:
        made = Handling(
            letter=held.letter.id,
            where=held.letter.where,
            step=step,
            attempt=self._attempt,
            by=self._name,
            at=moment(self._clock.now()),
            because=because,
            tries=tries,
        )
        headers = (("source", held.letter.source), ("schema_version", str(SCHEMA_VERSION)))
        return Outgoing(HANDLED.name, made.letter, made.to_json(), headers)


def _batches(parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    batch: list[Parcel] = []
    size = 0
    for one in parcels:
        if batch and (len(batch) == MOST or size + one.lead.letter.raw_size > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.lead.letter.raw_size
    if batch:
        yield batch
