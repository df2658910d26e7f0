"""What a supervisor is told: start it anew, send it work, or leave it alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from services.embedded.book import WardBook
from services.embedded.metrics import Metrics
from services.embedded.store import FILE_NAME, Store
from services.embedded.web import HEALTH, LIVE, READY, PageServer, add_operations
from services.runtime.pulse import STALE_SECONDS, Health

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.steady import Steady


@pytest.fixture
def health(steady: Steady) -> Health:
    return Health(steady)


@pytest.fixture
def port(tmp_path: Path, health: Health) -> Iterator[int]:
    store = Store(tmp_path / FILE_NAME, durable=False)
    app = add_operations(web.Application(), Metrics(WardBook(store.path)), health)
    server = PageServer(app, "127.0.0.1", 0)
    yield server.start()
    server.stop()
    store.close()


def asked(port: int, path: str) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_trouble_elsewhere_takes_away_work_and_not_the_life(port: int, health: Health) -> None:
    health.beat()
    assert asked(port, READY) == (200, {"status": "ok"})
    health.fail("the disk is full")
    for where in (READY, HEALTH):
        assert asked(port, where) == (503, {"status": "failing", "reason": "the disk is full"})
    assert asked(port, LIVE) == (200, {"status": "ok"})


def test_a_loop_that_hangs_is_to_be_started_anew(port: int, health: Health, steady: Steady) -> None:
    health.beat()
    steady.seconds += STALE_SECONDS + 1
    assert asked(port, LIVE) == (503, {"status": "failing"})
    assert asked(port, READY)[0] == 503


def test_a_long_beginning_is_no_hanging(port: int, steady: Steady) -> None:
    steady.seconds += STALE_SECONDS + 1
    assert asked(port, LIVE)[0] == 200
    assert asked(port, READY)[0] == 503
