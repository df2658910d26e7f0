"""A record that speaks FHIR: it does what a CapabilityStatement says, and nothing else."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote_plus

from aiohttp import web
from joserfc import jwt

from support.messages import PATIENT
from support.peers import Arrived, Peer
from support.peers.web import mannered, opened, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from joserfc.jwk import ECKey

Json = dict[str, Any]

STATEMENTS = Path(__file__).resolve().parents[2] / "integration" / "capabilities"
SYSTEM = "urn:oid:2.16.756.5.30.999"
SECRET, TOKEN = "client secret", "opaque-token"


def statement(name: str) -> Json:
    """The CapabilityStatement of a server."""
    found: Json = json.loads((STATEMENTS / f"{name}.json").read_text())
    return found


@dataclass
class Chart:
    """A server.

    Attributes:
        about: its CapabilityStatement.
        patients: those who are found by the number of `support.messages.PATIENT`.
        content: all resources that it has by `Type/id`.
        login: whether it asks for a token.
        key: of the client, if it proves itself by that.
        page: answers everything with a login page, as a portal in front of it would.
    """

    peer: Peer
    about: Json
    patients: int = 1
    content: dict[str, Json] = field(default_factory=dict)
    login: bool = False
    key: ECKey | None = None
    page: bool = False
    asked: list[str] = field(default_factory=list)
    tokens: int = 0
    metadata: int = 0

    def app(self) -> web.Application:
        """As an application."""
        app = web.Application(middlewares=[self._front])
        app.router.add_post("/token", self._token)
        app.router.add_get("/fhir/metadata", self._metadata)
        app.router.add_post("/fhir/Patient/_search", self._patient)
        app.router.add_get("/fhir/{kind}", self._search)
        app.router.add_post("/fhir/{kind}", self._create)
        app.router.add_put("/fhir/{kind}/{number}", self._update)
        return app

    def kinds(self) -> list[tuple[str, str]]:
        """Type and status of what it has, in the order of creation."""
        return [(one["resourceType"], one["status"]) for one in self.content.values()]

    @web.middleware
    async def _front(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(opened(request))
        if self.page:
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        guarded = self.login and request.path not in ("/token", "/fhir/metadata")
        if guarded and request.headers.get("Authorization") != f"Bearer {TOKEN}{self.tokens}":
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        found: web.StreamResponse = await handler(request)
        return found

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["grant_type"] != "client_credentials" or not self._proven(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        self.tokens += 1
        said = {"access_token": f"{TOKEN}{self.tokens}", "token_type": "bearer", "expires_in": 300}
        return web.json_response(said)

    def _proven(self, request: web.Request, form: Any) -> bool:
        """By the client's secret, or by an assertion that its key has signed."""
        if self.key is None:
            pair = f"salvage:{quote_plus(SECRET)}".encode()
            good = f"Basic {base64.b64encode(pair).decode()}"
            return request.headers.get("Authorization") == good
        found = jwt.decode(form["client_assertion"], self.key, algorithms=["ES384"])
        assert found.header["kid"] == self.key.kid
        assert found.claims["exp"] - found.claims["iat"] <= 300
        named = {found.claims["iss"], found.claims["sub"]}
        return named == {"salvage"} and found.claims["aud"] == str(request.url)

    async def _metadata(self, _: web.Request) -> web.Response:
        self.metadata += 1
        return _json(self.about)

    async def _patient(self, request: web.Request) -> web.Response:
        form = await request.post()
        known = form["identifier"] == f"{SYSTEM}|{PATIENT.partition('|')[2]}"
        found = [{"resourceType": "Patient", "id": f"p{at}"} for at in range(self.patients)]
        return _json(_bundle(found if known else []))

    async def _search(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        if not self._does(kind, "search-type"):
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return _json(_bundle(self._having(kind, request.query["identifier"])))

    async def _create(self, request: web.Request) -> web.Response:
        kind, raw = request.match_info["kind"], await request.read()
        said = json.loads(raw)
        assert request.content_type == "application/fhir+json"
        assert said["resourceType"] == kind
        if not self._does(kind, "create"):
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED)
        self.peer.arrived.append(_arrived(said, opened(request)))
        if answer := await mannered(self.peer, request):
            return answer
        if there := self._there(kind, request):
            return web.Response(status=200, headers={"Location": _address(there)})
        number = f"{kind}/{len(self.content) + 1}"
        self.content[number] = said | {"id": number.split("/")[1], "meta": {"versionId": "1"}}
        return web.Response(status=201, headers={"Location": _address(self.content[number])})

    def _there(self, kind: str, request: web.Request) -> Json | None:
        criteria = request.headers.get("If-None-Exist")
        if criteria is None or not self._resource(kind).get("conditionalCreate"):
            return None
        found = self._having(kind, parse_qs(criteria)["identifier"][0])
        return found[0] if found else None

    async def _update(self, request: web.Request) -> web.Response:
        number = f"{request.match_info['kind']}/{request.match_info['number']}"
        if not self._does(request.match_info["kind"], "update"):
            return web.Response(status=HTTPStatus.METHOD_NOT_ALLOWED)
        before = self.content[number]["meta"]["versionId"]
        if request.headers.get("If-Match") != f'W/"{before}"':
            return web.Response(status=HTTPStatus.PRECONDITION_FAILED)
        meta = {"versionId": str(int(before) + 1)}
        self.content[number] = json.loads(await request.read()) | {"meta": meta}
        return web.Response()

    def _having(self, kind: str, criteria: str) -> list[Json]:
        system, _, value = criteria.partition("|")
        wanted = {"system": system, "value": value}
        of_kind = [one for one in self.content.values() if one["resourceType"] == kind]
        return [one for one in of_kind if wanted in one["identifier"]]

    def _does(self, kind: str, code: str) -> bool:
        return {"code": code} in self._resource(kind).get("interaction", [])

    def _resource(self, kind: str) -> Json:
        listed: list[Json] = self.about["rest"][0]["resource"]
        return next((one for one in listed if one["type"] == kind), {})


def _arrived(said: Json, open_: str) -> Arrived:
    """What a record knows a resource by, and what it says that it corrects."""
    links = [one["detail"] for one in said.get("evidence", ()) if "detail" in one]
    earlier = [each for one in links for each in one] + said.get("inResponseTo", [])
    earlier += [one["target"] for one in said.get("relatesTo", ())]
    corrects = tuple(one["identifier"]["value"] for one in earlier)
    text = json.dumps(said, ensure_ascii=False)
    for one in said.get("content", ()):
        text += base64.b64decode(one["attachment"]["data"]).decode()
    return Arrived(said["identifier"][0]["value"], corrects, text, open_)


def _address(resource: Json) -> str:
    return f"http://ehr.example/fhir/{resource['resourceType']}/{resource['id']}/_history/1"


def _bundle(resources: list[Json]) -> Json:
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def _json(said: Json) -> web.Response:
    return web.json_response(said, content_type="application/fhir+json")


@asynccontextmanager
async def fhir_peer(about: Json | None = None) -> AsyncIterator[tuple[Peer, Chart]]:
    """A server."""
    peer = Peer({"patient_systems": {"HOSP": SYSTEM}})
    chart = Chart(peer, about or statement("hapi"))
    async with serving(chart.app()) as port:
        peer.section["url"] = f"http://127.0.0.1:{port}/fhir"
        yield peer, chart
