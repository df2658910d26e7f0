"""What becomes of messages: what channels answer, what crashes leave, how the process ends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import select, update
from support.notifying import (
    PATIENT,
    Bench,
    Scripted,
    premises,
    told,
)

from schemas.alerts import State
from services.notifier.cases.words import Channel as Strength
from services.notifier.channels.contract import (
    Kind,
    Message,
    Outcome,
    delivered,
    permanent,
    temporary,
    unknown,
)
from services.notifier.service.delivery import Done
from services.notifier.service.process import Process, sent
from services.notifier.store import shelf
from services.notifier.store.database import Database, opened
from services.notifier.store.instants import micros
from services.notifier.store.tables import (
    ATTEMPTS,
    AUDIT,
    CASES,
    NOTICES,
    PATIENTS,
)
from services.runtime.clock import ManualClock
from services.runtime.errors import Unavailable
from services.runtime.shutdown import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection
    from support.postgresql import Server

MINUTE = timedelta(minutes=1)
STATES = select(NOTICES.c.state, NOTICES.c.why).order_by(NOTICES.c.seq)


# -- what channels answer


def test_what_a_channel_refuses_goes_by_another_one_at_once(bench: Bench) -> None:
    bench.channel("bell").always = permanent("no-such-device")
    bench.take(told())
    bench.settle()
    assert len(bench.got("bell")) == 1
    assert len(bench.got("phone")) == 1, "as strong or stronger"
    results = bench.rows(select(ATTEMPTS.c.channel, ATTEMPTS.c.result).order_by(ATTEMPTS.c.number))
    assert results == [("bell", "permanent"), ("phone", "delivered")]


def test_whom_no_channel_reaches_is_passed_over_at_once(bench: Bench) -> None:
    for name in ("mail", "bell", "phone"):
        bench.channel(name).always = permanent("no such address")
    bench.take(told())
    bench.settle()
    case = bench.case()
    assert str(case.owner) == "desk:ward-desk", "rung after rung, without waiting"
    whats = [row.body for row in bench.rows(select(AUDIT.c.body))]
    assert any('"undelivered"' in each for each in whats)
    assert bench.rows(STATES)[-1] == ("pending", "no channel"), "a desk is never given up"


def test_a_correction_that_no_channel_carries_goes_to_the_desk(bench: Bench) -> None:
    bench.take(told())
    bench.settle()
    bench.channel("bell").always = permanent("gone")
    bench.channel("phone").answers = [permanent("no such number")]
    bench.take(told(State.RETRACTED, revision=2))
    bench.settle()
    last = bench.got("phone")[-1]
    assert (last.kind, str(last.recipient)) == (Kind.CORRECTION, "desk:ward-desk")


def test_what_failed_for_now_is_tried_again_within_the_rung(bench: Bench) -> None:
    bench.channel("bell").answers = [temporary("busy", timedelta(minutes=2)), temporary("busy")]
    bench.take(told())
    bench.settle()
    assert len(bench.got("bell")) == 1
    bench.pass_time(MINUTE, MINUTE)
    assert len(bench.got("bell")) == 1, "it asked for two minutes"
    bench.pass_time(2 * MINUTE, MINUTE)
    first, *others = bench.got("bell")
    assert {one.key for one in others} == {first.key}
    assert not any(one.duplicate for one in others), "nothing had been taken"


def test_a_channel_that_stays_away_costs_no_more_than_the_rung(bench: Bench) -> None:
    bench.channel("bell").always = temporary("busy")
    bench.take(told())
    bench.pass_time(29 * MINUTE, MINUTE)
    tries = len(bench.got("bell"))
    assert tries > 3
    bench.pass_time(2 * MINUTE, MINUTE)
    assert str(bench.got("mail")[0].recipient) == "person:anne", "the second way"
    assert bench.rows(STATES)[0].state in ("failed", "dropped")


@pytest.mark.parametrize("answer", [unknown("timeout-after-data"), RuntimeError("a defect")])
def test_what_may_have_arrived_is_sent_again_and_says_so(
    bench: Bench, answer: Outcome | Exception
) -> None:
    bench.channel("bell").answers = [answer]
    bench.take(told())
    bench.pass_time(MINUTE, MINUTE)
    first, second = bench.got("bell")
    assert (first.key, first.duplicate) == (second.key, False)
    assert second.duplicate
    assert "may be a repeat" in second.subject
    assert "may be a repeat" in second.text


class Hanging(Scripted):
    """Never answers."""

    async def send(self, message: Message) -> Outcome:
        await asyncio.sleep(60)
        return await super().send(message)


def test_a_channel_that_hangs_is_unknown_after_its_time(bench: Bench) -> None:
    bench.take(told())
    (ready,) = bench.delivery.turn([], bench.now, {"bell": 1})
    slow = Hanging("bell", ready.channel.strengths, timeout=timedelta(milliseconds=20))
    assert asyncio.run(sent(ready._replace(channel=slow))) == unknown("timeout")


# -- crashes


def test_an_attempt_without_an_end_is_unknown_and_repeated_once_with_a_mark(bench: Bench) -> None:
    bench.take(told())
    assert len(bench.delivery.turn([], bench.now, {"bell": 1})) == 1
    # The process ends here; nobody knows whether the message left.
    bench.settle()
    assert bench.got("bell") == [], "the lease still holds"
    bench.now += timedelta(seconds=16)
    bench.settle()
    (message,) = bench.got("bell")
    assert message.duplicate
    results = bench.rows(select(ATTEMPTS.c.result).order_by(ATTEMPTS.c.number))
    assert results == [("unknown",), ("delivered",)]


def test_what_arrived_late_is_not_repeated(bench: Bench) -> None:
    from services.notifier.service.delivery import Done  # noqa: PLC0415

    bench.take(told())
    (ready,) = bench.delivery.turn([], bench.now, {"bell": 1})
    bench.now += timedelta(seconds=16)
    bench.delivery.turn([], bench.now, {})  # another notifier finds that the lease ran out
    bench.delivery.turn([Done(ready, delivered())], bench.now, {})
    bench.settle()
    assert bench.got("bell") == []
    assert bench.rows(STATES) == [("delivered", "")]


def test_an_end_that_is_written_twice_counts_once(bench: Bench) -> None:

    bench.take(told())
    (ready,) = bench.delivery.turn([], bench.now, {"bell": 1})
    for _ in range(2):
        bench.delivery.turn([Done(ready, permanent("gone"))], bench.now, {})
    bench.settle()
    assert len(bench.got("phone")) == 1


def test_two_notifiers_share_the_outbox_without_a_repeat(bench: Bench) -> None:
    bench.take(*(told(name=f"a{one}", patient=f"HOSP|{one:06}") for one in range(20)))
    other = bench.beside("two")
    while bench.send(most=3) + other.send(most=3):
        pass
    keys = [one.key for one in bench.got("bell")]
    assert (len(keys), len(set(keys))) == (20, 20)
    workers = {row.worker for row in bench.rows(select(ATTEMPTS.c.worker))}
    assert workers == {"one", "two"}


def test_one_patients_defect_is_not_the_others(bench: Bench) -> None:
    bench.take(told(), told(name="a2", patient="HOSP|000002"))
    with bench.database.transaction() as connection:
        spoiled = update(CASES).where(CASES.c.patient_id == PATIENT).values(body="{}")
        connection.execute(spoiled)
    bench.take(told(State.RETRACTED, revision=2))
    bench.take(told(State.RETRACTED, name="a2", patient="HOSP|000002", revision=2))
    assert not bench.case(patient="HOSP|000002").standing
    with bench.database.transaction() as connection:
        assert shelf.failing(connection) == 1
    failures = select(PATIENTS.c.failures).where(PATIENTS.c.patient_id == PATIENT)
    assert bench.rows(failures) == [(1,)]


# -- the process itself


class Flaky(Database):
    """A store that is away now and then: before it begins, or before it commits."""

    count = 0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.count += 1
        moment_of_weakness = self.count
        if moment_of_weakness % 5 == 0:
            raise Unavailable("away")
        with super().transaction() as connection:
            yield connection
            if moment_of_weakness % 7 == 0:
                raise Unavailable("gone")


def test_a_store_that_comes_and_goes_delays_and_loses_nothing(bench: Bench) -> None:
    bench.take(*(told(name=f"a{one}", patient=f"HOSP|{one:06}") for one in range(20)))
    flaky, clock = Flaky(bench.database.engine), ManualClock(micros(bench.now))
    process = Process(flaky, bench.house, clock, Stop(), patience=0.01)
    asyncio.run(process.run([], None, once=True))
    keys = [one.key for one in bench.got("bell")]
    assert (len(keys), len(set(keys))) == (20, 20)
    assert {row.state for row in bench.rows(STATES)} == {"delivered"}
    assert flaky.count > 20


def test_connections_that_were_cut_are_made_anew(
    postgresql: Server, template: str, tmp_path: Path
) -> None:
    with opened(postgresql.create(template)) as database:
        bench = Bench(database, premises(tmp_path / "teams"))
        bench.take(told())
        with psycopg.connect(postgresql.url("postgres"), autocommit=True) as admin:
            others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            admin.execute(f"SELECT pg_terminate_backend(pid) {others}")
        bench.settle()
        assert len(bench.got("bell")) == 1


def test_a_process_that_is_asked_to_end_writes_what_is_under_way(bench: Bench) -> None:
    stop = Stop()

    class Slow(Scripted):
        async def send(self, message: Message) -> Outcome:
            stop.ask()
            await asyncio.sleep(0.3)
            return await super().send(message)

    slow = Slow("slow", frozenset({Strength.PUSH}))
    house = replace(bench.house, channels=(slow,))
    Bench(bench.database, house, bench.now).take(told(), told(name="a2", patient="HOSP|000002"))
    process = Process(bench.database, house, ManualClock(micros(bench.now)), stop)
    asyncio.run(process.run([], None))
    assert len(slow.got) == 1
    assert sorted(row.state for row in bench.rows(STATES)) == ["delivered", "pending"]
