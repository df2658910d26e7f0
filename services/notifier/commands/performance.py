"""`salvage notify performance` and `reinstate`: how rules do, and one that may interrupt again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from services.notifier.commands.notifystore import database_option, with_store
from services.notifier.quality.performance import performances
from services.notifier.service.feedback import reinstate
from services.notifier.store import deeds, standings, timings
from services.notifier.store.instants import moment
from services.notifier.store.migrating import check
from services.runtime.clock import SystemClock
from services.runtime.process import DONE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import timedelta

    from services.notifier.commands.notifystore import Subparsers
    from services.notifier.quality.performance import Median, Performance
    from services.notifier.store.database import Database

_COLUMNS: Final = {
    "evidence_to_alert": "EVIDENCE-ALERT",
    "alert_to_notice": "ALERT-NOTICE",
    "notice_to_acknowledgement": "NOTICE-ANSWER",
    "acknowledgement_to_disposition": "ANSWER-DISPOSITION",
    "evidence_to_salvage": "EVIDENCE-SALVAGE",
    "lead": "LEAD",
}
_HEAD: Final = ("RULE", "ALERTS", "PREDICTIVE VALUE (95 %)", "INTERRUPTS", *_COLUMNS.values())
_LEGEND: Final = (
    "Predictive value: of the dispositions that judge an alert, how many say that it was right;",
    "with its 95 % interval (Wilson). Times: median (alerts). Lead: from the alert to the date by",
    "which to act.",
)


def register_performance(commands: Subparsers) -> None:
    """Add the commands; `args.run(args)` gives their exit codes."""
    shows = commands.add_parser(
        "performance", help="of each rule: was it right, and how long did it all take?"
    )
    database_option(shows)
    shows.add_argument("--json", action="store_true", help="the same for programs")
    shows.set_defaults(run=_performance)
    about = "let a rule that was demoted to digests interrupt again"
    gives = commands.add_parser("reinstate", help=about)
    database_option(gives)
    gives.add_argument("--rule", required=True, help="its id")
    gives.add_argument("--by", required=True, metavar="NAME", help="who decided it")
    gives.add_argument("--why", required=True, metavar="TEXT", help="what was corrected")
    gives.set_defaults(run=_reinstate)


def _performance(args: argparse.Namespace) -> int:
    def show(database: Database) -> int:
        with database.transaction() as connection:
            given = deeds.dispositions(connection)
            found = performances(timings.marks(connection), given, standings.demoted(connection))
        if args.json:
            print(json.dumps([_fields(one) for one in found]))
        else:
            print(*_table([_HEAD, *map(_cells, found)]), *_LEGEND, sep="\n")
        return DONE

    return with_store(args, check, show)


def _reinstate(args: argparse.Namespace) -> int:
    def decide(database: Database) -> int:
        now = moment(SystemClock().now())
        reinstate(database, args.rule, args.by, args.why, now)
        print(f"{args.rule}: interrupts again; dispositions count from {now.isoformat()}")
        return DONE

    return with_store(args, check, decide)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cells(one: Performance) -> tuple[str, ...]:
    times = (_time(one.medians.get(name)) for name in _COLUMNS)
    return (one.rule, str(one.alerts), _value(one), "yes" if one.interrupts else "NO", *times)


def _value(one: Performance) -> str:
    if one.interval is None:
        return "-"
    low, high = one.interval
    return f"{one.tally.true}/{one.tally.judged} = {one.tally.ppv} ({low} to {high})"


def _time(median: Median | None) -> str:
    return "-" if median is None else f"{_words(median.time)} ({median.of})"


def _words(time: timedelta) -> str:
    """The two largest units that say something: `3 d 4 h`, `12 min`."""
    seconds = abs(int(time.total_seconds()))
    sizes = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts = []
    for unit, size in sizes:
        number, seconds = divmod(seconds, size)
        parts += [f"{number} {unit}"] if number else []
    return ("-" if time.total_seconds() < 0 else "") + (" ".join(parts[:2]) or "0 s")


def _fields(one: Performance) -> dict[str, Any]:
    tally, interval = one.tally, one.interval
    return {
        "rule": one.rule,
        "alerts": one.alerts,
        "interrupts": one.interrupts,
        "dispositions": {
            "true": tally.true,
            "false": tally.false,
            "apart": tally.apart,
            "neutral": tally.neutral,
        },
        "ppv": None if tally.ppv is None else str(tally.ppv),
        "interval": None if interval is None else [str(interval.low), str(interval.high)],
        "median_seconds": {
            name: {"of": found.of, "seconds": int(found.time.total_seconds())}
            for name, found in one.medians.items()
        },
    }
