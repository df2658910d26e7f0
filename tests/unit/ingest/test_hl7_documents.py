"""MDM: the facts of a report, and what becomes of them when the report changes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import shared

from schemas.deadletter import Reason
from schemas.events import Event, ImagingReport, Observation, Status
from services.commands.intake import Intake
from services.detector.engine.fact import Fact
from services.detector.engine.timeline import Timeline
from services.ingest.archive import Format
from services.ingest.documents import Change, consequences
from services.ingest.hl7v2.mapping import Mapped, read_message
from services.ingest.hl7v2.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

PID = "PID|1||12345^^^HOSP^MR||Test^Patient||19500101|M"
OBR = "OBR|1|P1^EHR|F1^RIS|PETCT^PET^L|||20240305|||||||||||||||20240305120000||PT"
BLASTS = "OBX|1|NM|26464-8^WBC^LN||3.2|10*9/L^^UCUM"
ZIM = "ZIM|lugano|PMD|5|||end-of-treatment"


def txa(
    number: str = "D1^RIS",
    completion: str = "AU",
    availability: str = "AV",
    parent: str = "",
    activity: str = "20240304",
) -> str:
    return (
        f"TXA|1|PN^Report|TX|{activity}||20240305||||||{number}|{parent}||||"
        f"{completion}||{availability}"
    )


def mdm(trigger: str, *segments: str, day: str = "20240306", evn: str = "") -> bytes:
    msh = f"MSH|^~\\&|RIS|HOSP|||{day}100000+0000||MDM^{trigger}^MDM_T02|M1|P|2.5.1"
    lines = (msh, f"EVN|{trigger}|{evn}", PID, *segments)
    return "\r".join(lines).encode()


def read(trigger: str, *segments: str, profile: Profile | None = None, **more: str) -> Mapped:
    return read_message(mdm(trigger, *segments, **more), profile or Profile())


def one(mapped: Mapped) -> Event:
    assert mapped.rejected == []
    (event,) = mapped.events
    return event


def stands(*found: Mapped) -> list[Event]:
    """What stands when these were received, in this order, with all that follows at each."""
    timeline = Timeline()
    versions: dict[str, list[Event]] = {}
    changes: dict[str, list[Change]] = {}
    for mapped in found:
        if mapped.document is not None:
            versions.setdefault(mapped.document, []).extend(mapped.events)
        for change in mapped.changes:
            changes.setdefault(change.document, []).append(change)
        followed = [
            event
            for name in {*versions, *changes}
            for event in consequences(versions.get(name, []), changes.get(name, []))
        ]
        for event in (*mapped.events, *followed):
            timeline.merge(Fact(event, 0))
    return [fact.event for fact in timeline]


# ---------------------------------------------------------------- facts


def test_a_result_in_a_report_is_the_same_fact_as_in_a_result_message() -> None:
    event = one(read("T02", OBR, txa(), BLASTS))
    assert isinstance(event, Observation)
    assert (event.patient_id, event.source, event.analyte) == (
        "HOSP|12345",
        "HOSP/RIS",
        "leukocytes",
    )
    assert (event.value, event.unit) == (Decimal("3.2"), "10*9/L")
    assert (event.status, event.effective_at) == (Status.FINAL, date(2024, 3, 5))
    assert event.issued_at == datetime(2024, 3, 6, 10, tzinfo=UTC)


def test_an_imaging_verdict_in_a_report() -> None:
    event = one(read("T02", OBR, txa(completion="PA"), ZIM))
    assert isinstance(event, ImagingReport)
    assert (event.response, event.deauville, event.modality) == ("PMD", 5, "PT")
    assert event.status is Status.PRELIMINARY


def test_the_activity_tells_the_day_where_no_single_order_does() -> None:
    assert one(read("T02", txa(), BLASTS)).effective_at == date(2024, 3, 4)
    assert one(read("T02", OBR, OBR, txa(), BLASTS)).effective_at == date(2024, 3, 4)
    own = BLASTS + "|" * 8 + "20240303"
    assert one(read("T02", OBR, txa(), own)).effective_at == date(2024, 3, 3)


def test_of_a_day_that_is_none_the_own_field_is_told() -> None:
    (why,) = read("T02", txa(activity="20240230"), BLASTS).rejected
    assert (why.reason, why.part) == (Reason.IMPOSSIBLE_DATE, "TXA-4")


def test_the_record_of_the_event_tells_the_issue_and_a_repeat_overtakes_nothing() -> None:
    first = one(read("T02", txa(), BLASTS, evn="20240306090000+0000"))
    again = one(read("T02", txa(), BLASTS, evn="20240306090000+0000", day="20240401"))
    assert first == again


@pytest.mark.parametrize("kind", ["TX", "FT", "ED", "ST"])
def test_text_is_never_interpreted_and_told(kind: str) -> None:
    text = f"OBX|1|{kind}|26464-8^WBC^LN||leukocytes of 0.5 or so"
    mapped = read("T02", txa(), text)
    assert (mapped.events, mapped.rejected) == ([], [])
    assert [(n.reason, n.detail) for n in mapped.notices] == [
        (Reason.NOT_A_RESULT, "OBX[1]: text for people")
    ]
    assert read("T02", txa(), "OBX|1|TX|26464-8^WBC^LN||0.5").events == [], "not even a number"


def test_a_short_string_may_be_a_result() -> None:
    event = one(read("T02", txa(), "OBX|1|ST|25836-8^HIV^LN||<20|{copies}/mL"))
    assert isinstance(event, Observation)
    assert (event.value, event.comparator) == (Decimal(20), "<")


# ---------------------------------------------------------------- status

COMPLETION = {
    "AU": Status.FINAL,
    "LA": Status.FINAL,
    **dict.fromkeys(("DI", "DO", "IP", "IN", "PA"), Status.PRELIMINARY),
}
AVAILABILITY = {
    "": Status.FINAL,
    "AV": Status.FINAL,
    "UN": Status.PRELIMINARY,
    "CA": Status.ENTERED_IN_ERROR,
    "OB": Status.CANCELLED,
}


@pytest.mark.parametrize(("code", "status"), COMPLETION.items())
def test_completion_tells_preliminary_from_final(code: str, status: Status) -> None:
    assert one(read("T02", txa(completion=code), BLASTS)).status is status


@pytest.mark.parametrize(("code", "status"), AVAILABILITY.items())
def test_availability_withdraws(code: str, status: Status) -> None:
    assert one(read("T04", txa(availability=code), BLASTS)).status is status


@pytest.mark.parametrize(
    ("own", "completion", "status"),
    [
        ("F", "PA", Status.PRELIMINARY),
        ("P", "AU", Status.PRELIMINARY),
        ("C", "AU", Status.CORRECTED),
        ("C", "IP", Status.PRELIMINARY),
        ("W", "PA", Status.ENTERED_IN_ERROR),
        ("X", "AU", Status.CANCELLED),
    ],
)
def test_of_result_and_document_the_weaker_word_counts(
    own: str, completion: str, status: Status
) -> None:
    obx = BLASTS + "|" * 5 + own
    assert one(read("T02", txa(completion=completion), obx)).status is status


@pytest.mark.parametrize("completion", ["", "P", "XX"])
def test_a_status_is_never_guessed(completion: str) -> None:
    mapped = read("T02", txa(completion=completion), BLASTS)
    assert mapped.events == []
    assert [(why.reason, why.part) for why in mapped.rejected] == [(Reason.BAD_STATUS, "TXA-17")]


# ---------------------------------------------------------------- identity


def test_versions_of_a_document_are_versions_of_its_facts() -> None:
    first = one(read("T02", OBR, txa(completion="PA"), BLASTS))
    other = BLASTS.replace("3.2", "3.4")
    for trigger in ("T04", "T08"):
        assert one(read(trigger, OBR, txa(), other)).event_id == first.event_id


def test_another_document_or_authority_gives_other_facts() -> None:
    names = {one(read("T02", txa(n), BLASTS)).event_id for n in ("D1^RIS", "D2^RIS", "D1^PATH")}
    assert len(names) == 3


def test_an_order_of_the_same_number_gives_other_facts() -> None:
    oru = mdm("T02", OBR, BLASTS + "|||||F").replace(b"MDM^T02^MDM_T02", b"ORU^R01")
    assert one(read_message(oru)).event_id != one(read("T02", OBR, txa("F1^RIS"), BLASTS)).event_id


def test_a_document_without_a_number_is_refused() -> None:
    (why,) = read("T02", txa(""), BLASTS).rejected
    assert (why.reason, why.part) == (Reason.MISSING_FIELD, "TXA-12")


@pytest.mark.parametrize("segments", [(BLASTS,), (txa(), txa("D2"), BLASTS)])
def test_a_message_is_about_one_document(segments: tuple[str, ...]) -> None:
    (why,) = read("T02", *segments).rejected
    assert (why.reason, why.part) == (Reason.MISSING_FIELD, "TXA")


def test_a_result_before_the_document_is_told() -> None:
    (why,) = read("T02", BLASTS, txa()).rejected
    assert (why.reason, why.part) == (Reason.MALFORMED_HL7, "OBX[1]")


# ---------------------------------------------------------------- what becomes of a document

SENT = read("T02", txa(completion="AU"), BLASTS, day="20240306")


def test_withdrawn_without_its_content_its_facts_are_gone() -> None:
    assert len(stands(SENT)) == 1
    assert stands(SENT, read("T11", txa(completion=""), day="20240307")) == []


@pytest.mark.parametrize("trigger", ["T09", "T10"])
def test_a_replacement_takes_the_place_of_the_facts_it_replaces(trigger: str) -> None:
    content = [BLASTS.replace("3.2", "0.9")] if trigger == "T10" else []
    new = read(trigger, txa("D2^RIS", parent="D1^RIS"), *content, day="20240307")
    left = stands(SENT, new)
    assert [getattr(event, "value", None) for event in left] == [Decimal("0.9")][: len(content)]


def test_an_addendum_leaves_its_parent_alone() -> None:
    added = read("T06", txa("D2^RIS", parent="D1^RIS"), BLASTS.replace("3.2", "1.1"))
    assert len(stands(SENT, added)) == 2


def test_authenticated_without_its_content_its_facts_become_final() -> None:
    early = read("T02", txa(completion="PA"), BLASTS, day="20240306")
    for trigger in ("T01", "T03"):
        (event,) = stands(early, read(trigger, txa(completion="LA"), day="20240308"))
        assert event.status is Status.FINAL
        assert event.issued_at == datetime(2024, 3, 8, 10, tzinfo=UTC)
    (event,) = stands(early, read("T03", txa(completion="PA"), day="20240308"))
    assert event.status is Status.PRELIMINARY


def test_a_notice_without_content_makes_nothing_weaker() -> None:
    notice = read("T03", txa(completion="IN"), day="20240308")
    assert (notice.changes, notice.events) == ([], [])
    assert [n.reason for n in notice.notices] == [Reason.NOT_A_RESULT]


@pytest.mark.parametrize(("parent", "reason"), [("", "missing_field"), ("D1^RIS", "bad_field")])
def test_a_replacement_says_what_it_replaces(parent: str, reason: str) -> None:
    mapped = read("T10", txa("D1^RIS", parent=parent), BLASTS)
    assert [(why.reason, why.part) for why in mapped.rejected] == [(reason, "TXA-13")]
    assert len(mapped.events) == 1, "what it says itself is used"


def test_sent_again_after_it_was_withdrawn_it_is_there_again() -> None:
    gone = read("T11", txa(), day="20240307")
    assert len(stands(SENT, gone, read("T02", txa(), BLASTS, day="20240308"))) == 1


HISTORY = [
    read("T02", txa(completion="DI"), BLASTS, day="20240301"),
    read("T08", txa(completion="PA"), BLASTS.replace("3.2", "3.3"), day="20240302"),
    read("T03", txa(completion="AU"), day="20240303"),
    read("T06", txa("D9^RIS", parent="D1^RIS"), BLASTS.replace("3.2", "8"), day="20240304"),
    read("T10", txa("D2^RIS", parent="D1^RIS"), BLASTS.replace("3.2", "0.9"), day="20240305"),
    read("T11", txa("D9^RIS"), day="20240306"),
]


@given(st.permutations(range(len(HISTORY))), st.integers(1, len(HISTORY)))
def test_the_order_of_arrival_does_not_matter(order: list[int], length: int) -> None:
    """Of the first `length` messages, in any order, one of them twice."""
    chosen = [number for number in order if number < length]
    told = [HISTORY[number] for number in (*chosen, chosen[0])]
    usual = stands(*HISTORY[:length])
    assert {e.to_json() for e in stands(*told)} == {e.to_json() for e in usual}
    values = [getattr(event, "value", None) for event in usual]
    wanted = [["3.2"], ["3.3"], ["3.3"], ["3.3", "8"], ["8", "0.9"], ["0.9"]][length - 1]
    assert sorted(map(str, values)) == sorted(wanted)


def test_an_archive_gives_what_its_documents_became(tmp_path: Path) -> None:
    """In files of any order: the fact as it was sent, and last its withdrawal."""
    for name, trigger, day in (("a", "T11", "20240307"), ("b", "T02", "20240306")):
        (tmp_path / f"{name}.hl7").write_bytes(mdm(trigger, txa(), BLASTS, day=day))
    events = list(Intake("test", Format.HL7).read([str(tmp_path)]))
    assert [event.status for event in events] == [Status.FINAL, Status.ENTERED_IN_ERROR]
    assert events[0].event_id == events[1].event_id


# ---------------------------------------------------------------- what others publish


def published(name: str) -> Mapped:
    path = shared("data", "hl7_ms_fhir_converter", "messages", name)
    return read_message(path.read_bytes(), Profile(authority="XYZHOSPITAL"))


def test_published_reports_are_read_once_their_patients_have_an_authority() -> None:
    """They hold text and documents alone; what is said of the document itself is understood."""
    for name, notices, changes in [
        ("MDM-T01-01.hl7", 0, ["final"]),
        ("MDM-T02-01.hl7", 2, []),
        ("MDM-T05-01.hl7", 0, ["final"]),
        ("MDM-T06-02.hl7", 2, []),
        ("MDM-T09-01.hl7", 0, ["final", "cancelled"]),
        ("MDM-T10-02.hl7", 2, ["cancelled"]),
    ]:
        mapped = published(name)
        assert (mapped.events, mapped.rejected) == ([], []), name
        assert [notice.reason for notice in mapped.notices] == ["not_a_result"] * notices, name
        assert [change.status for change in mapped.changes] == changes, name
