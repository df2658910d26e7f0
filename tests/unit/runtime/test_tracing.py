"""Traces: nothing without a setting, nothing but what may be told, and never in anybody's way."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.collector import Collector

from services.runtime import tracing
from services.runtime.errors import OperatorError
from services.runtime.trace import continued, ids_of, started
from services.runtime.tracing import ENDPOINTS, Step, tell, traced

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDPOINT = ENDPOINTS[-1]
STEPS = "receive", "map", "judge", "notify", "send"
WHO_TRACES = (
    "services.detector.adapters.hand",
    "services.ingest.kafka.mapper",
    "services.ingest.metrics",
    "services.notifier.service.agenda",
    "services.notifier.service.delivery",
    "services.runtime.process",
)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as found:
        monkeypatch.setenv(ENDPOINT, found.url)
        yield found


def step(name: str = "map", trace: str | None = None, **fields: Any) -> Step:
    about = fields.pop("about", {"topic": "clinical.raw"})
    return Step(name, trace or started("a place"), 1_000_000, 3_500_000, about, **fields)


def test_without_a_setting_nothing_of_opentelemetry_is_imported() -> None:
    """In a process of its own: others have imported it here."""
    code = (
        f"import importlib, sys\nfor one in {WHO_TRACES!r}: importlib.import_module(one)\n"
        "from services.runtime.tracing import on, traced\n"
        "with traced('salvage x', {}): assert not on()\n"
        "print([one for one in sys.modules if one.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_step_is_a_span_with_the_ids_of_its_traceparent(collector: Collector) -> None:
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    link = "00-" + "c" * 32 + "-" + "d" * 16 + "-00"
    own = continued(parent, "here")
    with traced("salvage map"):
        tell(step("judge", own, parent=parent, links=[link, "nonsense"]))
    (span,) = collector.spans
    assert (span.name, span.service, span.seconds) == ("judge", "salvage-map", 2.5)
    assert own == f"00-{span.trace}-{span.span}-01"
    assert (span.trace, span.parent) == ("a" * 32, "b" * 16)
    assert span.links == (("c" * 32, "d" * 16),)
    assert collector.headers["path"] == "/v1/traces"


def test_only_what_may_be_told_is_told(collector: Collector) -> None:
    about = {"patient": "GANTENBEIN", "topic": "t", "alerts": 0, "state": None, "rules": ["A", "B"]}
    with traced("salvage map"):
        tell(step(about=about))
    told = {"messaging.destination.name": "t", "salvage.alerts": 0, "salvage.rules": ["A", "B"]}
    assert collector.spans[0].about == told
    assert b"GANTENBEIN" not in b"".join(collector.bodies)


def test_every_step_has_its_kind(collector: Collector) -> None:
    with traced("salvage map"):
        for number, name in enumerate(STEPS):
            tell(step(name, started(number)))
    assert sorted(one.name for one in collector.spans) == sorted(STEPS)


def test_whether_a_trace_is_followed_is_decided_where_it_begins(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert started("a").endswith("-00")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    with traced("salvage map"):
        begun = [started(number) for number in range(400)]
        again = [started(number) for number in range(400)]
        for one in begun:
            tell(step("receive", one))
            tell(step("map", continued(one, "later"), parent=one))
    followed = [one for one in begun if one.endswith("-01")]
    assert begun == again
    assert 50 < len(followed) < 150
    ids = {f"{ids.trace:032x}" for one in followed if (ids := ids_of(one)) is not None}
    assert {one.trace for one in collector.spans} == ids
    assert len(collector.spans) == 2 * len(followed)


def test_a_header_keeps_the_decision_and_nothing_else_of_its_flags() -> None:
    parent = "00-" + "a" * 32 + "-" + "b" * 16
    assert continued(f"{parent}-03", "x").endswith("-01")
    assert continued(f"{parent}-02", "x").endswith("-00")


@pytest.mark.parametrize(
    "more",
    [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}, {ENDPOINT: ""}],
)
def test_opentelemetry_s_own_switches_switch_it_off(more: dict[str, str]) -> None:
    with traced("salvage map", {ENDPOINT: "http://127.0.0.1:9"} | more):
        assert not tracing.on()
        tell(step())  # to nobody


def test_another_protocol_is_refused() -> None:
    said = {ENDPOINT: "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(OperatorError, match="http/protobuf"), traced("salvage map", said):
        pass


def test_without_the_extra_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "services.runtime.otlp", None)
    said = {ENDPOINT: "http://127.0.0.1:9"}
    with pytest.raises(OperatorError, match="extra `traces`"), traced("salvage map", said):
        pass


def test_a_collector_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.otlp.GOODBYE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        begun = time.monotonic()
        with traced("salvage map"):
            for number in range(5_000):  # more than may wait
                tell(step("map", started(number)))
            told = time.monotonic() - begun
        ended = time.monotonic() - begun
    assert told < 30.0
    assert ended < told + 20.0
