"""Receivers for the tests of channels: real sockets on this machine, well or badly mannered.

Each is an asynchronous context manager that gives a `Peer`. They run in the test's own event loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Manner(StrEnum):
    """What a receiver does with what it gets."""

    TAKE = "take"
    TEMPORARY = "temporary"  # says: not now
    PERMANENT = "permanent"  # says: never
    CUT = "cut"  # hangs up when it has all of it
    SILENT = "silent"  # has all of it, and never answers


async def settled() -> None:
    """Let the loop finish what was closed or cut; else a socket outlives it."""
    await asyncio.sleep(0.02)


class Arrived(NamedTuple):
    """A message that a receiver got whole.

    Attributes:
        key: by which it knows a repeat; None if the protocol has nothing of the kind.
        corrects: what it says that it corrects.
        sealed: the body.
        open: everything else: addresses, headers, subjects.
    """

    key: str | None
    corrects: tuple[str, ...]
    sealed: str
    open: str


@dataclass
class Peer:
    """A receiver.

    Attributes:
        section: how a site would write it down, without its type.
        manner: how it behaves.
        told: of which `PERMANENT` or `TEMPORARY` reply, where there are several.
    """

    section: dict[str, Any]
    manner: Manner = Manner.TAKE
    told: int | str | None = None
    arrived: list[Arrived] = field(default_factory=list)
