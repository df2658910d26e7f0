"""`salvage notify`: alerts become cases, and cases messages.

Whoever wires it to topics gives `serve` other sources; see `services.commands.notifying`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
from contextlib import AsyncExitStack, ExitStack, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry

from services.notifier.commands.inbox import inbox, inbox_option, prepared
from services.notifier.commands.notifystore import database_option, register_store
from services.notifier.commands.performance import register_performance
from services.notifier.commands.reidentify import register_reidentify
from services.notifier.commands.testchannel import register_test
from services.notifier.service import crashpoints
from services.notifier.service.actions import Published
from services.notifier.service.asking import Answers
from services.notifier.service.feeds import feed
from services.notifier.service.metrics import NotifierMetrics
from services.notifier.service.premises import Premises
from services.notifier.service.process import Process
from services.notifier.service.sitefolder import read_folder, same_key
from services.notifier.service.watch import Watch
from services.notifier.store.database import opened
from services.notifier.store.migrating import check, migrate
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.logs import logger
from services.runtime.process import DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from schemas.actions import Action
    from services.notifier.inbox.pages.documents import Record
    from services.notifier.service.observing import Observer
    from services.notifier.service.process import Feed
    from services.notifier.service.publishing import TellResearch
    from services.notifier.service.sitefolder import Folder
    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name
    Tell = Callable[[Sequence[Action]], None]
    Health = Callable[
        [Callable[[], str | None], CollectorRegistry], AbstractAsyncContextManager[object]
    ]
    Wiring = Callable[[argparse.Namespace, ExitStack], "Sources"]

MOST_ABREAST: Final = 32
INBOX: Final = "http://127.0.0.1:8642/case/"


class Sources(NamedTuple):
    """Where alerts come from, and where deeds go to; None: they stay in the store.

    record: all versions of a patient's facts, for the charts of a case; None: it isn't at hand, and
    they show what the alerts quote.
    """

    feeds: Sequence[Feed]
    tell: Tell | None
    share: TellResearch | None
    patience: timedelta
    record: Record | None = None


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
    add("--name", default=f"{socket.gethostname()}-{os.getpid()}", help="among several notifiers")
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
    with ExitStack() as stack:
        folder = read_folder(args.site)
        database = stack.enter_context(opened(args.database))
        (check if database.shared else migrate)(database)
        same_key(database, folder.site.key)
        opening = prepared(args.serve_inbox, args.site)
        args.inbox = args.inbox or (opening.links if opening else INBOX)
        found = sources(args, stack)
        metrics = NotifierMetrics(CollectorRegistry(), folder.channels.channels)
        house = _premises(args, folder, found, metrics)
        watch = Watch(database, house.teams, metrics)
        process = Process(database, house, SystemClock(), stop, watch=watch)
        answers = Answers(database, house, SystemClock())
        logger().info("notifying", extra={"source": house.worker})
        seen = nullcontext() if health is None else health(process.problem, metrics.registry)
        shown = inbox(opening, database, house, process.agenda.submit, found.record)
        asyncio.run(_work(process, folder, answers, found, (seen, shown), once=args.once))
    logger().info("ended")
    return DONE


async def _work(
    process: Process,
    folder: Folder,
    answers: Answers,
    sources: Sources,
    beside: Sequence[AbstractAsyncContextManager[object]],
    *,
    once: bool,
) -> None:
    async with AsyncExitStack() as stack:
        for each in beside:
            await stack.enter_async_context(each)
        for service in folder.channels.services:
            await service.open(answers, answers)
            stack.push_async_callback(service.close)
        await process.run(sources.feeds, sources.tell, share=sources.share, once=once)


def _premises(
    args: argparse.Namespace, folder: Folder, sources: Sources, observer: Observer
) -> Premises:
    if folder.sharing is not None and sources.share is None:
        raise OperatorError("research.yaml: needs --kafka or --research")
    house = Premises(
        site=folder.site,
        teams=folder.teams,
        channels=folder.channels.channels,
        links=args.inbox,
        worker=args.name,
        patience=sources.patience,
        observer=observer,
        sharing=folder.sharing,
        abreast=args.abreast,
    )
    if house.uncarried:
        raise OperatorError(f"channels.yaml: nothing carries {', '.join(house.uncarried)}")
    return house


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
