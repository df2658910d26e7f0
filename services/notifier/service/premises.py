"""What the process works with: the site's data, its channels, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from schemas.canary import CHANNEL as CANARY
from services.notifier.cases.words import Channel as Strength
from services.notifier.cases.words import Party
from services.notifier.channels.contract import Closes
from services.notifier.delivery.choice import choose
from services.notifier.service.observing import Nobody
from services.notifier.store.outbox import Packed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from services.notifier.cases.policy import Policy
    from services.notifier.cases.site import Site
    from services.notifier.channels.contract import Channel
    from services.notifier.delivery.parcels import Parcel
    from services.notifier.research.settings import Sharing
    from services.notifier.roster.teams import Teams
    from services.notifier.service.observing import Observer


@dataclass
class Premises:
    """The surroundings of the process. Only the roster may become another one, by `renew`.

    Attributes:
        site: policy, roster and key, as cases see them.
        teams: the roster itself.
        channels: in the order of the site's preference.
        links: what a case's reference is put behind to make a link to the inbox.
        worker: this process's name among several notifiers.
        patience: how long an alert waits for the events that say which course it is of.
        margin: how much longer than a channel's timeout the lease of an attempt lasts.
        abreast: how many messages may be under way on a channel; a crash may repeat so many.
        sharing: what is shared with research; nothing if it is None.
        observer: counts what is done.
        refused: why the roster's files, as they stand now, are not the ones in use; empty if they
            are.
    """

    site: Site
    teams: Teams
    channels: tuple[Channel, ...]
    links: str
    worker: str
    patience: timedelta = timedelta(0)
    margin: timedelta = timedelta(seconds=10)
    abreast: int = 1
    sharing: Sharing | None = None
    observer: Observer = field(default_factory=Nobody)
    refused: str = ""

    def renew(self, policy: Policy, teams: Teams) -> None:
        """The roster is another one from now on; what is under way ends with the old one."""
        self.site = replace(self.site, policy=policy, roster=teams)
        self.teams, self.refused = teams, ""

    @property
    def for_people(self) -> tuple[Channel, ...]:
        """The channels that carry messages to people; the canary's is for nobody."""
        return tuple(one for one in self.channels if one.strengths and one.name != CANARY)

    @property
    def for_the_record(self) -> tuple[str, ...]:
        """Names of the channels that write into the record."""
        names = (one.name for one in self.channels if not one.strengths)
        return tuple(name for name in names if name != CANARY)

    @property
    def for_closings(self) -> tuple[str, ...]:
        """Of these, names of those that end their work when a case is closed."""
        closing = [one for one in self.channels if isinstance(one, Closes)]
        names = (one.name for one in closing if not one.strengths)
        return tuple(name for name in names if name != CANARY)

    @property
    def uncarried(self) -> tuple[str, ...]:
        """Classes of notices that no channel carries: whom they are for would not be told."""
        carried = {one for each in self.for_people for one in each.strengths}
        strongest = max((one.rank for one in carried), default=-1)
        return tuple(str(one) for one in Strength if one.rank > strongest)

    def channel(self, name: str) -> Channel | None:
        """The channel of a name; None if the site has it no more."""
        return next((one for one in self.channels if one.name == name), None)

    def route(self, parcel: Parcel, refused: Collection[str] = ()) -> str | None:
        """By which channel a parcel goes, when some have refused it."""
        found = choose(parcel, self.for_people, refused)
        return None if found is None else found.name

    def pack(self, parcel: Parcel, channel: str | None = None) -> Packed:
        """A parcel for somebody, or with a channel for the record.

        The key under which it leaves tells nothing without the site's secret.
        """
        name = self.site.reference(parcel.parcel_id)
        return Packed(parcel, name, channel or self.route(parcel))

    def addresses(self, party: Party, channel: Channel) -> tuple[str, ...]:
        """Where somebody is reached: by the channel's own name, else by its classes.

        A desk has its telephone numbers, in the order in which they are called.
        """
        if not party.is_person:
            desks = (team.file.desk for team in self.teams.teams)
            return next((desk.phones for desk in desks if desk.id == party.id), ())
        members = (one for team in self.teams.teams for one in team.members)
        reach = next((one.reach for one in members if one.id == party.id), {})
        names: Sequence[str] = (channel.name, *_by_strength(channel))
        return tuple(reach[name] for name in names if name in reach)[:1]

    def desk_of(self, party: Party) -> Party:
        """The desk of somebody's team; the default team's for whoever is in none any more."""
        for team in self.teams.teams:
            if any(one.id == party.id for one in team.members):
                return self.site.roster.desk(team.name)
        return self.site.roster.desk("")


def _by_strength(channel: Channel) -> list[str]:
    return [str(one) for one in Strength if one in channel.strengths]


def party(text: str) -> Party:
    """The party that `str` had made a text of."""
    kind, _, name = text.partition(":")
    return Party.model_validate({"kind": kind, "id": name})
