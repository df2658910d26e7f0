"""`salvage doctor` on a real Kafka and on the notifier's store: each check finds its trouble."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from support.broker import free_ports
from support.findings import Told, told_of
from support.kafka import at, make_topic
from support.notifying import TEAM_YAML, site_folder, told
from support.processes import salvage

from schemas.deadletter import DeadLetter, Reason, Where
from schemas.topics import DEADLETTERS
from services.commands.checkup import bus, casebook, parts
from services.commands.checkup.agreement import LETTERS_OLD
from services.commands.checkup.finding import State
from services.detector.engine.instants import moment
from services.ingest.kafka.group import GroupReader
from services.ingest.kafka.lags import Standing, asked
from services.ingest.kafka.letters import Book, Choice
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.records import Incoming
from services.notifier.store.audit import read_head
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from support.notifying import Bench

    from services.notifier.store.database import Database
    from services.runtime.kafka import Cluster

CONSOLE = "channels:\n  paper: {type: console}\n"


# ---------------------------------------------------------------- Kafka


def begun(where: Cluster, topic: str, group: str) -> tuple[GroupReader, list[Incoming]]:
    """A member of a group that has read three records."""
    reader, records = GroupReader(where, [topic], group), list[Incoming]()
    deadline = time.monotonic() + 60.0
    while len(records) < 3:
        assert time.monotonic() < deadline, "it hears nothing"
        records += reader.poll(0.2)
    return reader, records


def test_what_nobody_reads_is_told(kafka: str) -> None:
    topic = make_topic(kafka, f"doctor{time.monotonic_ns()}", partitions=1)
    where, group = at(kafka), f"group-{topic}"
    publisher = Publisher(where)
    publisher.publish([Outgoing(topic, "key", b"{}", ()) for _ in range(3)])
    publisher.close()
    with asked(where) as groups:
        alone = groups.standing(group, topic)
        assert alone == Standing(group, topic, behind=3, members=False)
        reader, records = begun(where, topic, group)
        try:
            reader.commit(records[:2])
            assert groups.standing(group, topic) == Standing(group, topic, 1, members=True)
        finally:
            reader.close()
    found = bus.finding(alone, "salvage detect")
    assert (found.state, found.do) == (State.WRONG, "start `salvage detect`")
    slow = bus.finding(alone._replace(behind=bus.MOST_BEHIND + 1, members=True), "")
    assert slow.state is State.WARNING
    assert bus.finding(alone._replace(behind=0), "").state is State.WELL


def test_topics_that_differ_are_told(kafka: str) -> None:
    where = at(kafka)
    assert told_of(bus.topics(where, 1))["topics"][0] is State.WELL
    assert told_of(bus.topics(where, 3))["topics"][0] is State.WARNING
    assert told_of(bus.letters(where, SystemClock())).keys() == {"letters"}
    assert [one.check for one in bus.groups(where)] == ["groups"] * len(bus.READERS)


def test_letters_that_wait_are_told() -> None:
    at_noon, book = 12 * 3_600_000_000, Book()
    letter = DeadLetter.of(
        b"{}",
        Reason.NO_VALUE,
        "made up",
        source="doctor",
        received_at=moment(at_noon),
        where=Where(topic="t"),
    )
    book.add([Incoming(DEADLETTERS.name, 0, 1, at_noon, None, letter.to_json(), {})])
    found = book.letters(Choice())
    assert bus.waiting([], at_noon).state is State.WELL
    assert bus.waiting(found, at_noon) == (
        "letters",
        State.WARNING,
        "dead letters are open: 1 no_value",
        bus.waiting(found, at_noon).do,
    )
    assert bus.waiting(found, at_noon + LETTERS_OLD + 1).state is State.WRONG


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_told_once() -> None:
    done = salvage("doctor", "--kafka", f"127.0.0.1:{free_ports(1)[0]}", "--json", code=1)
    told = [one for one in json.loads(done.stdout)["findings"] if one["part"] == "kafka"]
    assert [(one["check"], one["state"]) for one in told] == [("cluster", "wrong")]


# ---------------------------------------------------------------- the notifier


def asked_of(database: Database, **options: str) -> Told:
    """What it says of a database."""
    where = database.engine.url.render_as_string(hide_password=False)
    where = where.replace("+pysqlite", "").replace("+psycopg", "")
    args = Namespace(data=None, database=where, audit_head=None, notifier_site=None)
    return told_of(parts.of_notifier(Namespace(**vars(args) | options), SystemClock()))


def test_a_notifier_with_nothing_to_do_is_well(database: Database) -> None:
    found = asked_of(database)
    assert {state for state, _ in found.values()} == {State.WELL}
    assert {"migrations", "audit", "cases", "outbox"} == found.keys()


def test_overdue_cases_and_messages_that_wait_are_told(bench: Bench) -> None:
    bench.take(told(act_by=bench.now + timedelta(days=1)))  # of a day that is long past
    found = asked_of(bench.database)
    assert found["cases"] == (State.WRONG, "of 1 open cases 1 are past the date by which to act")
    assert found["outbox"][0] is State.WRONG
    assert found["audit"][0] is State.WARNING  # nobody has kept a head elsewhere


def test_an_audit_trail_that_is_not_what_was_kept_is_told(bench: Bench) -> None:
    bench.take(told())
    other = f"1:{'00' * 32}"
    assert asked_of(bench.database, audit_head=other)["audit"] == (
        State.WRONG,
        "broken at line 1: not the line that was exported",
    )
    with pytest.raises(OperatorError, match="--audit-head"):
        asked_of(bench.database, audit_head="nonsense")
    assert read_head(other).seq == 1


def test_tables_of_another_release_are_told_and_nothing_more_is_asked(
    own_database: Database,
) -> None:
    with own_database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    assert asked_of(own_database) == {
        "migrations": (
            State.WRONG,
            "--database: a newer version of salvage-watch wrote it",
        )
    }


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    where = str(tmp_path / "none.db")
    args = Namespace(data=None, database=where, audit_head=None, notifier_site=None)
    (found,) = parts.of_notifier(args, SystemClock())
    assert (found.check, found.state) == ("database", State.WRONG)


def test_a_sites_folder_is_looked_through(tmp_path: Path) -> None:
    def looked() -> Told:
        args = Namespace(data=None, database=None, audit_head=None, notifier_site=tmp_path)
        return told_of(parts.of_notifier(args, SystemClock()))

    site_folder(tmp_path / "teams")
    (tmp_path / "channels.yaml").write_text(CONSOLE)
    found = looked()
    assert found["roster"][0] is found["channels"][0] is State.WELL
    assert found["key"] == (State.WARNING, "there is no site.key yet")
    (tmp_path / "channels.yaml").write_text("channels:\n  paper: {type: pigeon}\n")
    assert looked()["channels"][0] is State.WRONG
    (tmp_path / "teams" / "ward.yaml").write_text("team: [\n")
    assert looked()["roster"][0] is State.WRONG


def test_a_duty_that_nobody_has_soon_is_told(tmp_path: Path) -> None:
    calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nEND:VCALENDAR\r\n"
    site_folder(
        tmp_path / "teams",
        TEAM_YAML.replace("owner: {always: anne}", "owner: {calendar: owner.ics}"),
    )
    (tmp_path / "teams" / "owner.ics").write_text(calendar)
    (found,) = casebook.roster(tmp_path, moment(SystemClock().now()))
    assert found.state is State.WRONG
    assert found.told == "nobody has a duty within 24 hours: ward: owner"
