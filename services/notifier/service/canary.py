"""The canary's alerts: turned away at the door, before there is a case, to a channel of their own.

Laws of this file:
- what is the canary's makes no case, no finding, no deed and no figure: there is nothing of it
  that a page, a digest, a statistic or the research feed could show;
- it goes by the reserved channel alone, and by no other when that one refuses it;
- whatever else is said of such a patient is anybody's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from schemas.alerts import OPEN_STATES
from schemas.base import digest
from schemas.canary import CHANNEL, CONDITION, is_canary, is_of_canary, sign
from schemas.events import Treatment
from services.notifier.cases.words import desk
from services.notifier.channels.contract import Kind
from services.notifier.delivery.parcels import Parcel
from services.notifier.service.inputs import INCOMING, Occurred, Revised
from services.notifier.store import canaries, intake, outbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from schemas.alerts import AlertRevision
    from services.notifier.service.inputs import Incoming
    from services.notifier.service.premises import Premises
    from services.notifier.store import shelf

DESK: Final = desk("salvage-canary")
"""To whom it is addressed: nobody."""
FRESH: Final = timedelta(minutes=10)
"""What is older is of no use to anybody: the alert about the canary has fired."""
KEPT: Final = timedelta(days=1)


def turn_away(
    connection: Connection, patients: Sequence[shelf.Patient], house: Premises, now: datetime
) -> None:
    """Work on what is the canary's, so that nothing of it waits any more.

    Args:
        connection: of the transaction in which these patients are locked.
        patients: who are due.
        house: the surroundings.
        now: the present instant.
    """
    its = [one.patient_id for one in patients if is_canary(one.patient_id)]
    for patient_id in its:
        _work(connection, patient_id, house, now)
    if its:
        canaries.tidy(connection, str(DESK), now - KEPT)


def _work(connection: Connection, patient_id: str, house: Premises, now: datetime) -> None:
    waiting = intake.waiting(connection, patient_id)
    read = {one.seq: INCOMING.validate_json(one.body) for one in waiting}
    own = {seq: given for seq, given in read.items() if _is_own(given)}
    for given in own.values():
        if isinstance(given, Revised):
            _send(connection, given.revision, house, now)
    canaries.forget(connection, list(own))


def _is_own(given: Incoming) -> bool:
    if isinstance(given, Revised):
        return is_of_canary(given.revision)
    event = given.event if isinstance(given, Occurred) else None
    return isinstance(event, Treatment) and event.condition == CONDITION


def _send(connection: Connection, revision: AlertRevision, house: Premises, now: datetime) -> None:
    """That it was raised; that it was taken back closes what was never opened."""
    said, late = sign(revision), now - revision.at > FRESH
    stands = revision.state in OPEN_STATES
    if said is None or late or not stands or house.channel(CHANNEL) is None:
        return
    parcel = Parcel(
        parcel_id=digest("canary", revision.alert_id, revision.revision),
        kind=Kind.TEST,
        to=DESK,
        at=now,
        references=(said,),
        first=True,
        stale_at=now + FRESH,
    )
    outbox.put(connection, [house.pack(parcel, CHANNEL)], now)
