"""Whether the alerts are right, before anyone asks how fast they came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.disorder import shuffled, untidy
from benchmarks.engine import Watch, arrivals
from benchmarks.handwritten import HandWritten, read_msgspec, read_stdlib

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from benchmarks.engine import Arrival
    from benchmarks.handwritten import Alert
    from benchmarks.workload import Message


@dataclass(frozen=True, slots=True)
class Streams:
    """The same facts in three orders of arrival."""

    tidy: Sequence[Message]
    untidy: Sequence[Message]
    shuffled: Sequence[Message]

    @classmethod
    def of(cls, rng: Random, tidy: Sequence[Message]) -> Streams:
        """Disturb a tidy stream in both ways."""
        disturbed = untidy(rng, tidy)
        return cls(tidy, disturbed, shuffled(rng, disturbed))


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a set of alerts is from the right one."""

    missed: int
    false: int

    @property
    def none(self) -> bool:
        """Whether they are the same."""
        return not (self.missed or self.false)

    @classmethod
    def between(cls, alerts: set[Alert], right: set[Alert]) -> Difference:
        """What `alerts` lacks and what it has too much."""
        return cls(len(right - alerts), len(alerts - right))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many alerts there are, and who gets them right on which stream.

    The measure of all is what the hand-written machine says on the tidy stream, for which it was
    written; on the untidy one it can only be wrong.
    """

    alerts: dict[str, int]
    engine: dict[str, Difference]
    hand_untidy: Difference

    @property
    def right(self) -> bool:
        """Whether the engine is right on every stream."""
        return all(difference.none for difference in self.engine.values())


def judge(streams: Streams) -> Verdicts:
    """Run both on the streams and compare patient, rule, completing event and evidence.

    Raises:
        ValueError: the two readers of the hand-written machine disagree on a line.
    """
    hand = _by_hand(streams.tidy)
    right = set(hand)
    if any(read_msgspec(m.line) != read_stdlib(m.line) for m in streams.tidy):
        raise ValueError("the hand-written readers disagree")
    ready = {
        "tidy": arrivals(streams.tidy),
        "untidy": arrivals(streams.untidy),
        "shuffled": arrivals(streams.shuffled),
    }
    end = max(at for _, at in ready["untidy"])
    return Verdicts(
        alerts={rule: sum(alert[1] == rule for alert in right) for rule in sorted(_rules(right))},
        engine={
            name: Difference.between(_by_engine(facts, end), right) for name, facts in ready.items()
        },
        hand_untidy=Difference.between(set(_by_hand(streams.untidy)), right),
    )


def _rules(alerts: set[Alert]) -> set[str]:
    return {alert[1] for alert in alerts}


def _by_hand(messages: Sequence[Message]) -> list[Alert]:
    machine = HandWritten()
    machine.run(read_msgspec(message.line) for message in messages)
    return machine.alerts


def _by_engine(facts: Sequence[Arrival], end: int) -> set[Alert]:
    watch = Watch()
    watch.run_facts(facts)
    return watch.standing(end)
