"""CDS Hooks: what a record's software gets when somebody opens a chart, and who gets nothing."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from support.certificates import authority, certificate
from support.messages import SENTINELS, alert, record

from schemas.actions import Disposition
from services.notifier.channels.kinds.cds_hooks import CdsHooks, Settings
from services.runtime.clock import ManualClock
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from services.notifier.channels.contract import Record
    from services.notifier.channels.service import Feedback

NOW = 1_795_430_000
ISSUER, SYSTEM, PUBLIC = (
    "https://ehr.hospital.example",
    "urn:oid:2.16.756.5.30.999",
    "https://cds.example",
)
KEYS = {name: ECKey.generate_key("P-384", {"kid": name}) for name in ("ehr", "stranger")}
VIEW = "/cds-services/salvage-watch-patient-view"


@dataclass
class Cases:
    """The open cases of one patient."""

    asked: list[str] = field(default_factory=list)
    heard_of: list[Feedback] = field(default_factory=list)
    away: bool = False
    slow: float = 0.0

    async def open_cases(self, patient_id: str) -> Sequence[Record]:
        """Of a patient."""
        self.asked.append(patient_id)
        await asyncio.sleep(self.slow)
        return [record()] if patient_id == "HOSP|ZZNUMBER77" else []

    async def heard(self, feedback: Feedback) -> None:
        """What became of a card."""
        if self.away:
            raise Unavailable("away")
        self.heard_of.append(feedback)


def token(path: str, key: str = "ehr", **changes: Any) -> dict[str, str]:
    """The header of the record's software; the number of tokens is part of each."""
    token.number += 1  # type: ignore[attr-defined]
    claims = {"iss": ISSUER, "aud": f"{PUBLIC}{path}", "exp": NOW + 240, "iat": NOW}
    claims |= {"jti": str(token.number)} | changes  # type: ignore[attr-defined]
    said = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": "ES384", "kid": KEYS[key].kid, "jku": "https://evil.example/keys"}
    return {"Authorization": f"Bearer {jwt.encode(head, said, KEYS[key], algorithms=['ES384'])}"}


token.number = 0  # type: ignore[attr-defined]


def settings_in(folder: Path, **more: Any) -> Settings:
    """The settings of a service that the record's software may ask."""
    keys = {"keys": [KEYS["ehr"].as_dict(private=False)]}
    (folder / "keys.json").write_text(json.dumps(keys))
    section: dict[str, Any] = {"type": "cds_hooks", "port": 0, "public_url": PUBLIC}
    section |= {"clients": [{"issuer": ISSUER, "keys_file": "keys.json"}]}
    section |= {"patient_systems": {"HOSP": SYSTEM}, **more}
    return Settings.model_validate(section, context={"folder": folder})


@asynccontextmanager
async def served(folder: Path, cases: Cases, **more: Any) -> AsyncIterator[tuple[str, CdsHooks]]:
    settings = settings_in(folder, **more)
    service = CdsHooks("chart", settings, ManualClock(NOW * 1_000_000))
    await service.open(cases, cases)
    try:
        yield f"http://127.0.0.1:{service.port}", service
    finally:
        await service.close()


def call(patient: str = "p1", **changes: Any) -> dict[str, Any]:
    """A call of the hook."""
    identifier = [{"system": "urn:other", "value": "1"}, {"system": SYSTEM, "value": "ZZNUMBER77"}]
    prefetched = {"resourceType": "Patient", "id": patient, "identifier": identifier}
    said: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": "https://ehr.hospital.example/fhir/",
        "context": {"userId": "Practitioner/1", "patientId": patient},
        "prefetch": {"patient": prefetched},
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def ask(
    folder: Path,
    body: object = None,
    path: str = VIEW,
    *,
    cases: Cases | None = None,
    headers: dict[str, str] | None = None,
    times: int = 1,
    **more: Any,
) -> list[tuple[int, Any]]:
    """Ask, so often with the same header, and give each status and body."""

    async def run() -> list[tuple[int, Any]]:
        async with (
            served(folder, cases or Cases(), **more) as (base, _),
            aiohttp.ClientSession() as client,
        ):
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            used = token(path) if headers is None else headers
            found = []
            for _ in range(times):
                method = "GET" if body is None else "POST"
                async with client.request(
                    method,
                    base + path,
                    data=io.BytesIO(raw) if body is not None else None,
                    headers=used,
                ) as answer:
                    text = await answer.text()
                    assert answer.headers["Cache-Control"] == "no-store"
                    found.append((answer.status, json.loads(text) if text else None))
            return found

    return asyncio.run(run())


def test_it_says_what_it_offers(tmp_path: Path) -> None:
    ((status, body),) = ask(tmp_path, path="/cds-services")
    (service,) = body["services"]
    assert (status, service["hook"], service["id"]) == (
        200,
        "patient-view",
        VIEW.rpartition("/")[2],
    )
    assert service["prefetch"] == {"patient": "Patient/{{context.patientId}}"}


def test_a_card_for_each_open_case(tmp_path: Path) -> None:
    cases = Cases()
    ((status, body),) = ask(tmp_path, call(), cases=cases)
    (card,) = body["cards"]
    assert (status, cases.asked) == (200, ["HOSP|ZZNUMBER77"])
    assert card["summary"] == "ZZTITLE of a finding"
    assert (card["indicator"], card["source"]) == ("warning", {"label": "salvage-watch"})
    assert card["uuid"] == "d0d0d0d0-d0d0-d0d0-d0d0-d0d0d0d0d0d0"
    assert card["links"][0]["url"].startswith("https://inbox.hospital.example/c/")
    assert {one["code"] for one in card["overrideReasons"]} == set(map(str, Disposition))
    assert r"ZZNAME \| has ^ a & finding \~ of \\ sorts" in card["detail"]


def test_a_patient_may_be_known_by_the_servers_own_number(tmp_path: Path) -> None:
    cases, servers = Cases(), {"EHR": "https://ehr.hospital.example/fhir"}
    ask(tmp_path, call("77", prefetch=None), cases=cases, servers=servers)
    assert cases.asked == ["EHR|77"]


def refused(body: dict[str, Any], **context: Any) -> dict[str, Any]:
    return body | {"context": body["context"] | context}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"{", 400, "body: not JSON"),
        (b"[" * 100_000, 400, "body: not JSON"),
        ([], 400, "body: not a JSON object"),
        (call(hook="order-sign"), 400, "hook: expected patient-view"),
        (call(hookInstance=None), 400, "hookInstance: missing"),
        (refused(call(), patientId=None), 400, "context.patientId: missing"),
        (refused(call(), patientId="p2"), 400, "prefetch.patient: not the patient of the context"),
        (call(prefetch=None), 412, "prefetch.patient: no identifier that is known here"),
        (
            call(prefetch={"patient": None}),
            412,
            "prefetch.patient: no identifier that is known here",
        ),
        (b"x" * (3 * 1024 * 1024), 413, "Request Entity Too Large"),
    ],
)
def test_a_call_that_cannot_be_used(body: object, status: int, told: str, tmp_path: Path) -> None:
    cases = Cases()
    assert ask(tmp_path, body, cases=cases) == [(status, {"error": told})]
    assert cases.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic c2VjcmV0"},
        {"Authorization": "Bearer not.a.token"},
        token(VIEW, key="stranger"),
        token(VIEW, iss="https://somebody.example"),
        token("/cds-services"),
        token(VIEW, aud=None),
        token(VIEW, jti=None),
        token(VIEW, exp=NOW - 120),
        token(VIEW, exp=NOW + 86_400),
        token(VIEW, iat=None),
    ],
)
def test_nobody_else_is_answered(headers: dict[str, str], tmp_path: Path) -> None:
    cases = Cases()
    ((status, _),) = ask(tmp_path, call(), cases=cases, headers=headers)
    assert (status, cases.asked) == (401, [])


def test_a_token_is_good_for_one_call(tmp_path: Path) -> None:
    assert [status for status, _ in ask(tmp_path, call(), times=2)] == [200, 401]


def test_what_takes_too_long_is_told_so(tmp_path: Path) -> None:
    ((status, _),) = ask(tmp_path, call(), cases=Cases(slow=5), timeout=0.2)
    assert status == 503


def test_over_tls(tmp_path: Path) -> None:
    authority(tmp_path, "ca")
    certificate(tmp_path, "server", "ca", "localhost")
    files = {"certificate_file": "server.pem", "key_file": "server.key"}

    async def run() -> int:
        trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        async with (
            served(tmp_path, Cases(), **files) as (base, _),
            aiohttp.ClientSession() as client,
        ):
            address = base.replace("http://127.0.0.1", "https://localhost")
            async with client.get(
                f"{address}/cds-services", headers=token("/cds-services"), ssl=trusted
            ) as answer:
                return answer.status

    assert asyncio.run(run()) == 200


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("keys.json", "{}", "clients.keys_file: not a JWKS"),
        ("keys.json", '{"keys": []}', "clients.keys_file: it has no RSA or EC key"),
        ("nowhere", "", "certificate_file: cannot be used"),
    ],
)
def test_files_that_cannot_be_used(name: str, text: str, told: str, tmp_path: Path) -> None:
    async def run() -> None:
        more = {"certificate_file": "nowhere", "key_file": "nowhere"} if name == "nowhere" else {}
        service = CdsHooks("chart", settings_in(tmp_path, **more))
        (tmp_path / name).write_text(text)
        await service.open(Cases(), Cases())

    with pytest.raises(OperatorError, match=rf"chart\.{told}"):
        asyncio.run(run())


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path, Cases()) as (_, first):
            await CdsHooks("second", settings_in(tmp_path, port=first.port)).open(Cases(), Cases())

    with pytest.raises(OperatorError, match=r"second\.port: "):
        asyncio.run(run())


# --- Feedback -------------------------------------------------------------------------------------

CARD = "d0d0d0d0-d0d0-d0d0-d0d0-d0d0d0d0d0d0"
AT = "2026-11-23T10:45:00Z"


def turned_down(code: str, comment: str = "") -> dict[str, Any]:
    reason = {"code": code, "system": "urn:salvage-watch:disposition"}
    return {
        "card": CARD,
        "outcome": "overridden",
        "overrideReason": {"reason": reason, "userComment": comment},
        "outcomeTimestamp": AT,
    }


def test_what_became_of_cards_is_heard(tmp_path: Path) -> None:
    cases = Cases()
    accepted = {"card": CARD, "outcome": "accepted", "outcomeTimestamp": AT}
    listed = [accepted, turned_down("already_known", "seen"), turned_down("of their own")]
    assert ask(tmp_path, {"feedback": listed}, f"{VIEW}/feedback", cases=cases) == [(200, None)]
    first, second, third = cases.heard_of
    assert (first.accepted, first.reason, first.reference) == (True, None, "d0" * 16)
    assert (second.accepted, second.reason) == (False, Disposition.ALREADY_KNOWN)
    assert (second.comment, second.origin) == ("seen", ISSUER)
    assert third.reason is None
    assert "seen" not in repr(second)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "feedback: expected a list of objects"),
        ({"feedback": [1]}, "feedback: expected a list of objects"),
        ({"feedback": [{"card": CARD}]}, "feedback.outcome: expected accepted or overridden"),
        (
            {"feedback": [turned_down("x") | {"card": "ZZ"}]},
            "feedback.card: expected the id of a card",
        ),
        (
            {"feedback": [turned_down("x") | {"outcomeTimestamp": "ZZ"}]},
            "feedback: at: expected a date-time with its offset, as YYYY-MM-DDThh:mm:ssZ",
        ),
    ],
)
def test_feedback_that_is_none(body: object, told: str, tmp_path: Path) -> None:
    cases = Cases()
    assert ask(tmp_path, body, f"{VIEW}/feedback", cases=cases) == [(400, {"error": told})]
    assert cases.heard_of == []


def test_feedback_that_nobody_can_take_now_is_to_come_again(tmp_path: Path) -> None:
    body = {"feedback": [turned_down("already_known")]}
    ((status, _),) = ask(tmp_path, body, f"{VIEW}/feedback", cases=Cases(away=True))
    assert status == 503


def test_nothing_of_it_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(tmp_path, call())
    ask(tmp_path, call(prefetch=None))
    ask(tmp_path, call(), headers={})
    logged = "\n".join(f"{one.getMessage()} {vars(one)}" for one in caplog.records)
    assert [word for word in SENTINELS if word in logged] == []
    assert "refused caller" in logged


def test_the_alert_of_these_tests_has_what_must_not_be_logged() -> None:
    assert all(word in alert().model_dump_json() + record().model_dump_json() for word in SENTINELS)
