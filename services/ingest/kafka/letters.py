"""Dead letters as they lie on a topic, and what was done about them.

Law of this file: it only reads, and keeps of a letter everything but the bytes that it is about.

A letter's record is written once and stays. What was done about it is on a topic of its own, in
an order on which everybody agrees, so that everybody who reads both knows the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from schemas.deadletter import DeadLetter, Where
from schemas.handling import Handling, Step
from services.ingest.archive import Format
from services.ingest.kafka.records import links, microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.ingest.kafka.records import Incoming

LEASE: Final = 120_000_000
"""Microseconds for which a claim holds off others: longer than sending what is claimed at once."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant.

    Attributes:
        reasons: of these; none: of any.
        source, topic: of this sender, of records of this topic; None: of any.
        since: received at or behind this instant, microseconds UTC; `before`: before it.
        handled: those of which nothing is open, too.
        ids: whose ids begin with one of these; none: of any.
    """

    reasons: frozenset[str] = frozenset()
    source: str | None = None
    topic: str | None = None
    since: int | None = None
    handled: bool = False
    ids: tuple[str, ...] = ()
    before: int | None = None

    def fits(self, one: Letter) -> bool:
        """Whether a letter is meant."""
        about = one.about
        return (
            (self.handled or bool(one.open))
            and (not self.reasons or about.reason in self.reasons)
            and self.source in (None, about.source)
            and self.topic in (None, about.where.topic)
            and (self.since is None or one.received >= self.since)
            and (self.before is None or one.received < self.before)
            and (not self.ids or one.id.startswith(self.ids))
        )


@dataclass(slots=True)
class Held:
    """A letter as it was written once.

    Attributes:
        letter: what it says, without the bytes.
        at: where it lies on the topic of letters.
        received: the receipt of what it is about, microseconds UTC.
        form: of the bytes; None where it isn't told.
        first: the letter that the replayed record was about, if it was replayed.
        tries: how often it had been read then.
        end: what was last done about it for good; None: it is open.
        claim: by whom it is being replayed.
        replays: how often it was replayed.
    """

    letter: DeadLetter
    at: Where
    received: int
    form: Format | None = None
    first: str | None = None
    tries: int = 1
    end: Handling | None = None
    claim: Handling | None = None
    replays: int = 0

    def held_by_another(self, attempt: str, now: int) -> bool:
        """Whether somebody else is replaying it at an instant, microseconds UTC."""
        return self.claim is not None and self.claim.attempt != attempt and not _over(self, now)

    def note(self, one: Handling) -> None:
        """Take in what was done next."""
        if one.step is Step.CLAIMED:
            if self.claim is None or _over(self, _instant(one)):
                self.claim = one
            return
        if self.claim is not None and self.claim.attempt == one.attempt:
            self.claim = None
        if one.step is not Step.RELEASED:
            self.end = one
            self.replays += one.step is Step.REPLAYED


@dataclass(frozen=True, slots=True)
class Letter:
    """All receipts of the same bytes from one source, refused for one reason, the oldest first."""

    held: tuple[Held, ...]

    @property
    def about(self) -> DeadLetter:
        """What its last one says."""
        return self.held[-1].letter

    @property
    def id(self) -> str:
        """The id that all of them have."""
        return self.about.id

    @property
    def open(self) -> tuple[Held, ...]:
        """Those that nothing was done about yet."""
        return tuple(one for one in self.held if one.end is None)

    @property
    def received(self) -> int:
        """The first receipt, microseconds UTC."""
        return min(one.received for one in self.held)

    @property
    def times(self) -> int:
        """How often it came from its sender."""
        return sum(one.first is None for one in self.held) or 1

    @property
    def tries(self) -> int:
        """How often its bytes were read, as far as is known."""
        told = max(one.tries for one in self.held)
        return max(told, 1 + sum(one.replays for one in self.held))

    @property
    def first(self) -> str | None:
        """The id of the letter from whose replay it came, if it did."""
        return self.held[0].first

    @property
    def end(self) -> Handling | None:
        """What was done about it last; None while any of it is open."""
        return None if self.open else self.held[-1].end


@dataclass(slots=True)
class Book:
    """The letters of a topic.

    Attributes:
        strange: records on either topic that are not what belongs there.
    """

    strange: int = 0
    _held: dict[tuple[str, str], Held] = field(default_factory=dict)

    def add(self, records: Iterable[Incoming]) -> None:
        """Take in records of the topic of letters."""
        for record in records:
            found = _letter(record)
            if found is None:
                self.strange += 1
                continue
            # Written twice where its writer was interrupted: one and the same.
            self._held.setdefault((found.letter.id, str(found.letter.where)), found)

    def note(self, records: Iterable[Incoming]) -> None:
        """Take in records of the topic of what was done; those without a letter left mean nothing.

        They stand in their order for each letter.
        """
        for record in records:
            try:
                one = Handling.model_validate_json(record.value or b"")
            except ValidationError:
                self.strange += 1
                continue
            held = self._held.get((one.letter, str(one.where)))
            if held is not None:
                held.note(one)

    def letters(self, choice: Choice) -> list[Letter]:
        """Those that are meant, in the order of their first receipts."""
        heaps: dict[tuple[str, str, str], list[Held]] = {}
        for one in self._held.values():
            about = one.letter
            heaps.setdefault((about.id, about.source, about.reason), []).append(one)
        found = [Letter(tuple(sorted(heap, key=_order))) for heap in heaps.values()]
        meant = filter(choice.fits, found)
        return sorted(meant, key=lambda one: (one.received, one.id))


def _order(one: Held) -> tuple[int, int]:
    return one.at.partition or 0, one.at.offset or 0


def _letter(record: Incoming) -> Held | None:
    try:
        letter = DeadLetter.model_validate_json(record.value or b"")
    except ValidationError:
        return None
    form = record.headers.get("format")
    told = links(record.headers)
    return Held(
        letter.model_copy(update={"raw": ""}),
        record.where,
        microseconds(letter.received_at),
        Format(form) if form in set(Format) else None,
        told.get("first"),
        int(told.get("tries", "1")),
    )


def _over(held: Held, now: int) -> bool:
    return held.claim is not None and now >= _instant(held.claim) + LEASE


def _instant(one: Handling) -> int:
    return microseconds(one.at)
