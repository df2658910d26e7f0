"""A broker for the peers that can't do without one: the tests' own, on this machine alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.peers.environments import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Its address, as long as it is wanted. Needs `tests` on the path, as the Makefile puts it.

    Raises:
        Unavailable: none can be had here.
    """
    from support.broker import Broker, NoBroker  # noqa: PLC0415 - only some runs need the tests

    try:
        ours = Broker(folder)
        ours.start()
    except NoBroker as reason:
        raise Unavailable(str(reason)) from None
    try:
        yield ours.address
    finally:
        ours.kill()
