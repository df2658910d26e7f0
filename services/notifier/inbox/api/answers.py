"""What only programs are told: who they are, and that something was done."""

# Not `from __future__ import annotations`: the JSON Schema is made from these annotations.

from dataclasses import dataclass
from datetime import datetime

from services.notifier.inbox.reading.contract import Viewer


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in.

    Attributes:
        csrf: to be sent as `X-CSRF` with every POST.
    """

    viewer: Viewer
    csrf: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """A deed that was done, now or when it was sent before under the same key."""

    done: str
    reference: str
