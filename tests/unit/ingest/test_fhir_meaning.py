"""What a resource does not mean although it looks so: each of these would mislead a rule."""

from __future__ import annotations

from typing import Any

import pytest
from support.fhir import JANE, JANE_ID, LOINC, NOW, SNOMED, bundle, concept, psa, quantity, read

from schemas.deadletter import Reason
from schemas.events import Observation, Phase, Status, Treatment
from services.ingest.fhir.profile import STANDARD, Profile
from services.ingest.fhir.verdicts import Verdict

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
PRIMARY, SECONDARY = "mcode-primary-cancer-condition", "mcode-secondary-cancer-condition"
CHEMO = Profile(treatments={"1790099": "chemotherapy"})
UUID = "0b3ab9a1-9ddd-4d4b-8a1f-3f0d0f2a7a11"


def why(resource: object, profile: Profile = STANDARD) -> Reason | None:
    """Why nothing came of a resource; None if something did."""
    mapped = read(resource, profile)
    return None if mapped.events else mapped.verdicts[0].reason


# --- Of whom --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "focus",
    [
        {"reference": "Patient/fetus"},
        {"reference": "RelatedPerson/donor"},
        {"reference": "https://ehr.example/fhir/Device/9"},
        {"reference": "urn:uuid:5"},
        {"type": "Group", "display": "herd"},
        {"display": "the baby"},
        {"identifier": {"system": "urn:oid:1.2.3", "value": "99"}, "type": "Patient"},
    ],
)
def test_a_result_about_somebody_else_is_not_the_patient_s(focus: dict[str, Any]) -> None:
    mapped = read(psa(focus=[focus]))
    assert mapped.events == []
    assert [one.reason for one in mapped.rejected] == [Reason.NO_SUBJECT] or (
        [one.reason for one in mapped.rejected] == [Reason.UNMAPPED_PATIENT]
    )


@pytest.mark.parametrize(
    "focus",
    [
        {"reference": "Condition/c/_history/2"},
        {"type": "BodyStructure"},
        JANE | {"type": "Patient"},
    ],
)
def test_a_result_about_a_part_of_the_patient_is_hers(focus: dict[str, Any]) -> None:
    assert len(read(psa(focus=[focus])).events) == 1


def test_a_conditional_reference_names_the_patient_by_identifier() -> None:
    for known in ("urn:oid:1.2.3|12345", "urn%3Aoid%3A1.2.3%7C12345"):
        (event,) = read(psa(subject={"reference": f"Patient?identifier={known}"})).events
        assert event.patient_id == JANE_ID
    for vague in ("Patient?identifier=12345", "Patient?name=x|y", "Patient?identifier=|12345"):
        assert read(psa(subject={"reference": vague})).events == []


# --- Which fact -----------------------------------------------------------------------------------


def created(url: str | None, **changes: object) -> dict[str, Any]:
    entry = {"fullUrl": url, "resource": psa(**changes), "request": {"method": "POST"}}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def fact(resource: object) -> str:
    (event,) = read(resource).events
    return event.event_id


def test_the_number_of_what_is_created_does_not_name_it() -> None:
    """The server will give another one: two senders' `1` must not become one result."""
    other = created("urn:uuid:b", id="1", effectiveDateTime="2024-04-01")
    assert fact(created("urn:uuid:a", id="1")) != fact(other)
    assert [notice.reason for notice in read(other).notices] == [Reason.WEAK_IDENTITY]
    numbered = {"identifier": [{"system": "urn:lab", "value": "7"}]}
    later = created("urn:uuid:c", id="2", **numbered, valueQuantity=quantity("0.30"))
    assert fact(created("urn:uuid:a", id="1", **numbered)) == fact(later)


def test_a_uuid_of_the_sender_s_names_what_is_created() -> None:
    made = created(f"urn:uuid:{UUID}", id=UUID)
    assert read(made).notices == []
    assert fact(made) != fact(created(f"urn:uuid:{UUID}", id=UUID.replace("0b", "0c")))


# --- Values ---------------------------------------------------------------------------------------


def test_a_value_with_a_reason_for_its_absence_is_ambiguous() -> None:
    assert why(psa(dataAbsentReason=concept("x", "error"))) is Reason.AMBIGUOUS_VALUE


def test_a_modified_component_costs_only_itself() -> None:
    parts: list[dict[str, Any]] = [
        {"code": concept(LOINC, code), "valueQuantity": quantity("1.0")}
        for code in ("2857-1", "2951-2")
    ]
    parts[0]["modifierExtension"] = [{"url": "urn:not-so"}]
    mapped = read(psa(valueQuantity=None, component=parts))
    assert [one.reason for one in mapped.rejected] == [Reason.UNKNOWN_MODIFIER]
    assert len(mapped.events) == 1


def test_a_modified_reference_range_is_not_used() -> None:
    limits = {"high": quantity("4.0")}
    (plain,) = read(psa(referenceRange=[limits])).events
    (modified,) = read(psa(referenceRange=[limits | {"modifierExtension": [{"url": "x"}]}])).events
    assert isinstance(plain, Observation)
    assert isinstance(modified, Observation)
    assert (str(plain.reference_high), modified.reference_high) == ("4.0", None)


def test_a_result_cannot_be_known_before_it_was() -> None:
    """A wrong year, told by the version itself, so that it is noticed in archives too."""
    assert why(psa(effectiveDateTime="2042-05-02")) is Reason.IMPOSSIBLE_DATE
    assert why(psa(effectiveDateTime="2024-06")) is Reason.IMPOSSIBLE_DATE
    for possible in ("2024-05-04", "2024-05", "2024", "2024-05-04T07:59:00Z"):
        assert why(psa(effectiveDateTime=possible)) is None
    assert why(psa(effectiveDateTime="2042-05-02", status="entered-in-error")) is None
    unsaid = psa(effectiveDateTime="2042-05-02", meta=None)
    assert why(unsaid) is None, "the endpoint has a clock; the reader has none"


def test_a_contained_member_of_a_group_is_a_result_of_its_own() -> None:
    inner = psa(id="m", subject=None, meta=None)
    group = psa(valueQuantity=None, contained=[inner], hasMember=[{"reference": "#m"}])
    mapped = read(group)
    assert [one.verdict for one in mapped.verdicts] == [Verdict.IGNORED, Verdict.USED]
    (event,) = mapped.events
    assert (event.patient_id, mapped.rejected) == (JANE_ID, [])
    malformed = read(psa(contained=["m"]))
    assert len(malformed.events) == 1
    assert [one.reason for one in malformed.rejected] == [Reason.BAD_FIELD], "told, not passed over"


# --- Test traffic ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["security", "tag"])
def test_made_up_data_never_alerts(place: str) -> None:
    marked = psa(meta=NOW | {place: [{"code": "HTEST"}]})
    assert why(marked) is Reason.REFUSED_PROCESSING
    assert why(marked, Profile(test_data=True)) is None
    assert why(bundle(psa(), meta={place: [{"code": "HTEST"}]})) is Reason.REFUSED_PROCESSING


def test_a_bundle_with_implicit_rules_is_refused_whole() -> None:
    assert why(bundle(psa(), implicitRules="urn:rules")) is Reason.UNKNOWN_MODIFIER


# --- Diagnoses ------------------------------------------------------------------------------------


def condition(code: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": "c",
        "meta": NOW,
        "subject": JANE,
        "code": code,
        "onsetDateTime": "2024-03",
        **changes,
    }


LIVER = concept(ICD10, "C78.7")


def test_metastases_in_the_liver_are_known_from_their_onset_on() -> None:
    (event,) = read(condition(LIVER)).events
    assert isinstance(event, Observation)
    assert (event.analyte, event.value_code) == ("liver_metastases", "present")
    assert str(event.effective_at) == "2024-03"
    later = condition(LIVER, onsetDateTime=None, recordedDate="2024-04-02")
    assert str(read(later).events[0].effective_at) == "2024-04-02"
    assert why(condition(LIVER, onsetDateTime=None)) is Reason.MISSING_FIELD


def test_metastases_that_were_ruled_out_are_taken_back() -> None:
    (event,) = read(condition(LIVER, verificationStatus=concept("x", "refuted"))).events
    assert event.status is Status.ENTERED_IN_ERROR
    assert event.event_id == fact(condition(LIVER))
    mapped = read(condition(LIVER, verificationStatus=concept("x", "provisional")))
    assert (mapped.events, mapped.rejected) == ([], [])


def test_another_metastasis_is_told_and_says_nothing() -> None:
    bone = concept(ICD10, "C79.51")
    named = condition(concept("x", "1"), meta={"profile": [f"{MCODE}{SECONDARY}"]})
    for made in (condition(bone), named):
        mapped = read(made)
        assert mapped.verdicts[0].verdict is Verdict.IGNORED
        assert "metastasis" in mapped.notices[0].detail


@pytest.mark.parametrize(
    ("code", "changes", "lost"),
    [
        (concept(ICD10, "C61"), {}, True),
        (concept(ICD10, "C61"), {"verificationStatus": concept("x", "refuted")}, False),
        (concept(SNOMED, "35489007", "Depression"), {}, False),
        (concept(ICD10, "C61"), {"clinicalStatus": "recurrence"}, True),
        (concept("x", "1"), {"meta": {"profile": [f"{MCODE}{PRIMARY}"]}}, True),
    ],
)
def test_only_a_returned_disease_that_we_follow_is_missed(
    code: dict[str, Any], changes: dict[str, Any], *, lost: bool
) -> None:
    back: dict[str, Any] = {"clinicalStatus": concept("x", "recurrence")}
    mapped = read(condition(code, **back | changes))
    assert bool(mapped.rejected) == lost


# --- Treatments -----------------------------------------------------------------------------------


def radiotherapy(*modalities: str, **changes: object) -> dict[str, Any]:
    kinds = [
        {
            "url": f"{MCODE}mcode-radiotherapy-modality-and-technique",
            "extension": [
                {"url": "modality", "valueCodeableConcept": concept(SNOMED, code)},
                {"url": "technique", "valueCodeableConcept": concept(SNOMED, "113120007")},
            ],
        }
        for code in modalities
    ]
    return {
        "resourceType": "Procedure",
        "id": "rt",
        "meta": NOW | {"profile": [f"{MCODE}mcode-radiotherapy-course-summary"]},
        "extension": kinds,
        "status": "completed",
        "code": concept(SNOMED, "1217123003"),
        "subject": JANE,
        "reasonCode": [concept(ICD10, "C61")],
        "performedPeriod": {"start": "2024-02-01", "end": "2024-03-20"},
        **changes,
    }


def steps(resource: object, profile: Profile = STANDARD) -> list[Treatment]:
    mapped = read(resource, profile)
    assert mapped.rejected == []
    return [event for event in mapped.events if isinstance(event, Treatment)]


@pytest.mark.parametrize(
    ("modalities", "modality", "regimen"),
    [
        ([], "radiotherapy", None),
        (["1156506007"], "radiotherapy", None),
        (["169359004"], "radiotherapy", "ldr-brachytherapy"),
        (["394902000", "438629002"], "radiotherapy", "hdr-brachytherapy"),
        (["169359004", "394902000"], "radiotherapy", "brachytherapy"),
        (["1156506007", "394902000"], "radiotherapy", None),
        (["440252007"], "radionuclide", None),
    ],
)
def test_what_kind_of_radiation_it_was(
    modalities: list[str], modality: str, regimen: str | None
) -> None:
    found = {(step.modality, step.regimen) for step in steps(radiotherapy(*modalities))}
    assert found == {(modality, regimen)}


def test_a_course_that_is_taken_back_loses_its_beginning_too() -> None:
    told = {step.event_id for step in steps(radiotherapy())}
    taken_back = steps(radiotherapy(status="entered-in-error"))
    assert len(told) == 2
    assert {step.event_id for step in taken_back} == told
    assert {step.status for step in taken_back} == {Status.ENTERED_IN_ERROR}


def test_a_diagnosis_that_was_ruled_out_is_no_reason() -> None:
    wrong = condition(concept(ICD10, "C61"), verificationStatus=concept("x", "refuted"))
    made = radiotherapy(reasonCode=None, reasonReference=[{"reference": "Condition/c"}])
    mapped = read(bundle(wrong, made))
    assert [one.reason for one in mapped.rejected] == [Reason.MISSING_FIELD]


def drug(kind: str, status: str, **changes: object) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "id": "m",
        "meta": NOW,
        "status": status,
        "medicationCodeableConcept": concept("rxnorm", "1790099", "doxorubicin"),
        "subject": JANE,
        "reasonCode": [concept(ICD10, "C50.8")],
        "basedOn": [{"reference": "CarePlan/p"}],
        "authoredOn": "2024-04-01",
        **changes,
    }


def test_a_halted_infusion_does_not_stop_the_course() -> None:
    given = {"effectiveDateTime": "2024-04-22"}
    for status in ("in-progress", "on-hold", "stopped", "completed"):
        (step,) = steps(drug("MedicationAdministration", status, **given), CHEMO)
        assert step.phase is Phase.ADMINISTERED


def test_a_filled_prescription_does_not_end_the_course_on_the_day_it_was_written() -> None:
    (step,) = steps(drug("MedicationRequest", "completed"), CHEMO)
    assert step.phase is Phase.PLANNED
    for status in ("stopped", "on-hold"):
        assert why(drug("MedicationRequest", status), CHEMO) is Reason.MISSING_FIELD


def test_an_order_not_to_give_is_no_plan_to_give() -> None:
    made = drug("MedicationRequest", "active", doNotPerform=True)
    assert why(made, CHEMO) is Reason.NOT_A_RESULT
    assert why(drug("MedicationRequest", "active", doNotPerform=False), CHEMO) is None


def test_one_plan_is_one_course_however_it_is_referred_to() -> None:
    addresses = ["CarePlan/p", "https://ehr.example/fhir/CarePlan/p", "CarePlan/p/_history/3"]
    made = [drug("MedicationRequest", "active", basedOn=[{"reference": one}]) for one in addresses]
    assert {steps(one, CHEMO)[0].course_id for one in made} == {"CarePlan/p"}
    plan = {"resourceType": "CarePlan", "id": UUID, "subject": JANE, "status": "active"}
    order = drug("MedicationRequest", "active", basedOn=[{"reference": f"urn:uuid:{UUID}"}])
    entries = [{"fullUrl": f"urn:uuid:{UUID}", "resource": plan}, {"resource": order}]
    listed = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert [step.course_id for step in steps(listed, CHEMO)] == [f"CarePlan/{UUID}"]
    protocol = drug("MedicationRequest", "active", basedOn=[{"reference": "ServiceRequest/s"}])
    assert why(protocol, CHEMO) is Reason.MISSING_FIELD
