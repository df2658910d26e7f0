"""The messages: result messages of simulated patients, as a laboratory sends them."""

from __future__ import annotations

from datetime import date
from itertools import chain, count, islice
from typing import TYPE_CHECKING

from services.simulator.cohort import simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGAN = date(2021, 1, 1)
_MONTHS = 12
_PATIENTS = 100
"""Simulated at a time: some 1,200 result messages."""
_CONTROL_FIELD = 9
"""MSH-10, counted in pieces between separators."""


def results(number: int, seed: int) -> list[bytes]:
    """ORU^R01 messages, each with an MSH-10 of its own.

    Args:
        number: how many.
        seed: of the simulation.
    """
    cohorts = (_of_one(seed + at) for at in count())
    found = islice(chain.from_iterable(cohorts), number)
    return [_renamed(raw, at) for at, raw in enumerate(found)]


def _of_one(seed: int) -> Iterator[bytes]:
    cohort = simulate(seed, _PATIENTS, _BEGAN, _MONTHS)
    return (raw for raw in messages(cohort.dispatches) if b"|ORU^R01" in raw)


def _renamed(raw: bytes, number: int) -> bytes:
    """Cohorts number their messages from 1, each of them."""
    fields = raw.split(b"|", _CONTROL_FIELD + 1)
    fields[_CONTROL_FIELD] = b"B%07d" % number
    return b"|".join(fields)
