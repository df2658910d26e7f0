"""What channels that tell people have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.notifier.channels.settings import CarrierSettings


class Carrier:
    """A channel's name, what it carries, and how long an attempt may last."""

    def __init__(self, name: str, settings: CarrierSettings) -> None:
        """By what the site says.

        Args:
            name: what the site calls it.
            settings: its section.
        """
        self.name = name
        self.strengths = settings.carries
        self.timeout = timedelta(seconds=settings.timeout)
