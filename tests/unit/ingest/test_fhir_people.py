"""Patients, stays and adverse events."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from support.fhir import JANE, JANE_ID, NOW, SNOMED, bundle, concept, read

from schemas.deadletter import Reason
from schemas.events import AdverseEvent, Event, Observation, Patient, Status
from services.ingest.fhir.profile import STANDARD, Profile
from services.ingest.fhir.verdicts import Verdict

AT = datetime(2024, 5, 3, 8, tzinfo=UTC)
NUMBER = JANE["identifier"]


def person(**changes: object) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "7", "meta": NOW, "identifier": [NUMBER], **changes}


def facts(resource: object, profile: Profile = STANDARD) -> list[Patient]:
    mapped = read(resource, profile)
    assert mapped.rejected == []
    return [event for event in mapped.events if isinstance(event, Patient)]


def refused(resource: object) -> Reason:
    mapped = read(resource)
    assert mapped.events == []
    return mapped.rejected[0].reason


# --- Who ------------------------------------------------------------------------------------------


def test_a_medical_record_number_is_preferred_and_an_account_is_no_person() -> None:
    numbers: list[dict[str, Any]] = [
        {"system": "urn:account", "value": "1", "type": concept("x", "AN")},
        {"system": "urn:insurance", "value": "2"},
        {"system": "urn:old", "value": "3", "type": concept("x", "MR"), "use": "old"},
        {"system": "urn:mrn", "value": "4", "type": concept("x", "MR")},
    ]
    (fact,) = facts(person(identifier=numbers, gender="female"))
    assert fact.patient_id == "urn:mrn|4"
    assert refused(person(identifier=numbers[:1], gender="female")) is Reason.UNMAPPED_PATIENT
    (fact,) = facts(person(identifier=numbers[:2], gender="female"))
    assert fact.patient_id == "urn:insurance|2"


def test_demographics_death_and_merging_are_facts_of_their_own() -> None:
    found = facts(
        person(
            gender="female",
            birthDate="1960-02-29",
            deceasedDateTime="2024-05-01",
            link=[{"type": "replaced-by", "other": {"identifier": {**NUMBER, "value": "9"}}}],
        )
    )
    born, died, merged = found
    assert (born.birth_date, born.sex, born.effective_at) == (date(1960, 2, 29), "female", AT)
    assert died.deceased_at == died.effective_at == date(2024, 5, 1)
    assert (merged.patient_id, merged.merged_into) == (JANE_ID, "urn:oid:1.2.3|9")
    assert len({fact.event_id for fact in found}) == 3
    assert all(fact.issued_at == AT for fact in found)


def test_a_patient_who_replaces_another_retires_that_one() -> None:
    link = {"type": "replaces", "other": {"identifier": {**NUMBER, "value": "9"}}}
    (merged,) = facts(person(link=[link]))
    assert (merged.patient_id, merged.merged_into) == ("urn:oid:1.2.3|9", JANE_ID)
    other = person(
        id="9",
        identifier=[{**NUMBER, "value": "9"}],
        link=[{"type": "replaced-by", "other": JANE}],
    )
    (said_there,) = facts(other)
    assert said_there == merged, "both sides say the same"


def test_a_link_that_is_no_merge_says_nothing() -> None:
    assert facts(person(link=[{"type": "seealso", "other": JANE}])) == []


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ({"type": "replaced-by"}, Reason.BAD_MERGE),
        ({"type": "replaced-by", "other": JANE}, Reason.BAD_MERGE),
        ({"type": "replaced-by", "other": {"reference": "http://x.example/Patient/1"}}, None),
    ],
)
def test_a_merge_with_nobody_or_oneself_is_refused(
    link: dict[str, Any], reason: Reason | None
) -> None:
    assert refused(person(link=[link])) is (reason or Reason.FOREIGN_REFERENCE)


def test_death_without_a_date_is_dated_by_its_record_and_can_be_taken_back() -> None:
    (died,) = facts(person(deceasedBoolean=True))
    (alive,) = facts(person(deceasedBoolean=False))
    assert died.deceased_at == AT
    assert (alive.event_id, alive.status) == (died.event_id, Status.ENTERED_IN_ERROR)
    assert refused(person(deceasedBoolean=True, meta=None)) is Reason.MISSING_FIELD


def test_of_a_month_of_death_the_last_day_counts() -> None:
    (died,) = facts(person(deceasedDateTime="2024-02"))
    assert died.deceased_at == date(2024, 2, 29)


def test_a_year_of_birth_is_not_made_a_day() -> None:
    (fact,) = facts(person(gender="male", birthDate="1960"))
    assert fact.birth_date is None


def test_without_last_updated_a_bundle_s_time_or_the_birth_dates_a_fact() -> None:
    (fact,) = facts(person(meta=None, birthDate="1960-01-01"))
    assert fact.effective_at == date(1960, 1, 1)
    made = bundle(person(meta=None, gender="male"), timestamp="2024-05-03T08:00:00Z")
    assert facts(made)[0].effective_at == AT
    assert refused(person(meta=None, gender="male")) is Reason.MISSING_FIELD


# --- Stays ----------------------------------------------------------------------------------------


def visit(kind: str, **changes: object) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "v1",
        "meta": NOW,
        "status": "in-progress",
        "class": {"code": kind},
        "subject": JANE,
        "period": {"start": "2024-05-02T22:15:00+02:00"},
        **changes,
    }


@pytest.mark.parametrize(
    ("kind", "priority", "meant"),
    [
        ("EMER", None, "emergency-department"),
        ("IMP", None, "inpatient"),
        ("ACUTE", "EM", "unplanned-inpatient"),
        ("IMP", "UR", "unplanned-inpatient"),
        ("IMP", "EL", "planned-inpatient"),
    ],
)
def test_a_stay_becomes_an_admission(kind: str, priority: str | None, meant: str) -> None:
    mapped = read(visit(kind, priority=concept("x", priority) if priority else None))
    (event,) = mapped.events
    assert isinstance(event, Observation)
    assert (event.analyte, event.value_code) == ("admission", meant)
    assert event.effective_at == datetime(2024, 5, 2, 20, 15, tzinfo=UTC)


def test_a_cancelled_stay_is_taken_back() -> None:
    (before,) = read(visit("IMP")).events
    (after,) = read(visit("EMER", status="cancelled")).events
    assert (after.event_id, after.status) == (before.event_id, Status.CANCELLED)


@pytest.mark.parametrize("changes", [{"class": {"code": "AMB"}}, {"status": "planned"}])
def test_a_visit_that_is_no_stay_is_ignored(changes: dict[str, Any]) -> None:
    mapped = read(visit("IMP", **changes))
    assert (mapped.events, mapped.rejected) == ([], [])
    assert mapped.verdicts[0].verdict is Verdict.IGNORED


def test_a_stay_without_status_or_beginning_is_refused() -> None:
    assert refused(visit("IMP", status="unknown")) is Reason.BAD_STATUS
    assert refused(visit("IMP", period={"end": "2024-05-03"})) is Reason.MISSING_FIELD


# --- Adverse events -------------------------------------------------------------------------------

CTCAE = "http://hl7.org/fhir/us/ctcae/StructureDefinition/"


def toxicity(grade: object = "3", **changes: object) -> dict[str, Any]:
    said = {"url": f"{CTCAE}ctcae-grade", "valueCodeableConcept": concept("x", str(grade))}
    ended = {"url": f"{CTCAE}adverse-event-resolved-date", "valueDateTime": "2024-05-20"}
    return {
        "resourceType": "AdverseEvent",
        "id": "ae1",
        "meta": NOW,
        "actuality": "actual",
        "subject": JANE,
        "date": "2024-05-02",
        "event": concept("https://www.meddra.org", "10012727", "Diarrhea") | {"text": "loose"},
        "seriousness": concept("x", "Non-serious"),
        "extension": [said, ended] if grade else [ended],
        "suspectEntity": [
            {
                "instance": {"display": "FOLFIRI"},
                "causality": [{"assessment": concept("x", "Possible", "Possible")}],
            }
        ],
        **changes,
    }


def the(events: list[Event]) -> AdverseEvent:
    (event,) = events
    assert isinstance(event, AdverseEvent)
    return event


def test_a_toxicity_is_read_with_its_grade() -> None:
    event = the(read(toxicity()).events)
    assert (event.term, event.grade, event.serious) == ("Diarrhea", 3, False)
    assert event.code is not None
    assert event.code.code == "10012727"
    assert (event.effective_at, event.ended_at) == (date(2024, 5, 2), date(2024, 5, 20))
    assert (event.suspected, event.causality) == ("FOLFIRI", "Possible")


@pytest.mark.parametrize("grade", ["6", "0", "severe", "3.5"])
def test_a_grade_is_never_guessed(grade: str) -> None:
    assert refused(toxicity(grade)) is Reason.BAD_FIELD


def test_a_toxicity_may_have_no_grade() -> None:
    assert the(read(toxicity(grade=None)).events).grade is None


def test_the_suspected_drug_is_found_in_the_document() -> None:
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "Irinotecan"}}
    suspect = [{"instance": {"reference": "Medication/m"}}]
    mapped = read(bundle(drug, toxicity(suspectEntity=suspect)))
    assert the(mapped.events).suspected == "Irinotecan"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": None}, Reason.MISSING_FIELD),
        ({"event": None}, Reason.MISSING_FIELD),
        ({"event": {}}, Reason.MISSING_FIELD),
        ({"subject": None}, Reason.NO_SUBJECT),
    ],
)
def test_a_toxicity_that_says_too_little_is_refused(
    changes: dict[str, Any], reason: Reason
) -> None:
    assert refused(toxicity(**changes)) is reason


def test_a_potential_event_did_not_happen() -> None:
    assert read(toxicity(actuality="potential")).events == []


def test_a_returned_disease_without_a_date_is_not_lost_in_silence() -> None:
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": JANE,
        "clinicalStatus": concept("x", "recurrence"),
        "code": concept(SNOMED, "254637007"),
        "onsetDateTime": "2019-01-01",
    }
    assert refused(condition) is Reason.MISSING_FIELD
    told = read(condition | {"clinicalStatus": concept("x", "active")})
    assert told.verdicts[0].verdict is Verdict.IGNORED
