"""Signing in, staying in, and what the inbox refuses to be talked into."""

from __future__ import annotations

import ssl
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from support.certificates import authority, certificate
from support.inbox import HERE, Browser, alone, for_one, open_inbox
from support.notifying import told

from services.notifier.inbox.access.local import PASSWORD, LocalDoor
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.access.settings import InboxSettings
from services.notifier.inbox.pages import render
from services.notifier.store.instants import micros
from services.notifier.store.tables import AUDIT, METADATA, SIGNED_IN
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

    from support.inbox import Answer, Desk
    from support.notifying import Bench

PATIENT = "HOSP|000007"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def later(inbox: Desk, **span: int) -> None:
    clock = inbox.parts.clock
    assert isinstance(clock, ManualClock)
    clock.set(micros(inbox.parts.now() + timedelta(**span)))


def enter(browser: Browser, password: str, **more: str) -> Answer:
    page = browser.get("/sign-in")
    return browser.post("/sign-in", {"csrf": page.token(), "password": password}, **more)


@pytest.fixture
def reference(bench: Bench, inbox: Desk) -> str:
    """The name of an open case of the team `ward`."""
    bench.take(told(patient=PATIENT))
    return inbox.reference(PATIENT)


def test_the_password_is_made_of_chance_for_its_owner_alone_and_lets_in(
    inbox: Desk, tmp_path: Path, reference: str
) -> None:
    file = tmp_path / PASSWORD
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    browser = inbox.browser()
    sent = browser.get(f"/case/{reference}")
    assert (sent.status, sent.to) == (303, "/sign-in")
    done = enter(browser, file.read_text().strip())
    assert (done.status, done.to) == (303, f"/case/{reference}"), "back to where they were going"
    assert PATIENT in browser.get(done.to).text
    cookie = next(one for one in done.cookies if one.startswith("inbox="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.cookies["inbox"].encode() not in _stored(inbox)


def _stored(inbox: Desk) -> bytes:
    rows = inbox.bench.rows(select(SIGNED_IN.c.digest, SIGNED_IN.c.who))
    assert rows
    return b" ".join(row.digest + row.who.encode() for row in rows)


def test_a_password_for_one_sign_in_is_good_for_one(inbox: Desk) -> None:
    door = inbox.parts.door
    assert isinstance(door, LocalDoor)
    assert "once.js" not in inbox.browser().get("/sign-in").text
    once = door.once()
    assert "once.js" in inbox.browser().get("/sign-in").text
    assert enter(inbox.browser(), "wrong").status == 403
    assert enter(inbox.browser(), once).status == 303
    assert enter(inbox.browser(), once).status == 403
    assert "once.js" not in inbox.browser().get("/sign-in").text


def test_five_wrong_passwords_shut_the_door_for_a_minute(inbox: Desk, tmp_path: Path) -> None:
    right, browser = (tmp_path / PASSWORD).read_text().strip(), inbox.browser()
    for _ in range(5):
        assert enter(browser, "wrong").status == 403
    refused = enter(browser, right)
    assert (refused.status, "Too many" in refused.text) == (403, True)
    later(inbox, seconds=61)
    assert enter(browser, right).status == 303


def test_a_sign_in_ends_after_15_idle_minutes_or_12_hours(inbox: Desk, reference: str) -> None:
    browser = inbox.signed_in("anne", Role.CLINICIAN)
    for _ in range(51):
        later(inbox, minutes=14)
        assert browser.get(f"/case/{reference}").status == 200
    later(inbox, minutes=14)
    assert browser.get(f"/case/{reference}").to == "/sign-in", "12 hours have passed"
    idle = inbox.signed_in("anne", Role.CLINICIAN)
    later(inbox, minutes=15)
    assert idle.get("/").to == "/sign-in"


def test_signing_out_ends_it_in_the_store_and_clears_the_browser(inbox: Desk) -> None:
    browser = inbox.signed_in("anne", Role.CLINICIAN)
    kept = dict(browser.cookies)
    done = browser.post("/sign-out", {"csrf": browser.csrf})
    assert (done.to, "storage" in done.headers["clear-site-data"]) == ("/sign-in?ended", True)
    browser.cookies = kept
    assert browser.get("/").to == "/sign-in"
    assert inbox.bench.rows(select(SIGNED_IN.c.digest)) == []


def test_every_answer_has_the_headers_that_protect_it(inbox: Desk) -> None:
    for path in ("/", "/sign-in", "/nowhere", "/api/v1/worklist", "/static/inbox.css", "/static/x"):
        got = inbox.browser().get(path)
        policy = got.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        static = path.startswith("/static/")
        assert got.headers["cache-control"] == ("no-cache" if static else "no-store")
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["x-frame-options"] == "DENY"
        assert "server" not in got.headers


def test_only_the_inboxs_own_name_is_answered_to(inbox: Desk) -> None:
    got = inbox.browser().get("/sign-in", Host="elsewhere.example")
    assert got.status == 421
    assert "csrf" not in got.text


FORGED: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"Origin": "https://elsewhere.example"}, {}),
    ({"Origin": "null"}, {}),
    ({"Sec-Fetch-Site": "cross-site"}, {}),
    ({"Sec-Fetch-Site": "same-site"}, {}),
    ({}, {"csrf": "0" * 64}),
    ({}, {"csrf": ""}),
]


def test_forged_forms_change_nothing(inbox: Desk, reference: str) -> None:
    browser = inbox.signed_in("anne", Role.CLINICIAN)
    form = {"csrf": browser.csrf, "key": "k1", "revision": "1"}
    for headers, fields in FORGED:
        got = browser.post(f"/case/{reference}/acknowledge", {**form, **fields}, **headers)
        assert got.status == 403, (headers, fields)
    assert inbox.bench.case(patient=PATIENT).state == "assigned"
    own = browser.post(f"/case/{reference}/acknowledge", form)
    assert own.status == 303, "the same from our own page is done"


def test_nothing_changes_on_get(inbox: Desk, reference: str) -> None:
    """But who looked, and that it is not new to them any more."""
    browser = inbox.signed_in("anne", Role.CLINICIAN)
    kept = [one for one in METADATA.tables.values() if one.name not in MAY_GROW]
    before = [inbox.bench.rows(select(one)) for one in kept]
    for path in ("/", f"/case/{reference}", "/roster", "/route?severity=urgent", "/audit"):
        browser.get(path)
    for deed in ("acknowledge", "dispose", "start", "comment"):
        assert browser.get(f"/case/{reference}/{deed}").status == 405
    assert [inbox.bench.rows(select(one)) for one in kept] == before


MAY_GROW = ("audit", "chain", "seen", "signed_in")


def test_what_is_too_large_or_no_form_is_refused_without_quoting_it(
    inbox: Desk, reference: str
) -> None:
    browser = inbox.signed_in("anne", Role.CLINICIAN)
    path, secret = f"/case/{reference}/comment", "Mrs Example"
    large = browser.post(path, {"csrf": browser.csrf, "note": secret * 10_000})
    assert (large.status, secret in large.text) == (413, False)
    wrong = browser.post(path, {"note": secret}, **{"Content-Type": "text/plain"})
    assert (wrong.status, secret in wrong.text) == (415, False)


def test_a_failing_store_is_told_as_a_page_and_as_a_problem(inbox: Desk) -> None:
    browser = inbox.signed_in("anne", Role.CLINICIAN)
    with inbox.bench.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE cases RENAME TO gone")
    page, problem = browser.get("/"), browser.get("/api/v1/worklist")
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert problem.headers["content-type"] == "application/problem+json"
    assert (problem.status, problem.headers["retry-after"]) == (503, "30")


def test_every_look_at_a_case_is_in_the_audit_trail(inbox: Desk, reference: str) -> None:
    browser = inbox.signed_in("ben", Role.VIEWER)
    browser.get(f"/case/{reference}")
    browser.get("/")
    browser.get(f"/api/v1/cases/{reference}")
    browser.post("/find", {"csrf": browser.csrf, "patient": "000007"})
    case_id = inbox.bench.case(patient=PATIENT).case_id
    looks = func.json_extract(AUDIT.c.body, "$.what")
    mine = select(looks, AUDIT.c.case_id).where(func.json_extract(AUDIT.c.body, "$.by") == "ben")
    assert [tuple(one) for one in inbox.bench.rows(mine)] == [
        ("viewed", case_id),
        ("listed", None),
        ("viewed", case_id),
        ("searched", None),
    ]
    told_of = inbox.bench.rows(select(AUDIT.c.body).where(looks == "listed"))
    assert reference in told_of[0].body


def test_with_a_certificate_cookies_are_held_to_this_host_and_to_tls(
    bench: Bench, tmp_path: Path
) -> None:
    authority(tmp_path, "house")
    certificate(tmp_path, "inbox", "house", HERE)

    def settings(origin: str) -> InboxSettings:
        files = {"certificate_file": tmp_path / "inbox.pem", "key_file": tmp_path / "inbox.key"}
        return InboxSettings(public=origin, local=for_one(origin).local, **files)

    clock = ManualClock(micros(bench.now))
    with open_inbox(bench, clock, render, settings, alone(tmp_path), "https") as found:
        known = ssl.create_default_context(cafile=tmp_path / "house.pem")
        browser = Browser(found.origin, tls=known)
        done = enter(browser, (tmp_path / PASSWORD).read_text().strip())
        assert done.status == 303
        cookie = next(one for one in done.cookies if one.startswith("__Host-inbox="))
        assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        page = browser.get("/")
        assert page.status == 200
        assert "max-age" in page.headers["strict-transport-security"]
