"""docs/kafka.md: its commands run as they stand there, and its table is the table."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from support.broker import ROOT
from support.kafka import make_topic
from support.processes import Command, salvage

from schemas.topics import TOPICS

if TYPE_CHECKING:
    from pathlib import Path

    from support.broker import Broker

PAGE = (ROOT / "docs" / "kafka.md").read_text()
COMMANDS = re.findall(r"^\$ salvage (.*)$", PAGE, re.MULTILINE)
BUSY = {"ingest": "receiving", "map": "mapping", "run": "restored"}
"""What a command says that goes on until it is ended."""


def words_of(command: str, address: str, folder: Path) -> list[str]:
    """A command as it stands there, but at our broker, in our folder, on any free port."""
    text = command.replace("localhost:9092", address).replace("var/", f"{folder}/")
    text = text.replace("localhost:2575", "127.0.0.1:0").replace("--replicas 3", "--replicas 1")
    return shlex.split(text) + (["--port", "0"] if command.startswith("run ") else [])


@pytest.mark.slow
def test_every_command_runs(broker: Broker, tmp_path: Path) -> None:
    make_topic(broker.address, "hospital.events")
    assert {command.split()[0] for command in COMMANDS} == {*BUSY, "topics"}
    for command in COMMANDS:
        words = words_of(command, broker.address, tmp_path)
        if words[0] not in BUSY:
            assert salvage(*words).stdout.endswith(f"{len(TOPICS)} topics, 0 differences\n")
            continue
        with Command(*words) as running:
            running.heard(BUSY[words[0]])
            assert running.end() == 0, command


def test_the_table_of_topics_is_the_table() -> None:
    for row in TOPICS:
        kept = "for ever" if row.retention is None else f"{row.retention.days} days"
        kept += ", compacted" if row.compacted else ""
        cells = (f"`{row.name}`", row.key, row.partitions, kept, row.max_bytes)
        assert f"| {' | '.join(map(str, cells))} |" in PAGE


def test_the_settings_are_those_that_are_read() -> None:
    source = (ROOT / "services" / "runtime" / "kafka.py").read_text()
    listed = set(re.findall(r"SALVAGE_KAFKA_[A-Z_]+", source.split('"""')[1]))
    assert set(re.findall(r"SALVAGE_KAFKA_[A-Z_]+", PAGE)) == listed
