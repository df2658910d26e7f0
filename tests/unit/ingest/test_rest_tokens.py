"""Tokens: what is believed and what is not; what a token says of its own key is not followed."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from services.ingest.rest.access import scoped
from services.ingest.rest.keys import FileKeys, keys_of, read_keys
from services.ingest.rest.tokens import NotAllowed, Tokens
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from services.ingest.rest.access import Grant

NOW = 1_800_000_000
US = "https://salvage.example/fhir"
ECDSA = ECKey.generate_key("P-384", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER = ECKey.generate_key("P-384", {"kid": "ec"})
JWKS = {"keys": [ECDSA.as_dict(private=False), RSA.as_dict(private=False)]}
SCOPE = "system/Observation.cu system/Patient.c"


def token(key: Any = ECDSA, header: dict[str, Any] | None = None, **claims: object) -> str:
    """A token; a claim that is None is left out."""
    usual: dict[str, object] = {
        "iss": "https://auth.example",
        "sub": "lab",
        "aud": US,
        "exp": NOW + 300,
        "iat": NOW,
        "jti": "1",
        "scope": SCOPE,
    }
    said = {name: value for name, value in (usual | claims).items() if value is not None}
    algorithm = {"EC": "ES384", "RSA": "RS384"}[key.key_type]
    head = {"alg": algorithm, "kid": key.kid} | (header or {})
    return jwt.encode(head, said, key, algorithms=[head["alg"]])


def text(header: dict[str, str]) -> str:
    return urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(JWKS))
    return FileKeys(path)


@pytest.fixture
def tokens(keys: FileKeys) -> Tokens:
    return Tokens(keys, US, now=lambda: NOW)


def asked(tokens: Tokens, text: str) -> Grant:
    return asyncio.run(tokens.grant(f"Bearer {text}"))


@pytest.mark.parametrize("key", [ECDSA, RSA])
def test_a_signed_token_grants_what_its_scopes_say(tokens: Tokens, key: Any) -> None:
    grant = asked(tokens, token(key))
    assert grant.source == "lab"
    assert grant.permits("Observation", "c")
    assert grant.permits("Observation", "u")
    assert not grant.permits("Patient", "u")
    assert not grant.permits("Condition", "c")


def test_the_client_goes_before_the_subject(tokens: Tokens) -> None:
    assert asked(tokens, token(client_id="ehr")).source == "ehr"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "soon"},
        {"exp": NOW + 2 * 3600},
        {"nbf": NOW + 120},
        {"iat": NOW + 120},
        {"jti": None},
        {"iss": None},
        {"sub": None},
        {"client_id": "two words"},
        {"client_id": ["lab"]},
    ],
)
def test_a_token_for_somebody_else_or_of_another_time_is_not(
    tokens: Tokens, claims: dict[str, Any]
) -> None:
    with pytest.raises(NotAllowed):
        asked(tokens, token(**claims))


def test_a_token_signed_by_somebody_else_is_not(tokens: Tokens) -> None:
    for wrong in (
        token(OTHER),
        token(header={"kid": "unknown"}),
        token()[:-8] + "AAAAAAAA",
        "a.b.c",
        "x" * 9000,
        "",
    ):
        with pytest.raises(NotAllowed):
            asked(tokens, wrong)


def test_what_a_token_says_of_its_key_is_not_followed(tokens: Tokens) -> None:
    """Its own key in its header, and a shared secret made of our public one: both known attacks."""
    mine = {"jwk": OTHER.as_dict(private=False)}
    with pytest.raises(NotAllowed):
        asked(tokens, token(OTHER, mine))
    body = token().split(".")[1]
    forged = f"{text({'alg': 'HS384', 'kid': 'rsa'})}.{body}"
    signature = hmac.digest(RSA.as_pem(private=False), forged.encode(), "sha384")
    unsigned = f"{text({'alg': 'none', 'kid': 'rsa'})}.{body}."
    for wrong in (f"{forged}.{urlsafe_b64encode(signature).decode().rstrip('=')}", unsigned):
        with pytest.raises(NotAllowed):
            asked(tokens, wrong)


def test_other_schemes_are_not(tokens: Tokens) -> None:
    for header in ("", "Bearer", f"Basic {token()}", f"Bearer  {token()} x"):
        with pytest.raises(NotAllowed):
            asyncio.run(tokens.grant(header))


def test_an_issuer_may_be_fixed(keys: FileKeys) -> None:
    tokens = Tokens(keys, US, now=lambda: NOW, issuer="https://auth.example")
    assert asked(tokens, token()).source == "lab"
    with pytest.raises(NotAllowed):
        asked(tokens, token(iss="https://other.example"))


def test_a_token_may_be_good_for_once_only(keys: FileKeys) -> None:
    tokens = Tokens(keys, US, now=lambda: NOW, once=True)
    asked(tokens, token())
    asked(tokens, token(jti="2"))
    with pytest.raises(NotAllowed, match="used before"):
        asked(tokens, token())
    usual = Tokens(keys, US, now=lambda: NOW)
    assert asked(usual, token()) == asked(usual, token())


@pytest.mark.parametrize(
    ("scopes", "kind", "letter", "granted"),
    [
        ("system/*.cruds", "Patient", "c", True),
        ("system/*.write", "Patient", "u", True),
        ("system/*.*", "Patient", "u", True),
        ("system/Patient.rs", "Patient", "c", False),
        ("system/Patient.read", "Patient", "c", False),
        ("user/*.cruds", "Patient", "c", False),
        ("patient/Patient.cruds", "Patient", "c", False),
        ("system/Patient.c?name=x", "Patient", "c", False),
        ("system/Patient.uc", "Patient", "c", False),
        ("", "Patient", "c", False),
    ],
)
def test_only_the_scopes_of_backends_count(
    scopes: str, kind: str, letter: str, *, granted: bool
) -> None:
    assert scoped("lab", scopes.split()).permits(kind, letter) is granted


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b"[]",
        b"<html>",
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}',
        b'{"keys": [{"kty": "RSA", "kid": "a"}]}',
    ],
)
def test_what_is_no_set_of_keys_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"JWKS|no RSA or EC key"):
        read_keys(text)


def test_a_short_key_is_refused() -> None:
    with pytest.warns(SecurityWarning):
        short = RSAKey.generate_key(1024, {"kid": "a"}).as_dict(private=False)
    with pytest.warns(SecurityWarning), pytest.raises(ValueError, match="JWKS"):
        read_keys(json.dumps({"keys": [short]}).encode())


@pytest.mark.parametrize("where", ["http://keys.example/jwks", "ftp://keys.example", "none.json"])
def test_keys_come_from_a_file_or_by_tls(where: str) -> None:
    with pytest.raises(OperatorError, match="--fhir-jwks"):
        keys_of(where)
