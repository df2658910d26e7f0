"""The command `salvage demo`: simulates a ward, plays it into the embedded runtime, serves it."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from services.demo import screen
from services.demo.ward import START, Ward, opened, play_all
from services.embedded.store import FILE_NAME
from services.notifier.inbox.app import build_app
from services.runtime.arguments import Whole
from services.runtime.errors import SalvageError
from services.simulator.cohort import MAX_MONTHS, MAX_PATIENTS, MIN_MONTHS

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Iterator

    from schemas.alerts import AlertRevision
    from services.embedded.player import Progress

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  # no public name

HOST: Final = "127.0.0.1"
MAX_PORT: Final = 65_535
_FAILED, _REFUSED = 1, 2


def register(subparsers: Subparsers) -> None:
    """Add the command to the `salvage` parser; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "demo",
        help="a simulated ward on this machine, with its alerts",
        description="Simulates synthetic patients and plays their hospital traffic, half of it HL7 "
        "v2 and half canonical JSON, into the whole system in one process. Alerts appear here and "
        "on a local page.",
    )
    add = parser.add_argument
    add("--patients", type=Whole(1, MAX_PATIENTS), default=60, help="default: %(default)s")
    add("--months", type=Whole(MIN_MONTHS, MAX_MONTHS), default=24, help="default: %(default)s")
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
        help="of the page; 0: any free one; default: %(default)s",
    )
    add("--no-serve", action="store_true", help="no page; end after the summary")
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
        0, also when it was interrupted; 1 when the page can't be served or the folder can't be
        written; 2 when the folder already holds a store.
    """
    if args.data is not None and (args.data / FILE_NAME).exists():
        print("salvage demo: --data: the folder already holds a store", file=sys.stderr)
        return _REFUSED
    try:
        with _folder(args.data) as folder, opened(args, folder) as ward:
            asyncio.run(_show(ward, args))
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


async def _show(ward: Ward, args: argparse.Namespace) -> None:
    """Play and serve until it is done or somebody interrupts."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        ward.stop.set()
        ended.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, end)
    async with _served(ward, args) as address:
        _say_hello(ward, args, address)
        shown = _Shown()
        await asyncio.to_thread(play_all, ward, args.seconds, shown.alert, shown.progress)
        shown.clear()
        _say_summary(ward, address)
        if address is not None:
            await ended.wait()


@asynccontextmanager
async def _served(ward: Ward, args: argparse.Namespace) -> AsyncIterator[str | None]:
    """Serve the page to this machine alone; gives its address, None if it isn't to be served."""
    if args.no_serve:
        yield None
        return
    app = build_app(ward.book, now=ward.now, title="salvage-watch demo", notice=screen.NOTICE)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, args.port).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


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


def _width() -> int | None:
    """The terminal's width; None when nobody sees one: a file keeps whole sentences."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _say_hello(ward: Ward, args: argparse.Namespace, address: str | None) -> None:
    print(screen.NOTICE)
    pace = f"in about {args.seconds} seconds" if args.seconds else "as fast as it goes"
    messages = sum(len(delivery.arrivals) for delivery in ward.script)
    print(
        f"{args.patients} patients, {args.months} months from {START}, "
        f"{messages:,} messages, {pace}."
    )
    if address is not None:
        print(f"Page: {address}   (Ctrl-C ends the demo)")
    print(f"\n{screen.heading()}", flush=True)


def _say_summary(ward: Ward, address: str | None) -> None:
    print()
    for line in screen.summary(ward.book.alerts(), ward.book.counts(), ward.now(), _width()):
        print(line)
    if address is not None and not ward.stop.is_set():
        print(f"\nThe page stays at {address} until Ctrl-C.")
    sys.stdout.flush()
