"""The canary on its whole way: MLLP in, rules, the notifier, a webhook back; and nobody sees it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from support.canary import CanarySite
from support.processes import ROOT, Command
from support.watched import Watched, asked

from services.embedded.book import WardBook
from services.embedded.folder import NOTIFIER
from services.embedded.store import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.broker import Broker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
FEW = str(ROOT / "services" / "detector" / "rules" / "hiv")
PATIENCE = 90.0


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def health_of(canary: Command) -> int:
    port: int = canary.heard("serving health")["port"]
    return port


def home(port: int, rounds: int = 1) -> bool:
    """Whether so many rounds came home."""
    return Watched(port)("canary_seconds_count") >= rounds


def test_it_goes_round_through_one_process_and_notices_when_that_is_gone(tmp_path: Path) -> None:
    site, data = CanarySite(tmp_path), tmp_path / "data"
    words = ["run", "--data", str(data), "--mllp", "127.0.0.1:0", "--port", "0", "--json"]
    words += ["--site", str(site.rules), "--notifier-site", str(site.notifier)]
    with Command(*words) as run, Command(*site.words(run.heard("receiving")["port"])) as canary:
        port, pages = health_of(canary), run.heard("serving")["port"]
        until(lambda: home(port, 2))
        assert asked(f"127.0.0.1:{port}/readyz") == (200, "")
        found = Watched(port)
        assert found("canary_failures_total") == 0
        assert abs(found("canary_last_success_timestamp_seconds") - time.time()) < PATIENCE  # noqa: TID251
        nothing_counts(Watched(pages))
        assert run.end() == 0
        until(lambda: Watched(port)("canary_failures_total", stage="sending"))
        assert asked(f"127.0.0.1:{port}/readyz") == (503, "the last round failed: sending")
        assert canary.end(20.0) == 0
    nobody_sees(data / NOTIFIER, site.paper)
    book = WardBook(data / FILE_NAME)
    assert book.alerts() == []
    assert (book.counts()["patients"], book.counts()["alerts"]) == (0, 0)
    with closing(sqlite3.connect(data / FILE_NAME)) as store:
        states = [row[0] for row in store.execute("SELECT state FROM alerts ORDER BY sequence")]
    assert states[:3] == ["confirmed", "retracted", "confirmed"], "each closes by itself"
    assert states.count("retracted") >= states.count("confirmed") - 1, "but for the last round"


def nothing_counts(found: Watched) -> None:
    """What the metrics of `salvage run` say of patients."""
    assert found("detector_patients_in_memory") == 0
    assert found("detector_findings_total") == 0
    assert found("notifier_cases") == found("notifier_dispositions_total") == 0
    assert found("notifier_deliveries_total", to="canary", outcome="delivered") >= 2
    assert found("notifier_deliveries_total", to="people") == 0


def nobody_sees(database: Path, paper: Path) -> None:
    """What the notifier has kept of it, and sent by other ways."""
    assert not paper.exists()
    with closing(sqlite3.connect(database)) as store:
        tables = ("cases", "findings", "actions", "timings", "research", "digests", "standings")
        rows = {name: store.execute(f"SELECT COUNT(*) FROM {name}").fetchone() for name in tables}  # noqa: S608
        assert rows == dict.fromkeys(tables, (0,))
        sent = store.execute("SELECT DISTINCT channel, recipient FROM notices").fetchall()
    assert sent == [("canary", "desk:salvage-canary")]


def test_it_goes_round_over_kafka(broker: Broker, tmp_path: Path) -> None:
    site, database = CanarySite(tmp_path), tmp_path / "notifier.db"
    kafka = ("--kafka", broker.address)
    rules = ("--rules", FEW, "--site", str(site.rules), "--replicas", "1", "--port", "0")
    cases = ("--database", str(database), "--site", str(site.notifier))
    with ExitStack() as stack:

        def begun(*words: str) -> Command:
            return stack.enter_context(Command(*words))

        journal = ("--data", str(tmp_path / "journal"), "--mllp", "127.0.0.1:0")
        ingest = begun("ingest", *journal, *kafka)
        begun("map", *kafka)
        detect = begun("detect", *kafka, "--data", str(tmp_path / "detect"), *rules)
        begun("notify", "run", *cases, *kafka)
        canary = begun(*site.words(ingest.heard("receiving")["port"]))
        port = health_of(canary)
        until(lambda: home(port))
        assert canary.end(20.0) == 0
        found = Watched(detect.heard("detecting")["port"])
        assert found("detector_patients_in_memory") == found("detector_findings_total") == 0
    nobody_sees(database, site.paper)
