"""Garbage collection, switched off for work that makes none.

Python frees what nobody refers to any more at once, by counting. The collector only looks for
objects that refer to each other in a circle, and to find them it walks through all that is kept,
again and again: with the facts of thousands of patients in memory that takes longer than judging
the facts. The engine makes no circles (`tests/unit/detector/engine/test_no_cycles.py`).
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def uncollected() -> Iterator[None]:
    """For a batch that ends: an archive that is replayed, a run that is measured."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
