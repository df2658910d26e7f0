"""An inbox on a bench: a real server on this machine, and a browser without a screen."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from services.notifier.inbox.access.local import LocalDoor
from services.notifier.inbox.access.people import Identity, token_of
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.access.settings import InboxSettings, LocalAccount
from services.notifier.inbox.access.tickets import issue
from services.notifier.inbox.web.hub import Hub
from services.notifier.inbox.web.parts import Parts
from services.notifier.inbox.web.serving import bound, serving

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from services.notifier.inbox.access.oidc import OpenIdDoor
    from services.notifier.inbox.reading.contract import Render
    from services.notifier.inbox.upkeep import Upkeep
    from services.runtime.clock import Clock
    from support.notifying import Bench

HERE: Final = "127.0.0.1"
_PATIENCE: Final = 30.0


@dataclass
class Answer:
    """What a browser got."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: list[str]

    @property
    def to(self) -> str:
        """Where it leads."""
        return self.headers.get("location", "")

    def token(self) -> str:
        """The hidden token of its forms."""
        found = re.search(r'name="csrf" value="([^"]*)"', self.text)
        assert found is not None, "no form with a token"
        return found[1]


@dataclass
class Browser:
    """Keeps cookies, follows nothing, and says where it comes from."""

    origin: str
    cookies: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        whole: bool = True,
        **more: str,
    ) -> Answer:
        """Ask for a page; or only how it begins, of one that does not end."""
        return self._ask("GET", path, None, {**(headers or {}), **more}, whole=whole)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
        return self._ask("POST", path, urlencode(fields).encode(), {**kind, **headers})

    def send(self, path: str, body: str, **headers: str) -> Answer:
        """A program's POST."""
        return self._ask(
            "POST", path, body.encode(), {"Content-Type": "application/json", **headers}
        )

    @property
    def csrf(self) -> str:
        """The token that belongs to whoever is signed in."""
        return token_of(self.cookies["inbox"])

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        whole: bool = True,
    ) -> Answer:
        where = urlsplit(self.origin)
        connection = (
            http.client.HTTPConnection(HERE, where.port, timeout=_PATIENCE)
            if self.tls is None
            else http.client.HTTPSConnection(HERE, where.port, timeout=_PATIENCE, context=self.tls)
        )
        try:
            told = {"Host": where.netloc, "Cookie": self._cookie(), **headers}
            connection.request(method, path, body, told)
            got = connection.getresponse()
            text = got.read().decode() if whole else ""
            set_now = got.headers.get_all("Set-Cookie") or []
        finally:
            connection.close()
        self._keep(set_now)
        lower = {name.lower(): value for name, value in got.headers.items()}
        return Answer(got.status, lower, text, set_now)

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _keep(self, told: list[str]) -> None:
        for one in told:
            name, _, value = one.partition(";")[0].partition("=")
            if "Max-Age=0" in one:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value.strip('"')


@dataclass
class Desk:
    """A running inbox."""

    bench: Bench
    parts: Parts
    origin: str

    def browser(self) -> Browser:
        """Nobody's browser."""
        return Browser(self.origin)

    def signed_in(self, member: str | None, *roles: Role) -> Browser:
        """The browser of somebody who is signed in."""
        who = Identity(
            issuer="test", subject=f"subject-of-{member}", name=member or "somebody",
            member=member, roles=roles,
        )  # fmt: skip
        with self.bench.database.transaction() as connection:
            secret = issue(connection, who, self.parts.now())
        return Browser(self.origin, {self.parts.cookie("inbox"): secret})

    def reference(self, patient: str, course: str = "") -> str:
        """The name of a patient's case."""
        return self.bench.house.site.reference(self.bench.case(course, patient).case_id)


def listener(scheme: str) -> tuple[socket.socket, str]:
    """A socket on a free port, and the address by which browsers reach it."""
    found = bound(HERE, 0, secure=False)
    return found, f"{scheme}://{HERE}:{found.getsockname()[1]}"


@contextmanager
def open_inbox(
    bench: Bench,
    clock: Clock,
    render: Render,
    settings: Callable[[str], InboxSettings],
    door: Callable[[InboxSettings], OpenIdDoor | LocalDoor],
    scheme: str = "http",
    upkeep: Upkeep | None = None,
) -> Iterator[Desk]:
    """An inbox beside a notifier, until the end of the block."""
    socket_, origin = listener(scheme)
    site = settings(origin)
    house = bench.house
    parts = Parts(
        database=bench.database,
        house=house,
        submit=bench.agenda.submit,
        clock=clock,
        settings=site,
        render=render,
        door=door(site),
        hub=Hub(bench.database),
        upkeep=upkeep,
    )
    with running(parts, socket_):
        yield Desk(bench, parts, origin)


@contextmanager
def running(parts: Parts, socket_: socket.socket) -> Iterator[None]:
    """A server on a thread of its own."""
    ready, end = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(parts, socket_):
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(_PATIENCE), "the inbox did not start"
        yield
    finally:
        end.set()
        thread.join(_PATIENCE)
        assert not thread.is_alive(), "the inbox did not end"


def alone(folder: Path) -> Callable[[InboxSettings], LocalDoor]:
    """The door of the local account."""

    def door(settings: InboxSettings) -> LocalDoor:
        assert settings.local is not None
        return LocalDoor(settings.local, folder)

    return door


def for_one(origin: str) -> InboxSettings:
    """Settings of a machine that one person uses."""
    account = LocalAccount(member="anne", roles=(Role.CLINICIAN,))
    return InboxSettings(public=origin, local=account)
