"""The inbox's pages: what they tell, that hostile words stay words, and that nothing is inline."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from support.five_patients import NOW, RULES, five_book
from support.inbox_views import (
    CSRF,
    FRAME,
    ZONE,
    alerts,
    case_view,
    closed_view,
    others,
    reference,
    row,
    worklist,
)
from support.markup import Page

from schemas.alerts import State
from schemas.base import parse_clinical_time
from services.notifier.cases.words import CaseState
from services.notifier.inbox import casewords
from services.notifier.inbox.pages import render, times
from services.notifier.inbox.pages.case import away, missing
from services.notifier.inbox.pages.documents import VIEWS
from services.notifier.inbox.pages.remembered import remembered
from services.notifier.inbox.reading.contract import Filters, Frame
from services.notifier.inbox.reading.deeds import DISPOSITIONS
from services.notifier.inbox.rulewords import words_of

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision
    from services.notifier.inbox.reading.contract import CaseView, Worklist

EVIL = """"><script>alert(1)</script><img src=x onerror=alert(2)>'&{{7*7}}"""


def of(rule: str) -> AlertRevision:
    return next(alert for alert in alerts() if alert.rule == rule)


def text_of(view: Worklist | CaseView, frame: Frame = FRAME, *, known: bool = True) -> str:
    name = next(name for name, sort in VIEWS.items() if isinstance(view, sort))
    return render(name, view, frame, five_book().events if known else None)


def page_of(view: Worklist | CaseView, frame: Frame = FRAME, *, known: bool = True) -> Page:
    return Page(text_of(view, frame, known=known))


def squeezed(page: Page) -> str:
    return " ".join(page.words.split())


def everything() -> dict[str, str]:
    """Every page that there is, by a name of its own."""
    made = {name: render(page, view, frame) for name, (page, view, frame) in others().items()}
    made |= {f"case-{alert.rule}": text_of(case_view(alert)) for alert in alerts()}
    made |= {f"bare-{alert.rule}": text_of(case_view(alert), known=False) for alert in alerts()}
    return made | {"worklist": text_of(worklist()), "closed": text_of(closed_view(alerts()[0]))}


PAGES_MADE = everything()


class TestEveryPage:
    def test_each_page_of_the_contract_is_here(self) -> None:
        shown = {page for page, _, _ in others().values()} | {"worklist", "case"}
        assert shown == set(VIEWS)

    def test_the_wrong_view_is_refused(self) -> None:
        with pytest.raises(TypeError, match="worklist: expected Worklist"):
            render("worklist", closed_view(alerts()[0]), FRAME)

    @pytest.mark.parametrize("name", PAGES_MADE)
    def test_nothing_is_inline_and_nothing_from_elsewhere(self, name: str) -> None:
        page = Page(PAGES_MADE[name])
        assert page.all("script") == [{"src": "/static/team.js", "defer": None}]
        assert "<style" not in PAGES_MADE[name]
        for tag, attributes in page.tags:
            assert "style" not in attributes
            assert not [one for one in attributes if one.startswith("on")]
            for where in ("src", "href", "action"):
                target = attributes.get(where)
                assert target is None or target.startswith(("/", "#")), (tag, target)

    @pytest.mark.parametrize("name", PAGES_MADE)
    def test_ids_are_there_once(self, name: str) -> None:
        ids = [a["id"] for _, a in Page(PAGES_MADE[name]).tags if "id" in a]
        assert len(ids) == len(set(ids))

    @pytest.mark.parametrize("name", PAGES_MADE)
    def test_what_changes_something_carries_the_token(self, name: str) -> None:
        forms = re.findall(r'<form method="post".*?</form>', PAGES_MADE[name], re.DOTALL)
        assert all(f'name="csrf" value="{CSRF}"' in form for form in forms)

    @pytest.mark.parametrize("name", PAGES_MADE)
    def test_titles_and_addresses_tell_nothing_of_a_patient(self, name: str) -> None:
        title = PAGES_MADE[name].partition("<title>")[2].partition("</title>")[0]
        links = [str(a.get("href")) for a in Page(PAGES_MADE[name]).all("a")]
        for told in (title, *links):
            assert "HOSP" not in told
            assert not any(alert.title in told for alert in alerts())


class TestWorklist:
    def test_rows_keep_their_order_and_say_what_and_by_when(self) -> None:
        page = page_of(worklist())
        links = [a["href"] for a in page.all("a") if str(a.get("href")).startswith("/case/")]
        assert links == [f"/case/{reference(alert)}" for alert in alerts()]
        words = squeezed(page)
        assert "20 days past act by 9 Feb 2026" in words
        assert "18 days left act by 20 Mar 2026" in words
        assert "the desk oncology-desk" in words
        assert "Offered to you" in words
        assert "2 findings" in words

    def test_severity_is_a_word_and_a_shape(self) -> None:
        page = page_of(worklist())
        assert "Critical" in page.words
        drawn = [a for a in page.all("svg") if a.get("viewbox") == "0 0 16 16"]
        assert len(drawn) == len(worklist().rows)

    def test_the_next_page_and_the_one_before_are_links(self) -> None:
        links = {a.get("rel"): a.get("href") for a in page_of(worklist()).all("a")}
        assert (links["prev"], links["next"]) == ("/?before=1", "/?after=5")

    def test_filters_stay_chosen_and_can_be_left(self) -> None:
        page = page_of(worklist(filters=Filters("mine", "urgent", "oncology")))
        chosen = {one.get("value") for one in page.all("option") if "selected" in one}
        assert "urgent" in chosen
        assert {"type": "hidden", "name": "view", "value": "mine"} in page.all("input")
        assert "/?view=mine" in {a.get("href") for a in page.all("a")}

    @pytest.mark.parametrize("view", casewords.VIEWS)
    def test_an_empty_view_has_its_own_sentence(self, view: str) -> None:
        words = squeezed(page_of(worklist(rows=(), filters=Filters(view))))
        others_say = {
            squeezed(page_of(worklist(rows=(), filters=Filters(other))))
            for other in casewords.VIEWS
            if other != view
        }
        assert words not in others_say

    def test_no_case_is_no_sign_that_all_is_well(self) -> None:
        assert "not a sign that all is well" in page_of(worklist(rows=())).words

    def test_a_search_shows_no_filters(self) -> None:
        page = page_of(worklist(found=True))
        assert "Cases of one patient" in page.words
        assert not [a for a in page.all("select") if a.get("name") == "severity"]

    def test_the_tab_counts_what_presses(self) -> None:
        soon = row(alerts()[2], left=timedelta(days=2))
        assert "<title>Worklist (3 need you)" in text_of(
            worklist(rows=(*worklist().rows[:2], soon))
        )

    def test_a_closed_case_shows_no_time_left(self) -> None:
        one = row(alerts()[0], state=CaseState.CLOSED)
        words = squeezed(page_of(worklist(rows=(one,), filters=Filters("closed"))))
        assert "past" not in words
        assert "Closed" in words


class TestCase:
    @pytest.mark.parametrize("rule", RULES)
    def test_the_basis_is_whole(self, rule: str) -> None:
        alert = of(rule)
        words = squeezed(page_of(case_view(alert)))
        assert alert.title in words
        assert alert.rule in words
        assert all(item.event_id in words for item in alert.evidence)
        assert all(" ".join(one.cite.split()) in words for one in alert.source)
        assert "What would make it go away" in words
        assert "They are no recommendation for this patient." in words or not alert.options

    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize("known", [True, False])
    def test_every_mark_of_the_evidence_is_drawn(self, rule: str, known: bool) -> None:  # noqa: FBT001
        page = page_of(case_view(of(rule)), known=known)
        classes = [(a.get("class") or "").split() for _, a in page.tags]
        for item in of(rule).evidence:
            if item.value and re.search(r"^[<>]?[\d.]+$|sum \d+ mm", item.value):
                assert any("mark" in names and item.role in names for names in classes)

    def test_a_corrected_value_is_struck_through_in_chart_and_table(self) -> None:
        page = page_of(case_view(of("PROST-SRT-WINDOW")))
        assert [a for _, a in page.tags if a.get("class") == "strike"]
        assert re.search(r"<del>0\.31 ng/mL</del>", text_of(case_view(of("PROST-SRT-WINDOW"))))
        bare = page_of(case_view(of("PROST-SRT-WINDOW")), known=False)
        assert not [a for _, a in bare.tags if a.get("class") == "strike"]

    def test_the_next_level_of_the_window_is_foreseen_with_its_interval(self) -> None:
        page = page_of(case_view(of("PROST-SRT-WINDOW")))
        assert len([a for a in page.all("rect") if a.get("class") == "likely"]) == 2
        assert "the next level is reached about 2 Jul 2026" in squeezed(page)
        assert "95 % interval from 18 Apr 2026 to 20 Oct 2026" in squeezed(page)
        others_say = page_of(case_view(of("CML-ELN")))
        assert not [a for a in others_say.all("rect") if a.get("class") == "likely"]

    @pytest.mark.parametrize("rule", RULES)
    def test_the_rule_is_told_in_words_with_what_it_misses(self, rule: str) -> None:
        told, words = words_of(rule), squeezed(page_of(case_view(of(rule))))
        assert told is not None
        for line in (told.plain, *told.misses, *told.false_alarms):
            assert " ".join(line.split()) in words
        assert "another version of the rule judged" not in words

    def test_the_words_of_another_version_are_called_so(self) -> None:
        alert = of("CML-ELN").model_copy(update={"rule_version": "of-the-house"})
        assert "another version of the rule judged" in page_of(case_view(alert)).words
        own = of("CML-ELN").model_copy(update={"rule": "OF-THE-HOUSE"})
        assert "It misses" not in page_of(case_view(own)).words

    def test_both_scales_are_in_the_page_where_both_make_sense(self) -> None:
        page = page_of(case_view(of("HIV-VF-WHO")))
        radios = [a for a in page.all("input") if a.get("type") == "radio"]
        assert [a.get("value") for a in radios] == ["1", "2"]
        assert "checked" in radios[0]
        charts = [a for a in page.all("svg") if a.get("role") == "img"]
        assert len(charts) == 2

    def test_without_the_record_it_says_so(self) -> None:
        assert "at hand here" in page_of(case_view(alerts()[0]), known=False).words
        assert "at hand here" not in page_of(case_view(alerts()[0])).words

    def test_what_can_be_done_is_a_form_each(self) -> None:
        view = case_view(of("CML-ELN"))
        page = page_of(view)
        posted = [a["action"] for a in page.all("form") if str(a["action"]).startswith("/case/")]
        assert posted == [form.url for form in view.deeds]
        hidden = [a for a in page.all("input") if a.get("name") == "revision"]
        assert len(hidden) == len(view.deeds)

    def test_reasons_stand_in_groups_and_none_is_lost(self) -> None:
        page = page_of(case_view(of("CML-ELN")))
        groups = [a.get("label") for a in page.all("optgroup")]
        assert groups == list(casewords.COUNTS.values())
        values = {a.get("value") for a in page.all("option")}
        assert {str(code) for code in DISPOSITIONS} <= values

    def test_a_refused_deed_keeps_what_was_written(self) -> None:
        draft = {"deed": "dispose", "disposition": "duplicate", "note": "seen on the ward"}
        refused = "somebody closed it meanwhile"
        page = page_of(case_view(of("CML-ELN"), refused=refused, draft=draft))
        assert refused in page.words
        assert "seen on the ward" in page.words
        (chosen,) = [a for a in page.all("option") if "selected" in a and a["value"]]
        assert chosen["value"] == "duplicate"
        (opened,) = [a for a in page.all("details") if a.get("data-deed") and "open" in a]
        assert opened["data-deed"] == "dispose"

    def test_what_was_just_done_is_said(self) -> None:
        assert "Snoozed." in page_of(case_view(of("CML-ELN"), said="snooze")).words

    def test_a_snooze_has_its_latest_moment_in_the_readers_time(self) -> None:
        (field,) = [
            a for a in page_of(case_view(of("CML-ELN"))).all("input") if a.get("name") == "until"
        ]
        latest = (NOW + timedelta(days=9)).astimezone(ZONE)
        assert field["max"] == f"{latest:%Y-%m-%dT%H:%M}"

    def test_a_closed_case_says_why_and_offers_nothing(self) -> None:
        page = page_of(closed_view(of("CML-ELN")))
        assert "Treatment was changed" in page.words
        assert [a for a in page.all("form") if str(a["action"]).startswith("/case/")] == []

    def test_the_history_is_in_words_and_in_local_time(self) -> None:
        words = squeezed(page_of(case_view(of("PROST-SRT-WINDOW"))))
        assert "16 Feb 2026, 16:22 Message delivered to ward-doctor by push" in words
        assert "2 Mar 2026, 08:30 Opened by ward-doctor" in words


class TestRules:
    def test_shares_come_with_their_interval_and_silence_is_called_so(self) -> None:
        words = squeezed(Page(PAGES_MADE["rules"]))
        assert "19 of 24 right: 79 % (95 % interval 60 to 91 %)" in words
        assert "not judged yet" in words
        assert "3 min from the alert to the first notice (24)" in words
        assert "\N{MINUS SIGN}5 days left until the date to act" in words

    def test_a_demoted_rule_is_named_above_the_table(self) -> None:
        assert "were right: HIV-LLV." in squeezed(Page(PAGES_MADE["rules"]))
        assert "No rule has raised an alert yet." in Page(PAGES_MADE["no-rules"]).words


class TestHostile:
    def test_words_stay_words(self) -> None:
        alert = of("CML-ELN").model_copy(
            update={"title": EVIL, "summary": EVIL, "rule": EVIL, "options": (EVIL,), "tag": EVIL}
        )
        view = case_view(
            alert, row=replace(row(alert), patient=EVIL), refused=EVIL, draft={"note": EVIL}
        )
        for made in (page_of(view), page_of(worklist(rows=(view.row,)))):
            assert len(made.all("script")) == 1
            assert not [1 for _, attributes in made.tags if "onerror" in attributes]
            assert "<script>alert(1)</script>" in made.words
            assert "{{7*7}}" in made.words

    def test_a_hostile_frame_too(self) -> None:
        assert FRAME.viewer is not None
        frame = replace(FRAME, viewer=replace(FRAME.viewer, name=EVIL), csrf=EVIL)
        assert len(page_of(worklist(), frame).all("script")) == 1


class TestWords:
    def test_a_deadline_at_midnight_is_the_day_before(self) -> None:
        midnight = parse_clinical_time("2026-05-17T22:00:00Z")
        assert times.deadline(midnight, ZONE) == "17 May 2026"  # type: ignore[arg-type]
        assert times.deadline(midnight, ZoneInfo("UTC")) == "17 May 2026, 22:00"  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("span", "words"),
        [
            (timedelta(days=76, hours=3), "76 days left"),
            (timedelta(hours=47), "47 h left"),
            (timedelta(minutes=59), "59 min left"),
            (timedelta(0), "0 min left"),
            (timedelta(hours=-1), "1 h past"),
            (timedelta(days=-20, hours=-4), "20 days past"),
            (None, "no date"),
        ],
    )
    def test_time_left(self, span: timedelta | None, words: str) -> None:
        assert times.left(span) == words

    @pytest.mark.parametrize("state", State)
    def test_every_state_says_what_would_make_it_go_away(self, state: State) -> None:
        alert = of("CML-ELN").model_copy(update={"state": state})
        assert list(away(alert))

    def test_what_is_missing_names_the_awaited_test(self) -> None:
        first = next(one for one in five_book().revisions if one.state is State.SUSPECTED)
        assert "the test that would confirm or refute it (by 5 Jan 2026)" in list(missing(first))

    @pytest.mark.parametrize("rule", RULES)
    def test_evidence_is_remembered_as_events(self, rule: str) -> None:
        alert = of(rule)
        kept = {event.event_id for event in remembered(alert)}
        numbers = {
            i.event_id for i in alert.evidence if re.fullmatch(r"[<>]?[\d.]+", i.value or "")
        }
        assert numbers <= kept
        assert kept <= {item.event_id for item in alert.evidence}
