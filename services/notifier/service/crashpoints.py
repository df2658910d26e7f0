"""Labelled places at which a test ends the process, as a power cut would.

They do nothing unless somebody armed one: only `salvage notify --crash-at` and tests do.
"""

from __future__ import annotations

import os
import signal
from typing import Final

LABELS: Final = (
    "intake.written",  # inputs are in the transaction
    "intake.committed",
    "step.written",  # cases, outbox, deeds and audit lines are in the transaction
    "step.committed",
    "attempt.written",  # attempts are in the transaction
    "attempt.committed",  # nothing has left
    "send.begun",  # one of several is under way
    "send.ended",  # the channel knows, the store doesn't
    "outcome.written",
    "outcome.committed",
    "lapse.written",  # lost attempts are called unknown, in the transaction
)

_armed: dict[str, int] = {}


def arm(text: str) -> None:
    """End the process at a place, when it is reached for so many times: `LABEL` or `LABEL:COUNT`.

    Raises:
        ValueError: no such place, or no such number.
    """
    label, _, count = text.partition(":")
    if label not in LABELS:
        raise ValueError(f"expected one of {', '.join(LABELS)}")
    _armed[label] = int(count or 1)


def reached(label: str) -> None:
    """Note that a place was reached; the process may end here."""
    left = _armed.get(label)
    if left is None:
        return
    _armed[label] = left - 1
    if left <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
