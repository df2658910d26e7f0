"""The command `salvage demo`: simulates a ward, plays it into the embedded runtime, serves it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.demo import screen
from services.demo.inbox import Inbox
from services.demo.ward import AHEAD, Ward, go_on, opened, play_all
from services.detector.engine.instants import moment
from services.embedded.store import FILE_NAME
from services.runtime.arguments import Whole
from services.runtime.clock import SystemClock
from services.runtime.errors import SalvageError
from services.runtime.logs import to_stream
from services.simulator.cohort import MAX_MONTHS, MAX_PATIENTS, MIN_MONTHS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from schemas.alerts import AlertRevision
    from services.embedded.player import Progress

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  # no public name

MAX_PORT: Final = 65_535
_FAILED, _REFUSED = 1, 2


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "demo",
        help="a simulated ward on this machine, with its alerts and its inbox",
        description="Simulates synthetic patients and plays their hospital traffic, half of it HL7 "
        "v2 and half canonical JSON, up to today into the whole system in one process. Alerts "
        "appear here, and become cases in a care team's inbox on this machine.",
    )
    add = parser.add_argument
    add("--patients", type=Whole(1, MAX_PATIENTS), default=100, help="default: %(default)s")
    months = Whole(MIN_MONTHS, MAX_MONTHS - AHEAD)
    add("--months", type=months, default=18, help="up to today; default: %(default)s")
    add("--seed", type=int, default=7, help="any whole number; default: %(default)s")
    add(
        "--seconds",
        type=Whole(0, 86_400),
        default=60,
        help="how long it all takes; 0: as fast as it goes; default: %(default)s",
    )
    add(
        "--port",
        type=Whole(0, MAX_PORT),
        default=8642,
        help="of the inbox; 0: any free one; default: %(default)s",
    )
    add("--no-serve", action="store_true", help="no inbox; end after the summary")
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep the store in this folder, which must hold none; default: a temporary one",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0, also when it was interrupted; 1 when the inbox can't be served or the folder can't be
        written; 2 when the folder already holds a store.
    """
    if args.data is not None and (args.data / FILE_NAME).exists():
        print("salvage demo: --data: the folder already holds a store", file=sys.stderr)
        return _REFUSED
    # What goes wrong is said; that a notifier begins is no news on this screen.
    to_stream(sys.stderr, logging.ERROR)
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(_folder(args.data))
            ward = stack.enter_context(opened(args, folder, moment(SystemClock().now()).date()))
            inbox = None if args.no_serve else Inbox(ward, folder, args.port, stack)
            asyncio.run(_show(ward, args, inbox))
    except OSError as error:
        print(f"salvage demo: {error.strerror or type(error).__name__}", file=sys.stderr)
        return _FAILED
    except SalvageError as error:
        print(f"salvage demo: {error}", file=sys.stderr)
        return _FAILED
    return 0


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """The folder of the store: the chosen one, or one that goes with the demo."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="salvage-demo-") as name:
        yield Path(name)


# ---------------------------------------------------------------- the show


async def _show(ward: Ward, args: argparse.Namespace, inbox: Inbox | None) -> None:
    """Play and serve until it is done or somebody interrupts."""
    loop, shown = asyncio.get_running_loop(), _Shown()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ward.stop.ask)
    _say_hello(ward, args, inbox)
    if inbox is None:
        await asyncio.to_thread(play_all, ward, args.seconds, shown.alert, shown.progress)
        shown.end(ward)
        return
    async with inbox.open():
        heard = inbox.heard(shown.alert, shown.progress)
        await asyncio.to_thread(play_all, ward, args.seconds, *heard)
        shown.end(ward)
        if not ward.stop.asked:
            _say_stays(inbox)
            await asyncio.gather(asyncio.to_thread(go_on, ward), inbox.work())


class _Shown:
    """Alerts on standard output, and under them, on a terminal, a line of progress."""

    def __init__(self) -> None:
        self._entries = 0
        self._watched = sys.stderr.isatty()
        self._percent = -1

    def alert(self, alert: AlertRevision) -> None:
        """A revision was committed."""
        self._entries += 1
        self.clear()
        print(screen.alert_line(alert, _width()), flush=True)
        self._percent = -1

    def progress(self, progress: Progress) -> None:
        """Simulated time went on."""
        percent = 100 * progress.done // max(1, progress.total)
        if self._watched and percent != self._percent:
            self._percent = percent
            line = screen.progress(progress.at, progress.done, progress.total, self._entries)
            print(f"\r\033[K{screen.cut(line, _width())}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the progress away, so that something else can be written."""
        if self._watched:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def end(self, ward: Ward) -> None:
        """The play is over."""
        self.clear()
        print()
        for line in screen.summary(ward.book.alerts(), ward.book.counts(), ward.now()):
            print(line)
        sys.stdout.flush()


def _width() -> int | None:
    """The terminal's width; None when nobody sees one: a file keeps whole sentences."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _say_hello(ward: Ward, args: argparse.Namespace, inbox: Inbox | None) -> None:
    print(screen.NOTICE)
    pace = f"in about {args.seconds} seconds" if args.seconds else "as fast as it goes"
    messages = sum(len(delivery.arrivals) for delivery in ward.script)
    print(
        f"{args.patients} patients, {args.months} months from {ward.begin:%Y-%m-%d} up to today, "
        f"{messages:,} messages, {pace}."
    )
    if inbox is not None:
        print(f"Inbox: {inbox.link}")
        print("The link signs in once. Until all is played, the list shows the past as it was.")
    print(f"\n{screen.heading()}", flush=True)


def _say_stays(inbox: Inbox) -> None:
    print(f"\n{screen.cases(inbox.counts())}; the inbox stays open until Ctrl-C: {inbox.address}")
    print("You came on call in the last days; what came before was a colleague's.")
    print(f"To sign in again: the password in {inbox.password_file}")
    print(f"What would have left this machine: {inbox.messages_file}", flush=True)
