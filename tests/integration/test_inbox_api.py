"""The JSON API: what it says of itself holds of its answers; keyset pages; deeds by programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import delete
from support.notifying import told

from schemas.alerts import Severity
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.api.openapi import described
from services.notifier.inbox.api.table import API, DESCRIBED, ROOT
from services.notifier.inbox.reading import worklist
from services.notifier.store.tables import CASES

if TYPE_CHECKING:
    from support.inbox import Answer, Browser, Desk

MANY = 7
SEVERITIES = (Severity.ADVISORY, Severity.URGENT, Severity.IMPORTANT, Severity.CRITICAL)


def patient(number: int) -> str:
    return f"HOSP|{number:06}"


@pytest.fixture
def ward(inbox: Desk) -> Desk:
    """An inbox with some open cases of the team `ward`."""
    severities = [SEVERITIES[number % len(SEVERITIES)] for number in range(MANY)]
    alerts = (
        told(name=f"a{number}", patient=patient(number), severity=severity)
        for number, severity in enumerate(severities)
    )
    inbox.bench.take(*alerts)
    return inbox


def fits(answer: Answer, name: str) -> Any:
    """What was answered, held to the published schema."""
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found = json.loads(answer.text)
    schema = {"$ref": f"#/components/schemas/{name}", "components": described()["components"]}
    Draft202012Validator(schema).validate(found)
    return found


def test_what_is_answered_is_as_it_is_described(ward: Desk) -> None:
    lead, auditor = ward.signed_in("anne", Role.LEAD), ward.signed_in("lea", Role.AUDITOR)
    ops = ward.signed_in(None, Role.OPS)
    reference = ward.reference(patient(0))
    for one in DESCRIBED:
        path, browser = one.route.path.replace("{reference}", reference), lead
        if one.route.right is not None and one.route.right in ("audit", "review"):
            browser = auditor
        if one.route.right == "letters":
            browser = ops
        if one.route.method == "GET":
            query = "?severity=urgent" if path.endswith("/route") else ""
            fits(browser.get(path + query), one.answer.__name__)
    me = fits(lead.get(f"{ROOT}/me"), "Me")
    assert (me["viewer"]["teams"], me["csrf"]) == (["ward"], lead.csrf)
    body = json.dumps({"patient": patient(3)})
    found = fits(lead.send(f"{ROOT}/find", body, **{"X-CSRF": me["csrf"]}), "Worklist")
    assert [row["patient"] for row in found["rows"]] == [patient(3)]


def test_a_disposition_counts_for_its_rule(ward: Desk) -> None:
    browser, reference = ward.signed_in("anne", Role.LEAD), ward.reference(patient(1))
    said = {"key": "k", "revision": "1", "disposition": "rule_wrong"}
    path = f"{ROOT}/cases/{reference}/deeds/dispose"
    fits(browser.send(path, json.dumps(said), **{"X-CSRF": browser.csrf}), "Done")
    rules = fits(browser.get(f"{ROOT}/rules"), "RulesView")["rules"]
    assert sum(one["alerts"] for one in rules) == MANY
    (rule,) = (one for one in rules if one["judged"])
    assert (rule["right"], rule["judged"]) == (0, 1)
    assert rule["low"] < rule["high"] < "1"


def test_the_description_names_every_route_and_resolves(ward: Desk) -> None:
    answer = ward.browser().get(f"{ROOT}/openapi.json")
    found = json.loads(answer.text)
    told_of = {(method.upper(), path) for path, one in found["paths"].items() for method in one}
    assert told_of == {(one.method, one.path) for one in API if "openapi" not in one.path}
    text = json.dumps(found)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in found["components"]["schemas"]
    for schema in found["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_a_program_does_what_the_form_does(ward: Desk) -> None:
    browser, reference = ward.signed_in("ben", Role.CLINICIAN), ward.reference(patient(1))
    path = f"{ROOT}/cases/{reference}"
    deeds = {one["deed"]: one for one in fits(browser.get(path), "CaseView")["deeds"]}
    hidden = {one["name"]: one["value"] for one in deeds["acknowledge"]["fields"] if one["value"]}
    deed, token = f"{path}/deeds/acknowledge", {"X-CSRF": browser.csrf}
    assert browser.send(deed, json.dumps(hidden)).status == 403, "without the token"
    done = fits(browser.send(deed, json.dumps(hidden), **token), "Done")
    assert done == {"done": "acknowledge", "reference": reference}
    assert str(ward.bench.case(patient=patient(1)).owner) == "person:ben"
    wake = browser.send(f"{path}/deeds/wake", json.dumps({**hidden, "key": "k2"}), **token)
    assert (wake.status, json.loads(wake.text)["title"]) == (409, "Refused")
    for body in ("[1]", '{"a": 1}', "{"):
        assert browser.send(deed, body, **token).status == 400


def test_pages_follow_each_other_and_leave_nobody_out(
    ward: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worklist, "PAGE", 3)
    browser = ward.signed_in("anne", Role.VIEWER)
    first = page(browser, "/")
    second = page(browser, first["next"])
    with ward.bench.database.transaction() as connection:  # others work meanwhile
        gone = first["rows"][-1]["reference"]
        connection.execute(delete(CASES).where(CASES.c.reference == gone))
    third = page(browser, second["next"])
    seen = [row for one in (first, second, third) for row in one["rows"]]
    assert len({row["patient"] for row in seen}) == MANY
    assert third["next"] is None
    assert seen == sorted(seen, key=lambda row: (row["act_by"], _rank(row)))
    back = page(browser, third["previous"])
    assert [row["patient"] for row in back["rows"]] == [row["patient"] for row in second["rows"]]
    assert page(browser, second["previous"])["previous"] is None


def _rank(row: dict[str, Any]) -> int:
    return [str(one) for one in Severity].index(row["severity"])


def page(browser: Browser, url: str) -> Any:
    return json.loads(browser.get(f"{ROOT}/worklist{url.removeprefix('/')}").text)


def test_views_and_filters_show_what_they_count(ward: Desk) -> None:
    browser = ward.signed_in("ben", Role.CLINICIAN)
    reference = ward.reference(patient(1))
    token = {"X-CSRF": browser.csrf}
    deed = json.dumps({"key": "k", "revision": "1"})
    browser.send(f"{ROOT}/cases/{reference}/deeds/start", deed, **token)
    for view in page(browser, "/")["views"]:
        found = page(browser, view["url"])
        assert len(found["rows"]) == view["count"], view
        assert next(one for one in found["views"] if one["view"] == view["view"])["current"]
    mine = page(browser, "/?view=mine")["rows"]
    assert [row["patient"] for row in mine] == [patient(1)]
    assert mine[0]["mine"]
    urgent = page(browser, "/?severity=urgent")["rows"]
    assert {row["severity"] for row in urgent} == {"urgent"}
    assert page(browser, "/?team=other")["rows"] == []
    nonsense = page(browser, "/?view=x&severity=y&after=z&before=1.9.x")
    assert len(nonsense["rows"]) == MANY
