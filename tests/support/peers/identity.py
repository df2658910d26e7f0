"""An OpenID provider on this machine: it publishes itself, sends people back, and signs tokens.

It checks what a provider must: the client, the address to go back to, the code, used once, and the
proof of PKCE. What it signs can be spoiled by a test.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT, SECRET = "salvage-watch", "s3cret/+ of the tests"
AUDIENCE = "salvage-watch-api"
_BACK: Final = "/sign-in/back"


class Identities:
    """The provider.

    Attributes:
        claims: of whoever signs in next, beside the usual ones; None takes a usual one away.
        algorithm: with which the next token is signed.
        answer: beside code and state, in the address to go back to.
        asked: how often its keys were asked for.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        self.claims: dict[str, Any] = {}
        self.answer: dict[str, str] = {}
        self.algorithm = "ES256"
        self.asked = 0
        self.issuer = ""
        self.key = ECKey.generate_key("P-256", {"kid": "first"})
        self.published = [self.key]
        self._codes: dict[str, dict[str, str]] = {}

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def keys(self) -> dict[str, Any]:
        self.asked += 1
        return {"keys": [{**one.as_dict(private=False), "use": "sig"} for one in self.published]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where a browser is sent back to; whoever asks is somebody at once."""
        assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
        assert query["code_challenge_method"] == "S256"
        assert query["redirect_uri"].endswith(_BACK)
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(8)
        self._codes[code] = query
        said = {"code": code, "state": query["state"], **self.answer}
        return f"{query['redirect_uri']}?{urlencode(said)}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """What a code is worth; None for nothing."""
        begun = self._codes.pop(form.get("code", ""), None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if begun is None or dict(parse_qsl(f"pair={pair}")) != dict(parse_qsl(f"pair={_PAIR}")):
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (proof, form["redirect_uri"]) != (begun["code_challenge"], begun["redirect_uri"]):
            return None
        return {"token_type": "Bearer", "id_token": self._signed(begun["nonce"])}

    def access(self, typ: str = "at+jwt", **claims: Any) -> str:
        """An access token for a program."""
        usual = {"iss": self.issuer, "aud": AUDIENCE, "sub": "0815", "iat": self.now}
        said = {**usual, "exp": self.now + 300, **self.claims, **claims}
        header = {"alg": "ES256", "kid": self.key.kid, "typ": typ}
        return jwt.encode(header, said, self.key, algorithms=["ES256"])

    def farewell(self, typ: str = "logout+jwt", **claims: Any) -> str:
        """A logout token: of the subject, unless a test says otherwise; None takes a claim away."""
        usual = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "0815",
            "iat": self.now,
            "exp": self.now + 120,
            "jti": secrets.token_urlsafe(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        said = {name: one for name, one in {**usual, **claims}.items() if one is not None}
        header = {"alg": "ES256", "kid": self.key.kid, "typ": typ}
        return jwt.encode(header, said, self.key, algorithms=["ES256"])

    def _signed(self, nonce: str) -> str:
        usual = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "0815",
            "nonce": nonce,
            "iat": self.now,
            "exp": self.now + 300,
        }
        claims = {name: one for name, one in {**usual, **self.claims}.items() if one is not None}
        if self.algorithm == "none":
            return f"{_part({'alg': 'none'})}.{_part(claims)}."
        shared = OctKey.import_key(SECRET)
        key = shared if self.algorithm == "HS256" else self.key
        header = {"alg": self.algorithm, "kid": self.key.kid}
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])


_PAIR: Final = f"{CLIENT}:s3cret%2F%2B+of+the+tests"


def _part(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


@contextmanager
def identities(now: int) -> Iterator[Identities]:
    """A provider that lives in seconds since 1970, until the end of the block."""
    provider = Identities(now)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(provider: Identities) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            match parts.path:
                case "/.well-known/openid-configuration":
                    self._say(provider.document())
                case "/keys":
                    self._say(provider.keys())
                case "/authorize":
                    self.send_response(302)
                    where = provider.authorize(dict(parse_qsl(parts.query)))
                    self.send_header("Location", where)
                    self.end_headers()
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = provider.token(dict(parse_qsl(body)), self.headers.get("Authorization", ""))
            self._say(found or {"error": "invalid_grant"}, 200 if found else 400)

        def _say(self, said: dict[str, Any], status: int = 200) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: tests say what they saw."""

    return Handler
