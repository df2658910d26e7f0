"""The engine under measurement: the three rules, the way from bytes to alerts, what stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.reading import PlainObservation, decode_plain
from services.detector.engine.fact import Fact
from services.detector.engine.instants import instant
from services.detector.engine.monitor import Monitor, News
from services.detector.language.compiler import compile_rule
from services.detector.rulebook.library import load_rules
from services.ingest.decode import Decoded, decode_event

if TYPE_CHECKING:
    from benchmarks.handwritten import Alert
    from benchmarks.workload import Message
    from schemas.alerts import AlertRevision
    from schemas.events import Event
    from services.detector.engine.finding import Finding
    from services.detector.engine.rule import CompiledRule

RULES = Path(__file__).parent / "rules"


@cache
def rules() -> tuple[CompiledRule, ...]:
    """The three rules, compiled."""
    return tuple(compile_rule(rule) for rule in load_rules(RULES))


def read(line: bytes) -> PlainObservation | Event:
    """One event, by the fast reader, else by the strict one.

    Raises:
        ValueError: neither can read it; no line of the workload is such a one.
    """
    event = decode_plain(line)
    if event is not None:
        return event
    decoded = decode_event(line)
    if not isinstance(decoded, Decoded):
        raise ValueError(f"unreadable line: {decoded.reason}, {decoded.detail}")  # noqa: TRY004
    return decoded.event


Arrival = tuple[Fact, int]
"""A fact, and the instant at which it arrives, in microseconds UTC."""

Verb = Callable[[Sequence[Fact], int], "Sequence[AlertRevision | News]"]


def arrivals(messages: Iterable[Message]) -> list[Arrival]:
    """The messages as facts that are ready for the engine."""
    found = []
    for message in messages:
        at = instant(message.at)
        found.append((Fact(read(message.line), at), at))
    return found


class Watch:
    """A monitor with the three rules, fed one message at a time as live traffic is.

    With `words` it writes its alerts as the care team reads them; without, it stops at what a
    state machine gives, too: which alert, by which evidence. `said` is the one or the other.
    """

    def __init__(self, *, words: bool = True) -> None:
        self.monitor = Monitor(rules())
        self.said: list[AlertRevision | News] = []
        self._take_in: Verb = self.monitor.receive if words else self.monitor.observe

    def run_facts(self, ready: Iterable[Arrival]) -> None:
        """The engine alone."""
        take_in, said = self._take_in, self.said
        for fact, at in ready:
            if news := take_in((fact,), at):
                said += news

    def run_lines(self, lines: Iterable[bytes]) -> None:
        """From JSON bytes to alerts; a line arrives when it is issued."""
        take_in, said = self._take_in, self.said
        for line in lines:
            fact = Fact(decode_plain(line) or read(line), 0)
            if news := take_in((fact,), fact.issued):
                said += news

    def standing(self, now: int) -> set[Alert]:
        """What the engine derives from all that it has been told: its verdicts, with evidence.

        The published journals depend on the order of arrival by nature; this does not.
        """
        # The monitor publishes differences and offers no view of what stands; here it is needed.
        patients = self.monitor._patients  # noqa: SLF001
        return {
            (who, lane.rule.id, finding.trigger.event.event_id, _events(finding))
            for who, patient in patients.items()
            for lane in patient.lanes.values()
            for finding in lane.findings(now)[0]
            if finding.trigger is not None
        }


def _events(finding: Finding) -> frozenset[str]:
    return frozenset(fact.event.event_id for fact, _ in finding.cited)
