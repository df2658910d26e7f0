"""The three rules as a state machine for one patient: what one writes into a stream engine.

The same as `benchmarks/handwritten.py`, for engines that keep the state and call a function. It
says what it sees in the order in which it is told; nobody tells it what was late or corrected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.programs.stand import GAP, RISE, VIRAL_LIMIT, WINDOW

if TYPE_CHECKING:
    from benchmarks.peers.programs.stand import Alert, Row

_NEVER = -1_000_000


class Machine:
    """All that is remembered of a patient."""

    __slots__ = ("alt", "bilirubin", "liver_open", "nadir", "psa_open", "viral", "viral_open")

    def __init__(self) -> None:
        self.viral: int | None = None  # day of the last viral load, if it was above the limit
        self.nadir: int | None = None
        self.alt = self.bilirubin = _NEVER  # day of the last one above its multiple
        self.viral_open = self.psa_open = self.liver_open = False

    def take(self, row: Row) -> Alert | None:
        """One more result, in the order of arrival; the alert that it raises."""
        analyte = row.analyte
        if analyte == "psa":
            return self._psa(row)
        if analyte == "hiv_rna":
            return self._viral_load(row)
        if analyte == "alt" and row.high is not None:
            above = row.value > 3 * row.high
            found = self._liver(row, self.bilirubin, above=above)
            self.alt = row.day if above else self.alt
            return found
        if analyte == "bilirubin" and row.high is not None:
            above = row.value > 2 * row.high
            found = self._liver(row, self.alt, above=above)
            self.bilirubin = row.day if above else self.bilirubin
            return found
        return None

    def _psa(self, row: Row) -> Alert | None:
        if self.nadir is None or row.value < self.nadir + RISE:
            self.nadir = row.value if self.nadir is None else min(self.nadir, row.value)
            self.psa_open = False
            return None
        was, self.psa_open = self.psa_open, True
        return None if was else (row.patient, "BENCH-PSA", row.event)

    def _viral_load(self, row: Row) -> Alert | None:
        if row.value <= VIRAL_LIMIT:
            self.viral, self.viral_open = None, False
            return None
        before, self.viral = self.viral, row.day
        if before is None or row.day - before < GAP or self.viral_open:
            return None
        self.viral_open = True
        return (row.patient, "BENCH-VL", row.event)

    def _liver(self, row: Row, other: int, *, above: bool) -> Alert | None:
        if not above:
            self.liver_open = False
        elif row.day - other <= WINDOW and not self.liver_open:
            self.liver_open = True
            return (row.patient, "BENCH-LIVER", row.event)
        return None
