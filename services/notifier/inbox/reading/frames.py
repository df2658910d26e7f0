"""What surrounds every page, and the pages that are about no case: sign-in and trouble."""

# Not `from __future__ import annotations`: the API's JSON Schema is made from these annotations.

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.notifier.inbox.personal.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in.

    Attributes:
        member: id in the roster; who is in no roster has none, and can't own cases.
        name: as the sign-in told it; for the page's corner.
        roles: of `services.notifier.inbox.access.roles.Role`, as text.
        teams: the teams whose cases they see.
    """

    member: str | None
    name: str
    roles: tuple[str, ...]
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glass:
    """Another team's case that somebody opened in an emergency; a banner on every page says so."""

    reference: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds every page.

    Attributes:
        now: UTC.
        zone: in which the person reads times.
        viewer: None before the sign-in.
        csrf: value of the hidden field `csrf` of every form; empty before the sign-in.
        pages: addresses of the main pages that this person may open, in order, e.g. `/`, `/roster`.
        ends_at: when the sign-in ends unless something is asked before.
        glass: cases opened in an emergency, and until when.
        chosen: how this person wants pages to be.
    """

    now: datetime
    zone: ZoneInfo
    viewer: Viewer | None = None
    csrf: str = ""
    pages: tuple[str, ...] = ()
    ends_at: datetime | None = None
    glass: tuple[Glass, ...] = ()
    chosen: Preferences = Preferences()  # noqa: RUF009 - it can't be changed


@dataclass(frozen=True, slots=True)
class SignIn:
    """The sign-in: by the house's identity provider, or with the local account's password.

    by_link: a link to this page lets in once.
    """

    local: bool
    refused: str = ""
    ended: bool = False
    by_link: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A page that can't be shown, and why; never anything of a patient."""

    status: int
    title: str
    why: str
