"""The demo's inbox: a notifier whose past is played, and which then goes on by itself."""

from __future__ import annotations

import socket
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from services.demo.past import Past
from services.demo.site import MESSAGES, made
from services.demo.traffic import PROFILE
from services.demo.ward import yours_from
from services.embedded.casework import from_store, order_of
from services.ingest.profiles.sources import Sources
from services.notifier.commands.building import built
from services.notifier.commands.place import Place
from services.notifier.inbox.access.local import LocalDoor
from services.notifier.store import shelf
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager, ExitStack
    from pathlib import Path

    from schemas.alerts import AlertRevision
    from services.demo.ward import Ward
    from services.embedded.player import Progress

    Alerted = Callable[[AlertRevision], None]
    Progressed = Callable[[Progress], None]

HOST: Final = "127.0.0.1"


class Inbox:
    """What a care team would see of the ward.

    Attributes:
        address: of its pages.
        link: signs in, once.
        password_file: holds what signs in later.
        messages_file: what would have left the machine.
    """

    def __init__(self, ward: Ward, folder: Path, port: int, stack: ExitStack) -> None:
        """Make the house, and take the port.

        Raises:
            OperatorError: it can't be had.
        """
        port, yours = _free(port), yours_from(ward)
        self.address = f"http://{HOST}:{port}"
        site = made(folder / "site", self.address, yours)
        order = order_of(site, folder, Place(HOST, port))
        sources = partial(from_store, folder, Sources.of(PROFILE))
        self._notifier = built(order, sources, ward.stop, stack)
        self._past = Past(self._notifier, ward.begin, yours)
        door = self._notifier.door
        if not isinstance(door, LocalDoor):
            raise OperatorError("the demo has a local account")
        self.link = f"{self.address}/sign-in#once={door.once()}"
        self.password_file, self.messages_file = door.file, site / MESSAGES

    def open(self) -> AbstractAsyncContextManager[None]:
        """The pages, as long as the block lasts."""
        return self._notifier.pages()

    def heard(self, alerted: Alerted, progressed: Progressed) -> tuple[Alerted, Progressed]:
        """The same listeners of a play, with the notifier listening, too."""
        news: list[AlertRevision] = []

        def hear(alert: AlertRevision) -> None:
            news.append(alert)
            alerted(alert)

        def reach(progress: Progress) -> None:
            self._past.reach(progress.at, news=bool(news))
            news.clear()
            progressed(progress)

        return hear, reach

    async def work(self) -> None:
        """Go on, until told to stop."""
        await self._notifier.process.run(self._notifier.sources.feeds, None)

    def counts(self) -> Mapping[str, int]:
        """How many cases are in each state."""
        with self._notifier.database.transaction() as connection:
            return shelf.counts(connection)


def _free(port: int) -> int:
    """The port, if nobody has it; any free one for 0."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise OperatorError(f"--port: {error.strerror or 'cannot be had'}") from error
        return int(probe.getsockname()[1])
