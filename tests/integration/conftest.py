"""Real parts that are started once for all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.broker import Broker, needed
from support.inbox import alone, for_one, open_inbox
from support.kafka import anew, ready
from support.keeper import shared
from support.notifying import Bench, premises
from support.postgresql import Server, empty, served

from services.notifier.inbox.pages import render
from services.notifier.store.database import opened
from services.notifier.store.instants import micros
from services.notifier.store.migrating import migrate
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.inbox import Desk

    from services.notifier.store.database import Database


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Apache Kafka that has our topics; see `support.keeper`."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with needed(), shared(common / "kafka") as address:
        ready(address)
        yield address


@pytest.fixture(scope="session")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that this process alone uses."""
    with needed():
        found = Broker(tmp_path_factory.mktemp("broker"))
        found.start()
    yield found
    found.kill()


@pytest.fixture
def broker(own_broker: Broker) -> Broker:
    """The same, with our topics empty."""
    anew(own_broker.address)
    return own_broker


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL that this process alone uses."""
    with served() as found:
        yield found


@pytest.fixture(scope="session")
def template(postgresql: Server) -> str:
    """The name of a database that has the notifier's tables, and nobody uses."""
    url = postgresql.create()
    with opened(url) as database:
        migrate(database)
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def reused(postgresql: Server, template: str) -> str:
    """A database for all tests that leave its tables as they are."""
    return postgresql.create(template)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The notifier's store, empty, on each engine that it may have."""
    where = str(tmp_path / "notifier.db")
    if request.param == "postgresql":
        where = request.getfixturevalue("reused")
        empty(where)
    with opened(where) as found:
        migrate(found)
        yield found


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> Bench:
    """A notifier whose loops a test turns."""
    return Bench(database, premises(tmp_path / "teams"))


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[Bench]:
    """The same on SQLite only, for what is not the engine's."""
    with opened(str(tmp_path / "alone.db")) as found:
        migrate(found)
        yield Bench(found, premises(tmp_path / "teams"))


@pytest.fixture
def inbox(bench: Bench, tmp_path: Path) -> Iterator[Desk]:
    """The pages of that notifier, on a clock that a test sets, for one local account."""
    clock = ManualClock(micros(bench.now))
    with open_inbox(bench, clock, render, for_one, alone(tmp_path)) as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The same, for tests that change the tables themselves."""
    where = str(tmp_path / "notifier.db")
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        where = server.create(request.getfixturevalue("template"))
    with opened(where) as found:
        migrate(found)
        yield found
