"""An OpenTelemetry collector: takes OTLP over HTTP, and keeps the spans and every byte of them."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0


class Seen(NamedTuple):
    """A span; ids as hexadecimal digits, '' where there is none."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    links: tuple[tuple[str, str], ...]
    about: dict[str, Any]
    seconds: float

    @property
    def ids(self) -> tuple[str, str]:
        return self.trace, self.span


class Collector:
    """Listens on this machine.

    bodies: of the requests, as they came.
    headers: what the last of them said of itself.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> list[Seen]:
        """All that came so far."""
        return [one for body in [*self.bodies] for one in _spans(body)]

    def named(self, name: str, number: int = 1) -> list[Seen]:
        """The spans of that name, when so many have come, earliest first.

        Raises:
            AssertionError: they don't come.
        """
        deadline = time.monotonic() + PATIENCE
        while len(found := [one for one in self.spans if one.name == name]) < number:
            assert time.monotonic() < deadline, f"{name}: {[one.name for one in self.spans]}"
            time.sleep(0.1)
        return found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.headers = dict(self.headers) | {"path": self.path}
                collector.bodies.append(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Handler


def _spans(body: bytes) -> Iterator[Seen]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        about = _values(resource.resource.attributes)
        for one in (span for scope in resource.scope_spans for span in scope.spans):
            yield Seen(
                str(about.get("service.name", "")),
                one.name,
                one.trace_id.hex(),
                one.span_id.hex(),
                one.parent_span_id.hex(),
                tuple((link.trace_id.hex(), link.span_id.hex()) for link in one.links),
                _values(one.attributes),
                (one.end_time_unix_nano - one.start_time_unix_nano) / 1e9,
            )


def _values(pairs: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in pairs}


def _value(said: Any) -> Any:
    kind = said.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in said.array_value.values]
    return getattr(said, kind)
