"""Routes, each with the check that stands before it. One without a check can't be built.

A handler of a case's route is given the case by the guard, after its check, and has no other way
to it: see `services.notifier.inbox.web.guard`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from services.notifier.inbox.access.roles import Right

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.notifier.inbox.web.calls import Call, Reply
    from services.notifier.inbox.web.parts import Parts
    from services.notifier.inbox.web.visits import Visit

    Handler = Callable[[Visit], Reply]
    Door = Callable[[Parts, Call], Awaitable[Reply]]


class Scope(StrEnum):
    """What is looked at before a handler is called, beside the right."""

    OPEN = "open"  # nothing: before the sign-in; shows nothing of the house or of a patient
    SELF = "self"  # that somebody is signed in; concerns nobody else
    HOUSE = "house"  # the right alone; shows nothing of a patient
    TEAMS = "teams"  # the handler shows rows of the person's own teams alone
    CASE = "case"  # the case in the path: its team is one of the person's own
    OTHERS = "others"  # the case in the path: another team's, to be opened in an emergency
    TRAIL = "trail"  # the right alone; shows who did what


BEFORE: Final = (Scope.OPEN, Scope.SELF)
"""Scopes that ask for no right."""
ONE_CASE: Final = (Scope.CASE, Scope.OTHERS)


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    Attributes:
        scope: what is checked; there is no default.
        right: what the person must be allowed to do.
        handler: for the answer; `door` instead for what talks to others before somebody is signed
            in.
        glass: a case may be seen here that was opened in an emergency.
        api: speaks JSON, and problems as RFC 9457 has them.
    """

    method: Literal["GET", "POST"]
    path: str
    scope: Scope
    right: Right | None
    handler: Handler | None = None
    door: Door | None = None
    glass: bool = False
    api: bool = False

    def __post_init__(self) -> None:
        """Refuse what would let somebody in by mistake."""
        if (self.right is None) is not (self.scope in BEFORE):
            raise ValueError(f"{self.path}: this scope and this right don't go together")
        if ("{reference}" in self.path) is not (self.scope in ONE_CASE):
            raise ValueError(f"{self.path}: a path with a case needs the check of a case")
        if (self.handler is None) is (self.door is None):
            raise ValueError(f"{self.path}: expected exactly one of handler and door")
        if self.door is not None and self.scope is not Scope.OPEN:
            raise ValueError(f"{self.path}: doors stand before the sign-in")
        if self.glass and (self.scope is not Scope.CASE or self.right is not Right.READ):
            raise ValueError(f"{self.path}: through the glass a case can be read, and no more")
