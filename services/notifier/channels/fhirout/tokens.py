"""As whom we write: OAuth 2 client credentials, with a secret or with a signed assertion.

Sources: RFC 6749, 4.4 and 2.3.1; SMART App Launch 2.2, Backend Services: `private_key_jwt` with
RS384 or ES384, an assertion that lives for at most five minutes (H).
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from pydantic import Field, model_validator

from services.notifier.channels import web
from services.notifier.channels.contract import Outcome, Result, temporary
from services.notifier.channels.settings import File, Part, Url, read_secret
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from services.runtime.clock import Clock

LIFE: Final = 240
MARGIN: Final = 30
"""Seconds: a token is renewed before it ends."""
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS: Final = {"RSA": "RS384", "EC": "ES384"}


class Refused(Exception):  # noqa: N818 - a verdict
    """The server would not; the outcome says what that means."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def not_taken(outcome: Outcome) -> Outcome:
    """The same, of a question: whatever became of it, nothing was taken."""
    unsure = outcome.result is Result.UNKNOWN
    return outcome._replace(result=Result.TEMPORARY) if unsure else outcome


class Login(Part):
    """How we log in.

    Attributes:
        token_url: where tokens are given.
        client: our name there.
        client_secret_file: holds the secret; or
        key_file: our private key as a JWK with its id (`kid`), which signs an assertion.
    """

    token_url: Url
    client: str = Field(min_length=1, max_length=256)
    scope: str = Field(default="", max_length=1024)
    client_secret_file: File | None = None
    key_file: File | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.client_secret_file is None) is (self.key_file is None):
            raise ValueError("expected exactly one of client_secret_file and key_file")
        return self


class Tokens:
    """Asks for tokens, and keeps one as long as it lives."""

    def __init__(self, login: Login, clock: Clock, setting: str) -> None:
        """Read what proves who we are.

        Raises:
            OperatorError: the secret or the key can't be used.
        """
        self._login = login
        self._clock = clock
        self._secret: str | None = None
        self._key: RSAKey | ECKey | None = None
        if login.client_secret_file is not None:
            self._secret = read_secret(login.client_secret_file, f"{setting}.client_secret_file")
        if login.key_file is not None:
            self._key = _read_key(login.key_file, f"{setting}.key_file")
        self._token, self._until = "", 0

    def forget(self) -> None:
        """The token was refused: ask for another next time."""
        self._until = 0

    async def header(self, client: aiohttp.ClientSession) -> dict[str, str]:
        """The header that says who we are.

        Raises:
            Refused: no token is given.
        """
        if self._now() >= self._until:
            await self._renew(client)
        return {"Authorization": f"Bearer {self._token}"}

    async def _renew(self, client: aiohttp.ClientSession) -> None:
        form = {"grant_type": "client_credentials", "scope": self._login.scope}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._key is not None:
            form |= {"client_assertion_type": _ASSERTION, "client_assertion": self._assertion()}
        else:
            headers |= {"Authorization": f"Basic {self._basic()}"}
        body = urlencode({name: text for name, text in form.items() if text}).encode()
        reply = await web.ask(client, "POST", self._login.token_url, body=body, headers=headers)
        if (outcome := web.verdict(reply)).result is not Result.DELIVERED:
            raise Refused(not_taken(outcome)._replace(reason=f"oauth-{reply.status}"))
        self._keep(reply.body)

    def _keep(self, body: bytes) -> None:
        try:
            said = json.loads(body)
            token, life = said["access_token"], int(said.get("expires_in", 0))
            if not (token.isascii() and token.isprintable()):
                raise ValueError("not a token")  # noqa: TRY301 - as unreadable as the rest
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused(temporary("oauth-unreadable")) from None
        self._token, self._until = token, self._now() + max(0, life - MARGIN)

    def _basic(self) -> str:
        pair = f"{quote_plus(self._login.client)}:{quote_plus(self._secret or '')}"
        return base64.b64encode(pair.encode()).decode()

    def _assertion(self) -> str:
        assert self._key is not None  # noqa: S101 - the caller has looked
        now, algorithm = self._now(), _ALGORITHMS[self._key.key_type]
        head = {"alg": algorithm, "kid": self._key.kid, "typ": "JWT"}
        login = self._login
        claims: dict[str, Any] = {"iss": login.client, "sub": login.client, "aud": login.token_url}
        claims |= {"iat": now, "exp": now + LIFE, "jti": secrets.token_hex(16)}
        return jwt.encode(head, claims, self._key, algorithms=[algorithm])

    def _now(self) -> int:
        return self._clock.now() // 1_000_000


def _read_key(path: Path, setting: str) -> RSAKey | ECKey:
    try:
        said = json.loads(path.read_bytes())
        key = RSAKey.import_key(said) if said["kty"] == "RSA" else ECKey.import_key(said)
    except OSError as error:
        raise OperatorError(f"{setting}: cannot be read: {error.strerror}") from error
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise OperatorError(f"{setting}: not a JWK of RSA or EC") from error
    if not (key.is_private and key.kid):
        raise OperatorError(f"{setting}: expected a private key with an id (kid)")
    return key
