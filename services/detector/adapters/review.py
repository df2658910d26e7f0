"""Two sets of rules beside each other: which episodes of which alerts differ, and in what.

Pure comparison of two journals; `review_run` makes them. Its unit is the *episode*: all entries
that one criterion of one alert made of one finding, from the first word to the last.

Laws of this file:
- an episode of one journal is the *same finding* as one of the other if both are of one criterion
  of one alert and were open at a common moment; each has at most one counterpart;
- comparing the other way round gives the mirror image;
- what is not told as a difference is equal in every compared field of every entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from schemas.alerts import OPEN_STATES
from schemas.base import as_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from schemas.alerts import AlertRevision, Severity, State
    from schemas.partial import PartialDate


class Said(NamedTuple):
    """What is compared of one entry of a journal. Words, sources and options are not.

    evidence: event ids with their roles.
    tier: of the window to act in.
    """

    at: datetime
    state: State
    tag: str | None
    grade: int | None
    value: Decimal | None
    action: str | None
    severity: Severity
    onset: date | datetime | PartialDate | None
    evidence: frozenset[tuple[str, str]]
    confirm_by: date | datetime | None
    confirmation_overdue: bool
    act_by: date | datetime | None
    tier: str | None

    @classmethod
    def of(cls, entry: AlertRevision) -> Said:
        """The compared part of an entry."""
        return cls(
            entry.at,
            entry.state,
            entry.tag,
            entry.grade,
            entry.value,
            entry.action,
            entry.severity,
            entry.onset,
            frozenset((piece.event_id, piece.role.value) for piece in entry.evidence),
            entry.confirm_by,
            entry.confirmation_overdue,
            entry.act_by,
            entry.window.tier if entry.window else None,
        )


@dataclass(frozen=True, slots=True)
class Episode:
    """One finding as one journal told it: its entries, in their order; there is at least one."""

    alert_id: str
    patient_id: str
    rule: str
    criterion: str
    number: int
    entries: tuple[Said, ...]

    @property
    def begun(self) -> datetime:
        """When it was first told."""
        return self.entries[0].at

    @property
    def ended(self) -> datetime | None:
        """When it was taken back or answered; None: it stands."""
        last = self.entries[-1]
        return None if last.state in OPEN_STATES else last.at

    def reached(self) -> dict[State, datetime]:
        """The first moment of each of its states, in the order in which it reached them."""
        first: dict[State, datetime] = {}
        for said in self.entries:
            first.setdefault(said.state, said.at)
        return first


class Kind(StrEnum):
    """What a change of rules makes of an episode."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


class Aspect(StrEnum):
    """In what two tellings of one finding differ."""

    TIME = "time"  # a state that both reach is reached at another moment
    STATES = "states"  # one reaches a state that the other doesn't
    FINDING = "finding"  # tag, grade, value, action or onset
    SEVERITY = "severity"
    EVIDENCE = "evidence"
    DEADLINE = "deadline"  # by when to confirm or to act, or the window's tier
    REPETITION = "repetition"  # the same, said again at other moments


@dataclass(frozen=True, slots=True)
class Difference:
    """An episode that only one set of rules gives, or that both give and tell differently."""

    kind: Kind
    old: Episode | None
    new: Episode | None
    aspects: tuple[Aspect, ...] = ()

    @property
    def either(self) -> Episode:
        """One that is there, for what both have in common."""
        found = self.old or self.new
        if found is None:
            raise ValueError("a difference has at least one side")
        return found

    @property
    def shift_days(self) -> int | None:
        """By how many days NEW says it later (below zero: earlier); None if nothing moved.

        Of the first state that both reach at different moments; 0: on the same day.
        """
        if self.old is None or self.new is None:
            return None
        there = self.new.reached()
        for state, at in self.old.reached().items():
            if state in there and there[state] != at:
                return (as_utc(there[state]).date() - as_utc(at).date()).days
        return None


def compare(
    old: Sequence[Episode], new: Sequence[Episode]
) -> Iterator[tuple[Episode, Episode] | Difference]:
    """Hold two journals against each other.

    Args:
        old: its episodes, in any order.
        new: likewise.

    Returns:
        Each finding once: both tellings where they are equal, else the difference.
    """
    ours, theirs = _by_criterion(old), _by_criterion(new)
    for key in sorted({*ours, *theirs}):
        for one, other in paired(ours.get(key, []), theirs.get(key, [])):
            if one is None or other is None:
                yield Difference(Kind.ADDED if one is None else Kind.REMOVED, one, other)
            elif aspects := unlike(one, other):
                kind = Kind.MOVED if Aspect.TIME in aspects else Kind.CHANGED
                yield Difference(kind, one, other, aspects)
            else:
                yield one, other


def _by_criterion(episodes: Sequence[Episode]) -> Mapping[tuple[str, str, str], list[Episode]]:
    found: dict[tuple[str, str, str], list[Episode]] = {}
    for one in episodes:
        found.setdefault((one.rule, one.criterion, one.alert_id), []).append(one)
    for several in found.values():
        several.sort(key=lambda one: (one.begun, one.number))
    return found


def paired(
    old: Sequence[Episode], new: Sequence[Episode]
) -> Iterator[tuple[Episode | None, Episode | None]]:
    """Join the episodes of one criterion of one alert that were open at a common moment.

    Args:
        old: in the order of their beginnings.
        new: likewise.
    """
    here = there = 0
    while here < len(old) and there < len(new):
        one, other = old[here], new[there]
        if _over_before(one, other):
            yield one, None
            here += 1
        elif _over_before(other, one):
            yield None, other
            there += 1
        else:
            yield one, other
            here, there = here + 1, there + 1
    yield from ((one, None) for one in old[here:])
    yield from ((None, other) for other in new[there:])


def _over_before(one: Episode, other: Episode) -> bool:
    return one.ended is not None and one.ended < other.begun


def unlike(one: Episode, other: Episode) -> tuple[Aspect, ...]:
    """In what two tellings differ; nothing if every compared field of every entry is equal."""
    if one.entries == other.entries:
        return ()
    here, there = one.reached(), other.reached()
    found = [Aspect.TIME] if any(here[s] != there[s] for s in here if s in there) else []
    if [*here] != [*there]:
        found.append(Aspect.STATES)
    found += [aspect for aspect, part in _PARTS.items() if _steps(one, part) != _steps(other, part)]
    return tuple(found or [Aspect.REPETITION])


_PARTS: Mapping[Aspect, Callable[[Said], object]] = {
    Aspect.FINDING: lambda said: (said.tag, said.grade, said.value, said.action, said.onset),
    Aspect.SEVERITY: lambda said: said.severity,
    Aspect.EVIDENCE: lambda said: said.evidence,
    Aspect.DEADLINE: lambda said: (
        said.confirm_by,
        said.confirmation_overdue,
        said.act_by,
        said.tier,
    ),
}


def _steps(episode: Episode, part: Callable[[Said], object]) -> list[object]:
    """What a part said, one after the other, whatever was only said again."""
    return [said for said, _ in groupby(map(part, episode.entries))]
