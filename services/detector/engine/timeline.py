"""A patient's facts: a last-writer-wins map.

Law of this file: merging is commutative, associative and idempotent. The same set of versions
gives the same timeline in whatever order, however often and in whatever batches they came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.detector.engine.fact import Fact, Key


FEW = frozenset({"patient", "treatment"})


class Timeline:
    """The winning version of every fact of one patient, withdrawn ones included.

    A withdrawn version stays as a tombstone, so that an older version that comes later can't
    bring the fact back. When a fact was first known its final version says itself; `_known` says
    it of those that came in several versions, for as long as none of them stands.
    """

    __slots__ = ("_facts", "_few", "_known", "_newest", "_stale", "_watched")

    def __init__(self, watched: Iterable[str] | None = None) -> None:
        """Start empty.

        Args:
            watched: the topics whose newest facts are asked for again and again; None: all.
        """
        self._watched = None if watched is None else FEW.union(watched)
        self._facts: dict[Key, Fact] = {}
        self._known: dict[Key, int] = {}
        self._few: dict[Key, Fact] = {}
        self._newest: dict[str, Fact] = {}
        self._stale: set[str] = set()

    def merge(self, version: Fact) -> tuple[Fact | None, Fact | None] | None:
        """Take in one version.

        Returns:
            What stood before and what stands now (None where there is nothing to see), or None
            when nothing changed.
        """
        key = version.key
        before = self._facts.get(key)
        if before is None:
            self._facts[key] = version
            if version.sort.withdrawn:
                return None
            if self._watched is None or version.topic in self._watched:
                self._index(version)
            return None, version
        wins = _wins(version, before)
        known = self._first_known(before, version)
        if known is not None:
            self._known[key] = known
        if not wins and (known is None or known == before.known):
            return None
        winner = version if wins else before
        if known is not None and known != winner.known and _is_final(winner):
            winner = winner.as_known_since(known)
        self._facts[key] = winner
        if winner is before:
            return None
        seen, stands = _visible(before), _visible(winner)
        if seen is None and stands is None:
            return None
        self._unindex(before)
        if stands is not None:
            self._index(winner)
        return seen, stands

    # -- the newest of each topic, so that nobody need look through all

    def _index(self, fact: Fact) -> None:
        topic = fact.topic
        if topic in FEW:
            self._few[fact.key] = fact
        if self._watched is not None and topic not in self._watched:
            return
        held = self._newest.get(topic)
        if held is None or fact.at > held.at or (fact.at == held.at and fact.key > held.key):
            self._newest[topic] = fact

    def _unindex(self, fact: Fact) -> None:
        if self._newest.get(fact.topic) is fact:
            del self._newest[fact.topic]
            self._stale.add(fact.topic)
        self._few.pop(fact.key, None)

    def newest(self, topic: str, day: int) -> Fact | None:
        """The standing fact of a topic with the latest clinical time on or before a day."""
        if self._watched is None or topic in self._watched:
            held = self._newest.get(topic)
            if topic not in self._stale and (held is None or held.day <= day):
                return held
        standing = [fact for fact in self if fact.topic == topic]
        if standing and topic in self._stale:
            self._newest[topic] = max(standing, key=_time)
        self._stale.discard(topic)
        return max((fact for fact in standing if fact.day <= day), key=_time, default=None)

    def has(self, topic: str) -> bool:
        """Whether there may be a standing fact of a topic."""
        if self._watched is not None and topic not in self._watched:
            return True  # not followed: only a search would tell
        return topic in self._newest or topic in self._stale

    @property
    def has_few(self) -> bool:
        """Whether there is any fact of which a patient has few."""
        return bool(self._few)

    def few(self, topic: str) -> list[Fact]:
        """The standing facts of a topic of which a patient has few: the person, the treatments."""
        return [fact for fact in self._few.values() if fact.topic == topic]

    # -- versions

    def _first_known(self, before: Fact, version: Fact) -> int | None:
        """The earliest issue of a final version: when the evidence first existed for us."""
        known = self._since(before)
        if _is_final(version) and (known is None or version.issued < known):
            return version.issued
        return known

    def _since(self, standing: Fact) -> int | None:
        """When a fact was first known: a final version says so itself."""
        return standing.known if _is_final(standing) else self._known.get(standing.key)

    def absorb(self, other: Timeline) -> None:
        """Take in all that another timeline knows: two records turn out to be one person's.

        A fact that stands in both, since a later version came under the other patient id, is one
        fact: its versions are weighed against each other as if they had come to one chart.
        """
        for version, known in other.versions():
            key = version.key
            mine = self._facts.get(key)
            since = None if mine is None else self._since(mine)
            days = [each for each in (since, known) if each is not None]
            winner = version if mine is None or _wins(version, mine) else mine
            self.restore(winner, min(days, default=None))

    def __contains__(self, key: Key) -> bool:
        """Whether any version of a fact was ever seen."""
        return key in self._facts

    def __iter__(self) -> Iterator[Fact]:
        """The facts that stand."""
        return (fact for fact in self._facts.values() if not fact.withdrawn)

    def __len__(self) -> int:
        """How many identities were ever seen."""
        return len(self._facts)

    def versions(self) -> Iterator[tuple[Fact, int | None]]:
        """Every winning version, tombstones included, and when the fact was first known."""
        return ((fact, self._since(fact)) for fact in self._facts.values())

    def restore(self, version: Fact, known: int | None) -> None:
        """Put back what `versions` gave."""
        if known is not None:
            if not _is_final(version):
                self._known[version.key] = known
            elif known != version.known:
                version = version.as_known_since(known)
        before = self._facts.get(version.key)
        if before is not None:
            self._unindex(before)
        self._facts[version.key] = version
        if not version.withdrawn:
            self._index(version)


def _time(fact: Fact) -> tuple[int, Key]:
    return fact.at, fact.key


def _is_final(version: Fact) -> bool:
    return not (version.withdrawn or version.provisional)


def _visible(fact: Fact) -> Fact | None:
    return None if fact.withdrawn else fact


def _wins(challenger: Fact, holder: Fact) -> bool:
    if challenger.order != holder.order:
        return challenger.order > holder.order
    if challenger.event == holder.event:
        return False
    return challenger.content > holder.content
