"""All figures of one run, judged and written down."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.history import Cost
    from benchmarks.memory import Size
    from benchmarks.verdicts import Verdicts

BYTES_REACH = 0.25
"""From bytes to alerts: at least this share of the hand-written speed from the same bytes."""
UNTIDY_REACH, SHUFFLED_REACH = 1.2, 2.0
"""An event of such a stream costs at most this many times one that comes in order."""
HISTORY_REACH = 1.2
"""An event at 10,000 facts costs at most this many times one at 10."""

HAND = "by hand"
ENGINE_DECIDES, ENGINE = "engine, without words", "engine"
ENGINE_UNTIDY, ENGINE_SHUFFLED = "engine, untidy stream", "engine, shuffled stream"
HAND_MSGSPEC, HAND_JSON = "bytes: by hand, msgspec", "bytes: by hand, json"
BYTES_DECIDES, ENGINE_BYTES = "bytes: engine, without words", "bytes: engine"


@dataclass(frozen=True, slots=True)
class Reach:
    """A stated aim, and whether it is met."""

    name: str
    met: bool
    figure: str


@dataclass(frozen=True, slots=True)
class Report:
    """One run. Times are in seconds, sizes in bytes."""

    patients: int
    events: int
    line_bytes: float
    seconds: Mapping[str, float]
    verdicts: Verdicts
    history: Sequence[Cost]
    patient_size: Size

    @property
    def bytes_ratio(self) -> float:
        """Our speed from bytes to alerts, as a share of the hand-written one by msgspec."""
        return self.seconds[HAND_MSGSPEC] / self.seconds[ENGINE_BYTES]

    @property
    def history_ratio(self) -> float:
        """Cost of an event at the longest history, in costs at the shortest."""
        return self.history[-1].in_order / self.history[0].in_order

    def disorder_ratio(self, stream: str) -> float:
        """Cost of an event of another stream, in costs of one that comes in order."""
        return self.seconds[stream] / self.seconds[ENGINE]

    def reaches(self) -> tuple[Reach, ...]:
        """Everything that was promised."""
        right = tuple(
            Reach(
                f"alerts of the {name} stream are right",
                difference.none,
                f"{difference.missed} missed, {difference.false} false",
            )
            for name, difference in self.verdicts.engine.items()
        )
        return (
            *right,
            Reach(
                f"from bytes to alerts at least {BYTES_REACH} of the hand-written speed",
                self.bytes_ratio >= BYTES_REACH,
                f"{self.bytes_ratio:.3f}",
            ),
            self._disorder("an untidy", ENGINE_UNTIDY, UNTIDY_REACH),
            self._disorder("a shuffled", ENGINE_SHUFFLED, SHUFFLED_REACH),
            Reach(
                f"cost at {self.history[-1].facts:,} facts at most {HISTORY_REACH} times that at "
                f"{self.history[0].facts}",
                self.history_ratio <= HISTORY_REACH,
                f"{self.history_ratio:.2f}",
            ),
        )

    def _disorder(self, which: str, stream: str, reach: float) -> Reach:
        ratio = self.disorder_ratio(stream)
        name = f"{which} stream costs at most {reach} times one in order"
        return Reach(name, ratio <= reach, f"{ratio:.2f}")

    @property
    def failed(self) -> bool:
        """Whether anything promised was not kept."""
        return not all(reach.met for reach in self.reaches())

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "machine": machine(),
            "work": {
                "patients": self.patients,
                "events": self.events,
                "line_bytes": round(self.line_bytes),
                "alerts": self.verdicts.alerts,
            },
            "microseconds_per_event": {
                name: round(seconds * 1e6, 3) for name, seconds in self.seconds.items()
            },
            "events_per_second": {
                name: round(1 / seconds) for name, seconds in self.seconds.items()
            },
            "history_microseconds": [
                {
                    "facts": cost.facts,
                    "in_order": round(cost.in_order * 1e6, 3),
                    "without_words": round(cost.decided * 1e6, 3),
                    "late": round(cost.late * 1e6, 3),
                }
                for cost in self.history
            ],
            "hand_written_untidy": asdict(self.verdicts.hand_untidy),
            "bytes_per_patient": {
                "whole": self.patient_size.whole,
                "beside_the_facts": self.patient_size.beside,
            },
            "reaches": [asdict(reach) for reach in self.reaches()],
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        yield from self._about()
        yield ""
        yield from self._speeds()
        yield ""
        yield from self._lengths()
        yield ""
        wrong = self.verdicts.hand_untidy
        yield (
            f"by hand on the untidy stream: {wrong.missed} alerts missed, {wrong.false} false; "
            "nothing taken back"
        )
        size = self.patient_size
        yield (
            f"memory of the engine: {size.whole / 1024:.1f} KiB a patient, "
            f"{size.beside / 1024:.1f} of these beside the facts"
        )
        yield ""
        for reach in self.reaches():
            yield f"{'PASS' if reach.met else 'FAIL'}  {reach.name}: {reach.figure}"

    def _about(self) -> Iterator[str]:
        facts = machine()
        yield ", ".join(f"{name} {value}" for name, value in facts.items())
        alerts = ", ".join(f"{rule} {count:,}" for rule, count in self.verdicts.alerts.items())
        yield (
            f"{self.events:,} events of {self.patients:,} patients, "
            f"{self.line_bytes:.0f} bytes a line; alerts: {alerts}"
        )

    def _speeds(self) -> Iterator[str]:
        yield f"{'':<32}{'us/event':>10}{'events/s':>12}{'of hand-written':>17}"
        for name, seconds in self.seconds.items():
            measure = self.seconds[HAND_MSGSPEC if name.startswith("bytes") else HAND]
            yield f"{name:<32}{seconds * 1e6:>10.2f}{1 / seconds:>12,.0f}{measure / seconds:>17.3f}"
        ratio = self.seconds[HAND_JSON] / self.seconds[ENGINE_BYTES]
        yield f"engine from bytes, in speeds of the hand-written one with json: {ratio:.3f}"

    def _lengths(self) -> Iterator[str]:
        heads = ("us/event", "without words", "us/late event")
        yield f"{'facts of the patient':<32}" + "".join(f"{head:>15}" for head in heads)
        for cost in self.history:
            times = (cost.in_order, cost.decided, cost.late)
            yield f"{cost.facts:<32,}" + "".join(f"{time * 1e6:>15.2f}" for time in times)


def machine() -> dict[str, str]:
    """What the figures depend on; neither names nor places."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }
