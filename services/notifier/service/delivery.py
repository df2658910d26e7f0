"""Delivery: claims what is due, and writes what became of it.

At least once: an attempt is on disk before anything leaves, and its result afterwards. What a crash
leaves without a result may have arrived; it is sent once more and says that it may be a repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.channels.contract import Outcome, Result, unknown
from services.notifier.delivery.parcels import instead
from services.notifier.delivery.retry import retry_at
from services.notifier.service.crashpoints import reached
from services.notifier.service.inputs import not_delivered
from services.notifier.service.sorting import LATER, Ready, Sorting, spoken
from services.notifier.service.spans import tell_sent
from services.notifier.store import attempts, audit, intake, outbox
from services.notifier.store.outbox import DELIVERED, FAILED
from services.runtime import tracing
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.channels.contract import Channel
    from services.notifier.service.premises import Premises
    from services.notifier.store.audit import Line
    from services.notifier.store.database import Database
    from services.notifier.store.outbox import Entry

_AT_ONCE: Final = 3
"""So many times a lost attempt is made good at once; then it waits as after any failure."""
_LOOK: Final = 50
"""Entries of each channel that are looked at together, at most."""
_MORE: Final = 3
"""So many more than have room, because some need not leave any more."""


class Done(NamedTuple):
    """A message that left, or did not, and what is known of it."""

    ready: Ready
    outcome: Outcome


class Delivery:
    """Claims and finishes, each in a transaction of its own."""

    def __init__(self, database: Database, house: Premises) -> None:
        """Nothing is claimed yet."""
        self._database, self._house = database, house

    def begin(self, now: datetime) -> None:
        """At the start: where we are the only notifier, whoever held a lease is gone."""
        if not self._database.shared:
            with self._database.transaction() as connection:
                attempts.give_up_leases(connection, now)

    def turn(self, done: Sequence[Done], now: datetime, free: Mapping[str, int]) -> list[Ready]:
        """Write what became of attempts, and claim what is to be sent now; all of it, or nothing.

        Args:
            done: attempts that ended.
            now: the present instant.
            free: how many messages each channel may begin with, by name.

        Returns:
            Messages, each with an attempt that is on disk.

        Raises:
            Unavailable: nothing was written, nothing claimed; `done` must come again.
        """
        with self._database.transaction() as connection:
            lines: list[Line] = []
            for one in sorted(done, key=lambda each: each.ready.attempt.parcel_id):
                lines += self._one(connection, one, now)
            ready = self._claim(connection, now, free, lines)
            audit.append(connection, lines)
            _at_the_brink(done, ready, "written")
        _at_the_brink(done, ready, "committed")
        self._house.observer.ended(done, now)
        if tracing.on():
            tell_sent(done, now)
        return ready

    def _claim(
        self, connection: Connection, now: datetime, free: Mapping[str, int], lines: list[Line]
    ) -> list[Ready]:
        names = [one.name for one in self._house.channels]
        lines += self._lapse(connection, now)
        for entry in outbox.unrouted(connection, now, names, _LOOK):
            lines += self._route(connection, entry, now)
        sorting = Sorting(connection, self._house, now)
        for channel in self._house.channels:
            self._fill(sorting, channel, free.get(channel.name, 0), now)
        lines += sorting.lines
        return sorting.ready

    def _fill(self, sorting: Sorting, channel: Channel, room: int, now: datetime) -> None:
        """Begin as much as there is room for: what is looked at goes, or isn't due any more."""
        while room > 0:
            most = min(_LOOK, room + _MORE)
            entries = outbox.due(sorting.connection, now, channel.name, most)
            begun = sorting.sort(channel, entries, room)
            room -= begun
            if len(entries) < most or begun:
                return

    def _one(self, connection: Connection, done: Done, now: datetime) -> list[Line]:
        ready, outcome = done
        entry = ready.entry._replace(attempts=ready.attempt.number)
        told = {"channel": ready.channel.name, "reason": outcome.reason}
        line = spoken(entry, now, what=str(outcome.result), **told)
        if not attempts.finish(connection, ready.attempt, outcome, now):
            return [line]
        match outcome.result:
            case Result.DELIVERED:
                outbox.settle(connection, entry.parcel.parcel_id, DELIVERED)
            case Result.TEMPORARY | Result.UNKNOWN:
                self._again(connection, entry, outcome, now)
            case Result.PERMANENT:
                return [line, *self._refused(connection, entry, now)]
        return [line]

    def _again(self, connection: Connection, entry: Entry, outcome: Outcome, now: datetime) -> None:
        """Later, as long as the rung lasts; then the next one begins by itself."""
        parcel = entry.parcel
        at = retry_at(entry.key, entry.attempts, now, outcome.retry_after, parcel.stale_at)
        if at is None:
            outbox.settle(connection, parcel.parcel_id, FAILED, "no time left on this rung")
            return
        lost = outcome.result is Result.UNKNOWN
        why = f"{outcome.result}: {outcome.reason}"
        outbox.again(connection, parcel.parcel_id, at, why=why, duplicate=lost)

    def _refused(self, connection: Connection, entry: Entry, now: datetime) -> list[Line]:
        """Another channel, at once."""
        entry = entry._replace(refused=(*entry.refused, entry.channel or ""), channel=None)
        outbox.again(connection, entry.parcel.parcel_id, now, why="refused")
        return self._route(connection, entry, now)

    def _route(self, connection: Connection, entry: Entry, now: datetime) -> list[Line]:
        """Find a channel for what has none, or has one no more."""
        parcel = entry.parcel
        if parcel.channel is None:
            outbox.settle(connection, parcel.parcel_id, FAILED, "the record takes it no more")
            return [spoken(entry, now, what="undeliverable")]
        name = self._house.route(parcel, entry.refused)
        outbox.reroute(connection, parcel.parcel_id, name, entry.refused)
        return [] if name is not None else self._undeliverable(connection, entry, now)

    def _undeliverable(self, connection: Connection, entry: Entry, now: datetime) -> list[Line]:
        """No channel carries it. Whom it concerns gets it another way; a desk is never given up."""
        parcel = entry.parcel
        logger().error("not delivered", extra={"reason": str(parcel.kind)})
        self._house.observer.undeliverable()
        line = spoken(entry, now, what="undeliverable")
        if not parcel.to.is_person:
            outbox.again(connection, parcel.parcel_id, now + LATER, why="no channel")
            outbox.reroute(connection, parcel.parcel_id, None, ())
            return [line]
        outbox.settle(connection, parcel.parcel_id, FAILED, "no channel carries it")
        self._pass_on(connection, entry, now)
        return [line]

    def _pass_on(self, connection: Connection, entry: Entry, now: datetime) -> None:
        """To the case, which goes on to the next rung; a digest to the desk."""
        parcel = entry.parcel
        parts = [parcel, *outbox.members(connection, parcel.parcel_id)]
        given = [found for one in parts if (found := not_delivered(one)) is not None]
        intake.take(connection, given, now)
        if not given:
            other = instead(parcel, self._house.desk_of(parcel.to), now)
            outbox.put(connection, [self._house.pack(other)], now)

    def _lapse(self, connection: Connection, now: datetime) -> list[Line]:
        """Attempts that ended without a word: nobody knows, so they are repeated, and say so."""
        lines = []
        for entry, attempt in attempts.lapsed(connection, now, _LOOK):
            lost = unknown("the process ended, or the lease ran out")
            attempts.finish(connection, attempt, lost, now)
            soon = entry.attempts < _AT_ONCE
            later = retry_at(entry.key, entry.attempts, now, None, None)
            at = now if soon or later is None else later
            outbox.again(connection, attempt.parcel_id, at, why=lost.reason, duplicate=True)
            lines.append(spoken(entry, now, what="unknown", channel=attempt.channel))
        if lines:
            reached("lapse.written")
        return lines


def _at_the_brink(done: Sequence[Done], ready: Sequence[Ready], stage: str) -> None:
    """Where a test may end us."""
    if done:
        reached(f"outcome.{stage}")
    if ready:
        reached(f"attempt.{stage}")
