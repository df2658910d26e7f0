"""What operations see of the ingest: counted when it is on the disk, by labels that are bounded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from support.mllp import HERE, PATIENCE, Sender, code, listening, obx, oru

from services.ingest.journal import Journal
from services.ingest.metrics import IngestMetrics
from services.ingest.mllp.connection import Limits
from services.ingest.mllp.framing import frame
from services.ingest.mllp.gate import Rules
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = "salvage_ingest_messages_total"
LAB = {"source": "HOSP/LAB", "kind": "ORU^R01"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


@contextmanager
def watched(
    folder: Path, registry: CollectorRegistry, **more: Any
) -> Iterator[tuple[Sender, IngestMetrics]]:
    """A connection to a listener whose only declared sender is the laboratory."""
    metrics = IngestMetrics(registry, folder, ["HOSP/LAB"])
    with listening(folder, metrics=metrics, **more) as listener, Sender(listener.port) as sender:
        yield sender, metrics


def test_messages_are_counted_by_what_became_of_them(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    good, other = oru("M1"), oru("M1", obx(value="77"))
    partly = oru("M2", obx(value="see note"), obx(2))
    with watched(tmp_path, registry, rules=Rules(ignored=frozenset({"MFN"}))) as (sender, _):
        for one in (good, good, other, partly, oru("M3", f12="9.9"), oru("M4", f9="MFN^M02")):
            sender.ask(one)
        for outcome, number in {"accepted": 2, "repeat": 1, "partly": 1, "refused": 1}.items():
            assert value(registry, MESSAGES, **LAB, outcome=outcome) == number, outcome
        ignored = LAB | {"kind": "other"}
        assert value(registry, MESSAGES, **ignored, outcome="ignored") == 1
        for letter, number in {"A": 4, "E": 1, "R": 1}.items():
            acks = value(registry, "salvage_ingest_acks_total", source="HOSP/LAB", code=letter)
            assert acks == number, letter
        for reason in ("not_a_number", "unknown_version"):
            told = {"source": "HOSP/LAB", "reason": reason}
            assert value(registry, "salvage_ingest_refusals_total", **told) == 1
        reused = value(registry, "salvage_ingest_control_id_reuse_total", source="HOSP/LAB")
        assert reused == 1


def test_oddities_between_frames_are_counted(tmp_path: Path, registry: CollectorRegistry) -> None:
    with watched(tmp_path, registry, limits=Limits(frame=5_000)) as (sender, _):
        sender.send(b"junk" + frame(oru("M1")) + b"\x0bMSH|^~\\&|x" + frame(oru("M2")))
        sender.send(frame(oru("M3") + b"x" * 6_000) + b"\x0b" + oru("M4") + b"\x1c")
        sender.send(frame(oru("M5")))
        for _ in range(5):
            assert sender.answer() is not None
        name = "salvage_ingest_framing_total"
        for kind in ("junk", "truncated", "missing_cr", "too_large"):
            assert value(registry, name, kind=kind) == 1, kind


def test_times_connections_and_sizes(tmp_path: Path, registry: CollectorRegistry) -> None:
    before = SystemClock().now()
    with watched(tmp_path, registry) as (sender, _):
        assert value(registry, "salvage_ingest_connections") in {0, 1}
        for number in range(3):
            sender.ask(oru(f"M{number}"))
        newest = value(registry, "salvage_ingest_last_message_timestamp_seconds", source="HOSP/LAB")
        assert before <= (newest or 0) * 1_000_000 <= SystemClock().now()
        assert value(registry, "salvage_ingest_connections") == 1
        assert value(registry, "salvage_ingest_answer_seconds_count") == 3
        assert value(registry, "salvage_journal_fsync_seconds_count") == 3
        assert value(registry, "salvage_ingest_waiting_messages") == 0
        size = sum((tmp_path / f"journal.sqlite{end}").stat().st_size for end in ("", "-wal"))
        assert value(registry, "salvage_journal_bytes") == size > 4_096
    assert value(registry, "salvage_ingest_connections") == 0


def test_a_connection_that_ends_badly_is_counted(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    limits = Limits(within=0.05, connections=1)
    with watched(tmp_path, registry, limits=limits) as (sender, _):
        with Sender(_port(sender)) as second, pytest.raises(OSError):  # noqa: PT011 - of any kind
            raise OSError if second.ask(oru()) == "" else AssertionError
        sender.send(b"\x0bMSH")
        assert sender.answer() is None
        name = "salvage_ingest_connection_errors_total"
        assert value(registry, name, reason="too_many") == 1
        assert value(registry, name, reason="timeout") == 1


def _port(sender: Sender) -> int:
    port: int = sender.socket.getpeername()[1]
    return port


def test_a_stranger_s_words_are_nobody_s_label(tmp_path: Path, registry: CollectorRegistry) -> None:
    """However many senders and types there are, the number of series stays what it is."""
    counts = []
    with watched(tmp_path, registry) as (sender, _):
        for number in range(30):
            strange = oru(f"M{number}", f3=f"Jane{number}", f9=f"Z{number}^Doe")
            sender.ask(strange)
            counts.append(sum(len(list(m.samples)) for m in registry.collect()))
    text = " ".join(str(s) for m in registry.collect() for s in m.samples)
    assert "Jane" not in text
    assert "Doe" not in text
    assert counts[0] == counts[-1]
    told = {"source": "other", "kind": "other", "outcome": "refused"}
    assert (value(registry, MESSAGES, **told) or 0) == 30


def test_a_journal_that_fails_is_seen_in_the_answers(
    tmp_path: Path, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "no space")

    with watched(tmp_path, registry) as (sender, _):
        monkeypatch.setattr(Journal, "add", full)
        assert code(sender.ask(oru("M1"))) == "AR 207 M1"
    assert value(registry, "salvage_ingest_acks_total", source="other", code="R") == 1
    assert value(registry, MESSAGES, **LAB, outcome="accepted") is None


def test_what_may_fail_is_there_before_it_fails(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    IngestMetrics(registry, tmp_path / "none", ["CITY"])
    for letter in "AER":
        assert value(registry, "salvage_ingest_acks_total", source="CITY", code=letter) == 0
    assert value(registry, "salvage_ingest_framing_total", kind="truncated") == 0
    assert value(registry, "salvage_ingest_connection_errors_total", reason="lost") == 0
    assert value(registry, "salvage_journal_bytes") == 0


def test_the_page_names_only_what_there_is(tmp_path: Path, registry: CollectorRegistry) -> None:
    """All of it is in docs/metrics.md."""
    IngestMetrics(registry, tmp_path)
    page = (ROOT / "docs" / "mllp.md").read_text()
    named = set(re.findall(r"`(salvage_(?:ingest|journal)_\w+)`", page))
    counters = {"counter": "_total"}
    assert set() < named <= {m.name + counters.get(m.type, "") for m in registry.collect()}


# ---------------------------------------------------------------- the commands


@contextmanager
def started(*words: str) -> Iterator[Iterator[dict[str, Any]]]:
    """A command that goes on until it is stopped; what it logs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *words],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        yield map(json.loads, process.stderr)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def ports(log: Iterator[dict[str, Any]], *events: str) -> dict[str, int]:
    """The ports that are told with these events."""
    found: dict[str, int] = {}
    for line in log:
        if line["event"] in events:
            found[line["event"]] = line["port"]
        if len(found) == len(events):
            break
    return found


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://{HERE}:{port}/metrics", timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "event"),
    [
        (["ingest", "--metrics", "0"], "serving metrics"),
        (["run", "--port", "0"], "serving"),
    ],
)
def test_the_commands_export_them(tmp_path: Path, words: list[str], event: str) -> None:
    more = ["--data", str(tmp_path), "--mllp", f"{HERE}:0", "--sender", "HOSP/LAB"]
    with started(*words, *more) as log:
        where = ports(log, event, "receiving")
        with Sender(where["receiving"]) as sender:
            assert code(sender.ask(oru("M1"))) == "AA M1"
        text = scraped(where[event])
    wanted = (
        r'salvage_ingest_messages_total\{kind="ORU\^R01",outcome="accepted",source="HOSP/LAB"\} 1'
    )
    assert re.search(wanted, text), text


@pytest.mark.parametrize("text", ["", "x", "1:x", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    from support.console import salvage  # noqa: PLC0415 - the others here need no command

    ran = salvage("ingest", "--data", tmp_path, "--mllp", "127.0.0.1:0", "--metrics", text)
    assert (ran.code, ran.out) == (2, "")
    assert "--metrics: expected [HOST:]PORT" in ran.err
