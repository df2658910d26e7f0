"""The process is killed in the middle of traffic, again and again: nothing is lost or doubled."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support.killing import batter, free_port, kept_once, taken, told
from support.mllp import HERE, oru
from support.persistent import PersistentSender

if TYPE_CHECKING:
    from pathlib import Path

CONNECTIONS, EACH, KILLS = 8, 250, 5


def hospital(port: int, number: int) -> PersistentSender:
    controls = [f"S{number}M{at}" for at in range(EACH)]
    messages = [oru(one, person=f"{number}{at % 40}") for at, one in enumerate(controls)]
    return PersistentSender(port, messages, controls)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "ingest"])
def test_nothing_is_lost_or_doubled_by_five_kills(command: str, tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    words = [command, "--data", str(data), "--mllp", f"{HERE}:{port}"]
    if command == "run":
        words += ["--port", "0"]
    hospitals = [hospital(port, number) for number in range(CONNECTIONS)]
    total = CONNECTIONS * EACH
    batter(words, hospitals, total, KILLS, seconds=100)
    assert told(hospitals) == total
    assert [one.refused for one in hospitals] == [[]] * CONNECTIONS

    everything = {raw for one in hospitals for raw in one.messages}
    kept_once(data, everything)
    with closing(taken(data)) as store:
        raw = store.execute("SELECT bytes, times FROM raw").fetchall()
        ((facts,),) = store.execute("SELECT COUNT(*) FROM facts").fetchall()
        ((letters,),) = store.execute("SELECT COUNT(*) FROM deadletters").fetchall()
    assert {bytes(content) for content, _ in raw} == everything
    assert {times for _, times in raw} == {1}
    assert (facts, letters) == (len(everything), 0)
