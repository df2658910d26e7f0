"""Sign-in by OpenID Connect: authorization code with PKCE, checked as the standards ask.

Sources: OpenID Connect Core 1.0, 3.1.3.7 (checks of the ID token); RFC 7636 (S256); RFC 9207 (`iss`
in the answer, against mix-up); RFC 9068 (access tokens); RFC 9700; ASVS 5.0, 10.2 to 10.5 (H);
OpenID Connect Back-Channel Logout 1.0, 2.6 (H); what it asks of the claims is in `logout`. The
algorithms are pinned; neither `none` nor a shared secret is among them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry
from pydantic import ValidationError

from schemas.base import Model, Text
from services.notifier.channels.settings import read_secret
from services.notifier.inbox.access.people import Identity
from services.notifier.inbox.access.provider import Published, object_of
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from joserfc.jwk import KeySet

    from services.notifier.inbox.access.settings import Provider
    from services.runtime.clock import Clock

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
LEEWAY: Final = 60
BACK: Final = "/sign-in/back"
"""Where the provider sends people back to."""
_ID: Final = frozenset({"", "jwt"})
_ACCESS: Final = frozenset({"at+jwt", "application/at+jwt"})
_LOGOUT: Final = frozenset({"logout+jwt", "application/logout+jwt"})
"""What a token says that it is: one that was made for signing in opens nothing to a program."""
_LARGEST_TOKEN: Final = 8 * 1024


class NotSignedIn(Exception):  # noqa: N818 - a verdict
    """Nobody whom we would let in; the text says why, and holds nothing of what was sent."""


class Begun(Model):
    """What has to be remembered until somebody comes back."""

    state: Text
    nonce: Text
    verifier: Text


class OpenIdDoor:
    """Lets in whom the house's provider vouches for."""

    def __init__(self, settings: Provider, public: str, clock: Clock) -> None:
        """Read our secret.

        Raises:
            OperatorError: a file can't be used.
        """
        self._settings, self._clock = settings, clock
        self._back = public + BACK
        self._published = Published(settings, clock)
        file = settings.client_secret_file
        self._secret = None if file is None else read_secret(file, "provider.client_secret_file")

    async def begin(self) -> tuple[str, Begun]:
        """Where to send somebody, and what to remember.

        Raises:
            Unavailable: the provider can't be asked.
        """
        about, _ = await self._published.known()
        begun = Begun(
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
        )
        asked = {
            "response_type": "code",
            "client_id": self._settings.client,
            "redirect_uri": self._back,
            "scope": self._settings.scope,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        return f"{about['authorization_endpoint']}?{urlencode(asked)}", begun

    async def finish(self, begun: Begun, query: Mapping[str, str]) -> Identity:
        """Who came back.

        Args:
            begun: what was remembered.
            query: of the address that the provider sent them to.

        Raises:
            NotSignedIn: nobody whom we would let in.
            Unavailable: the provider can't be asked.
        """
        if not secrets.compare_digest(query.get("state", "").encode(), begun.state.encode()):
            raise NotSignedIn("the answer belongs to another sign-in")
        if query.get("iss", self._settings.issuer) != self._settings.issuer:
            raise NotSignedIn("the answer is another provider's")
        if not query.get("code"):
            raise NotSignedIn("the provider refused")
        token = await self._exchange(query["code"], begun.verifier)
        return self._identity(await self._claims(token, begun.nonce))

    async def vouched(self, token: str) -> Identity:
        """Whose access token it is.

        Raises:
            NotSignedIn: nobody's whom we would answer; an ID token is none.
            Unavailable: the provider can't be asked.
        """
        audience = self._settings.audience
        if audience is None or len(token) > _LARGEST_TOKEN:
            raise NotSignedIn("programs come with the cookie")
        return self._identity(await self._verified(token, audience, _ACCESS))

    async def ended(self, token: str) -> dict[str, Any]:
        """What the provider says of a sign-in that is over.

        Raises:
            NotSignedIn: it isn't the provider who says so, or not to us, or not now.
            Unavailable: the provider can't be asked.
        """
        if not token or len(token) > _LARGEST_TOKEN:
            raise NotSignedIn("expected a token")
        return await self._verified(token, self._settings.client, _LOGOUT, needs="jti")

    # -- what the provider is asked

    async def _exchange(self, code: str, verifier: str) -> str:
        about, _ = await self._published.known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._settings.client,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self._proof()}
        reply = await self._published.ask(
            "POST", about["token_endpoint"], urlencode(form).encode(), headers
        )
        if reply.status >= 500:  # noqa: PLR2004 - HTTP's classes
            raise Unavailable("the identity provider failed")
        token = object_of(reply.body).get("id_token") if reply.status == 200 else None  # noqa: PLR2004
        if not isinstance(token, str):
            raise NotSignedIn("the provider gave no token")
        return token

    def _proof(self) -> dict[str, str]:
        """RFC 6749, 2.3.1: both parts are encoded as in forms before they are joined."""
        if self._secret is None:
            return {}
        pair = f"{quote_plus(self._settings.client)}:{quote_plus(self._secret)}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    # -- what it says

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        client = self._settings.client
        claims = await self._verified(token, client, _ID)
        said = str(claims.get("nonce", ""))
        if not secrets.compare_digest(said.encode(), nonce.encode()):
            raise NotSignedIn("the token belongs to another sign-in")
        if claims.get("azp", client) != client:
            raise NotSignedIn("the token was made for another application")
        return claims

    async def _verified(
        self, token: str, audience: str, kinds: frozenset[str], needs: str = "sub"
    ) -> dict[str, Any]:
        """What a token says, if it is one of these kinds, made for an audience, and signed."""
        _, keys = await self._published.known()
        try:
            return self._read(token, keys, audience, kinds, needs)
        except NotSignedIn:  # perhaps it has new keys
            _, keys = await self._published.known(anew=True)
            return self._read(token, keys, audience, kinds, needs)

    def _read(
        self, token: str, keys: KeySet, audience: str, kinds: frozenset[str], needs: str
    ) -> dict[str, Any]:
        needed: dict[str, Any] = {needs: {"essential": True}}
        registry = JWTClaimsRegistry(
            now=lambda: self._clock.now() // 1_000_000,
            leeway=LEEWAY,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            **needed,
        )
        try:
            found = jwt.decode(token, keys, algorithms=[*ALGORITHMS])
            registry.validate(found.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotSignedIn(f"the token is not valid: {type(error).__name__}") from None
        if str(found.header.get("typ", "")).lower() not in kinds:
            raise NotSignedIn("the token is of another kind")
        return dict(found.claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        settings = self._settings
        groups = claims.get(settings.groups_claim, [])
        listed = groups if isinstance(groups, list) else [groups]
        roles = {settings.roles[one] for one in listed if one in settings.roles}
        if not roles:
            raise NotSignedIn("none of their groups has a role here")
        name = claims.get(settings.name_claim) or claims["sub"]
        try:
            return Identity(
                issuer=settings.issuer,
                subject=claims["sub"],
                name=name,
                member=claims.get(settings.member_claim),
                roles=tuple(sorted(roles)),
                session=claims.get("sid"),
            )
        except ValidationError:
            raise NotSignedIn("the token's claims can't be used") from None


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
