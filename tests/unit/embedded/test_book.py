"""The read side: what pages see, merged patients included."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from schemas.events import EVENT
from services.embedded.book import WardBook
from services.embedded.player import deliveries, play, sent
from services.runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.embedded.delivery import Delivery
    from services.notifier.inbox.book import Book


def psa(patient_id: str, event_id: str, day: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "observation",
        "event_id": event_id,
        "patient_id": patient_id,
        "source": "LAB",
        "effective_at": day,
        "issued_at": f"{day}T12:00:00Z",
        "analyte": "psa",
        "value": value,
        "unit": "ng/mL",
        **more,
    }


JAN_9 = {"issued_at": "2024-01-09T12:00:00Z"}


def merge(of: str, into: str | None, day: str) -> dict[str, Any]:
    fact = {
        "type": "patient",
        "event_id": "merge",
        "patient_id": of,
        "source": "ADT",
        "effective_at": day,
        "issued_at": f"{day}T12:00:00Z",
    }
    return fact | ({"merged_into": into} if into else {"status": "entered-in-error"})


def feed(ward: Any, facts: Sequence[dict[str, Any]]) -> None:
    events = [EVENT.validate_python(fact) for fact in facts]
    for _ in play(deliveries(map(sent, events)), ward.runtime, ward.clock):
        pass


def ids(book: WardBook, patient_id: str) -> list[str]:
    return [event.event_id for event in book.events(patient_id)]


def test_it_keeps_the_pages_protocol(open_ward: Callable[..., Any]) -> None:
    book: Book = open_ward().book  # mypy holds WardBook to the port
    assert book.alerts() == []
    assert book.journal("none") == []
    assert book.events("nobody") == []
    assert book.undecided("nobody") == []
    assert book.latest_sequence() == 0
    assert set(book.counts()) >= {"facts", "patients", "alerts", "dead_letters", "undecided"}


def test_alerts_are_the_latest_revisions_newest_first(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    alerts = ward.book.alerts()
    assert len({alert.alert_id for alert in alerts}) == len(alerts) == ward.book.counts()["alerts"]
    assert alerts[0] == ward.told[-1]
    for alert in alerts:
        journal = ward.book.journal(alert.alert_id)
        assert journal[-1] == alert
        assert [one.revision for one in journal] == list(range(1, len(journal) + 1))
    assert ward.book.latest_sequence() == len(ward.told)


def test_events_are_the_latest_standing_versions(open_ward: Callable[..., Any]) -> None:
    ward = open_ward()
    feed(
        ward,
        [
            psa("A|1", "a", "2024-01-02", "1"),
            psa(
                "A|1", "a", "2024-01-02", "2", status="corrected", issued_at="2024-01-09T12:00:00Z"
            ),
            psa("A|1", "b", "2024-01-01", "3"),
            psa("A|1", "c", "2024-01-03", "4"),
            psa(
                "A|1", "c", "2024-01-03", "4", status="cancelled", issued_at="2024-01-04T12:00:00Z"
            ),
        ],
    )
    found = ward.book.events("A|1")
    assert [(event.event_id, str(event.value)) for event in found] == [("b", "3"), ("a", "2")]


def test_versions_are_all_that_was_said(open_ward: Callable[..., Any]) -> None:
    ward = open_ward()
    corrected = psa("HOSP|1", "one", "2024-01-02", "0.3", status="corrected", **JAN_9)
    feed(
        ward,
        [psa("HOSP|1", "one", "2024-01-02", "3"), corrected, psa("HOSP|2", "x", "2024-01-03", "1")],
    )
    assert [one.value for one in ward.book.versions("HOSP|1")] == [3, Decimal("0.3")]


def test_merged_records_are_read_as_one_until_the_merge_is_taken_back(
    open_ward: Callable[..., Any],
) -> None:
    ward = open_ward()
    feed(ward, [psa("A|1", "a", "2024-01-01", "1"), psa("A|2", "b", "2024-01-02", "1")])
    assert ward.book.counts()["patients"] == 2
    feed(ward, [merge("A|1", "A|2", "2024-02-01")])
    assert set(ids(ward.book, "A|1")) == set(ids(ward.book, "A|2")) == {"a", "b", "merge"}
    assert ward.book.counts()["patients"] == 1
    ward = open_ward()
    assert set(ids(ward.book, "A|1")) == {"a", "b", "merge"}
    feed(ward, [merge("A|1", None, "2024-03-01")])
    assert (ids(ward.book, "A|1"), ids(ward.book, "A|2")) == (["a"], ["b"])
    assert ward.book.counts()["patients"] == 2


def test_undecided_says_what_the_engine_says(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    expected = {
        (one.patient_id, one.rule, one.doubt.fact.event.event_id, one.doubt.reason)
        for one in ward.runtime._standing()._monitor.undecided()  # noqa: SLF001
    }
    found = {
        (patient, one.rule, one.event_id, one.reason)
        for patient in {fact[0] for fact in expected}
        for one in ward.book.undecided(patient)
    }
    assert found == expected != set()
    assert sum(ward.book.undecided_by_rule().values()) == ward.book.counts()["undecided"]


def test_readers_see_the_committed_state_while_a_batch_is_written(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.take(script[:50])
    before = ward.book.counts()
    with ward.store.transaction():
        ward.store.set_meta("now", "1")
        ward.store._db.execute("DELETE FROM facts")  # noqa: SLF001
        assert ward.book.counts() == before
        ward.store._db.execute("INSERT INTO facts SELECT * FROM facts")  # noqa: SLF001


def test_a_reader_can_not_write_and_says_when_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        WardBook(tmp_path / "none.sqlite").alerts()
    assert not (tmp_path / "none.sqlite").exists()
