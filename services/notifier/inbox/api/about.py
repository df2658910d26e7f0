"""What the API says of itself, and of whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.notifier.inbox.api.answers import Me
from services.notifier.inbox.web.calls import Data
from services.notifier.inbox.web.visits import viewer

if TYPE_CHECKING:
    from services.notifier.inbox.web.visits import Visit


def me(visit: Visit) -> Data:
    """Who is signed in, and the token for what changes something."""
    who = visit.reader
    return Data(Me(viewer(who), who.csrf, who.ends_at))


def document(visit: Visit) -> Data:
    """This description."""
    del visit
    from services.notifier.inbox.api.openapi import described  # noqa: PLC0415 - it lists us, too

    return Data(described())
