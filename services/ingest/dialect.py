"""A sender's own codes, units and words, and what they mean here. Pure; the same for every format.

A site declares them in a source profile (docs/sources.md). What is not declared stays as it was
sent: nothing is guessed from a likeness.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.events import Coding

ANY_SYSTEM = ""
"""Stands for whatever coding system a code was sent in."""


def _none() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_codes() -> Mapping[tuple[str, str], str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a sender says in its own way.

    Attributes:
        codes: (coding system, code) to the key of our analyte; `ANY_SYSTEM` fits every system.
        units: a unit as it is sent to its UCUM code; the spelling counts, as it does in UCUM.
        words: a finding as it is sent, `plain`, to the word that we use for it.
    """

    codes: Mapping[tuple[str, str], str] = field(default_factory=_no_codes)
    units: Mapping[str, str] = field(default_factory=_none)
    words: Mapping[str, str] = field(default_factory=_none)

    def analyte(self, code: Coding) -> str | None:
        """The key of the analyte that a code means; a code of its own system goes first."""
        if not self.codes:
            return None
        exact = self.codes.get((code.system, code.code))
        return exact if exact is not None else self.codes.get((ANY_SYSTEM, code.code))

    def unit(self, sent: str | None) -> str | None:
        """The UCUM code of a unit; the unit itself where nothing is declared of it."""
        return sent if sent is None else self.units.get(sent, sent)

    def word(self, *sent: str | None) -> str | None:
        """Our word for a finding: of the first of several texts of which one is declared."""
        if not self.words:
            return None
        return next((self.words[plain(s)] for s in sent if s and plain(s) in self.words), None)


STANDARD = Dialect()
"""Of a sender that uses published codes, units and words."""


def plain(text: str) -> str:
    """A finding without what differs from one day to the next: case, and spaces around words."""
    return " ".join(text.split()).casefold()
