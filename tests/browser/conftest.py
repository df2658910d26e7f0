"""One browser for all pages' tests, and the ward's inbox that they look at."""

from __future__ import annotations

import importlib
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest
from support import lacking
from support.inbox_ward import ward

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.inbox import Desk

_QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Debian's Chromium; it ends with the last test of this folder, and its event loop with it."""
    chromium = shutil.which("chromium") or lacking("chromium is not installed")
    playwright = importlib.import_module("playwright.sync_api")
    with playwright.sync_playwright() as play:
        one = play.chromium.launch(executable_path=chromium, args=_QUIET)
        yield one
        one.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The ward's inbox, with the cases of five patients."""
    with ward(tmp_path_factory.mktemp("ward")) as found:
        yield found
