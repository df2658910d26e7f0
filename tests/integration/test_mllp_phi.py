"""What a message says of a patient is said to nobody who need not hear it.

Words that stand for a patient are planted into every field of messages of every kind, one at a
time; into messages that are good, refused, repeated, torn, too large, of strangers, in batches,
and at which our own code fails. Then everything that came out is searched for them.
"""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from fuzz.corpus import seeds
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from support.collector import Collector
from support.mllp import Sender, entries, listening, obx, oru

from services.embedded.reading import dead_letter, read
from services.embedded.received import arrival_of
from services.ingest import receiving
from services.ingest.hl7v2.codec import Refused, parse
from services.ingest.hl7v2.mapping import read_message
from services.ingest.journal import State
from services.ingest.metrics import IngestMetrics
from services.ingest.mllp.connection import Limits
from services.ingest.mllp.framing import frame
from services.ingest.mllp.gate import PRODUCTION, Rules, examine
from services.ingest.profiles.sources import Sources
from services.ingest.sources.files import Mark
from services.runtime.errors import place_of
from services.runtime.logs import JsonLines, logger
from services.runtime.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

NAME, NUMBER, TEXT = "Zyxomma", "2718281828459", "quixotry of the left vesper"
SENTINELS = (NAME, NUMBER, TEXT)
LIMIT = 60_000
ROOT = Path(__file__).resolve().parents[2]
END = "THE-END"


def kinds() -> list[bytes]:
    """One message of each type, and a result with all that an OBX may say."""
    found = {raw.split(b"|")[8]: raw for raw in seeds() if raw.startswith(b"MSH")}
    full = obx(f2="NM", f7="10-40", f8="H") + "|||20260304080000+0000|LAB||METHOD"
    return [*found.values(), oru("M1", full, "NTE|1||note", "ZIM|lugano|PD|5")]


def planted() -> Iterator[bytes]:
    """Each field of each message in turn, with a sentinel in its place, and behind what it says."""
    for raw in kinds():
        lines = raw.decode().split("\r")
        for at, line in enumerate(lines):
            fields = line.split("|")
            for number in range(2 if line.startswith("MSH") else 1, len(fields)):
                for word in (*SENTINELS, f"{fields[number]}^{NAME}", f"{fields[number]}{NUMBER}"):
                    changed = "|".join([*fields[:number], word, *fields[number + 1 :]])
                    yield "\r".join([*lines[:at], changed, *lines[at + 1 :]]).encode()


def broken() -> Iterator[bytes]:
    """Messages that are wrong as a whole, with a patient in them."""
    good = oru("M1", obx(value=NUMBER[:5]), person=NUMBER)
    good = good.replace(b"^^^HOSP^MR", f"^^^HOSP^MR||{NAME}^{NAME}|||||||{TEXT}".encode())
    yield from (good, good, good.replace(b"M1|P", b"|P"), good + good)
    yield good.replace(b"PID|", b"PID|\0")
    yield good.replace(b"\rOBR", f"\r{NAME}\rOBR".encode())
    yield good.replace(b"|F\r", b"|F|\xb5\r")
    yield good + b"NTE|1||" + TEXT.encode() * (LIMIT // len(TEXT) + 1)
    yield from (NAME.encode(), f"MSH{NAME}|{NUMBER}".encode(), f"MSH|{NAME}".encode())
    yield f"BHS|^~\\&|\r{TEXT}\rBTS|{NUMBER}\r".encode()
    yield b"BHS|^~\\&|LAB|HOSP\r" + good + f"BTS|9|{NAME}\r".encode()
    yield from (good.replace(b"M1|P", b"DEFECT|P"), good.replace(b"|LAB|", b"|STRANGER|", 1))


class Said(NamedTuple):
    """All that came out: answers, log records in every form, metrics, spans, and the journal."""

    answers: list[bytes]
    records: list[str]
    metrics: str
    spans: list[bytes]
    folder: Path


class Everything(logging.Handler):
    """Keeps whatever a record holds, also what our own formatter would leave out."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        stream = io.StringIO()
        print(vars(record), record.getMessage(), JsonLines().format(record), file=stream)
        self.said.append(stream.getvalue())


def fails_at_some(raw: bytes, *rest: Any) -> Any:
    if b"|DEFECT|" in raw:
        raise KeyError(raw)
    return examine(raw, *rest)


@pytest.fixture(scope="module", params=["standard", "custody"])
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """Send everything to a listener, and keep all that it says."""
    handler, folder = Everything(), tmp_path_factory.mktemp("journal")
    senders = frozenset({"HOSP/LAB", "HOSP/EHR", "HOSP/ADT"})
    custody = request.param == "custody"
    rules = Rules(replace(PRODUCTION, charset="utf-8"), custody=custody, senders=senders)
    with pytest.MonkeyPatch.context() as patch, Collector() as collector:
        patch.setattr(receiving, "examine", fails_at_some)
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        patch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100000")
        former = logger().level
        logger().setLevel(logging.DEBUG)  # not by patching: what is enabled is remembered
        for one in (logger(), logging.getLogger()):
            one.addHandler(handler)
        registry = CollectorRegistry()
        metrics = IngestMetrics(registry, folder, senders)
        limits = Limits(frame=LIMIT)
        watched = listening(folder, rules, metrics=metrics, limits=limits)
        with traced("salvage ingest"), watched as listener:
            answers = [*talk(listener.port, [*planted(), *broken()])]
            with Sender(listener.port) as torn:
                torn.send(TEXT.encode() + b"\x0b" + NAME.encode() + b"\x0bMSH|" + NUMBER.encode())
                torn.socket.shutdown(1)
                assert torn.answer() is None
        for one in (logger(), logging.getLogger()):
            one.removeHandler(handler)
        logger().setLevel(former)
    exposed = generate_latest(REGISTRY) + generate_latest(registry)
    return Said(answers, handler.said, exposed.decode(), collector.bodies, folder)


def talk(port: int, messages: list[bytes]) -> Iterator[bytes]:
    """Some want no answer and some want two: so it goes on until the last one is answered."""
    with Sender(port) as sender:
        for at in range(0, len(messages), 50):
            end = oru(f"{END}{at}")
            sender.send(b"".join(map(frame, [*messages[at : at + 50], end])))
            while (answer := sender.answer()) is not None:
                yield answer
                if f"|{END}{at}".encode() in answer:
                    break


def found_in(text: str) -> list[str]:
    return [word for word in SENTINELS if word in text]


def test_enough_was_said_to_be_searched(said: Said) -> None:
    states = {entry.state for entry in entries(said.folder)}
    assert states == set(State) - {State.IGNORED}
    assert len(said.answers) > 1_000
    assert sum("refused" in line for line in said.records) > 100
    assert any("defect" in line for line in said.records)


def test_no_answer_says_more_than_the_sender_s_own_header(said: Said) -> None:
    for answer in said.answers:
        lines = answer.decode("latin-1").split("\r")
        for line in lines:
            if line.startswith("MSA"):
                parts = line.split("|")
                assert not found_in("|".join(parts[:2] + parts[3:])), line
            elif not line.startswith(("MSH", "BHS", "FHS")):
                assert not found_in(line), line


def test_no_log_record_or_metric_says_it(said: Said) -> None:
    assert [line for line in said.records if found_in(line)] == []
    assert found_in(said.metrics) == []


def test_no_span_says_it(said: Said) -> None:
    exported = b"".join(said.spans)
    assert exported.count(b"receive") == len(entries(said.folder))
    assert found_in(exported.decode("latin-1")) == []


def test_no_dead_letter_s_reason_says_it(said: Said) -> None:
    reasons = 0
    for entry in entries(said.folder):
        arrival = arrival_of(entry, Mark("", "", ""))
        outcome = read(arrival, Sources.of(PRODUCTION))
        for rejected in outcome.rejected:
            letter = dead_letter(arrival, rejected, entry.received)
            reasons += 1
            told = letter.model_dump_json(exclude={"raw", "source"})
            assert found_in(told) == [], told
        assert not found_in(" ".join(notice.detail for notice in outcome.notices))
        assert not found_in(str(entry.refused))
    assert reasons > 100


def test_whoever_reads_the_journal_survives_it_and_says_nothing(said: Said) -> None:
    command = [sys.executable, "-m", "services.cli", "run", "--data", str(said.folder), "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stderr.count("dead letter") > 100
    assert [line for line in (done.stdout + done.stderr).splitlines() if found_in(line)] == []


def test_no_exception_s_text_says_it() -> None:
    refusals = 0
    for message in (*planted(), *broken()):
        told = refusal_of(message)
        refusals += told != ""
        assert not found_in(told)
        assert not found_in(" ".join(map(str, read_message(message).rejected)))
    assert refusals > 5


def refusal_of(message: bytes) -> str:
    try:
        parse(message)
    except Refused as refusal:
        return f"{refusal!s} {refusal!r} {place_of(refusal)}"
    return ""


def test_the_search_finds_what_is_there(said: Said) -> None:
    """The raw bytes are kept where they belong, and a careless line would be seen."""
    raw = b"".join(entry.raw for entry in entries(said.folder)).decode("latin-1")
    assert found_in(raw) == list(SENTINELS)
    handler = Everything()
    record = logging.LogRecord("x", logging.INFO, "", 0, "refused %s", (NUMBER,), None)
    record.detail = NAME
    handler.emit(record)
    assert found_in(handler.said[0]) == [NAME, NUMBER]
