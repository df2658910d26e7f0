"""Letters of a topic, what is sent again for them, and what holds wherever a replay breaks off."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import ValidationError
from support.letterlog import Killed, Log, View
from support.letters import nameless, repaired
from support.mllp import obx, oru

from schemas.deadletter import RAW_KEPT, DeadLetter, Reason, Where
from schemas.handling import Handling, Step
from schemas.topics import DEADLETTERS, EVENTS, HANDLED, OWN, RAW
from services.embedded.reading import Reading, read
from services.ingest.archive import Format
from services.ingest.coding import Rejected
from services.ingest.journal import Entry, State
from services.ingest.kafka.letters import LEASE, Book, Choice, Held, Letter
from services.ingest.kafka.mapper import Mapper
from services.ingest.kafka.records import moment, raw_record
from services.ingest.kafka.repeating import Check, original, parcels, repeated
from services.ingest.kafka.replaying import Operator, Outcome
from services.ingest.profiles.files import load_sources
from services.ingest.profiles.gating import gate_of
from services.ingest.profiles.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from services.ingest.kafka.publisher import Publisher
    from services.ingest.kafka.snapshot import Snapshot

AT = 1_772_614_800_000_000
MAPPER = Mapper(partial(read, sources=Sources()), gate_of(Sources()))
NO_OPINION = Check(MAPPER.mapped, profiles=False)


def received(log: Log, *raws: bytes, **fields: Any) -> None:
    """Messages on `clinical.raw`, mapped."""
    for n, raw in enumerate(raws):
        entry = replace(Entry(AT + n, "c", n, "NORTH/LAB", raw), **fields)
        log.publish([raw_record(entry)])
    mapped(log, MAPPER, log.topics[RAW.name][-len(raws) :])


def mapped(log: Log, mapper: Mapper, records: Iterable[Any]) -> None:
    for record in list(records):
        log.publish(mapper.mapped(record))


def operator(log: Log, book: Book | None = None) -> Operator:
    view = cast("Snapshot", View(log))
    return Operator(view, book or log.book(), log.clock, "somebody")


def replayed(log: Log, choice: Choice = Choice(), check: Check = NO_OPINION) -> Outcome:  # noqa: B008 - frozen
    book = log.book()
    made, untried = parcels(book, choice)
    done = operator(log, book).replay(made, check, cast("Publisher", log), lambda _: None)
    done.untried.update(untried)
    return done


def still_open(log: Log) -> list[Letter]:
    return log.book().letters(Choice())


@pytest.fixture
def log() -> Log:
    return Log()


# -- who may send


def handling(step: Step, attempt: str, at: int = 0, **more: Any) -> Handling:
    fields = {"letter": "L", "where": Where(), "step": step, "attempt": attempt, "by": "x"}
    return Handling.model_validate(fields | {"at": moment(AT + at)} | more)


def held(*steps: Handling) -> Held:
    letter = DeadLetter.of(b"", Reason.DEFECT, "", source="S", received_at=moment(AT))
    found = Held(letter, Where(), AT)
    for one in steps:
        found.note(one)
    return found


CLAIM, RELEASE, REPLAY = Step.CLAIMED, Step.RELEASED, Step.REPLAYED


@pytest.mark.parametrize(
    ("steps", "owner"),
    [
        ([], None),
        ([handling(CLAIM, "a")], "a"),
        ([handling(CLAIM, "a"), handling(CLAIM, "b", LEASE - 1)], "a"),
        ([handling(CLAIM, "a"), handling(CLAIM, "b", LEASE)], "b"),
        ([handling(CLAIM, "a"), handling(RELEASE, "a"), handling(CLAIM, "b")], "b"),
        ([handling(CLAIM, "a"), handling(RELEASE, "b")], "a"),
        ([handling(CLAIM, "a"), handling(REPLAY, "a", tries=2)], None),
        ([handling(CLAIM, "a"), handling(Step.DROPPED, "b", because="x")], "a"),
    ],
)
def test_of_two_claims_the_first_counts_until_it_ends(
    steps: list[Handling], owner: str | None
) -> None:
    claim = held(*steps).claim
    assert (claim.attempt if claim else None) == owner


def test_a_claim_holds_off_others_and_not_for_ever() -> None:
    claimed = held(handling(CLAIM, "a"))
    assert claimed.held_by_another("b", AT + LEASE - 1)
    assert not claimed.held_by_another("b", AT + LEASE)
    assert not claimed.held_by_another("a", AT)


def test_only_a_drop_has_a_reason_and_it_needs_one() -> None:
    with pytest.raises(ValidationError):
        handling(Step.DROPPED, "a")
    with pytest.raises(ValidationError):
        handling(REPLAY, "a", because="x")


# -- what is a letter


def test_the_same_record_mapped_twice_is_one_letter(log: Log) -> None:
    received(log, nameless())
    mapped(log, MAPPER, log.topics[RAW.name])
    (letter,) = still_open(log)
    assert (letter.times, letter.tries, letter.first) == (1, 1, None)
    assert letter.about.raw == "", "the bytes are not kept in memory"


def test_the_same_bytes_received_twice_are_one_letter_and_one_is_sent(log: Log) -> None:
    received(log, nameless(), nameless())
    (letter,) = still_open(log)
    assert (letter.times, letter.received) == (2, AT)
    assert replayed(log).records == 1
    assert still_open(log) == []
    received(log, nameless())
    assert len(still_open(log)) == 1, "received again, refused again"


def test_what_was_replayed_stays_so_when_the_mapper_repeats_itself(log: Log) -> None:
    received(log, nameless())
    replayed(log)
    mapped(log, MAPPER, log.topics[RAW.name][:1])
    assert still_open(log) == []


def test_the_same_bytes_from_another_sender_or_for_another_reason_are_other_letters(
    log: Log,
) -> None:
    received(log, nameless())
    received(log, nameless(), source="SOUTH/LAB")
    why = Rejected(Reason.UNKNOWN_SENDER, "no source profile names it", "PID-3")
    received(log, nameless(), state=State.REFUSED, refused=why)
    told = [(one.about.source, one.about.reason.value) for one in still_open(log)]
    assert sorted(told) == [
        ("NORTH/LAB", "unknown_sender"),
        ("NORTH/LAB", "unmapped_patient"),
        ("SOUTH/LAB", "unmapped_patient"),
    ]
    assert len({one.id for one in still_open(log)}) == 1


def test_what_does_not_belong_on_the_topics_is_counted_and_stops_nobody(log: Log) -> None:
    received(log, nameless())
    for topic in (DEADLETTERS.name, HANDLED.name):
        for value in (None, b"", b"\xff", b"{}"):
            log.add(topic, None, value, {"tries": "9" * 5000, "format": "x"})
    assert log.book().strange == 8
    assert replayed(log).records == 1


# -- what is sent


def test_bytes_receipt_and_sender_stay_and_the_tries_count(log: Log) -> None:
    received(log, nameless())
    replayed(log)
    first, second = log.topics[RAW.name]
    assert (second.value, second.received, second.key) == (first.value, AT, first.key)
    told = {name: second.headers[name] for name in ("state", "tries", "origin", "first")}
    (letter,) = log.book().letters(Choice(handled=True))
    assert told == {"state": "new", "tries": "2", "origin": "clinical.raw[0]@0", "first": letter.id}
    trace = [one.headers["traceparent"].split("-")[1] for one in (first, second)]
    assert trace[0] == trace[1], "still the same receipt"


def test_the_mapper_hands_on_the_links_to_letters_alone(log: Log, tmp_path: Path) -> None:
    received(log, nameless("M1", obx(), obx(2, "1", f11="?")))
    replayed(log)
    repaired_ = Mapper(partial(read, sources=load_sources([repaired(tmp_path)], None)))
    event, letter = repaired_.mapped(log.topics[RAW.name][1])
    (first,) = log.book().letters(Choice(handled=True))
    headers = dict(letter.headers)
    assert (headers["first"], headers["tries"], headers["format"]) == (first.id, "2", "hl7")
    assert not {"first", "tries"} & dict(event.headers).keys()
    assert letter.at is None, "kept for 90 days from now on, however old its message is"


def test_what_others_call_so_is_no_link(log: Log) -> None:
    """A bus may have a header `first` in which a patient's name stands."""
    headers = {"first": "Erika", "tries": "Mustermann", "reason": "Jane"}
    for topic in ("bus", RAW.name):
        made = MAPPER.mapped(log.add(topic, None, b"{", headers))
        assert not {"first", "tries"} & dict(made[-1].headers).keys()
    real = {"first": "a" * 32, "tries": "2"}
    made = MAPPER.mapped(log.add("bus", None, b"{", real))
    assert not {"first", "tries"} & dict(made[-1].headers).keys()


def test_a_document_stays_a_document_when_only_its_letter_is_left(log: Log) -> None:
    received(log, b"{}", form=Format.FHIR)
    (letter,) = still_open(log)
    log.forget(RAW.name)
    view = View(log)
    found = original(letter.held[0], view.at)
    assert found is not None
    (parcel,), _ = parcels(log.book(), Choice())
    assert dict(repeated(found, parcel).headers)["format"] == "fhir"


@pytest.mark.parametrize(("size", "is_kept"), [(RAW_KEPT, True), (RAW_KEPT + 1, False)])
def test_a_letter_that_holds_all_bytes_is_enough(log: Log, size: int, is_kept: bool) -> None:  # noqa: FBT001
    short = nameless()
    raw = short + b"NTE|1||" + b"x" * (size - len(short) - 8) + b"\r"
    assert len(raw) == size
    received(log, raw)
    log.forget(RAW.name)
    done = replayed(log)
    assert done.records == is_kept
    assert done.untried == ({} if is_kept else {"not_kept_whole": 1})
    assert len(still_open(log)) == (not is_kept)


def test_another_record_in_its_place_is_not_taken_for_it(log: Log) -> None:
    """Somebody made `clinical.raw` anew; there are other records at its places."""
    received(log, nameless("M1"))
    log.forget(RAW.name)
    log.add(RAW.name, b"k", oru("M9"), {})
    replayed(log)
    assert log.topics[RAW.name][-1].value == nameless("M1")


def letter_of(reason: Reason, part: str | None = None, topic: str | None = RAW.name) -> DeadLetter:
    where = Where(topic=topic, partition=0, offset=0) if topic else Where(file="x.hl7", line=1)
    about = {"source": "S", "received_at": moment(AT), "part": part, "where": where}
    return DeadLetter.of(b"x", reason, "", **cast("Any", about))


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (letter_of(Reason.TRUNCATED_ARCHIVE), "truncated_archive"),
        (letter_of(Reason.BROKEN_FRAME), "broken_frame"),
        (letter_of(Reason.KEY_MISMATCH, topic="bus"), "key_mismatch"),
        (letter_of(Reason.TOMBSTONE), "tombstone"),
        (letter_of(Reason.BAD_FIELD, "MSH-3"), "sender_not_allowed"),
        (letter_of(Reason.DEFECT, topic=f"{OWN}detect-inner"), "of_a_service_to_itself"),
        (letter_of(Reason.DEFECT, topic=None), "not_kept_whole"),
    ],
)
def test_what_no_profile_repairs_is_told_and_not_sent(
    letter: DeadLetter, why: str, log: Log
) -> None:
    log.add(DEADLETTERS.name, letter.id.encode(), letter.to_json(), {})
    done = replayed(log)
    assert (done.records, done.untried) == (0, {why: 1})
    assert log.topics.keys() == {DEADLETTERS.name}


def test_parts_of_a_record_come_and_go_together(log: Log) -> None:
    received(log, oru("M1", obx(1, "x", f11="?"), obx(2, "1", f11="?"), obx()))
    first, second = still_open(log)
    (parcel,), _ = parcels(log.book(), Choice(ids=(first.id,)))
    assert {one.id for one in parcel.letters} == {first.id, second.id}
    assert replayed(log, Choice(ids=(first.id,))).letters == 2
    assert still_open(log) == []


def test_what_would_be_refused_again_is_kept_back_and_released(log: Log, tmp_path: Path) -> None:
    received(log, nameless())
    done = replayed(log, check=Check(MAPPER.mapped, profiles=True))
    assert (done.records, done.refused) == (0, {"unmapped_patient": 1})
    sources = load_sources([repaired(tmp_path)], None)
    better = Mapper(partial(read, sources=sources))
    done = replayed(log, check=Check(better.mapped, profiles=True))
    assert (done.records, done.closed, done.facts) == (1, 1, 1), "nobody else holds it"


# -- the gate looks again


def test_a_replayed_message_is_held_against_the_gate_of_today(log: Log) -> None:
    late = oru("M1", f7="20300101000000+0000")
    why = Rejected(Reason.UNKNOWN_SENDER, "no source profile names it", "MSH-3")
    received(log, late, oru("M2"), state=State.REFUSED, refused=why)
    replayed(log)
    future, fine = log.topics[RAW.name][2:]
    assert dict(MAPPER.mapped(future)[0].headers)["reason"] == "impossible_date"
    assert [one.topic for one in MAPPER.mapped(fine)] == [EVENTS.name]
    blind = Mapper(partial(read, sources=Sources()))
    assert [one.topic for one in blind.mapped(future)] == [EVENTS.name], "which the reader is"


def test_a_defect_of_the_gates_is_a_letter(log: Log) -> None:
    def fails(raw: bytes, received: int) -> Any:
        raise KeyError(raw, received)

    received(log, nameless())
    replayed(log)
    mapper = Mapper(lambda _: Reading(), fails)
    (made,) = mapper.mapped(log.topics[RAW.name][1])
    assert dict(made.headers)["reason"] == "defect"
    assert mapper.mapped(log.topics[RAW.name][0]) == [], "asked at replays only"


# -- wherever it breaks off


@pytest.mark.parametrize("left", range(13))
def test_wherever_a_replay_is_killed_nothing_is_lost(
    left: int, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three records in two batches: 3 claims, 3 sends and 4 letters' records, 10 writes."""
    monkeypatch.setattr("services.ingest.kafka.replaying.MOST", 2)
    raws = [oru("M1", obx(1, "x", f11="?"), obx(2, "1", f11="?")), nameless("M2"), nameless("M3")]
    received(log, *raws)
    before = log.sent(RAW.name)
    log.left = left
    if left < 10:
        with pytest.raises(Killed):
            replayed(log)
    else:
        replayed(log)
    log.left = None
    sent = log.sent(RAW.name) - before
    for letter in log.book().letters(Choice(handled=True)):
        original_ = log.topics[RAW.name][letter.held[0].letter.where.offset or 0]
        assert letter.open or sent[original_.value], "what counts as replayed was sent"

    log.clock.set(log.clock.now() + LEASE)
    replayed(log)
    twice = log.sent(RAW.name) - before
    assert still_open(log) == []
    assert twice.keys() == {*raws}
    assert all(1 <= count <= 2 for count in twice.values()), "again at most what was under way"
    assert replayed(log).records == 0


def test_two_operators_who_begin_at_once_send_each_once(log: Log) -> None:
    """The second claims all before the first has seen its own claims: the order decides."""
    received(log, *(nameless(f"M{n}") for n in range(4)))
    books = [log.book(), log.book()]
    workers = [operator(log, book) for book in books]
    second: list[Outcome] = []

    class First(Log):
        def publish(self, records: Iterable[Any]) -> None:
            log.publish(records)
            if not second:
                second.append(run(1, log))

    def run(number: int, publisher: Log) -> Outcome:
        made, _ = parcels(books[number], Choice())
        sender = cast("Publisher", publisher)
        return workers[number].replay(made, NO_OPINION, sender, lambda _: None)

    first = run(0, First())
    assert (first.records, second[0].records, second[0].elsewhere) == (4, 0, 4)
    assert set((log.sent(RAW.name)).values()) == {2}


# -- dropped


def test_what_is_dropped_is_closed_with_its_reason_and_can_be_asked_back(log: Log) -> None:
    received(log, nameless("M1"), nameless("M2"))
    one, other = still_open(log)
    done = operator(log).drop([one], "sent by mistake", cast("Publisher", log))
    assert done.letters == 1
    assert still_open(log) == [other]
    closed = next(it for it in log.book().letters(Choice(handled=True)) if it.id == one.id)
    assert closed.end is not None
    assert (closed.end.step, closed.end.because) == (Step.DROPPED, "sent by mistake")
    assert replayed(log, Choice(ids=(one.id,))).records == 0
    assert replayed(log, Choice(ids=(one.id,), handled=True)).records == 1


def test_what_is_being_replayed_is_not_dropped(log: Log) -> None:
    received(log, nameless())
    log.left = 1
    with pytest.raises(Killed):
        replayed(log)
    log.left = None
    done = operator(log).drop(still_open(log), "x", cast("Publisher", log))
    assert (done.letters, done.elsewhere) == (0, 1)


def test_a_handling_holds_nothing_of_what_was_received(log: Log) -> None:
    received(log, nameless())
    replayed(log)
    told = json.dumps([str(one) for one in log.topics[HANDLED.name]])
    assert "4711" not in told
    assert {one.key for one in log.topics[HANDLED.name]} == {
        one.key for one in log.topics[DEADLETTERS.name]
    }
