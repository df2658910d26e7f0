"""A ward with the five patients: a real notifier's store, and its inbox served on this machine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from schemas.events import Patient, Treatment
from services.embedded.upkeep import StoreUpkeep
from services.ingest.profiles.sources import ANYBODY
from services.notifier.cases.site import Site
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.access.settings import InboxSettings, LocalAccount
from services.notifier.inbox.pages import render
from services.notifier.roster.loading import load_house
from services.notifier.service.inputs import occurred
from services.notifier.service.observing import Nobody
from services.notifier.service.premises import Premises
from services.notifier.store.database import opened
from services.notifier.store.instants import micros
from services.notifier.store.migrating import migrate
from services.runtime.clock import ManualClock
from support.datafolder import filed
from support.five_patients import NOW, five_book
from support.inbox import alone, open_inbox
from support.letters import nameless
from support.mllp import oru
from support.notifying import Bench, channels, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from services.notifier.inbox.book import Event
    from support.inbox import Desk

FOREIGN: Final = "HOSP|200009"
"""A patient of the other team, whose case the ward opens only in an emergency."""
_FILES: Final = {
    "site.yaml": "time_zone: Europe/Berlin\n",
    "ward.yaml": """\
team: ward
about: medical ward and day clinic
time_zone: Europe/Berlin
default: true
desk: {id: ward-desk, phones: ["+49 30 5550100"]}
members:
  - {id: onc-doctor-1, about: registrar, reach: {message: doctor1@ward.example, push: doctor1-push}}
  - {id: onc-doctor-2, reach: {message: doctor2@ward.example}}
on_call:
  owner: {always: onc-doctor-1}
  cover: {always: onc-doctor-2}
""",
    "night.yaml": """\
team: night
time_zone: Europe/Berlin
covers: {care_teams: [NIGHT]}
desk: {id: night-desk, phones: ["+49 30 5550200"]}
members: [{id: night-doctor-1, channels: [message]}]
on_call:
  owner: {always: night-doctor-1}
""",
}


def _premises(folder: Path) -> Premises:
    folder.mkdir(parents=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text)
    house = load_house(folder)
    return Premises(
        site=Site(house.policy, house.teams, b"key of the tests"),
        teams=house.teams,
        channels=channels(),
        links="https://inbox.example/case/",
        worker="one",
        observer=Nobody(),
    )


def _settings(origin: str) -> InboxSettings:
    account = LocalAccount(member="onc-doctor-1", roles=(Role.LEAD, Role.AUDITOR))
    return InboxSettings(public=origin, local=account)


@contextmanager
def ward(folder: Path) -> Iterator[Desk]:
    """The ward's inbox, until the end of the block; its clock stands at `NOW`.

    The local account's password is in `inbox.password` of the folder.
    """
    with opened(str(folder / "notifier.db")) as database:
        migrate(database)
        bench = Bench(database, _premises(folder / "teams"), NOW)
        # On a thread of its own: a browser's driver keeps an event loop running on this one.
        with ThreadPoolExecutor(1) as apart:
            apart.submit(admit, bench).result()
        clock, page = ManualClock(micros(NOW)), partial(render, record=five_book().events)
        upkeep = _data(folder / "data")
        with open_inbox(bench, clock, page, _settings, alone(folder), upkeep=upkeep) as desk:
            yield desk


def _data(folder: Path) -> StoreUpkeep:
    """What takes messages in: one that was used, and one that could not be."""
    filed(folder, "NORTH/LAB", NOW - timedelta(hours=2), nameless("N1"), oru("M1"))
    return StoreUpkeep(folder, ANYBODY)


def admit(bench: Bench) -> None:
    """Let the five patients' alerts, and one of another team, become cases."""
    book = five_book()
    told_of = [event for event in book.facts if isinstance(event, Treatment | Patient)]
    elsewhere = next(event for event in told_of if isinstance(event, Patient))
    bench.take(*(occurred(event) for event in told_of), occurred(_moved(elsewhere)))
    bench.take(*book.revisions, told(name="elsewhere", patient=FOREIGN))
    bench.settle()


def _moved(event: Event) -> Event:
    changed = {"patient_id": FOREIGN, "event_id": "moved", "care_team": "NIGHT"}
    return event.model_copy(update=changed)
