"""The pages as served: every alert renders, hostile words stay words, nothing is from elsewhere."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from support.markup import Page
from support.memory_book import MemoryBook

from schemas.alerts import OPEN_STATES, AlertRevision, Evidence, Explanation, Role
from schemas.events import EVENT
from services.notifier.inbox.app import HEADERS, build_app
from services.notifier.inbox.book import Undecided

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aiohttp import web

EVIL = """"><script>alert(1)</script><img src=x onerror=alert(2)>'&{{7*7}}"""


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str


def ask(
    book: MemoryBook,
    now: datetime,
    *paths: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
) -> list[Answer]:
    """The answers of a served application."""

    async def answers() -> list[Answer]:
        app: web.Application = build_app(book, now=lambda: now, notice="Synthetic.")
        async with TestClient(TestServer(app)) as client:
            found = []
            for path in paths:
                async with client.request(method, path, headers=headers) as reply:
                    found.append(Answer(reply.status, dict(reply.headers), await reply.text()))
            return found

    return asyncio.run(answers())


def page(book: MemoryBook, now: datetime, path: str) -> Page:
    (answer,) = ask(book, now, path)
    assert answer.status == 200
    return Page(answer.text)


def squeezed(text: str) -> str:
    return " ".join(text.split())


class TestList:
    def test_every_standing_alert_is_listed(self, book: MemoryBook, now: datetime) -> None:
        links = {link.get("href") for link in page(book, now, "/").all("a")}
        for alert in book.alerts():
            assert (f"/alerts/{alert.alert_id}" in links) == (alert.state in OPEN_STATES)

    def test_all_of_them_on_request(self, book: MemoryBook, now: datetime) -> None:
        links = {link.get("href") for link in page(book, now, "/?state=all").all("a")}
        assert {f"/alerts/{alert.alert_id}" for alert in book.alerts()} <= links

    def test_a_choice_stays_chosen(self, book: MemoryBook, now: datetime) -> None:
        options = page(book, now, "/?state=all&severity=urgent").all("option")
        chosen = {one.get("value") for one in options if "selected" in one}
        assert chosen == {"all", "urgent", ""}

    def test_an_empty_ward_says_so(self, empty: MemoryBook, now: datetime) -> None:
        assert "No alert so far." in page(empty, now, "/").words

    def test_filters_that_nothing_fits_say_so(self, book: MemoryBook, now: datetime) -> None:
        words = page(book, now, "/?state=cleared&severity=critical").words
        assert "No alert fits these filters." in words

    def test_it_knows_when_something_is_new(self, book: MemoryBook, now: datetime) -> None:
        (answer,) = ask(book, now, "/latest")
        assert answer.text == f'{{"sequence": {len(book.revisions)}}}'
        ((_, attributes),) = [one for one in page(book, now, "/").tags if "data-sequence" in one[1]]
        assert attributes["data-sequence"] == str(len(book.revisions))


class TestAlert:
    def test_every_alert_of_the_cohort_is_told_whole(self, book: MemoryBook, now: datetime) -> None:
        alerts = book.alerts()
        assert len(alerts) > 8
        paths = [f"/alerts/{alert.alert_id}" for alert in alerts]
        for alert, answer in zip(alerts, ask(book, now, *paths), strict=True):
            assert answer.status == 200
            told = Page(answer.text)
            words = squeezed(told.words)
            shown = next(r for r in reversed(book.journal(alert.alert_id)) if r.evidence)
            assert alert.title in words
            assert all(item.event_id in words for item in shown.evidence)
            assert all(squeezed(one.cite) in words for one in alert.source)
            assert all(option.split("{")[0] in words for option in alert.options)
            assert words.count("Revision") == len(book.journal(alert.alert_id))
            assert told.all("svg")

    def test_every_mark_of_the_evidence_is_on_a_chart(
        self, book: MemoryBook, now: datetime
    ) -> None:
        for alert in book.alerts():
            shown = next(r for r in reversed(book.journal(alert.alert_id)) if r.evidence)
            told = page(book, now, f"/alerts/{alert.alert_id}")
            classes = [(a.get("class") or "").split() for _, a in told.tags]
            for item in shown.evidence:
                if item.value and re.fullmatch(r"[<>]?[\d.]+", item.value):
                    assert any("mark" in names and item.role in names for names in classes)

    def test_options_come_with_the_sentence_that_they_are_no_recommendation(
        self, book: MemoryBook, now: datetime
    ) -> None:
        alert = next(one for one in book.alerts() if one.options)
        words = page(book, now, f"/alerts/{alert.alert_id}").words
        assert "They are no recommendation for this patient." in words

    def test_what_has_to_be_checked_is_marked(self, book: MemoryBook, now: datetime) -> None:
        alert = next(a for a in book.alerts() if any(s.confidence == "C" for s in a.source))
        assert "[C] to be checked" in page(book, now, f"/alerts/{alert.alert_id}").words

    def test_what_is_not_known_is_shown_as_such(self, book: MemoryBook, now: datetime) -> None:
        alert = next(a for a in book.alerts() if any(r.value == "not known" for r in a.readiness))
        assert "not known" in page(book, now, f"/alerts/{alert.alert_id}").words

    def test_a_retracted_alert_shows_what_it_had_relied_on_and_what_became_of_it(
        self, book: MemoryBook, now: datetime
    ) -> None:
        alert = next(
            a for a in book.alerts() if a.state == "retracted" and a.rule == "PROST-BCR-RP"
        )
        words = squeezed(page(book, now, f"/alerts/{alert.alert_id}").words)
        assert "The alert has been taken back. This is the evidence of revision" in words
        assert "now 0.0" in words or "withdrawn since" in words
        assert "Nothing: the alert has been taken back." in words

    def test_what_the_rule_could_not_evaluate_is_shown(
        self, book: MemoryBook, now: datetime
    ) -> None:
        patient, doubt = book.doubts[0]
        alert = next(a for a in book.alerts() if (a.patient_id, a.rule) == (patient, doubt.rule))
        assert doubt.reason in page(book, now, f"/alerts/{alert.alert_id}").words

    def test_an_unknown_alert_is_not_found(self, book: MemoryBook, now: datetime) -> None:
        (answer,) = ask(book, now, "/alerts/none")
        assert answer.status == 404
        assert Page(answer.text).all("h1")


class TestPatient:
    def test_every_patient_has_a_page_with_all_that_is_known(
        self, book: MemoryBook, now: datetime
    ) -> None:
        for patient in sorted({event.patient_id for event in book.facts}):
            told = page(book, now, f"/patients/{quote(patient, safe='')}")
            links = {link.get("href") for link in told.all("a")}
            own = [alert for alert in book.alerts() if alert.patient_id == patient]
            assert {f"/alerts/{alert.alert_id}" for alert in own} <= links
            assert told.all("figure")

    def test_what_could_not_be_evaluated_is_shown(self, book: MemoryBook, now: datetime) -> None:
        patient, doubt = book.doubts[0]
        words = page(book, now, f"/patients/{quote(patient, safe='')}").words
        assert doubt.reason in words
        assert doubt.event_id in words

    def test_an_unknown_patient_is_not_found(self, book: MemoryBook, now: datetime) -> None:
        assert ask(book, now, "/patients/HOSP%7Cnone")[0].status == 404


@pytest.fixture
def hostile(book: MemoryBook) -> MemoryBook:
    """An alert and facts whose every text wants to be markup."""
    alert = next(one for one in book.alerts() if one.state == "confirmed" and one.explanation)
    evil = Evidence(event_id=EVIL, role=Role.TRIGGER, at=alert.at, what=EVIL, value=EVIL, unit=EVIL)
    changed = {
        "patient_id": EVIL,
        "course_id": EVIL,
        "title": EVIL,
        "summary": EVIL,
        "rule": EVIL,
        "tag": EVIL,
        "evidence": (*alert.evidence, evil),
        "options": (EVIL,),
        "explanation": Explanation(text=EVIL, truth="true", value=EVIL, events=(EVIL,)),
    }
    event = {
        "event_id": EVIL,
        "patient_id": EVIL,
        "source": EVIL,
        "effective_at": "2024-03-01",
        "issued_at": "2024-03-01T00:00:00Z",
    }
    facts: list[dict[str, Any]] = [
        {"type": "observation", "analyte": EVIL, "value": "1", "unit": EVIL},
        {"type": "observation", "analyte": EVIL, "value_code": EVIL},
        {"type": "treatment", "course_id": EVIL, "condition": EVIL, "modality": EVIL,
         "regimen": EVIL, "reason": EVIL, "phase": "started"},
        {"type": "adverse_event", "term": EVIL, "grade": 3},
        {"type": "patient", "care_team": EVIL, "merged_into": EVIL},
    ]  # fmt: skip
    events = [
        EVENT.validate_python({**event, **fact, "event_id": f"{EVIL}{number}"})
        for number, fact in enumerate(facts)
    ]
    doubt = (EVIL, Undecided(EVIL, EVIL, EVIL))
    return MemoryBook([alert.model_copy(update=changed)], events, [doubt])


class TestHostile:
    def test_words_stay_words(self, hostile: MemoryBook, now: datetime) -> None:
        alert = hostile.revisions[0]
        for path in ("/", f"/alerts/{alert.alert_id}", f"/patients/{quote(EVIL, safe='')}"):
            told = page(hostile, now, path)
            assert all(one.get("src", "").startswith("/static/") for one in told.all("script"))  # type: ignore[union-attr]
            assert all((one.get("src") or "").startswith("/static/") for one in told.all("img"))
            assert not [1 for _, attributes in told.tags if "onerror" in attributes]
            assert "<script>alert(1)</script>" in told.words
            assert "{{7*7}}" in told.words

    def test_their_links_lead_to_them(self, hostile: MemoryBook, now: datetime) -> None:
        links = [link.get("href") or "" for link in page(hostile, now, "/").all("a")]
        (patient,) = {link for link in links if link.startswith("/patients/")}
        assert ask(hostile, now, patient)[0].status == 200

    def test_nonsense_in_the_address_is_not_echoed(self, book: MemoryBook, now: datetime) -> None:
        evil = quote(EVIL, safe="")
        for answer in ask(book, now, f"/?state={evil}", f"/alerts/{evil}", f"/patients/{evil}"):
            assert "alert(1)" not in answer.text


class TestSafety:
    PATHS = ("/", "/latest", "/static/inbox.css", "/none", "/alerts/none")

    def test_every_answer_carries_the_headers(self, book: MemoryBook, now: datetime) -> None:
        for answer in ask(book, now, *self.PATHS):
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS

    def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(self) -> None:
        policy = HEADERS["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert not re.search(r"https?:|\*|data:", policy)

    def test_nothing_comes_from_elsewhere(self, book: MemoryBook, now: datetime) -> None:
        alert = book.alerts()[0]
        for path in ("/", f"/alerts/{alert.alert_id}"):
            for tag, attributes in page(book, now, path).tags:
                for name in ("src", "href", "action"):
                    target = attributes.get(name)
                    assert target is None or target.startswith(("/", "#")), (tag, target)
                assert "style" not in attributes
                assert not [name for name in attributes if name.startswith("on")]

    def test_no_script_and_no_style_is_written_into_a_page(
        self, book: MemoryBook, now: datetime
    ) -> None:
        (answer,) = ask(book, now, "/")
        assert re.findall(r"<script[^>]*>", answer.text) == [
            '<script src="/static/inbox.js" defer>'
        ]
        assert "<style" not in answer.text

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_nothing_can_be_changed(self, book: MemoryBook, now: datetime, method: str) -> None:
        for answer in ask(book, now, "/", "/latest", "/static/inbox.css", method=method):
            assert answer.status == 405

    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example"]
    )
    def test_it_answers_to_no_other_name(self, book: MemoryBook, now: datetime, host: str) -> None:
        (answer,) = ask(book, now, "/", headers={"Host": host})
        assert answer.status == 421
        assert "HOSP" not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("host", ["localhost:8642", "127.0.0.1", "[::1]:8642", "LOCALHOST"])
    def test_it_answers_to_this_machine(self, book: MemoryBook, now: datetime, host: str) -> None:
        assert ask(book, now, "/", headers={"Host": host})[0].status == 200

    @pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/"])
    def test_only_static_files_are_served(self, book: MemoryBook, now: datetime, path: str) -> None:
        assert ask(book, now, path)[0].status in (403, 404)

    def test_a_book_that_cannot_be_read_says_so_and_nothing_else(
        self, book: MemoryBook, now: datetime, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken(MemoryBook):
            def alerts(self) -> list[AlertRevision]:
                raise OSError("HOSP|000011 is in the message")

        (answer,) = ask(Broken(book.revisions), now, "/")
        assert answer.status == 503
        assert answer.headers["Cache-Control"] == "no-store"
        assert "HOSP" not in answer.text + caplog.text


class TestForm:
    """What a person who listens to a page, or uses no pointer, relies on."""

    @pytest.fixture
    def pages(self, book: MemoryBook, now: datetime) -> list[Page]:
        alert = book.alerts()[0]
        patient = quote(alert.patient_id, safe="")
        return [
            page(book, now, path)
            for path in ("/", f"/alerts/{alert.alert_id}", f"/patients/{patient}")
        ]

    def test_headings_go_down_one_step_at_a_time(self, pages: list[Page]) -> None:
        for told in pages:
            levels = [int(tag[1]) for tag, _ in told.tags if re.fullmatch(r"h[1-6]", tag)]
            assert levels[0] == 1
            assert levels.count(1) == 1
            assert all(b - a <= 1 for a, b in itertools.pairwise(levels))

    def test_ids_are_unique_and_references_lead_somewhere(self, pages: list[Page]) -> None:
        for told in pages:
            ids = [a["id"] for _, a in told.tags if a.get("id")]
            assert len(ids) == len(set(ids))
            named = [a["aria-labelledby"] or "" for _, a in told.tags if "aria-labelledby" in a]
            assert {one for names in named for one in names.split()} <= set(ids)

    def test_a_page_names_its_language_title_main_part_and_a_way_past_the_head(
        self, pages: list[Page]
    ) -> None:
        for told in pages:
            assert told.all("html")[0].get("lang") == "en"
            assert len(told.all("main")) == 1
            assert told.all("a")[0].get("href") == "#main"

    def test_tables_have_headers_with_their_scope(self, pages: list[Page]) -> None:
        for told in pages:
            assert all(one.get("scope") in ("col", "row") for one in told.all("th"))

    def test_pictures_have_words_or_are_left_to_the_words_beside_them(
        self, pages: list[Page]
    ) -> None:
        for told in pages:
            for one in told.all("svg"):
                assert one.get("aria-hidden") == "true" or one.get("aria-labelledby")
            assert all("alt" in one for one in told.all("img"))
