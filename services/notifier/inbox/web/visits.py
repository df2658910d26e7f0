"""A visit: one question of one person, in one transaction, with the lines that it leaves behind."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.notifier.cases.words import person
from services.notifier.inbox.access.roles import Right
from services.notifier.inbox.reading.contract import Frame, Glass, Viewer
from services.notifier.inbox.web.calls import Halt
from services.notifier.store.audit import Line

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from services.notifier.inbox.access.people import Person
    from services.notifier.inbox.reading.cases import Located
    from services.notifier.inbox.web.calls import Call
    from services.notifier.inbox.web.parts import Parts

MENU: Final = (
    ("/", Right.READ),
    ("/roster", Right.ROSTER),
    ("/route", Right.ROUTE),
    ("/rules", Right.RULES),
    ("/sources", Right.SOURCES),
    ("/letters", Right.LETTERS),
    ("/audit", Right.AUDIT),
    ("/glass", Right.REVIEW),
)
"""The main pages, and what each asks for."""


@dataclass(slots=True)
class Visit:
    """What a handler works with.

    Attributes:
        person: who asks; there is one but in routes before the sign-in.
        case: what the guard has let through, in routes of a case.
        csrf: the token of a page before the sign-in.
        lines: for the audit trail, written last.
    """

    parts: Parts
    connection: Connection
    call: Call
    now: datetime
    person: Person | None = None
    case: Located | None = None
    csrf: str = ""
    lines: list[Line] = field(default_factory=list)

    @property
    def reader(self) -> Person:
        """Who is signed in.

        Raises:
            Halt: nobody is; the guard had not asked.
        """
        if self.person is None:
            raise Halt(401, "Not signed in", "Sign in first.")
        return self.person

    @property
    def found(self) -> Located:
        """The case that the guard has let through.

        Raises:
            Halt: there is none.
        """
        if self.case is None:
            raise Halt(404, "Not found", "There is no such case.")
        return self.case

    @property
    def zone(self) -> ZoneInfo:
        """In which the person reads times."""
        member = self.person.identity.member if self.person else None
        return self.parts.teams.zone_of(person(member)) if member else self.parts.teams.zone

    def note(self, what: str, **said: Any) -> None:
        """Leave a line in the audit trail; of the case, if there is one."""
        case_id = None if self.case is None else self.case.case.case_id
        by = "" if self.person is None else self.person.who
        self.lines.append(Line(self.now, case_id, {"by": by, "what": what, **said}))

    def frame(self) -> Frame:
        """What surrounds the page."""
        who = self.person
        if who is None:
            return Frame(self.now, self.zone, csrf=self.csrf)
        return Frame(
            now=self.now,
            zone=self.zone,
            viewer=viewer(who),
            csrf=who.csrf,
            pages=pages(who),
            ends_at=who.ends_at,
            glass=tuple(Glass(one, until) for one, until in sorted(who.glass.items())),
            chosen=who.chosen,
        )


def pages(who: Person) -> tuple[str, ...]:
    """The main pages that somebody may open."""
    return tuple(page for page, right in MENU if right in who.rights)


def viewer(who: Person) -> Viewer:
    """A person, as pages and programs are told of them."""
    identity = who.identity
    roles = tuple(str(one) for one in identity.roles)
    return Viewer(identity.member, identity.name, roles, tuple(sorted(who.teams)))


def fresh_key() -> str:
    """A key that no deed has had."""
    return secrets.token_urlsafe(12)
