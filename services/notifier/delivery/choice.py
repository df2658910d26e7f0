"""Which channel carries a message, and which comes next when one refuses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.contract import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from services.notifier.channels.contract import Channel
    from services.notifier.delivery.parcels import Parcel


def choose(parcel: Parcel, channels: Sequence[Channel], refused: Collection[str]) -> Channel | None:
    """The weakest channel that is strong enough and has not refused; None when none is left.

    A digest never gets stronger: it would interrupt.

    Args:
        parcel: for somebody, not for the record.
        channels: in the order of the site's preference.
        refused: names of channels that refused this very message for good.
    """
    left = [one for one in channels if one.name not in refused]
    for strength in _strengths(parcel):
        for one in left:
            if strength in one.strengths:
                return one
    return None


def _strengths(parcel: Parcel) -> Sequence[Strength]:
    wanted = parcel.channel or Strength.MESSAGE
    if parcel.kind is Kind.DIGEST:
        return (Strength.DIGEST, wanted) if wanted is Strength.MESSAGE else (wanted,)
    return [one for one in Strength if one.rank >= wanted.rank]
