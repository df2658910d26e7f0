"""A parcel of the outbox becomes a message for a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.channels.contract import Kind, Message
from services.notifier.service.records import record_of
from services.notifier.service.wording import worded
from services.notifier.store import outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from services.notifier.cases.case import Case
    from services.notifier.channels.contract import Channel
    from services.notifier.service.premises import Premises
    from services.notifier.store.outbox import Entry


def message_of(
    connection: Connection, entry: Entry, case: Case | None, channel: Channel, house: Premises
) -> Message:
    """The message of an entry, as it is to leave by a channel now."""
    parcel = entry.parcel
    links = tuple(f"{house.links}{name}" for name in parcel.references)
    zone = house.teams.zone_of(parcel.to)
    subject, text = worded(parcel, links, zone, duplicate=entry.duplicate)
    return Message(
        key=entry.key,
        kind=parcel.kind,
        duplicate=entry.duplicate,
        at=parcel.at,
        subject=subject,
        text=text,
        reference=parcel.references[0] if len(parcel.references) == 1 else None,
        links=links,
        corrects=_corrected(connection, entry, case),
        cause=parcel.cause,
        severity=parcel.severity,
        urgency=parcel.urgency,
        act_by=parcel.act_by,
        expires_at=parcel.stale_at,
        team=parcel.team,
        recipient=parcel.to,
        addresses=house.addresses(parcel.to, channel),
        record=None if channel.strengths or case is None else record_of(connection, case, house),
    )


def _corrected(connection: Connection, entry: Entry, case: Case | None) -> tuple[str, ...]:
    """What the same recipient, or the same record, was told of the case before.

    What was told of the cases that it took over is the same case's.
    """
    parcel, origin = entry.parcel, entry.parcel.origin
    if parcel.kind not in (Kind.CORRECTION, Kind.CLOSED) or origin is None:
        return ()
    course_id = origin.course_id or ""
    if parcel.kind is Kind.CLOSED:
        return tuple(outbox.written_before(connection, entry, origin.patient_id, course_id))
    earlier = case.forerunners if case is not None else ()
    patients = {origin.patient_id, *(one.patient_id for one in earlier)}
    if parcel.channel is None:
        return tuple(outbox.recorded(connection, entry.channel or "", patients, course_id))
    return tuple(outbox.told(connection, str(parcel.to), patients, course_id))
