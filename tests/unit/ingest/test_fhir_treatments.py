"""Steps of treatment and what imaging found."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from support.fhir import JANE, JANE_ID, NOW, SNOMED, bundle, concept, psa, quantity, read

from schemas.deadletter import Reason
from schemas.events import ImagingReport, Phase, Status, Treatment
from services.ingest.fhir.profile import STANDARD, Profile
from services.ingest.fhir.verdicts import Verdict

OURS = "urn:salvage-watch"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
C61 = concept("http://hl7.org/fhir/sid/icd-10-cm", "C61")


def refused(resource: object, profile: Profile = STANDARD) -> Reason:
    mapped = read(resource, profile)
    assert mapped.events == []
    return mapped.rejected[0].reason


# --- Treatments -----------------------------------------------------------------------------------


def radiotherapy(**changes: object) -> dict[str, Any]:
    curative = concept(SNOMED, "373808002")
    intent = {"url": f"{MCODE}mcode-procedure-intent", "valueCodeableConcept": curative}
    return {
        "resourceType": "Procedure",
        "id": "rt",
        "meta": NOW | {"profile": [f"{MCODE}mcode-radiotherapy-course-summary"]},
        "extension": [intent],
        "status": "completed",
        "code": concept(SNOMED, "1217123003"),
        "subject": JANE,
        "reasonCode": [C61],
        "performedPeriod": {"start": "2024-02-01", "end": "2024-03-20"},
        **changes,
    }


def steps(resource: object, profile: Profile = STANDARD) -> list[Treatment]:
    mapped = read(resource, profile)
    assert mapped.rejected == []
    return [event for event in mapped.events if isinstance(event, Treatment)]


def test_a_finished_radiotherapy_has_a_beginning_and_an_end() -> None:
    ended, began = steps(radiotherapy())
    assert (ended.phase, ended.effective_at) == (Phase.COMPLETED, date(2024, 3, 20))
    assert (began.phase, began.effective_at) == (Phase.STARTED, date(2024, 2, 1))
    assert ended.course_id == began.course_id
    assert ended.event_id != began.event_id
    assert (ended.condition, ended.modality) == ("prostate-cancer", "radiotherapy")
    assert ended.intent == "curative"


def test_a_running_radiotherapy_is_an_earlier_version_of_the_finished_one() -> None:
    (running,) = steps(radiotherapy(status="in-progress", performedPeriod={"start": "2024-02-01"}))
    ended, _ = steps(radiotherapy())
    assert running.phase is Phase.STARTED
    assert (running.event_id, running.course_id) == (ended.event_id, ended.course_id)


def test_a_course_that_ended_nobody_knows_when_is_refused() -> None:
    assert refused(radiotherapy(performedPeriod={"start": "2024-02-01"})) is Reason.MISSING_FIELD


def test_an_operation_is_its_own_course() -> None:
    meta = NOW | {"profile": [f"{MCODE}mcode-cancer-related-surgical-procedure|3.0.0"]}
    made = radiotherapy(meta=meta, code=concept(SNOMED, "90470006"), extension=None)
    (done,) = steps(made)
    assert (done.modality, done.phase) == ("surgery", Phase.COMPLETED)
    assert done.effective_at == date(2024, 2, 1)


def test_the_diagnosis_may_stand_in_the_same_document() -> None:
    diagnosis = {"resourceType": "Condition", "id": "c", "subject": JANE, "code": C61}
    made = radiotherapy(reasonCode=None, reasonReference=[{"reference": "Condition/c"}])
    assert {step.condition for step in steps(bundle(diagnosis, made))} == {"prostate-cancer"}
    assert refused(made) is Reason.MISSING_FIELD, "elsewhere, nobody knows what is treated"


def test_another_disease_is_not_ours_to_follow() -> None:
    made = radiotherapy(reasonCode=[concept(SNOMED, "44054006")])
    assert read(made).verdicts[0].reason is Reason.UNMAPPED_CODE
    assert read(made).rejected == []
    named = Profile(conditions={"44054006": "some-cancer"})
    assert {step.condition for step in steps(made, named)} == {"some-cancer"}


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("preparation", Phase.PLANNED),
        ("in-progress", Phase.STARTED),
        ("on-hold", Phase.HELD),
        ("stopped", Phase.STOPPED),
    ],
)
def test_the_status_of_a_procedure_is_its_phase(status: str, phase: Phase) -> None:
    assert steps(radiotherapy(status=status))[0].phase is phase


def test_a_step_that_was_not_taken_or_is_of_unknown_status() -> None:
    assert read(radiotherapy(status="not-done")).verdicts[0].verdict is Verdict.IGNORED
    assert refused(radiotherapy(status="unknown")) is Reason.BAD_STATUS
    withdrawn = steps(radiotherapy(status="entered-in-error"))[0]
    assert withdrawn.status is Status.ENTERED_IN_ERROR
    assert withdrawn.event_id == steps(radiotherapy())[0].event_id


def infusion(**changes: object) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": "m",
        "meta": NOW,
        "status": "completed",
        "medicationCodeableConcept": concept("rxnorm", "1790099", "doxorubicin"),
        "subject": JANE,
        "reasonCode": [concept("http://hl7.org/fhir/sid/icd-10", "C50.8")],
        "context": {"reference": "EpisodeOfCare/e1"},
        "effectiveDateTime": "2024-04-22",
        "dosage": {"dose": quantity("105.96", "mg")},
        **changes,
    }


CHEMO = Profile(treatments={"1790099": "chemotherapy"})


def test_a_dose_is_read_where_the_site_knows_the_drug() -> None:
    (dose,) = steps(infusion(), CHEMO)
    assert (dose.modality, dose.phase) == ("chemotherapy", Phase.ADMINISTERED)
    assert (dose.course_id, dose.condition) == ("EpisodeOfCare/e1", "breast-cancer")
    assert (dose.drug, dose.dose, dose.dose_unit) == ("doxorubicin", Decimal("105.96"), "mg")
    told = read(infusion())
    assert (told.events, told.verdicts[0].reason) == ([], Reason.UNMAPPED_CODE)


def test_a_medication_may_be_contained() -> None:
    drug = {"resourceType": "Medication", "id": "d", "code": concept("rxnorm", "1790099")}
    made = infusion(medicationCodeableConcept=None, medicationReference={"reference": "#d"})
    assert len(steps(made | {"contained": [drug]}, CHEMO)) == 1


def test_drugs_without_plan_or_episode_have_no_course() -> None:
    assert refused(infusion(context=None), CHEMO) is Reason.MISSING_FIELD


@pytest.mark.parametrize(
    ("kind", "status", "phase"),
    [
        ("MedicationRequest", "active", Phase.PLANNED),
        ("MedicationStatement", "active", Phase.STARTED),
        ("MedicationStatement", "intended", Phase.PLANNED),
        ("MedicationStatement", "on-hold", Phase.HELD),
    ],
)
def test_what_a_status_means_depends_on_the_resource(kind: str, status: str, phase: Phase) -> None:
    (step,) = steps(infusion(resourceType=kind, status=status), CHEMO)
    assert step.phase is phase


def extension(name: str, **parts: object) -> dict[str, Any]:
    kinds = {int: "valueInteger", Decimal: "valueDecimal", str: "valueString"}
    inner = [
        {"url": f"{OURS}:{part.replace('_', '-')}", kinds[type(value)]: value}
        for part, value in parts.items()
    ]
    return {"url": f"{OURS}:{name}", "extension": inner}


def test_our_own_extension_says_everything() -> None:
    said = extension(
        "treatment",
        course_id="C1",
        condition="hiv",
        modality="antiretroviral",
        phase="started",
        line=2,
        drug="DTG",
        dose=Decimal(50),
        dose_unit="mg",
        dose_level=-1,
    )
    plan = {"resourceType": "CarePlan", "id": "p", "meta": NOW, "status": "active"}
    times = {"subject": JANE, "effectiveDateTime": "2024-01", "extension": [said]}
    (step,) = steps(plan | times)
    assert (step.course_id, step.line, step.dose, step.dose_level) == ("C1", 2, Decimal(50), -1)
    assert read(plan | {"subject": JANE}).verdicts[0].verdict is Verdict.IGNORED


def test_an_extension_that_says_too_little_is_refused() -> None:
    made = infusion(extension=[extension("treatment", course_id="C1", phase="begun")])
    assert refused(made) in (Reason.MISSING_FIELD, Reason.BAD_FIELD)


# --- Imaging --------------------------------------------------------------------------------------


def report(**changes: object) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": "pet",
        "meta": NOW,
        "status": "final",
        "category": [concept(DICOM, "PT")],
        "code": {"text": "PET-CT"},
        "subject": JANE,
        "effectiveDateTime": "2024-05-02",
        **changes,
    }


def scan(resource: object, profile: Profile = STANDARD) -> ImagingReport:
    mapped = read(resource, profile)
    assert mapped.rejected == []
    (event,) = mapped.events
    assert isinstance(event, ImagingReport)
    return event


def test_that_an_imaging_was_reported_is_a_fact_without_a_verdict() -> None:
    event = scan(report())
    assert (event.patient_id, event.modality, event.response) == (JANE_ID, "PT", None)
    assert scan(report(category=[concept("x", "NMR")])).modality == "MR"


def test_coded_conclusions_are_read() -> None:
    said = [concept(NCIT, "C35571"), concept(DICOM, "126081")]
    event = scan(report(conclusionCode=said))
    assert (event.response, event.criteria) == ("PD", "recist-1.1")
    own = scan(report(conclusionCode=[concept(f"{OURS}:deauville", "4")]))
    assert (own.deauville, own.criteria) == (4, "lugano")
    site = Profile(responses={"D5": "deauville:5", "PMD": "lugano:PMD"})
    local = scan(report(conclusionCode=[concept("x", "D5"), concept("x", "PMD")]), site)
    assert (local.deauville, local.criteria, local.response) == (5, "lugano", "PMD")


def test_prose_is_not_searched_for_a_category() -> None:
    event = scan(report(conclusion="Progressive disease", conclusionCode=[{"text": "PD"}]))
    assert (event.response, event.criteria) == (None, None)


def test_two_conclusions_that_contradict_each_other_are_refused() -> None:
    said = [concept(NCIT, "C35571"), concept(NCIT, "C4870")]
    assert refused(report(conclusionCode=said)) is Reason.AMBIGUOUS_VALUE


def test_our_verdict_is_read_from_report_and_study() -> None:
    said = extension(
        "imaging-verdict", criteria="recist-1.1", response="PR", sum_mm=Decimal("31.5")
    )
    event = scan(report(extension=[said]))
    assert (event.response, event.sum_of_diameters_mm) == ("PR", Decimal("31.5"))
    study = {
        "resourceType": "ImagingStudy",
        "id": "s",
        "status": "available",
        "subject": JANE,
        "started": "2024-05-02",
        "modality": [{"code": "CT"}],
        "extension": [said],
    }
    assert (scan(study).modality, scan(study).response) == ("CT", "PR")


def test_pictures_alone_state_nothing() -> None:
    study = {"resourceType": "ImagingStudy", "id": "s", "status": "available", "subject": JANE}
    assert read(study).verdicts[0].verdict is Verdict.IGNORED


def test_a_withdrawn_report_is_a_version_of_the_one_before() -> None:
    gone = scan(report(status="entered-in-error"))
    assert (gone.event_id, gone.status) == (scan(report()).event_id, Status.ENTERED_IN_ERROR)
    assert scan(report(status="appended")).status is Status.CORRECTED
    assert read(report(status="registered")).events == []
    assert refused(report(status="unknown")) is Reason.BAD_STATUS
    assert refused(report(effectiveDateTime=None)) is Reason.MISSING_FIELD


SCALE = concept(SNOMED, "708895006", "Deauville five point scale (assessment scale)")


@pytest.mark.parametrize(
    "said",
    [
        {"valueInteger": 4},
        {"valueQuantity": quantity("4", "{score}")},
        {"valueCodeableConcept": concept("x", "d4", "Deauville score 4 (finding)")},
        {"interpretation": [concept("x", "4")]},
        {"interpretation": [concept("x", "s", "Deauville 5-point scale score 4")]},
    ],
)
def test_a_deauville_observation_is_a_pet_with_its_score(said: dict[str, Any]) -> None:
    event = scan(psa(code=SCALE, valueQuantity=None) | said)
    assert (event.modality, event.criteria, event.deauville) == ("PT", "lugano", 4)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"valueInteger": 6}, Reason.NO_VALUE),
        ({"valueCodeableConcept": concept("x", "s", "Deauville 5-point scale")}, Reason.NO_VALUE),
        ({"valueInteger": 4, "interpretation": [concept("x", "3")]}, Reason.AMBIGUOUS_VALUE),
    ],
)
def test_a_score_is_never_guessed(said: dict[str, Any], reason: Reason) -> None:
    assert refused(psa(code=SCALE, valueQuantity=None) | said) is reason
