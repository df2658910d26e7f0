"""The notice to whoever reviews emergencies: it waits for nothing, and tells of no patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.base import digest
from services.notifier.channels.contract import Kind
from services.notifier.delivery.parcels import Parcel

if TYPE_CHECKING:
    from datetime import datetime

    from services.notifier.cases.words import Channel, Party
    from services.notifier.delivery.parcels import Opened


def of_opening(
    number: int, opened: Opened, team: str, to: tuple[Party, Channel], now: datetime
) -> Parcel:
    """The parcel of a case that was opened.

    Args:
        number: under which the opening is kept; it is told once.
        opened: what is told.
        team: whose case it is.
        to: who is told, and by which class of channels.
        now: the present instant.
    """
    who, channel = to
    return Parcel(
        parcel_id=digest("opened", number, opened.reference),
        kind=Kind.EMERGENCY,
        to=who,
        channel=channel,
        at=now,
        opened=opened,
        team=team,
        first=True,
    )
