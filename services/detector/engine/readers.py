"""Who reads a fact: the rules that concern a patient or a course, by the topics of facts.

Nearly all rules have nothing to say of nearly all patients. A rule *sleeps* for a course as long as
every fact that came shows at a glance that the rule stays as it began (`dormancy`): until then no
lane is folded, and nothing is kept but the facts themselves. The first fact that may mean more
wakes it; then its lane is filled with all that had come before.

Law of this file: what sleeps would say nothing, doubt nothing and await nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from services.detector.engine.dormancy import Denial, together
from services.detector.engine.rule import WHOLE_PATIENT, Course

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.detector.engine.fact import Fact
    from services.detector.engine.rule import CompiledRule
    from services.detector.engine.seats import Seat

_MOST_COURSES = 8_192


class Reader(NamedTuple):
    """A rule that reads facts of a topic.

    Attributes:
        number: of the rule.
        seat: where all of them belong in its lane, if they all belong there.
        quiet: what tells at a glance that a fact with a known day leaves it asleep; None: nothing.
    """

    number: int
    rule: CompiledRule
    seat: Seat | None
    quiet: Denial | None

    def sleeps_on(self, fact: Fact) -> bool:
        """Whether a fact leaves the rule asleep."""
        return self.quiet is not None and fact.when.__class__ is int and self.quiet(fact)


class Panel(NamedTuple):
    """The rules that concern a course, by what they read.

    Attributes:
        numbers: of the rules.
        by_topic: who reads facts of a topic.
        restless: the numbers of those that never sleep.
    """

    numbers: tuple[int, ...]
    by_topic: dict[str, tuple[Reader, ...]]
    restless: frozenset[int]

    def awake(self, facts: Iterable[Fact]) -> frozenset[int]:
        """The rules that don't sleep once these facts have come."""
        found = set(self.restless)
        for fact in facts:
            for reader in self.by_topic.get(fact.topic, ()):
                if reader.number not in found and not reader.sleeps_on(fact):
                    found.add(reader.number)
        return frozenset(found)


class Readers:
    """The panels of all courses, each made once: patients who are treated alike share one."""

    def __init__(self, rules: Sequence[CompiledRule], *, sleeping: bool = True) -> None:
        """Without `sleeping` every rule is awake from the beginning."""
        self._rules = tuple(rules)
        self._sleeping = sleeping
        self._panels: dict[Course, Panel] = {}
        self.of_patient = self._panel(
            [number for number, rule in enumerate(rules) if not rule.per_course]
        )

    def of(self, course: Course) -> Panel:
        """The rules that have an instance for a course."""
        alike = replace(course, id=WHOLE_PATIENT.id)
        panel = self._panels.get(alike)
        if panel is None:
            if len(self._panels) >= _MOST_COURSES:
                self._panels.clear()
            concerned = [
                number
                for number, rule in enumerate(self._rules)
                if rule.per_course and rule.concerns(course)
            ]
            panel = self._panels[alike] = self._panel(concerned)
        return panel

    def _panel(self, numbers: Sequence[int]) -> Panel:
        by_topic: dict[str, tuple[Reader, ...]] = {}
        restless: set[int] = set()
        for number in numbers:
            rule = self._rules[number]
            rests = self._sleeping and all(machine.rests for machine in rule.machines)
            if not rests:
                restless.add(number)
            for topic in rule.topics:
                quiet = _quiet(rule, topic) if rests else None
                reader = Reader(number, rule, rule.seat(topic), quiet)
                by_topic[topic] = (*by_topic.get(topic, ()), reader)
        return Panel(tuple(numbers), by_topic, frozenset(restless))


def _quiet(rule: CompiledRule, topic: str) -> Denial | None:
    """What tells that no criterion has anything to say of a fact of that topic.

    A fact may belong to fewer of the series than its topic: what a condition asks of the others is
    then absent, and false all the more.
    """
    series = tuple(index for index, one in enumerate(rule.series) if topic in one.topics)
    shown = [machine for machine in rule.machines if not machine.listens.isdisjoint(series)]
    return together(machine.denial(series, dated=True) for machine in shown)
