"""`salvage notify`: alerts become cases, and cases messages.

Whoever wires it to topics gives `serve` other sources; see `services.commands.notifying`.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import ExitStack, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.notifier.commands.building import Order, Sources, built, this_process
from services.notifier.commands.notifystore import database_option, register_store
from services.notifier.commands.performance import register_performance
from services.notifier.commands.place import inbox_option
from services.notifier.commands.reidentify import register_reidentify
from services.notifier.commands.testchannel import register_test
from services.notifier.service import crashpoints
from services.notifier.service.actions import Published
from services.notifier.service.feeds import feed
from services.runtime.errors import OperatorError
from services.runtime.logs import logger
from services.runtime.process import DONE

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from prometheus_client import CollectorRegistry

    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name
    Health = Callable[
        [Callable[[], str | None], CollectorRegistry], AbstractAsyncContextManager[object]
    ]
    Wiring = Callable[[argparse.Namespace, ExitStack], "Sources"]

MOST_ABREAST: Final = 32


def register(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command; `args.run(args)` gives its exit code.

    Returns:
        The parser of `notify run`, for options of whoever wires it to more.
    """
    parser = subparsers.add_parser(
        "notify",
        help="alerts become cases, and cases somebody's action",
        description="Gives every alert to somebody, and sends what they are to know.",
    )
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)
    runs = commands.add_parser("run", help="take alerts in and send messages, until asked to end")
    _run_options(runs)
    register_store(commands)
    register_performance(commands)
    register_reidentify(commands)
    register_test(commands)
    return runs


def _run_options(parser: argparse.ArgumentParser) -> None:
    database_option(parser)
    add = parser.add_argument
    add("--site", type=Path, required=True, metavar="FOLDER", help="teams, channels and the key")
    about = "JSON lines, as `salvage replay` prints them; or the store of `salvage run`"
    add("--alerts", type=Path, metavar="FILE", help=about)
    add("--events", type=Path, metavar="FILE", help="clinical events as JSON lines, with --alerts")
    add("--actions", type=Path, metavar="FILE", help="where what people did is written")
    about = "where what is shared with research is written; see research.yaml"
    add("--research", type=Path, metavar="FILE", help=about)
    add("--inbox", metavar="URL", help="what a case's reference is put behind")
    inbox_option(parser)
    add("--name", default=this_process(), help="among several notifiers")
    about = "messages that may be under way on each channel; a crash may repeat so many; default 1"
    add("--abreast", type=_number, default=1, metavar="N", help=about)
    add("--once", action="store_true", help="end when nothing is left to do now")
    add("--crash-at", metavar="LABEL[:N]", help="for tests: end without a word at a place")


def serve(
    args: argparse.Namespace,
    sources: Callable[[argparse.Namespace, ExitStack], Sources],
    stop: Stop,
    health: Health | None = None,
) -> int:
    """Work until asked to stop, and until everything that left has come home.

    Args:
        args: the options.
        sources: where alerts come from.
        stop: asks for an end.
        health: serves, while it is open, how the process does; None: nobody asks.

    Raises:
        OperatorError: settings or surroundings can't be used.
        Unavailable: the store can't be reached at the start.
    """
    if args.crash_at is not None:
        _arm(args.crash_at)
    order = Order(args.site, args.database, args.serve_inbox, args.inbox, args.name, args.abreast)
    with ExitStack() as stack:
        notifier = built(order, partial(sources, args), stop, stack)
        watched = (notifier.process.problem, notifier.registry)
        seen = nullcontext() if health is None else health(*watched)
        asyncio.run(notifier.work(seen, once=args.once))
    logger().info("ended")
    return DONE


def from_files(args: argparse.Namespace, stack: ExitStack) -> Sources:
    """Alerts and events of files, and the file for deeds.

    Raises:
        OperatorError: a file is missing.
    """
    if args.alerts is None:
        raise OperatorError("--alerts or --kafka: one of them is needed")
    tell = None if args.actions is None else stack.enter_context(Published(args.actions))
    share = None
    if args.research is not None:
        share = stack.enter_context(Published(args.research, "--research"))
    return Sources([feed(args.alerts, args.events)], tell, share, timedelta(0))


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_ABREAST:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MOST_ABREAST}")
    return int(text)


def _arm(text: str) -> None:
    try:
        crashpoints.arm(text)
    except ValueError as error:
        raise OperatorError(f"--crash-at: {error}") from None
