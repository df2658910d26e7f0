"""Whose calls are answered: a record's software that signs them with a key that we were told of.

Sources: CDS Hooks 2.0, "Trusting CDS Clients" (H): a JWT signed with ES384 or RS384 that has `iss`,
`aud` (the endpoint that is called), `exp`, `iat` and `jti`, and is used once; RFC 8725. Where a
token's header says a key might be (`jku`) is never asked: keys come from files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import extract_compact
from joserfc.jwt import JWTClaimsRegistry
from pydantic import Field

from services.notifier.channels.settings import File, Part
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ALGORITHMS: Final = ("ES384", "RS384")
LEEWAY: Final = 60
LONGEST_LIFE: Final = 300 + LEEWAY
"""Seconds; CDS Hooks asks for at most five minutes."""
LARGEST: Final = 8 * 1024
_MOST_SEEN: Final = 100_000

Keys = dict[str, RSAKey | ECKey]


class Client(Part):
    """Software that may ask.

    Attributes:
        issuer: `iss` of its tokens.
        keys_file: its public keys, a JWKS.
    """

    issuer: str = Field(min_length=1, max_length=256)
    keys_file: File


class NotTrusted(Exception):  # noqa: N818 - a verdict
    """Nobody whom we would answer; the text says why, and is for the log alone."""


class Trust:
    """Knows the callers."""

    def __init__(self, clients: Mapping[str, Keys], now: Callable[[], int]) -> None:
        """Wire.

        Args:
            clients: of each issuer its keys by their ids.
            now: the present, seconds since 1970.
        """
        self._clients = clients
        self._now = now
        self._seen: dict[tuple[str, str], int] = {}

    def caller(self, authorization: str, endpoint: str) -> str:
        """Who calls.

        Args:
            authorization: the header of that name.
            endpoint: the address that is called, as callers know it.

        Raises:
            NotTrusted: nobody whom we would answer.
        """
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not 0 < len(token) <= LARGEST:
            raise NotTrusted("no bearer token")
        claims = self._claims(token.strip(), endpoint)
        self._use(str(claims["iss"]), str(claims["jti"]), int(claims["exp"]))
        return str(claims["iss"])

    def _claims(self, token: str, endpoint: str) -> dict[str, Any]:
        why = "signed with an unknown key"
        for issuer, keys in self._clients.items():
            try:
                number = extract_compact(token.encode()).headers().get("kid")
                if not isinstance(number, str) or number not in keys:
                    continue
                claims = jwt.decode(token, keys[number], algorithms=[*ALGORITHMS]).claims
                if claims.get("iss") == issuer:
                    return self._valid(claims, endpoint)
            except (JoseError, ValueError, TypeError, KeyError, OverflowError) as error:
                why = type(error).__name__
        raise NotTrusted(why)

    def _valid(self, claims: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
        JWTClaimsRegistry(
            now=self._now,
            leeway=LEEWAY,
            aud={"essential": True, "value": endpoint},
            iss={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            jti={"essential": True},
        ).validate(dict(claims))
        if int(claims["exp"]) - self._now() > LONGEST_LIFE:
            raise NotTrusted("it lives too long")
        return dict(claims)

    def _use(self, issuer: str, number: str, until: int) -> None:
        now = self._now()
        if len(self._seen) >= _MOST_SEEN:
            self._seen = {key: end for key, end in self._seen.items() if end + LEEWAY >= now}
        if (issuer, number) in self._seen or len(self._seen) >= _MOST_SEEN:
            raise NotTrusted("used before")
        self._seen[issuer, number] = until


def keys_of(clients: Sequence[Client], setting: str) -> dict[str, Keys]:
    """The keys of each issuer.

    Raises:
        OperatorError: a file can't be used.
    """
    return {one.issuer: _keys(one.keys_file, f"{setting}.clients.keys_file") for one in clients}


def _keys(path: Path, setting: str) -> Keys:
    try:
        listed = json.loads(path.read_bytes())["keys"]
        found = {str(one["kid"]): _key(one) for one in listed if one.get("kty") in ("RSA", "EC")}
    except OSError as error:
        raise OperatorError(f"{setting}: cannot be read: {error.strerror}") from error
    except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise OperatorError(f"{setting}: not a JWKS whose keys have ids (kid)") from error
    if not found:
        raise OperatorError(f"{setting}: it has no RSA or EC key")
    return found


def _key(said: dict[str, Any]) -> RSAKey | ECKey:
    return RSAKey.import_key(said) if said["kty"] == "RSA" else ECKey.import_key(said)
