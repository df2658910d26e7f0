"""The notifier's database is lost: a `pg_dump` goes on; what comes again changes nothing."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from support.notifying import Bench, premises, told, treatment
from support.postgresql import program

from services.notifier.store import audit, outbox, shelf
from services.notifier.store.database import opened
from services.notifier.store.migrating import check, migrate

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgresql import Server

    from services.notifier.store.database import Database


def everything(database: Database) -> tuple[object, ...]:
    """Cases, messages, and the end of the audit trail, which must be whole."""
    with database.transaction() as connection:
        cases = sorted(case.model_dump_json() for case in shelf.open_cases(connection))
        whole = audit.verify(connection)
        assert isinstance(whole, audit.Head)
        return cases, outbox.counts(connection), str(whole)


def test_a_dump_is_put_back_and_goes_on(postgresql: Server, template: str, tmp_path: Path) -> None:
    lost, dump = postgresql.create(template), tmp_path / "notifier.dump"
    with opened(lost) as database:
        bench = Bench(database, premises(tmp_path / "teams"))
        bench.take(treatment(), told(course="C1"), told(name="a2", patient="HOSP|000002"))
        bench.settle()
        words = [program("pg_dump"), "--format=custom", f"--file={dump}", lost]
        subprocess.run(words, check=True)
        expected = everything(database)
        assert expected[1] != {}
        bench.take(told(name="a3", patient="HOSP|000003"))  # too late for the dump

    found = postgresql.create()
    subprocess.run(
        [program("pg_restore"), "--exit-on-error", f"--dbname={found}", str(dump)], check=True
    )
    with opened(found) as database:
        check(database)
        migrate(database)
        assert everything(database) == expected
        again = Bench(database, premises(tmp_path / "teams"), bench.now)
        again.take(treatment(), told(course="C1"), told(name="a2", patient="HOSP|000002"))
        again.settle()
        assert everything(database) == expected  # Kafka gives again what it gave
        again.take(told(name="a3", patient="HOSP|000003"))
        assert again.case(patient="HOSP|000003").is_open
