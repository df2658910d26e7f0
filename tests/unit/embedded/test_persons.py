"""Records that don't fit to what is known of persons are held, and taken once that is put right."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from schemas.deadletter import Where
from services.embedded.delivery import Delivery
from services.embedded.letters import Choice, Letters
from services.embedded.replays import ReplayFeed, append
from services.embedded.rereading import reread
from services.embedded.runtime import Runtime
from services.ingest.archive import Format, Record
from services.ingest.hl7v2.profile import STANDARD, Profile
from services.ingest.profiles.sources import ANYBODY, Sources
from services.ingest.sources.files import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000
RECEIVED = 1_709_700_000_000_000  # 2024-03-06, microseconds


def cx(name: str, kind: str = "MR") -> str:
    """`A1` as an identifier: number 1 of authority A."""
    return f"{name[1:]}^^^{name[0]}^{kind}"


def oru(*names: str, order: str = "F1", kind: str = "MR") -> bytes:
    ids = "~".join([cx(names[0]), *(cx(name, kind) for name in names[1:])])
    return "\r".join(
        (
            f"MSH|^~\\&|LAB|HOSP|||20240306100000||ORU^R01|{order}|P|2.5.1",
            f"PID|1||{ids}",
            f"OBR|1||{order}^LAB|P|||20240305" + "|" * 15 + "20240306100000",
            "OBX|1|NM|2857-1^PSA^LN||0.2|ng/mL|||||F",
        )
    ).encode()


def a40(survivor: str, retired: str, at: str = "20240306100000") -> bytes:
    return "\r".join(
        (
            f"MSH|^~\\&|ADT|HOSP|||{at}||ADT^A40|{retired}{survivor}{at}|P|2.5.1",
            f"EVN|A40|{at}",
            f"PID|1||{cx(survivor)}",
            f"MRG|{cx(retired)}",
        )
    ).encode()


def arrival(raw: bytes) -> Arrival:
    form = Format.EVENTS if raw.startswith(b"{") else Format.HL7
    return Arrival("folder", form, Record(Where(file="a", line=1), raw), None)


@pytest.fixture
def ward(open_ward: Callable[..., Any]) -> Any:
    found = open_ward((), name="salvage")
    found.clock.set(RECEIVED + 1000 * SECOND)
    return found


def deliver(ward: Any, *raws: bytes, together: bool = False) -> None:
    """Take records one by one, or as one look at a folder."""
    if together:
        ward.runtime.take([Delivery(RECEIVED, tuple(map(arrival, raws)))])
        return
    for number, raw in enumerate(raws):
        ward.runtime.take([Delivery(RECEIVED + number * SECOND, (arrival(raw),))])


def held(ward: Any) -> dict[str, int]:
    return {reason: count for reason, count, _ in ward.book.open_letters()}


def facts(ward: Any, patient: str) -> int:
    return len(ward.book.events(patient))


def replayed(ward: Any, profile: Profile = STANDARD) -> tuple[int, int]:
    """Read all letters again, as `salvage deadletters replay` does: tried, and closed."""
    folder = ward.store.path.parent
    sources = Sources.of(profile) if profile is not STANDARD else ANYBODY
    found = reread(Letters(ward.store.path), Choice(), sources)
    append(folder, found.records)
    for batch in ReplayFeed(folder, ward.store, ward.clock).batches():
        ward.runtime.take(batch)
    return found.letters, found.closed


# ---------------------------------------------------------------- identifiers


@pytest.mark.parametrize("together", [False, True])
def test_identifiers_of_two_known_patients_are_held(ward: Any, together: bool) -> None:  # noqa: FBT001
    both = oru("A1", "B7", order="F3")
    deliver(ward, oru("A1"), oru("B7", order="F2"), both, together=together)
    assert held(ward) == {"identity_conflict": 1}
    assert (facts(ward, "A|1"), facts(ward, "B|7")) == (1, 1)


ACCEPTED = {
    "one patient by one identifier": [("A1",), ("A1",)],
    "always the same two": [("A1", "B7"), ("A1", "B7"), ("A1",)],
    "a further identifier": [("A1",), ("A1", "B7"), ("A1", "B7")],
    "a new patient who is known elsewhere": [("B7",), ("A1", "B7"), ("A1", "B7")],
    "two patients": [("A1", "B7"), ("A2", "B8")],
    "the same twice": [("A1", "A1")],
}
HELD = {
    "two patients of one authority, an identifier of either": [("A1", "B7"), ("A2", "B7")],
    "known, with another's": [("A1", "B7"), ("A2",), ("A2", "B7")],
    "two numbers of one authority": [("A1",), ("A2",), ("A1", "A2")],
    "as before, the other way round": [("A1", "B7"), ("B7", "A1")],
}


@pytest.mark.parametrize("story", ACCEPTED.values(), ids=ACCEPTED)
def test_what_contradicts_nothing_is_taken(ward: Any, story: list[tuple[str, ...]]) -> None:
    deliver(ward, *(oru(*names, order=f"F{n}") for n, names in enumerate(story)))
    assert held(ward) == {}
    assert ward.book.counts()["facts"] == len(story)


@pytest.mark.parametrize("story", HELD.values(), ids=HELD)
def test_what_contradicts_is_held_and_the_rest_taken(
    ward: Any, story: list[tuple[str, ...]]
) -> None:
    deliver(ward, *(oru(*names, order=f"F{n}") for n, names in enumerate(story)))
    assert held(ward) == {"identity_conflict": 1}
    assert ward.book.counts()["facts"] == len(story) - 1


def test_a_family_s_card_names_nobody(ward: Any) -> None:
    """An insurer's number is not of a type that names patients; a profile may say otherwise."""
    first, second = oru("A1", "C5", kind="HC"), oru("A2", "C5", order="F2", kind="HC")
    deliver(ward, first, second)
    assert held(ward) == {}


def test_where_a_profile_names_the_authorities_any_type_counts(
    open_ward: Callable[..., Any],
) -> None:
    ward = open_ward((), name="salvage")
    profile = Profile(persons=frozenset({"A", "C"}))
    ward.runtime = Runtime(ward.store, (), ward.clock, sources=Sources.of(profile))
    deliver(ward, oru("A1", "C5", kind="XX"), oru("A2", "C5", order="F2", kind="XX"))
    assert held(ward) == {"identity_conflict": 1}


def test_a_merge_resolves_the_conflict(ward: Any) -> None:
    deliver(ward, oru("A1"), oru("B7", order="F2"), oru("A1", "B7", order="F3"))
    assert replayed(ward) == (1, 0), "nothing has changed"
    assert held(ward) == {"identity_conflict": 1}
    deliver(ward, a40("A1", "B7"))
    assert replayed(ward) == (1, 1)
    assert held(ward) == {}
    assert facts(ward, "A|1") == 3 + 1  # and the merge itself
    deliver(ward, oru("A1", "B7", order="F4"))
    assert held(ward) == {}


def test_a_profile_that_names_the_authority_resolves_it_too(ward: Any) -> None:
    deliver(ward, oru("A1"), oru("B7", order="F2"), oru("A1", "B7", order="F3"))
    assert replayed(ward, Profile(persons=frozenset({"A"}))) == (1, 1)
    assert (held(ward), facts(ward, "A|1"), facts(ward, "B|7")) == ({}, 2, 1)


def test_what_was_accepted_once_is_accepted_again(ward: Any) -> None:
    story = [oru("A1", "B7"), oru("B7", order="F2"), oru("A1", "B7")]
    deliver(ward, *story)
    assert (held(ward), ward.book.counts()["facts"]) == ({}, 2)


def test_identities_outlive_the_process(open_ward: Callable[..., Any]) -> None:
    deliver(open_ward(()), oru("A1", "B7"), oru("A2", order="F2"))
    ward = open_ward(())
    deliver(ward, oru("A2", "B7", order="F3"))
    assert held(ward) == {"identity_conflict": 1}


def test_patients_of_an_older_store_are_known(open_ward: Callable[..., Any]) -> None:
    ward = open_ward(())
    deliver(ward, oru("A1"), oru("B7", order="F2"))
    with closing(sqlite3.connect(ward.store.path)) as older:
        older.executescript("DROP TABLE persons; DROP TABLE documents; PRAGMA user_version = 2")
        older.execute("ALTER TABLE alerts DROP COLUMN trace")
    ward = open_ward(())
    deliver(ward, oru("A1", "B7", order="F3"))
    assert held(ward) == {"identity_conflict": 1}


def test_what_an_older_replay_left_is_taken(ward: Any) -> None:
    """Its file never heard of identities."""
    deliver(ward, oru("A1"), oru("B7", order="F2"), oru("A1", "B7", order="F3"), a40("A1", "B7"))
    folder = ward.store.path.parent
    append(folder, reread(Letters(ward.store.path), Choice(), ANYBODY).records)
    with closing(sqlite3.connect(folder / "replays.sqlite")) as older:
        older.execute("DROP TABLE papers")
    for batch in ReplayFeed(folder, ward.store, ward.clock).batches():
        ward.runtime.take(batch)
    assert (held(ward), facts(ward, "A|1")) == ({}, 4)


def test_patients_of_other_formats_are_known_too(ward: Any) -> None:
    fact = {
        "type": "observation",
        "event_id": "x",
        "patient_id": "B|7",
        "source": "EHR",
        "effective_at": "2024-01-01",
        "analyte": "psa",
        "value": "1",
        "unit": "ng/mL",
    }
    deliver(ward, json.dumps(fact).encode(), oru("A1"), oru("A1", "B7", order="F2"))
    assert held(ward) == {"identity_conflict": 1}


# ---------------------------------------------------------------- merges


CIRCLES = {
    "two": [("A1", "A2"), ("A2", "A1")],
    "three": [("A2", "A1"), ("A3", "A2"), ("A1", "A3")],
}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("story", CIRCLES.values(), ids=CIRCLES)
def test_a_merge_that_closes_a_circle_is_held(
    ward: Any,
    story: list[tuple[str, str]],
    together: bool,  # noqa: FBT001
) -> None:
    deliver(ward, oru("A1"), *(a40(*pair) for pair in story), together=together)
    assert held(ward) == {"merge_unresolved": 1}
    assert ward.book.counts()["facts"] == len(story), "the merges before it, and the result"


def test_merges_in_a_chain_are_none(ward: Any) -> None:
    deliver(ward, oru("A1"), a40("A2", "A1"), a40("A3", "A2"), a40("A2", "A1"))
    assert (held(ward), facts(ward, "A|3")) == ({}, 3)


def test_a_record_that_is_merged_elsewhere_is_no_circle(ward: Any) -> None:
    """The later merge of a record replaces the former one."""
    deliver(ward, a40("A2", "A1"), a40("A3", "A1", "20240307100000"), a40("A3", "A2"))
    assert held(ward) == {}


def test_one_message_may_not_close_a_circle_by_itself(ward: Any) -> None:
    both = a40("A1", "A2") + b"\rPID|1||" + cx("A2").encode() + b"\rMRG|" + cx("A1").encode()
    deliver(ward, both)
    assert held(ward) == {"merge_unresolved": 1}
    assert ward.book.counts()["facts"] == 0


def test_a_survivor_in_a_circle_of_old_is_no_survivor(ward: Any) -> None:
    """Such a circle may be stored: events of other versions, facts of two sources."""

    def merged(of: str, into: str, source: str) -> bytes:
        fact = {"type": "patient", "event_id": of, "patient_id": of, "source": source}
        at = {"effective_at": "2024-01-01", "issued_at": "2024-01-01T12:00:00Z"}
        return json.dumps(fact | at | {"merged_into": into}).encode()

    deliver(ward, merged("A|1", "A|2", "X"))
    ward.store.query(
        "INSERT INTO facts (patient_id, source, event_id, issued, status, received, raw, version,"
        " event) SELECT 'A|2', source, 'back', issued, status, received, raw, x'00',"
        " replace(replace(event, 'A|2', 'A|3'), 'A|1', 'A|2') FROM facts"
    )
    ward.store.query("UPDATE facts SET event = replace(event, 'A|3', 'A|1') WHERE version = x'00'")
    deliver(ward, a40("A1", "A9"))
    assert held(ward) == {"merge_unresolved": 1}


def test_a_merge_that_was_taken_back_stands_in_nobody_s_way(ward: Any) -> None:
    fact = {"type": "patient", "event_id": "m", "patient_id": "A|1", "source": "ADT"}
    made = fact | {"effective_at": "2024-01-01", "issued_at": "2024-01-01T12:00:00Z"}
    back = made | {"status": "entered-in-error", "issued_at": "2024-01-02T12:00:00Z"}
    deliver(ward, json.dumps(made | {"merged_into": "A|2"}).encode(), a40("A1", "A2"))
    assert held(ward) == {"merge_unresolved": 1}
    deliver(ward, json.dumps(back).encode())
    assert replayed(ward) == (1, 1)
    assert held(ward) == {}


def test_letters_of_identity_quote_nothing(ward: Any) -> None:
    deliver(ward, oru("A1"), oru("A2", order="F2"), oru("A1", "A2", order="F3"), a40("A1", "A2"))
    deliver(ward, a40("A2", "A1"))
    found = Letters(ward.store.path).chosen(Choice())
    assert {one.letter.part for one in found} == {"PID-3", "merged_into"}
    assert not any("A|" in one.letter.detail for one in found)
