"""Dead letters are worked: read again by repaired profiles, into the timeline exactly once."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from schemas.base import as_utc
from schemas.deadletter import Reason, Where
from schemas.events import Observation
from services.detector.engine.instants import instant
from services.embedded.deadletters import Taken, letters_of, replay
from services.embedded.delivery import Delivery
from services.embedded.folder import owned
from services.embedded.letters import Choice, Letters
from services.embedded.metrics import Metrics
from services.embedded.pump import Pump
from services.embedded.replays import ReplayFeed, append
from services.embedded.rereading import Findings, reread
from services.embedded.runtime import Runtime
from services.ingest.archive import Format, Record
from services.ingest.coding import Rejected
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.profiles.files import read_profile
from services.ingest.profiles.meaning import source_of
from services.ingest.profiles.sources import ANYBODY, Sources
from services.ingest.sources.files import Arrival
from services.runtime.clock import ManualClock
from services.runtime.errors import OperatorError, Unavailable
from services.runtime.pulse import Health
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.detector.engine.rule import CompiledRule

    Rules = tuple[CompiledRule, ...]

RECEIVED = 1_700_000_000_000_000  # 2023-11-14, microseconds
LATER = RECEIVED + 10 * 86_400 * 1_000_000
NAME = "name: HOSP/LAB\n"  # as its facts were called before it had a profile


def sources(text: str = "") -> Sources:
    return Sources((source_of(read_profile(NAME + text, "p.yaml")),))


WITH_AUTHORITY = "identity: {authority: HOSP}\n"


def oru(
    *obx: str, day: str = "20200601", order: str = "F1", pid: str = "1^^^^MR", at: str = ""
) -> bytes:
    lines = (
        f"MSH|^~\\&|LAB|HOSP|||{at or day + '120000'}||ORU^R01^ORU_R01|{order}|P|2.5.1",
        f"PID|1||{pid}||Doe^Jane",
        f"OBR|1||{order}^LAB|P^Panel^L|||{day}|||||||||||||||{at or day + '120000'}|||F",
        *(f"OBX|{number}|{each}" for number, each in enumerate(obx, start=1)),
    )
    return "".join(f"{line}\r" for line in lines).encode()


def psa(value: str, status: str = "F", code: str = "2857-1^PSA^LN", unit: str = "ng/mL") -> str:
    return f"NM|{code}||{value}|{unit}|||||{status}"


RADIOTHERAPY = (
    b'{"type":"treatment","event_id":"rt","patient_id":"HOSP|1","source":"EHR",'
    b'"effective_at":"2020-01-01","issued_at":"2020-01-01T12:00:00Z","course_id":"c1",'
    b'"condition":"prostate-cancer","modality":"radiotherapy","phase":"completed"}'
)
RISING = [
    oru(psa(value), day=day, order=f"F{number}")
    for number, (day, value) in enumerate(
        [("20200701", "0.5"), ("20210104", "0.4"), ("20210705", "1.1"), ("20220110", "2.6")]
    )
]
"""PSA after radiotherapy: two above its nadir, by a sender that names no authority."""


@pytest.fixture
def ward(open_ward: Callable[..., Any]) -> Any:
    found = open_ward(name="salvage")
    found.clock.set(LATER)
    return found


def deliver(ward: Any, *raws: bytes, at: int = RECEIVED, **more: Any) -> None:
    """Take records as they come; those of JSON are events, the others HL7 v2."""
    for number, raw in enumerate(raws):
        form = Format.EVENTS if raw.startswith(b"{") else Format.HL7
        where = more.get("where", Where(file="a.hl7", line=number + 1))
        record = Record(where, raw, more.get("rejected"))
        ward.runtime.take([Delivery(at, (Arrival("folder", form, record, None),))])


def letters(ward: Any) -> Letters:
    return Letters(ward.store.path)


def again(ward: Any, declared: Sources, **choice: Any) -> Findings:
    return reread(letters(ward), Choice(**choice), declared)


def taken(ward: Any, findings: Findings) -> None:
    """As the running process does it."""
    folder = ward.store.path.parent
    append(folder, findings.records)
    for batch in ReplayFeed(folder, ward.store, ward.clock).batches():
        ward.runtime.take(batch)


def results(ward: Any, patient: str = "HOSP|1") -> list[Observation]:
    return [one for one in ward.book.events(patient) if isinstance(one, Observation)]


def stands(ward: Any) -> list[tuple[str, str, str]]:
    return sorted((one.rule, one.state, one.tag or "") for one in ward.book.alerts())


# ---------------------------------------------------------------- the whole way


def test_what_was_refused_becomes_facts_and_alerts_once(
    ward: Any, open_ward: Callable[..., Any]
) -> None:
    deliver(ward, RADIOTHERAPY, *RISING)
    assert ward.book.counts()["facts"] == 1
    assert stands(ward) == []
    found = again(ward, sources(WITH_AUTHORITY), reasons=frozenset({"unmapped_patient"}))
    assert (found.letters, found.closed, found.facts, found.known) == (4, 4, 4, 0)
    assert ward.book.counts()["dead_letters"] == 4, "a dry run writes nothing"
    taken(ward, found)
    assert [str(one.value) for one in results(ward)] == ["0.5", "0.4", "1.1", "2.6"]
    assert ward.book.counts()["dead_letters"] == 0
    phoenix = [one for one in stands(ward) if one[0] == "PROST-PHOENIX"]
    assert phoenix == [("PROST-PHOENIX", "confirmed", "")]
    assert [one.rule for one in ward.told if one.rule == "PROST-PHOENIX"]
    before = (ward.book.counts(), ward.book.latest_sequence())
    for _ in range(2):
        taken(ward, again(ward, sources(WITH_AUTHORITY)))
    assert (ward.book.counts(), ward.book.latest_sequence()) == before
    _same_as_if_it_had_been_read_at_once(stands(ward), open_ward)


def _same_as_if_it_had_been_read_at_once(
    expected: list[tuple[str, str, str]], open_ward: Callable[..., Any]
) -> None:
    other = open_ward(name="other")
    deliver(other, RADIOTHERAPY, *(raw.replace(b"1^^^^MR", b"1^^^HOSP^MR") for raw in RISING))
    other.clock.set(LATER)
    other.runtime.tick()
    assert stands(other) == expected


def test_a_fact_keeps_the_moment_of_its_first_receipt(ward: Any) -> None:
    deliver(ward, RISING[0])
    taken(ward, again(ward, sources(WITH_AUTHORITY)))
    rows = ward.store.query("SELECT facts.received, raw.received, raw.times FROM facts, raw")
    assert rows == [(RECEIVED, RECEIVED, 1)], "it was received once"
    (one,) = letters(ward).chosen(Choice(resolved=True))
    assert (one.received, one.resolved) == (RECEIVED, LATER)


def test_what_was_queued_twice_or_broken_off_is_taken_once(ward: Any) -> None:
    deliver(ward, *RISING)
    found = again(ward, sources(WITH_AUTHORITY))
    folder = ward.store.path.parent
    append(folder, found.records)
    append(folder, found.records)
    first = ReplayFeed(folder, ward.store, ward.clock).batches(3)
    ward.runtime.take(next(first))
    next(first)  # given out, not taken: the process ended
    for batch in ReplayFeed(folder, ward.store, ward.clock).batches(3):
        ward.runtime.take(batch)
    assert ward.book.counts()["facts"] == 4
    assert list(ReplayFeed(folder, ward.store, ward.clock).batches()) == []


def test_what_comes_again_unusable_is_open_again(ward: Any) -> None:
    deliver(ward, RISING[0])
    taken(ward, again(ward, sources(WITH_AUTHORITY)))
    assert letters(ward).chosen(Choice()) == []
    deliver(ward, RISING[0], at=LATER)
    (one,) = letters(ward).chosen(Choice())
    assert (one.times, one.resolved, one.received) == (2, None, RECEIVED)


# ---------------------------------------------------------------- what stays wrong


def test_a_part_that_stays_wrong_stays_a_letter(ward: Any) -> None:
    wrong = oru(psa("2,5"), "ST|HIVQ^H^L||nachweisbar||||||F", psa("see note"), pid="1^^^HOSP^MR")
    deliver(ward, wrong)
    parts = {one.letter.part for one in letters(ward).chosen(Choice())}
    assert parts == {"OBX[1]-5", "OBX[2]-5", "OBX[3]-5"}
    found = again(ward, sources("decimal_comma: true\n"), reasons=frozenset({"no_value"}))
    assert (found.letters, found.closed, found.facts) == (3, 1, 1)
    assert found.refused == {"not_a_number": 1, "no_value": 1}
    taken(ward, found)
    left = {one.letter.part: one.letter.reason for one in letters(ward).chosen(Choice())}
    assert left == {"OBX[2]-5": "no_value", "OBX[3]-5": "not_a_number"}
    assert [str(one.value) for one in results(ward)] == ["2.5"]


def test_another_reason_takes_the_place_of_the_first(ward: Any) -> None:
    deliver(ward, RISING[0])
    found = again(ward, Sources((replace(sources().declared[0], senders=_STRANGERS),)))
    assert (found.letters, found.closed, dict(found.refused)) == (1, 1, {"unknown_sender": 1})
    taken(ward, found)
    (one,) = letters(ward).chosen(Choice())
    assert (one.letter.reason, one.received) == (Reason.UNKNOWN_SENDER, RECEIVED)


_STRANGERS = source_of(read_profile("name: x\nsenders: [{facility: X}]\n", "p")).senders


@pytest.mark.parametrize(
    ("reason", "part", "untried"),
    [
        (Reason.BROKEN_FRAME, None, "broken_frame"),
        (Reason.MULTIPLE_MESSAGES, None, "multiple_messages"),
        (Reason.BAD_FIELD, "MSH-3", "sender_not_allowed"),
    ],
)
def test_what_no_profile_can_repair_is_not_tried(
    ward: Any, reason: Reason, part: str | None, untried: str
) -> None:
    good = oru(psa("1"), pid="1^^^HOSP^MR")
    deliver(ward, good, rejected=Rejected(reason, "why", part))
    found = again(ward, ANYBODY)
    assert (found.letters, found.records, found.untried) == (0, [], {untried: 1})
    assert found.untried == again(ward, ANYBODY, reasons=frozenset({reason.value})).untried
    assert not again(ward, ANYBODY, reasons=frozenset({"no_value"})).untried.total()


def test_a_letter_whose_bytes_were_kept_in_part_is_not_tried(ward: Any) -> None:
    deliver(ward, RISING[0])
    with ward.store.transaction():
        ward.store._db.execute("UPDATE raw SET bytes = x'4d5348', hash = x'00'")  # noqa: SLF001
    assert again(ward, ANYBODY).untried == {"not_kept_whole": 1}


def test_a_large_letter_is_found_by_its_bytes(ward: Any) -> None:
    """The letter itself keeps 64 KiB; the record is kept whole."""
    notes = ["FT|NOTE^n^L||" + "x" * 900 + "||||||F"] * 100
    deliver(ward, oru(psa("1"), *notes))
    (one,) = letters(ward).chosen(Choice())
    assert one.letter.raw_size > 64 * 1024
    assert again(ward, sources(WITH_AUTHORITY)).facts == 1


# ---------------------------------------------------------------- by way of the gate


IN_JOURNAL = Where(file=JOURNAL, line=7)


def test_the_gate_looks_at_what_came_through_it(ward: Any) -> None:
    unsupported = oru(psa("1"), pid="1^^^HOSP^MR").replace(b"|P|2.5.1", b"|P|9.9")
    why = Rejected(Reason.UNKNOWN_VERSION, "why", "MSH-12")
    deliver(ward, unsupported, where=IN_JOURNAL, rejected=why)
    found = again(ward, sources())
    assert (found.facts, found.closed, dict(found.refused)) == (0, 0, {"unknown_version": 1})
    assert found.records == [], "nothing changed"


def test_a_sender_that_got_its_profile_is_read(ward: Any) -> None:
    why = Rejected(Reason.UNKNOWN_SENDER, "why", "MSH-3")
    deliver(ward, oru(psa("1"), pid="1^^^HOSP^MR"), where=IN_JOURNAL, rejected=why)
    assert again(ward, sources("ignore: [ORU]\n")).facts == 0
    assert again(ward, sources()).facts == 1


# ---------------------------------------------------------------- kept, but not evaluated


LOCAL = "codes: [{system: L, code: PSA1, analyte: psa}]\n"


@pytest.mark.parametrize("value", ["1", "2", "3", "4", "5", "6"])
def test_a_mapped_code_wins_over_the_unmapped_one(ward: Any, value: str) -> None:
    """Of equal issue the content's digest decides; a repaired reading must not depend on it."""
    deliver(ward, oru(psa(value, code="PSA1^PSA^L"), pid="1^^^HOSP^MR"))
    assert [one.analyte for one in results(ward)] == [None]
    (heap,) = letters(ward).unevaluated(Choice())
    assert (heap.reason, heap.source) == ("unmapped_code", "folder")
    found = again(ward, sources(LOCAL), reasons=frozenset({"unmapped_code"}))
    assert (found.letters, found.facts) == (0, 1)
    taken(ward, found)
    (fact,) = results(ward)
    assert (fact.analyte, str(fact.value), fact.source) == ("psa", value, "HOSP/LAB")
    assert letters(ward).unevaluated(Choice()) == []
    assert again(ward, sources(LOCAL)).records == []


def test_a_unit_that_is_known_now_is_evaluated(ward: Any) -> None:
    deliver(ward, oru(psa("3", unit="Nanogramm"), psa("1"), pid="1^^^HOSP^MR"))
    assert [one.reason for one in letters(ward).unevaluated(Choice())] == ["unknown_unit"]
    assert again(ward, ANYBODY, reasons=frozenset({"unknown_unit"})).records == []
    taken(ward, again(ward, sources("units: {Nanogramm: ng/mL}\n")))
    assert [one.unit for one in results(ward)] == ["ng/mL", "ng/mL"]


def test_a_second_repair_wins_over_the_first(ward: Any) -> None:
    deliver(ward, oru(psa("3", code="PSA1^PSA^L"), pid="1^^^HOSP^MR"))
    taken(ward, again(ward, sources("codes: [{code: PSA1, analyte: alt}]\n")))
    assert [one.analyte for one in results(ward)] == ["alt"]
    assert [one.reason for one in letters(ward).unevaluated(Choice())] == ["unknown_unit"]
    taken(ward, again(ward, sources(LOCAL)))
    assert [one.analyte for one in results(ward)] == ["psa"]


def test_another_time_zone_does_not_bring_back_the_first_reading(ward: Any) -> None:
    deliver(ward, oru(psa("3", code="PSA1^PSA^L"), pid="1^^^HOSP^MR", at="20200601120000"))
    taken(ward, again(ward, sources(LOCAL + "time_zone: Asia/Tokyo\n")))
    assert [one.analyte for one in results(ward)] == ["psa"]


@pytest.mark.parametrize("at", ["20200601120000", "20200602120000"])
def test_a_correction_is_never_overtaken_by_what_it_corrects(ward: Any, at: str) -> None:
    """The same issue or a later one; the correction itself is read again, or not."""
    code = "PSA1^PSA^L"
    first = oru(psa("3", code=code), pid="1^^^HOSP^MR", at="20200601120000")
    second = oru(psa("7", "C", code=code), pid="1^^^HOSP^MR", at=at)
    deliver(ward, first)
    deliver(ward, second, at=LATER)
    taken(ward, again(ward, sources(LOCAL)))
    (fact,) = results(ward)
    assert (fact.analyte, str(fact.value), fact.status) == ("psa", "7", "corrected")


def test_only_the_first_message_read_again_leaves_the_correction_alone(ward: Any) -> None:
    code = "PSA1^PSA^L"
    first = oru(psa("3", code=code), "ST|X^x^L||?||||||F", pid="1^^^HOSP^MR")
    deliver(ward, first)
    deliver(ward, oru(psa("7", "C", code=code), pid="1^^^HOSP^MR"), at=LATER)
    declared = sources(LOCAL + 'values: {"?": indeterminate}\n')
    found = again(ward, declared, reasons=frozenset({"no_value"}))
    taken(ward, found)
    assert [str(one.value) for one in results(ward) if one.value is not None] == ["7"]


def test_a_withdrawn_result_stays_withdrawn(ward: Any) -> None:
    code = "PSA1^PSA^L"
    deliver(ward, oru(psa("3", code=code), pid="1^^^HOSP^MR", at="20200601120000"))
    deliver(ward, oru(psa("", "W", code=code), pid="1^^^HOSP^MR", at="20200601130000"), at=LATER)
    assert results(ward) == []
    taken(ward, again(ward, sources(LOCAL)))
    assert results(ward) == []


def test_a_fact_keeps_the_source_under_which_it_came(ward: Any) -> None:
    deliver(ward, oru(psa("3", code="PSA1^PSA^L"), pid="1^^^HOSP^MR"))
    renamed = Sources((source_of(read_profile(f"name: north\n{LOCAL}", "p.yaml")),))
    taken(ward, again(ward, renamed))
    assert [(one.source, one.analyte) for one in results(ward)] == [("HOSP/LAB", "psa")]


def test_a_fact_is_not_given_to_another_patient(ward: Any) -> None:
    deliver(ward, oru(psa("3", code="PSA1^PSA^L"), pid="1^^^HOSP^MR"))
    moved = sources(LOCAL + "identity: {authorities: {HOSP: OTHER}}\n")
    found = again(ward, moved)
    assert (found.records, found.untried) == ([], {"identity_would_change": 1})
    assert again(ward, Sources((replace(moved.declared[0], senders=_STRANGERS),))).untried


# ---------------------------------------------------------------- beside a running process


def test_without_a_running_process_it_is_done_here(ward: Any, rules: Rules) -> None:
    deliver(ward, *RISING)
    ward.store.close()
    folder = ward.store.path.parent
    found = reread(letters_of(folder), Choice(), sources(WITH_AUTHORITY))
    assert replay(folder, found, lambda: rules, ward.clock, wait=0) is Taken.HERE
    assert ward.book.counts()["facts"] == 4
    none = reread(letters_of(folder), Choice(), sources(WITH_AUTHORITY))
    assert replay(folder, none, lambda: rules, ward.clock, wait=0) is Taken.NOTHING


def test_no_time_passes_while_nobody_reads_the_feeds(ward: Any, rules: Rules) -> None:
    """What waits in a folder may answer what would fall due; only `salvage run` lets time pass."""
    deliver(ward, RADIOTHERAPY, *RISING)
    now = ward.runtime.now
    ward.store.close()
    folder = ward.store.path.parent
    found = reread(letters_of(folder), Choice(), sources(WITH_AUTHORITY))
    replay(folder, found, lambda: rules, ward.clock, wait=0)
    assert ward.store.path.exists()
    assert Letters(ward.store.path).chosen(Choice()) == []
    assert now <= int(meta(ward, "now")) < LATER


def meta(ward: Any, key: str) -> str:
    rows = Letters(ward.store.path)._rows("SELECT value FROM meta WHERE key = ?", (key,))  # noqa: SLF001
    return str(rows[0][0])


def test_other_rules_judge_nothing_here(
    ward: Any, rules: Rules, open_ward: Callable[..., Any]
) -> None:
    """What was queued is taken by the next one with the right rules."""
    deliver(ward, *RISING)
    ward.store.close()
    folder = ward.store.path.parent
    found = reread(letters_of(folder), Choice(), sources(WITH_AUTHORITY))
    assert replay(folder, found, lambda: rules[1:], ward.clock, wait=0) is Taken.WAITING
    assert ward.book.counts()["facts"] == 0
    again = open_ward(name="salvage")
    again.clock.set(LATER)
    (batch,) = ReplayFeed(folder, again.store, again.clock).batches()
    assert [one.waited for one in batch] == [True] * len(RISING)
    again.runtime.take(batch)
    assert ward.book.counts()["facts"] == len(RISING)


def test_a_running_process_takes_it_up(ward: Any) -> None:
    deliver(ward, RADIOTHERAPY, *RISING)
    folder = ward.store.path.parent
    found = reread(letters_of(folder), Choice(), sources(WITH_AUTHORITY))
    stop = Stop()
    feed = ReplayFeed(folder, ward.store, ward.clock)
    pump = Pump(ward.runtime, feed, stop, Health(time.monotonic))
    running = threading.Thread(target=pump.for_ever)
    with owned(folder):
        never = replay(folder, replace_records(found), _no_rules, ward.clock, wait=0.1)
        assert never is Taken.WAITING
        running.start()
        assert replay(folder, found, _no_rules, ward.clock, wait=20) is Taken.THERE
        stop.ask()
        running.join(20)
    assert ward.book.counts()["facts"] == 5
    assert "PROST-PHOENIX" in {one.rule for one in ward.told}


def replace_records(found: Findings) -> Findings:
    return replace(found, records=found.records[:1])


def _no_rules() -> Rules:
    raise AssertionError("the running process has its own rules")


def test_a_replay_that_can_not_be_written_says_so(ward: Any, tmp_path: Path) -> None:
    deliver(ward, RISING[0])
    found = again(ward, sources(WITH_AUTHORITY))
    with pytest.raises(Unavailable):
        append(tmp_path / "nowhere", found.records)


def test_a_store_of_another_version_is_not_read(ward: Any) -> None:
    ward.store.close()
    with pytest.raises(OperatorError, match="there is no store"):
        letters_of(ward.store.path.parent / "nowhere")
    with sqlite3.connect(ward.store.path) as db:
        db.execute("PRAGMA user_version=1")
    with pytest.raises(OperatorError, match="another version"):
        letters_of(ward.store.path.parent)


# ---------------------------------------------------------------- what operations see


def test_open_letters_and_their_age_are_metrics(ward: Any, rules: Rules) -> None:
    metrics = Metrics(ward.book)
    ward.runtime = Runtime(ward.store, rules, ManualClock(LATER), observe=metrics.observe)
    ward.runtime.start()
    deliver(ward, *RISING)
    page = metrics.exposition().decode()
    assert 'salvage_dead_letters_total{reason="unmapped_patient"} 4.0' in page
    assert 'salvage_dead_letters_open{reason="unmapped_patient"} 4.0' in page
    oldest = 'salvage_dead_letter_oldest_timestamp_seconds{reason="unmapped_patient"} 1.7e+09'
    assert oldest in page
    taken(ward, again(ward, sources(WITH_AUTHORITY)))
    assert "salvage_dead_letters_open{" not in metrics.exposition().decode()


def test_the_choice_of_letters(ward: Any) -> None:
    deliver(ward, RISING[0])
    deliver(ward, b"{}", at=LATER)
    found = letters(ward)
    every = found.chosen(Choice())
    assert {one.letter.raw for one in every} == {""}
    assert len(every) == 2
    assert found.chosen(Choice(since=LATER)) == every[1:]
    assert found.chosen(Choice(reasons=frozenset({"unmapped_patient"}))) == every[:1]
    assert found.chosen(Choice(source="nobody")) == []
    assert found.chosen(Choice(id=every[0].letter.id[:10])) == every[:1]
    assert [(heap.reason, heap.count, heap.oldest) for heap in found.heaps(Choice())] == [
        ("missing_field", 1, LATER),
        ("unmapped_patient", 1, RECEIVED),
    ]
    assert found.chosen(Choice(), raw=True)[0].letter.raw_bytes() == RISING[0]
    assert instant(as_utc(every[0].letter.received_at)) == RECEIVED
