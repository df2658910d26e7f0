"""Sorting what is due: what need not leave any more, what waits, what leaves together, what goes.

In one transaction with the attempts of what goes, so that nothing is decided on a case that has
changed by the time it leaves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from services.notifier.delivery.parcels import bundle
from services.notifier.delivery.relevance import needless
from services.notifier.delivery.throttle import FURTHEST, MOST, Verdict, limited
from services.notifier.service.messages import message_of
from services.notifier.store import attempts, outbox, shelf, traces
from services.notifier.store.attempts import Try
from services.notifier.store.audit import Line
from services.notifier.store.outbox import DROPPED, HELD, Entry
from services.runtime import tracing
from services.runtime.logs import logger

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.cases.case import Case
    from services.notifier.channels.contract import Channel, Message
    from services.notifier.service.premises import Premises

THROTTLED: Final = "throttled"
LATER: Final = timedelta(minutes=5)
"""What has no way to leave is tried again after this: a channel may come back."""


class Ready(NamedTuple):
    """A message that may leave, and the attempt that is written for it.

    Attributes:
        begun: when that was.
        traces: by which the alerts of its case came, where somebody traces.
    """

    channel: Channel
    message: Message
    entry: Entry
    attempt: Try
    begun: datetime
    traces: tuple[str, ...]


class Sorting:
    """Goes through what is due."""

    def __init__(self, connection: Connection, house: Premises, now: datetime) -> None:
        """Begin, in a transaction; what may leave gathers in `ready`, audit lines in `lines`."""
        self.ready: list[Ready] = []
        self.lines: list[Line] = []
        self.connection, self._house, self._now = connection, house, now
        self._done: set[str] = set()

    def sort(self, channel: Channel, entries: list[Entry], room: int) -> int:
        """Sort what a channel is to carry, and write the attempts of so many as have room.

        Returns:
            How many that were. Of one case nothing is begun beside another to the same recipient.
        """
        before = len(self.ready)
        for entry in entries:
            if len(self.ready) - before >= room:
                break
            beside = any(_in_order(one.entry, entry) for one in self.ready[before:])
            if entry.parcel.parcel_id not in self._done and not beside:
                self._apart(entry, channel)
        tries = [one.attempt for one in self.ready[before:]]
        attempts.start(self.connection, tries, self._now)
        return len(tries)

    def _apart(self, entry: Entry, channel: Channel) -> None:
        """One message's defect is not the others'."""
        try:
            self._one(entry, channel)
        except SQLAlchemyError:
            raise  # the transaction is lost with it
        except Exception:  # noqa: BLE001 - it is said, and tried again
            logger().exception("a message failed")
            later = self._now + LATER
            outbox.again(self.connection, entry.parcel.parcel_id, later, why="a defect of ours")

    def _one(self, entry: Entry, channel: Channel) -> None:
        parcel, case = entry.parcel, self._case(entry)
        if self._dropped(entry, case):
            return
        verdict = self._admit(entry)
        if not verdict.now(self._now):
            outbox.again(self.connection, parcel.parcel_id, verdict.send_at, why=HELD)
            self._house.observer.suppressed(THROTTLED)
        elif not self._leaves_together(entry):
            self._go(entry, case, channel)

    def _dropped(self, entry: Entry, case: Case | None) -> bool:
        """Let go of what need not leave any more."""
        why = needless(entry.parcel, case, self._now)
        if why is None:
            return False
        outbox.settle(self.connection, entry.parcel.parcel_id, DROPPED, why)
        self._house.observer.suppressed(why)
        self.lines.append(spoken(entry, self._now, what="not-sent", why=why))
        self._done.add(entry.parcel.parcel_id)
        return True

    def _case(self, entry: Entry) -> Case | None:
        """The case of an entry, or the one that took it over.

        While that one isn't there yet: None for people, who then hear; the record gets the old one.
        """
        parcel, origin = entry.parcel, entry.parcel.origin
        if origin is None:
            return None
        found = shelf.case_of(self.connection, origin.patient_id, origin.course_id or "")
        heir = None if found is None else shelf.heir_of(self.connection, found)
        return heir or (found if parcel.channel is None else None)

    def _admit(self, entry: Entry) -> Verdict:
        """A throttle holds up what leaves for the first time; a repeat has been counted."""
        parcel = entry.parcel
        if parcel.first or parcel.channel is None or entry.attempts:
            return Verdict(self._now, "it goes at once")
        to, strength, since = str(parcel.to), str(parcel.channel), self._now - FURTHEST
        sent = outbox.sent_since(self.connection, to, strength, since, MOST)
        waiting = [one for one in self.ready if _same(one.entry, entry)]
        sent += [self._now] * len(waiting)
        return limited(parcel.channel, parcel.urgency, sent, self._now)

    def _leaves_together(self, entry: Entry) -> bool:
        """What was held back leaves as one with all else that is: "n cases need you"."""
        if entry.why != HELD:
            return False
        parcel = entry.parcel
        held = outbox.held_back(self.connection, str(parcel.to), str(parcel.channel))
        others = [one for one in held if not self._dropped(one, self._case(one))]
        if len(others) < 2:  # noqa: PLR2004 - one alone needs no bundle
            return False
        together = bundle([one.parcel for one in others], self._now)
        ids = [one.parcel.parcel_id for one in others]
        outbox.put(self.connection, [self._house.pack(together)], self._now)
        outbox.bundled(self.connection, ids, together.parcel_id)
        self._done.update(ids)
        return True

    def _go(self, entry: Entry, case: Case | None, channel: Channel) -> None:
        attempt = Try(
            parcel_id=entry.parcel.parcel_id,
            number=entry.attempts + 1,
            channel=channel.name,
            worker=self._house.worker,
            duplicate=entry.duplicate,
            lease_until=self._now + channel.timeout + self._house.margin,
        )
        message = message_of(self.connection, entry, case, channel, self._house)
        found = self._traces(case) if tracing.on() else ()
        self.ready.append(Ready(channel, message, entry, attempt, self._now, found))

    def _traces(self, case: Case | None) -> tuple[str, ...]:
        alerts = [] if case is None else [one.alert_id for one in case.findings]
        return traces.of(self.connection, alerts)


def spoken(entry: Entry, at: datetime, **said: str) -> Line:
    """A line of the audit trail about a parcel."""
    origin = entry.parcel.origin
    about = {"by": "system", "to": str(entry.parcel.to), "parcel": entry.parcel.parcel_id}
    return Line(at, origin.case_id if origin else None, {**about, **said})


def _in_order(one: Entry, other: Entry) -> bool:
    """Whether both are about one case, for one recipient or for the record."""
    first, second = one.parcel.origin, other.parcel.origin
    if first is None or second is None:
        return False
    same = (first.patient_id, first.course_id) == (second.patient_id, second.course_id)
    return same and (one.parcel.to == other.parcel.to or one.parcel.channel is None)


def _same(one: Entry, other: Entry) -> bool:
    return (one.parcel.to, one.parcel.channel) == (other.parcel.to, other.parcel.channel)
