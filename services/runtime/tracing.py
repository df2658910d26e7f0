"""Traces: what each step of a message's way tells a collector. Off, unless a site asks for it.

Laws of this file:
- without a setting nothing of OpenTelemetry is imported, and a step costs one look at a variable;
- a span tells only what is in `FIELDS`; no patient and no value can slip in;
- telling never waits and never fails: what a collector doesn't take in time is dropped.

The ids of a span are those of the `traceparent` that what came of the step carries
(`services.runtime.trace`), so that what is published is the same whether anybody traces or not.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from services.runtime.errors import OperatorError
from services.runtime.kafka import divert_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL: Final = "http/protobuf"
FIELDS: Final = {
    "source": "salvage.source",
    "format": "salvage.format",
    "state": "salvage.state",
    "outcome": "salvage.outcome",
    "rules": "salvage.rules",
    "channel": "salvage.channel",
    "kind": "salvage.kind",
    "facts": "salvage.facts",
    "alerts": "salvage.alerts",
    "deadletters": "salvage.deadletters",
    "attempt": "salvage.attempt",
    "topic": "messaging.destination.name",
    "partition": "messaging.destination.partition.id",
    "offset": "messaging.kafka.offset",
}
"""What a span may tell, and what OpenTelemetry calls it. Its names for messaging are not settled
(semantic conventions 1.38, "development"): they stand nowhere else."""

Told = str | int | list[str]


class Step(NamedTuple):
    """A step that was done.

    Attributes:
        name: `receive`, `map`, `judge`, `notify` or `send`.
        trace: its own `traceparent`.
        begun: microseconds UTC.
        ended: microseconds UTC.
        about: by the names of `FIELDS`.
        parent: the `traceparent` of the step that it continues.
        links: those of steps that it has to do with, in other traces or long ago.
    """

    name: str
    trace: str
    begun: int
    ended: int
    about: Mapping[str, Told | None]
    parent: str | None = None
    links: Sequence[str] = ()


class Teller(Protocol):
    """Whom steps are told to."""

    def tell(self, step: Step, about: Mapping[str, Told]) -> None:
        """Take a step; at once, and whatever happens."""
        ...

    def wants(self, trace_id: int) -> bool:
        """Whether a trace that begins here is one of those that are told."""
        ...

    def close(self) -> None:
        """Pass on what waits, for a moment at most."""
        ...


_tellers: list[Teller] = []


def on() -> bool:
    """Whether anybody traces: ask before a step is put together."""
    return bool(_tellers)


def tell(step: Step) -> None:
    """Tell a step."""
    told = step.about.items()
    about = {FIELDS[key]: said for key, said in told if key in FIELDS and said is not None}
    for one in _tellers:
        one.tell(step, about)


def wanted(trace_id: int) -> bool:
    """Whether a trace that begins here is to be followed by everybody behind us."""
    return any(one.wants(trace_id) for one in _tellers)


@contextmanager
def traced(command: str, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Tell steps while a command is at work, if the environment asks for it.

    Args:
        command: as it is called, `salvage map`.
        environment: OpenTelemetry's own variables.

    Raises:
        OperatorError: a variable can't be used, or the extra `traces` is not installed.
    """
    if not _asked_for(environment):
        yield
        return
    teller = _connected(command.replace(" ", "-"))
    _tellers.append(teller)
    try:
        yield
    finally:
        _tellers.remove(teller)
        teller.close()


def _asked_for(environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    if not any(environment.get(name) for name in ENDPOINTS):
        return False
    protocol = next(filter(None, map(environment.get, PROTOCOLS)), PROTOCOL)
    if protocol != PROTOCOL:
        raise OperatorError(f"{PROTOCOLS[-1]}: only {PROTOCOL}")
    return True


def _connected(service: str) -> Teller:
    divert_log("opentelemetry", "trace exporter")
    try:
        made = import_module("services.runtime.otlp")
    except ImportError as error:
        raise OperatorError(f"{ENDPOINTS[-1]}: needs the extra `traces`") from error
    teller: Teller = made.Otlp(service)
    return teller
