"""`make screenshots`: the worklist and five cases, as the README shows them; all made up."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import sync_playwright

from services.notifier.inbox.access.local import LocalDoor
from support.five_patients import RULES
from support.inbox_ward import ward
from support.png import small

if TYPE_CHECKING:
    from support.inbox import Desk

IMAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST: Final = 150_000
"""Bytes of an image."""
_WIDTH: Final = 1100


def main() -> int:
    """Take all of them.

    Returns:
        0; 1 if an image is larger than it may be.
    """
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        chromium = shutil.which("chromium")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with ward(Path(folder)) as desk:
            context = browser.new_context(base_url=desk.origin, reduced_motion="reduce")
            _take(context.new_page(), desk)
        browser.close()
    large = [one.name for one in IMAGES.glob("*.png") if one.stat().st_size > MOST]
    sys.stderr.writelines(f"{name}: larger than {MOST} bytes\n" for name in large)
    return 1 if large else 0


def _take(page: Any, desk: Desk) -> None:
    assert isinstance(desk.parts.door, LocalDoor)
    page.goto("/sign-in")
    page.get_by_label("Password").fill(desk.parts.door.file.read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    _picture(page, "worklist", "#cases")
    for rule, patient in RULES.items():
        page.goto("/")
        page.locator("#cases tbody tr").filter(has_text=patient).locator(".what a").click()
        page.wait_for_url("**/case/*")
        _picture(page, f"case-{rule.lower()}", ".as-first svg.chart")


def _picture(page: Any, name: str, last: str) -> None:
    """From the top of the page to the lower edge of its last thing worth showing."""
    page.set_viewport_size({"width": _WIDTH, "height": 2400})
    box = page.locator(last).last.bounding_box()
    page.set_viewport_size({"width": _WIDTH, "height": int(box["y"] + box["height"]) + 24})
    (IMAGES / f"{name}.png").write_bytes(small(page.screenshot()))


if __name__ == "__main__":
    sys.exit(main())
