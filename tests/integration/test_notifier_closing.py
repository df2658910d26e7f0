"""What the record hears when a case is closed: an end to the work that it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest
from support.cases import DAY, HOUR
from support.notifying import COURSE_ID, PATIENT, Bench, Scripted, premises, told, treatment

from schemas.actions import Disposition
from schemas.alerts import Severity, State
from services.notifier.cases.commands import Acknowledge, Dispose
from services.notifier.channels.contract import Kind, temporary
from services.notifier.service.inputs import asked

if TYPE_CHECKING:
    from pathlib import Path

    from services.notifier.channels.contract import Message
    from services.notifier.store.database import Database


@dataclass
class Chart(Scripted):
    """A record that is given work, and told when it is over."""

    closes: Literal[True] = True


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Bench:
    """A site with a record that keeps work, and one that keeps documents."""
    chart, papers = Chart("chart", frozenset()), Scripted("papers", frozenset())
    return Bench(database, premises(tmp_path / "teams", chart, papers))


def closed(bench: Bench, name: str = "chart") -> list[Message]:
    return [one for one in bench.got(name) if one.kind is Kind.CLOSED]


def answer(bench: Bench, given: Acknowledge | Dispose, course: str | None = None) -> None:
    bench.take(asked(PATIENT, course, given, f"{type(given).__name__}-{bench.now.isoformat()}"))
    bench.settle()


DONE = Dispose(by="anne", disposition=Disposition.SALVAGE_REFERRED)


def test_a_disposition_ends_all_that_was_written_of_the_case(bench: Bench) -> None:
    bench.take(told())
    bench.settle()
    bench.now += HOUR
    bench.take(told(State.RETRACTED, revision=2), told(name="a2"))
    bench.settle()
    answer(bench, DONE)
    (end,) = closed(bench)
    before = [one.key for one in bench.got("chart") if one.kind is not Kind.CLOSED]
    assert len(before) == 3, "an alert, its retraction, another alert"
    assert set(end.corrects) == set(before)
    assert end.record is not None
    assert end.record.disposition is Disposition.SALVAGE_REFERRED
    assert end.record.closed_at == bench.now
    assert closed(bench, "papers") == [], "a document stays what it was"
    assert closed(bench, "mail") == closed(bench, "bell") == []


def test_an_event_of_the_record_ends_it_too(bench: Bench) -> None:
    bench.take(treatment(), told(course=COURSE_ID))
    bench.settle()
    bench.now += DAY / 4
    bench.take(treatment("t2", course="C2", line=2, at=bench.now))
    bench.settle()
    (end,) = closed(bench)
    assert end.record is not None
    assert (end.record.settled, end.record.disposition) == (True, None)


def test_a_case_that_opens_again_is_not_ended_by_what_is_late(bench: Bench) -> None:
    """The server was away while the case was closed, and news came."""
    bench.take(told())
    bench.settle()
    chart = bench.channel("chart")
    chart.always = temporary("away")
    answer(bench, DONE)
    bench.take(told(name="a2"))
    bench.settle()
    chart.always = Chart("x", frozenset()).always
    bench.pass_time(HOUR / 2)
    news = next(one for one in chart.got if one.kind is Kind.ALERT and one is not chart.got[0])
    assert news.record is not None
    assert {key for one in closed(bench) for key in one.corrects} == {chart.got[0].key}


def test_what_nobody_was_told_of_has_no_work_to_end(bench: Bench) -> None:
    bench.take(told(severity=Severity.ADVISORY))
    bench.settle()
    bench.take(told(State.RETRACTED, Severity.ADVISORY, revision=2))
    bench.settle()
    assert not bench.case().is_open
    assert bench.got("chart") == []
