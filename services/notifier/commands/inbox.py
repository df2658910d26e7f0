"""`salvage notify run --serve-inbox`: the care team's pages, in the notifier's own process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from services.notifier.inbox.access.local import LocalDoor
from services.notifier.inbox.access.officer import check_officer
from services.notifier.inbox.access.oidc import OpenIdDoor
from services.notifier.inbox.access.settings import FILE_NAME, read_settings
from services.notifier.inbox.pages import render
from services.notifier.inbox.web.hub import Hub
from services.notifier.inbox.web.parts import Parts
from services.notifier.inbox.web.serving import bound, serving
from services.runtime.clock import SystemClock
from services.runtime.logs import logger

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

    from services.notifier.commands.building import Sources
    from services.notifier.commands.place import Place
    from services.notifier.inbox.access.settings import InboxSettings
    from services.notifier.roster.teams import Teams
    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given
    from services.runtime.clock import Clock


class Opening(NamedTuple):
    """What was found out before anything begins, so that every mistake is told at the start."""

    settings: InboxSettings
    door: OpenIdDoor | LocalDoor
    listener: socket.socket

    @property
    def links(self) -> str:
        """What a case's reference is put behind."""
        return f"{self.settings.public}/case/"


def prepared(place: Place | None, site: Path, teams: Teams) -> Opening | None:
    """Read the settings, and take the port; None if nobody asked for the pages.

    Raises:
        OperatorError: the settings or the port can't be used.
    """
    if place is None:
        return None
    settings = read_settings(site / FILE_NAME)
    check_officer(settings.privacy, teams)
    secure = settings.certificate_file is not None
    door: OpenIdDoor | LocalDoor
    if settings.local is not None:
        door = LocalDoor(settings.local, site)
    else:
        assert settings.provider is not None  # noqa: S101 - the settings have exactly one
        door = OpenIdDoor(settings.provider, settings.public, SystemClock())
    return Opening(settings, door, bound(place.host, place.port, secure=secure))


@asynccontextmanager
async def inbox(
    opening: Opening | None,
    database: Database,
    house: Premises,
    submit: Callable[[Given, datetime], str | None],
    sources: Sources,
    clock: Clock,
) -> AsyncIterator[None]:
    """The pages, as long as the block lasts."""
    if opening is None:
        yield
        return
    parts = Parts(
        database=database,
        house=house,
        submit=submit,
        clock=clock,
        settings=opening.settings,
        render=partial(render, record=sources.record),
        door=opening.door,
        hub=Hub(database),
        upkeep=sources.upkeep,
    )
    host, port = opening.listener.getsockname()[:2]
    async with serving(parts, opening.listener):
        logger().info("inbox open", extra={"host": host, "port": port})
        yield
