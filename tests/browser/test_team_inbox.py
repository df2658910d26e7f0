"""The inbox in a real browser: open, read, decide; by mouse, by keyboard alone, without script."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.five_patients import NOW, RULES
from support.inbox_ward import FOREIGN
from support.notifying import told

from schemas.alerts import Severity, State
from services.notifier.inbox.access.local import LocalDoor
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.reading.contract import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.inbox import Desk

pytestmark = pytest.mark.slow

LONG: Final = 30_000
"""Milliseconds that a busy machine may take."""
ROUTE: Final = "/route?condition=cml&care_team=&severity=urgent&at=2026-03-07T23:30"
LISTS: Final = ("/", "/?view=closed", "/roster", ROUTE, "/audit", "/glass", "/preferences")
OF_OPS: Final = ("/sources", "/letters")
GROUND: Final = "getComputedStyle(document.body).backgroundColor"


@contextmanager
def visit(browser: Any, desk: Desk, **how: Any) -> Iterator[Any]:
    """A page of a fresh browser; what it complains of, or asks of another host, fails the test."""
    how = {"viewport": {"width": 1280, "height": 900}, "base_url": desk.origin, **how}
    context = browser.new_context(**how)
    context.set_default_timeout(LONG)
    complaints: list[str] = []

    def ask(route: Any) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            complaints.append(route.request.url)
            route.abort()

    context.route("**/*", ask)
    page = context.new_page()
    page.on("console", lambda said: complaints.extend(complained(said)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def complained(said: Any) -> list[str]:
    """What a browser says of a page; that something was refused is no complaint of it."""
    refused = said.text.startswith(
        "Failed to load resource: the server responded with a status of 4"
    )
    return [said.text] if said.type in ("error", "warning") and not refused else []


def password(desk: Desk) -> str:
    assert isinstance(desk.parts.door, LocalDoor)
    return desk.parts.door.file.read_text().strip()


def sign_in(page: Any, desk: Desk) -> None:
    page.goto("/sign-in")
    page.get_by_label("Password").fill(password(desk))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


@pytest.fixture
def page(browser: Any, desk: Desk) -> Iterator[Any]:
    """A page of somebody who has signed in already."""
    held = desk.signed_in("onc-doctor-1", Role.LEAD, Role.AUDITOR, Role.OPS).cookies
    with visit(browser, desk) as one:
        for name, value in held.items():
            one.context.add_cookies([{"name": name, "value": value, "url": desk.origin}])
        yield one


def address(desk: Desk, rule: str) -> str:
    course = {"PROST-SRT-WINDOW": "rp", "HIV-VF-WHO": "art", "CML-ELN": "tki"}
    course |= {"SOLID-RECIST11": "chemo", "TOX-HYS-LAW": ""}
    return f"/case/{desk.reference(RULES[rule], course[rule])}"


def open_reading(page: Any, patient: str) -> None:
    """From the list to a case: what happened, why, how long, all in the first screen's words."""
    page.goto("/")
    page.locator("#cases tbody tr").filter(has_text=patient).locator(".what a").click()
    assert page.locator(".banner").get_by_text("act by").is_visible()
    assert page.locator("svg.chart").first.is_visible()
    assert page.locator("table.evidence tbody tr").count() >= 2


# ---------------------------------------------------------------- the whole path


def test_by_mouse(page: Any) -> None:
    open_reading(page, RULES["SOLID-RECIST11"])
    page.locator("[data-deed=dispose] summary").click()
    page.get_by_label("Reason").select_option("treatment_changed")
    page.locator("[data-deed=dispose] textarea").fill("changed to second line")
    page.get_by_role("button", name="Close with a reason").click()
    page.get_by_role("status").filter(has_text="The case is closed.").wait_for()
    assert page.locator(".banner").get_by_text("Treatment was changed").is_visible()
    assert "changed to second line" in page.locator(".history").inner_text()
    page.goto("/")
    assert page.locator("#cases").get_by_text(RULES["SOLID-RECIST11"]).count() == 0


def until_focused(page: Any, script: str) -> None:
    """Press Tab until what has the focus fits."""
    for _ in range(150):
        if page.evaluate(f"(one => {script})(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never led to: {script}")


def test_by_keyboard_alone(browser: Any, desk: Desk) -> None:
    patient = RULES["CML-ELN"]
    with visit(browser, desk) as page:
        page.goto("/sign-in")
        until_focused(page, "one.id === 'password'")
        page.keyboard.type(password(desk))
        page.keyboard.press("Enter")
        page.wait_for_url("**/")
        row = f"one.closest('tr')?.textContent.includes('{patient}') && one.matches('.what a')"
        until_focused(page, row)
        page.keyboard.press("Enter")
        page.wait_for_url("**/case/*")
        until_focused(page, "one.closest('[data-deed=dispose]') && one.matches('summary')")
        page.keyboard.press("Enter")
        until_focused(page, "one.matches('[data-deed=dispose] select')")
        page.keyboard.type("The dose")
        until_focused(page, "one.matches('[data-deed=dispose] textarea')")
        page.keyboard.type("by keyboard")
        until_focused(page, "one.matches('[data-deed=dispose] button')")
        page.keyboard.press("Enter")
        page.get_by_role("status").filter(has_text="The case is closed.").wait_for()
        assert page.locator(".banner").get_by_text("The dose was adjusted").is_visible()


def test_without_script(browser: Any, desk: Desk) -> None:
    with visit(browser, desk, java_script_enabled=False) as page:
        sign_in(page, desk)
        open_reading(page, RULES["HIV-VF-WHO"])
        assert page.get_by_label("logarithmic").is_checked()
        page.locator("[data-deed=dispose] summary").click()
        page.get_by_role("button", name="Close with a reason").click()
        assert page.url.endswith(address(desk, "HIV-VF-WHO"))  # the browser asks for the reason
        page.get_by_label("Reason").select_option("adherence_intervention")
        page.get_by_role("button", name="Close with a reason").click()
        page.get_by_text("The case is closed.").wait_for()


def test_what_was_refused_keeps_what_was_written(page: Any, desk: Desk) -> None:
    page.goto(address(desk, "PROST-SRT-WINDOW"))
    page.locator("[data-deed=snooze] summary").click()
    until = page.locator("[data-deed=snooze] input[type=datetime-local]")
    until.evaluate("one => { one.removeAttribute('max'); one.value = '2027-01-01T08:00' }")
    page.locator("[data-deed=snooze] textarea").fill("after the holidays")
    page.get_by_role("button", name="Snooze").click()
    page.locator("#refused").wait_for()
    assert page.locator("[data-deed=snooze] textarea").input_value() == "after the holidays"


# ---------------------------------------------------------------- keys


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_keys_lead_and_change_nothing(page: Any) -> None:
    page.goto("/")
    titles = page.locator("#cases .what a").all_inner_texts()
    page.keyboard.press("j")
    assert focused(page) == titles[0]
    page.keyboard.press("j")
    assert focused(page) == titles[1]
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/case/*")
    before = page.locator("body").get_attribute("data-revision")
    page.keyboard.press("a")
    assert focused(page) == "Acknowledge"
    page.keyboard.press("d")
    assert page.evaluate("document.activeElement.name") == "disposition"
    page.reload()
    assert page.locator("body").get_attribute("data-revision") == before


def test_keys_can_be_switched_off_and_stay_so(page: Any) -> None:
    page.goto("/")
    page.keyboard.press("?")
    page.get_by_label("Single keys").uncheck()
    page.goto("/roster")
    page.goto("/")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement === document.body")


def test_typing_into_a_field_is_no_key(page: Any) -> None:
    page.goto("/")
    page.get_by_label("Patient id").fill("")
    page.get_by_label("Patient id").press_sequentially("jadk")
    assert page.get_by_label("Patient id").input_value() == "jadk"


# ---------------------------------------------------------------- for everybody


def every_page(desk: Desk) -> list[str]:
    cases = [address(desk, rule) for rule in ("PROST-SRT-WINDOW", "TOX-HYS-LAW")]
    assert desk.parts.upkeep is not None
    (letter,) = desk.parts.upkeep.letters(Asked(), 2)
    glass = f"/glass/{desk.reference(FOREIGN)}"
    return [*LISTS, *OF_OPS, *cases, glass, f"/letters/{letter.id}", "/letters?reason=none"]


def violations(page: Any, *rules: str) -> list[str]:
    """What axe finds: by all its rules, or by some."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def opened(page: Any, path: str) -> None:
    """A page with everything unfolded that can be."""
    page.goto(path)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


def test_axe_finds_nothing(page: Any, desk: Desk) -> None:
    for path in every_page(desk):
        opened(page, path)
        assert violations(page) == [], path


def test_axe_finds_no_want_of_contrast_in_the_dark(page: Any, desk: Desk) -> None:
    page.emulate_media(color_scheme="dark")
    for path in ("/", ROUTE, address(desk, "TOX-HYS-LAW")):
        opened(page, path)
        assert violations(page, "color-contrast") == [], path


def test_axe_would_find_something(page: Any) -> None:
    page.goto("/roster")
    page.evaluate("document.querySelector('[name=at]').closest('label').replaceWith("
                  "document.querySelector('[name=at]'))")  # fmt: skip
    assert [one.partition(":")[0] for one in violations(page)] == ["label"]


def test_axe_finds_nothing_before_the_sign_in(browser: Any, desk: Desk) -> None:
    with visit(browser, desk) as page:
        page.goto("/sign-in")
        assert violations(page) == []
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        assert violations(page) == []


def test_no_page_scrolls_sideways(page: Any, desk: Desk) -> None:
    """WCAG 2.2, 1.4.10: at 320 pixels only charts and wide tables scroll, in their own frames."""
    page.set_viewport_size({"width": 320, "height": 640})
    for path in every_page(desk):
        opened(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_dark_is_dark_and_print_is_white_and_without_buttons(page: Any, desk: Desk) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(address(desk, "PROST-SRT-WINDOW"))
    assert page.evaluate(GROUND) == "rgb(16, 22, 28)"
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate(GROUND) == "rgb(255, 255, 255)"
    assert not page.locator(".deeds").is_visible()
    assert page.locator(".history").is_visible()
    assert page.locator("svg.chart").first.is_visible()


def test_chosen_colours_hold_without_script_and_print_white(browser: Any, desk: Desk) -> None:
    with visit(browser, desk, java_script_enabled=False, color_scheme="light") as page:
        sign_in(page, desk)
        for colours, ground in (("dark", "rgb(16, 22, 28)"), ("system", "rgb(244, 246, 248)")):
            page.get_by_role("link", name="Preferences").click()
            page.get_by_label("Colours").select_option(colours)
            page.get_by_role("button", name="Keep").click()
            page.get_by_text("Kept.").wait_for()
            page.wait_for_load_state()  # and of its style sheets
            assert page.evaluate(GROUND) == ground
            page.emulate_media(media="print")
            assert page.evaluate(GROUND) == "rgb(255, 255, 255)"
            page.emulate_media(media="screen")


def test_what_has_the_focus_is_not_under_the_banner(page: Any, desk: Desk) -> None:
    """WCAG 2.2, 2.4.11, also going backwards, where a sticky head is in the way."""
    page.emulate_media(reduced_motion="reduce")  # else it is still on its way when we look
    page.goto(address(desk, "PROST-SRT-WINDOW"))
    page.locator(".keys summary").focus()
    script = """() => {
      const one = document.activeElement, banner = document.querySelector('.banner');
      if (banner.contains(one) || one === document.body) return true;
      const box = one.getBoundingClientRect(), over = banner.getBoundingClientRect();
      return box.bottom > over.bottom + 2 || box.bottom < over.top;
    }"""
    for _ in range(25):
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(script), focused(page)


def test_the_other_scale_is_a_press_away(page: Any, desk: Desk) -> None:
    page.goto(address(desk, "HIV-VF-WHO"))
    first, second = page.locator(".as-first svg"), page.locator(".as-second svg")
    assert (first.is_visible(), second.is_visible()) == (True, False)
    page.get_by_label("linear").check()
    assert (first.is_visible(), second.is_visible()) == (False, True)


# ---------------------------------------------------------------- news


def test_news_are_told_and_shown_when_asked_for(page: Any, desk: Desk) -> None:
    page.goto(address(desk, "TOX-HYS-LAW"))
    shown = page.locator("body").get_attribute("data-revision")
    more = told(State.SUSPECTED, Severity.URGENT, name="more", patient=RULES["TOX-HYS-LAW"],
                title="Another finding")  # fmt: skip
    news = page.get_by_role("link", name="Show it as it is now")
    page.wait_for_function("performance.getEntriesByType('resource').length >= 3")
    desk.bench.take(more)
    news.wait_for(timeout=LONG)
    assert page.locator("body").get_attribute("data-revision") == shown
    news.click()
    page.get_by_role("heading", name="Another finding").wait_for()
    assert violations(page) == []


def test_who_is_about_to_be_signed_out_is_told_and_stays_by_one_key(
    browser: Any, desk: Desk
) -> None:
    with visit(browser, desk) as page:
        page.clock.install(time=NOW)
        sign_in(page, desk)
        page.goto(address(desk, "PROST-SRT-WINDOW"))
        page.clock.fast_forward("12:00")
        assert page.get_by_text("Your sign-in ends").count() == 0
        page.clock.fast_forward("01:30")
        page.get_by_role("button", name="Stay signed in").press("Enter")
        page.get_by_text("You stay signed in.").wait_for()
        page.clock.fast_forward("14:00")
        page.get_by_role("button", name="Stay signed in").wait_for()


def test_an_emergency_opens_another_teams_case_and_says_so_everywhere(
    page: Any, desk: Desk
) -> None:
    page.goto(f"/case/{desk.reference(FOREIGN)}")
    page.wait_for_url("**/glass/*")
    page.get_by_label("Emergency:").check()
    page.get_by_label("In your words").fill("seizure on the night ward")
    page.get_by_role("button", name="Open the case").click()
    page.wait_for_url("**/case/*")
    assert page.locator(".deeds").count() == 0
    page.goto("/roster")
    assert page.get_by_text("Emergency access.").is_visible()
    page.goto("/glass")
    assert page.get_by_text("seizure on the night ward").is_visible()
    assert violations(page) == []


def test_a_link_signs_in_by_one_click_and_once(browser: Any, desk: Desk) -> None:
    """What stands behind its mark is not in the address any more, nor good for anybody else."""
    assert isinstance(desk.parts.door, LocalDoor)
    link = f"/sign-in#once={desk.parts.door.once()}"
    with visit(browser, desk) as one:
        one.goto(link)
        one.wait_for_url("**/")
        assert one.get_by_role("button", name="Sign out").is_visible()
    with visit(browser, desk) as late:
        late.goto(link)
        assert late.get_by_label("Password").input_value() == ""
        assert late.get_by_role("button", name="Sign out").count() == 0
