"""What the notifier does with the canary: one channel hears of it, nobody else, and nothing stays.

Each test also says what is told of anybody else, or it could not fail.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select
from support.notifying import COURSE_ID, PATIENT, Bench, Scripted, premises, told, treatment

from schemas.alerts import AlertRevision, State
from schemas.canary import AUTHORITY, CHANNEL, CONDITION, RULE, sign
from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.contract import Kind, permanent
from services.notifier.research.settings import Sharing
from services.notifier.service.canary import DESK, KEPT
from services.notifier.service.feedback import judge_rules
from services.notifier.service.metrics import NotifierMetrics
from services.notifier.store import shelf
from services.notifier.store.overview import outcomes, overview
from services.notifier.store.tables import (
    ACTIONS,
    ATTEMPTS,
    CASES,
    COURSES,
    DIGESTS,
    FINDINGS,
    INPUTS,
    NOTICES,
    PATIENTS,
    RESEARCH,
    STANDINGS,
    TIMINGS,
)

if TYPE_CHECKING:
    from pathlib import Path

    from services.notifier.store.database import Database

CANARY = f"{AUTHORITY}|SWC1"
SHOWN = (CASES, FINDINGS, ACTIONS, TIMINGS, DIGESTS, RESEARCH, STANDINGS, COURSES)
"""What pages, digests, statistics, the research feed and hand-overs are made of."""
SHARING = Sharing(frozenset({RULE, "RULE-a1"}), frozenset({CONDITION, "cml"}), 182, b"k" * 32)


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Bench:
    """With the reserved channel, which could carry everything, and a chart."""
    reserved, chart = Scripted(CHANNEL, frozenset(Strength)), Scripted("chart", frozenset())
    return Bench(database, premises(tmp_path / "teams", reserved, chart, sharing=SHARING))


def canary(bench: Bench, revision: int = 1, state: State = State.CONFIRMED, **more: Any) -> Any:
    """A revision of the canary's alert, of this moment."""
    about: dict[str, Any] = {"patient": CANARY, "rule": RULE, "course": "SWC1C", "name": "c1"}
    trigger = {"event_id": "e", "role": "trigger", "at": bench.now.isoformat(), "what": "psa"}
    about |= {"at": bench.now, "evidence": [trigger], "revision": revision, **more}
    return told(state, **about)


def begun(at: Any) -> Any:
    """The treatment that the canary's course begins with."""
    said = treatment("t9", course="SWC1C", condition=CONDITION, at=at, patient_id=CANARY)
    return said._replace(patient_id=CANARY)


def counts(bench: Bench, *tables: Any) -> list[int]:
    return [bench.rows(select(func.count()).select_from(one))[0][0] for one in tables]


def everybody(bench: Bench) -> int:
    """How many messages people and the chart got."""
    return sum(len(bench.got(name)) for name in ("mail", "bell", "phone", "chart"))


def test_it_is_told_by_its_channel_and_by_no_other(bench: Bench) -> None:
    one = canary(bench)
    bench.take(begun(bench.now), one)
    bench.settle()
    (message,) = bench.got(CHANNEL)
    assert (message.kind, message.recipient, message.reference) == (Kind.TEST, DESK, sign(one))
    assert message.record is None
    assert everybody(bench) == 0
    bench.take(canary(bench, 2, State.RETRACTED))
    bench.pass_time(timedelta(days=3), timedelta(hours=6))
    assert len(bench.got(CHANNEL)) == 1, "what was taken back is not told"
    assert everybody(bench) == 0


def test_nothing_is_there_of_it_that_anybody_could_be_shown(bench: Bench) -> None:
    bench.take(begun(bench.now), canary(bench))
    bench.settle()
    assert counts(bench, *SHOWN) == [0] * len(SHOWN)
    bench.take(treatment(), told(course=COURSE_ID))
    assert counts(bench, CASES, FINDINGS, TIMINGS, RESEARCH, COURSES) == [1] * 5


def test_no_figure_knows_of_it(bench: Bench) -> None:
    bench.take(begun(bench.now), canary(bench))
    bench.settle()
    judge_rules(bench.database, bench.now)
    with bench.database.transaction() as connection:
        seen, became = overview(connection, bench.now), outcomes(connection)
    assert (seen.open_cases, seen.overdue, seen.inputs, seen.failing) == ({}, {}, 0, 0)
    assert (seen.unpublished, seen.demoted) == (0, frozenset())
    assert (became.dispositions, became.waits) == ({}, ())


def test_its_deliveries_hide_nobodys(bench: Bench) -> None:
    """Or a channel to people that fails would not be noticed while the canary's works."""
    registry = CollectorRegistry()
    watched = NotifierMetrics(registry, bench.house.channels)
    bench.house = replace(bench.house, observer=watched)
    bench.take(canary(bench))
    bench.settle()
    about = {"channel": CHANNEL, "kind": "test", "outcome": "delivered"}
    name = "salvage_notifier_deliveries_total"
    assert registry.get_sample_value(name, {**about, "to": "canary"}) == 1
    assert registry.get_sample_value(name, {**about, "to": "people"}) is None


def test_a_refusal_is_passed_on_to_nobody(bench: Bench) -> None:
    bench.channel(CHANNEL).always = permanent("no")
    bench.take(canary(bench))
    bench.pass_time(timedelta(days=1), timedelta(hours=6))
    assert len(bench.got(CHANNEL)) == 1
    assert everybody(bench) == 0
    assert bench.rows(select(NOTICES.c.state)) == [("failed",)]


def test_without_its_channel_it_is_let_go(bench: Bench) -> None:
    others = tuple(one for one in bench.house.channels if one.name != CHANNEL)
    bench.house = replace(bench.house, channels=others)
    bench.take(canary(bench))
    bench.settle()
    assert everybody(bench) == 0
    assert counts(bench, NOTICES) == [0]
    assert counts(bench, INPUTS) == [0]


def test_nobody_else_is_told_of_anything_by_its_channel(bench: Bench) -> None:
    for name in ("mail", "bell", "phone"):
        bench.channel(name).always = permanent("no")
    bench.take(treatment(), told(course=COURSE_ID))
    bench.pass_time(timedelta(hours=6))
    assert everybody(bench) > 1
    assert bench.got(CHANNEL) == []
    reserved = bench.house.channel(CHANNEL)
    assert reserved is not None
    alone = replace(bench.house, channels=(reserved,))
    assert alone.uncarried, "it counts for nobody's class of notices"
    silent = replace(bench.house, channels=(Scripted(CHANNEL, frozenset()),))
    assert silent.for_the_record == ()


@pytest.mark.parametrize(
    "about", [{"rule": "RULE-a1"}, {"patient": PATIENT}], ids=["another rule", "another patient"]
)
def test_what_is_not_all_its_own_is_anybodys(bench: Bench, about: dict[str, Any]) -> None:
    """So nothing can be hidden behind it, nor by merging somebody's record with its own."""
    bench.take(canary(bench, course=None, **about))
    bench.settle()
    assert bench.got(CHANNEL) == []
    assert everybody(bench) > 0
    assert bench.case(patient=about.get("patient", CANARY)).is_open


def test_what_is_anybodys_does_not_wait_for_what_is_its_own(bench: Bench) -> None:
    other = canary(bench, rule="RULE-a1", course=None, name="a1")
    bench.take(canary(bench), other)
    bench.settle()
    assert len(bench.got(CHANNEL)) == 1
    assert everybody(bench) > 0
    with bench.database.transaction() as connection:
        (case,) = shelf.cases_of(connection, CANARY).values()
    assert [one.rule for one in case.case.findings] == ["RULE-a1"]
    bench.now += KEPT * 2
    bench.take(canary(bench, 2))
    bench.settle()
    assert len(bench.got(CHANNEL)) == 2
    assert bench.case(patient=CANARY).case_id == case.case.case_id, "it is not tidied away"


def test_what_is_told_twice_leaves_once(bench: Bench) -> None:
    for _ in range(3):
        bench.take(canary(bench))
        bench.settle()
    assert len(bench.got(CHANNEL)) == 1


def test_what_is_old_is_not_told_any_more(bench: Bench) -> None:
    old: AlertRevision = canary(bench, at=bench.now - timedelta(minutes=11))
    bench.take(old)
    bench.settle()
    assert bench.got(CHANNEL) == []
    bench.take(canary(bench, 2))
    bench.settle()
    assert len(bench.got(CHANNEL)) == 1


def test_it_leaves_nothing_behind(bench: Bench) -> None:
    for number in range(1, 13):
        bench.take(canary(bench, number))
        bench.settle()
        bench.now += KEPT / 4
    assert len(bench.got(CHANNEL)) == 12
    assert max(counts(bench, NOTICES, ATTEMPTS)) <= 5, "a day's"
    assert counts(bench, INPUTS) == [0]
    assert counts(bench, PATIENTS)[0] <= 1
    bench.take(treatment(), told(course=COURSE_ID))
    bench.settle()
    kept = counts(bench, INPUTS, CASES)
    bench.now += KEPT * 2
    bench.take(canary(bench, 13, patient=f"{AUTHORITY}|SWC2", name="c2"))
    bench.settle()
    assert counts(bench, INPUTS, CASES) == kept, "others' stay"
    own = NOTICES.c.recipient == str(DESK)
    assert bench.rows(select(func.count()).select_from(NOTICES).where(own)) == [(1,)]
    assert bench.rows(select(func.count()).select_from(NOTICES).where(~own))[0][0] > 0
