"""What somebody chooses for their own pages: kept, checked, and each does something."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from support.five_patients import five_book
from support.inbox_views import FRAME, alerts, case_view
from support.notifying import told

from schemas.alerts import Severity
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.pages import render
from services.notifier.inbox.personal.preferences import (
    CHOICES,
    MOST_VIEWS,
    Preferences,
    changed,
)
from services.notifier.inbox.reading.worklist import PAGE
from services.notifier.store.tables import PREFERENCES

if TYPE_CHECKING:
    from support.inbox import Answer, Browser, Desk

URGENT = 30


@pytest.fixture
def reader(inbox: Desk) -> Browser:
    """Somebody with a few more cases than their shortest page holds, all of them urgent but one."""
    severe = [Severity.URGENT] * URGENT + [Severity.ADVISORY]
    inbox.bench.take(
        *(
            told(severity=one, name=f"a{number}", patient=f"HOSP|{number:06}")
            for number, one in enumerate(severe)
        )
    )
    return inbox.signed_in("anne", Role.LEAD)


def choose(browser: Browser, **fields: str) -> Answer:
    return browser.post("/preferences", {"csrf": browser.csrf, **fields})


def rows(browser: Browser, path: str = "/") -> int:
    return browser.get(path).text.count("data-reference=")


def test_pages_are_as_long_as_somebody_wants_them_and_nobody_elses_change(
    reader: Browser, inbox: Desk
) -> None:
    assert rows(reader) == URGENT + 1
    assert choose(reader, rows="25").to == "/preferences?said"
    assert rows(reader) == 25
    following = re.search(r'href="(/\?[^"]*after=[^"]*)" rel="next"', reader.get("/").text)
    assert following is not None
    assert rows(reader, following[1].replace("&amp;", "&")) == URGENT + 1 - 25
    assert rows(inbox.signed_in("ben", Role.LEAD)) == URGENT + 1
    assert len(json.loads(reader.get("/api/v1/worklist").text)["rows"]) == min(PAGE, URGENT + 1)


def test_a_named_view_is_a_link_a_beginning_and_can_be_taken_away(reader: Browser) -> None:
    named = {"csrf": reader.csrf, "name": "Quiet <ones>", "view": "open", "severity": "advisory"}
    assert reader.post("/preferences/views", named).to == "/?view=open&severity=advisory"
    link = '<a href="/?view=open&amp;severity=advisory">Quiet &lt;ones&gt;</a>'
    assert link in reader.get("/").text
    assert rows(reader) == URGENT + 1
    assert choose(reader, first="Quiet <ones>").status == 303
    assert rows(reader) == 1
    assert rows(reader, "/?view=open") == URGENT + 1, "what is asked for goes before"
    taken = {"csrf": reader.csrf, "name": "Quiet <ones>"}
    assert reader.post("/preferences/views/without", taken).to == "/preferences?said"
    assert rows(reader) == URGENT + 1
    assert link not in reader.get("/").text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_worklist_begins_with_the_view_that_somebody_chose(reader: Browser) -> None:
    choose(reader, first="closed")
    assert "No case has been closed yet." in reader.get("/").text
    assert 'value="closed" selected' in reader.get("/preferences").text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_colours_and_keys_are_on_every_page(reader: Browser) -> None:
    by_device = '/static/dark.css" media="screen and (prefers-color-scheme: dark)"'
    always = '/static/dark.css" media="screen"'
    for colours, there, not_there in (
        ("system", by_device, always),
        ("dark", always, by_device),
        ("light", 'name="color-scheme" content="light"', "dark.css"),
    ):
        assert choose(reader, colours=colours).status == 303
        for path in ("/", "/roster", "/preferences", "/audit"):
            page = reader.get(path).text
            assert (there in page, not_there in page) == (True, False), (colours, path)
    assert reader.get("/static/dark.css").status == 200
    assert 'id="keys"' in reader.get("/").text
    choose(reader, keys="off")
    assert 'id="keys"' not in reader.get("/").text


def scales(scale: str) -> list[str]:
    """The scales of a chart's choice, as its page has them in order."""
    alert = next(one for one in alerts() if one.rule == "HIV-VF-WHO")
    frame = replace(FRAME, chosen=changed(Preferences(), {"scale": scale}))
    page = render("case", case_view(alert), frame, five_book().events)
    assert page.count('class="as-first"') == 1
    return re.findall(r'value="[12]"(?: checked)?> (\w+)', page)


def test_charts_begin_with_the_scale_that_somebody_wants() -> None:
    assert scales("fitting") == ["logarithmic", "linear"]
    assert scales("log") == ["logarithmic", "linear"]
    assert scales("linear") == ["linear", "logarithmic"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_not_a_choice_is_refused_by_its_field_and_changes_nothing(reader: Browser) -> None:
    for field in ("first", *CHOICES):
        refused = choose(reader, **{field: "forged-value"})
        assert (refused.status, f"{field}: not one of the choices" in refused.text) == (422, True)
        assert "forged-value" not in refused.text
    for name in ("", "x" * 41, "a\nb", "closed"):
        sent = {"csrf": reader.csrf, "name": name, "view": "open"}
        assert reader.post("/preferences/views", sent).status == 422, name
    for number in range(MOST_VIEWS + 1):
        got = reader.post("/preferences/views", {"csrf": reader.csrf, "name": f"view {number}"})
        assert got.status == (303 if number < MOST_VIEWS else 422)
    assert reader.post("/preferences", {"rows": "25"}).status == 403, "without the page's token"
    assert json.loads(reader.get("/api/v1/preferences").text)["rows"] == 50


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_programs_read_and_change_them(reader: Browser) -> None:
    token = {"X-CSRF": reader.csrf}
    done = reader.send("/api/v1/preferences", json.dumps({"rows": "100"}), **token)
    assert json.loads(done.text)["rows"] == 100
    assert json.loads(reader.get("/api/v1/preferences").text) == json.loads(done.text)
    refused = reader.send("/api/v1/preferences", json.dumps({"rows": "7"}), **token)
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_another_release_wrote_gives_the_defaults(reader: Browser, inbox: Desk) -> None:
    choose(reader, rows="25")
    with inbox.bench.database.transaction() as connection:
        connection.execute(update(PREFERENCES).values(body='{"rows": 7}'))
    assert json.loads(reader.get("/api/v1/preferences").text)["rows"] == Preferences().rows
    assert rows(reader) == URGENT + 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_reads_no_cases_is_asked_nothing_about_them(reader: Browser, inbox: Desk) -> None:
    ops = inbox.signed_in("lea", Role.OPS).get("/preferences").text
    assert ('id="choose-colours"' in ops, 'id="choose-rows"' in ops) == (True, False)
    own = reader.get("/preferences").text
    assert ('id="choose-rows"' in own, "Europe/Zurich" in own) == (True, True)
