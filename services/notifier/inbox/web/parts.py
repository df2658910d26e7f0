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
    from services.notifier.inbox.upkeep import Upkeep
    from services.notifier.inbox.web.hub import Hub
    from services.notifier.roster.teams import Teams
    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given
    from services.runtime.clock import Clock


@dataclass(frozen=True)
class Parts:
    """The surroundings of the application.

    Attributes:
        database: the notifier's own.
        house: what the notifier works with: policy, key and roster, and the way to the outbox.
        submit: carries out a command, and says why it was refused; None if it was not.
        clock: the machine's, but for tests.
        render: makes HTML.
        door: who lets people in.
        hub: tells open pages what has changed.
        upkeep: sources and dead letters; None: they are not to be seen from here.
    """

    database: Database
    house: Premises
    submit: Callable[[Given, datetime], str | None]
    clock: Clock
    settings: InboxSettings
    render: Render
    door: OpenIdDoor | LocalDoor
    hub: Hub
    upkeep: Upkeep | None = None

    @property
    def site(self) -> Site:
        """Policy and key, as they are now."""
        return self.house.site

    @property
    def teams(self) -> Teams:
        """The roster, as it is now."""
        return self.house.teams

    def now(self) -> datetime:
        """The present instant, UTC."""
        return moment(self.clock.now())

    def cookie(self, name: str) -> str:
        """A cookie's name. With TLS the browser holds it to this host alone, by the prefix."""
        return f"__Host-{name}" if self.settings.is_secure else name
