"""How a patient's state is kept: one row for each record that was taken in, never changed again.

A row is whole or not there: what a record did to the state and what it is to send stand in one
value, so that no crash can part them. Its size depends on the record and on what it changed, and
not on what the patient has been through: of a journal, only the steps that are new are written.

A patient's rows are numbered, and the changelog is where two writers meet: of two rows with one
number the first in the changelog counts, and the other was written by one who didn't know of it.

A row's value is a first line that is quick to read, and a second with the rest, both JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from schemas.events import EVENT
from services.detector.adapters.outbox import Outgoing
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from schemas.events import Event

FORMAT: Final = 1
"""Of the rows. A reader takes every format that was ever published, and none of the future."""

Dump = dict[str, Any]
"""A journal, as `Monitor.dump` gives it."""


class Head(NamedTuple):
    """Where a patient stands after a row.

    Attributes:
        number: of the row, from 1; the patient's rows are read in this order.
        now: the instant up to which the patient was judged, microseconds UTC.
        wake: the instant that time must reach before it can say something, if there is one.
        pending: number of the first row whose fact is not judged yet; None: all are.
        meaning: digest of the software and the rules that judged.
        defect: where our code failed at the patient, who is not judged until `meaning` changes.
    """

    number: int
    now: int
    wake: int | None
    pending: int | None
    meaning: str
    defect: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One record taken in.

    Attributes:
        head: where the patient stands now.
        place: of the record, `topic@offset`.
        event: the fact that came, if one did.
        received: the instant that stands in for its missing time of issue, microseconds UTC.
        journals: what changed of the journals, as `difference` gives it.
        outgoing: what is to be sent.
        forwards: patient ids to whom everything known of this patient is to be sent.
        trace: the `traceparent` of the record that brought the fact, if it had one.
        causes: those of the facts that were judged at this record; not kept.
    """

    head: Head
    place: str
    event: Event | None = None
    received: int = 0
    journals: tuple[Dump, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    forwards: tuple[str, ...] = ()
    trace: str | None = None
    causes: tuple[str, ...] = field(default=(), compare=False)

    def to_bytes(self) -> bytes:
        """The value under which it is kept."""
        body: Dump = {"place": self.place}
        if self.event is not None:
            body |= {"event": self.event.to_json().decode(), "received": self.received}
        if self.journals:
            body["journals"] = self.journals
        if self.outgoing:
            body["out"] = [[o.topic, o.key, o.value, o.headers] for o in self.outgoing]
        if self.forwards:
            body["forwards"] = self.forwards
        if self.trace:
            body["trace"] = self.trace
        return f"{_text([FORMAT, *self.head])}\n{_text(body)}".encode()

    @classmethod
    def read(cls, value: bytes) -> Row:
        """From what `to_bytes` gave.

        Raises:
            OperatorError: a newer version of this software wrote it.
        """
        head = head_of(value)
        body = json.loads(value.partition(b"\n")[2])
        text = body.get("event")
        return cls(
            head,
            body["place"],
            None if text is None else EVENT.validate_json(text),
            body.get("received", 0),
            tuple(body.get("journals", ())),
            tuple(_outgoing(*one) for one in body.get("out", ())),
            tuple(body.get("forwards", ())),
            body.get("trace"),
        )


def head_of(value: bytes) -> Head:
    """The first line of a row.

    Raises:
        OperatorError: a newer version of this software wrote it.
    """
    form, *head = json.loads(value.partition(b"\n")[0])
    if form != FORMAT:
        raise OperatorError("the state was written by a newer version of salvage-watch")
    return Head(*head)


def _outgoing(topic: str, key: str, value: str, headers: Iterable[Iterable[str]]) -> Outgoing:
    return Outgoing(topic, key, value, tuple((name, text) for name, text in headers))


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# -- keys


def prefix_of(patient_id: str) -> bytes:
    """What the keys of a patient's rows begin with, and those of nobody else."""
    return patient_id.encode() + b"\0"  # no text of a message holds a control character


def numbered(patient_id: str, number: int) -> bytes:
    """What the keys of a patient's rows of that number begin with."""
    return prefix_of(patient_id) + b"%08x\0" % number


def key_of(patient_id: str, number: int, value: bytes) -> bytes:
    """The key of a row: by its number and its content, so that a row never hides another one."""
    return numbered(patient_id, number) + sha256(value).hexdigest()[:16].encode()


def counts(starting: Callable[[bytes], Iterable[tuple[bytes, bytes]]], key: bytes) -> bool:
    """Whether a row of the changelog counts: the first with its number does.

    Args:
        starting: gives the rows that came before and count, by the beginning of their keys.
        key: of the row.
    """
    siblings = key[: key.rindex(b"\0") + 1]
    return all(found == key for found, _ in starting(siblings))


# -- journals


def difference(before: Dump | None, after: Dump) -> Dump | None:
    """What makes one dump of a journal the other; None if they are the same.

    Of each criterion's steps: how many from the first on are kept, and what follows them.
    """
    if before == after:
        return None
    old, new = _by_criterion(before), _by_criterion(after)
    steps = []
    for criterion in sorted(old.keys() | new.keys()):
        was, stands = old.get(criterion, []), new.get(criterion, [])
        if was != stands:
            kept = _common(was, stands)
            steps.append([criterion, kept, stands[kept:]])
    return {**after, "steps": steps}


def applied(before: Dump | None, change: Dump) -> Dump:
    """The dump after a change that `difference` gave."""
    steps = _by_criterion(before)
    for criterion, kept, more in change["steps"]:
        steps[criterion] = steps.get(criterion, [])[:kept] + more
    ordered = [step for criterion in sorted(steps) for step in steps[criterion]]
    return {**change, "steps": ordered}


def _by_criterion(dump: Dump | None) -> dict[str, list[Any]]:
    steps: dict[str, list[Any]] = {}
    for step in dump["steps"] if dump else ():
        steps.setdefault(step[0], []).append(step)
    return steps


def _common(old: list[Any], new: list[Any]) -> int:
    for place, (one, other) in enumerate(zip(old, new, strict=False)):
        if one != other:
            return place
    return min(len(old), len(new))
