"""Sequence numbers (MSH-13): a gap in a sender's numbers is a message that we never saw.

Source: HL7 v2.8.2 §2.10.1, sequence number protocol (H). Off, unless the site turns it on.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from schemas.deadletter import Reason
from services.ingest.coding import Rejected
from services.ingest.journal import State
from services.ingest.mllp.verdict import Code, Fault, refusal
from services.runtime.logs import logger

if TYPE_CHECKING:
    from services.ingest.mllp.gate import Examined

START, RESYNC = 0, -1
"""What a sender writes to begin anew, and to ask which number we expect."""


class Numbers(Protocol):
    """Where the next number of each sender is kept."""

    def expected(self, source: str) -> int | None:
        """The next number; None if the sender is new."""
        ...

    def expect(self, source: str, number: int) -> None:
        """Note the next number."""
        ...


class Numbering:
    """Follows the numbers of the senders that number their messages."""

    def __init__(self, numbers: Numbers) -> None:
        """Follow the numbers kept there."""
        self._numbers = numbers

    def check(self, found: Examined) -> Examined:
        """Judge the number of a message that isn't a repetition.

        One that is refused for another reason must come again under the same number, unless its
        content is what is wrong: then it never will.
        """
        if found.verdict.code is Code.REJECT or found.verdict.early:
            return found
        number = _number(found.header.get(13))
        expected = self._numbers.expected(found.source)
        if number is None:
            return _refused(found, "not a sequence number", expected)
        if number == RESYNC:
            return _expecting(found, expected)
        if expected is not None and number not in (START, expected):
            logger().error("sequence gap")
            return _refused(found, "not the number that was expected", expected)
        self._numbers.expect(found.source, number + 1)
        return _expecting(found, number + 1)


def _number(text: str) -> int | None:
    """MSH-13, data type NM: fifteen digits at most; only the wish to resynchronise is negative."""
    return int(text) if re.fullmatch(r"-1|[0-9]{1,15}", text) else None


def _expecting(found: Examined, expected: int | None) -> Examined:
    return replace(found, verdict=replace(found.verdict, expected=expected))


def _refused(found: Examined, detail: str, expected: int | None) -> Examined:
    why = Rejected(Reason.BAD_FIELD, detail, "MSH-13")
    verdict = replace(refusal(Fault.DATA_TYPE, why, stands=True), expected=expected)
    return replace(found, verdict=verdict, state=State.REFUSED, refused=why)
