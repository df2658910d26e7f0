"""The notifier's store, on SQLite and on PostgreSQL: migrations, the audit trail, the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, insert, text, update
from support.cases import HOUR, START

from services.notifier.store import audit, intake, shelf
from services.notifier.store.audit import Broken, Head, Line
from services.notifier.store.database import database_url, opened
from services.notifier.store.intake import Given
from services.notifier.store.migrating import check, migrate
from services.notifier.store.tables import AUDIT, CASES, CHAIN, METADATA
from services.runtime.errors import InvariantBroken, OperatorError, SalvageError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgresql import Server

    from services.notifier.store.database import Database

LINES = [Line(START, "case", {"what": "opened"}), Line(START + HOUR, None, {"what": "a gap"})]
TRIGGERS = {
    "sqlite": ("DROP TRIGGER audit_kept", "DROP TRIGGER audit_stays"),
    "postgresql": ("DROP TRIGGER audit_kept ON audit", "DROP TRIGGER audit_stays ON audit"),
}


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []


def test_migrating_twice_does_no_harm(database: Database) -> None:
    migrate(database)
    check(database)


def test_a_database_of_a_newer_release_is_refused(own_database: Database) -> None:
    with own_database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(OperatorError, match="newer version"):
        migrate(own_database)


def test_a_database_that_was_never_migrated_is_said_to_be_so(postgresql: Server) -> None:
    with opened(postgresql.create()) as bare, pytest.raises(OperatorError, match="notify migrate"):
        check(bare)


def test_a_sqlite_file_belongs_to_one_notifier(tmp_path: Path) -> None:
    path = str(tmp_path / "n.db")
    with opened(path), pytest.raises(OperatorError, match="another notifier"), opened(path):
        pass
    with opened(path), opened(path, alone=False):
        pass  # looking into it is allowed


def test_looking_into_a_file_does_not_make_it(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(OperatorError, match="no such file"), opened(str(path), alone=False):
        pass
    assert not path.exists()


@pytest.mark.parametrize("where", ["mysql://u:secret@h/d", "postgresql", "://", "sqlite://"])
def test_what_is_no_database_is_refused_without_quoting_it(where: str) -> None:
    try:
        with opened(where if where != "postgresql" else "postgresql://"):
            pytest.fail("opened")
    except SalvageError as error:
        assert "secret" not in str(error)  # noqa: PT017 - two kinds may be raised


def test_a_url_names_the_driver_that_we_use() -> None:
    assert database_url("postgresql://h/d").drivername == "postgresql+psycopg"
    assert database_url("some/file").database == "some/file"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable), opened("postgresql://nobody@127.0.0.1:1/none"):
        pass


# -- the audit trail


def test_lines_are_chained_and_the_chain_is_whole(database: Database) -> None:
    with database.transaction() as connection:
        audit.append(connection, LINES)
    with database.transaction() as connection:
        audit.append(connection, LINES)
        end = audit.head(connection)
        assert audit.verify(connection) == end
        assert end.seq == 4
        assert audit.read_head(str(end)) == end


@pytest.mark.parametrize(
    "statement",
    [update(AUDIT).values(case_id="x"), delete(AUDIT)],
    ids=["change", "remove"],
)
def test_the_audit_trail_can_only_grow(database: Database, statement: object) -> None:
    with database.transaction() as connection:
        audit.append(connection, LINES)
    with pytest.raises((InvariantBroken, Unavailable)), database.transaction() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    with database.transaction() as connection:
        assert audit.head(connection).seq == len(LINES)


def forged(database: Database, *statements: object) -> None:
    """What somebody with the database's own rights could do."""
    with database.transaction() as connection:
        for trigger in TRIGGERS[connection.dialect.name]:
            connection.execute(text(trigger))
        for each in statements:
            connection.execute(each)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (
            [update(AUDIT).where(AUDIT.c.seq == 2).values(case_id="x")],
            Broken(2, "the line was changed"),
        ),
        ([delete(AUDIT).where(AUDIT.c.seq == 2)], Broken(2, "a line is missing")),
        ([delete(AUDIT).where(AUDIT.c.seq > 3)], Broken(4, "the last lines are missing")),
        (
            [update(AUDIT).where(AUDIT.c.seq == 1).values(at=START)],
            Broken(1, "the line was changed"),
        ),
    ],
    ids=["changed", "removed", "cut", "dated"],
)
def test_what_was_forged_is_found(
    own_database: Database, statements: list[object], broken: Broken
) -> None:
    with own_database.transaction() as connection:
        audit.append(connection, [line._replace(at=START + HOUR) for line in LINES * 2])
    forged(own_database, *statements)
    with own_database.transaction() as connection:
        assert audit.verify(connection) == broken


def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_kept(
    own_database: Database,
) -> None:
    with own_database.transaction() as connection:
        audit.append(connection, LINES)
        kept = audit.head(connection)
    forged(own_database, delete(AUDIT), update(CHAIN).values(seq=0, hash=bytes(32)))
    with own_database.transaction() as connection:
        audit.append(connection, [line._replace(case_id="other") for line in LINES])
        assert isinstance(audit.verify(connection), Head)
        assert audit.verify(connection, kept) == Broken(2, "not the line that was exported")
        longer = Head(9, kept.seal)
        assert audit.verify(connection, longer) == Broken(3, "shorter than it was")


# -- what comes in


def test_a_key_comes_in_once(database: Database) -> None:
    with database.transaction() as connection:
        intake.take(connection, [Given("k", "p", "one"), Given("l", "p", "two")], START)
        intake.take(connection, [Given("k", "p", "again")], START)
        found = intake.waiting(connection, "p")
        assert [one.body for one in found] == ["one", "two"]
        intake.finish(connection, [one.seq for one in found])
        intake.take(connection, [Given("k", "p", "again")], START)
        assert intake.waiting(connection, "p") == []


def test_patients_are_given_out_when_they_are_due_and_the_most_urgent_first(
    database: Database,
) -> None:
    with database.transaction() as connection:
        intake.wake(connection, ["late"], START + HOUR)
        intake.wake(connection, ["soon"], START)
        intake.wake(connection, ["never"], START + 3 * HOUR)
        intake.wake(connection, ["late"], START + 2 * HOUR)  # no later than it was
        names = [one.patient_id for one in shelf.claim(connection, START + HOUR, 10)]
        assert names == ["soon", "late"]


def test_a_feed_is_never_read_backward(database: Database) -> None:
    with database.transaction() as connection:
        assert intake.position(connection, "feed") == 0
        intake.advance(connection, "feed", 7)
        intake.advance(connection, "feed", 5)
        assert intake.position(connection, "feed") == 7


def test_two_notifiers_work_on_different_patients(postgresql: Server, template: str) -> None:
    with opened(postgresql.create(template)) as shared:
        with shared.transaction() as connection:
            intake.wake(connection, ["a", "b"], START)
        with shared.transaction() as one, shared.transaction() as other:
            first = shelf.claim(one, START, 1)
            second = shelf.claim(other, START, 5)
        assert sorted(each.patient_id for each in first + second) == ["a", "b"]
        assert len(first) == 1


def test_a_case_without_an_owner_can_not_be_stored(database: Database) -> None:
    row = {"patient_id": "p", "course_id": "", "case_id": "c", "reference": "r", "revision": 1}
    row |= {"state": "assigned", "owner": "", "team": "t", "severity": "urgent", "body": "{}"}
    with database.transaction() as connection:
        intake.wake(connection, ["p"], START)
    new = insert(CASES).values(**row, in_digest=False, stepped_at=START)
    with pytest.raises(InvariantBroken), database.transaction() as connection:
        connection.execute(new)
