"""Nothing that a resource says is said again: not in logs, metrics, answers, headers or errors.

Names and numbers are planted wherever a sender can put them. That the search would find them is
shown by finding them where they belong: in the journal and in the store.
"""

from __future__ import annotations

import io
import json
import logging
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.fhir import NOW, bundle, concept, encoded, psa
from support.mllp import HERE, PATIENCE, entries
from support.rest import JSON, Client, receiving

from services.embedded.store import FILE_NAME
from services.runtime.logs import JsonLines, logger

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PLANTED = ("Sentinella", "Zzyzx", "990077123", "1953-04-07")
SECRET = re.compile("|".join(PLANTED), re.IGNORECASE)
NAME = "Sentinella"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "990077123",
    "meta": NOW,
    "identifier": [{"system": "urn:oid:1.2.3", "value": "990077123"}],
    "name": [{"family": "Sentinella", "given": ["Zzyzx"]}],
    "birthDate": "1953-04-07",
    "gender": "female",
}
HERS = {"identifier": {"system": "urn:oid:1.2.3", "value": "990077123"}, "display": NAME}


def hers(**changes: object) -> dict[str, Any]:
    return psa(**{"id": f"{NAME}-1", "subject": HERS, "note": [{"text": NAME}], **changes})


WRONG: list[dict[str, Any]] = [
    hers(status=NAME),
    hers(valueQuantity={"value": NAME}),
    hers(valueQuantity={"value": 1, "comparator": NAME}),
    hers(effectiveDateTime=f"1953-04-07T{NAME}"),
    hers(effectiveDateTime="1953-04-07T08:00:00"),
    hers(subject={"reference": f"https://{NAME}.example/Patient/990077123"}),
    hers(subject={"reference": f"{NAME}/990077123"}),
    hers(subject={"reference": "Patient/990077123"}),
    hers(valueQuantity=None, valueString=f"see {NAME}"),
    hers(code=None),
    hers(code=concept(NAME, "x" * 9000)),
    hers(modifierExtension=[{"url": NAME}]),
    hers(meta={"lastUpdated": NAME}),
    hers(focus=[{"reference": f"Patient/{NAME}"}]),
    hers(component=[{"code": concept(NAME, NAME), "valueQuantity": {"value": NAME}}]),
    hers(contained=[{"resourceType": NAME, "id": NAME}], referenceRange=[{"low": NAME}]),
    PATIENT | {"birthDate": f"{NAME}1953"},
    PATIENT | {"deceasedDateTime": "1953-04-07T00"},
    PATIENT | {"identifier": [{"value": "990077123"}]},
    {"resourceType": NAME, "id": "990077123"},
    {"resourceType": "AdverseEvent", "id": "a", "subject": HERS, "event": {"text": NAME}},
    {"resourceType": "Procedure", "id": "a", "subject": HERS, "status": NAME},
]
BROKEN = [
    encoded(hers())[:-3],
    encoded(hers()).replace(b"0.20", NAME.encode()),
    b'{"%s": 1, "%s": 2}' % (NAME.encode(), NAME.encode()),
    NAME.encode(),
    b'{"a": "%s\xff"}' % NAME.encode(),
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that anybody logs: ours as it is written, and the libraries' whole."""
    stream = io.StringIO()
    handlers = {name: logging.StreamHandler(stream) for name in ("", "salvage")}
    handlers["salvage"].setFormatter(JsonLines())
    before = {name: logging.getLogger(name).level for name in handlers}
    kept, logger().handlers[:] = logger().handlers[:], []
    logger().propagate = False
    for name, handler in handlers.items():
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    for name, handler in handlers.items():
        logging.getLogger(name).removeHandler(handler)
        logging.getLogger(name).setLevel(before[name])
    logger().handlers[:] = kept


def ways(resource: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    """The ways in which a resource may be sent."""
    kind, number = str(resource["resourceType"]), str(resource["id"])
    yield "PUT", f"/{kind}/{number}", resource
    yield "PUT", f"/{kind}/{NAME}", resource
    yield "POST", f"/{kind}", resource
    yield "POST", "/", resource
    yield "POST", "/", bundle(hers(), resource, kind="batch")
    yield "POST", "/", bundle(hers(), resource, kind="transaction")
    yield "POST", "/subscription/x", bundle(resource, kind="history")


def test_no_answer_and_no_log_quotes_what_was_sent(tmp_path: Path, log: io.StringIO) -> None:
    told: list[str] = []
    with receiving(tmp_path) as listener, Client(listener.port) as client:

        def ask(method: str, path: str, body: object, **headers: str) -> None:
            answer = client.ask(method, path, body, JSON | headers)
            location = answer.headers.get("Location", "")
            told.append(f"{answer.status} {dict(answer.headers)} {answer.raw.decode()} {location}")

        for resource in [*WRONG, hers(), PATIENT]:
            for method, path, body in ways(resource):
                ask(method, path, body)
        for raw in BROKEN:
            ask("PUT", "/Observation/1", raw)
            ask("POST", "/", raw)
        for path in (f"/{NAME}", f"/Patient?name={NAME}", f"/{NAME}/{NAME}/{NAME}", "/%ff%00"):
            for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                ask(method, path, encoded(hers()))
        for name in ("Content-Type", "Content-Encoding", "Prefer", "If-None-Exist", "X-Name"):
            ask("POST", "/Observation", encoded(hers()), **{name: f"{NAME}; x={NAME}"})
        ask("POST", "/Observation", encoded(hers()), Authorization=f"Bearer {NAME}")
    assert [one for one in told if SECRET.search(one)] == []
    assert not SECRET.search(log.getvalue())
    assert "refused" in log.getvalue()
    assert len(told) > 150
    kept = b"".join(entry.raw for entry in entries(tmp_path))
    assert all(text.encode() in kept for text in PLANTED), "the search would find them"


@pytest.mark.parametrize(
    "raw",
    [
        b"PUT /%s HTTP/9.9\r\n\r\n",
        b"%s / HTTP/1.1\r\n\r\n",
        b"%s\r\n\r\n",
        b"PUT / HTTP/1.1\r\n%s: a\r\nbad header\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: %s\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
    ],
)
def test_what_is_no_http_is_not_logged(tmp_path: Path, log: io.StringIO, raw: bytes) -> None:
    with receiving(tmp_path) as listener:
        with socket.create_connection((HERE, listener.port), timeout=PATIENCE) as plain:
            plain.sendall(raw.replace(b"%s", NAME.encode()))
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65536):
                pass
        with Client(listener.port) as client:
            assert client.put(hers(), f"/Observation/{NAME}-1").status == 200
    assert not SECRET.search(log.getvalue())


@pytest.mark.slow
def test_a_run_says_nothing_of_anybody(tmp_path: Path) -> None:
    """`salvage run --fhir`: its log, its metrics, its health and what it prints."""
    words = ["run", "--data", str(tmp_path), "--port", "0", "--fhir", f"{HERE}:0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        ports, said = dict[str, int](), ""
        for line in process.stderr:
            said += line
            found = json.loads(line)
            ports |= {found["event"]: found["port"]} if "port" in found else {}
            if "receiving fhir" in ports:
                break
        with Client(ports["receiving fhir"]) as client:
            assert client.post(bundle(PATIENT, hers(), kind="transaction")).status == 200
            assert client.post(bundle(*WRONG, kind="batch")).status == 200
        pages = f"http://{HERE}:{ports['serving']}"
        _until_taken(tmp_path)
        for address in ("/metrics", "/health"):
            page = urllib.request.urlopen(pages + address, timeout=PATIENCE)  # noqa: S310 - ours
            with page as response:
                said += f"{response.headers} {response.read().decode()}"
        process.send_signal(signal.SIGTERM)
        out, rest = process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert not SECRET.search(said + rest + out)
    assert "salvage_dead_letters_total" in said
    store = sqlite3.connect(tmp_path / FILE_NAME)
    ((raw,),) = store.execute("SELECT group_concat(bytes) FROM raw").fetchall()
    store.close()
    assert SECRET.search(raw if isinstance(raw, str) else raw.decode()), "the search would find it"


def _until_taken(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        store = sqlite3.connect(folder / FILE_NAME)
        ((letters,),) = store.execute("SELECT COUNT(*) FROM deadletters").fetchall()
        store.close()
        if letters >= 10:
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)
