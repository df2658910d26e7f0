"""Sign-in by the house's identity provider: a real one, on this machine, that signs real tokens."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import func, select
from support.inbox import Browser, open_inbox
from support.notifying import COURSE_ID, told, treatment
from support.peers.identity import AUDIENCE, CLIENT, SECRET, Identities, identities

from services.notifier.inbox.access.oidc import OpenIdDoor
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.access.settings import InboxSettings, Provider
from services.notifier.inbox.pages import render
from services.notifier.store.instants import micros
from services.notifier.store.tables import AUDIT
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.inbox import Answer, Desk
    from support.notifying import Bench

PATIENT = "HOSP|000007"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def provider(bench: Bench) -> Iterator[Identities]:
    with identities(micros(bench.now) // 1_000_000) as found:
        found.claims = {"member": "anne", "name": "Anne", "groups": ["ward-doctors", "others"]}
        yield found


@pytest.fixture
def house(bench: Bench, provider: Identities, tmp_path: Path) -> Iterator[Desk]:
    """An inbox whose people come by way of the provider."""
    (tmp_path / "secret").write_text(SECRET)

    def settings(origin: str) -> InboxSettings:
        known = Provider(
            issuer=provider.issuer,
            client=CLIENT,
            client_secret_file=tmp_path / "secret",
            member_claim="member",
            roles={"ward-doctors": Role.CLINICIAN, "checkers": Role.AUDITOR},
            audience=AUDIENCE,
            timeout=20,
        )
        return InboxSettings(public=origin, provider=known)

    clock = ManualClock(micros(bench.now))

    def door(site: InboxSettings) -> OpenIdDoor:
        assert site.provider is not None
        return OpenIdDoor(site.provider, site.public, clock)

    with open_inbox(bench, clock, render, settings, door) as found:
        yield found


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Not followed: the browser of the test goes itself."""


def sent_back(browser: Browser) -> str:
    """Goes to the provider; the path with which it sends people back."""
    there = browser.get("/sign-in/go")
    assert there.status == 303
    opener = build_opener(_Stay)
    opener.addheaders = []
    try:
        opener.open(there.to, timeout=30)
    except OSError as error:  # a redirect that isn't followed
        where = urlsplit(error.headers["Location"])  # type: ignore[attr-defined]
        return f"{where.path}?{where.query}"
    raise AssertionError("the provider sent nobody back")


def came_back(browser: Browser) -> Answer:
    return browser.get(sent_back(browser))


def whats(house: Desk) -> list[str]:
    query = select(func.json_extract(AUDIT.c.body, "$.what"))
    return [one for (one,) in house.bench.rows(query)]


def test_whom_the_provider_vouches_for_is_let_in_with_the_groups_role(house: Desk) -> None:
    browser = house.browser()
    assert browser.get("/roster").to == "/sign-in"
    done = came_back(browser)
    assert (done.status, done.to) == (303, "/roster"), "where they were going"
    page = browser.get("/")
    assert page.status == 200
    assert "Anne" in page.text
    assert browser.get("/audit").status == 403, "a clinician is no auditor"
    assert "entry" not in browser.cookies
    assert whats(house)[0] == "signed-in"


def test_a_new_sign_in_ends_the_one_before_in_this_browser(house: Desk) -> None:
    browser = house.browser()
    came_back(browser)
    before = Browser(house.origin, dict(browser.cookies))
    came_back(browser)
    assert before.get("/").to == "/sign-in"
    assert browser.get("/").status == 200


def test_who_reads_no_cases_comes_in_where_they_have_something_to_read(
    house: Desk, provider: Identities
) -> None:
    provider.claims = {"name": "Lea", "groups": ["checkers"]}
    browser = house.browser()
    assert came_back(browser).to == "/"
    assert browser.get("/").to == "/audit"
    assert browser.get("/audit").status == 200


def test_the_code_and_the_way_back_are_good_for_one_browser_once(house: Desk) -> None:
    browser = house.browser()
    back = sent_back(browser)
    assert house.browser().get(back).status == 403, "another browser began nothing"
    kept = dict(browser.cookies)
    assert browser.get(back).status == 303
    browser.cookies = kept
    assert browser.get(back).status == 403, "the provider gives nothing for a code a second time"


WRONG: list[tuple[dict[str, object], str]] = [
    ({"iss": "https://elsewhere.example"}, "not valid"),
    ({"aud": "another"}, "not valid"),
    ({"aud": [CLIENT, "another"], "azp": "another"}, "another application"),
    ({"nonce": "another"}, "another sign-in"),
    ({"nonce": None}, "another sign-in"),
    ({"exp": 1_000_000_000}, "not valid"),
    ({"exp": None}, "not valid"),
    ({"iat": 4_000_000_000}, "not valid"),
    ({"sub": None}, "not valid"),
    ({"groups": ["others"]}, "a role here"),
    ({"groups": None}, "a role here"),
    ({"name": "x" * 400}, "be used"),
]


def test_a_token_that_does_not_fit_lets_nobody_in(house: Desk, provider: Identities) -> None:
    usual = provider.claims
    for claims, why in WRONG:
        provider.claims = {**usual, **claims}
        browser = house.browser()
        refused = came_back(browser)
        assert (refused.status, why in refused.text) == (403, True), claims
        assert "inbox" not in browser.cookies
    assert whats(house) == ["sign-in-refused"] * len(WRONG)


def test_only_the_pinned_algorithms_and_published_keys_count(
    house: Desk, provider: Identities
) -> None:
    for provider.algorithm in ("none", "HS256"):
        assert came_back(house.browser()).status == 403
    provider.algorithm = "ES256"
    assert came_back(house.browser()).status == 303
    provider.key = ECKey.generate_key("P-256", {"kid": "first"})  # not published
    assert came_back(house.browser()).status == 403
    provider.algorithm = "ES384"
    provider.key = ECKey.generate_key("P-384", {"kid": "third"})
    provider.published = [provider.key]
    assert came_back(house.browser()).status == 403


def test_new_keys_are_asked_for_when_they_are_used(house: Desk, provider: Identities) -> None:
    assert came_back(house.browser()).status == 303
    assert came_back(house.browser()).status == 303
    assert provider.asked == 1, "they are kept"
    provider.key = ECKey.generate_key("P-256", {"kid": "second"})
    provider.published.append(provider.key)
    clock = house.parts.clock
    assert isinstance(clock, ManualClock)
    clock.set(micros(house.parts.now() + timedelta(minutes=2)))
    provider.now += 120
    assert came_back(house.browser()).status == 303
    assert provider.asked == 2


def test_answers_of_other_providers_and_states_are_refused(
    house: Desk, provider: Identities
) -> None:
    browser = house.browser()
    back = dict(parse_qsl(urlsplit(sent_back(browser)).query))
    assert browser.get(f"/sign-in/back?code={back['code']}&state=another").status == 403
    assert browser.get(f"/sign-in/back?error=access_denied&state={back['state']}").status == 403
    provider.answer = {"iss": "https://elsewhere.example"}
    assert came_back(browser).status == 403
    provider.answer = {"iss": provider.issuer}
    assert came_back(browser).status == 303


def test_without_the_provider_the_page_says_so(house: Desk, provider: Identities) -> None:
    provider.issuer = "https://elsewhere.example"  # what it publishes isn't whom we know
    refused = house.browser().get("/sign-in/go")
    assert (refused.status, refused.headers["retry-after"]) == (503, "30")
    assert house.browser().post("/sign-in", {"password": "x"}).status == 404


def test_a_program_comes_with_an_access_token_and_is_checked_as_people_are(
    house: Desk, provider: Identities
) -> None:
    alerts = (told(patient=PATIENT), treatment(), told(name="a2", course=COURSE_ID))
    house.bench.take(*alerts)
    own, other = house.reference(PATIENT), house.reference("HOSP|000001", COURSE_ID)
    program, bearer = house.browser(), {"Authorization": f"Bearer {provider.access()}"}
    assert own in program.get("/api/v1/worklist", headers=bearer).text
    assert program.get(f"/api/v1/cases/{other}", headers=bearer).status == 403
    assert program.get("/api/v1/audit", headers=bearer).status == 403
    deed = json.dumps({"key": "k1", "revision": "1"})
    done = program.send(f"/api/v1/cases/{own}/deeds/start", deed, **bearer)
    assert (done.status, program.cookies) == (200, {})
    assert str(house.bench.case(patient=PATIENT).owner) == "person:anne"
    assert program.get("/", headers=bearer).to == "/sign-in", "pages are for browsers"


def test_a_token_that_was_made_for_something_else_opens_nothing(
    house: Desk, provider: Identities
) -> None:
    tokens = (
        provider.access(typ="JWT"),
        provider.access(aud=CLIENT),
        provider.access(iss="https://elsewhere.example"),
        provider.access(exp=provider.now - 100),
        provider.access(groups=["others"]),
        provider.access()[:-4] + "AAAA",
        "x" * 9000,
        "",
    )
    for token in tokens:
        refused = house.browser().get("/api/v1/worklist", Authorization=f"Bearer {token}")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert token == "" or token not in refused.text
    basic = house.browser().get("/api/v1/worklist", Authorization="Basic eDp4")
    assert basic.status == 401


# ---------------------------------------------------------------- the provider ends it


def farewell(house: Desk, token: str) -> Answer:
    """What the provider does: no cookie, no token of a page, no origin of ours."""
    return house.browser().post(
        "/sign-out/back-channel", {"logout_token": token}, Origin="https://elsewhere.example"
    )


def signed_in(house: Desk, provider: Identities, **claims: object) -> Browser:
    provider.claims = {"member": "anne", "groups": ["ward-doctors"], **claims}
    browser = house.browser()
    came_back(browser)
    assert browser.get("/").status == 200
    return browser


def test_the_provider_ends_all_sign_ins_of_a_person_or_one_session(
    house: Desk, provider: Identities
) -> None:
    first, second = (signed_in(house, provider, sid=one) for one in ("s1", "s2"))
    other = signed_in(house, provider, sub="4711", member="ben", sid="s3")
    nameless = signed_in(house, provider)
    done = farewell(house, provider.farewell(sub=None, sid="s1"))
    assert (done.status, done.headers["cache-control"]) == (200, "no-store")
    assert [one.get("/").to for one in (first, second, other, nameless)] == ["/sign-in", "", "", ""]
    assert farewell(house, provider.farewell(sid="s9")).status == 200
    assert [one.get("/").to for one in (second, nameless)] == ["", "/sign-in"], "it has no session"
    assert farewell(house, provider.farewell()).status == 200
    assert [one.get("/").to for one in (second, other)] == ["/sign-in", ""]
    assert farewell(house, provider.farewell()).status == 200, "who is signed out stays so"
    assert whats(house).count("signed-out") == 3


NO_FAREWELL: list[dict[str, object]] = [
    {"iss": "https://elsewhere.example"},
    {"aud": "another"},
    {"aud": None},
    {"exp": 1_000_000_000},
    {"exp": None},
    {"iat": 4_000_000_000},
    {"iat": None},
    {"jti": None},
    {"events": None},
    {"events": {}},
    {"events": {"http://schemas.openid.net/event/backchannel-logout": "yes"}},
    {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
    {"nonce": "n"},
    {"sub": None},
    {"sub": None, "sid": 7},
    {"typ": "JWT"},
    {"typ": "at+jwt"},
]


def test_what_is_no_log_out_of_the_provider_ends_nothing(house: Desk, provider: Identities) -> None:
    browser = signed_in(house, provider)
    tokens = [provider.farewell(**claims) for claims in NO_FAREWELL]  # type: ignore[arg-type]
    published, provider.key = provider.key, ECKey.generate_key("P-256", {"kid": "first"})
    forged = provider.farewell()
    provider.key = published
    for token in (*tokens, forged, provider.access(), "x" * 9000, "a.b.c", ""):
        refused = farewell(house, token)
        assert (refused.status, refused.headers["cache-control"]) == (400, "no-store"), token
        assert json.loads(refused.text)["error"] == "invalid_request"
        assert token == "" or token not in refused.text
    assert browser.get("/").status == 200
    good = provider.farewell(sub="somebody else")
    assert farewell(house, provider.farewell(sub="nobody", exp=10**18)).status == 200
    assert [farewell(house, good).status for _ in range(2)] == [200, 400], "a token counts once"
    clock = house.parts.clock
    assert isinstance(clock, ManualClock)
    clock.set(micros(house.parts.now() + timedelta(minutes=4)))
    assert farewell(house, good).status == 400, "and not after its end"


def test_a_provider_that_is_away_is_no_log_out(house: Desk, provider: Identities) -> None:
    token = provider.farewell()
    provider.issuer = "https://elsewhere.example"
    refused = farewell(house, token)
    assert refused.status == 400
    assert json.loads(refused.text)["error"] == "temporarily_unavailable"
