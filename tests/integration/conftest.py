"""Real parts that are started once for all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.broker import Broker, needed, shared
from support.kafka import anew, ready

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Apache Kafka that has our topics; see `support.broker`."""
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
