"""The FHIR endpoint: what is taken, how it is answered, and what is in the journal before that."""

from __future__ import annotations

import gzip
import http.client
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.fhir import JANE, NOW, bundle, encoded, psa, quantity
from support.mllp import HERE, PATIENCE, entries
from support.rest import JSON, Answer, Client, receiving, taken, talking

from services.ingest.archive import Format
from services.ingest.fhir.mapping import READ
from services.ingest.journal import FILE_NAME, Journal, State
from services.ingest.rest import app, keeping
from services.ingest.rest.connections import Connections
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD = psa(id="bad", status="finalx")


def sent(*resources: dict[str, Any], kind: str, method: str = "PUT") -> dict[str, Any]:
    """A Bundle whose entries say how they are to be taken."""
    made = bundle(*resources, kind=kind)
    for entry in made["entry"]:
        resource = entry["resource"]
        url = f"{resource['resourceType']}/{resource['id']}"
        entry["request"] = {"method": method, "url": url}
    return made


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with talking(tmp_path) as made:
        yield made


def put(port: int, resource: dict[str, Any]) -> Answer:
    with Client(port) as client:
        return client.put(resource, f"/{resource['resourceType']}/{resource['id']}")


def heard(port: int) -> bool:
    try:
        return put(port, psa()).status == 200
    except (OSError, http.client.HTTPException):
        return False


def states(folder: Path) -> list[State]:
    return [entry.state for entry in entries(folder)]


# --- One resource ---------------------------------------------------------------------------------


def test_a_resource_is_updated_under_its_id(client: Client, tmp_path: Path) -> None:
    answer = client.put(psa(), "/Observation/psa-1")
    assert (answer.status, answer.codes) == (200, ["informational"])
    (entry,) = entries(tmp_path)
    assert (entry.form, entry.state, entry.source) == (Format.FHIR, State.NEW, "fhir")
    assert encoded(psa()) in entry.raw, "its own bytes are not touched"
    corrected = psa(status="corrected", valueQuantity=quantity("0.40"))
    assert client.put(corrected, "/Observation/psa-1").status == 200
    events, refused = taken(tmp_path)
    assert len({event.event_id for event in events}) == 1
    assert refused == []


def test_what_is_created_has_no_id_yet(client: Client, tmp_path: Path) -> None:
    """Two senders' `1`: the id of a create is ignored, as FHIR wants it."""
    one = psa(id="1", identifier=[{"system": "urn:lab", "value": "a"}])
    other = psa(id="1", identifier=[{"system": "urn:lab", "value": "b"}])
    answers = [client.post(each, "/Observation") for each in (one, other)]
    assert [answer.status for answer in answers] == [201, 201]
    places = [answer.headers["Location"] for answer in answers]
    assert len(set(places)) == 2
    events, _ = taken(tmp_path)
    assert len({event.event_id for event in events}) == 2
    # Nothing can be found by the id that we gave; an update must not become another result.
    number = places[0].partition("/")[2]
    assert client.put(psa(id=number), f"/Observation/{number}").status == 404


def test_a_conditional_update_names_the_fact_by_its_identifier(
    client: Client, tmp_path: Path
) -> None:
    numbered = {"id": None, "identifier": [{"system": "urn:lab", "value": "7"}]}
    for value in ("0.20", "0.30"):
        made = psa(**numbered, valueQuantity=quantity(value))
        assert client.put(made, "/Observation?identifier=urn:lab|7").status == 200
    events, _ = taken(tmp_path)
    assert len({event.event_id for event in events}) == 1
    assert client.put(psa(**numbered), "/Observation").status == 400


def test_a_resource_that_states_nothing_is_taken_all_the_same(client: Client) -> None:
    made = {"resourceType": "Practitioner", "id": "1"}
    answer = client.put(made, "/Practitioner/1")
    assert answer.status == 200
    assert "nothing that is followed" in answer.body["issue"][0]["details"]["text"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/Observation/other", psa(), 400),
        ("POST", "/Patient", psa(), 400),
        ("POST", "/", psa(), 400),
        ("POST", "/Observatoin", psa(), 404),
        ("PUT", "/Observation/a b", psa(), 404),
        ("DELETE", "/Observation/psa-1", None, 405),
        ("GET", "/Observation/psa-1", None, 405),
        ("GET", "/", None, 405),
        ("PATCH", "/Observation/psa-1", psa(), 405),
        ("GET", "/a/b/c", None, 404),
    ],
)
def test_an_address_that_does_not_fit_is_refused(
    client: Client, method: str, path: str, body: object, status: int
) -> None:
    answer = client.ask(method, path.replace(" ", "%20"), body)
    assert answer.status == status
    assert answer.codes


# --- Bundles --------------------------------------------------------------------------------------


def test_a_transaction_is_taken_whole_or_not_at_all(client: Client, tmp_path: Path) -> None:
    answer = client.post(sent(psa(), BAD, kind="transaction"))
    assert (answer.status, answer.codes) == (422, ["bad_status"])
    assert answer.body["issue"][0]["expression"] == ["entry[1].status"]
    assert taken(tmp_path) == ([], ["bad_status"]), "kept as a dead letter, and not processed"
    answer = client.post(sent(psa(), psa(id="b"), kind="transaction"))
    assert (answer.body["type"], answer.entries) == ("transaction-response", ["200", "200"])
    assert len(taken(tmp_path)[0]) == 2


@pytest.mark.parametrize("kind", ["batch", "collection", "message", "history", "searchset"])
def test_of_every_other_bundle_each_entry_counts_by_itself(
    client: Client, tmp_path: Path, kind: str
) -> None:
    answer = client.post(bundle(psa(), BAD, {"resourceType": "Basic", "id": "x"}, kind=kind))
    assert (answer.status, answer.body["type"]) == (200, "batch-response")
    assert answer.entries == ["200", "422 bad_status", "200"]
    events, refused = taken(tmp_path)
    assert (len(events), refused) == (1, ["bad_status"])


def test_a_message_may_come_by_its_operation_and_a_bundle_by_its_type(client: Client) -> None:
    head = {"resourceType": "MessageHeader", "id": "m", "eventCoding": {"code": "x"}}
    assert client.post(bundle(head, psa(), kind="message"), "/$process-message").status == 200
    assert client.post(bundle(psa(), kind="collection"), "/Bundle").entries == ["200"]


def test_a_request_within_a_batch_that_asks_for_something_is_passed_over(client: Client) -> None:
    made = bundle(psa(), kind="batch")
    made["entry"].append({"request": {"method": "GET", "url": "Patient/7"}})
    made["entry"].append({"request": {"method": "DELETE", "url": "Observation/psa-1"}})
    assert client.post(made).entries == ["200", "200", "422 no_subject"]


# --- Again ----------------------------------------------------------------------------------------


def test_the_same_again_is_answered_again_and_processed_once(
    client: Client, tmp_path: Path
) -> None:
    for _ in range(3):
        assert client.post(sent(psa(), kind="transaction")).status == 200
        assert client.put(psa(), "/Observation/psa-1").status == 200
    assert states(tmp_path).count(State.NEW) == 2
    assert states(tmp_path).count(State.REPEAT) == 4


def test_what_does_not_say_its_version_may_be_a_return_to_an_earlier_one(
    client: Client, tmp_path: Path
) -> None:
    for value in ("0.20", "0.30", "0.20"):
        made = psa(meta=None, valueQuantity=quantity(value))
        assert client.put(made, "/Observation/psa-1").status == 200
    assert states(tmp_path) == [State.NEW] * 3


def test_of_creates_with_one_condition_only_the_first_counts(
    client: Client, tmp_path: Path
) -> None:
    condition = {"If_None_Exist": "identifier=urn:lab|7"}
    first = client.post(psa(), "/Observation", **condition)
    again = client.post(psa(valueQuantity=quantity("9.9")), "/Observation", **condition)
    other = client.post(psa(), "/Observation", If_None_Exist="identifier=urn:lab|8")
    assert [first.status, again.status, other.status] == [201, 200, 201]
    assert states(tmp_path) == [State.NEW, State.REPEAT, State.NEW]


# --- The journal ----------------------------------------------------------------------------------


def test_50_a_journal_that_cannot_be_written_never_says_yes(tmp_path: Path) -> None:
    impatient = partial(Journal, patience=0.05)
    with receiving(tmp_path, journal=impatient) as listener, Client(listener.port) as client:
        other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        answer = client.put(psa(), "/Observation/psa-1")
        assert (answer.status, answer.codes) == (503, ["transient"])
        assert int(answer.headers["Retry-After"]) > 0
        assert listener.problem() == "the journal cannot be written"
        other.execute("ROLLBACK")
        other.close()
        deadline = time.monotonic() + 20
        while listener.problem() is not None:
            assert time.monotonic() < deadline, "the journal is opened again by itself"
            time.sleep(0.02)
        assert client.put(psa(), "/Observation/psa-1").status == 200
    assert states(tmp_path).count(State.NEW) == 1


def test_50_when_too_much_waits_for_the_disk_the_sender_is_asked_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "WINDOW_BYTES", 100)
    hold, held = threading.Event(), threading.Event()

    class Slow(Journal):
        def add(self, entry: Any) -> int:
            held.set()
            hold.wait(20)
            return super().add(entry)

    with receiving(tmp_path, journal=Slow) as listener, ThreadPoolExecutor(1) as pool:
        first = pool.submit(put, listener.port, psa())
        assert held.wait(20)
        second = put(listener.port, psa(id="b"))
        assert (second.status, second.headers["Retry-After"]) == (503, "5")
        hold.set()
        assert first.result().status == 200
    assert len(entries(tmp_path)) == 1


def test_bodies_wait_for_room_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_AT_ONCE", 1000)
    with receiving(tmp_path) as listener, ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda at: put(listener.port, psa(id=f"p{at}")).status, range(24))
        assert set(found) == {200}, "one after the other"
    monkeypatch.setattr(app, "_ROOM_SECONDS", 0.05)
    monkeypatch.setattr(app, "_AT_ONCE", 1)
    hold = threading.Event()

    class Slow(Journal):
        def add(self, entry: Any) -> int:
            hold.wait(20)
            return super().add(entry)

    with receiving(tmp_path, journal=Slow) as listener, ThreadPoolExecutor(2) as pool:
        both = [pool.submit(put, listener.port, psa(id=f"q{at}")) for at in range(2)]
        first = next(as_completed(both)).result()
        assert first.status == 503, "for too long"
        hold.set()
        assert {one.result().status for one in both} == {200, 503}


def test_the_port_does_not_open_without_a_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable), receiving(tmp_path / "file"):
        pass


def test_many_at_once_are_each_kept_once(tmp_path: Path) -> None:
    with receiving(tmp_path) as listener, ThreadPoolExecutor(8) as pool:

        def send(number: int) -> int:
            return put(listener.port, psa(id=f"p{number}", meta=NOW)).status

        assert set(pool.map(send, range(80))) == {200}
    assert len({entry.raw for entry in entries(tmp_path)}) == len(entries(tmp_path))
    assert len(taken(tmp_path)[0]) == 80


# --- Connections ----------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"PUT /Observation/psa-1 HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_a_sender_that_drips_its_headers_is_let_go(tmp_path: Path, said: bytes) -> None:
    short = Connections(patience=0.2)
    with (
        receiving(tmp_path, connections=short) as listener,
        Client(listener.port) as patient,
        socket.create_connection((HERE, listener.port), timeout=PATIENCE) as plain,
    ):
        assert patient.put(psa(), "/Observation/psa-1").status == 200
        plain.sendall(said)
        assert plain.recv(100) == b"", "closed without a word"
        assert patient.put(psa(), "/Observation/psa-1").status == 200, "who asks may stay"


def test_more_connections_than_allowed_are_turned_away(tmp_path: Path) -> None:
    with receiving(tmp_path, connections=Connections(most=2)) as listener, ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(Client(listener.port))
            assert client.put(psa(), "/Observation/psa-1").status == 200
        with pytest.raises((OSError, http.client.HTTPException)):
            put(listener.port, psa())
        client.connection.close()
        deadline = time.monotonic() + 20
        while not heard(listener.port):
            assert time.monotonic() < deadline
            time.sleep(0.02)


# --- What the endpoint says of itself -------------------------------------------------------------


def test_it_says_what_it_takes(client: Client) -> None:
    about = client.ask("GET", "/metadata").body
    assert (about["resourceType"], about["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    listed = {resource["type"]: resource for resource in about["rest"][0]["resource"]}
    assert listed.keys() == READ
    codes = [one["code"] for one in listed["Observation"]["interaction"]]
    assert codes == ["create", "update"], "nothing can be read back"


def test_a_packed_body_is_unpacked(client: Client, tmp_path: Path) -> None:
    packed = JSON | {"Content-Encoding": "gzip"}
    body = gzip.compress(encoded(bundle(psa(), kind="batch")))
    assert client.ask("POST", "/", body, packed).entries == ["200"]
    assert entries(tmp_path)[0].raw == encoded(bundle(psa(), kind="batch"))


def test_the_release_may_be_named(client: Client) -> None:
    named = {"Content-Type": "application/fhir+json; fhirVersion=4.0; charset=UTF-8"}
    assert client.ask("PUT", "/Observation/psa-1", psa(), named).status == 200


def test_nothing_is_to_be_stored_on_the_way(client: Client) -> None:
    headers = client.put(psa(subject=JANE), "/Observation/psa-1").headers
    assert headers["Cache-Control"] == "no-store"
    assert "aiohttp" not in headers["Server"]
