"""From bytes to an answer: what was cut from a connection is examined, journalled, answered.

Laws of this file:
- nobody hears yes before the transaction that holds the bytes is on the disk;
- what can't be kept is refused with AR and 207: the sender keeps it;
- answers quote the sender's own header and nothing else; logs quote nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from schemas.deadletter import Reason
from services.ingest.coding import Rejected
from services.ingest.hl7v2.batch import MAX_MESSAGE, split
from services.ingest.journal import Entry, State
from services.ingest.mllp.acknowledge import (
    Stamp,
    about_batch,
    answers,
    batch_answer,
    read_header,
)
from services.ingest.mllp.framing import Cut, Kind, frame
from services.ingest.mllp.gate import UNNAMED, Examined, Rules, content_digest, examine, oversize
from services.ingest.mllp.numbering import Numbering
from services.ingest.mllp.verdict import (
    ACCEPTED,
    UNAVAILABLE,
    Problem,
    fault_of,
    in_custody,
)
from services.ingest.observing import NOBODY, Tally
from services.runtime.errors import SalvageError, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.ingest.journal import Journal
    from services.ingest.mllp.verdict import Verdict
    from services.ingest.observing import Observer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENVELOPES = (b"FHS", b"BHS")
_ODD: Final = {
    Kind.TORN: Rejected(Reason.BROKEN_FRAME, "the frame ends before its end mark"),
    Kind.JUNK: Rejected(Reason.MALFORMED_HL7, "text outside of any frame"),
}
"""What is kept, and can't be answered: an answer would be taken for that to another message."""


@dataclass(frozen=True, slots=True)
class Received:
    """Something cut from a connection.

    Attributes:
        cut: what.
        at: when its last byte came, microseconds UTC.
        connection: which connection.
        senders: who may speak on it, where that is bound to its certificate.
    """

    cut: Cut
    at: int
    connection: str
    senders: frozenset[str] | None = None


class Receiver:
    """Takes what was received into the journal. One thread uses it at a time."""

    def __init__(
        self,
        journal: Journal,
        rules: Rules,
        *,
        limit: int = MAX_MESSAGE,
        observer: Observer = NOBODY,
    ) -> None:
        """Wire.

        Args:
            journal: open; this is its only writer.
            rules: of the listener.
            limit: bytes that one frame may have, for the words of a refusal.
            observer: told of what came of each group.
        """
        self._observer = observer
        self._journal = journal
        self._rules = rules
        self._limit = limit
        self._numbering = Numbering(journal)
        self._unkept = 0

    def take(self, received: Sequence[Received]) -> list[bytes]:
        """Keep what was received, all in one transaction.

        Returns:
            The answer to each, framed; empty where none is due. Only now may they be sent.

        Raises:
            Unavailable: nothing was kept; `refuse` says what to answer.
        """
        tally = Tally()
        with self._journal.transaction():
            found = [self._one(one, tally) for one in received]
        self._observer.answered(tally)
        return found

    def refuse(self, received: Received) -> bytes:
        """The answer to what could not be kept."""
        if received.cut.kind not in {Kind.MESSAGE, Kind.OVERSIZE}:
            return b""
        self._unkept += 1
        self._observer.answered(Tally(answers=Counter([(UNNAMED, UNAVAILABLE.code.value)])))
        stamp = Stamp(f"SWX{received.at:X}{self._unkept % 4096:03X}", _moment(received.at))
        header, _ = read_header(received.cut.raw, self._rules.profile.charset)
        return b"".join(frame(one) for one in answers(header, UNAVAILABLE, stamp))

    def _one(self, received: Received, tally: Tally) -> bytes:
        cut = received.cut
        tally.cuts[cut.kind] += 1
        if cut.kind is Kind.NO_RETURN:
            return b""  # tolerated, and counted
        if cut.kind in _ODD:
            self._odd(received, _ODD[cut.kind])
            return b""
        if cut.kind is Kind.MESSAGE and cut.raw.startswith(_ENVELOPES):
            return frame(self._batch(received, tally))
        inner = self._message(received, cut.raw, tally)
        return b"".join(frame(one) for one in inner)

    def _odd(self, received: Received, why: Rejected) -> None:
        entry = _entry(received, received.cut.raw, UNNAMED)
        number = self._journal.add(replace(entry, state=State.REFUSED, refused=why))
        logger().warning("odd frame", extra={"reason": received.cut.kind, "sequence": number})

    # -- one message

    def _message(self, received: Received, raw: bytes, tally: Tally) -> list[bytes]:
        try:
            return self._judged(received, raw, tally)
        except (SalvageError, sqlite3.Error):
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the others
            logger().error("defect", extra={"detail": place_of(error)})
            tally.answers[UNNAMED, UNAVAILABLE.code.value] += 1
            return self._defect(received, raw)

    def _defect(self, received: Received, raw: bytes) -> list[bytes]:
        """Keep what we fail at, and refuse it. Kept before, it will be known when it returns."""
        header, _ = read_header(raw, "latin-1")
        entry = _entry(received, raw, UNNAMED)
        number = self._journal.add(replace(entry, state=State.DEFECT, control=header.raw(10)))
        return answers(header, UNAVAILABLE, _stamp(number, received.at))

    def _judged(self, received: Received, raw: bytes, tally: Tally) -> list[bytes]:
        found = self._examined(received, raw)
        control = found.header.raw(10)
        content = content_digest(raw)
        entry = replace(
            _entry(received, raw, found.source), control=control, content=content, state=found.state
        )
        known = found.state is State.NEW and self._journal.same(found.source, control, content)
        if known:
            found = replace(found, verdict=ACCEPTED, state=State.REPEAT)
            entry = replace(entry, state=State.REPEAT, refers=known)
        else:
            found = self._numbered(found)
            reused = self._reused(found, control)
            entry = replace(entry, state=found.state, refers=reused, refused=found.refused)
        verdict = self._told(found)
        number = self._journal.add(replace(entry, accepted=verdict.positive))
        tally.answers[entry.source, verdict.code.value] += 1
        self._report(number, found, entry, tally)
        return answers(found.header, verdict, _stamp(number, received.at))

    def _examined(self, received: Received, raw: bytes) -> Examined:
        if received.cut.kind is Kind.OVERSIZE:
            return oversize(raw, self._rules, self._limit)
        return examine(raw, self._rules, received.senders, received.at)

    def _numbered(self, found: Examined) -> Examined:
        return self._numbering.check(found) if found.numbered else found

    def _reused(self, found: Examined, control: str) -> int | None:
        """The entry whose MSH-10 is used again for another content."""
        if found.state is not State.NEW:
            return None
        return self._journal.named_alike(found.source, control)

    def _told(self, found: Examined) -> Verdict:
        return in_custody(found.verdict) if found.custody else found.verdict

    def _report(self, number: int, found: Examined, entry: Entry, tally: Tally) -> None:
        if found.state is State.NEW:
            problems = found.verdict.problems
            tally.problems.update((entry.source, str(one.reason)) for one in problems if one.reason)
        if found.state is State.NEW and entry.refers is not None:
            logger().warning("control id reuse", extra={"sequence": number})
        if not found.verdict.positive:
            first = found.verdict.problems[0]
            reason = entry.refused.reason if entry.refused else first.reason
            about = {"sequence": number, "reason": reason, "state": found.state}
            logger().warning("refused", extra=about)

    # -- a batch

    def _batch(self, received: Received, tally: Tally) -> bytes:
        """Each message by itself; one answer with all their answers, and what is wrong about it."""
        raw, inner, wrong = received.cut.raw, list[bytes](), list[Rejected]()
        for piece in split([raw]):
            if piece.rejected is None:
                inner += self._message(received, piece.raw, tally)
            else:
                wrong.append(piece.rejected)
                self._odd_piece(received, piece.raw, piece.rejected)
        heads = list(_heads(raw))
        stamp = self._batch_stamp(received)
        told = [] if self._rules.custody else wrong[:1]
        for why in told:
            problem = Problem(fault_of(why.reason), None, why.reason)
            inner.insert(0, about_batch(heads[-1], problem, stamp))
        return batch_answer(heads, inner, stamp)

    def _odd_piece(self, received: Received, raw: bytes, why: Rejected) -> None:
        entry = _entry(received, raw, UNNAMED)
        number = self._journal.add(replace(entry, state=State.REFUSED, refused=why))
        logger().warning("refused", extra={"sequence": number, "reason": why.reason})

    def _batch_stamp(self, received: Received) -> Stamp:
        return Stamp(f"SWB{received.at:X}", _moment(received.at))


def _heads(raw: bytes) -> Iterator[bytes]:
    """The first FHS and the first BHS of a batch, whichever it has."""
    lines = raw.replace(b"\n", b"\r").split(b"\r")
    for name in _ENVELOPES:
        yield from [line for line in lines if line.startswith(name)][:1]


def _entry(received: Received, raw: bytes, source: str) -> Entry:
    return Entry(
        received=received.at,
        connection=received.connection,
        place=received.cut.offset,
        source=source,
        raw=raw,
    )


def _stamp(number: int, at: int) -> Stamp:
    return Stamp(f"SW{number:010d}", _moment(at))


def _moment(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)
