"""ADT, orders and imaging; who is meant; which messages are read at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.deadletter import Reason
from schemas.events import Event, ImagingReport, Patient, Phase, Status, Treatment
from services.ingest.hl7v2.mapping import Mapped, read_message
from services.ingest.hl7v2.profile import Profile

MSH = "MSH|^~\\&|ADT|HOSP|||20240306101500+0000||{}|M1|P|2.5.1"
EVN = "EVN||20240306100000+0000"
PID = "PID|1||12345^^^HOSP^MR||Test^Patient||19500102|F"


def _read(kind: str, *segments: str, profile: Profile | None = None) -> Mapped:
    raw = "\r".join([MSH.format(kind), *segments]).encode()
    return read_message(raw, profile or Profile())


def _patients(*segments: str, profile: Profile | None = None) -> list[Patient]:
    mapped = _read("ADT^A08", *segments, profile=profile)
    assert mapped.rejected == []
    return [event for event in mapped.events if isinstance(event, Patient)]


def _reason(mapped: Mapped) -> Reason:
    assert mapped.events == []
    (why,) = mapped.rejected
    return why.reason


@pytest.mark.parametrize("event", ["A01", "A03", "A04", "A08", "A28", "A31"])
def test_registration_gives_birth_and_sex(event: str) -> None:
    mapped = _read(f"ADT^{event}", EVN, PID)
    (patient,) = mapped.events
    assert isinstance(patient, Patient)
    assert (patient.birth_date, patient.sex) == (date(1950, 1, 2), "female")
    assert patient.effective_at == datetime(2024, 3, 6, 10, tzinfo=UTC)


def _death(pid: str, *more: str, profile: Profile | None = None) -> list[Patient]:
    found = _patients(EVN, pid, *more, profile=profile)
    return [patient for patient in found if patient.deceased_at or patient.status.withdraws]


DEAD = PID + "|" * 20


def test_death_is_a_fact_of_its_own_and_can_be_taken_back() -> None:
    (dead,) = _death(DEAD + "|20240301|Y")
    (unknown_hour,) = _death(DEAD + "||Y")
    (alive,) = _death(DEAD + "||N")
    (null,) = _death(DEAD + '|""|')
    assert dead.deceased_at == date(2024, 3, 1)
    assert unknown_hour.deceased_at == datetime(2024, 3, 6, 10, tzinfo=UTC)
    assert len({fact.event_id for fact in (dead, unknown_hour, alive, null)}) == 1
    assert alive.status is null.status is Status.ENTERED_IN_ERROR


def test_silence_about_death_takes_nothing_back() -> None:
    (only,) = _patients(EVN, PID)
    assert only.deceased_at is None
    (dead,) = _death(DEAD + "|20240301|Y")
    assert only.event_id != dead.event_id


def test_a_discharge_disposition_is_death_only_where_the_site_says_so() -> None:
    visit = "PV1|1" + "|" * 35 + "20"
    assert _death(PID, visit) == []
    (dead,) = _death(PID, visit, profile=Profile(death_dispositions=frozenset({"20"})))
    assert dead.deceased_at is not None


def test_goals_of_care_come_from_zpt() -> None:
    facts = _patients(EVN, PID, "ZPT|comfort-only")
    assert [fact.goals_of_care for fact in facts] == [None, "comfort-only"]
    assert _reason(_read("ADT^A08", EVN, PID, "ZPT|whatever")) is Reason.BAD_FIELD


def test_an_unreadable_birth_date_does_not_cost_the_message() -> None:
    (patient,) = _patients(EVN, PID.replace("19500102", "1950"))
    assert (patient.birth_date, patient.sex) == (None, "female")


@pytest.mark.parametrize("event", ["A34", "A40"])
def test_a_merge_names_the_survivor_for_the_retired(event: str) -> None:
    mapped = _read(f"ADT^{event}", EVN, PID, "MRG|777^^^HOSP^MR", "PID|2||5^^^X", "MRG|6^^^X")
    pairs = [(m.patient_id, m.merged_into) for m in mapped.events if isinstance(m, Patient)]
    assert pairs == [("HOSP|777", "HOSP|12345"), ("X|6", "X|5")]


def test_a_merge_without_pair_or_with_itself_is_refused() -> None:
    assert _reason(_read("ADT^A40", EVN, PID)) is Reason.BAD_MERGE
    assert _reason(_read("ADT^A40", EVN, PID, "MRG|12345^^^HOSP")) is Reason.BAD_MERGE
    both = _read("ADT^A40", EVN, PID, "MRG|9^^^HOSP", PID, "MRG|12345^^^HOSP")
    assert _reason(both) is Reason.BAD_MERGE


WHO = {
    "preferred type first": ("1^^^HOSP^XX~2^^^HOSP^MR", "HOSP|2"),
    "no account number": ("1^^^HOSP^AN~2^^^HOSP", "HOSP|2"),
    "universal id before name": ("1^^^Name&1.2.3&ISO^MR", "1.2.3|1"),
    "an identifier without authority is passed over": ("1^^^^MR~2^^^HOSP^SS", "HOSP|2"),
}


@pytest.mark.parametrize(("field", "patient"), WHO.values(), ids=WHO.keys())
def test_who_is_meant(field: str, patient: str) -> None:
    (fact,) = _patients(EVN, f"PID|1||{field}||||19500102")
    assert fact.patient_id == patient


def test_a_patient_without_authority_is_refused_unless_the_site_names_one() -> None:
    bare = PID.replace("^^^HOSP^MR", "")
    assert _reason(_read("ADT^A08", EVN, bare)) is Reason.UNMAPPED_PATIENT
    (fact,) = _patients(EVN, bare, profile=Profile(authority="HOSP"))
    assert fact.patient_id == "HOSP|12345"


def test_spellings_of_an_authority_become_one() -> None:
    profile = Profile(authorities={"1.2.3": "HOSP", "Hosp Main": "HOSP"})
    for spelling in ("Hosp Main", "&1.2.3&ISO", "HOSP"):
        (fact,) = _patients(EVN, PID.replace("HOSP", spelling), profile=profile)
        assert fact.patient_id == "HOSP|12345"


ORC = "ORC|RE||O7^PHARM||CM||||20240301"
ZTX = (
    "ZTX|C1|lymphoma|chemotherapy|R-CHOP|1|curative|administered|3|6|on time|anthracycline~steroid"
)


def _treatment(kind: str, *segments: str) -> Treatment:
    mapped = _read(kind, PID, *segments)
    assert mapped.rejected == []
    (event,) = mapped.events
    assert isinstance(event, Treatment)
    return event


@pytest.mark.parametrize("kind", ["RAS^O17", "RDE^O11", "ORM^O01", "OMG^O19"])
def test_a_step_of_treatment_is_read_whole(kind: str) -> None:
    step = _treatment(kind, ORC, ZTX)
    assert (step.course_id, step.condition, step.modality) == ("C1", "lymphoma", "chemotherapy")
    assert (step.regimen, step.line, step.intent) == ("R-CHOP", 1, "curative")
    assert (step.phase, step.cycle, step.planned_cycles) == (Phase.ADMINISTERED, 3, 6)
    assert (step.reason, step.drug_classes) == ("on time", ("anthracycline", "steroid"))
    assert step.effective_at == date(2024, 3, 1)
    assert step.source == "HOSP/ADT"


def test_an_administration_is_when_it_was_given() -> None:
    step = _treatment("RAS^O17", ORC, "RXA|0|1|20240302|20240302|^R-CHOP|1", ZTX)
    assert step.effective_at == date(2024, 3, 2)


def test_a_withdrawn_order_or_administration_withdraws_the_step() -> None:
    given = "RXA|0|1|20240302|20240302|^R-CHOP|1" + "|" * 15 + "{}"
    first = _treatment("RAS^O17", ORC, given.format("A"), ZTX)
    deleted = _treatment("RAS^O17", ORC, given.format("D"), ZTX)
    cancelled = _treatment("RAS^O17", ORC.replace("|RE|", "|OC|"), ZTX)
    updated = _treatment("RAS^O17", ORC, given.format("U"), ZTX)
    assert first.status is Status.FINAL
    assert deleted.status is cancelled.status is Status.CANCELLED
    assert updated.status is Status.CORRECTED
    assert len({step.event_id for step in (first, deleted, cancelled, updated)}) == 1


ORDERS = {
    "no ZTX": ((ORC,), Reason.UNSUPPORTED_MESSAGE),
    "no order number": ((ORC.replace("O7^PHARM", ""), ZTX), Reason.MISSING_FIELD),
    "no time": ((ORC.replace("20240301", ""), ZTX), Reason.MISSING_FIELD),
    "no course": ((ORC, ZTX.replace("C1", "")), Reason.MISSING_FIELD),
    "unknown phase": ((ORC, ZTX.replace("administered", "begun")), Reason.BAD_FIELD),
    "a word for a cycle": ((ORC, ZTX.replace("|3|", "|three|")), Reason.NOT_A_NUMBER),
    "ZTX before ORC": ((ZTX, ORC), Reason.MALFORMED_HL7),
}


@pytest.mark.parametrize(("segments", "reason"), ORDERS.values(), ids=ORDERS.keys())
def test_a_step_that_cannot_be_read_is_refused(segments: tuple[str, ...], reason: Reason) -> None:
    assert _reason(_read("RAS^O17", PID, *segments)) is reason


OBR = "OBR|1||I9^RIS|CT^CT^DCM|||20240220|||||||||||||||20240221120000+0000||CT|F"
ZIM = "ZIM|recist-1.1|PD||58.5|L4~unequivocal|follow-up"


def _report(*segments: str) -> ImagingReport:
    mapped = _read("ORU^R01", PID, *segments)
    assert mapped.rejected == []
    (event,) = mapped.events
    assert isinstance(event, ImagingReport)
    return event


def test_an_imaging_verdict_is_read_whole() -> None:
    report = _report(OBR, ZIM)
    assert (report.modality, report.criteria, report.response) == ("CT", "recist-1.1", "PD")
    assert report.sum_of_diameters_mm == Decimal("58.5")
    assert report.new_lesions == ("L4", "unequivocal")
    assert report.timepoint == "follow-up"
    assert report.effective_at == date(2024, 2, 20)
    assert report.issued_at == datetime(2024, 2, 21, 12, tzinfo=UTC)


def test_a_corrected_report_is_a_version_of_the_same_fact() -> None:
    corrected = _report(OBR[:-1] + "C", ZIM.replace("PD", "SD"))
    assert corrected.status is Status.CORRECTED
    assert corrected.event_id == _report(OBR, ZIM).event_id


IMAGING = {
    "Deauville 6": ((OBR, "ZIM|lugano|PMD|6"), Reason.BAD_FIELD),
    "a word for the sum": ((OBR, ZIM.replace("58.5", "big")), Reason.NOT_A_NUMBER),
    "unknown criteria": ((OBR, ZIM.replace("recist-1.1", "own")), Reason.BAD_FIELD),
    "no status": ((OBR[:-1], ZIM), Reason.BAD_STATUS),
    "no order number": ((OBR.replace("I9^RIS", ""), ZIM), Reason.MISSING_FIELD),
    "no time": ((OBR.replace("20240220", ""), ZIM), Reason.MISSING_FIELD),
    "no order": ((ZIM,), Reason.MALFORMED_HL7),
}


@pytest.mark.parametrize(("segments", "reason"), IMAGING.values(), ids=IMAGING.keys())
def test_a_verdict_that_cannot_be_read_is_refused(
    segments: tuple[str, ...], reason: Reason
) -> None:
    assert _reason(_read("ORU^R01", PID, *segments)) is reason


@pytest.mark.parametrize("kind", ["ACK", "SIU^S12", "ADT^A12", "ORU", "", "ORU^R40", "MFN^M02"])
def test_what_we_do_not_read_is_refused_by_name_of_the_field(kind: str) -> None:
    mapped = _read(kind, EVN, PID)
    assert _reason(mapped) is Reason.UNSUPPORTED_MESSAGE
    assert mapped.rejected[0].detail.startswith("MSH-9")


def test_test_traffic_is_refused_where_the_profile_says_so() -> None:
    raw = "\r".join([MSH.format("ADT^A08").replace("|P|", "|T|"), EVN, PID]).encode()
    live = Profile(processing_ids=frozenset({"P"}))
    assert _reason(read_message(raw, live)) is Reason.REFUSED_PROCESSING
    assert read_message(raw).events != []


def test_a_sender_without_name_is_refused_unless_the_profile_names_it() -> None:
    raw = "\r".join([MSH.format("ADT^A08").replace("ADT|HOSP", "|"), EVN, PID]).encode()
    assert _reason(read_message(raw)) is Reason.MISSING_FIELD
    assert read_message(raw, Profile(source="LAB")).events[0].source == "LAB"


def test_a_message_without_any_fact_says_so() -> None:
    mapped = _read("ORU^R01", PID)
    assert (mapped.events, mapped.rejected) == ([], [])
    assert [notice.reason for notice in mapped.notices] == [Reason.NOT_A_RESULT]


def _events(raw: bytes) -> list[Event]:
    mapped = read_message(raw)
    assert mapped.events or mapped.rejected or mapped.notices
    return mapped.events


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.binary(max_size=4), st.integers(0, 5))
def test_no_damaged_message_raises_or_vanishes(at: int, inserted: bytes, dropped: int) -> None:
    lines = [MSH.format("ORU^R01"), PID, OBR, ZIM, "OBX|1|NM|2857-1^PSA^LN||1|ng/mL|||||F"]
    raw = "\r".join(lines).encode()
    _events(raw[:at] + inserted + raw[at + dropped :])
