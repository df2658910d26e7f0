"""The outbox: committed revisions reach every subscriber, in order, at least once.

How far each subscriber has come is stored after it was told. A crash in between tells it again;
it never leaves anything out. (`alert_id`, `revision`) tells a repetition from news.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alerts import AlertRevision
from services.runtime.errors import Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.embedded.store import Store

    Subscriber = Callable[[AlertRevision], None]

PAGE = 200
"""Revisions told between two notes of how far a subscriber has come."""


class Outbox:
    """Hands committed revisions on."""

    def __init__(self, store: Store) -> None:
        """Nobody is subscribed, yet."""
        self._store = store
        self._subscribers: dict[str, Subscriber] = {}

    def subscribe(self, name: str, tell: Subscriber) -> None:
        """Tell a subscriber of everything behind what it was told last time under this name."""
        self._subscribers[name] = tell

    def deliver(self) -> None:
        """Tell everyone what is new. One that fails is told again next time; others go on.

        Never raises: what is told here has been committed, and its sender owes us nothing.
        """
        try:
            for name, tell in self._subscribers.items():
                while self._page(name, tell):
                    pass
        except Unavailable:
            logger().exception("outbox not available")

    def _page(self, name: str, tell: Subscriber) -> bool:
        """Tell a subscriber of one page; True if there may be more."""
        before = done = self._store.delivered(name)
        page = self._store.outbox(before, PAGE)
        try:
            for sequence, body in page:
                tell(AlertRevision.model_validate_json(body))
                done = sequence
        except Exception:  # noqa: BLE001 - a subscriber's failure is not the others'
            logger().exception("subscriber failed", extra={"subscriber": name, "sequence": done})
            page = []
        if done != before:
            with self._store.transaction():
                self._store.set_delivered(name, done)
        return len(page) == PAGE
