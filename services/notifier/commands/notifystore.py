"""`salvage notify migrate`, `status` and `audit`: what a person asks of the notifier's store."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Final

from services.notifier.store import audit, deeds, intake, outbox, shelf, standings
from services.notifier.store.database import opened
from services.notifier.store.migrating import check, migrate
from services.runtime.errors import SalvageError
from services.runtime.process import DONE, UNUSABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.notifier.store.database import Database

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

BROKEN: Final = 1


def register_store(commands: Subparsers) -> None:
    """Add the commands; `args.run(args)` gives their exit codes."""
    migrates = commands.add_parser("migrate", help="bring the database up to date")
    database_option(migrates)
    migrates.set_defaults(run=_migrate)
    status = commands.add_parser("status", help="cases, messages and what waits, as JSON")
    database_option(status)
    status.set_defaults(run=_status)
    _audit_options(commands.add_parser("audit", help="the audit trail: its head; is it whole?"))


def database_option(parser: argparse.ArgumentParser) -> None:
    """Add `--database`."""
    about = "a SQLite file, sqlite:///FILE or postgresql://HOST/NAME"
    parser.add_argument("--database", required=True, metavar="URL", help=about)


def _audit_options(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="audited", metavar="COMMAND", required=True)
    head = commands.add_parser("head", help="print the head, to be kept elsewhere")
    database_option(head)
    head.set_defaults(run=_head)
    verify = commands.add_parser("verify", help="go through the whole chain")
    database_option(verify)
    about = "a head that was kept; the chain must still have it"
    verify.add_argument("--head", type=_kept, metavar="NUMBER:HASH", help=about)
    verify.set_defaults(run=_verify)


def _kept(text: str) -> audit.Head:
    try:
        return audit.read_head(text)
    except ValueError:
        told = "expected NUMBER:HASH, as `salvage notify audit head` prints it"
        raise argparse.ArgumentTypeError(told) from None


def _migrate(args: argparse.Namespace) -> int:
    return with_store(args, migrate, lambda _: DONE)


def _status(args: argparse.Namespace) -> int:
    def show(database: Database) -> int:
        with database.transaction() as connection:
            found = {
                "cases": shelf.counts(connection),
                "messages": outbox.counts(connection),
                "waiting": intake.backlog(connection),
                "unpublished": deeds.unpublished(connection),
                "failing": shelf.failing(connection),
                "demoted": [
                    {"rule": one.rule, "since": one.since.isoformat(), "why": one.why}
                    for one in standings.all_of_them(connection)
                    if not one.interrupts
                ],
                "audit": str(audit.head(connection)),
            }
        print(json.dumps(found, sort_keys=True))
        return DONE

    return with_store(args, check, show)


def _head(args: argparse.Namespace) -> int:
    def show(database: Database) -> int:
        with database.transaction() as connection:
            print(audit.head(connection))
        return DONE

    return with_store(args, check, show)


def _verify(args: argparse.Namespace) -> int:
    def show(database: Database) -> int:
        with database.transaction() as connection:
            found = audit.verify(connection, args.head)
        if isinstance(found, audit.Broken):
            print(f"audit: broken at line {found.seq}: {found.why}", file=sys.stderr)
            return BROKEN
        print(f"audit: whole lines={found.seq} head={found}")
        return DONE

    return with_store(args, check, show)


def with_store(
    args: argparse.Namespace, first: Callable[[Database], None], work: Callable[[Database], int]
) -> int:
    """Work beside a running notifier; what is wrong is said on stderr, with exit code 2."""
    try:
        with opened(args.database, alone=first is migrate) as database:
            first(database)
            return work(database)
    except SalvageError as error:
        print(f"salvage notify: {error}", file=sys.stderr)
        return UNUSABLE
