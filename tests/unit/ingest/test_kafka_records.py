"""Records: what is published of something received, and what is read out of a record again."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fhir import JANE, JANE_ID, LOINC, NOW, concept, encoded, quantity
from support.mllp import obx, oru

from schemas.deadletter import RAW_KEPT, DeadLetter, Reason
from schemas.events import EVENT
from schemas.topics import DEADLETTERS, EVENTS, RAW, TOPICS
from services.embedded.reading import Reading, read
from services.ingest.archive import Format
from services.ingest.coding import Rejected
from services.ingest.fhir.document import MAX_BYTES as MAX_DOCUMENT
from services.ingest.hl7v2.batch import MAX_MESSAGE
from services.ingest.journal import Entry, State
from services.ingest.kafka.mapper import Mapper
from services.ingest.kafka.publisher import LARGEST, Outgoing
from services.ingest.kafka.records import Incoming, event_arrival, raw_arrival, raw_record
from services.ingest.profiles.sources import Sources
from services.ingest.strictjson import MAX_BYTES

if TYPE_CHECKING:
    from services.ingest.sources.files import Arrival

AT = 1_772_614_800_123_456
EVENT_LINE = {
    "type": "observation",
    "event_id": "E1",
    "patient_id": "HOSP|1",
    "source": "LAB",
    "effective_at": "2026-03-04",
    "analyte": "psa",
    "value": "3.4",
    "unit": "ng/mL",
}


def entry(raw: bytes, state: State = State.NEW, refused: Rejected | None = None) -> Entry:
    return Entry(AT, "1/1 host:1", 40, "HOSP/LAB", raw, state, refused=refused)


def travelled(record: Outgoing, offset: int = 7) -> Incoming:
    """A record as it is read again: Kafka keeps milliseconds."""
    at = (record.at or 0) // 1000 * 1000
    headers = dict(record.headers)
    return Incoming(record.topic, 2, offset, at, record.key.encode(), record.value, headers)


def foreign(value: bytes | None, key: bytes | None = None) -> Incoming:
    return Incoming("bus", 0, 5, AT, key, value)


@pytest.fixture
def mapper() -> Mapper:
    return Mapper(partial(read, sources=Sources()))


def letters(made: list[Outgoing]) -> list[DeadLetter]:
    return [
        DeadLetter.model_validate_json(one.value) for one in made if one.topic == DEADLETTERS.name
    ]


# -- bytes as they came


def test_an_entry_comes_back_as_the_embedded_runtime_has_it() -> None:
    refused = Rejected(Reason.BAD_FIELD, "MSH-7: not a time", "MSH-7")
    for state, why in ((State.NEW, None), (State.REFUSED, refused)):
        record = travelled(raw_record(entry(b"MSH|\xff", state, why)))
        arrival = raw_arrival(record)
        assert arrival is not None
        assert (arrival.source, arrival.form) == ("HOSP/LAB", Format.HL7)
        assert (arrival.record.raw, arrival.record.rejected) == (b"MSH|\xff", why)
        assert str(arrival.record.where) == "clinical.raw[2]@7"
        assert record.received == AT, "to the microsecond"


def test_a_document_stays_a_document(mapper: Mapper) -> None:
    psa = {
        "resourceType": "Observation",
        "id": "psa",
        "meta": NOW,
        "status": "final",
        "code": concept(LOINC, "2857-1"),
        "subject": JANE,
        "effectiveDateTime": "2024-05-02",
        "valueQuantity": quantity("0.20"),
    }
    document = replace(entry(encoded(psa)), form=Format.FHIR)
    (made,) = mapper.mapped(travelled(raw_record(document)))
    assert (made.topic, made.key) == (EVENTS.name, JANE_ID)
    assert b'"value":"0.20"' in made.value


@pytest.mark.parametrize("state", [State.REPEAT, State.IGNORED, State.DEFECT])
def test_what_is_not_to_be_read_is_not(state: State, mapper: Mapper) -> None:
    assert mapper.mapped(travelled(raw_record(entry(oru(), state)))) == []


def test_a_message_becomes_events_by_patient_and_letters_by_part(mapper: Mapper) -> None:
    record = travelled(raw_record(entry(oru("M1", obx(), obx(2, "1", f11="?")))))
    event, letter = mapper.mapped(record)
    assert (event.topic, event.key, event.at) == (EVENTS.name, "HOSP|1001", AT)
    assert EVENT.validate_json(event.value).patient_id == "HOSP|1001"
    headers = dict(event.headers)
    trace = record.headers["traceparent"].split("-")[1]
    assert headers["traceparent"].split("-")[1] == trace
    assert headers["traceparent"] != record.headers["traceparent"]
    assert (headers["source"], headers["schema_version"]) == ("HOSP/LAB", "1")
    assert headers["origin"] == "clinical.raw[2]@7"
    (told,) = letters([letter])
    assert (letter.key, told.reason, told.part) == (told.id, Reason.BAD_STATUS, "OBX[2]-11")
    assert told.raw_bytes() == record.value
    assert str(told.where) == "clinical.raw[2]@7"
    assert dict(letter.headers)["reason"] == "bad_status"


def test_the_same_bytes_give_the_same_records(mapper: Mapper) -> None:
    first, second = (travelled(raw_record(entry(oru())), offset) for offset in (3, 9))
    assert [(one.key, one.value) for one in mapper.mapped(first)] == [
        (one.key, one.value) for one in mapper.mapped(second)
    ]


def test_the_largest_message_fits_into_the_topic_and_the_publisher() -> None:
    assert RAW.max_bytes >= max(MAX_MESSAGE, MAX_DOCUMENT) + 64 * 1024
    assert max(row.max_bytes for row in TOPICS) <= LARGEST


# -- canonical events of somebody else's


def test_an_event_is_published_again_under_its_patient(mapper: Mapper) -> None:
    (made,) = mapper.mapped(foreign(json.dumps(EVENT_LINE).encode(), b"HOSP|1"))
    assert (made.topic, made.key) == (EVENTS.name, "HOSP|1")
    assert EVENT.validate_json(made.value).event_id == "E1"
    assert dict(made.headers)["origin"] == "bus[0]@5"


LINE = json.dumps(EVENT_LINE).encode()
POISON = [
    (foreign(None, b"HOSP|1"), Reason.TOMBSTONE),
    (foreign(b""), Reason.EMPTY_INPUT),
    (foreign(b"\xef\xbb\xbf" + LINE), Reason.NOT_UTF8),
    (foreign(LINE.replace(b"LAB", b"\xff\xfe")), Reason.NOT_UTF8),
    (foreign(LINE, b"HOSP|2"), Reason.KEY_MISMATCH),
    (foreign(LINE.replace(b'"E1"', b'"E1","event_id":"E2"')), Reason.DUPLICATE_KEY),
    (foreign(LINE.replace(b'"3.4"', b"NaN")), Reason.NOT_A_NUMBER),
    (foreign(LINE.replace(b'"3.4"', b"1e400")), Reason.NOT_A_NUMBER),
    (foreign(LINE.replace(b'"3.4"', b"9" * 30)), Reason.NOT_A_NUMBER),
    (foreign(LINE.replace(b"LAB", b"\\ud800")), Reason.BAD_FIELD),
    (foreign(LINE.replace(b"LAB", b"\\u0000")), Reason.BAD_FIELD),
    (foreign(b"[" * 100_000), Reason.TOO_DEEP),
    (foreign(LINE.replace(b'"LAB"', b'"LAB","schema_version":9')), Reason.UNKNOWN_VERSION),
    (foreign(LINE.replace(b'"LAB"', b'"LAB","colour":"red"')), Reason.UNKNOWN_FIELD),
    (foreign(LINE.replace(b'"event_id": "E1", ', b"")), Reason.MISSING_FIELD),
    (foreign(LINE.replace(b"observation", b"horoscope")), Reason.UNKNOWN_TYPE),
    (foreign(LINE.replace(b"2026-03-04", b"2026-02-30")), Reason.IMPOSSIBLE_DATE),
    (foreign(b"not json"), Reason.MALFORMED_JSON),
    (foreign(b"x" * (MAX_BYTES + 1)), Reason.TOO_LARGE),
]


@pytest.mark.parametrize(("record", "reason"), POISON, ids=range(len(POISON)))
def test_poison_becomes_a_letter_with_reason_and_place(
    record: Incoming, reason: Reason, mapper: Mapper
) -> None:
    (made,) = mapper.mapped(record)
    (letter,) = letters([made])
    assert letter.reason is reason
    assert str(letter.where) == "bus[0]@5"
    assert letter.source == "bus"
    assert letter.raw_bytes() == (record.value or b"")[:RAW_KEPT]


def test_a_record_without_a_key_needs_none(mapper: Mapper) -> None:
    (made,) = mapper.mapped(foreign(LINE))
    assert made.key == "HOSP|1"


def test_a_defect_of_ours_is_a_letter_and_does_not_stop_the_others() -> None:
    def fails(arrival: Arrival) -> Reading:
        if b"M2" in arrival.record.raw:
            raise KeyError("GANTENBEIN")
        return read(arrival, Sources())

    mapper = Mapper(fails)
    made = [mapper.mapped(travelled(raw_record(entry(oru(f"M{n}"))))) for n in (1, 2, 3)]
    assert [one.topic for each in made for one in each] == [
        EVENTS.name,
        DEADLETTERS.name,
        EVENTS.name,
    ]
    (letter,) = letters(made[1])
    assert letter.reason is Reason.DEFECT
    assert letter.detail.startswith("KeyError at test_kafka_records.py:")
    assert "GANTENBEIN" not in letter.detail


@given(
    value=st.none() | st.binary(max_size=200),
    key=st.none() | st.binary(max_size=8),
    headers=st.dictionaries(
        st.sampled_from(["source", "state", "format", "reason", "part", "received", "traceparent"]),
        st.text(max_size=20)
        | st.sampled_from(["new", "refused", "defect", "9" * 40, "9" * 16, "²"]),
    ),
    topic=st.sampled_from([RAW.name, "bus"]),
    at=st.integers(0, 2**63 * 1000),
)
def test_no_record_makes_it_raise(
    value: bytes | None, key: bytes | None, headers: dict[str, str], topic: str, at: int
) -> None:
    mapper = Mapper(partial(read, sources=Sources()))
    made = mapper.mapped(Incoming(topic, 0, 1, at, key, value, headers))
    for letter in letters(made):
        assert letter.raw_bytes() == (value or b"")


def test_an_arrival_says_where_it_stood() -> None:
    assert str(event_arrival(foreign(LINE)).record.where) == "bus[0]@5"
