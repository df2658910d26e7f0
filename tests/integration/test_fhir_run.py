"""From the socket to the alert: what is posted as FHIR says what the same events in a file say."""

from __future__ import annotations

import gzip
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.console import salvage
from support.mllp import HERE, Sender, code, entries, oru
from support.rest import JSON, Client, receiving

from services.embedded.book import WardBook
from services.embedded.store import FILE_NAME
from services.ingest.archive import Format
from services.ingest.mllp.gate import Rules
from services.ingest.mllp.listener import Listener
from services.ingest.mllp.server import Endpoint
from services.runtime.clock import SystemClock
from services.simulator.cohort import simulate
from services.simulator.fhir import bundles

if TYPE_CHECKING:
    from schemas.alerts import AlertRevision

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli", "run", *words, "--once"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )


def published(data: Path) -> list[AlertRevision]:
    book = WardBook(data / FILE_NAME)
    found = [one for alert in book.alerts() for one in book.journal(alert.alert_id)]
    return sorted(found, key=lambda one: (one.alert_id, one.revision))


@pytest.mark.slow
def test_a_cohort_by_http_raises_the_alerts_of_the_same_file(tmp_path: Path) -> None:
    cohort = simulate(11, 6, date(2021, 1, 1), 12)
    folder, by_file, by_wire = tmp_path / "in", tmp_path / "file", tmp_path / "wire"
    folder.mkdir()
    said = [event for dispatch in cohort.dispatches for event in dispatch.events]
    (folder / "cohort.jsonl").write_bytes(b"".join(event.to_json() + b"\n" for event in said))
    assert run("--data", str(by_file), "--watch", str(folder)).returncode == 0
    with receiving(by_wire) as listener, Client(listener.port) as client:
        for number, raw in enumerate(bundles(cohort.dispatches)):
            packed = number % 2 == 1
            headers = JSON | ({"Content-Encoding": "gzip"} if packed else {})
            answer = client.ask("POST", "/", gzip.compress(raw, 1) if packed else raw, headers)
            assert answer.status == 200, answer.raw
    assert run("--data", str(by_wire)).returncode == 0
    expected = [(one.alert_id, one.state, one.tag, one.summary) for one in published(by_file)]
    assert len(expected) > 5
    found = [(one.alert_id, one.state, one.tag, one.summary) for one in published(by_wire)]
    assert found == expected


def test_both_doors_lead_into_one_journal(tmp_path: Path) -> None:
    hl7 = Listener(Endpoint(HERE, 0), Rules(), tmp_path, SystemClock())
    hl7.start()
    try:
        with receiving(tmp_path) as fhir, Client(fhir.port) as client, Sender(hl7.port) as sender:
            raw = next(bundles(simulate(1, 1, date(2021, 1, 1), 6).dispatches))
            assert client.ask("POST", "/", raw).status == 200
            assert code(sender.ask(oru("M1"))) == "AA M1"
            assert client.ask("POST", "/", raw).status == 200
    finally:
        hl7.stop()
    assert [entry.form for entry in entries(tmp_path)] == [Format.FHIR, Format.HL7, Format.FHIR]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ingest",), "needs --mllp, --fhir or --fhir-poll"),
        (("ingest", "--fhir", "0.0.0.0:0"), "not this machine alone"),
        (("ingest", "--fhir-poll", "http://ehr.example/fhir"), "with https"),
        (("ingest", "--fhir-poll", "https://h/", "--fhir-poll-type", "Patent"), "no type of R4"),
        (("ingest", "--fhir", "127.0.0.1:0", "--fhir-subscription", "x"), "needs --fhir and"),
        (("run", "--once", "--fhir", "127.0.0.1:0"), "--once: without"),
    ],
)
def test_options_that_cannot_be_are_named(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    ran = salvage(*words, "--data", tmp_path)
    assert (ran.code, told in ran.err) == (2, True), ran.err
