"""Documents: what is refused whole, one verdict an entry, and references that never leave them."""

from __future__ import annotations

from typing import Any

import pytest
from support.fhir import JANE, JANE_ID, LOINC, bundle, concept, encoded, psa, read

from schemas.deadletter import Reason
from services.ingest.fhir.document import BUNDLES, MAX_BYTES
from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.profile import STANDARD, Profile
from services.ingest.fhir.verdicts import Verdict

ORIGIN = "https://ehr.example/fhir"
NUMBER = {"system": "urn:oid:1.2.3", "value": "12345"}
HERS: dict[str, Any] = {"resourceType": "Patient", "id": "7", "identifier": [NUMBER]}


def reason_of(raw: bytes) -> Reason:
    """Why a document is refused whole."""
    mapped = read_resources(raw)
    assert mapped.events == []
    assert [verdict.place for verdict in mapped.verdicts] == ["document"]
    (why,) = mapped.rejected
    return why.reason


# --- Whole documents ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.EMPTY_INPUT),
        (encoded(psa())[:-9], Reason.MALFORMED_JSON),
        (b"[1]", Reason.MALFORMED_JSON),
        (b"PSA 0.2", Reason.MALFORMED_JSON),
        (b"\xef\xbb\xbf{}", Reason.NOT_UTF8),
        (b'{"resourceType": "Patient", "id": "\xff"}', Reason.NOT_UTF8),
        (b'{"id": "1", "id": "2"}', Reason.DUPLICATE_KEY),
        (b'{"a":' * 80 + b"1" + b"}" * 80, Reason.TOO_DEEP),
        (b'{"resourceType": "Patient", "id": "\\ud800"}', Reason.BAD_FIELD),
        (b'{"id": "1"}', Reason.UNEXPECTED_RESOURCE),
        (b'{"resourceType": 7}', Reason.UNEXPECTED_RESOURCE),
        (b'<Patient xmlns="http://hl7.org/fhir"/>', Reason.UNEXPECTED_RESOURCE),
        (b" <html>Log in</html>", Reason.UNEXPECTED_RESOURCE),
    ],
)
def test_what_is_no_document_is_refused_whole(raw: bytes, reason: Reason) -> None:
    assert reason_of(raw) is reason


def test_a_document_has_a_largest_size() -> None:
    assert reason_of(b'{"a": "' + b"x" * MAX_BYTES + b'"}') is Reason.TOO_LARGE


def test_a_pair_of_surrogates_is_a_letter() -> None:
    raw = encoded(psa(code=concept(LOINC, "2857-1", "PSA 🙂")))
    assert b"\\ud83d" in raw
    assert len(read_resources(raw).events) == 1


@pytest.mark.parametrize("kind", ["document", "batch-response", "transaction-response", "x", None])
def test_a_bundle_that_states_no_facts_is_refused(kind: str | None) -> None:
    raw = encoded({"resourceType": "Bundle", "type": kind, "entry": [{"resource": psa()}]})
    assert reason_of(raw) is Reason.UNEXPECTED_RESOURCE


@pytest.mark.parametrize("kind", sorted(BUNDLES))
def test_every_kind_of_bundle_that_states_facts_is_read(kind: str) -> None:
    assert len(read(bundle(psa(), kind=kind)).events) == 1


def test_a_resource_that_is_none_of_r4_is_refused() -> None:
    mapped = read({"resourceType": "Observatoin", "id": "1"})
    assert [why.reason for why in mapped.rejected] == [Reason.UNEXPECTED_RESOURCE]
    assert mapped.verdicts[0].kind is None


# --- One verdict an entry -------------------------------------------------------------------------


def test_every_entry_gets_one_verdict() -> None:
    entries: list[object] = [
        {"resource": psa()},
        {"resource": {"resourceType": "Practitioner", "id": "1"}},
        {"resource": psa(status="finalx")},
        {"resource": bundle(psa())},
        {"request": {"method": "GET", "url": "Patient/7"}},
        {"request": {"method": "DELETE", "url": "Observation/psa-1"}},
        {"request": {"method": "PATCH"}, "resource": {"resourceType": "Parameters"}},
        {"fullUrl": "urn:uuid:1"},
        {"resource": {"id": "1"}},
        None,
    ]
    mapped = read({"resourceType": "Bundle", "type": "history", "entry": entries})
    found = {verdict.place: (verdict.verdict, verdict.reason) for verdict in mapped.verdicts}
    assert len(mapped.verdicts) == len(entries)
    assert found == {
        "entry[0]": (Verdict.USED, None),
        "entry[1]": (Verdict.IGNORED, Reason.NOT_A_RESULT),
        "entry[2]": (Verdict.REFUSED, Reason.BAD_STATUS),
        "entry[3]": (Verdict.REFUSED, Reason.UNEXPECTED_RESOURCE),
        "entry[4]": (Verdict.IGNORED, Reason.NOT_A_RESULT),
        "entry[5]": (Verdict.REFUSED, Reason.NO_SUBJECT),
        "entry[6]": (Verdict.REFUSED, Reason.UNEXPECTED_RESOURCE),
        "entry[7]": (Verdict.REFUSED, Reason.UNEXPECTED_RESOURCE),
        "entry[8]": (Verdict.REFUSED, Reason.UNEXPECTED_RESOURCE),
        "entry[9]": (Verdict.REFUSED, Reason.BAD_FIELD),
    }


def test_an_empty_bundle_is_told() -> None:
    mapped = read({"resourceType": "Bundle", "type": "searchset"})
    assert [verdict.verdict for verdict in mapped.verdicts] == [Verdict.IGNORED]
    assert len(mapped.notices) == 1


def test_a_server_s_complaint_among_its_results_is_no_empty_result() -> None:
    trouble = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
    mapped = read(bundle(psa(), trouble, kind="searchset"))
    assert [why.reason for why in mapped.rejected] == [Reason.UNEXPECTED_RESOURCE]
    remark = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    assert read(bundle(psa(), remark, kind="searchset")).rejected == []


# --- Subjects -------------------------------------------------------------------------------------


def about(subject: object, profile: Profile = STANDARD, **entry: object) -> Reason | str:
    """The patient whom a result is about, or why there is none."""
    listed = [{"resource": psa(subject=subject), **entry}]
    mapped = read({"resourceType": "Bundle", "type": "collection", "entry": listed}, profile)
    return mapped.rejected[0].reason if mapped.rejected else mapped.events[0].patient_id


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (None, Reason.NO_SUBJECT),
        ({"display": "Jane"}, Reason.NO_SUBJECT),
        ({"reference": "Group/herd"}, Reason.NO_SUBJECT),
        (JANE | {"type": "Device"}, Reason.NO_SUBJECT),
        ({"reference": "#nobody"}, Reason.NO_SUBJECT),
        ({"identifier": {"value": "12345"}}, Reason.UNMAPPED_PATIENT),
        ({"identifier": {"system": "urn:oid:1.2.3"}}, Reason.UNMAPPED_PATIENT),
        ({"reference": "Patient/7"}, Reason.UNMAPPED_PATIENT),
        ({"reference": "urn:uuid:5"}, Reason.UNMAPPED_PATIENT),
        ({"reference": "https://elsewhere.example/fhir/Patient/7"}, Reason.FOREIGN_REFERENCE),
        ({"reference": 7}, Reason.BAD_FIELD),
        ("Patient/7", Reason.BAD_FIELD),
    ],
)
def test_a_subject_that_cannot_be_known_is_refused(subject: object, reason: Reason) -> None:
    assert about(subject) is reason


def test_an_identifier_names_the_patient_with_its_authority() -> None:
    assert about(JANE) == JANE_ID
    assert about(JANE, Profile(authorities={"urn:oid:1.2.3": "HOSP"})) == "HOSP|12345"
    bare = {"identifier": {"value": "12345"}}
    assert about(bare, Profile(authority="HOSP")) == "HOSP|12345"
    away = JANE | {"reference": "https://elsewhere.example/fhir/Patient/7"}
    assert about(away) == JANE_ID, "the identifier says enough; nothing is followed"


@pytest.mark.parametrize(
    ("address", "base", "patient"),
    [
        ("Patient/7", None, "EHR|7"),
        ("Patient/7/_history/3", None, "EHR|7"),
        ("Patient/7", ORIGIN, "EHR|7"),
        (f"{ORIGIN}/Patient/7", None, "EHR|7"),
        ("Patient/7", "https://elsewhere.example", Reason.FOREIGN_REFERENCE),
        (f"{ORIGIN}.evil.example/Patient/7", None, Reason.FOREIGN_REFERENCE),
        (f"{ORIGIN}x/Patient/7", None, Reason.FOREIGN_REFERENCE),
        (f"{ORIGIN}/../Patient/7", None, Reason.UNMAPPED_PATIENT),
        ("Patient/7?x=1", None, Reason.UNMAPPED_PATIENT),
    ],
)
def test_a_server_s_own_ids_name_patients_where_the_site_says_so(
    address: str, base: str | None, patient: Reason | str
) -> None:
    url = {"fullUrl": f"{base}/Observation/psa-1"} if base else {}
    own = Profile(server="EHR", origin=ORIGIN)
    assert about({"reference": address}, own, **url) == patient


@pytest.mark.parametrize(
    ("url", "address", "own"),
    [
        ("urn:uuid:5", "urn:uuid:5", None),
        ("https://a.example/Patient/7", "https://a.example/Patient/7", None),
        ("https://a.example/Patient/7", "Patient/7", "https://a.example/Observation/psa-1"),
        ("https://a.example/Patient/7/_history/2", "https://a.example/Patient/7", None),
        (None, "Patient/7", None),
    ],
)
def test_a_reference_is_resolved_inside_the_document(
    url: str | None, address: str, own: str | None
) -> None:
    result = {"resource": psa(subject={"reference": address}), "fullUrl": own}
    entries = [{"resource": HERS, "fullUrl": url}, result]
    mapped = read({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [event.patient_id for event in mapped.events] == [JANE_ID]
    assert mapped.rejected == []


def test_two_servers_patients_of_one_number_are_not_mixed_up() -> None:
    other = HERS | {"identifier": [{"system": "urn:oid:9", "value": "12345"}]}
    result: dict[str, Any] = {"resource": psa(subject={"reference": "Patient/7"})}
    entries = [
        {"fullUrl": "https://a.example/Patient/7", "resource": HERS},
        {"fullUrl": "https://b.example/Patient/7", "resource": other},
        result,
    ]
    listed = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert [why.reason for why in read(listed).rejected] == [Reason.UNMAPPED_PATIENT]
    result["fullUrl"] = "https://b.example/Observation/psa-1"
    assert [event.patient_id for event in read(listed).events] == ["urn:oid:9|12345"]


def test_the_id_of_what_is_created_is_no_identity() -> None:
    created = {"resource": HERS, "fullUrl": "urn:uuid:5", "request": {"method": "POST"}}
    result = {"resource": psa(subject={"reference": "urn:uuid:5"})}
    made = {"resourceType": "Bundle", "type": "transaction", "entry": [created, result]}
    mapped = read(made, Profile(server="EHR"))
    assert {event.patient_id for event in mapped.events} == {JANE_ID}


def test_a_contained_patient_needs_an_identifier() -> None:
    inner = {"resourceType": "Patient", "id": "p", "gender": "female"}
    result = psa(subject={"reference": "#p"}, contained=[inner])
    assert read(result, Profile(server="EHR")).rejected[0].reason is Reason.UNMAPPED_PATIENT
    result = psa(subject={"reference": "#p"}, contained=[inner | {"identifier": [NUMBER]}])
    assert [event.patient_id for event in read(result).events] == [JANE_ID]


# --- Reports and their results --------------------------------------------------------------------

REPORT: dict[str, Any] = {
    "resourceType": "DiagnosticReport",
    "id": "r",
    "status": "final",
    "code": concept(LOINC, "58410-2"),
    "subject": JANE,
    "effectiveDateTime": "2024-05-01",
}


def test_a_contained_result_is_read_with_its_report_s_patient_and_time() -> None:
    inner = psa(subject=None, effectiveDateTime=None, id="a", meta=None)
    mapped = read(REPORT | {"contained": [inner], "result": [{"reference": "#a"}]})
    (event,) = mapped.events
    assert (event.patient_id, str(event.effective_at)) == (JANE_ID, "2024-05-01")
    assert [(verdict.kind, verdict.verdict) for verdict in mapped.verdicts] == [
        ("DiagnosticReport", Verdict.IGNORED),
        ("Observation", Verdict.USED),
    ]
    other = read(REPORT | {"id": "s", "contained": [inner], "result": [{"reference": "#a"}]})
    assert other.events[0].event_id != event.event_id, "its id is unique in its report only"


def test_a_listed_result_takes_the_report_s_time_where_it_has_none() -> None:
    listed = REPORT | {"result": [{"reference": "Observation/psa-1"}]}
    mapped = read(bundle(listed, psa(effectiveDateTime=None)))
    assert [str(event.effective_at) for event in mapped.events] == ["2024-05-01"]


def test_results_that_a_report_lists_elsewhere_are_told() -> None:
    mapped = read(REPORT | {"result": [{"reference": "Observation/9"}]})
    assert any("not in this document" in notice.detail for notice in mapped.notices)


def test_one_bad_contained_result_costs_only_itself() -> None:
    inner = [psa(id="a", status="x")]
    mapped = read(REPORT | {"contained": [*inner, psa(id="b")]})
    assert [why.reason for why in mapped.rejected] == [Reason.BAD_STATUS]
    assert len(mapped.events) == 1
