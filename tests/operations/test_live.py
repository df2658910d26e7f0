"""The running system, watched by a real Prometheus and a real Alertmanager.

One test, because starting all of it is what takes the time: the dashboards' questions have answers
when patients' data comes, and a process that is killed wakes somebody until it is back.
"""

from __future__ import annotations

import re
import ssl
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest
from prometheus_client import CollectorRegistry, start_http_server
from support.certificates import authority, certificate
from support.mllp import Sender, obx, oru
from support.operations import ROOT, recorded, tool
from support.processes import Command
from support.prometheus import Alertmanager, Prometheus, Receivers, free_port, wait

from deploy.grafana.boards import BOARDS
from schemas.topics import EVENTS, RAW
from services.commands.canary.metrics import CanaryMetrics
from services.detector.adapters.desk import Handled
from services.detector.adapters.metrics import DetectorMetrics, Standing
from services.detector.adapters.outbox import Record
from services.ingest.kafka.mapmetrics import MapperMetrics
from services.ingest.kafka.mapmetrics import Standing as MapperStanding
from services.ingest.kafka.records import Incoming
from services.runtime.lag import Behind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COHORT = ROOT / "examples" / "cohort-small.jsonl"
DOWN = "SalvageComponentDown"
VARIABLES: Final = {"$__rate_interval": "20s", "$source": ".*", "$rule": ".*"}


class Stack:
    """`salvage run` on a port that it keeps, with what watches it and who is told."""

    def __init__(self, folder: Path, until: ExitStack) -> None:
        for name in ("in", "data", "prometheus", "alertmanager"):
            (folder / name).mkdir()
        self._folder, self._until = folder, until
        authority(folder, "authority")
        certificate(folder, "listener", "authority", "localhost")
        certificate(folder, "sender", "authority")
        self.port = free_port()
        self.receivers = until.enter_context(Receivers())
        alertmanager = Alertmanager(folder / "alertmanager", self.receivers.port)
        until.enter_context(alertmanager)
        self.detect = DetectorMetrics(CollectorRegistry(), ["SOME-RULE"])
        self.detect.watch(lambda: Standing({(EVENTS.name, 0): Behind(3, 1.5)}, patients=2))
        self.map = MapperMetrics(CollectorRegistry())
        at, copies = {(RAW.name, 0): Behind(2, 0.5)}, {RAW.name: 0}
        self.map.watch(lambda: MapperStanding(at, missing=copies))
        targets = {"salvage-run": self.port, "salvage-detect": exposed(self.detect, until)}
        targets["salvage-map"] = exposed(self.map, until)
        self.canary = CanaryMetrics(CollectorRegistry(), time.time())  # noqa: TID251
        targets["salvage-canary"] = exposed(self.canary, until)
        self.run = self.started()
        self.alertmanager = alertmanager
        self.prometheus = Prometheus(folder / "prometheus", targets, alertmanager.port)
        until.enter_context(self.prometheus)

    def started(self) -> Command:
        """Start `salvage run`, for the first time or again."""
        words = ["run", "--data", str(self._folder / "data"), "--watch", str(self._folder / "in")]
        words += ["--mllp", "127.0.0.1:0", "--sender", "HOSP/LAB", "--port", str(self.port)]
        words += ["--tls-certificate", self._file("listener.pem")]
        words += ["--tls-key", self._file("listener.key")]
        words += ["--tls-authorities", self._file("authority.pem")]
        command = self._until.enter_context(Command(*words))
        command.heard("serving")
        return command

    def _file(self, name: str) -> str:
        return str(self._folder / name)

    def _sender(self) -> Sender:
        """A sender of HL7 v2, with a certificate as the listener has one."""
        context = ssl.create_default_context(cafile=self._file("authority.pem"))
        context.load_cert_chain(self._file("sender.pem"), self._file("sender.key"))
        return Sender(self.run.heard("receiving")["port"], context)

    def feed(self) -> None:
        """Patients' data comes, and some of it is unusable."""
        (self._folder / "in" / "cohort.jsonl").write_bytes(COHORT.read_bytes())
        (self._folder / "in" / "bad.jsonl").write_text("{}\n")
        with self._sender() as sender:
            sender.ask(oru("M1"))
            sender.ask(oru("M2", obx(value="see note")))
        record = Record(EVENTS.name, 0, 1, None, None, time.time_ns() // 1_000)  # noqa: TID251
        received = Incoming(RAW.name, 0, 1, record.at, None, b"")
        self.map.mapped(received, [], record.at)
        self.detect.judged(0.002)
        self.detect.handled(record, Handled(), record.at)


def exposed(metrics: DetectorMetrics | MapperMetrics | CanaryMetrics, until: ExitStack) -> int:
    """Serve the metrics of a worker that this process only plays; the port."""
    server, thread = start_http_server(0, "127.0.0.1", metrics.registry)
    until.callback(thread.join)
    until.callback(server.server_close)
    until.callback(server.shutdown)
    port: int = server.server_address[1]
    return port


def asked() -> Iterator[tuple[str, str]]:
    """Every question of every dashboard, and what is recorded for the alerts."""
    for board in BOARDS:
        for panel in board.panels:
            for expression, legend in panel.queries:
                yield f"{board.uid}: {panel.title}: {legend}", filled(expression)
    yield from recorded().items()


def filled(expression: str) -> str:
    """As Grafana asks it, everything chosen."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in re.sub(r'"[^"]*"', "", expression)
    return expression


def numbers(series: list[dict[str, Any]]) -> list[str]:
    """The values that are numbers."""
    values = (value for one in series for _, value in one["values"])
    return [value for value in values if value != "NaN"]


def unanswered(prometheus: Prometheus, start: float) -> list[str]:
    """The questions that have had no number for an answer since the start."""
    end = time.time()  # noqa: TID251 - Prometheus goes by it
    return [
        name for name, expression in asked() if not numbers(prometheus.over(expression, start, end))
    ]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    for name in ("prometheus", "prometheus-alertmanager"):
        tool(name)
    with ExitStack() as until:
        yield Stack(tmp_path, until)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_dashboards_are_filled_and_a_killed_process_wakes_somebody(stack: Stack) -> None:
    prometheus, told = stack.prometheus, stack.receivers.told
    start = time.time()  # noqa: TID251 - Prometheus goes by it
    wait("all targets answer", lambda: len(prometheus.query('up{job=~"salvage.*"} == 1')) == 4)
    stack.feed()
    wait("the cohort was judged", lambda: prometheus.query("salvage_facts_total > 778"))
    wait("every question has an answer", lambda: not unanswered(prometheus, start))
    assert not numbers(prometheus.over("salvage_no_such_metric", start, start + 5))
    wait("the watchdog is heard outside", lambda: ("SalvageWatchdog", "firing") in told["outside"])
    letter = ("SalvageDeadLetterNew", "firing")
    wait("a dead letter is told", lambda: letter in told["operations"])
    assert not prometheus.firing(DOWN)

    stack.run.kill()
    wait("somebody is woken", lambda: (DOWN, "firing") in told["on-call"])
    assert "SalvageDeadLetterNew" not in dict(told["on-call"])  # a warning wakes nobody
    stack.started()
    wait("it clears", lambda: not prometheus.firing(DOWN))
    wait("the end is told", lambda: (DOWN, "resolved") in told["on-call"])

    slow = {"alertname": "SalvageEndToEndSlow", "stage": "run"}
    stack.alertmanager.fire(slow | {"severity": "critical"}, slow | {"severity": "warning"})
    lesser = ("SalvageEndToEndSlow", "warning")
    wait("only the greater half is told", lambda: lesser in stack.alertmanager.inhibited())
