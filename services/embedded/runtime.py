"""The runtime: records in, one transaction a batch, committed alerts out.

Laws of this file:
- the sender is acknowledged by the commit and by nothing else: whoever called `take` and got an
  exception still owes us those records;
- the engine's memory is a cache: after any failure it is thrown away and built from the facts;
- each delivery is judged by itself, so that how deliveries were batched can't show in an alert;
- deliveries bring their instants, and time never goes back;
- a defect of ours at one patient suspends that patient, loudly, and nobody else.
"""

from __future__ import annotations

from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING

from schemas.base import digest
from services.embedded.delivery import Delivery, Outcome
from services.embedded.judge import Judge
from services.embedded.outbox import Outbox
from services.embedded.spans import tell_judged
from services.ingest.profiles.sources import ANYBODY, Sources
from services.runtime.clock import SystemClock
from services.runtime.collecting import uncollected
from services.runtime.errors import InvariantBroken, Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from services.detector.engine.rule import CompiledRule
    from services.embedded.store import Store
    from services.runtime.clock import Clock

    Work = Callable[[Judge, Outcome], None]

MOST_SUSPENDED = 5
"""Patients at whom one call may fail before the defect is taken to concern everybody."""


def fingerprint(rules: Iterable[CompiledRule]) -> str:
    """What the meaning of stored facts depends on: this software, and the rules with parameters."""
    return digest(version("salvage-watch"), [(rule.id, rule.card.version) for rule in rules])


class Runtime:
    """The engine on a store."""

    def __init__(
        self,
        store: Store,
        rules: Sequence[CompiledRule],
        clock: Clock,
        *,
        sources: Sources = ANYBODY,
        observe: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        """Wire; `start` does the work.

        Args:
            store: open; this is its only writer.
            rules: compiled.
            clock: says up to when a `tick` lets time pass.
            sources: what is known of the senders.
            observe: told of every transaction after its commit, for metrics.
        """
        self.outbox = Outbox(store)
        self._store = store
        self._rules = tuple(rules)
        self._clock = clock
        self._sources = sources
        self._observe = observe
        self._fingerprint = fingerprint(self._rules)
        self._judge: Judge | None = None

    # -- the verbs

    def start(self, *, resume: bool = False) -> Outcome:
        """Take up where the store ends, and tell subscribers what they have not heard.

        Args:
            resume: judge suspended patients again, although neither rules nor software changed.

        Returns:
            What the stored facts say anew: nothing, unless the rules or the software changed.

        Raises:
            Unavailable: the store can't be read or written.
            InvariantBroken: our code fails at more patients than can be set aside.
        """
        if resume:
            with self._store.transaction():
                self._store.set_meta("tried", "")
            self._judge = None
        outcome = self._guarded(self._restored)
        self.outbox.deliver()
        return outcome

    def take(self, deliveries: Sequence[Delivery]) -> Outcome:
        """Take in deliveries, all in one transaction.

        Returns:
            What was stored and published; the sender may forget the records now.

        Raises:
            Unavailable: nothing was stored; call again later with the same.
            InvariantBroken: likewise, but later won't help.
        """

        def work(judge: Judge, outcome: Outcome) -> None:
            for delivery in deliveries:
                judge.deliver(delivery, outcome)

        outcome = self._persist(work)
        self.outbox.deliver()
        return outcome

    def tick(self) -> Outcome:
        """Let time pass up to the present: whatever is due is published.

        Raises:
            Unavailable, InvariantBroken: as `take`.
        """
        now, due = self._clock.now(), self.next_due()
        if due is None or due > now:
            self._standing().now = max(self.now, now)
            return Outcome()
        outcome = self._persist(lambda judge, outcome: judge.let_pass(now, outcome))
        self.outbox.deliver()
        return outcome

    def next_due(self) -> int | None:
        """The next instant at which time alone may change an alert."""
        if self._judge is None:
            self._guarded(self._restored)
        return self._standing().next_due()

    @property
    def now(self) -> int:
        """The latest instant that was judged, microseconds UTC."""
        return 0 if self._judge is None else self._judge.now

    # -- one transaction

    def _persist(self, work: Work) -> Outcome:
        def attempt() -> Outcome:
            if self._judge is None:
                self._restored()
            return self._commit(self._standing(), work)

        return self._guarded(attempt)

    def _commit(self, judge: Judge, work: Work) -> Outcome:
        started, begun, outcome = perf_counter(), SystemClock().now(), Outcome()
        # Neither reading nor judging makes circles; what others made is looked for afterwards.
        with uncollected(), self._store.transaction():
            work(judge, outcome)
            judge.keep()
        outcome.suspended = len(judge.suspended)
        outcome.seconds = perf_counter() - started
        self._observe(outcome)
        tell_judged(outcome.judged, begun)
        return outcome

    def _guarded(self, attempt: Callable[[], Outcome]) -> Outcome:
        """Try; after a defect of ours, again without the patients it concerns."""
        concerned: set[str] = set()
        for _ in range(MOST_SUSPENDED):
            try:
                return attempt()
            except Unavailable:
                self._judge = None
                raise
            except Exception as error:  # noqa: BLE001 - a defect must not stop the others
                concerned |= self._set_aside(error)
            except BaseException:
                self._judge = None
                raise
        with self._store.transaction():
            self._store.resume(concerned)  # it isn't about them
        raise InvariantBroken(f"our code fails at {MOST_SUSPENDED} patients; nothing was taken")

    # -- the judge

    def _standing(self) -> Judge:
        if self._judge is None:
            raise InvariantBroken("there is no judge, although one was restored")
        return self._judge

    def _restored(self) -> Outcome:
        """Restore a judge from the stored facts."""
        anew, unjudged = self._store.meta("rules") != self._fingerprint, self._store.suspended()
        if self._store.meta("tried") != self._fingerprint:
            with self._store.transaction():
                self._store.resume(unjudged)
                self._store.set_meta("tried", self._fingerprint)
        judge = self._judge = Judge(self._store, self._rules, self._sources)

        def work(judge: Judge, outcome: Outcome) -> None:
            judge.restore(outcome, anew=anew, unjudged=unjudged)
            self._store.set_meta("rules", self._fingerprint)

        outcome = self._commit(judge, work)
        about = {"patients": judge.patients(), "rules": len(self._rules)}
        logger().info("restored", extra=about | {"seconds": round(outcome.seconds, 3)})
        return outcome

    def _set_aside(self, error: Exception) -> set[str]:
        """Suspend the patients at whom our code failed.

        Returns:
            Their ids, those of merged records included.

        Raises:
            InvariantBroken: it can't be told who they are, or they already were.
        """
        judge, self._judge = self._judge, None
        concerned = set() if judge is None else judge.concerned() - judge.suspended
        defect = place_of(error)
        logger().error("defect", extra={"detail": defect, "patients": len(concerned)})
        if judge is None or not concerned:
            raise InvariantBroken(f"a defect at nobody in particular: {defect}") from error
        with self._store.transaction():
            self._store.suspend(concerned, defect, judge.now)
        return concerned
