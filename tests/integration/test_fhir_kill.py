"""The process is killed while Bundles are posted: no acknowledged one is lost, and none doubled."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support.fhir import bundle, encoded, psa
from support.killing import batter, free_port, kept_once, taken
from support.mllp import HERE
from support.rest import Client

if TYPE_CHECKING:
    from pathlib import Path

SENDERS, EACH, KILLS = 4, 40, 2


class Hospital(threading.Thread):
    """Posts its Bundles in order, and whatever was not acknowledged again."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.bundles = [
            encoded(bundle(psa(id=f"s{number}m{at}"), kind="transaction")) for at in range(EACH)
        ]
        self.acknowledged = 0
        self.refused: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        while self.acknowledged < EACH and not self.over.is_set():
            try:
                with Client(self.port) as client:
                    self._go_on(client)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def _go_on(self, client: Client) -> None:
        while self.acknowledged < EACH:
            status = client.post(self.bundles[self.acknowledged]).status
            if status != 200:
                self.refused.append(status)
                return
            self.acknowledged += 1


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_taken_twice(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    words = ["ingest", "--data", str(data), "--fhir", f"{HERE}:{port}"]
    hospitals = [Hospital(port, number) for number in range(SENDERS)]
    total = SENDERS * EACH
    batter(words, hospitals, total, KILLS, seconds=80)
    assert [hospital.refused for hospital in hospitals] == [[]] * SENDERS

    kept_once(data, {raw for hospital in hospitals for raw in hospital.bundles})
    with closing(taken(data)) as store:
        ((facts,),) = store.execute("SELECT COUNT(*) FROM facts").fetchall()
        ((letters,),) = store.execute("SELECT COUNT(*) FROM deadletters").fetchall()
    assert (facts, letters) == (total, 0)
