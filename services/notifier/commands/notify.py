"""`salvage notify`: alerts become cases, and cases messages.

Whoever wires it to topics gives `serve` other sources; see `services.commands.notifying`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.commands.notifystore import database_option, register_store
from services.notifier.commands.testchannel import register_test
from services.notifier.service import crashpoints
from services.notifier.service.actions import Published
from services.notifier.service.asking import Answers
from services.notifier.service.feeds import feed
from services.notifier.service.premises import Premises
from services.notifier.service.process import Process
from services.notifier.service.sitefolder import read_folder, same_key
from services.notifier.store.database import opened
from services.notifier.store.migrating import check, migrate
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError
from services.runtime.logs import logger
from services.runtime.process import DONE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from schemas.actions import Action
    from services.notifier.service.process import Feed
    from services.notifier.service.sitefolder import Folder
    from services.runtime.shutdown import Stop

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name
    Tell = Callable[[Sequence[Action]], None]
    Wiring = Callable[[argparse.Namespace, ExitStack], "Sources"]

INBOX: Final = "http://127.0.0.1:8642/case/"


class Sources(NamedTuple):
    """Where alerts come from, and where deeds go to; None: they stay in the store."""

    feeds: Sequence[Feed]
    tell: Tell | None
    patience: timedelta


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
    add("--inbox", default=INBOX, metavar="URL", help="what a case's reference is put behind")
    add("--name", default=f"{socket.gethostname()}-{os.getpid()}", help="among several notifiers")
    add("--once", action="store_true", help="end when nothing is left to do now")
    add("--crash-at", metavar="LABEL[:N]", help="for tests: end without a word at a place")


def serve(
    args: argparse.Namespace,
    sources: Callable[[argparse.Namespace, ExitStack], Sources],
    stop: Stop,
) -> int:
    """Work until asked to stop, and until everything that left has come home.

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
        found = sources(args, stack)
        house = _premises(args, folder, found.patience)
        if house.uncarried:
            raise OperatorError(f"channels.yaml: nothing carries {', '.join(house.uncarried)}")
        process = Process(database, house, SystemClock(), stop)
        answers = Answers(database, house, SystemClock())
        logger().info("notifying", extra={"source": house.worker})
        asyncio.run(_work(process, folder, answers, found, once=args.once))
    logger().info("ended")
    return DONE


async def _work(
    process: Process, folder: Folder, answers: Answers, sources: Sources, *, once: bool
) -> None:
    begun = []
    try:
        for service in folder.channels.services:
            await service.open(answers, answers)
            begun.append(service)
        await process.run(sources.feeds, sources.tell, once=once)
    finally:
        for service in begun:
            await service.close()


def _premises(args: argparse.Namespace, folder: Folder, patience: timedelta) -> Premises:
    return Premises(
        site=folder.site,
        teams=folder.teams,
        channels=folder.channels.channels,
        links=args.inbox,
        worker=args.name,
        patience=patience,
    )


def from_files(args: argparse.Namespace, stack: ExitStack) -> Sources:
    """Alerts and events of files, and the file for deeds.

    Raises:
        OperatorError: a file is missing.
    """
    if args.alerts is None:
        raise OperatorError("--alerts or --kafka: one of them is needed")
    tell = None if args.actions is None else stack.enter_context(Published(args.actions))
    return Sources([feed(args.alerts, args.events)], tell, timedelta(0))


def _arm(text: str) -> None:
    try:
        crashpoints.arm(text)
    except ValueError as error:
        raise OperatorError(f"--crash-at: {error}") from None
