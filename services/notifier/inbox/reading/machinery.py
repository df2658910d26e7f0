"""What operations are shown: sources, and what could not be used. Nothing of a patient."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Source:
    """A sending system.

    Attributes:
        name: as its messages are counted.
        last: receipt of its newest message, UTC; None where none is among those looked at.
        limit: silence after which somebody has to look, by its profile; None: it isn't declared.
        issued: the latest time at which it issued a fact that was taken in; None: not known here.
        messages: received in the time that is counted.
        facts: versions of facts of that; None: not known here.
        letters: dead letters of that; `open`: of any time that nobody has resolved.
    """

    name: str
    last: datetime | None
    limit: timedelta | None
    issued: datetime | None
    messages: int
    facts: int | None
    letters: int
    open: int

    def is_silent(self, now: datetime) -> bool:
        """Whether somebody has to look: it was not heard for longer than it may be silent."""
        return self.limit is not None and (self.last is None or now - self.last > self.limit)


@dataclass(frozen=True, slots=True)
class Heard:
    """All sources, and since when is counted: midnight, or later if more came than is looked at."""

    sources: tuple[Source, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class SourcesView:
    """The page of the sources; None: what takes messages in is not to be seen from here."""

    heard: Heard | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which letters are meant; empty: no restriction.

    Attributes:
        letter: a whole id.
        before: received before it.
        handled: those that something was done about, too.
    """

    letter: str = ""
    reason: str = ""
    source: str = ""
    before: datetime | None = None
    handled: bool = False

    @property
    def names_some(self) -> bool:
        """Whether it is narrow enough for something to be done about all of them."""
        return bool(self.letter or (self.reason and self.source))


@dataclass(frozen=True, slots=True)
class Heap:
    """The open letters of one reason and source."""

    reason: str
    source: str
    count: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """Something that could not be used, without what was received.

    Attributes:
        meaning: of the reason, as a sentence.
        part: of the record which is meant; None: all of it.
        detail: more of the reason; never a value.
        size: bytes of the record.
        times: how often it came; `tries`: how often it was read; None: not
            known.
        place: where it stands, e.g. topic, partition and offset.
        state: `open`, `being replayed`, `replayed`, `dropped`, `resolved`.
        because: why it was dropped.
    """

    id: str
    reason: str
    meaning: str
    source: str
    received: datetime
    times: int
    tries: int | None
    part: str | None
    detail: str
    size: int
    place: str
    state: str
    by: str | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done about letters: in words for people, and how many."""

    letters: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LettersView:
    """The page of the dead letters.

    Attributes:
        reachable: whether they are to be seen from here.
        age: of the filter: `any`, `day`, `week`.
        more: there are more than are shown.
        acts: what can be done about them from here.
        done: what was just done; `refused`: why not.
    """

    reachable: bool
    asked: Asked
    age: str = "any"
    heaps: tuple[Heap, ...] = ()
    letters: tuple[Letter, ...] = ()
    more: bool = False
    acts: tuple[str, ...] = ()
    done: Outcome | None = None
    refused: str = ""
