"""Spans to an OpenTelemetry collector, by OTLP over HTTP: the only file that knows OpenTelemetry.

Where the collector is, how it is spoken to, which share of the traces it gets and how many spans
may wait are OpenTelemetry's own settings, `OTEL_*` in the environment.
"""

from __future__ import annotations

import os
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)

from services.runtime.trace import ids_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.runtime.tracing import Step, Told

GOODBYE_SECONDS: Final = 3.0
"""For what waits at the end; a collector that is away must not hold up an orderly end."""
_KINDS: Final = {
    "receive": SpanKind.SERVER,
    "map": SpanKind.CONSUMER,
    "judge": SpanKind.CONSUMER,
    "notify": SpanKind.CONSUMER,
    "send": SpanKind.CLIENT,
}


class Otlp:
    """Makes spans of steps, and has them sent by a thread of its own."""

    def __init__(self, service: str) -> None:
        """Begin.

        Args:
            service: `service.name`, unless the environment has one.
        """
        self._ids = _Given()
        about = {"service.version": version("salvage-watch")}
        if "OTEL_SERVICE_NAME" not in os.environ:
            about["service.name"] = service
        self._provider = TracerProvider(
            resource=Resource.create(about), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("salvage-watch")

    def tell(self, step: Step, about: Mapping[str, Told]) -> None:
        """Make its span, which is sent with others."""
        self._ids.give(step.trace)
        span = self._tracer.start_span(
            step.name,
            _inside(step.parent),
            _KINDS[step.name],
            dict(about),
            [Link(found) for one in step.links if (found := _context(one)) is not None],
            step.begun * 1_000,
        )
        span.end(max(step.begun, step.ended) * 1_000)

    def wants(self, trace_id: int) -> bool:
        """As the sampler of the environment says."""
        found = self._provider.sampler.should_sample(None, trace_id, "")
        return found.decision is Decision.RECORD_AND_SAMPLE

    def close(self) -> None:
        """Send what waits."""
        end = threading.Thread(target=self._provider.shutdown, daemon=True)
        end.start()
        end.join(GOODBYE_SECONDS)


class _Given(IdGenerator):
    """Gives a span the ids that its step has; several threads may tell steps."""

    def __init__(self) -> None:
        self._next = threading.local()

    def give(self, trace: str) -> None:
        self._next.ids = ids_of(trace)

    def generate_trace_id(self) -> int:
        return int(self._next.ids.trace)

    def generate_span_id(self) -> int:
        return int(self._next.ids.span)


def _context(trace: str | None) -> SpanContext | None:
    ids = ids_of(trace)
    if ids is None:
        return None
    return SpanContext(ids.trace, ids.span, is_remote=True, trace_flags=TraceFlags(ids.flags))


def _inside(parent: str | None) -> Context:
    """Where a span has its parent; without one it begins its trace."""
    found, nowhere = _context(parent), Context()
    return nowhere if found is None else set_span_in_context(NonRecordingSpan(found), nowhere)
