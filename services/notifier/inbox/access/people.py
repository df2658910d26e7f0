"""People: who a sign-in says somebody is, and what that means in this house."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schemas.base import Model, Text
from services.notifier.inbox.access.roles import Right, Role, rights_of
from services.notifier.inbox.personal.preferences import Preferences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from services.notifier.roster.teams import Teams


class Identity(Model):
    """Who somebody is. Issuer and subject are the key, never a name or an e-mail address.

    Attributes:
        member: id in the roster; who stands in no roster has none.
        session: as the provider calls it (`sid`), if it does; it may end it for all applications.
    """

    issuer: Text
    subject: Text
    name: Text
    member: Text | None = None
    roles: tuple[Annotated[Role, Field(strict=False)], ...] = Field(strict=False)
    session: Text | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        secret: what their browser holds; never written down. Empty of a program with a token.
        teams: as the roster has it now.
        ends_at: when the sign-in ends unless something is asked before.
        glass: references of cases that they opened in an emergency, and until when.
        chosen: how they want their pages to be.
    """

    identity: Identity
    secret: str = field(repr=False)
    teams: frozenset[str]
    ends_at: datetime
    glass: Mapping[str, datetime]
    chosen: Preferences = Preferences()  # noqa: RUF009 - it can't be changed

    @property
    def who(self) -> str:
        """Their name in the audit trail: the roster's id, else what the provider calls them."""
        return self.identity.member or self.identity.subject

    @property
    def rights(self) -> frozenset[Right]:
        """What they may do."""
        return rights_of(self.identity.roles)

    @property
    def csrf(self) -> str:
        """What their own pages know and other sites don't; a program with a token needs none."""
        return token_of(self.secret) if self.secret else ""


def token_of(secret: str) -> str:
    """The token against forged forms that belongs to what a browser holds."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def teams_of(member: str | None, teams: Teams) -> frozenset[str]:
    """The teams whose roster has somebody, as it is now."""
    if member is None:
        return frozenset()
    return frozenset(
        team.name for team in teams.teams if any(one.id == member for one in team.members)
    )
