"""`salvage notify run --serve-inbox`: the care team's pages, in the notifier's own process."""

from __future__ import annotations

import argparse
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.inbox.access.local import LocalDoor
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

    from services.notifier.inbox.access.settings import InboxSettings
    from services.notifier.inbox.pages.documents import Record
    from services.notifier.service.premises import Premises
    from services.notifier.store.database import Database
    from services.notifier.store.intake import Given

_HOST: Final = "127.0.0.1"
_MOST: Final = 65_535


class Place(NamedTuple):
    """Where to listen."""

    host: str
    port: int


class Opening(NamedTuple):
    """What was found out before anything begins, so that every mistake is told at the start."""

    settings: InboxSettings
    door: OpenIdDoor | LocalDoor
    listener: socket.socket

    @property
    def links(self) -> str:
        """What a case's reference is put behind."""
        return f"{self.settings.public}/case/"


def inbox_option(parser: argparse.ArgumentParser) -> None:
    """Add `--serve-inbox`."""
    about = f"serve the care team's pages there, as FOLDER/{FILE_NAME} says"
    parser.add_argument("--serve-inbox", type=_place, metavar="[HOST:]PORT", help=about)


def _place(text: str) -> Place:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > _MOST:
        raise argparse.ArgumentTypeError("expected PORT or HOST:PORT")
    return Place(host.strip("[]") or _HOST, int(port))


def prepared(place: Place | None, site: Path) -> Opening | None:
    """Read the settings, and take the port; None if nobody asked for the pages.

    Raises:
        OperatorError: the settings or the port can't be used.
    """
    if place is None:
        return None
    settings = read_settings(site / FILE_NAME)
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
    record: Record | None,
) -> AsyncIterator[None]:
    """The pages, as long as the block lasts."""
    if opening is None:
        yield
        return
    parts = Parts(
        database=database,
        site=house.site,
        teams=house.teams,
        submit=submit,
        clock=SystemClock(),
        settings=opening.settings,
        render=partial(render, record=record),
        door=opening.door,
        hub=Hub(database),
    )
    host, port = opening.listener.getsockname()[:2]
    async with serving(parts, opening.listener):
        logger().info("inbox open", extra={"host": host, "port": port})
        yield
