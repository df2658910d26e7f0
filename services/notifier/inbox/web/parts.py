"""What the application is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.notifier.store.instants import moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.notifier.cases.site import Site
    from services.notifier.inbox.access.local import LocalDoor
    from services.notifier.inbox.access.oidc import OpenIdDoor
    from services.notifier.inbox.access.settings import InboxSettings
    from services.notifier.inbox.reading.contract import Render
    from services.notifier.inbox.web.hub import Hub
    from services.notifier.roster.teams import Teams
    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given
    from services.runtime.clock import Clock


@dataclass(frozen=True)
class Parts:
    """The surroundings of the application.

    Attributes:
        database: the notifier's own.
        site: policy and key.
        teams: the roster.
        submit: carries out a command, and says why it was refused; None if it was not.
        clock: the machine's, but for tests.
        render: makes HTML.
        door: who lets people in.
        hub: tells open pages what has changed.
    """

    database: Database
    site: Site
    teams: Teams
    submit: Callable[[Given, datetime], str | None]
    clock: Clock
    settings: InboxSettings
    render: Render
    door: OpenIdDoor | LocalDoor
    hub: Hub

    def now(self) -> datetime:
        """The present instant, UTC."""
        return moment(self.clock.now())

    def cookie(self, name: str) -> str:
        """A cookie's name. With TLS the browser holds it to this host alone, by the prefix."""
        return f"__Host-{name}" if self.settings.is_secure else name
