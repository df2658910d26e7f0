"""A level that only goes up: each rise is an entry (catalogue, primitive P14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.detector.engine.finding import Finding, cite, doubts, worth
from services.detector.engine.levels import Levels

if TYPE_CHECKING:
    from services.detector.engine.finding import Note
    from services.detector.engine.terms import Context


class Memory(NamedTuple):
    """The level reached (0: none), and the day on which some level last held."""

    level: int = 0
    last: int = 0


class Tiers(Levels):
    """The machine. `arms` are in rising order."""

    initial = Memory()

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """Find the highest level that holds, and report it if it is new."""
        if context.fact.provisional:
            return memory, ()
        if self._given is not None:
            given = self._given.evaluate(context)
            if given is not True:
                return memory, doubts(self.name, given, context)
        level, doubt = self._highest(context)
        day = context.fact.day
        if self._rearm is not None and memory.level and day - memory.last > self._rearm:
            memory = self.initial
        if level == 0:
            return memory, doubts(self.name, doubt, context)
        if level <= memory.level:
            return (memory if self._rearm is None else Memory(memory.level, day)), ()
        reached = Memory(level, day if self._rearm is not None else 0)
        return reached, (self._risen(level, context, opens=memory.level == 0),)

    def _risen(self, level: int, context: Context, *, opens: bool) -> Finding:
        arm, fact = self._arms[level - 1], context.fact
        proof = arm.when.prove(context)
        return Finding(
            self.name,
            self._state,
            opens=opens,
            day=fact.day,
            tag=arm.tag,
            grade=arm.grade,
            severity=arm.severity,
            onset=fact,
            trigger=fact,
            cited=cite(*self._grounds(context), proof.cited),
            proof=proof,
            value=worth(arm.value or self._value, context),
        )
