"""What is sent again for which letters: pure, but that it is given the records that it asks for.

Laws of this file:
- the bytes are those that were received, and the time is that of their receipt;
- nothing is written to a hospital's topic: what came from there goes to `clinical.raw`, from where
  it takes the same way;
- what no other reading can repair is not sent, and told by its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from schemas.base import SCHEMA_VERSION
from schemas.deadletter import OF_THE_CARRIER, RAW_KEPT, DeadLetter, Reason, letter_id
from schemas.topics import DEADLETTERS, EVENTS, OWN, RAW
from services.ingest.archive import Format
from services.ingest.journal import State
from services.ingest.kafka.letters import Choice
from services.ingest.kafka.publisher import Outgoing
from services.ingest.kafka.records import UNNAMED, Incoming
from services.runtime.trace import continued

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.ingest.kafka.letters import Book, Held, Letter

NOT_KEPT: Final = "not_kept_whole"
NOT_ALLOWED: Final = "sender_not_allowed"
OF_A_SERVICE: Final = "of_a_service_to_itself"
"""It is done again by itself, once its cause is put right."""

_TO_BE_SENT_AGAIN: Final = OF_THE_CARRIER | {Reason.TOMBSTONE, Reason.KEY_MISMATCH}
Look = Callable[[str, int, int], Incoming | None]
"""Gives the record at a topic, partition and offset."""


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """A record that is to be read again.

    Attributes:
        lead: its first letter's receipt, by which it is found and claimed.
        letters: all open letters about it; reading it again answers all of them.
        again: also what was done about before.
    """

    lead: Held
    letters: tuple[Letter, ...]
    again: bool = False

    @property
    def covered(self) -> tuple[Held, ...]:
        """The receipts that it answers: the same bytes need not be read again for each."""
        return tuple(
            held for one in self.letters for held in (one.held if self.again else one.open)
        )

    @property
    def tries(self) -> int:
        """How often it will have been read."""
        return 1 + max(one.tries for one in self.letters)

    @property
    def first(self) -> str:
        """The id of the letter that it goes back to."""
        return self.letters[0].first or self.letters[0].id


def parcels(book: Book, choice: Choice) -> tuple[list[Parcel], Counter[str]]:
    """What there is to send for the letters that are meant.

    Args:
        book: all letters.
        choice: which; with `handled`, those of which nothing is open are sent again, too.

    Returns:
        The records, and how many letters can't be repaired by reading again, by reason.
    """
    untried: Counter[str] = Counter()
    wanted: set[str] = set()
    for letter in book.letters(choice):
        why_not = _why_not(letter.about)
        untried[why_not or ""] += 1
        wanted |= set() if why_not else {_place(letter, choice)}
    del untried[""]
    heaps: dict[str, list[Letter]] = {}
    for letter in book.letters(Choice(handled=choice.handled)):
        place = _place(letter, choice)
        if place in wanted and _why_not(letter.about) is None:
            heaps.setdefault(place, []).append(letter)
    made = [Parcel(_lead(heap[0], choice), tuple(heap), choice.handled) for heap in heaps.values()]
    return made, untried


def _lead(letter: Letter, choice: Choice) -> Held:
    return (letter.held if choice.handled else letter.open)[0]


def _place(letter: Letter, choice: Choice) -> str:
    return str(_lead(letter, choice).letter.where)


def _why_not(letter: DeadLetter) -> str | None:
    """Why no profile can repair a letter; None if one might."""
    if letter.reason in _TO_BE_SENT_AGAIN:
        return str(letter.reason)
    if letter.where.topic is None:
        return NOT_KEPT
    if letter.where.topic.startswith(OWN):
        return OF_A_SERVICE
    # The gate knew that this sender may not speak there; no profile may overrule it.
    barred = (letter.reason, letter.part) == (Reason.BAD_FIELD, "MSH-3")
    return NOT_ALLOWED if barred else None


# -- the bytes


def original(held: Held, look: Look) -> Incoming | None:
    """The record that a letter is about, whole; None if it is not to be had any longer."""
    letter, where = held.letter, held.letter.where
    if where.topic is not None and where.partition is not None and where.offset is not None:
        found = look(where.topic, where.partition, where.offset)
        if found is not None and letter_id(found.value or b"", letter.part) == letter.id:
            return found
    return _restored(held, look) if where.topic == RAW.name else None


def kept(held: Held, look: Look) -> bytes:
    """The bytes that a letter itself keeps: all of them, or their beginning."""
    at = held.at
    found = look(DEADLETTERS.name, at.partition or 0, at.offset or 0)
    if found is None:
        return b""
    return DeadLetter.model_validate_json(found.value or b"").raw_bytes()


def _restored(held: Held, look: Look) -> Incoming | None:
    """A record of `clinical.raw` from its letter, which outlives it."""
    letter, raw = held.letter, kept(held, look)
    if letter.raw_size > RAW_KEPT or letter_id(raw, letter.part) != letter.id:
        return None
    headers = {"source": letter.source, "received": str(held.received)}
    headers["format"] = (held.form or Format.HL7).value
    where = letter.where
    place = (RAW.name, where.partition or 0, where.offset or 0)
    return Incoming(*place, held.received, letter.source.encode(), raw, headers)


def repeated(record: Incoming, parcel: Parcel) -> Outgoing:
    """A record as it is sent again."""
    place = str(record.where)
    links = (
        ("traceparent", continued(record.headers.get("traceparent"), place, parcel.tries)),
        ("received", str(record.received)),
        ("origin", place),
        ("first", parcel.first),
        ("tries", str(parcel.tries)),
    )
    if record.topic == EVENTS.name:
        left = tuple((n, text) for n, text in record.headers.items() if n not in dict(links))
        key = (record.key or b"").decode("utf-8", "replace")
        return Outgoing(EVENTS.name, key, record.value or b"", (*links, *left))
    ours = record.topic == RAW.name
    source = record.headers.get("source", UNNAMED) if ours else record.topic
    form = record.headers.get("format", Format.HL7.value) if ours else Format.EVENTS.value
    about = (("source", source), ("schema_version", str(SCHEMA_VERSION)), ("format", form))
    new = ("state", State.NEW.value)  # what the gate held against it was of its time
    return Outgoing(RAW.name, source, record.value or b"", (*links, *about, new))


# -- what would become of it


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a reading here says of a record: `closed` letters of it, facts, and what is wrong."""

    closed: int
    facts: int
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Reads here first what is to be sent.

    Attributes:
        mapped: reads a record as `salvage map` does.
        profiles: whether it has the site's source profiles; without them it has no opinion on
            messages and documents, and canonical events need none.
    """

    mapped: Callable[[Incoming], Iterable[Outgoing]]
    profiles: bool

    def outlook(self, record: Incoming, again: Outgoing, parcel: Parcel) -> Outlook | None:
        """What becomes of a record; None where nothing can be said."""
        if record.topic != RAW.name:
            return _outlook(self.mapped(record), parcel)  # which looks at its key, too
        headers = dict(again.headers)
        if not self.profiles and headers["format"] != Format.EVENTS.value:
            return None
        read = replace(record, value=again.value, headers=headers)
        return _outlook(self.mapped(read), parcel)


def _outlook(made: Iterable[Outgoing], parcel: Parcel) -> Outlook:
    found = list(made)
    letters = [one for one in found if one.topic == DEADLETTERS.name]
    left = {one.key for one in letters}
    closed = sum(one.id not in left for one in parcel.letters)
    refused = tuple(dict(one.headers)["reason"] for one in letters)
    return Outlook(closed, len(found) - len(letters), refused)
