"""The loop: what is new in the folder is taken, what is due is published, then a pause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.runtime.errors import Unavailable, place_of
from services.runtime.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.embedded.delivery import Outcome
    from services.embedded.feeds import Feed
    from services.embedded.runtime import Runtime
    from services.runtime.pulse import Health
    from services.runtime.shutdown import Stop

PAUSE_SECONDS = 0.5
RETRY_SECONDS = 5.0


class Pump:
    """Keeps the runtime going."""

    def __init__(
        self,
        runtime: Runtime,
        feed: Feed | None,
        stop: Stop,
        health: Health,
        worry: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Wire. Without a feed only time passes.

        Args:
            runtime: takes the records.
            feed: gives them.
            stop: asks us to end.
            health: told how we are.
            worry: asked each time round what is wrong elsewhere in the process, if anything.
        """
        self._runtime = runtime
        self._feed = feed
        self._stop = stop
        self._health = health
        self._worry = worry

    def once(self) -> bool:
        """Take all that is there and publish all that is due.

        Returns:
            Whether it could be done; if not, it has been logged, and can be tried again.

        Raises:
            InvariantBroken: a defect that can't be set aside.
        """
        try:
            self._take_all()
            if self._feed is None or not self._feed.catching_up:
                self._runtime.tick()
            # A subscriber that failed has been waiting for the next round.
            self._runtime.outbox.deliver()
        except (Unavailable, OSError) as error:
            self._trouble(error)
            return False
        self._health.beat()
        worry = self._worry()
        if worry is not None:
            self._health.fail(worry)
        return True

    def for_ever(self) -> None:
        """Go round until asked to stop."""
        going = True
        while going:
            done = self.once()
            going = self._stop.wait(PAUSE_SECONDS if done else RETRY_SECONDS)

    def _take_all(self) -> None:
        if self._feed is None:
            return
        for batch in self._feed.batches():
            self._log(self._runtime.take(batch))
            self._health.beat()
            if self._stop.asked:
                self._feed.reset()  # the rest is still owed to us
                return

    def _trouble(self, error: Exception) -> None:
        ours = isinstance(error, Unavailable)
        reason = "the store is not available" if ours else "the watched folder cannot be read"
        self._health.fail(reason)
        logger().error("trouble", extra={"reason": reason, "detail": place_of(error)})
        if self._feed is not None:
            self._feed.reset()

    def _log(self, outcome: Outcome) -> None:
        about = {
            "facts": outcome.facts,
            "repeats": outcome.repeats,
            "alerts": len(outcome.revisions),
            "deadletters": len(outcome.deadletters),
            "seconds": round(outcome.seconds, 4),
        }
        logger().info("batch", extra=about)
        for letter in outcome.deadletters:
            logger().warning("dead letter", extra={"reason": letter.reason, "detail": letter.id})
