"""`webhook`: messages as signed JSON, POSTed to one address by the rules of Standard Webhooks.

    2xx                          delivered
    408, 409, 425, 429, 5xx      temporary, after `Retry-After` if the receiver says so
    cut or no answer, 504        unknown
    everything else, 410 too     permanent

The receiver checks `webhook-signature`, and by `webhook-id`, which stays the same when a message
is sent again, that it handles each message once.

Source: Standard Webhooks specification, version 1 (H): `v1,` and the base64 of HMAC-SHA256 over
`id.timestamp.body`; several signatures, separated by blanks, while a secret is being replaced.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Literal

from services.notifier.cases.words import Channel as Strength
from services.notifier.channels import web
from services.notifier.channels.attempts import attempt
from services.notifier.channels.carrier import Carrier
from services.notifier.channels.kinds.console import said
from services.notifier.channels.settings import (
    CarrierSettings,
    Carries,
    File,
    Tls,
    Url,
    read_secret,
)
from services.runtime.clock import Clock, SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from services.notifier.channels.attempts import Progress
    from services.notifier.channels.contract import Message, Outcome

PREFIX: Final = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
"""Of a secret; Standard Webhooks, "Signature scheme" (H)."""


class Settings(CarrierSettings):
    """Its section.

    Attributes:
        plaintext: http, although not to this machine alone. Read before `url`.
        url: where to POST.
        secret_file: holds the secret, `whsec_` and base64.
        previous_secret_file: while the receiver still checks with the secret before.
    """

    type: Literal["webhook"]
    carries: Carries = frozenset(Strength)
    plaintext: bool = False
    url: Url
    secret_file: File
    previous_secret_file: File | None = None
    tls: Tls = Tls()

    def channel(self, name: str) -> Webhook:
        """The channel."""
        return Webhook(name, self)


class Webhook(Carrier):
    """The channel."""

    def __init__(self, name: str, settings: Settings, clock: Clock | None = None) -> None:
        """Wire.

        Args:
            name: what the site calls it.
            settings: its section.
            clock: gives the time of each attempt, against which receivers check replays.
        """
        super().__init__(name, settings)
        self._settings = settings
        self._clock = clock or SystemClock()
        self._keys: tuple[bytes, ...] = ()
        self._stack = AsyncExitStack()
        self._client: aiohttp.ClientSession

    async def open(self) -> None:
        """Read the secrets.

        Raises:
            OperatorError: one of them, or a certificate, can't be used.
        """
        files = {"secret_file": self._settings.secret_file}
        if self._settings.previous_secret_file is not None:
            files["previous_secret_file"] = self._settings.previous_secret_file
        self._keys = tuple(read_key(path, f"{self.name}.{key}") for key, path in files.items())
        tls = self._settings.tls.context(self.name)
        self._client = await self._stack.enter_async_context(web.session(tls))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._stack.aclose()

    async def send(self, message: Message) -> Outcome:
        """Try once."""

        async def post(progress: Progress) -> Outcome:
            reply = await web.ask(
                self._client,
                "POST",
                self._settings.url,
                body=body,
                headers=headers,
                progress=progress,
                limit=0,
            )
            return web.verdict(reply)

        body = payload(message)
        headers = signed(message.key, self._clock.now() // 1_000_000, body, self._keys)
        return await attempt(self.timeout, post)


def payload(message: Message) -> bytes:
    """What is sent: `type`, `timestamp` and `data`, as Standard Webhooks recommends."""
    data = said(message)
    whole = {"type": f"salvage.{message.kind}", "timestamp": data["at"], "data": data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def signed(key: str, at: int, body: bytes, secrets: tuple[bytes, ...]) -> dict[str, str]:
    """The headers of a message.

    Args:
        key: its idempotency key.
        at: seconds since 1970.
        body: what is sent.
        secrets: the present one first.
    """
    content = f"{key}.{at}.".encode() + body
    sums = (hmac.new(secret, content, hashlib.sha256).digest() for secret in secrets)
    return {
        "Content-Type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in sums),
    }


def read_key(path: Path, setting: str) -> bytes:
    """The secret in a file.

    Raises:
        OperatorError: it can't be used; the setting is named.
    """
    text = read_secret(path, setting).removeprefix(PREFIX)
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise OperatorError(f"{setting}: expected `{PREFIX}` and base64") from None
    if not LEAST_BYTES <= len(found) <= MOST_BYTES:
        raise OperatorError(f"{setting}: expected {LEAST_BYTES} to {MOST_BYTES} bytes in base64")
    return found
