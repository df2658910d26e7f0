"""ORU^R01: results, their versions, their values, their times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from schemas.deadletter import Reason
from schemas.events import Comparator, Observation, Status
from schemas.partial import PartialDate
from services.ingest.hl7v2.mapping import Mapped, read_message
from services.ingest.hl7v2.profile import Profile
from services.ingest.hl7v2.times import clinical_time, effective_time

MSH = "MSH|^~\\&|LAB|HOSP|||20240306101500+0100||ORU^R01^ORU_R01|M1|P|2.5.1"
PID = "PID|1||12345^^^HOSP^MR||Test^Patient||19500101|M"
OBR = "OBR|1|P1^EHR|F1^LAB|PSA^Prostate panel^L|||20240305|||||||||||||||20240306100000+0100|||F"
PSA = "2857-1^PSA^LN"


def _obx(  # noqa: PLR0913 - one argument a field
    value: str = "0.20",
    kind: str = "NM",
    code: str = PSA,
    *,
    sub: str = "",
    unit: str = "ng/mL^^UCUM",
    limits: str = "",
    status: str = "F",
    at: str = "",
) -> str:
    return f"OBX|1|{kind}|{code}|{sub}|{value}|{unit}|{limits}||||{status}|||{at}"


def _read(*segments: str, profile: Profile | None = None) -> Mapped:
    return read_message("\r".join(segments).encode(), profile or Profile())


def _one(obx: str, *, obr: str = OBR, pid: str = PID, msh: str = MSH) -> Observation:
    mapped = _read(msh, pid, obr, obx)
    assert mapped.rejected == []
    (event,) = mapped.events
    assert isinstance(event, Observation)
    return event


def _refused(obx: str, *, obr: str = OBR) -> tuple[Reason, str]:
    mapped = _read(MSH, PID, obr, obx)
    assert mapped.events == []
    (why,) = mapped.rejected
    return why.reason, why.detail


def test_a_plain_result_becomes_an_observation() -> None:
    event = _one(_obx(limits="0.00-4.00"))
    assert event.patient_id == "HOSP|12345"
    assert event.source == "HOSP/LAB"
    assert event.analyte == "psa"
    assert event.code is not None
    assert (event.code.system, event.code.code) == ("http://loinc.org", "2857-1")
    assert str(event.value) == "0.20"
    assert event.unit == "ng/mL"
    assert (event.reference_low, event.reference_high) == (Decimal("0.00"), Decimal("4.00"))
    assert event.effective_at == date(2024, 3, 5)
    assert event.issued_at == datetime(2024, 3, 6, 9, 0, tzinfo=UTC)
    assert event.status is Status.FINAL


STATUSES = {
    "F": Status.FINAL,
    "B": Status.FINAL,
    "U": Status.FINAL,
    "C": Status.CORRECTED,
    "A": Status.CORRECTED,
    "P": Status.PRELIMINARY,
    "S": Status.PRELIMINARY,
    "R": Status.PRELIMINARY,
    "X": Status.CANCELLED,
    "W": Status.ENTERED_IN_ERROR,
    "D": Status.ENTERED_IN_ERROR,
}


@pytest.mark.parametrize(("letter", "status"), STATUSES.items())
def test_table_0085_gives_versions_of_one_fact(letter: str, status: Status) -> None:
    event = _one(_obx(status=letter))
    assert event.status is status
    assert event.event_id == _one(_obx(value="7")).event_id
    assert (event.value is None) == status.withdraws


@pytest.mark.parametrize("letter", ["I", "N", "O"])
def test_an_announced_result_is_told_and_is_no_fact(letter: str) -> None:
    mapped = _read(MSH, PID, OBR, _obx(value="", status=letter))
    assert (mapped.events, mapped.rejected) == ([], [])
    assert [notice.reason for notice in mapped.notices] == [Reason.NOT_A_RESULT]


def test_a_status_is_never_guessed() -> None:
    assert _refused(_obx(status=""))[0] is Reason.BAD_STATUS
    assert _refused(_obx(status="V"))[0] is Reason.BAD_STATUS


def test_final_without_its_value_again_is_refused_not_invented() -> None:
    assert _refused(_obx(value="", status="U"))[0] is Reason.NO_VALUE
    assert _refused(_obx(value='""'))[0] is Reason.NO_VALUE


VALUES = {
    "number": (_obx("12.50"), "12.50", None, None),
    "NM with a sign": (_obx("<0.01"), "0.01", "<", None),
    "SN below": (_obx("<^20", "SN"), "20", "<", None),
    "SN at least": (_obx(">=^1000", "SN"), "1000", ">=", None),
    "SN equal": (_obx("=^3", "SN"), "3", None, None),
    "SN bare": (_obx("^0.40", "SN"), "0.40", None, None),
    "SN titre": (_obx("^1^:^160", "SN"), None, None, "1:160"),
    "text number": (_obx("1,250", "ST"), "1250", None, None),
    "text limit": (_obx("<20 detected", "ST"), "20", "<", "detected"),
    "text word": (_obx("Positive", "ST"), None, None, "positive"),
    "text ordinal": (_obx("2+", "ST"), None, None, "2+"),
    "SNOMED": (_obx("260385009^Negative (qualifier value)^SCT", "CWE"), None, None, "negative"),
    "second SNOMED": (_obx("NEG^x^L^10828004^Positive^SCT", "CE"), None, None, "positive"),
    "organism": (_obx("78^Candida auris^SCT", "CWE"), None, None, "Candida auris"),
    "original text": (_obx("^^^^^^^^Reactive", "CWE"), None, None, "reactive"),
    "TX that is a number": (_obx("0.3", "TX"), "0.3", None, None),
}  # fmt: skip


@pytest.mark.parametrize(("obx", "value", "sign", "code"), VALUES.values(), ids=VALUES.keys())
def test_values(obx: str, value: str | None, sign: str | None, code: str | None) -> None:
    event = _one(obx)
    assert event.value == (None if value is None else Decimal(value))
    assert event.comparator == (None if sign is None else Comparator(sign))
    assert event.value_code == code


UNUSABLE = {
    "decimal comma": (_obx("12,4"), Reason.NOT_A_NUMBER),
    "words in NM": (_obx("see note"), Reason.NOT_A_NUMBER),
    "haemolysed": (_obx("hemolyzed", "ST"), Reason.NO_VALUE),
    "bad comparator": (_obx("?^3", "SN"), Reason.BAD_FIELD),
    "SN not equal": (_obx("<>^3", "SN"), Reason.BAD_FIELD),
    "SN without number": (_obx("<", "SN"), Reason.NOT_A_NUMBER),
    "two values": (_obx("1~2"), Reason.BAD_FIELD),
    "thirty digits": (_obx("9" * 30), Reason.NOT_A_NUMBER),
    "coded nothing": (_obx("^^", "CWE"), Reason.NO_VALUE),
    "no code": (_obx(code=""), Reason.MISSING_FIELD),
    "no such day": (_obx(at="20260230"), Reason.IMPOSSIBLE_DATE),
    "no such month": (_obx(at="202613"), Reason.IMPOSSIBLE_DATE),
    "no such hour": (_obx(at="2026020325"), Reason.IMPOSSIBLE_DATE),
    "no such offset": (_obx(at="202602031200+9900"), Reason.IMPOSSIBLE_DATE),
    "units that differ": (_obx("5 mg/dL", "ST"), Reason.UNKNOWN_UNIT),
}


@pytest.mark.parametrize(("obx", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_result_is_refused_with_its_place(obx: str, reason: Reason) -> None:
    got, detail = _refused(obx)
    assert got is reason
    assert detail.startswith("OBX[1]")


def test_one_bad_result_does_not_cost_the_others() -> None:
    bad = _obx("see note", code="2160-0^Creatinine^LN")
    mapped = _read(MSH, PID, OBR, _obx(), bad.replace("OBX|1", "OBX|2"), _obx(sub="2"))
    assert len(mapped.events) == 2
    assert [why.part for why in mapped.rejected] == ["OBX[2]-5"]


def test_no_detail_quotes_a_value() -> None:
    for obx in (_obx("Smithers"), _obx(at="20269999"), _obx(status="Smithers")):
        assert "Smithers" not in _refused(obx)[1]
        assert "9999" not in _refused(obx)[1]


@pytest.mark.parametrize("kind", ["TX", "FT"])
def test_prose_is_told_and_is_no_fact(kind: str) -> None:
    mapped = _read(MSH, PID, OBR, _obx("Prostate unremarkable.~No further lesion.", kind))
    assert [notice.reason for notice in mapped.notices] == [Reason.NOT_A_RESULT]
    assert mapped.rejected == []


def test_not_detected_is_zero_in_the_analytes_own_unit() -> None:
    """0 log copies would be one copy, so OBX-6 must not be believed here."""
    obx = _obx("Target not detected", "ST", "29541-0^HIV 1 RNA^LN", unit="log copies/mL")
    event = _one(obx)
    assert (event.analyte, event.value_code) == ("hiv_rna", "not detected")
    assert event.value == 0
    assert event.unit == "{copies}/mL"


def test_a_logarithm_in_the_text_makes_the_unit_logarithmic() -> None:
    event = _one(_obx("<1.30 log", "ST", "20447-9^HIV 1 RNA^LN", unit="{copies}/mL"))
    assert (event.value, event.comparator) == (Decimal("1.30"), Comparator.LESS)
    assert event.unit == "{log_copies}/mL"


def test_the_reference_range_is_that_of_the_patients_sex() -> None:
    limits = "M: 10-50 F: 10-35"
    assert _one(_obx(limits=limits)).reference_high == 50
    assert _one(_obx(limits=limits), pid=PID[:-1] + "F").reference_high == 35
    assert _one(_obx(limits=limits), pid=PID[:-1] + "U").reference_high is None


def test_the_unit_is_the_ucum_triplet_wherever_it_stands() -> None:
    assert _one(_obx(unit="NG^ng per ml^L^ng/mL^^UCUM")).unit == "ng/mL"


def test_a_site_may_read_a_decimal_comma_and_map_its_own_codes() -> None:
    profile = Profile(decimal_comma=True, codes={"PSAX": "psa"})
    mapped = _read(MSH, PID, OBR, _obx("12,4", code="PSAX^PSA^99LAB"), profile=profile)
    (event,) = mapped.events
    assert isinstance(event, Observation)
    assert (event.analyte, event.value) == ("psa", Decimal("12.4"))


def test_an_unmapped_code_is_kept_and_told() -> None:
    mapped = _read(MSH, PID, OBR, _obx(code="XYZ^Something^99LAB"))
    assert len(mapped.events) == 1
    assert [notice.reason for notice in mapped.notices] == [Reason.UNMAPPED_CODE]


OTHERS = {
    "patient": (_obx(), OBR, PID.replace("12345", "12346")),
    "authority of the patient": (_obx(), OBR, PID.replace("HOSP", "OTHER")),
    "order": (_obx(), OBR.replace("F1^LAB", "F2^LAB"), PID),
    "authority of the order": (_obx(), OBR.replace("F1^LAB", "F1^LAB2"), PID),
    "code": (_obx(code="83112-3^PSA^LN"), OBR, PID),
    "sub-id": (_obx(sub="2"), OBR, PID),
}


@pytest.mark.parametrize(("obx", "obr", "pid"), OTHERS.values(), ids=OTHERS.keys())
def test_another_fact_has_another_id(obx: str, obr: str, pid: str) -> None:
    assert _one(obx, obr=obr, pid=pid).event_id != _one(_obx()).event_id


SAME = {
    "collection time": (_obx(at="20240304"), OBR),
    "value and unit": (_obx("9", unit="ug/L"), OBR),
    "type": (_obx("0.2", "ST"), OBR),
    "placer": (_obx(), OBR.replace("P1^EHR", "")),
    "release": (_obx(), OBR.replace("20240306100000", "20240309100000")),
}


@pytest.mark.parametrize(("obx", "obr"), SAME.values(), ids=SAME.keys())
def test_a_correction_keeps_the_id(obx: str, obr: str) -> None:
    assert _one(obx, obr=obr).event_id == _one(_obx()).event_id


def test_without_order_numbers_the_identity_is_weak_and_told() -> None:
    obr = OBR.replace("P1^EHR", "").replace("F1^LAB", "")
    mapped = _read(MSH, PID, obr, _obx())
    assert [notice.reason for notice in mapped.notices] == [Reason.WEAK_IDENTITY]
    with_orc = _read(MSH, PID, "ORC|RE|P1^EHR|F1^LAB", obr, _obx())
    assert with_orc.notices == []
    assert with_orc.events[0].event_id == _one(_obx()).event_id


def test_two_results_of_one_code_and_sub_id_are_two_facts_and_told() -> None:
    mapped = _read(MSH, PID, OBR, _obx("1"), _obx("2"))
    assert len({event.event_id for event in mapped.events}) == 2
    assert [notice.reason for notice in mapped.notices] == [Reason.WEAK_IDENTITY]


def test_the_release_is_obr_22_else_msh_7() -> None:
    assert _one(_obx()).issued_at == datetime(2024, 3, 6, 9, tzinfo=UTC)
    without = OBR.replace("20240306100000+0100", "")
    assert _one(_obx(), obr=without).issued_at == datetime(2024, 3, 6, 9, 15, tzinfo=UTC)


def test_the_collection_is_obx_14_else_obr_7_else_spm_17() -> None:
    assert _one(_obx(at="202403040700")).effective_at == datetime(
        2024, 3, 4, 7, tzinfo=timezone(timedelta(hours=1))
    )
    empty = OBR.replace("20240305", "")
    mapped = _read(MSH, PID, empty, _obx(), "SPM|1|||SER|||||||||||||20240302")
    assert mapped.events[0].effective_at == date(2024, 3, 2)
    assert _refused(_obx(), obr=empty)[0] is Reason.MISSING_FIELD


def test_the_zone_is_the_times_own_else_that_of_msh_7_else_the_profiles() -> None:
    berlin = Profile(zone=ZoneInfo("Europe/Berlin"))
    bare = MSH.replace("+0100", "")
    mapped = _read(bare, PID, OBR, _obx(at="20240704120000"), profile=berlin)
    assert mapped.events[0].effective_at == datetime(2024, 7, 4, 10, tzinfo=UTC)
    own = _read(bare, PID, OBR, _obx(at="20240704120000-0500"), profile=berlin)
    assert own.events[0].effective_at == datetime(2024, 7, 4, 17, tzinfo=UTC)


def test_a_time_keeps_the_precision_that_was_sent() -> None:
    assert clinical_time("20240229", UTC) == date(2024, 2, 29)
    assert clinical_time("2024022913", UTC) == datetime(2024, 2, 29, 13, tzinfo=UTC)
    assert clinical_time("20240229131415.25", UTC) == datetime(
        2024, 2, 29, 13, 14, 15, 250_000, tzinfo=UTC
    )
    for text in ("", "2024", "20230229", "2024-02-29", "20240229 13", "202402291360"):
        with pytest.raises(ValueError, match=r"expected|no such"):
            clinical_time(text, UTC)


def test_a_time_known_only_to_the_month_or_year_stays_one() -> None:
    assert effective_time("202402", UTC) == PartialDate(2024, 2)
    assert effective_time("2024", UTC) == PartialDate(2024)
    assert effective_time("20240229", UTC) == date(2024, 2, 29)
    for text in ("202413", "1849", "20242", "2024-02"):
        with pytest.raises(ValueError, match=r"expected|outside"):
            effective_time(text, UTC)


def test_a_specimen_dated_to_its_month_is_read_as_such() -> None:
    read = _read(MSH, PID, OBR, _obx(at="202402"))
    assert [event.effective_at for event in read.events] == [PartialDate(2024, 2)]


def test_specimen_and_method_split_a_series_only_where_the_site_says_so() -> None:
    obx = _obx() + "|||ABBOTT"
    segments = (MSH, PID, OBR, obx, "SPM|1|||SER")
    plain, split = _read(*segments), _read(*segments, profile=Profile(with_specimen=True))
    assert isinstance(plain.events[0], Observation)
    assert isinstance(split.events[0], Observation)
    assert (plain.events[0].specimen, plain.events[0].method) == (None, None)
    assert (split.events[0].specimen, split.events[0].method) == ("SER", "ABBOTT")


def test_results_of_several_patients_in_one_message_keep_their_patients() -> None:
    mapped = _read(MSH, PID, OBR, _obx(), PID.replace("12345", "777"), OBR, _obx())
    assert [event.patient_id for event in mapped.events] == ["HOSP|12345", "HOSP|777"]


def test_a_result_outside_of_an_order_or_without_patient_is_told() -> None:
    assert [why.reason for why in _read(MSH, PID, _obx()).rejected] == [Reason.MALFORMED_HL7]
    assert [why.reason for why in _read(MSH, OBR, _obx()).rejected] == [Reason.MISSING_FIELD]
