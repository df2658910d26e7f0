"""Digests: at each recipient's local time, what waits for one, and only what still matters then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.commands import DigestSent
from services.notifier.delivery.digest import compose, digest_due
from services.notifier.delivery.parcels import of_digest
from services.notifier.service.feedback import as_judged
from services.notifier.service.premises import party
from services.notifier.service.sitting import Sitting, finish, meet
from services.notifier.store import digests, outbox, shelf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from services.notifier.cases.words import Party
    from services.notifier.delivery.digest import Digest
    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database


def send_digest(database: Database, house: Premises, now: datetime) -> bool:
    """Put the digest of one recipient whose time has come into the outbox.

    Returns:
        Whether somebody's time had come; there may be others.

    Raises:
        Unavailable: nothing was done.
    """
    with database.transaction() as connection:
        recipient = digests.due(connection, now)
        if recipient is None:
            return False
        to = party(recipient)
        sittings = _digest(connection, house, to, now)
        digests.put_off(connection, recipient, digest_due(to, house.teams, now))
        finish(connection, sittings, now)
    return True


def _digest(connection: Connection, house: Premises, to: Party, now: datetime) -> Sequence[Sitting]:
    house = as_judged(connection, house)
    listed = shelf.waiting_for_digest(connection, str(to))
    locked = shelf.lock(connection, {one.course.patient_id for one in listed})
    sittings = [Sitting(connection, one, house, now) for _, one in sorted(locked.items())]
    meet(connection, sittings, now)
    for sitting in sittings:
        sitting.work()
    cases = [case for sitting in sittings for case in sitting.cases]
    found = compose(to, cases, now, house.site)
    if found is not None:
        outbox.put(connection, [house.pack(of_digest(found))], now)
    for sitting in sittings:
        _listed(sitting, found)
    return sittings


def _listed(sitting: Sitting, found: Digest | None) -> None:
    """Tell cases that they were listed, and put them back."""
    for case in sitting.cases if found is not None else ():
        if found is not None and case.case_id in found.cases:
            given = DigestSent(to=found.to, channel=found.channel)
            sitting.step(case.course.course_id or "", given)
    sitting.save()
