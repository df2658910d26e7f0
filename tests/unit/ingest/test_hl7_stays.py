"""Admissions and emergency visits; what cancels them; what of them is not told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.deadletter import Reason
from schemas.events import Observation, Status
from services.ingest.hl7v2.mapping import Mapped, read_message

HEAD = "MSH|^~\\&|ADT|HOSP|||20240306101500+0000||ADT^{}|M1|P|2.5.1"
EVN = "EVN||20240306100000+0000"
PID = "PID|1||12345^^^HOSP^MR"


def visit(
    kind: str = "I", admission: str = "E", number: str = "V7", since: str = "20240306"
) -> str:
    fields = [""] * 45
    fields[2], fields[4], fields[19], fields[44] = kind, admission, number, since
    return "PV1" + "|".join(["", *fields[1:]])


def read(event: str, pv1: str) -> Mapped:
    return read_message("\r".join([HEAD.format(event), EVN, PID, pv1]).encode())


def told(event: str, pv1: str) -> list[Observation]:
    return [one for one in read(event, pv1).events if isinstance(one, Observation)]


@pytest.mark.parametrize(
    ("kind", "admission", "expected"),
    [
        ("I", "E", "unplanned-inpatient"),
        ("I", "U", "unplanned-inpatient"),
        ("I", "C", "planned-inpatient"),
        ("I", "", "inpatient"),
        ("E", "", "emergency-department"),
    ],
)
def test_class_and_type_tell_what_kind_of_stay_it_is(
    kind: str, admission: str, expected: str
) -> None:
    (stay,) = told("A01", visit(kind, admission))
    assert (stay.analyte, stay.value_code) == ("admission", expected)
    assert stay.status is Status.FINAL


def test_the_same_visit_is_the_same_fact_in_all_its_versions() -> None:
    (first,) = told("A04", visit("E", ""))
    (admitted,) = told("A01", visit())
    (cancelled,) = told("A11", visit())
    assert first.event_id == admitted.event_id == cancelled.event_id
    assert cancelled.status is Status.CANCELLED
    (other,) = told("A01", visit(number="V8"))
    assert other.event_id != first.event_id


def test_an_admission_keeps_its_hour() -> None:
    (stay,) = told("A01", visit(since="202403060915+0000"))
    assert stay.effective_at == datetime(2024, 3, 6, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "pv1", [visit("O"), visit("P"), visit(number=""), visit(since="")], ids=str
)
def test_outpatients_and_visits_that_cannot_be_followed_state_nothing(pv1: str) -> None:
    assert told("A01", pv1) == []


@pytest.mark.parametrize("event", ["A03", "A28", "A31"])
def test_other_messages_do_not_tell_of_visits(event: str) -> None:
    assert told(event, visit()) == []


def test_a_time_that_cannot_be_is_refused() -> None:
    mapped = read("A11", visit(since="20241399"))
    assert [one.reason for one in mapped.rejected] == [Reason.IMPOSSIBLE_DATE]
