"""`apprise`: chat and push, by whatever service Apprise knows.

    the service took it                        delivered
    it was not reached; 408, 409, 425, 429,
    5xx                                        temporary
    another status                             permanent
    no answer, or one without a status         unknown

A file holds the service's address in Apprise's notation, because there it holds the secret too.
`{address}` in it becomes the recipient's address: `ntfys://TOKEN@push.hospital.example/{address}`.

Apprise gives no status. Its services write one into their log (`error=503`), and the exceptions of
its HTTP library into their debugging log; both are read here, and nothing of them goes further.
A service that does neither is `unknown` when it fails, and the message comes again, marked.
"""

from __future__ import annotations

import asyncio
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

import apprise

from services.notifier.cases.words import Channel as Strength
from services.notifier.cases.words import Urgency
from services.notifier.channels.attempts import attempt
from services.notifier.channels.carrier import Carrier
from services.notifier.channels.contract import Outcome, Result, delivered, permanent, unknown
from services.notifier.channels.settings import CarrierSettings, Carries, File, read_secret
from services.notifier.channels.web import Reply, verdict
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from services.notifier.channels.attempts import Progress
    from services.notifier.channels.contract import Message

ADDRESS: Final = "{address}"
_AT_ONCE: Final = 8
_STATUS: Final = re.compile(r"\berror=(\d{3})\b")
_NOT_REACHED: Final = re.compile(
    r"NewConnectionError|ConnectTimeoutError|NameResolutionError|SSLError"
)
"""Exceptions of urllib3 that come before anything was sent."""
_SHARE: Final = 0.8
"""Of an attempt's time that Apprise gets; it is exact to some tenths of a second."""


class Settings(CarrierSettings):
    """Its section.

    Attributes:
        url_file: holds the address.
    """

    type: Literal["apprise"]
    carries: Carries = frozenset({Strength.MESSAGE, Strength.PUSH})
    url_file: File

    def channel(self, name: str) -> Apprise:
        """The channel."""
        return Apprise(name, self)


class Apprise(Carrier):
    """The channel."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Wire.

        Args:
            name: what the site calls it.
            settings: its section.
        """
        super().__init__(name, settings)
        self._settings = settings
        self._url = ""
        self._threads: ThreadPoolExecutor

    async def open(self) -> None:
        """Read the address, and keep the library's log to ourselves.

        Raises:
            OperatorError: the address can't be used.
        """
        keep_log()
        setting = f"{self.name}.url_file"
        self._url = read_secret(self._settings.url_file, setting)
        if _service(self._url.replace(ADDRESS, "somebody")) is None:
            raise OperatorError(f"{setting}: expected one address of a service of Apprise")
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="apprise")

    async def close(self) -> None:
        """Let go of the threads; one whose service doesn't answer ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, message: Message) -> Outcome:
        """Try the addresses in their order, until one is not refused for good."""

        async def post(progress: Progress) -> Outcome:
            progress.left = True  # in a thread, where nobody sees how far it is
            outcome = permanent("no-address")
            for address in message.addresses if ADDRESS in self._url else ("",):
                outcome = await self._try(message, address)
                if outcome.result is not Result.PERMANENT:
                    break
            return outcome

        return await attempt(self.timeout, post)

    async def _try(self, message: Message, address: str) -> Outcome:
        service = _service(self._url.replace(ADDRESS, quote(address, safe="")))
        if service is None:
            return permanent("no-address")
        loop, limit = asyncio.get_running_loop(), self.timeout.total_seconds() * _SHARE
        return await loop.run_in_executor(self._threads, _notify, service, message, limit)


def _service(url: str) -> apprise.Apprise | None:
    """What Apprise makes of an address; None if nothing, or more than one service."""
    found = apprise.Apprise()
    return found if found.add(url) and len(found) == 1 else None


def _notify(service: apprise.Apprise, message: Message, limit: float) -> Outcome:
    kind = apprise.NotifyType.WARNING
    if message.urgency is not Urgency.URGENT:
        kind = apprise.NotifyType.INFO
    done = service.notify(
        body=message.text,
        title=message.subject,
        notify_type=kind,
        body_format=apprise.NotifyFormat.TEXT,
        timeout=limit,
        log_level=logging.DEBUG,
    )
    if done.status is apprise.AppriseResultStatus.SUCCESS:
        return delivered()
    if done.status is apprise.AppriseResultStatus.TIMEOUT:
        return unknown("timeout")
    return judged(" ".join(entry.message for entry in done.logs()))


def judged(log: str) -> Outcome:
    """What a failure's log means."""
    status = _STATUS.search(log)
    if status is not None and int(status[1]) >= HTTPStatus.BAD_REQUEST:
        return verdict(Reply(int(status[1]), {}, b""))
    if _NOT_REACHED.search(log):
        return verdict(Reply(HTTPStatus.SERVICE_UNAVAILABLE, {}, b""))._replace(
            reason="not-reached"
        )
    return unknown("no-status")


def keep_log() -> None:
    """Let Apprise speak to us alone: its log quotes addresses and what is sent."""
    theirs = logging.getLogger("apprise")
    theirs.propagate = False
    theirs.handlers[:] = [logging.NullHandler()]
    theirs.setLevel(logging.DEBUG)
