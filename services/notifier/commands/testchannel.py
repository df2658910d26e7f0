"""`salvage notify test-channel`: one message by one channel, and what became of it."""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.notifier.cases.words import person
from services.notifier.channels.contract import Kind, Message, Result
from services.notifier.channels.loading import FILE_NAME, load_channels
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    import argparse

    from services.notifier.channels.contract import Channel, Outcome

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - no public name

DONE, NOT_DELIVERED, UNUSABLE = 0, 1, 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT: Final = (
    "This is a test of the channel `{name}`. Nothing is asked of you.\n"
    "Whoever got it and doesn't expect it may tell those who run salvage-watch.\n"
)


def register_test(subparsers: Subparsers) -> None:
    """Add the command; `args.run(args)` gives its exit code."""
    parser = subparsers.add_parser(
        "test-channel",
        help="send a test by one channel",
        description="Sends a test message that is about nobody, and tells what became of it. A "
        "channel that writes into the record writes nothing: it looks whether the record can be "
        "reached. Exit code 1 if it isn't delivered, 2 if the settings can't be used.",
    )
    parser.add_argument("name", metavar="NAME", help=f"as {FILE_NAME} calls it")
    add = parser.add_argument
    add("--site", type=Path, required=True, metavar="FOLDER", help=f"where {FILE_NAME} is")
    add("--to", action="append", default=[], metavar="ADDRESS", help="to whom; repeatable")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out the command.

    Returns:
        0; 1 it was not delivered; 2 the settings can't be used.
    """
    try:
        channel = _channel(args.site / FILE_NAME, args.name)
        outcome = asyncio.run(_sent(channel, _message(args.name, args.to)))
    except OperatorError as error:
        print(f"salvage notify test-channel: {error}", file=sys.stderr)
        return UNUSABLE
    print(
        f"test-channel: channel={channel.name} result={outcome.result} "
        f"reason={outcome.reason or '-'} receipt={outcome.receipt or '-'}"
    )
    return DONE if outcome.result is Result.DELIVERED else NOT_DELIVERED


def _channel(path: Path, name: str) -> Channel:
    found = load_channels(path).channels
    for one in found:
        if one.name == name:
            return one
    raise OperatorError(f"{path}: no channel {name!r}; it has {', '.join(c.name for c in found)}")


def _message(name: str, to: list[str]) -> Message:
    return Message(
        key=secrets.token_hex(16),
        kind=Kind.TEST,
        at=_EPOCH + timedelta(microseconds=SystemClock().now()),
        subject="salvage-watch: a test, nothing to do",
        text=_TEXT.format(name=name),
        recipient=person("test"),
        addresses=tuple(to),
    )


async def _sent(channel: Channel, message: Message) -> Outcome:
    await channel.open()
    try:
        return await channel.send(message)
    finally:
        await channel.close()
