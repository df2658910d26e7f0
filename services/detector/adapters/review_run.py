"""An archive under two sets of rules at once: one pass, one copy of the facts, two journals.

A rule that says the same in both sets is not run. The others stand side by side in one monitor, so
that each fact is merged and placed once. Patients have nothing to do with each other, but for
records that were merged: they are run in batches, which may be spread over worker processes.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, groupby
from multiprocessing import get_all_start_methods, get_context
from typing import TYPE_CHECKING, Final

from schemas.base import as_utc
from schemas.events import Patient
from schemas.partial import PartialDate
from services.detector.adapters.replay import journal
from services.detector.adapters.review import Difference, Episode, Said, compare
from services.detector.engine.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from schemas.events import ClinicalEvent
    from services.detector.engine.monitor import News
    from services.detector.engine.rule import CompiledRule

BATCH: Final = 2_000
"""Facts that are run together, at least; a patient's are never parted."""

Facts = list["ClinicalEvent"]
"""Of one patient, or of records that were ever merged together."""

Batch = list[Facts]


@dataclass(frozen=True, slots=True)
class Sides:
    """The rules of two sets that are to be run.

    same: ids of rules that say the same in both, and are not run.
    """

    old: tuple[CompiledRule, ...]
    new: tuple[CompiledRule, ...]
    same: tuple[str, ...]

    @classmethod
    def of(cls, old: Sequence[CompiledRule], new: Sequence[CompiledRule]) -> Sides:
        """Leave out what has the same digest (`rule_version`) on both sides."""
        same = {(r.id, r.card.version) for r in old} & {(r.id, r.card.version) for r in new}
        return cls(
            tuple(rule for rule in old if (rule.id, rule.card.version) not in same),
            tuple(rule for rule in new if (rule.id, rule.card.version) not in same),
            tuple(sorted(name for name, _ in same)),
        )

    def told_apart(self) -> tuple[list[str], list[str], list[str]]:
        """Ids of the rules that only OLD has, that only NEW has, that both have, differing."""
        old, new = {rule.id for rule in self.old}, {rule.id for rule in self.new}
        return sorted(old - new), sorted(new - old), sorted(old & new)


Criterion = tuple[str, str]
"""A rule's id, and the name of one of its criteria."""


@dataclass(slots=True)
class Review:
    """What a change of rules does to an archive.

    differences: by rule, criterion and alert.
    old, new, same: episodes that each set gives, and those that both tell alike, by criterion.
    patients: in the archive, merged records counted once.
    """

    differences: list[Difference] = field(default_factory=list)
    old: Counter[Criterion] = field(default_factory=Counter)
    new: Counter[Criterion] = field(default_factory=Counter)
    same: Counter[Criterion] = field(default_factory=Counter)
    patients: int = 0

    def add(self, other: Review) -> None:
        """Take in what another batch of patients gave."""
        self.differences += other.differences
        for mine, more in ((self.old, other.old), (self.new, other.new), (self.same, other.same)):
            mine.update(more)
        self.patients += other.patients


def review(
    events: Iterable[ClinicalEvent],
    sides: Sides,
    *,
    until: datetime | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Review:
    """Run an archive under both sets and compare what they say.

    Args:
        events: in any order.
        sides: the rules that differ.
        until: the clock runs up to here; default: the last issue in the archive.
        jobs: worker processes; the answer doesn't depend on it. On a system that can't fork there
            is only this process.
        progress: told after each batch how many patients are done, of how many.
    """
    groups = by_patient(events)
    until = until or _last_issue(groups)
    work = _Work(list(batches(groups)), sides, until)
    found = Review()
    for part in work.parts(jobs):
        found.add(part)
        progress(found.patients, len(groups))
    found.differences.sort(key=_order)
    return found


def by_patient(events: Iterable[ClinicalEvent]) -> list[Facts]:
    """The facts of each patient, by the smallest of their ids."""
    facts: dict[str, Facts] = {}
    links: list[tuple[str, str]] = []
    for event in events:
        facts.setdefault(event.patient_id, []).append(event)
        if isinstance(event, Patient) and event.merged_into is not None:
            links.append((event.patient_id, event.merged_into))
    root = _roots(links)
    groups: dict[str, Facts] = {}
    for patient_id in sorted(facts):
        groups.setdefault(root.get(patient_id, patient_id), []).extend(facts[patient_id])
    return list(groups.values())


def _roots(links: Sequence[tuple[str, str]]) -> dict[str, str]:
    """For each record that has to do with a merge, one that stands for all of them."""
    together: dict[str, set[str]] = {}
    for one, other in links:
        joined = together.get(one, {one}) | together.get(other, {other})
        for name in joined:
            together[name] = joined
    return {name: min(joined) for name, joined in together.items()}


def batches(groups: Iterable[Facts]) -> Iterator[Batch]:
    """Patients together, until they have enough facts to be worth a turn."""
    batch: Batch = []
    size = 0
    for facts in groups:
        batch.append(facts)
        size += len(facts)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _last_issue(groups: Iterable[Facts]) -> datetime | None:
    return max((_issued(event) for facts in groups for event in facts), default=None)


def _issued(event: ClinicalEvent) -> datetime:
    """As the replay takes it: of a fact that doesn't say, its clinical time."""
    told = event.issued_at or event.effective_at
    return as_utc(told.last if isinstance(told, PartialDate) else told)


def _order(one: Difference) -> tuple[str, str, str, int, datetime]:
    told = one.either
    return told.rule, told.criterion, told.alert_id, told.number, told.begun


# ---------------------------------------------------------------- one batch


class Beside(Monitor):
    """A monitor with both sets of rules, which keeps what each of them says.

    told: entries of OLD and of NEW in their order, each with the criterion that it is about.
    """

    def __init__(self, sides: Sides) -> None:
        super().__init__((*sides.old, *sides.new))
        self._first_new = len(sides.old)
        self.told: tuple[list[_Told], list[_Told]] = ([], [])

    def written(self, news: News) -> AlertRevision:
        """Put news into words, and keep them with the criterion that they are about."""
        entry = super().written(news)
        self.told[news.lane[0] >= self._first_new].append((_criterion(news), entry))
        return entry


_Told = tuple[str, "AlertRevision"]


def _criterion(news: News) -> str:
    """An episode is of one criterion, and so is a retraction, which is of one episode."""
    finding, withdrawn = news.revision.finding, news.revision.withdrawn
    return finding.criterion if finding is not None else withdrawn[0].criterion


def _judge(batch: Batch, sides: Sides, until: datetime | None) -> Review:
    monitor = Beside(sides)
    for _ in journal(chain.from_iterable(batch), monitor, until=until):
        pass
    return reviewed(monitor, len(batch))


def reviewed(monitor: Beside, patients: int) -> Review:
    """What both sets have said so far, held against each other."""
    old, new = (list(_episodes(told)) for told in monitor.told)
    found = Review(patients=patients)
    found.old.update((one.rule, one.criterion) for one in old)
    found.new.update((one.rule, one.criterion) for one in new)
    for one in compare(old, new):
        if isinstance(one, Difference):
            found.differences.append(one)
        else:
            found.same[one[0].rule, one[0].criterion] += 1
    return found


def _episodes(told: Sequence[_Told]) -> Iterator[Episode]:
    """The entries of a journal, each with those of its episode."""

    def whose(one: _Told) -> tuple[str, int]:
        return one[1].alert_id, one[1].episode

    for (alert_id, number), group in groupby(sorted(told, key=whose), whose):
        entries = list(group)
        criterion, first = entries[0]
        said = tuple(Said.of(entry) for _, entry in entries)
        yield Episode(alert_id, first.patient_id, first.rule, criterion, number, said)


# ---------------------------------------------------------------- many batches


@dataclass(frozen=True, slots=True)
class _Work:
    batches: Sequence[Batch]
    sides: Sides
    until: datetime | None

    def parts(self, jobs: int) -> Iterator[Review]:
        """Each batch judged, in their order."""
        several = min(jobs, len(self.batches))
        if several <= 1 or "fork" not in get_all_start_methods():
            yield from map(self.part, range(len(self.batches)))
            return
        # Forked workers have the facts and the compiled rules already: nothing but the answers
        # goes from one process to another.
        with ProcessPoolExecutor(several, get_context("fork"), _inherit, (self,)) as pool:
            yield from pool.map(_inherited_part, range(len(self.batches)))

    def part(self, number: int) -> Review:
        """One batch judged."""
        return _judge(self.batches[number], self.sides, self.until)


_inherited: list[_Work] = []


def _inherit(work: _Work) -> None:
    _inherited[:] = [work]


def _inherited_part(number: int) -> Review:
    return _inherited[0].part(number)
