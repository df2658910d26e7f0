"""The files: HL7 v2 and FHIR say what the events say, seen by simple readers of our own."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schemas.base import as_utc
from schemas.events import ImagingReport, Observation, Patient, Treatment
from services.simulator import fhir, hl7
from services.simulator.cohort import Cohort, simulate
from services.simulator.writers import labels_csv, truth_csv


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(21, 80, date(2024, 1, 1), 24)


@pytest.fixture(scope="module")
def messages(cohort: Cohort) -> list[list[list[str]]]:
    """Each message as segments as fields; an independent and much simpler reader than ours."""
    raw = [message.decode() for message in hl7.messages(cohort.dispatches)]
    assert all(text.endswith("\r") and "\n" not in text for text in raw)
    return [[line.split("|") for line in text.split("\r")[:-1]] for text in raw]


def named(message: list[list[str]], name: str) -> list[list[str]]:
    return [fields for fields in message if fields[0] == name]


def at(fields: list[str], number: int) -> str:
    return fields[number] if number < len(fields) else ""


def test_there_is_a_message_for_each_dispatch(
    cohort: Cohort, messages: list[list[list[str]]]
) -> None:
    assert len(messages) == len(cohort.dispatches)


def test_each_message_has_a_header_a_patient_and_its_own_id(
    messages: list[list[list[str]]],
) -> None:
    ids: Counter[str] = Counter()
    for message in messages:
        header = message[0]
        assert header[:2] == ["MSH", "^~\\&"]
        assert header[11] == "2.5.1"
        assert len(named(message, "PID")) == 1
        ids[header[9]] += 1
    assert set(ids.values()) == {1}


def test_message_types_fit_what_they_carry(cohort: Cohort, messages: list[list[list[str]]]) -> None:
    for dispatch, message in zip(cohort.dispatches, messages, strict=True):
        kind = message[0][8].rpartition("^")[0]
        match dispatch.events[0]:
            case Observation() | ImagingReport():
                assert kind == "ORU^R01"
            case Patient():
                assert kind == "ADT^A08"
            case Treatment(modality="surgery" | "procedure"):
                assert kind == "ORM^O01"
            case Treatment(modality="radiotherapy"):
                assert kind == "OMG^O19"
            case Treatment(phase="administered"):
                assert kind == "RAS^O17"
            case Treatment():
                assert kind == "RDE^O11"
            case other:
                pytest.fail(f"unexpected {other.type}")


def test_results_carry_code_value_unit_status_and_time(
    cohort: Cohort, messages: list[list[list[str]]]
) -> None:
    for dispatch, message in zip(cohort.dispatches, messages, strict=True):
        results = [event for event in dispatch.events if isinstance(event, Observation)]
        segments = named(message, "OBX")
        assert len(segments) == len(results)
        for event, fields in zip(results, segments, strict=True):
            value = f"{event.comparator or ''}{'^' if event.comparator else ''}{event.value}"
            if event.value is not None:
                assert at(fields, 5) == value
            assert at(fields, 6) == (event.unit or "")
            assert at(fields, 11) in "PFCXW"
            assert at(fields, 14)[:8] == as_utc(event.effective_at).strftime("%Y%m%d")
            code, _, system = at(fields, 3).split("^")
            assert (system == "LN") == ("-" in code)


def test_courses_travel_whole_in_their_own_segment(
    cohort: Cohort, messages: list[list[list[str]]]
) -> None:
    seen = 0
    for dispatch, message in zip(cohort.dispatches, messages, strict=True):
        event = dispatch.events[0]
        if not isinstance(event, Treatment):
            continue
        fields = named(message, "ZTX")[0]
        assert at(fields, 1) == event.course_id
        assert at(fields, 5) == str(event.line or "")
        assert at(fields, 7) == event.phase.value
        assert at(fields, 11) == "~".join(event.drug_classes or ())
        assert named(message, "ORC")[0][9] == as_utc(event.effective_at).strftime("%Y%m%d")
        seen += 1
    assert seen


def test_imaging_verdicts_travel_in_their_own_segment(
    cohort: Cohort, messages: list[list[list[str]]]
) -> None:
    for dispatch, message in zip(cohort.dispatches, messages, strict=True):
        event = dispatch.events[0]
        if isinstance(event, ImagingReport):
            fields = named(message, "ZIM")[0]
            assert at(fields, 2) == (event.response or "")
            assert at(fields, 4) == str(event.sum_of_diameters_mm or "")
            assert named(message, "OBR")[0][24] == event.modality


def test_delimiters_in_text_are_escaped() -> None:
    assert hl7.escaped("a|b^c&d~e\\f") == "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f"


def test_what_no_message_carries_is_refused() -> None:
    from schemas.events import EVENT  # noqa: PLC0415

    event = EVENT.validate_python(
        {
            "type": "adverse_event",
            "event_id": "x",
            "patient_id": "HOSP|1",
            "source": "HOSP/EHR",
            "effective_at": "2024-01-01",
            "term": "Nausea",
        }
    )
    with pytest.raises(ValueError, match="type"):
        hl7.message((event,), "SW1")


def resources(cohort: Cohort) -> list[dict[str, Any]]:
    found = []
    for line in fhir.bundles(cohort.dispatches):
        bundle = json.loads(line, parse_float=Decimal, parse_int=Decimal)
        assert bundle["type"] == "transaction"
        found += [entry["resource"] for entry in bundle["entry"]]
    return found


def test_fhir_says_the_same_with_all_digits(cohort: Cohort) -> None:
    events = list(cohort.events)
    for event, resource in zip(events, resources(cohort), strict=True):
        if not isinstance(event, Observation):
            continue
        assert resource["resourceType"] == "Observation"
        assert resource["status"] == event.status.value
        quantity = resource.get("valueQuantity", {})
        assert str(quantity.get("value")) == str(event.value)
        assert quantity.get("comparator") == event.comparator
        assert resource["identifier"][0]["value"] == event.event_id


def test_fhir_uses_a_resource_for_each_kind(cohort: Cohort) -> None:
    kinds = {resource["resourceType"] for resource in resources(cohort)}
    assert kinds == {
        "Observation",
        "DiagnosticReport",
        "MedicationAdministration",
        "Procedure",
        "Patient",
    }


def test_tables_have_the_published_columns(cohort: Cohort) -> None:
    truth = truth_csv(cohort.truth).decode().splitlines()
    labels = labels_csv(cohort.labels).decode().splitlines()
    assert truth[0] == "patient_id,rule,state,tag,at,onset,story"
    assert labels[0] == "patient_id,condition,recorded_switch_on"
    assert len(truth) == len(cohort.truth) + 1
