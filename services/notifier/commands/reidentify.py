"""`salvage notify reidentify`: from a pseudonym of the research feed to cases in the inbox.

For the care team alone: it prints links that ask for a log-in, never a patient's number, and
leaves a line in the audit trail.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.notifier.commands.notifystore import database_option, with_store
from services.notifier.research.notices import pseudonym
from services.notifier.research.settings import FILE_NAME, load_sharing
from services.notifier.store import audit, research, shelf
from services.notifier.store.audit import Line
from services.notifier.store.instants import moment
from services.notifier.store.migrating import check
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.process import DONE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from services.notifier.commands.notifystore import Subparsers
    from services.notifier.research.settings import Sharing
    from services.notifier.store.database import Database

NOBODY: Final = 1
_PSEUDONYM: Final = re.compile(r"[0-9a-f]{32}")


def register_reidentify(commands: Subparsers) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    about = "the cases of a pseudonym of the research feed, for the care team"
    parser = commands.add_parser("reidentify", help=about)
    database_option(parser)
    add = parser.add_argument
    add("--site", type=Path, required=True, metavar="FOLDER", help=f"where {FILE_NAME} is")
    add("--subject", type=_subject, required=True, metavar="HEX", help="as a notice says it")
    add("--by", required=True, metavar="NAME", help="who asks")
    add("--why", required=True, metavar="TEXT", help="which trial, and who agreed")
    add("--inbox", default="", metavar="URL", help="what a case's reference is put behind")
    about = "also if nothing of them is shared any more; the audit trail says so"
    add("--although-withdrawn", action="store_true", help=about)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 1 nobody has that pseudonym, or nothing of them is shared any more; 2 settings or the
        store can't be used.
    """
    return with_store(args, check, lambda database: _find(args, database))


def _find(args: argparse.Namespace, database: Database) -> int:
    sharing = load_sharing(args.site / FILE_NAME)
    if sharing is None:
        raise OperatorError(f"--site: has no {FILE_NAME}")
    said = {"by": args.by, "why": args.why, "subject": args.subject}
    with database.transaction() as connection:
        shared = research.is_shared(connection, args.subject)
        allowed = shared or args.although_withdrawn
        said["what"] = "reidentified" if allowed else "reidentify-refused"
        said |= {} if shared or not allowed else {"although": "nothing of them is shared"}
        audit.append(connection, [Line(moment(SystemClock().now()), None, said)])
        found = _references(connection, sharing, args.subject) if allowed else []
    if not found:
        told = (
            "nobody has that pseudonym here" if allowed else "nothing of them is shared (any more)"
        )
        print(told, file=sys.stderr)
        return NOBODY
    print(*(f"{args.inbox}{reference}" for reference in found), sep="\n")
    return DONE


def _references(connection: Connection, sharing: Sharing, subject: str) -> list[str]:
    known = shelf.references(connection)
    mine = [who for who in known if pseudonym(sharing, "subject", who) == subject]
    return [reference for who in mine for reference in known[who]]


def _subject(text: str) -> str:
    if not _PSEUDONYM.fullmatch(text):
        raise argparse.ArgumentTypeError("expected 32 hexadecimal digits")
    return text
