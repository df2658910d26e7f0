"""Reports in the store: withdrawn, replaced or authenticated by messages without content."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from schemas.deadletter import Where
from schemas.events import Observation
from services.embedded.delivery import Delivery
from services.embedded.letters import Choice, Letters
from services.embedded.reading import read, read_whole
from services.embedded.replays import ReplayFeed, append
from services.embedded.rereading import reread
from services.ingest.archive import Format, Record
from services.ingest.hl7v2.profile import Profile
from services.ingest.profiles.sources import ANYBODY, Sources
from services.ingest.sources.files import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400 * 1_000_000
RECEIVED = 1_709_700_000_000_000  # 2024-03-06, microseconds


def mdm(trigger: str, *obx: str, day: str, person: str = "1^^^HOSP^MR", **txa: str) -> bytes:
    fields = {2: "PN", 4: "20240304", 12: "D1^RIS", 17: "AU"}
    fields |= {int(name[1:]): text for name, text in txa.items()}
    lines = (
        f"MSH|^~\\&|RIS|HOSP|||{day}100000||MDM^{trigger}|{trigger}{day}|P|2.5.1",
        f"PID|1||{person}",
        "|".join(["TXA", *(fields.get(at, "") for at in range(1, 20))]),
        *obx,
    )
    return "".join(f"{line}\r" for line in lines).encode()


def psa(value: str) -> str:
    return f"OBX|1|NM|2857-1^PSA^LN||{value}|ng/mL"


SENT = mdm("T02", psa("4.1"), day="20240306", f17="PA")
FINAL = mdm("T03", day="20240307")
REPLACED = mdm("T10", psa("1.4"), day="20240308", f12="D2^RIS", f13="D1^RIS")
WITHDRAWN = mdm("T11", day="20240309", f12="D2^RIS")


def arrival(raw: bytes) -> Arrival:
    return Arrival("folder", Format.HL7, Record(Where(file="a.hl7", line=1), raw), None)


def deliver(ward: Any, *raws: bytes) -> None:
    for number, raw in enumerate(raws):
        ward.runtime.take([Delivery(RECEIVED + number * DAY, (arrival(raw),))])


def stands(ward: Any) -> list[tuple[str, str]]:
    events = ward.book.events("HOSP|1")
    return sorted((str(e.value), str(e.status)) for e in events if isinstance(e, Observation))


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ((SENT,), [("4.1", "preliminary")]),
        ((SENT, FINAL), [("4.1", "final")]),
        ((SENT, FINAL, REPLACED), [("1.4", "final")]),
        ((SENT, FINAL, REPLACED, WITHDRAWN), []),
        ((SENT, SENT, FINAL, FINAL), [("4.1", "final")]),
    ],
)
def test_in_any_order_the_same_stands(
    open_ward: Callable[..., Any], told: tuple[bytes, ...], left: list[tuple[str, str]]
) -> None:
    for number, order in enumerate(sorted(set(permutations(told)))):
        ward = open_ward((), name=f"ward-{number}")
        deliver(ward, *order)
        assert stands(ward) == left
        assert ward.book.counts()["dead_letters"] == 0


def test_what_is_known_of_a_document_outlives_the_process(open_ward: Callable[..., Any]) -> None:
    deliver(open_ward(()), SENT)
    ward = open_ward(())
    deliver(ward, mdm("T11", day="20240307"))
    assert stands(open_ward(())) == []


def test_a_withdrawn_report_read_again_changes_the_facts_once(
    open_ward: Callable[..., Any],
) -> None:
    """It came without an authority; with a repaired profile it withdraws what it is about."""
    ward = open_ward((), name="salvage")
    ward.clock.set(RECEIVED + 10 * DAY)
    deliver(ward, SENT, mdm("T11", day="20240307", person="1"))
    assert stands(ward) == [("4.1", "preliminary")]
    letters, folder = Letters(ward.store.path), ward.store.path.parent
    found = reread(letters, Choice(), Sources.of(Profile(authority="HOSP")))
    assert (found.letters, found.closed, len(found.records)) == (1, 1, 1)
    for _ in range(2):
        append(folder, found.records)
        for batch in ReplayFeed(folder, ward.store, ward.clock).batches():
            ward.runtime.take(batch)
        assert stands(ward) == []
        assert ward.book.counts()["dead_letters"] == 0


def test_where_no_facts_are_kept_a_withdrawal_is_refused_by_name() -> None:
    """A mapper on a bus can't see to it; nobody must believe that it was done."""
    told = arrival(mdm("T11", day="20240307"))
    (why,) = read(told, ANYBODY).rejected
    assert (why.reason, why.part) == ("unsupported_message", "TXA")
    assert len(read_whole(told, ANYBODY).changes) == 1
    assert read(arrival(SENT), ANYBODY).rejected == ()


def test_a_withdrawn_report_ends_what_it_caused(open_ward: Callable[..., Any]) -> None:
    """An alert is retracted when the report that caused it is withdrawn."""
    ward = open_ward()
    treated = (
        b'{"type":"treatment","event_id":"rt","patient_id":"HOSP|1","source":"EHR",'
        b'"effective_at":"2020-01-01","issued_at":"2020-01-01T12:00:00Z","course_id":"c1",'
        b'"condition":"prostate-cancer","modality":"radiotherapy","phase":"completed"}'
    )
    record = Record(Where(file="a.jsonl", line=1), treated)
    ward.runtime.take([Delivery(RECEIVED, (Arrival("folder", Format.EVENTS, record, None),))])
    days = ("20200701", "20210104", "20210705", "20220110")
    for number, (day, value) in enumerate(zip(days, ("0.5", "0.4", "2.6", "3.4"), strict=True)):
        deliver(ward, mdm("T02", psa(value), day=day, f4=day, f12=f"D{number}^LAB"))
    raised = {alert.rule for alert in ward.book.alerts() if alert.state == "confirmed"}
    assert "PROST-PHOENIX" in raised
    deliver(ward, *(mdm("T11", day="20240307", f12=f"D{number}^LAB") for number in (2, 3)))
    states = {alert.rule: alert.state for alert in ward.book.alerts()}
    assert states["PROST-PHOENIX"] == "retracted"
