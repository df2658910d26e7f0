"""The rounds: send, wait until it comes back, take it back; and again after a while."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

from services.commands.canary.metrics import Stage
from services.commands.canary.sending import Failed
from services.commands.canary.story import Story
from services.runtime.logs import logger

if TYPE_CHECKING:
    from services.commands.canary.metrics import CanaryMetrics
    from services.commands.canary.receiving import Receiver
    from services.commands.canary.sending import Line
    from services.runtime.clock import Clock
    from services.runtime.shutdown import Stop

_LOOK_SECONDS: Final = 0.2
_MICROSECOND: Final = 1e-6


class Rounds:
    """One after the other."""

    def __init__(
        self,
        line: Line,
        receiver: Receiver,
        metrics: CanaryMetrics,
        clock: Clock,
        patience: float,
        stop: Stop,
    ) -> None:
        """Wire.

        Args:
            line: takes the messages.
            receiver: hears what comes of them.
            metrics: told of each round.
            clock: gives the times in messages, and of successes.
            patience: seconds for an alert to come back.
            stop: asks for the end.
        """
        self._stop = stop
        self._line, self._receiver, self._metrics = line, receiver, metrics
        self._clock, self._patience = clock, patience
        self._story: Story | None = None
        self._wrong: str | None = "no round has come home yet"

    def problem(self) -> str | None:
        """Where the last round failed; None if it came home."""
        return self._wrong

    async def run(self, every: float) -> None:
        """Until asked to stop; what was said by then is taken back.

        Args:
            every: seconds from the beginning of one round to that of the next.
        """
        going = True
        while going:
            begun = monotonic()
            await self._round()
            left = max(0.0, begun + every - monotonic())
            going = await asyncio.to_thread(self._stop.wait, left)

    async def _round(self) -> None:
        try:
            await self._there_and_back()
        except Failed as failure:
            self._metrics.failed(failure.stage)
            self._wrong = f"the last round failed: {failure.stage.value}"
            logger().error("round failed", extra={"reason": failure.stage.value})
            self._story = None  # its patient may be in any state: the next round has another one
        else:
            self._wrong = None

    async def _there_and_back(self) -> None:
        story = self._story
        if story is None or story.is_over:
            story = Story(self._clock)
            await self._line.send(story.course())
        began, message = monotonic(), story.result()
        with self._receiver.awaited(story.sign) as heard:
            await self._line.send(message)
            await self._wait(heard)
        if heard.is_set():
            self._metrics.came_home(monotonic() - began, self._clock.now() * _MICROSECOND)
        await self._take_back(story)
        if not heard.is_set() and not self._stop.asked:
            raise Failed(Stage.WAITING)
        self._story = story

    async def _wait(self, heard: asyncio.Event) -> None:
        """Until it was heard, but not for ever."""
        end = monotonic() + self._patience
        while not heard.is_set() and not self._stop.asked and monotonic() < end:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await heard.wait()

    async def _take_back(self, story: Story) -> None:
        """What was said closes by itself."""
        try:
            await self._line.send(story.withdrawal())
        except Failed:
            raise Failed(Stage.WITHDRAWING) from None
