"""What people do on a case's page, with the real fold behind it; and emergencies."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.notifying import COURSE_ID, told, treatment

from schemas.alerts import Severity
from services.notifier.cases.words import CaseState
from services.notifier.inbox.access.roles import Role
from services.notifier.store.instants import micros
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from support.inbox import Browser, Desk
    from support.notifying import Bench

    from services.notifier.cases.case import Case

PATIENT, OTHERS = "HOSP|000007", "HOSP|000001"


@pytest.fixture
def case(bench: Bench, inbox: Desk) -> str:
    """The address of an open case of the team `ward`."""
    bench.take(told(patient=PATIENT, severity=Severity.URGENT))
    return f"/case/{inbox.reference(PATIENT)}"


def fields(browser: Browser, case: str, deed: str) -> dict[str, str]:
    """The hidden fields of a deed's form, as the page has them."""
    page = browser.get(case).text
    found = re.search(rf'action="{case}/{deed}".*?</form>', page, re.DOTALL)
    assert found is not None, f"no form for {deed}"
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', found[0]))


def now(inbox: Desk) -> Case:
    return inbox.bench.case(patient=PATIENT)


def test_a_clinician_opens_reads_and_disposes(inbox: Desk, case: str) -> None:
    browser = inbox.signed_in("ben", Role.CLINICIAN)
    assert case in browser.get("/").text
    form = fields(browser, case, "acknowledge")
    done = browser.post(f"{case}/acknowledge", form)
    assert (done.status, done.to) == (303, f"{case}?said=acknowledge")
    assert (now(inbox).state, str(now(inbox).owner)) == (CaseState.ACKNOWLEDGED, "person:ben")
    again = browser.post(f"{case}/acknowledge", form)
    assert again.status == 303, "a second click does no harm"
    revision = now(inbox).revision
    form = {**fields(browser, case, "dispose"), "disposition": "dose_adjusted", "note": "done"}
    assert browser.post(f"{case}/dispose", form).status == 303
    assert browser.post(f"{case}/dispose", form).to == f"{case}?said=dispose"
    assert (now(inbox).state, now(inbox).revision) == (CaseState.CLOSED, revision + 1)
    assert case not in browser.get("/").text
    assert case in browser.get("/?view=closed").text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_was_closed_in_error_is_reopened_with_a_reason(inbox: Desk, case: str) -> None:
    browser = inbox.signed_in("ben", Role.CLINICIAN)
    form = {**fields(browser, case, "dispose"), "disposition": "wrong_patient"}
    assert browser.post(f"{case}/dispose", form).status == 303
    form = fields(browser, case, "reopen")
    assert browser.post(f"{case}/reopen", form).status == 409, "why?"
    assert browser.post(f"{case}/reopen", {**form, "note": "it was this one"}).status == 303
    assert (now(inbox).is_open, str(now(inbox).owner)) == (True, "person:ben")
    assert "it was this one" in browser.get(case).text
    assert case in browser.get("/").text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_closes_what_they_have_not_seen(inbox: Desk, case: str) -> None:
    browser = inbox.signed_in("ben", Role.CLINICIAN)
    form = {**fields(browser, case, "dispose"), "disposition": "dose_adjusted"}
    inbox.bench.take(told(name="a9", patient=PATIENT, severity=Severity.CRITICAL))
    refused = browser.post(f"{case}/dispose", form)
    assert refused.status == 409
    assert "has changed since" in refused.text
    assert now(inbox).is_open


IMPOSSIBLE: list[tuple[str, dict[str, str], str]] = [
    ("dispose", {"disposition": "forgotten"}, "disposition: not one of the choices"),
    ("dispose", {}, "disposition: is needed"),
    ("snooze", {"until": "tomorrow"}, "until: expected a local time"),
    ("snooze", {"until": "2020-01-01T10:00"}, "that time has passed"),
    ("snooze", {"until": "2030-01-01T10:00"}, "too long"),
    ("offer", {"to": "person:mia"}, "to: not one of the choices"),
    ("comment", {"note": " "}, "note: is needed"),
    ("comment", {"note": "x" * 4097}, "note: at most 4096 characters"),
    ("acknowledge", {"note": "x" * 4097}, "note: at most 4096 characters"),
    ("acknowledge", {"key": ""}, "key: is needed"),
    ("accept", {}, "be done with the case now"),
]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_can_not_be_done_is_said_on_the_page_and_changes_nothing(
    inbox: Desk, case: str
) -> None:
    browser = inbox.signed_in("ben", Role.CLINICIAN)
    before = now(inbox)
    for number, (deed, more, why) in enumerate(IMPOSSIBLE):
        hidden = {"csrf": browser.csrf, "key": f"k{number}", "revision": str(before.revision)}
        refused = browser.post(f"{case}/{deed}", {**hidden, **more})
        assert (refused.status, why in refused.text) == (409, True), (deed, more)
    assert now(inbox) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_remarks_are_in_the_history_and_change_nothing_else(inbox: Desk, case: str) -> None:
    browser, before = inbox.signed_in("ben", Role.CLINICIAN), now(inbox)
    form = {**fields(browser, case, "comment"), "note": "seen <b>by</b> phone"}
    for _ in range(2):
        assert browser.post(f"{case}/comment", form).status == 303
    alert = now(inbox).findings[0].alert_id
    form = {**fields(browser, case, "wrong"), "alert": alert, "note": "a laboratory error"}
    assert browser.post(f"{case}/wrong", form).status == 303
    page = browser.get(case).text
    assert page.count("seen &lt;b&gt;by&lt;/b&gt; phone") == 1, "once, and never markup"
    assert "a laboratory error" in page
    assert now(inbox) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_only_leads_give_a_case_to_somebody(inbox: Desk, case: str) -> None:
    clinician, lead = (inbox.signed_in("lea", role) for role in (Role.CLINICIAN, Role.LEAD))
    form = {"csrf": clinician.csrf, "key": "k1", "revision": "1", "to": "person:ben"}
    assert clinician.post(f"{case}/assign", form).status == 409
    assert lead.post(f"{case}/assign", form | {"csrf": lead.csrf}).status == 303
    assert str(now(inbox).owner) == "person:ben"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_new_to_somebody_is_marked_until_they_open_it(inbox: Desk, case: str) -> None:
    browser = inbox.signed_in("ben", Role.VIEWER)

    def news() -> list[str]:
        return re.findall(r'"news":(\w+)', browser.get("/api/v1/worklist").text)

    assert news() == ["true"]
    browser.get(case)
    assert news() == ["false"]
    inbox.bench.take(told(name="a9", patient=PATIENT, severity=Severity.CRITICAL))
    assert news() == ["true"]


def test_the_glass_is_broken_with_a_reason_for_an_hour_and_reviewed(inbox: Desk) -> None:
    inbox.bench.take(treatment(), told(patient=OTHERS, course=COURSE_ID))
    reference = inbox.reference(OTHERS, COURSE_ID)
    case, glass = f"/case/{reference}", f"/glass/{reference}"
    browser = inbox.signed_in("anne", Role.CLINICIAN)
    assert browser.get(case).to == glass
    asked = browser.get(glass)
    assert OTHERS not in asked.text
    form = {"csrf": browser.csrf, "reason": "emergency", "words": "bleeding, on call tonight"}
    assert browser.post(glass, form | {"words": "short"}).status == 422
    assert browser.get(case).to == glass, "no reason, no case"
    assert browser.post(glass, form).to == case
    page = browser.get(case)
    assert OTHERS in page.text
    assert f"{case}/dispose" not in page.text, "it can be read, and no more"
    deed = {"csrf": browser.csrf, "key": "k", "revision": "1"}
    assert browser.post(f"{case}/acknowledge", deed).status == 403
    stranger = inbox.signed_in("ben", Role.CLINICIAN)
    assert stranger.get(case).to == glass, "it was opened for one person"
    _reviewed(inbox, reference)
    clock = inbox.parts.clock
    assert isinstance(clock, ManualClock)
    clock.set(micros(inbox.parts.now() + timedelta(hours=1)))
    late = inbox.signed_in("anne", Role.CLINICIAN)
    assert late.get(case).to == glass, "an hour has passed"


def _reviewed(inbox: Desk, reference: str) -> None:
    """Somebody else looks at it, once; whoever did it can't."""
    auditor = inbox.signed_in("lea", Role.AUDITOR)
    assert "bleeding" in auditor.get("/glass").text
    own = inbox.signed_in("anne", Role.AUDITOR)
    assert own.post("/glass/1/reviewed", {"csrf": own.csrf}).status == 409
    assert auditor.post("/glass/1/reviewed", {"csrf": auditor.csrf}).to == "/glass"
    assert auditor.post("/glass/1/reviewed", {"csrf": auditor.csrf}).status == 409
    trail = auditor.get(f"/audit?reference={reference}&by=anne").text
    assert "glass-broken" in trail or "broke" in trail
    assert auditor.get("/audit?what=glass-reviewed").text.count("lea") >= 1
