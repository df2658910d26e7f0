"""The local pages in a real browser: what a reader sees, by keyboard, narrow, without script."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from support.memory_book import NOW, MemoryBook, cohort_book

from services.notifier.inbox.app import build_app

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow


class Server:
    """The application, served from a thread of its own."""

    def __init__(self, book: MemoryBook) -> None:
        self.address = ""
        self._app = build_app(book, now=lambda: NOW, notice="Every patient is synthetic.")
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._runner.cleanup())
        self._loop.close()

    async def _start(self) -> None:
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture(scope="module")
def book() -> MemoryBook:
    """A book of this module's own: a test adds to it."""
    full = cohort_book()
    return MemoryBook(list(full.revisions), list(full.facts), list(full.doubts))


@pytest.fixture(scope="module")
def server(book: MemoryBook) -> Iterator[str]:
    one = Server(book)
    yield one.address
    one.stop()


@pytest.fixture
def page(browser: Any, server: str) -> Iterator[Any]:
    """A page; anything that the browser complains of, or asks of another host, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=server)
    one = context.new_page()
    complaints: list[str] = []
    one.on("console", lambda said: complaints.append(said.text))
    one.on("pageerror", lambda error: complaints.append(str(error)))
    one.on(
        "request",
        lambda asked: None if asked.url.startswith(server) else complaints.append(asked.url),
    )
    yield one
    context.close()
    assert complaints == []


def test_from_the_list_to_an_alert_with_its_chart_and_its_table(page: Any) -> None:
    page.goto("/")
    assert page.locator("h1").inner_text() == "Alerts"
    row = page.locator("table.alerts tbody tr").filter(has_text="PCWG3").first
    row.locator(".what a").click()
    assert page.locator("h1").inner_text().startswith("PSA progression")
    chart = page.get_by_role("img", name="Prostate-specific antigen, total over time")
    assert chart.is_visible()
    box = chart.bounding_box()
    assert box["width"] > 600
    assert box["height"] > 200
    for role in ("trigger", "confirmation", "nadir", "baseline"):
        assert chart.locator(f".mark.{role}").is_visible()
    table = page.locator("table.evidence")
    assert table.is_visible()
    assert table.locator("tbody tr").count() >= 4
    assert page.locator(".proof li").count() > 3


def test_the_style_sheet_reaches_the_drawing(page: Any) -> None:
    """The policy forbids inline styles; a limit that is drawn solid black would be a lost style."""
    page.goto("/?state=all")
    page.locator(".what a").filter(has_text="PCWG3").first.click()
    line = page.locator("svg.chart line.threshold").first
    assert line.evaluate("one => getComputedStyle(one).strokeDasharray") != "none"


def test_from_an_alert_to_its_patient_and_back(page: Any) -> None:
    page.goto("/")
    page.locator("a.patient").first.click()
    assert page.locator("h1").inner_text().startswith("Patient HOSP|")
    assert page.locator("svg.chart").count() > 3
    page.locator("details summary").first.click()
    assert page.locator("details table").first.is_visible()
    page.locator(".crumbs a").first.click()
    assert page.locator("h1").inner_text() == "Alerts"


def test_filters_work_by_keyboard(page: Any) -> None:
    page.goto("/")
    page.get_by_label("State").select_option("retracted")
    page.get_by_role("button", name="Show").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/?state=retracted*")
    states = set(page.locator("table.alerts .state").all_inner_texts())
    assert states == {"Retracted"}


def test_the_first_tab_leads_past_the_head(page: Any) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_what_has_focus_can_be_seen(page: Any) -> None:
    page.goto("/")
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_no_page_scrolls_sideways(page: Any, width: int) -> None:
    """WCAG 2.1, 1.4.10: at 320 pixels only charts and wide tables scroll, in their own frames."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/?state=all")
    paths = ["/?state=all", *(page.locator(".what a").nth(n).get_attribute("href") for n in (0, 5))]
    paths.append(page.locator("a.patient").first.get_attribute("href"))
    for path in paths:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path


def test_every_control_has_a_name(page: Any) -> None:
    page.goto("/")
    for one in page.locator("select, button, a, [role=region]").all():
        name = one.evaluate(
            "e => e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText"
        )
        assert name.strip()


def test_it_reads_without_script(browser: Any, server: str) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=server)
    page = context.new_page()
    page.goto("/")
    assert page.locator("table.alerts tbody tr").count() > 3
    context.close()


def test_dark_is_dark_and_print_is_white(page: Any) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(16, 22, 28)"
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert not page.locator(".filters").is_visible()


def test_a_new_alert_appears_without_a_reload(page: Any, book: MemoryBook) -> None:
    page.goto("/")
    before = page.locator("table.alerts tbody tr").count()
    alert = next(one for one in book.alerts() if one.state == "confirmed")
    book.revisions.append(alert.model_copy(update={"alert_id": "new", "title": "Just arrived"}))
    page.get_by_role("link", name="Just arrived").wait_for(timeout=10_000)
    assert page.locator("table.alerts tbody tr").count() == before + 1
    assert page.locator("#news").inner_text() == "The list has been brought up to date."


def test_the_list_is_not_replaced_under_a_readers_hands(page: Any, book: MemoryBook) -> None:
    page.goto("/")
    page.get_by_label("State").focus()
    alert = next(one for one in book.alerts() if one.state == "confirmed")
    book.revisions.append(alert.model_copy(update={"alert_id": "other", "title": "Later"}))
    page.locator("#news", has_text="There are new alerts").wait_for(timeout=10_000)
    assert page.locator(":focus").get_attribute("name") == "state"
