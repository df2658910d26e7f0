"""What the peers' run found: verdicts, rows for programs, a table for people, a page. Pure.

A peer that could not be run has a reason and no numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from benchmarks.peers.programs.stand import Alert

OURS = "salvage-watch, from facts"
"""What the ratios are told in."""
FROM_BYTES = "salvage-watch, from bytes"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer's program said of one stream. `seconds` are of the processor, for all events."""

    events: int
    seconds: float
    rss_mb: int
    alerts: frozenset[Alert]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the alerts of one stream are from the right ones."""

    missed: int
    false: int

    @property
    def right(self) -> bool:
        """Whether they are the same."""
        return not (self.missed or self.false)

    @classmethod
    def of(cls, alerts: AbstractSet[Alert], right: AbstractSet[Alert]) -> Verdict:
        """What the alerts lack, and what they have too much."""
        return cls(len(right - alerts), len(alerts - right))


@dataclass(frozen=True, slots=True)
class Row:
    """One peer. Of one that could not be run only `name`, `version` and `reason` are given.

    us_per_event: processor time on the stream in order.
    right_*: whether the alerts are those of the sorted stream; None: not tried.
    verdicts: by stream.
    rss_mb: greatest of all streams.
    """

    name: str
    version: str
    note: str = ""
    events: int | None = None
    us_per_event: float | None = None
    right_in_order: bool | None = None
    right_untidy: bool | None = None
    right_shuffled: bool | None = None
    rss_mb: int | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    reason: str | None = None

    @classmethod
    def of(
        cls,
        name: str,
        version: str,
        note: str,
        answers: Mapping[str, Answer],
        right: AbstractSet[Alert],
    ) -> Row:
        """Judge a peer's answers, by stream; the one in order is always among them."""
        verdicts = {key: Verdict.of(answer.alerts, right) for key, answer in answers.items()}
        measured = answers["in_order"]
        told = {f"right_{key}": verdict.right for key, verdict in verdicts.items()}
        return cls(
            name,
            version,
            note,
            events=measured.events,
            us_per_event=round(measured.seconds / measured.events * 1e6, 3),
            rss_mb=max(answer.rss_mb for answer in answers.values()),
            verdicts=verdicts,
            **told,  # type: ignore[arg-type]
        )

    @classmethod
    def absent(cls, name: str, version: str, note: str, reason: str) -> Row:
        """One that could not be run."""
        return cls(name, version, note, reason=reason)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Row:
        """What `as_json` gave."""
        verdicts = {key: Verdict(**value) for key, value in told["verdicts"].items()}
        return cls(**{**told, "verdicts": verdicts})


def ratio(row: Row, rows: Sequence[Row]) -> float | None:
    """How many times our time an event takes; None where one of the two is not known."""
    ours = next((one.us_per_event for one in rows if one.name == OURS), None)
    return row.us_per_event / ours if row.us_per_event and ours else None


@dataclass(frozen=True, slots=True)
class Reach:
    """An aim: our speed over that of another row of the same run."""

    ours: str
    other: str
    least: float

    def told(self, rows: Sequence[Row]) -> str | None:
        """What came of it; None where one of the two was not measured."""
        times = {row.name: row.us_per_event for row in rows}
        mine, other = times.get(self.ours), times.get(self.other)
        if not mine or not other:
            return None
        figure = other / mine
        word = "reached" if figure >= self.least else "missed"
        aim = f"at least {self.least:g} times the speed of {self.other}"
        return f"{self.ours}: {aim}: {figure:,.2f}, {word}"


REACHES = (
    Reach(OURS, "by hand, from events", 0.25),
    Reach(FROM_BYTES, "by hand, from bytes", 0.5),
    Reach(OURS, "Pathway", 20),
    Reach(OURS, "cql-execution, at each event", 1_000),
    Reach(OURS, "Bytewax, batch 256", 1),
    Reach(OURS, "Drools", 1),
)
"""What we want; a figure that is missed is told as such."""


def reaches(rows: Sequence[Row]) -> list[str]:
    """What came of each aim that this run can tell of."""
    return [told for reach in REACHES if (told := reach.told(rows)) is not None]


HEAD = ("engine", "us/event", "times ours", "MB", "in order", "untidy", "shuffled", "remark")


def cells(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    """A row of the table."""
    name = f"{row.name} {row.version}".strip()
    if row.reason is not None:
        return (name, *["-"] * 6, f"not measured: {row.reason}")
    times = ratio(row, rows)
    return (
        name,
        "-" if row.us_per_event is None else f"{row.us_per_event:,.2f}",
        "-" if times is None else f"{times:,.2f}",
        str(row.rss_mb),
        *(_told(row.verdicts.get(name)) for name in ("in_order", "untidy", "shuffled")),
        row.note,
    )


def _told(verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    return "right" if verdict.right else f"{verdict.missed} missed, {verdict.false} false"


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The table for a terminal."""
    table = [HEAD, *(cells(row, rows) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for one in table:
        yield "  ".join(map(str.ljust, one, widths)).rstrip()


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The same for a page."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" * len(HEAD) + "|"
    for row in rows:
        yield f"| {' | '.join(cells(row, rows))} |"
