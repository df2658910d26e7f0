"""The Subscriptions that a polled server may notify us of: hints to look, gaps and silence."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.ingest.polling.notification import Kind
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    from services.ingest.polling.notification import Notification

    Json = dict[str, Any]

PERIODS: Final = 2
"""Heartbeats that may be missed before somebody is told."""
_SECOND: Final = 1_000_000


class Subscriptions:
    """Listens to notifications. What is missed here, asking makes up for."""

    def __init__(
        self,
        names: Iterable[str],
        events: MutableMapping[str, int],
        hint: Callable[[], None],
        now: Callable[[], int],
        heartbeat: float | None = None,
    ) -> None:
        """Wire.

        Args:
            names: of the Subscriptions, as in their addresses.
            events: of each the number of its last event; kept by the caller.
            hint: called when something may be new.
            now: the present instant, microseconds UTC.
            heartbeat: seconds in which the server promises to say something; None: it doesn't.
        """
        self._events = events
        self._hint = hint
        self._now = now
        self._heartbeat = heartbeat
        self._last = dict.fromkeys(names, now())

    def hooks(self) -> dict[str, Callable[[Notification], Json]]:
        """Of each Subscription what to do with a notification; it gives the issue to answer."""
        return {name: partial(self._heard, name) for name in self._last}

    def silent(self) -> str | None:
        """Whether a Subscription has been silent for too long; None if none is."""
        if self._heartbeat is None:
            return None
        since = self._now() - int(PERIODS * self._heartbeat * _SECOND)
        quiet = any(last < since for last in self._last.values())
        return "a FHIR Subscription is silent" if quiet else None

    def _heard(self, name: str, notification: Notification) -> Json:
        self._last[name] = self._now()
        before = self._events.get(name)
        missed = notification.gap(before) and notification.kind is not Kind.HANDSHAKE
        if missed:
            logger().warning("subscription gap", extra={"subscriber": name})
        if missed or notification.kind is Kind.EVENT:
            self._hint()
        self._count(name, notification, before or 0)
        text = f"{notification.kind.value}: heard"
        return {"severity": "information", "code": "informational", "details": {"text": text}}

    def _count(self, name: str, notification: Notification, before: int) -> None:
        """A handshake begins to count anew; else a number that comes late doesn't count back."""
        if notification.kind is Kind.HANDSHAKE:
            self._events[name] = notification.last or 0
        elif notification.last is not None:
            self._events[name] = max(before, notification.last)
