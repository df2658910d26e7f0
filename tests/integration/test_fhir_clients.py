"""Others' software and ours: a FHIR client library posts to us; we ask as SMART wants it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, OperationOutcome
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from support.fhir import JANE_ID, encoded, psa
from support.mllp import HERE
from support.rest import receiving, taken

from services.ingest.polling.smart import LIFE, BackendService, read_key
from services.ingest.rest.doors import TokenDoor
from services.ingest.rest.keys import FileKeys
from services.ingest.rest.tokens import Tokens
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000


def bundle(kind: str, *resources: dict[str, Any]) -> dict[str, Any]:
    """A Bundle as a program makes it, without our help."""
    entries = [
        {
            "fullUrl": f"urn:uuid:00000000-0000-4000-8000-00000000000{number}",
            "resource": json.loads(encoded(resource)),
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for number, resource in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def test_a_client_library_of_another_project_posts_bundles(tmp_path: Path) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "jane",
        "identifier": [{"system": "urn:oid:1.2.3", "value": "12345"}],
        "birthDate": "1960-02-29",
    }
    near = psa(subject={"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"})

    async def work(port: int) -> None:
        client = AsyncFHIRClient(f"http://{HERE}:{port}")
        answer = await client.execute("", method="POST", data=bundle("transaction", patient, near))
        assert answer["type"] == "transaction-response"
        assert [entry["response"]["status"] for entry in answer["entry"]] == ["200 OK", "200 OK"]
        answer = await client.execute("", method="POST", data=bundle("batch", psa(id="b")))
        assert answer["type"] == "batch-response"
        about = await client.execute("metadata", method="GET")
        assert about["fhirVersion"] == "4.0.1"
        wrong = bundle("transaction", patient, psa(status="finalx"))
        with pytest.raises(OperationOutcome, match="bad_status"):
            await client.execute("", method="POST", data=wrong)

    with receiving(tmp_path) as listener:
        asyncio.run(work(listener.port))
    events, refused = taken(tmp_path)
    assert {event.patient_id for event in events} == {JANE_ID}
    assert sorted(event.type for event in events) == ["observation", "observation", "patient"]
    assert refused == ["bad_status"]


# --- We ask, as a backend service -----------------------------------------------------------------


class Authorization:
    """An authorization server: checks the assertion and gives a token that our own door takes."""

    def __init__(self, key: RSAKey | ECKey, ours: ECKey, life: int = 300) -> None:
        self.key, self.ours, self.life, self.url = key, ours, life, ""
        self.seen: list[str] = []

    async def give(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["grant_type"] == "client_credentials"
        assert str(form["client_assertion_type"]).endswith("jwt-bearer")
        said = jwt.decode(str(form["client_assertion"]), self.key, algorithms=["RS384", "ES384"])
        claims = said.claims
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("salvage", "salvage", self.url)
        assert 0 < claims["exp"] - claims["iat"] <= LIFE
        assert claims["jti"] not in self.seen
        self.seen.append(claims["jti"])
        body = {"iss": "auth", "sub": "salvage", "aud": "us", "exp": NOW + 60, "jti": "1"}
        token = jwt.encode({"alg": "ES384", "kid": "o"}, body, self.ours, algorithms=["ES384"])
        return web.json_response({"access_token": token, "expires_in": self.life})


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_we_ask_as_a_backend_service(tmp_path: Path, kind: str) -> None:
    made = {"RSA": (RSAKey, 2048), "EC": (ECKey, "P-384")}[kind]
    key = made[0].generate_key(made[1], {"kid": "k"})  # type: ignore[attr-defined]
    ours = ECKey.generate_key("P-384", {"kid": "o"})
    (tmp_path / "key.json").write_text(json.dumps(key.as_dict(private=True)))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [ours.as_dict(private=False)]}))
    authorization = Authorization(key, ours)
    clock = [NOW]

    async def work() -> None:
        app = web.Application()
        app.router.add_post("/token", authorization.give)
        async with TestServer(app) as server:
            authorization.url = url = str(server.make_url("/token"))
            asking = BackendService(
                url, "salvage", read_key(tmp_path / "key.json"), "system/*.rs", lambda: clock[0]
            )
            first = await asking.header()
            assert await asking.header() == first
            clock[0] += 290
            await asking.header()
            assert len(authorization.seen) == 2, "renewed before it ends"
            door = TokenDoor(Tokens(FileKeys(tmp_path / "jwks.json"), "us", now=lambda: NOW))
            request = type("Request", (), {"headers": _Headers(first)})()
            assert (await door.grant(request)).source == "salvage"

    asyncio.run(work())


class _Headers(dict[str, str]):
    def getall(self, name: str, default: list[str]) -> list[str]:
        return [self[name]] if name in self else default


def test_without_a_token_nobody_is_asked() -> None:
    key = ECKey.generate_key("P-384", {"kid": "k"})
    answers: list[web.Response] = [
        web.Response(status=400, text="SECRET"),
        web.Response(text="SECRET"),
        web.json_response({"access_token": 7}),
        web.json_response([]),
        web.Response(status=302, headers={"Location": "/token"}),
    ]

    async def work() -> None:
        app = web.Application()

        async def give(_: web.Request) -> web.Response:
            return answers.pop()

        app.router.add_post("/token", give)
        async with TestServer(app) as server:
            url = str(server.make_url("/token"))
            asking = BackendService(url, "salvage", key, "system/*.rs", lambda: NOW)
            while answers:
                with pytest.raises(Unavailable) as error:
                    await asking.header()
                assert "SECRET" not in str(error.value)

    asyncio.run(work())


@pytest.mark.parametrize("text", ["", "{}", '{"kty":"oct"}', "PUBLIC"])
def test_a_key_that_cannot_sign_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    public = ECKey.generate_key("P-384", {"kid": "k"}).as_dict(private=False)
    path.write_text(json.dumps(public) if text == "PUBLIC" else text)
    with pytest.raises(OperatorError, match="--fhir-poll-key"):
        read_key(path)
    with pytest.raises(OperatorError, match="--fhir-poll-key"):
        read_key(tmp_path / "none")


def test_the_library_is_refused_without_a_token(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-384", {"kid": "o"})
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    door = TokenDoor(Tokens(FileKeys(tmp_path / "jwks.json"), "us", now=lambda: NOW))

    async def work(port: int) -> None:
        client = AsyncFHIRClient(f"http://{HERE}:{port}", authorization="Bearer x")
        with pytest.raises(AuthorizationError):
            await client.execute("", method="POST", data=bundle("batch", psa()))

    with receiving(tmp_path, door=door) as listener:
        asyncio.run(work(listener.port))
