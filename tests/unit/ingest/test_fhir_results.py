"""Observations: status, value, unit and time, each with what must become of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from support.fhir import JANE_ID, LOINC, SNOMED, concept, encoded, psa, quantity, read

from schemas.deadletter import Reason
from schemas.events import Comparator, Observation, Status
from schemas.partial import PartialDate
from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.profile import Profile
from services.ingest.fhir.verdicts import Verdict


def only(resource: object, profile: Profile | None = None) -> Observation:
    """The one observation that a resource states, without complaint."""
    mapped = read(resource, profile or Profile())
    assert mapped.rejected == []
    (event,) = mapped.events
    assert isinstance(event, Observation)
    return event


def refused(resource: object) -> tuple[Reason, str]:
    """Why a resource states nothing."""
    mapped = read(resource)
    assert mapped.events == []
    assert [verdict.verdict for verdict in mapped.verdicts] == [Verdict.REFUSED]
    (why,) = mapped.rejected
    assert mapped.verdicts[0].reason is why.reason
    return why.reason, why.detail


def test_a_result_is_read_with_all_its_digits() -> None:
    event = only(psa())
    assert (event.patient_id, event.analyte, event.unit) == (JANE_ID, "psa", "ng/mL")
    assert str(event.value) == "0.20"
    assert event.effective_at == datetime(2024, 5, 2, 5, 30, tzinfo=UTC)
    assert event.issued_at == datetime(2024, 5, 3, 8, tzinfo=UTC)
    assert event.source == "fhir"


# --- Versions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("preliminary", Status.PRELIMINARY),
        ("final", Status.FINAL),
        ("amended", Status.CORRECTED),
        ("corrected", Status.CORRECTED),
        ("cancelled", Status.CANCELLED),
        ("entered-in-error", Status.ENTERED_IN_ERROR),
    ],
)
def test_a_status_is_read_by_fhir_s_own_words(said: str, meant: Status) -> None:
    first, later = only(psa()), only(psa(status=said))
    assert later.status is meant
    assert later.event_id == first.event_id, "it is a version of the same fact"
    assert (later.value is None) == meant.withdraws


@pytest.mark.parametrize("said", ["finalx", "unknown", "FINAL", None])
def test_an_unknown_status_is_refused(said: str | None) -> None:
    assert refused(psa(status=said))[0] is Reason.BAD_STATUS


def test_a_registered_result_is_only_announced() -> None:
    mapped = read(psa(status="registered", valueQuantity=None))
    assert (mapped.events, mapped.rejected) == ([], [])
    assert mapped.verdicts[0].reason is Reason.NOT_A_RESULT


def test_last_updated_orders_versions_and_issued_stands_in_for_it() -> None:
    early = "2024-05-02T10:00:00.1234567Z"  # some servers write seven digits
    assert only(psa(issued=early)).issued_at == datetime(2024, 5, 3, 8, tzinfo=UTC)
    stood_in = only(psa(issued=early, meta=None)).issued_at
    assert stood_in == datetime(2024, 5, 2, 10, 0, 0, 123456, tzinfo=UTC)
    assert only(psa(meta=None)).issued_at is None


def test_what_is_taken_back_needs_no_readable_value() -> None:
    event = only(psa(status="entered-in-error", valueQuantity={"value": "a slip"}))
    assert event.status is Status.ENTERED_IN_ERROR


def test_a_result_that_lost_its_value_takes_back_the_one_before() -> None:
    gone = only(psa(status="corrected", valueQuantity=None, dataAbsentReason={"text": "clotted"}))
    assert (gone.event_id, gone.status) == (only(psa()).event_id, Status.CANCELLED)


@pytest.mark.parametrize("name", ["modifierExtension", "implicitRules"])
def test_a_modifier_that_may_reverse_the_meaning_is_refused(name: str) -> None:
    assert refused(psa(**{name: [{"url": "urn:not-done"}]}))[0] is Reason.UNKNOWN_MODIFIER


def test_facts_differ_and_weak_identity_is_told() -> None:
    assert only(psa(id="psa-2")).event_id != only(psa()).event_id
    weak = read(psa(id=None))
    assert [notice.reason for notice in weak.notices] == [Reason.WEAK_IDENTITY]
    named = read(psa(id=None, identifier=[{"system": "urn:lab", "value": "7"}]))
    assert named.notices == []


# --- Values ---------------------------------------------------------------------------------------


def test_several_values_are_ambiguous_and_cost_only_that_resource() -> None:
    both = psa(id="two", valueString="0.2 ng/mL")
    assert refused(both)[0] is Reason.AMBIGUOUS_VALUE
    entries = [{"resource": both}, {"resource": psa()}]
    mapped = read({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [verdict.verdict for verdict in mapped.verdicts] == [Verdict.REFUSED, Verdict.USED]
    assert len(mapped.events) == 1


def test_no_value_and_no_reason_for_it_is_refused() -> None:
    assert refused(psa(valueQuantity=None))[0] is Reason.NO_VALUE
    assert refused(psa(valueQuantity={"unit": "ng/mL"}))[0] is Reason.NO_VALUE


@pytest.mark.parametrize("value", ["0.2", "1234567890123456789", True])
def test_what_is_no_number_is_refused_without_being_quoted(value: object) -> None:
    made = psa(valueQuantity={"value": value, "unit": "ng/mL"})
    reason, detail = refused(made)
    assert reason is Reason.NOT_A_NUMBER
    assert str(value) not in detail


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "1" * 60, "0." + "1" * 25])
def test_a_number_that_no_laboratory_reports_is_refused(number: str) -> None:
    raw = encoded(psa()).replace(b"0.20", number.encode())
    mapped = read_resources(raw)
    assert mapped.events == []
    assert [why.reason for why in mapped.rejected] == [Reason.NOT_A_NUMBER]


@pytest.mark.parametrize("sign", list(Comparator))
def test_a_limit_keeps_its_sign(sign: Comparator) -> None:
    event = only(psa(valueQuantity=quantity("0.01", comparator=sign.value)))
    assert (event.comparator, event.value) == (sign, Decimal("0.01"))


@pytest.mark.parametrize("sign", ["~", "ad", "=", "≤"])
def test_another_sign_is_refused(sign: str) -> None:
    assert refused(psa(valueQuantity=quantity("0.01", comparator=sign)))[0] is Reason.BAD_COMPARATOR


def test_of_a_unit_the_ucum_code_counts_whatever_is_displayed() -> None:
    assert only(psa(valueQuantity=quantity("0.2") | {"unit": "mg/L"})).unit == "ng/mL"
    shown = {"value": Decimal("0.2"), "unit": "ng/mL", "system": "urn:own", "code": "17"}
    assert only(psa(valueQuantity=shown)).unit == "ng/mL"


def test_without_a_unit_the_result_is_kept_and_not_evaluated() -> None:
    mapped = read(psa(valueQuantity={"value": 4}))
    assert [event.type for event in mapped.events] == ["observation"]
    assert [notice.reason for notice in mapped.notices] == [Reason.UNKNOWN_UNIT]
    assert mapped.verdicts[0].verdict is Verdict.USED


@pytest.mark.parametrize(
    ("value", "code", "number"),
    [
        ({"valueCodeableConcept": concept(SNOMED, "10828004", "Pos.")}, "positive", None),
        ({"valueCodeableConcept": concept(LOINC, "LA6577-6")}, "negative", None),
        ({"valueCodeableConcept": concept(SNOMED, "3092008", "S. aureus")}, "S_aureus", None),
        ({"valueCodeableConcept": {"text": "No growth"}}, "No growth", None),
        ({"valueString": "<0.01"}, None, "0.01"),
        ({"valueString": "POSITIVE"}, "positive", None),
        ({"valueInteger": 2}, None, "2"),
        ({"valueBoolean": True}, "yes", None),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}, "1:128", None),
    ],
)
def test_other_kinds_of_value(value: dict[str, Any], code: str | None, number: str | None) -> None:
    event = only(psa(valueQuantity=None, **value))
    assert event.value_code == code
    assert event.value == (Decimal(number) if number else None)


def test_not_detected_is_zero_in_the_analyte_s_own_unit() -> None:
    event = only(psa(valueQuantity=None, valueString="Not detected"))
    assert (event.value, event.value_code) == (Decimal(0), "not detected")
    assert event.unit == "ng/mL"


def test_a_value_of_a_type_without_use_is_told_and_not_refused() -> None:
    mapped = read(psa(valueQuantity=None, valueDateTime="2024-05-01"))
    assert (mapped.events, mapped.rejected) == ([], [])
    assert mapped.verdicts[0].reason is Reason.UNSUPPORTED_VALUE


def test_prose_in_place_of_a_result_is_refused() -> None:
    reason, detail = refused(psa(valueQuantity=None, valueString="see note of Smith"))
    assert reason is Reason.NO_VALUE
    assert "Smith" not in detail


# --- Reference ranges -----------------------------------------------------------------------------

NORMAL = {"low": quantity("0"), "high": quantity("4.0")}


@pytest.mark.parametrize(
    ("ranges", "limits"),
    [
        ([NORMAL], ("0", "4.0")),
        ([{"high": quantity("4.0")}], (None, "4.0")),
        ([{"text": "0.0 - 4.0"}], ("0.0", "4.0")),
        ([NORMAL, {"high": quantity("9"), "type": concept("x", "critical")}], ("0", "4.0")),
        ([NORMAL, NORMAL], (None, None)),
        ([NORMAL | {"age": {"low": {"value": 60}}}], (None, None)),
        ([NORMAL | {"appliesTo": [concept(SNOMED, "248153007")]}], (None, None)),
        ([{"high": quantity("4000", "pg/mL")}], (None, None)),
        ([{"low": quantity("5"), "high": quantity("4")}], (None, None)),
    ],
)
def test_limits_are_taken_only_when_they_are_meant_for_certain(
    ranges: list[dict[str, Any]], limits: tuple[str | None, str | None]
) -> None:
    event = only(psa(referenceRange=ranges))
    wanted = tuple(None if limit is None else Decimal(limit) for limit in limits)
    assert (event.reference_low, event.reference_high) == wanted


def test_limits_by_sex_are_taken_when_the_document_tells_it() -> None:
    man = {"resourceType": "Patient", "id": "1", "gender": "male", "birthDate": "1950-01-01"}
    known = {"identifier": [{"system": "urn:oid:1.2.3", "value": "12345"}]}
    by_sex = [
        NORMAL | {"appliesTo": [concept(SNOMED, "248153007")]},
        {"high": quantity("1"), "appliesTo": [concept(SNOMED, "248152002")]},
    ]
    result = psa(referenceRange=by_sex, subject={"reference": "Patient/1"})
    entries = [{"resource": man | known}, {"resource": result}]
    mapped = read({"resourceType": "Bundle", "type": "searchset", "entry": entries})
    (event,) = [each for each in mapped.events if isinstance(each, Observation)]
    assert (event.patient_id, event.reference_high) == (JANE_ID, Decimal("4.0"))


# --- Times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"effectiveDateTime": "2024"}, PartialDate(2024)),
        ({"effectiveDateTime": "2024-05"}, PartialDate(2024, 5)),
        ({"effectiveDateTime": "2024-05-02"}, date(2024, 5, 2)),
        ({"effectiveInstant": "2024-05-02T07:00:00Z"}, datetime(2024, 5, 2, 7, tzinfo=UTC)),
        ({"effectivePeriod": {"start": "2024-05-02"}}, date(2024, 5, 2)),
        ({"effectivePeriod": {"end": "2024-05-03"}}, date(2024, 5, 3)),
        ({"effectivePeriod": {"start": "2024-05-02", "end": "2024-05-03"}}, date(2024, 5, 2)),
    ],
)
def test_a_time_keeps_the_precision_that_it_has(said: dict[str, Any], meant: object) -> None:
    assert only(psa(effectiveDateTime=None) | said).effective_at == meant


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, Reason.MISSING_FIELD),
        ({"effectivePeriod": {}}, Reason.MISSING_FIELD),
        ({"effectiveDateTime": "2024-05-02T07:30:00"}, Reason.IMPOSSIBLE_DATE),
        ({"effectiveDateTime": "2024-02-30"}, Reason.IMPOSSIBLE_DATE),
        ({"effectiveDateTime": "2024-13"}, Reason.IMPOSSIBLE_DATE),
        ({"effectiveDateTime": "0024"}, Reason.IMPOSSIBLE_DATE),
        ({"effectiveDateTime": "last Tuesday"}, Reason.IMPOSSIBLE_DATE),
        ({"effectiveDateTime": 2024}, Reason.BAD_FIELD),
    ],
)
def test_no_time_or_an_impossible_one_is_refused(said: dict[str, Any], reason: Reason) -> None:
    assert refused(psa(effectiveDateTime=None) | said)[0] is reason


def test_the_time_of_collection_stands_in_for_a_missing_one() -> None:
    taken = {"collectedDateTime": "2024-05-01"}
    tube = {"resourceType": "Specimen", "id": "tube", "collection": taken}
    result = psa(effectiveDateTime=None, specimen={"reference": "#tube"}, contained=[tube])
    assert only(result).effective_at == date(2024, 5, 1)


# --- Codes and components -------------------------------------------------------------------------


def test_loinc_counts_wherever_it_stands() -> None:
    local = {"system": "urn:lab", "code": "P1"}
    code = {"coding": [local, {"system": LOINC, "code": "2857-1"}], "text": "PSA"}
    assert only(psa(code=code)).analyte == "psa"


def test_a_site_s_own_code_is_mapped_by_its_profile() -> None:
    made = psa(code=concept("urn:lab", "P1"))
    assert only(made, Profile(codes={"P1": "psa"})).analyte == "psa"
    assert [notice.reason for notice in read(made).notices] == [Reason.UNMAPPED_CODE]


def test_a_result_without_a_code_is_refused() -> None:
    assert refused(psa(code=None))[0] is Reason.MISSING_FIELD
    assert refused(psa(code={"coding": [{"display": "PSA"}]}))[0] is Reason.MISSING_FIELD


def test_each_component_is_a_fact_of_its_own() -> None:
    white = {"code": concept(LOINC, "6690-2"), "valueQuantity": quantity("4.1", "10*9/L")}
    bad = {"code": concept(LOINC, "777-3"), "valueQuantity": {"value": "many"}}
    panel = psa(valueQuantity=None, code=concept(LOINC, "58410-2"), component=[white, bad])
    mapped = read(panel)
    (event,) = mapped.events
    assert isinstance(event, Observation)
    assert (event.analyte, event.value) == ("leukocytes", Decimal("4.1"))
    assert event.event_id != only(psa()).event_id
    assert mapped.rejected[0].part == "Observation.component[1].valueQuantity.value"
    assert mapped.verdicts[0].verdict is Verdict.PARTLY


def test_two_components_of_one_code_stay_apart() -> None:
    one = {"code": concept(LOINC, "6690-2"), "valueQuantity": quantity("4.1", "10*9/L")}
    mapped = read(psa(valueQuantity=None, component=[one, one]))
    assert len({event.event_id for event in mapped.events}) == 2
    assert [notice.reason for notice in mapped.notices] == [Reason.WEAK_IDENTITY]


def test_a_withdrawn_panel_withdraws_its_components() -> None:
    one = {"code": concept(LOINC, "6690-2"), "valueQuantity": quantity("4.1", "10*9/L")}
    before = only(psa(valueQuantity=None, component=[one]))
    after = only(psa(valueQuantity=None, component=[one], status="entered-in-error"))
    assert (after.event_id, after.status) == (before.event_id, Status.ENTERED_IN_ERROR)


def test_a_group_of_results_states_nothing_itself() -> None:
    mapped = read(psa(valueQuantity=None, hasMember=[{"reference": "Observation/2"}]))
    assert (mapped.events, mapped.rejected) == ([], [])
    assert mapped.verdicts[0].verdict is Verdict.IGNORED


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("271299001", "worsened"),
        ("268910001", "improved"),
        ("359746009", "stable"),
        ("709137006", "undetermined"),
        ("103338009", "full remission"),
        ("103337004", "partial remission"),
    ],
)
def test_disease_status_of_mcode_is_read(code: str, word: str) -> None:
    status = concept(SNOMED, code, "Patient's condition, as somebody wrote it")
    made = psa(code=concept(LOINC, "97509-4"), valueQuantity=None, valueCodeableConcept=status)
    event = only(made)
    assert (event.analyte, event.value_code) == ("disease_status", word)


def test_specimen_and_method_split_series_only_where_a_site_wants_it() -> None:
    made = psa(specimen={"display": "Serum"}, method={"text": "ECLIA"})
    event = only(made, Profile(with_specimen=True))
    assert (event.specimen, event.method) == ("Serum", "ECLIA")
    assert only(made).specimen is None
