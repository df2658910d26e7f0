"""Bearer tokens: a JWT signed by a key that we were told of becomes a grant.

Sources: SMART App Launch 2.2, Backend Services (RS384 and ES384, `system/` scopes); RFC 7519 and
8725 for what to check (H). What a token's header says of where its key might be (`jku`, `x5u`,
`jwk`) is never followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry

from services.ingest.rest.access import Grant, scoped

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import ECKey, RSAKey
    from joserfc.jwt import ClaimsOption

ALGORITHMS: Final = ("RS384", "ES384")
LEEWAY: Final = 60
LONGEST_LIFE: Final = 3600 + LEEWAY
"""Seconds; SMART asks for at most an hour."""
LARGEST: Final = 8 * 1024
_MOST_SEEN: Final = 100_000
_NAME: Final = re.compile(r"[!-~]{1,200}")


class NotAllowed(Exception):  # noqa: N818 - a verdict
    """The caller is not let in; the text says why, and is for the log alone."""


class KeyStore(Protocol):
    """Gives keys by their ids."""

    async def find(self, number: str) -> RSAKey | ECKey | None:
        """The key with this id; None if there is none."""
        ...


@dataclass(slots=True)
class Tokens:
    """Checks tokens.

    Attributes:
        keys: that may sign.
        audience: who a token must be meant for: our address.
        issuer: who must have issued it, if that is fixed.
        once: whether a token may be used a single time (`jti`).
        now: the present, seconds since 1970.
    """

    keys: KeyStore
    audience: str
    now: Callable[[], int]
    issuer: str | None = None
    once: bool = False
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)

    async def grant(self, authorization: str) -> Grant:
        """Who is calling.

        Args:
            authorization: the header of that name.

        Raises:
            NotAllowed: nobody whom we would believe.
            Unavailable: no keys can be had at present.
        """
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not 0 < len(token) <= LARGEST:
            raise NotAllowed("no bearer token")
        claims = await self._claims(token.strip())
        source = claims.get("client_id") or claims.get("azp") or claims["sub"]
        if not isinstance(source, str) or not _NAME.fullmatch(source):
            raise NotAllowed("no name of a client")
        self._use(str(claims["iss"]), str(claims["jti"]), int(claims["exp"]))
        said = claims.get("scope")
        return scoped(source, said.split() if isinstance(said, str) else ())

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            number = extract_compact(token.encode()).headers().get("kid")
            key = await self.keys.find(number) if isinstance(number, str) else None
            if key is None:
                raise NotAllowed("signed with an unknown key")
            found = jwt.decode(token, key, algorithms=ALGORITHMS).claims
            self._registry().validate(found)
            lives = int(found["exp"]) - self.now()
        except (JoseError, ValueError, TypeError, OverflowError) as error:
            raise NotAllowed(type(error).__name__) from error
        if lives > LONGEST_LIFE:
            raise NotAllowed("it lives too long")
        return dict(found)

    def _registry(self) -> JWTClaimsRegistry:
        required: ClaimsOption = {"essential": True}
        return JWTClaimsRegistry(
            now=self.now,
            leeway=LEEWAY,
            aud={"essential": True, "value": self.audience},
            exp=required,
            iss={"essential": True, "value": self.issuer} if self.issuer else required,
            sub=required,
            jti=required,
        )

    def _use(self, issuer: str, number: str, until: int) -> None:
        """Note that a token was used.

        Raises:
            NotAllowed: it was before, or more tokens live than we can remember.
        """
        if not self.once:
            return
        now = self.now()
        if len(self._seen) >= _MOST_SEEN:
            self._seen = {key: end for key, end in self._seen.items() if end + LEEWAY >= now}
        if (issuer, number) in self._seen or len(self._seen) >= _MOST_SEEN:
            raise NotAllowed("used before")
        self._seen[issuer, number] = until
