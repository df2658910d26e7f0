"""`salvage run` with the notifier and its inbox in the same process: from a file to a deed."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from support.broker import free_ports
from support.console import salvage
from support.inbox import HERE, Browser
from support.notifying import site_folder
from support.processes import ROOT, Command

from services.commands.checkup.finding import State
from services.embedded.book import WardBook
from services.embedded.casework import Casework, order_of
from services.embedded.folder import NOTIFIER
from services.embedded.store import FILE_NAME, Store
from services.notifier.inbox.access.local import PASSWORD
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COHORT = ROOT / "examples" / "cohort-small.jsonl"
INBOX = "public: {origin}\nlocal: {{member: anne, roles: [clinician]}}\n"
REFUSE = "CREATE TRIGGER broken BEFORE INSERT ON {} BEGIN SELECT RAISE(ABORT, 'no'); END"
PATIENCE = 60.0


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site's folder, without an inbox."""
    folder = tmp_path / "site"
    site_folder(folder / "teams")
    (folder / "channels.yaml").write_text("channels:\n  paper: {type: console}\n")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with an empty store."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    Store(folder / FILE_NAME, durable=False).close()
    return folder


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def asked(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{HERE}:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def cases_of(data: Path) -> int:
    with closing(sqlite3.connect(data / NOTIFIER)) as db:
        (count,) = db.execute("SELECT COUNT(*) FROM cases").fetchone()
    return int(count)


def gauge(cases: Casework) -> float | None:
    registry = CollectorRegistry()
    registry.register(cases)
    return registry.get_sample_value("salvage_notifier_at_work")


# ---------------------------------------------------------------- the whole process


@pytest.mark.slow
def test_a_file_becomes_cases_that_somebody_decides_and_a_backup_has_them(
    tmp_path: Path, site: Path
) -> None:
    data, folder, (port, inbox) = tmp_path / "data", tmp_path / "in", free_ports(2)
    folder.mkdir()
    (site / "inbox.yaml").write_text(INBOX.format(origin=f"http://{HERE}:{inbox}"))
    words = ["--data", str(data), "--watch", str(folder), "--port", str(port)]
    words += ["--notifier-site", str(site), "--serve-inbox", str(inbox)]
    with Command("run", *words) as command:
        assert command.heard("inbox open")["port"] == inbox
        (folder / "cohort.jsonl").write_bytes(COHORT.read_bytes())
        browser = signed_in(site, inbox)
        until(lambda: "/case/" in browser.get("/").text, "no case on the worklist")
        until(lambda: acknowledged(browser), "it can't be acknowledged")
        assert asked(port, "/")[0] == 404  # whoever wants to see patients signs in
        until(lambda: asked(port, "/readyz")[0] == 200, "never ready")
        assert re.search(
            r"^salvage_notifier_at_work 1\.0$", asked(port, "/metrics")[1], re.MULTILINE
        )
        assert command.end() == 0
    told = [json.loads(line)["event"] for line in command.lines if line.startswith("{")]
    assert "notifier failed" not in told
    copied_and_put_back(data, tmp_path)


def signed_in(site: Path, port: int) -> Browser:
    browser = Browser(f"http://{HERE}:{port}")
    password = (site / PASSWORD).read_text().strip()
    fields = {"csrf": browser.get("/sign-in").token(), "password": password}
    assert browser.post("/sign-in", fields).status == 303
    return browser


def acknowledged(browser: Browser) -> bool:
    """Acknowledge the first case; false if it changed meanwhile, as it may while alerts come."""
    found = re.search(r'href="(/case/[0-9a-f]{32})"', browser.get("/").text)
    assert found is not None
    page = browser.get(found[1])
    assert page.status == 200
    assert "<svg" in page.text
    form = re.search(rf'action="({found[1]}/acknowledge)".*?</form>', page.text, re.DOTALL)
    assert form is not None
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    done = browser.post(form[1], fields)
    assert done.status in (303, 409)
    return done.status == 303 and "Acknowledged" in browser.get(found[1]).text


def copied_and_put_back(data: Path, tmp_path: Path) -> None:
    """A backup holds the notifier's database, and what it is brought back to is looked through."""
    backup, back = tmp_path / "backup", tmp_path / "back"
    assert salvage("backup", "--data", data, "--to", backup).code == 0
    assert salvage("restore", backup, "--data", back).code == 0
    assert cases_of(back) == cases_of(data) > 0
    found = json.loads(salvage("doctor", "--data", back, "--json").out)["findings"]
    told = {(one["part"], one["check"]): one["state"] for one in found}
    assert told["notifier", "migrations"] == told["notifier", "outbox"] == State.WELL
    assert ("notifier", "deeds") not in told  # in one process they stay in the store
    assert any(NOTIFIER in one["told"] for one in found if one["check"] == "integrity")


# ---------------------------------------------------------------- when it can't work


def test_what_can_t_be_used_is_told_at_the_start(site: Path, data: Path) -> None:
    (site / "channels.yaml").write_text("channels:\n  paper: {type: carrier-pigeon}\n")
    cases = Casework(order_of(site, data, None), data)
    with pytest.raises(OperatorError, match="type"):
        cases.start()
    assert gauge(cases) == 0


def test_it_fails_alone_says_so_and_begins_anew(site: Path, data: Path) -> None:
    cases = Casework(order_of(site, data, None), data, retry=0.05)
    cases.start()
    try:
        until(lambda: cases.problem() is None, "never at work")
        assert gauge(cases) == 1
        with closing(sqlite3.connect(data / NOTIFIER, isolation_level=None)) as db:
            db.execute(REFUSE.format("inputs"))
            salvage("run", "--data", data, "--watch", COHORT.parent, "--once")
            assert WardBook(data / FILE_NAME).counts()["alerts"] > 0  # whoever receives goes on
            until(lambda: cases.problem() is not None, "its failure doesn't show")
            assert "the notifier: " in str(cases.problem())
            assert gauge(cases) == 0
            db.execute("DROP TRIGGER broken")
        until(lambda: cases_of(data) > 0 and cases.problem() is None, "it never came back")
    finally:
        cases.stop()
    assert "notifier" not in {one.name for one in threading.enumerate()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--serve-inbox", "8700"), "--serve-inbox: needs --notifier-site"),
        (("--notifier-site", "x", "--once"), "--once: without --notifier-site"),
        (("--notifier-site", "x", "--port", "0"), "x/teams"),
    ],
)
def test_options_that_don_t_go_together_are_refused(
    data: Path, words: tuple[str, ...], told: str
) -> None:
    done = salvage("run", "--data", data, *words)
    assert (done.code, told in done.err) == (2, True), done.err
