"""The keys that sign tokens: a JWKS file, or one pinned address."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from services.ingest.polling.fetch import fetch
from services.runtime.errors import OperatorError, Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

Keys = dict[str, RSAKey | ECKey]
LARGEST: Final = 64 * 1024
FETCH_SECONDS: Final = 5.0
FRESH_SECONDS: Final = 600.0
AGAIN_SECONDS: Final = 30.0
"""An unknown key makes us look again, but not more often than this."""
LEAST_BITS: Final = 2048
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def read_keys(text: bytes) -> Keys:
    """The public keys of a JWKS by their ids. Symmetric keys are passed over.

    Raises:
        ValueError: it is no JWKS, or has no key that could be used.
    """
    try:
        listed = json.loads(text)["keys"]
        found = dict(filter(None, map(_key, listed)))
    except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a JWKS: {type(error).__name__}") from error
    if not found:
        raise ValueError("it has no RSA or EC key with an id (kid)")
    return found


def _key(entry: Mapping[str, Any]) -> tuple[str, RSAKey | ECKey] | None:
    number, kind = entry.get("kid"), entry.get("kty")
    if not isinstance(number, str) or entry.get("use", "sig") != "sig":
        return None
    if kind == "RSA":
        key = RSAKey.import_key(dict(entry))
        if key.public_key.key_size < LEAST_BITS:
            raise ValueError("a key that is too short")
        return number, key
    return (number, ECKey.import_key(dict(entry))) if kind == "EC" else None


class FileKeys:
    """Keys of a file, read once."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            OperatorError: it can't be used.
        """
        try:
            self._keys = read_keys(path.read_bytes())
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise OperatorError(f"--fhir-jwks: cannot be read: {reason}") from error
        except ValueError as error:
            raise OperatorError(f"--fhir-jwks: {error}") from error

    async def find(self, number: str) -> RSAKey | ECKey | None:
        """The key with this id."""
        return self._keys.get(number)


class PinnedKeys:
    """Keys of one address, which no token and no redirect can change."""

    def __init__(self, url: str) -> None:
        """Remember the address.

        Raises:
            OperatorError: it is neither https nor on this machine.
        """
        parts = urlsplit(url)
        here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not (parts.scheme == "https" and parts.hostname) and not here:
            raise OperatorError("--fhir-jwks: expected a file, or an address with https")
        self._url = url
        self._keys: Keys = {}
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, number: str) -> RSAKey | ECKey | None:
        """The key with this id; looks again if it is unknown or the keys are old.

        Raises:
            Unavailable: there are no keys at all to look at.
        """
        async with self._lock:
            now = time.monotonic()
            old = now - self._fetched > FRESH_SECONDS or number not in self._keys
            if old and now - self._tried > AGAIN_SECONDS:
                self._tried = now
                await self._fetch(now)
        if not self._keys:
            raise Unavailable("the keys of the tokens cannot be had")
        return self._keys.get(number)

    async def _fetch(self, now: float) -> None:
        try:
            async with aiohttp.ClientSession(trust_env=False) as session:
                got = await fetch(session, self._url, limit=LARGEST, seconds=FETCH_SECONDS)
            # What is no JWKS, a redirect or a page for instance, leaves the old keys in use.
            self._keys, self._fetched = read_keys(got.body), now
        except (Unavailable, ValueError) as error:
            logger().error("no keys", extra={"detail": place_of(error)})


def keys_of(where: str) -> FileKeys | PinnedKeys:
    """The keys of a file or of an address.

    Raises:
        OperatorError: neither can be used.
    """
    return PinnedKeys(where) if "://" in where else FileKeys(Path(where))
