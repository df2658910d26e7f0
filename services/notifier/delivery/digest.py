"""Digests: what can wait, once a day at a fixed local time, and only what still matters then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from schemas.base import Model, Moment, Text, digest
from services.notifier.cases.words import Channel, Party
from services.notifier.hours.local import next_local

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from services.notifier.cases.case import Case
    from services.notifier.cases.site import Site
    from services.notifier.roster.teams import Teams


class Digest(Model):
    """One message for one recipient. It names cases by their references, and nothing of a patient.

    Attributes:
        cases: the ids, for our own record; they stay in the house.
        references: what the message says instead.
    """

    digest_id: Text
    to: Party
    channel: Channel
    at: Moment
    cases: tuple[Text, ...] = Field(strict=False)
    references: tuple[Text, ...] = Field(strict=False)


def digest_due(to: Party, teams: Teams, after: datetime) -> datetime:
    """When somebody's next digest is due: at a local time, once a day in every night of the year.

    A local time that clocks skip is due when they do; one that comes twice, the first time.
    """
    return next_local(teams.digest_time(to), teams.zone_of(to), after)


def compose(to: Party, cases: Iterable[Case], at: datetime, site: Site) -> Digest | None:
    """The digest of a recipient at an instant; None when there is nothing to say.

    It lists the cases that the recipient has, that are open still, and that wait for a digest: an
    urgent one never does. Each is then to be given a `DigestSent`.
    """
    mine = [case for case in cases if case.is_open and case.in_digest and case.owner == to]
    if not mine:
        return None
    ordered = sorted(mine, key=lambda case: (case.act_by is None, case.act_by, case.case_id))
    ids = tuple(case.case_id for case in ordered)
    return Digest(
        digest_id=digest("digest", str(to), at.isoformat(), ids),
        to=to,
        channel=_channel(to, site),
        at=at,
        cases=ids,
        references=tuple(site.reference(each) for each in ids),
    )


def _channel(to: Party, site: Site) -> Channel:
    """A digest doesn't interrupt: a message, unless there is only a telephone."""
    channels = site.roster.channels(to)
    return Channel.MESSAGE if to.is_person else channels[0]
