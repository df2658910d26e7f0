"""A FHIR server that is polled: where it is, what is asked of it, and as whom."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

KINDS: Final = (
    "AdverseEvent",
    "Condition",
    "DiagnosticReport",
    "Encounter",
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Procedure",
)
"""What is asked for if nothing else is said."""
LEAST_OVERLAP: Final = 300.0


class Credentials(Protocol):
    """Gives the header that says who asks."""

    async def header(self) -> dict[str, str]:
        """The header.

        Raises:
            Unavailable: there is none at present.
        """
        ...


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody."""

    async def header(self) -> dict[str, str]:
        """No header."""
        return {}


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A token that somebody else renews in a file; it is read at each poll."""

    path: Path

    async def header(self) -> dict[str, str]:
        """The token of the file."""
        try:
            text = await asyncio.to_thread(self.path.read_text, encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable("the token file cannot be read") from error
        if not text.strip():
            raise Unavailable("the token file is empty")
        return {"Authorization": f"Bearer {text.strip()}"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server.

    Attributes:
        base: its address; nothing else is ever asked.
        kinds: the resource types to ask for.
        every: seconds between two polls.
        overlap: seconds that are asked for again, because a server's clocks and transactions
            don't end in the order of `lastUpdated`.
        credentials: say who asks.
        subscriptions: names under which it may notify us.
        heartbeat: seconds in which it promises to notify us at least once; None: it doesn't.
    """

    base: str
    kinds: tuple[str, ...] = KINDS
    every: float = 300.0
    overlap: float = LEAST_OVERLAP
    credentials: Credentials = field(default_factory=Anonymous)
    subscriptions: frozenset[str] = frozenset()
    heartbeat: float | None = None

    def __post_init__(self) -> None:
        """Refuse what can't work.

        Raises:
            OperatorError: an interval that is none.
        """
        if not 1 <= self.every <= 86_400:  # noqa: PLR2004 - a day
            raise OperatorError("--fhir-poll-every: from 1 to 86400 seconds")
