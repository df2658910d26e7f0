"""How long a worker takes from getting partitions until it serves them."""

from __future__ import annotations


class Recovery:
    """The last recovery of state, by looking at it from time to time.

    seconds: how long it took; 0 before the first has ended.
    """

    def __init__(self, now: float) -> None:
        """A worker begins with one.

        Args:
            now: seconds of a clock that never goes back.
        """
        self.seconds = 0.0
        self._since: float | None = now

    def look(self, now: float, *, recovering: bool) -> bool:
        """Note whether it goes on.

        Returns:
            Whether it has just ended.
        """
        if recovering:
            self._since = now if self._since is None else self._since
        elif self._since is not None:
            self.seconds, self._since = now - self._since, None
            return True
        return False
