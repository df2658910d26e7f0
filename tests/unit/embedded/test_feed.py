"""The watched folder: caught up first, then live; nothing twice, nothing lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from services.detector.adapters.replay import replay
from services.embedded.feed import FolderFeed
from services.embedded.pump import Pump
from services.runtime.errors import Unavailable
from services.runtime.pulse import STALE_SECONDS, Health
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.steady import Steady

    from schemas.events import Event
    from services.detector.engine.rule import CompiledRule

LATER = 2_000_000_000_000_000  # 2033, microseconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    return path


def pumped(ward: Any, folder: Path, steady: Steady, settle: float = 0.0) -> tuple[Pump, FolderFeed]:
    ward.clock.set(LATER)
    feed = FolderFeed(folder, ward.store, ward.clock, steady=steady, settle=settle)
    return Pump(ward.runtime, feed, Stop(), Health(steady)), feed


def test_fhir_that_appears_in_the_folder_becomes_facts(
    open_ward: Callable[..., Any], folder: Path, steady: Steady
) -> None:
    """One Bundle and one file of lines; what can't be used of them is a dead letter."""

    def psa(number: int, **more: object) -> dict[str, object]:
        code = {"coding": [{"system": "http://loinc.org", "code": "2857-1"}]}
        subject = {"identifier": {"system": "HOSP", "value": "7"}}
        made = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": code}
        measured = {"value": number, "unit": "ng/mL"}
        when = "2024-01-05"
        return made | {
            "subject": subject,
            "effectiveDateTime": when,
            "valueQuantity": measured,
            **more,
        }

    entries = [{"resource": psa(1)}, {"resource": psa(2)}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (folder / "bundle.json").write_text(json.dumps(bundle, indent=1))
    lines = (psa(3), psa(4, status="perhaps"))
    (folder / "lines.ndjson").write_text("\n".join(map(json.dumps, lines)))
    ward = open_ward(())
    pump, _ = pumped(ward, folder, steady)
    for _ in range(2):
        assert pump.once()
        assert ward.book.counts()["facts"] == 3
        assert [(reason, count) for reason, count, _ in ward.book.open_letters()] == [
            ("bad_status", 1)
        ]
    assert {event.patient_id for event in ward.book.events("HOSP|7")} == {"HOSP|7"}


def test_what_waited_says_what_the_replay_says(
    open_ward: Callable[..., Any],
    folder: Path,
    steady: Steady,
    events: list[Event],
    rules: tuple[CompiledRule, ...],
) -> None:
    ordered = sorted(events, key=lambda event: str(event.issued_at))
    (folder / "a.jsonl").write_bytes(b"\n".join(event.to_json() for event in ordered))
    ward = open_ward()
    feed = pumped(ward, folder, steady)[1]
    for batch in feed.batches():
        ward.runtime.take(batch)
    assert not feed.catching_up
    expected = replay(events, rules).revisions
    assert {one.digest for one in ward.told} == {one.digest for one in expected}
    assert {one.at for one in ward.told} == {one.at for one in expected}


def test_no_time_passes_before_everything_that_waited_is_read(
    open_ward: Callable[..., Any], folder: Path, steady: Steady, lines: list[bytes]
) -> None:
    """A file is only read when it has settled; till then nothing may be called overdue."""
    (folder / "a.jsonl").write_bytes(b"\n".join(lines))
    ward = open_ward()
    pump, feed = pumped(ward, folder, steady, settle=2.0)
    assert pump.once()
    assert feed.catching_up
    assert ward.told == []
    steady.seconds = 2.0
    assert pump.once()
    assert not feed.catching_up
    assert ward.told[0].at.year == 2024
    assert ward.book.counts()["facts"] == len(set(lines))


def test_later_all_of_one_look_is_judged_as_one(
    open_ward: Callable[..., Any], folder: Path, steady: Steady, lines: list[bytes]
) -> None:
    ward = open_ward()
    pump, feed = pumped(ward, folder, steady)
    pump.once()
    (folder / "a.jsonl").write_bytes(b"\n".join(lines[:150]))
    (batch,) = feed.batches()
    (delivery,) = batch
    assert (delivery.at, delivery.waited, len(delivery.arrivals)) == (LATER, False, 150)


def test_a_batch_that_was_not_committed_comes_again(
    open_ward: Callable[..., Any],
    folder: Path,
    steady: Steady,
    lines: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "a.jsonl").write_bytes(b"\n".join(lines))
    ward = open_ward()
    pump, _ = pumped(ward, folder, steady)
    whole, calls = ward.runtime.take, []

    def take(batch: Any) -> Any:
        calls.append(batch)
        if len(calls) == 2:
            raise Unavailable("not now")
        return whole(batch)

    monkeypatch.setattr(ward.runtime, "take", take)
    assert not pump.once()
    assert pump.once()
    assert ward.book.counts()["facts"] == len(set(lines))
    assert sum(mark.records for mark in ward.store.marks()) == len(lines)


def test_a_restart_reads_nothing_twice(
    open_ward: Callable[..., Any], folder: Path, steady: Steady, lines: list[bytes]
) -> None:
    (folder / "a.jsonl").write_bytes(b"\n".join(lines))
    pumped(open_ward(), folder, steady)[0].once()
    feed = pumped(open_ward(), folder, steady)[1]
    assert list(feed.batches()) == []


def test_a_file_that_can_not_be_opened_is_reported_once(
    open_ward: Callable[..., Any], folder: Path, steady: Steady, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.jsonl").write_bytes(b"{}")

    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("services.ingest.sources.files._digest", refuse)
    ward = open_ward()
    pump, _ = pumped(ward, folder, steady)
    pump.once()
    pump.once()
    assert ward.book.counts()["dead_letters"] == 1


def test_a_folder_that_is_gone_is_trouble_and_not_the_end(
    open_ward: Callable[..., Any], folder: Path, steady: Steady
) -> None:
    ward = open_ward()
    health = Health(steady)
    feed = FolderFeed(folder, ward.store, ward.clock, steady=steady)
    pump = Pump(ward.runtime, feed, Stop(), health)
    folder.rmdir()
    assert not pump.once()
    assert health.problem() == "the watched folder cannot be read"
    folder.mkdir()
    assert pump.once()
    assert health.problem() is None


def test_a_loop_that_hangs_is_noticed(steady: Steady) -> None:
    health = Health(steady)
    steady.seconds = STALE_SECONDS
    assert health.problem() is None
    steady.seconds += 1
    assert health.problem() == "the loop has not come round for a minute"
    assert not health.hangs()  # it has not begun: taking up a large store takes its time
    health.beat()
    assert not health.hangs()
    steady.seconds += STALE_SECONDS + 1
    assert health.hangs()
