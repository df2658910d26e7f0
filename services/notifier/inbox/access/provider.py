"""What an OpenID provider publishes of itself, asked over HTTP, and kept for an hour.

Source: OpenID Connect Discovery 1.0, 4 (H). Nothing is followed elsewhere: a redirect is a refusal.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.notifier.channels import web
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from services.notifier.inbox.access.settings import Provider
    from services.runtime.clock import Clock

_LARGEST: Final = 256 * 1024
_KEPT: Final = 3600
_AGAIN: Final = 60
"""Seconds: how long what the provider published is believed; how soon it may be asked again."""


class Published:
    """The provider, as it publishes itself."""

    def __init__(self, settings: Provider, clock: Clock) -> None:
        """Nothing is asked yet.

        Raises:
            OperatorError: a file of TLS can't be used.
        """
        self._settings, self._clock = settings, clock
        self._tls = settings.tls.context("provider")
        self._kept: tuple[int, dict[str, Any], KeySet] | None = None

    async def known(self, *, anew: bool = False) -> tuple[dict[str, Any], KeySet]:
        """Its document and its keys; asked again once an hour, or anew at most once a minute.

        Raises:
            Unavailable: it can't be asked, or says that it is another.
        """
        now = self._clock.now() // 1_000_000
        if self._kept is not None:
            since, about, keys = self._kept
            if now - since < (_AGAIN if anew else _KEPT):
                return about, keys
        issuer = self._settings.issuer.rstrip("/")
        about = await self._at(f"{issuer}/.well-known/openid-configuration")
        if about.get("issuer") != self._settings.issuer:
            raise Unavailable("the identity provider publishes another issuer")
        keys = _key_set(await self._at(str(about.get("jwks_uri"))))
        self._kept = (now, about, keys)
        return about, keys

    async def _at(self, url: str) -> dict[str, Any]:
        reply = await self.ask("GET", url)
        if reply.status != 200:  # noqa: PLR2004 - HTTP's word for yes
            raise Unavailable("the identity provider doesn't publish itself")
        return object_of(reply.body)

    async def ask(
        self, method: str, url: str, body: bytes | None = None, headers: Any = None
    ) -> web.Reply:
        """One exchange with the provider.

        Raises:
            Unavailable: it doesn't answer.
        """
        try:
            async with asyncio.timeout(self._settings.timeout), web.session(self._tls) as client:
                return await web.ask(
                    client, method, url, body=body, headers=headers, limit=_LARGEST
                )
        except (ConnectionError, TimeoutError) as error:
            raise Unavailable("the identity provider doesn't answer") from error


def object_of(body: bytes) -> dict[str, Any]:
    """What an answer of the provider holds.

    Raises:
        Unavailable: it is no JSON object.
    """
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable("the identity provider's answer can't be read")
    return found


def _key_set(said: dict[str, Any]) -> KeySet:
    """Its keys for signatures; those of kinds that we don't know are left out."""
    listed = said.get("keys")
    known = [one for one in listed or [] if one.get("kty") in ("RSA", "EC")]
    try:
        return KeySet.import_key_set({"keys": known})
    except (JoseError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise Unavailable("the identity provider's keys can't be read") from error
