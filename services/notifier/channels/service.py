"""What is asked about cases, and sends nothing by itself: how the notifier starts and ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field

from schemas.actions import Disposition
from schemas.base import Model, Moment, Text

if TYPE_CHECKING:
    from services.notifier.channels.contract import OpenCases


class Feedback(Model):
    """What somebody did with a case that was shown to them.

    Attributes:
        reference: the case's name outside the house.
        accepted: they took it up; else they turned it down. Neither is an acknowledgement.
        reason: why they turned it down, if they chose one of our reasons.
        by: who looked, as the record's software calls them; an id, not a name.
        origin: which software says so.
        at: when, by that software's clock.
    """

    reference: Text
    accepted: bool
    reason: Annotated[Disposition, Field(strict=False)] | None = None
    comment: str = Field(default="", max_length=2048, repr=False)
    by: Text | None = None
    origin: Text
    at: Moment


class Listener(Protocol):
    """Who is told what became of a case that was shown."""

    async def heard(self, feedback: Feedback) -> None:
        """Take it in. The same may come again.

        Raises:
            Unavailable: not now; the caller is told to come again.
        """
        ...


class Service(Protocol):
    """Answers questions about open cases."""

    @property
    def name(self) -> str:
        """What the site's settings call it."""
        ...

    async def open(self, cases: OpenCases, listener: Listener) -> None:
        """Begin to answer.

        Raises:
            OperatorError: the settings can't be used; it names the setting, never its value.
        """
        ...

    async def close(self) -> None:
        """Answer what is under way, then no more."""
        ...
