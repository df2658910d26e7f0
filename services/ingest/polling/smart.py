"""As whom we ask a server: SMART's backend services.

Source: SMART App Launch 2.2, Backend Services: `client_credentials` with a signed assertion
(`private_key_jwt`, RS384 or ES384), and a token that lives for minutes (H).
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from services.ingest.polling.fetch import read_capped
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS: Final = 10.0
LARGEST: Final = 64 * 1024
LIFE: Final = 240
"""Seconds for which an assertion holds; SMART allows five minutes."""
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS: Final = {"RSA": "RS384", "EC": "ES384"}


def read_key(path: Path) -> RSAKey | ECKey:
    """Our private key, a JWK with its id (`kid`).

    Raises:
        OperatorError: it can't be used.
    """
    try:
        said = json.loads(path.read_bytes())
        key = RSAKey.import_key(said) if said["kty"] == "RSA" else ECKey.import_key(said)
        if not (key.is_private and key.kid):
            raise OperatorError("--fhir-poll-key: expected a private key with an id (kid)")
    except OSError as error:
        raise OperatorError(f"--fhir-poll-key: cannot be read: {error.strerror}") from error
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise OperatorError("--fhir-poll-key: not a JWK of RSA or EC") from error
    return key


class BackendService:
    """Asks for tokens, and keeps one as long as it lives."""

    def __init__(
        self, url: str, client: str, key: RSAKey | ECKey, scope: str, now: Callable[[], int]
    ) -> None:
        """Wire.

        Args:
            url: where tokens are given; nothing else is asked.
            client: our name there.
            key: our private key.
            scope: what we want to do.
            now: the present, seconds since 1970.
        """
        self._url = url
        self._client = client
        self._key = key
        self._scope = scope
        self._now = now
        self._token, self._until = "", 0

    async def header(self) -> dict[str, str]:
        """The header that says who asks.

        Raises:
            Unavailable: no token is given.
        """
        if self._now() >= self._until:
            await self._renew()
        return {"Authorization": f"Bearer {self._token}"}

    async def _renew(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "scope": self._scope,
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(),
        }
        said = await self._asked(form)
        token, life = said.get("access_token"), said.get("expires_in", 0)
        if not isinstance(token, str) or not token.isprintable() or not isinstance(life, int):
            raise Unavailable("no token is given")
        # Renewed before it ends; one of unknown life is good for one poll.
        self._token, self._until = token, self._now() + max(0, life - 30)

    def _assertion(self) -> str:
        now, algorithm = self._now(), _ALGORITHMS[self._key.key_type]
        head = {"alg": algorithm, "kid": self._key.kid, "typ": "JWT"}
        claims: dict[str, Any] = {"iss": self._client, "sub": self._client, "aud": self._url}
        claims |= {"iat": now, "exp": now + LIFE, "jti": secrets.token_hex(16)}
        return jwt.encode(head, claims, self._key, algorithms=[algorithm])

    async def _asked(self, form: dict[str, str]) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, trust_env=False) as session,
                session.post(self._url, data=form, allow_redirects=False) as response,
            ):
                if response.status != 200:  # noqa: PLR2004 - the only good one
                    raise Unavailable(f"no token is given: {response.status}")
                said = json.loads(await read_capped(response, LARGEST))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Unavailable(f"no token is given: {type(error).__name__}") from error
        if not isinstance(said, dict):
            raise Unavailable("no token is given")
        return said
