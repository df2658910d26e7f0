"""Rows 34 to 38, 41 to 47 and 50 of the list of bad inputs, over a real connection.

Each gets its answer with a reason, is kept as a dead letter where it may be one, is never quoted,
and the next request on the same connection is taken as if nothing had been.
"""

from __future__ import annotations

import gzip
import http.client
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.fhir import LOINC, NOW, bundle, concept, encoded, psa, quantity
from support.mllp import HERE, PATIENCE, entries
from support.rest import JSON, Client, taken, talking

from schemas.deadletter import RAW_KEPT
from schemas.events import Observation
from schemas.partial import PartialDate
from services.ingest.rest.call import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH = "/Observation/psa-1"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client; afterwards the same connection must still be good for something."""
    with talking(tmp_path) as made:
        yield made
        assert made.put(psa(id="next"), "/Observation/next").status == 200


def refused(client: Client, folder: Path, resource: dict[str, Any], reason: str) -> None:
    """It is refused alone, and beside others costs only itself."""
    answer = client.put(resource, PATH)
    assert (answer.status, answer.codes) == (422, [reason])
    assert taken(folder) == ([], [reason])
    others = [psa(id="before"), resource, psa(id="after")]
    assert client.post(bundle(*others, kind="batch")).entries == ["200", f"422 {reason}", "200"]
    events, reasons = taken(folder)
    assert (len(events), reasons) == (2, [reason, reason])


# --- 34 to 38: the request ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not JSON", "malformed_json"),
        (encoded(psa())[:-9], "malformed_json"),
        (b"", "empty_input"),
        (b"\xff\xfe", "not_utf8"),
        (b"\xef\xbb\xbf{}", "not_utf8"),
        (b'{"id":"1","id":"2"}', "duplicate_key"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "too_deep"),
    ],
)
def test_34_what_is_no_json(client: Client, tmp_path: Path, body: bytes, reason: str) -> None:
    for path in ("/", PATH):
        answer = client.ask("POST" if path == "/" else "PUT", path, body)
        assert (answer.status, answer.codes) == (400, [reason])
    assert taken(tmp_path)[1] == [reason, reason]
    assert {entry.raw for entry in entries(tmp_path)} == {body}, "kept as it came"


@pytest.mark.parametrize(
    "kind",
    [
        "application/fhir+xml",
        "application/xml",
        "text/plain",
        "application/fhir+json; charset=x",
        "application/fhir+json; fhirVersion=5.0",
    ],
)
def test_35_another_format(client: Client, tmp_path: Path, kind: str) -> None:
    answer = client.ask("PUT", PATH, b"<Observation/>", {"Content-Type": kind})
    assert (answer.status, answer.codes) == (415, ["not-supported"])
    packed = JSON | {"Content-Encoding": "br"}
    assert client.ask("PUT", PATH, encoded(psa()), packed).status == 415
    assert entries(tmp_path) == []
    answer = client.ask("PUT", PATH, b"<Observation/>")
    assert (answer.status, answer.codes) == (422, ["unexpected_resource"])


def test_36_more_than_anybody_may_send(tmp_path: Path) -> None:
    body = b'{"a":"' + b"x" * LARGEST
    with talking(tmp_path) as client:
        answer = client.put(body, PATH)
        assert (answer.status, answer.codes) == (413, ["too_large"])
    (entry,) = entries(tmp_path)
    assert entry.raw == body[:RAW_KEPT]


def test_36_a_bomb_is_noticed_before_it_is_unpacked(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    megabyte = b" " * 2**20
    bomb = b"".join(packer.compress(megabyte) for _ in range(200)) + packer.flush()
    with talking(tmp_path) as client:
        answer = client.ask("PUT", PATH, bomb, JSON | {"Content-Encoding": "gzip"})
        assert (answer.status, answer.codes) == (413, ["too_large"])


PACKED = [b"no gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"") * 2]


@pytest.mark.parametrize("packed", PACKED, ids=["no gzip", "cut short", "two of nothing"])
def test_36_what_cannot_be_unpacked(client: Client, tmp_path: Path, packed: bytes) -> None:
    answer = client.ask("PUT", PATH, packed, JSON | {"Content-Encoding": "gzip"})
    assert (answer.status, answer.codes) == (400, ["structure"])
    assert entries(tmp_path) == []


@pytest.mark.parametrize("length", ["-1", "x", "1, 2", "99999999999999999999999"])
def test_36_a_length_that_cannot_be(tmp_path: Path, length: str) -> None:
    with talking(tmp_path) as client:
        other = http.client.HTTPConnection(HERE, client.connection.port, timeout=PATIENCE)
        other.putrequest("PUT", PATH, skip_accept_encoding=True)
        other.putheader("Content-Type", "application/fhir+json")
        other.putheader("Content-Length", length)
        other.endheaders(encoded(psa()))
        if len(length) > 10:
            other.close()  # it would wait for the rest
        else:
            with other.getresponse() as response:
                assert response.status == 400
            other.close()
        assert client.put(psa(id="next"), "/Observation/next").status == 200
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"resourceType": "Observatoin", "id": "psa-1"}, 400, "unexpected_resource"),
        ({"id": "psa-1"}, 422, "unexpected_resource"),
        (bundle(psa(), kind="document"), 422, "unexpected_resource"),
        (bundle(psa(), kind="transaction-response"), 422, "unexpected_resource"),
    ],
)
def test_38_a_resource_of_another_kind(
    client: Client, tmp_path: Path, body: dict[str, Any], status: int, reason: str
) -> None:
    path = "/" if body.get("resourceType") == "Bundle" else PATH
    answer = client.ask("POST" if path == "/" else "PUT", path, body)
    assert (answer.status, answer.codes) == (status, [reason])
    assert taken(tmp_path) == ([], [reason])


# --- 41 to 47: the content ------------------------------------------------------------------------


def test_41_a_status_that_is_none(client: Client, tmp_path: Path) -> None:
    refused(client, tmp_path, psa(status="finalx"), "bad_status")


@pytest.mark.parametrize("status", ["entered-in-error", "corrected"])
def test_41_a_correction_is_a_version_of_the_same_fact(
    client: Client, tmp_path: Path, status: str
) -> None:
    later = {"meta": {"lastUpdated": "2024-06-01T08:00:00Z"}}
    assert client.put(psa(), PATH).status == 200
    assert client.put(psa(status=status, **later), PATH).status == 200
    first, second = taken(tmp_path)[0]
    assert (first.event_id, second.status.value) == (second.event_id, status)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valueString": "0.2"}, "ambiguous_value"),
        ({"valueQuantity": None}, "no_value"),
        ({"dataAbsentReason": concept("x", "unknown")}, "ambiguous_value"),
    ],
)
def test_42_two_values_or_none(
    client: Client, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    refused(client, tmp_path, psa(**changes), reason)


@pytest.mark.parametrize("value", ["text", Decimal("1E+400"), Decimal("1234567890123456789.0")])
def test_43_what_is_no_number(client: Client, tmp_path: Path, value: object) -> None:
    amount = {"value": "0.2", "unit": "ng/mL"} if value == "text" else {"value": value}
    refused(client, tmp_path, psa(valueQuantity=amount), "not_a_number")


def test_43_not_a_number_is_no_json(client: Client) -> None:
    answer = client.put(encoded(psa()).replace(b"0.20", b"NaN"), PATH)
    assert (answer.status, answer.codes) == (422, ["not_a_number"])


@pytest.mark.parametrize("sign", ["ad", "~", "="])
def test_44_another_sign(client: Client, tmp_path: Path, sign: str) -> None:
    refused(client, tmp_path, psa(valueQuantity=quantity("1.0", comparator=sign)), "bad_comparator")


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_44_a_limit_is_taken_with_its_sign(client: Client, tmp_path: Path, sign: str) -> None:
    assert client.put(psa(valueQuantity=quantity("1.0", comparator=sign)), PATH).status == 200
    (event,) = taken(tmp_path)[0]
    assert isinstance(event, Observation)
    assert event.comparator == sign


def test_45_of_a_unit_the_code_counts_and_none_is_not_guessed(
    client: Client, tmp_path: Path
) -> None:
    for number, amount in enumerate(
        (quantity("0.2", unit="ng/mL") | {"unit": "g/L"}, {"value": 2})
    ):
        made = psa(id=f"p{number}", valueQuantity=amount)
        assert client.put(made, f"/Observation/p{number}").status == 200
    units = [event.unit for event in taken(tmp_path)[0] if isinstance(event, Observation)]
    assert units == ["ng/mL", None]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (None, "no_subject"),
        ({"display": "Jane"}, "no_subject"),
        ({"reference": "#p"}, "no_subject"),
        ({"reference": "https://elsewhere.example/fhir/Patient/7"}, "foreign_reference"),
        ({"reference": "Patient/7"}, "unmapped_patient"),
    ],
)
def test_46_nobody_whom_we_could_know(
    client: Client, tmp_path: Path, subject: object, reason: str
) -> None:
    refused(client, tmp_path, psa(subject=subject), reason)


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ({"effectiveDateTime": None}, "missing_field"),
        ({"effectiveDateTime": "2024-05-02T07:30:00"}, "impossible_date"),
        ({"effectiveDateTime": "2024-02-30"}, "impossible_date"),
    ],
)
def test_47_no_time_or_one_that_cannot_be(
    client: Client, tmp_path: Path, time: dict[str, Any], reason: str
) -> None:
    refused(client, tmp_path, psa(**time), reason)


def test_47_a_coarse_time_keeps_its_precision(client: Client, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = [
        {"effectiveDateTime": "2024"},
        {"effectiveDateTime": None, "effectivePeriod": {"start": "2024-03"}},
    ]
    for number, time in enumerate(told):
        made = psa(id=f"p{number}", **time)
        assert client.put(made, f"/Observation/p{number}").status == 200
    times = [event.effective_at for event in taken(tmp_path)[0]]
    assert list(map(str, times)) == ["2024", "2024-03"]
    assert all(isinstance(time, PartialDate) for time in times)


@pytest.mark.parametrize(
    "future",
    [
        {"effectiveDateTime": "2124-05-02", "meta": None},
        {"meta": NOW | {"lastUpdated": "2124-05-03T08:00:00Z"}},
    ],
)
def test_47_a_result_of_the_future_is_a_wrong_clock(
    client: Client, tmp_path: Path, future: dict[str, Any]
) -> None:
    for answer in (
        client.put(psa(**future), PATH),
        client.post(bundle(psa(id="ok"), psa(**future), kind="batch")),
    ):
        assert (answer.status, answer.codes) == (422, ["impossible_date"])
    assert taken(tmp_path) == ([], ["impossible_date"] * 2)


def test_a_component_that_cannot_be_read_costs_only_itself(client: Client, tmp_path: Path) -> None:
    parts = [
        {"code": concept(LOINC, "2857-1"), "valueQuantity": quantity("0.2")},
        {"code": concept(LOINC, "2951-2"), "valueQuantity": {"value": "x"}},
    ]
    answer = client.put(psa(valueQuantity=None, component=parts), PATH)
    assert answer.status == 200
    assert answer.codes == ["informational", "not_a_number"]
    assert answer.body["issue"][1]["expression"][0].startswith("Observation.component[1]")
    events, reasons = taken(tmp_path)
    assert (len(events), reasons) == (1, ["not_a_number"])
