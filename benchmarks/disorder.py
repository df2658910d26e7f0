"""The same facts, told as real feeds tell them: late, twice, and wrong at first.

Law of this file: what stands at the end is what stands at the end of the tidy stream. Only the way
there differs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.workload import Message, encoded, written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

LATE, DOUBLED, CORRECTED = 0.08, 0.03, 0.02
"""Shares of the messages."""
_LONGEST_DELAY = 60 * 24 * 60  # minutes


def untidy(rng: Random, messages: Sequence[Message]) -> list[Message]:
    """The stream in its order of arrival: 8 % late, 3 % doubled, 2 % wrong and corrected later.

    `Message.at` is the arrival. What is late was issued as early as before; what is wrong is
    replaced by a later version of the same event with the true value.
    """
    arrivals: list[Message] = []
    for message in messages:
        chance = rng.random()
        if chance < LATE:
            arrivals.append(_later(rng, message))
        elif chance < LATE + DOUBLED:
            arrivals += [message, _later(rng, message)]
        elif chance < LATE + DOUBLED + CORRECTED:
            arrivals += _wrong_at_first(rng, message)
        else:
            arrivals.append(message)
    arrivals.sort(key=lambda message: message.at)
    return arrivals


def shuffled(rng: Random, messages: Sequence[Message]) -> list[Message]:
    """All messages in no order at all, at the end of the period."""
    end = max(message.at for message in messages)
    mixed = [replace(message, at=end) for message in messages]
    rng.shuffle(mixed)
    return mixed


def _later(rng: Random, message: Message) -> Message:
    return replace(message, at=message.at + _delay(rng))


def _delay(rng: Random) -> timedelta:
    return timedelta(minutes=rng.randint(1, _LONGEST_DELAY))


def _wrong_at_first(rng: Random, message: Message) -> list[Message]:
    """A version with a slipped decimal point, and the true one; of what is no number, only this."""
    true = json.loads(message.line)
    if "value" not in true:
        return [message]
    wrong = {**true, "value": _slipped(true["value"])}
    wrong.pop("comparator", None)
    at = message.at + _delay(rng)
    zone = datetime.fromisoformat(true["issued_at"]).tzinfo
    corrected = {**true, "status": "corrected", "issued_at": written(at.astimezone(zone))}
    return [Message(message.at, encoded(wrong)), Message(at, encoded(corrected))]


def _slipped(value: str) -> str:
    """Ten times the value."""
    whole, _, fraction = value.partition(".")
    return f"{whole}{fraction[:1] or '0'}.{fraction[1:] or '0'}"
