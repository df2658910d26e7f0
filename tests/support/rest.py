"""A sender of FHIR over HTTP, and an endpoint to send to: real sockets, on this machine alone."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from services.embedded.reading import read
from services.embedded.received import arrival_of
from services.ingest.journal import Journal, State
from services.ingest.profiles.sources import ANYBODY, Sources
from services.ingest.rest.connections import Connections
from services.ingest.rest.doors import Door, OpenDoor
from services.ingest.rest.listener import FhirListener, Where, Work
from services.ingest.sources.files import Mark
from services.runtime.clock import SystemClock
from support.fhir import encoded
from support.mllp import HERE, PATIENCE, entries

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from schemas.events import Event

JSON = {"Content-Type": "application/fhir+json"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """As JSON; every answer of the endpoint is."""
        assert self.headers["Content-Type"].startswith("application/fhir+json")
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def codes(self) -> list[str]:
        """Of an OperationOutcome: the reason of each issue, else its code."""
        assert self.body["resourceType"] == "OperationOutcome"
        return [_code(issue) for issue in self.body["issue"]]

    @property
    def entries(self) -> list[str]:
        """Of a Bundle: status and reason of each entry, `422 bad_status`."""
        return [_entry(entry["response"]) for entry in self.body["entry"]]


def _code(issue: dict[str, Any]) -> str:
    coding = issue["details"].get("coding", [{"code": issue["code"]}])
    code: str = coding[0]["code"]
    return code


def _entry(response: dict[str, Any]) -> str:
    status = response["status"].split()[0]
    issues = response["outcome"]["issue"]
    return " ".join([status, *(_code(issue) for issue in issues if issue["severity"] == "error")])


class Client:
    """One connection."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, **headers: str) -> None:
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection: http.client.HTTPConnection
        if tls is None:
            self.connection = http.client.HTTPConnection(HERE, port, timeout=PATIENCE)
        else:
            self.connection = http.client.HTTPSConnection(
                "localhost", port, timeout=PATIENCE, context=tls
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = JSON
    ) -> Answer:
        """Ask, and wait for the answer. A body that is not bytes is encoded as FHIR JSON."""
        raw = body if isinstance(body, bytes) or body is None else encoded(body)
        self.connection.request(method, path, raw, {**headers, **self._headers})
        response = self.connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read())

    def post(self, body: object, path: str = "/", **headers: str) -> Answer:
        """POST FHIR JSON."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, JSON | more)

    def put(self, body: object, path: str) -> Answer:
        """PUT FHIR JSON."""
        return self.ask("PUT", path, body)


@contextmanager
def receiving(
    folder: Path,
    sources: Sources = ANYBODY,
    *,
    door: Door | None = None,
    tls: ssl.SSLContext | None = None,
    journal: Callable[[Path], Journal] | None = None,
    connections: Connections | None = None,
) -> Iterator[FhirListener]:
    """An endpoint on any free port."""
    where = Where(HERE, 0, door or OpenDoor(), tls, connections or Connections())
    opens = journal or Journal
    listener = FhirListener(
        Work(where), sources.read_resources, folder, SystemClock(), journal=opens, retry=0.1
    )
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@contextmanager
def talking(folder: Path, sources: Sources = ANYBODY, **how: Any) -> Iterator[Client]:
    """A client of an endpoint that lets everybody in."""
    with receiving(folder, sources, **how) as listener, Client(listener.port) as client:
        yield client


def taken(folder: Path, sources: Sources = ANYBODY) -> tuple[list[Event], list[str]]:
    """What becomes of a journal: its events, and the reasons for which something is refused."""
    events, refused = list[Any](), list[str]()
    for entry in entries(folder):
        if entry.state in {State.NEW, State.REFUSED}:
            reading = read(arrival_of(entry, Mark("", "", "")), sources)
            events += reading.events
            refused += [str(one.reason) for one in reading.rejected]
    return events, refused
