"""Delimiters: the characters of MSH-1 and MSH-2, which each message chooses for itself.

Source: HL7 v2.8.2 §2.5.4 (H).
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.deadletter import Reason
from schemas.remembered import Memo
from services.ingest.coding import Refused

_LONGEST_MSH2 = 5  # the fifth, truncation, since v2.7


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and the characters of MSH-2. An absent one is an empty string."""

    field: str
    component: str = ""
    repetition: str = ""
    escape: str = ""
    subcomponent: str = ""
    truncation: str = ""

    @classmethod
    def read(cls, start: str) -> Delimiters:
        """Read them from the beginning of a message.

        Raises:
            Refused: they are missing, alphanumeric, invisible, or not all different.
        """
        separator = start[3:4]
        second = start[4:].partition(separator)[0] if separator else ""
        return _ALPHABETS[separator, second]


def _delimiters(key: tuple[str, str]) -> Delimiters:
    separator, second = key
    found = separator + second
    if not separator or not second:
        raise Refused(Reason.MALFORMED_HL7, "MSH-1 or MSH-2 is missing", "MSH-2")
    legal = all(33 <= ord(c) < 127 and not c.isalnum() for c in found)  # noqa: PLR2004 - ASCII
    if not legal or len(set(found)) != len(found) or len(second) > _LONGEST_MSH2:
        raise Refused(Reason.MALFORMED_HL7, "MSH-1 and MSH-2 are not delimiters", "MSH-2")
    return Delimiters(*found)


_ALPHABETS = Memo(_delimiters, 256)
