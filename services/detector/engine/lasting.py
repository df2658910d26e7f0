"""What lasts until somebody says otherwise: a suspicion that the calendar confirms.

Catalogue of infectious diseases, P6, "state-held": an adverse event is true until told otherwise,
so that a timer fires while nothing is reported. What samples have to prove is `Confirmation.gap`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.alerts import Role, State
from services.detector.engine.episode import Episode, Phase
from services.detector.engine.finding import Finding, Note, cite
from services.detector.engine.instants import Span, days_of, latest
from services.detector.engine.suspicion import following
from services.detector.engine.terms import Proof

if TYPE_CHECKING:
    from services.detector.engine.dormancy import Denial
    from services.detector.engine.fact import Fact
    from services.detector.engine.pattern import Pattern
    from services.detector.engine.terms import Cited, Context, Term


@dataclass(frozen=True, slots=True)
class Stay:
    """So many days after the suspicion, or after `since`, it is confirmed.

    `when` is asked of the fact that opened the suspicion.
    """

    days: int
    since: Term | None = None
    when: Term | None = None
    tag: str | None = None
    severity: str | None = None


class Count(NamedTuple):
    """What runs for one `Stay`: the day it falls due, None while it isn't counted; evidence.

    `asked`: why it counts for this suspicion at all; None where it doesn't.
    """

    due: int | None = None
    cited: tuple[Cited, ...] = ()
    asked: tuple[Cited, ...] | None = None


class Memory(NamedTuple):
    """The episode; what runs for each `Stay` while it stands; whether the calendar confirmed it.

    `basis`: what the suspicion rests on, without what confirmed it since. `ending`: the newest
    report of the adverse event, if it says when that ended. `resumed`: the reports that took the
    place of one that is cited and says so; without them the event would be over.
    """

    episode: Episode
    counts: tuple[Count, ...] = ()
    lasted: bool = False
    basis: tuple[Cited, ...] = ()
    ending: Fact | None = None
    resumed: tuple[Cited, ...] = ()


_REST = Count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """A `Pattern` with timers. `untold`: a mere suspicion, and its end, are not told."""

    pattern: Pattern
    stays: tuple[Stay, ...]
    untold: bool = False
    name: str = field(init=False)
    listens: frozenset[int] = field(init=False)
    reach_days: int = field(init=False)
    initial: Memory = field(init=False)
    timed: bool = True

    def __post_init__(self) -> None:
        """Take over what the machine inside is called and needs."""
        object.__setattr__(self, "name", self.pattern.name)
        object.__setattr__(self, "listens", self.pattern.listens)
        object.__setattr__(self, "reach_days", self.pattern.reach_days)
        object.__setattr__(self, "initial", Memory(self.pattern.initial))

    @property
    def rests(self) -> bool:
        """As the criterion inside."""
        return self.pattern.rests

    def denial(self, series: tuple[int, ...], *, dated: bool = False) -> Denial | None:
        """As the criterion inside."""
        return self.pattern.denial(series, dated=dated)

    # -- one fact

    def step(self, memory: Memory, context: Context) -> tuple[Memory, tuple[Note, ...]]:
        """Judge one fact, and set or stop the timers."""
        before = memory.episode
        after, notes = self.pattern.step(before, context)
        if self.untold:
            notes = self._telling(before, notes)
        if after is before and not memory.counts:
            return memory, notes
        return self._timed(memory, after, context), notes

    def _timed(self, memory: Memory, after: Episode, context: Context) -> Memory:
        lasted = memory.lasted and after.phase is Phase.CONFIRMED
        if after.phase is not Phase.SUSPECTED and not lasted:
            return Memory(after)
        begun = after.first is not memory.episode.first or not memory.counts
        counts = memory.counts
        here = following(context, after)
        if begun:
            counts = tuple(_begun(stay, here) for stay in self.stays)
        kept = zip(self.stays, counts, strict=True)
        counted = tuple(_counted(stay, one, here) for stay, one in kept)
        basis = memory.basis if lasted else after.cited
        ending = _ending(context.fact, memory.ending)
        resumed = () if begun else _resumed(memory, context.fact)
        return Memory(after, counted, lasted, basis, ending, resumed)

    def _telling(self, before: Episode, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        """Without what nobody is told; what comes after it begins an episode."""
        told: list[Note] = []
        for note in notes:
            if not isinstance(note, Finding):
                told.append(note)
            elif note.state is State.CONFIRMED:
                told.append(_opening(note))
            elif note.state is not State.SUSPECTED and before.phase is not Phase.SUSPECTED:
                told.append(note)
        return tuple(told)

    # -- the calendar

    def start(self, memory: Memory, context: Context) -> Memory:
        """Begin afresh from the new clock."""
        return Memory(self.pattern.start(memory.episode, context))

    def deadline(self, memory: Memory) -> int | None:
        """The next day at whose end it has lasted long enough, or is over by its own report."""
        days = [one.due for one in memory.counts if one.due is not None]
        if memory.ending is not None:
            days.append(_last_day(memory.ending))
        return min(days, default=None)

    def expire(self, memory: Memory, context: Context | None) -> tuple[Memory, tuple[Note, ...]]:
        """That day has ended, and nobody has said otherwise."""
        del context
        due = self.deadline(memory)
        at = next((place for place, one in enumerate(memory.counts) if one.due == due), None)
        if at is None:
            return self._ended(memory)
        stay, count = self.stays[at], memory.counts[at]
        counts = tuple(_REST if i == at else one for i, one in enumerate(memory.counts))
        episode = memory.episode
        known_so = memory.lasted and (stay.tag or episode.tag) == episode.tag
        if known_so or due is None:
            return memory._replace(counts=counts), ()
        finding = self._lasted(memory, stay, count, due)
        confirmed = episode._replace(
            phase=Phase.CONFIRMED, tag=finding.tag, cited=finding.cited, run=()
        )
        lasted = memory._replace(episode=confirmed, counts=counts, lasted=True)
        return lasted, (finding,)

    def _ended(self, memory: Memory) -> tuple[Memory, tuple[Note, ...]]:
        """The adverse event is over; an alert stays where nothing takes it back."""
        ending, episode = memory.ending, memory.episode
        answers = any(one.confirmed_tag is not None for one in self.pattern.refute)
        if ending is None or (memory.lasted and not answers):
            return memory._replace(ending=None), ()
        silent = Memory(self.pattern.initial._replace(judged=episode.judged))
        if self.untold and not memory.lasted:
            return silent, ()
        cited: tuple[Cited, ...] = ((ending, Role.TRIGGER),)
        finding = Finding(
            self.name,
            State.REFUTED,
            opens=False,
            day=_last_day(ending),
            onset=episode.first,
            cited=cited,
            proof=Proof("its report says that it ended", result=True, cited=cited),
            due=True,
        )
        return silent, (finding,)

    def _lasted(self, memory: Memory, stay: Stay, count: Count, due: int) -> Finding:
        episode = memory.episode
        cited = cite(memory.basis, count.cited, memory.resumed)
        return Finding(
            self.name,
            State.CONFIRMED,
            opens=self.untold and not memory.lasted,
            day=due,
            tag=stay.tag or episode.tag,
            severity=stay.severity,
            onset=episode.first,
            cited=cited,
            proof=Proof(f"nobody says otherwise for {stay.days} d", result=True, cited=cited),
            due=True,
        )


def _ending(fact: Fact, former: Fact | None) -> Fact | None:
    """The report that says when the adverse event ended: the newest one, if it says so."""
    if fact.topic != "adverse_event":
        return former
    return None if fact.event.ended_at is None else fact


def _resumed(memory: Memory, fact: Fact) -> tuple[Cited, ...]:
    """The reports without which something cited would have ended the event, with this one."""
    former = memory.ending
    relied_on = {one for one, _ in (*memory.basis, *memory.resumed)}
    if former is None or fact.topic != "adverse_event" or former not in relied_on:
        return memory.resumed
    return (*memory.resumed, (fact, Role.SUPPORT))


def _last_day(ending: Fact) -> int:
    """The last day of an adverse event that ended; of a partial date the last that it may be."""
    return latest(days_of(ending.event.ended_at))


def _begun(stay: Stay, here: Context) -> Count:
    """The timer as a suspicion opens; it rests where this suspicion is none that is counted."""
    if stay.when is None:
        asked: tuple[Cited, ...] = ()
    elif stay.when.holds(here):
        asked = stay.when.prove(here).cited
    else:
        return _REST
    return Count(asked=asked) if stay.since is not None else _due(stay, here, asked, asked, None)


def _counted(stay: Stay, count: Count, here: Context) -> Count:
    """The timer after one more fact: from a later time, if this fact gives one."""
    if stay.since is None or count.asked is None:
        return count
    since = _day(stay.since.evaluate(here))
    if since is None:
        return count
    cited = cite(count.asked, stay.since.prove(here).cited)
    return _due(stay, here, cited, count.asked, since)


def _due(
    stay: Stay, here: Any, cited: tuple[Cited, ...], asked: tuple[Cited, ...], since: int | None
) -> Count:
    first: Fact = here.suspicion.first
    begin = latest(first.when) if since is None else since
    return Count(begin + stay.days, cited, asked)


def _day(time: Any) -> int | None:
    """The latest day that a time may mean; none where there is none."""
    return time.last if isinstance(time, Span) else time if isinstance(time, int) else None


def _opening(note: Finding) -> Finding:
    """Nobody was told of the suspicion: for the reader the episode begins here."""
    return note if note.opens else replace(note, opens=True)
