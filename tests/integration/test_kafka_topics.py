"""The topics of a real cluster are held to the table."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.kafka import at, drop_topics, make_topic

from schemas.topics import ALERTS, EVENTS, RAW, TOPICS
from services.cli import main
from services.ingest.kafka.topics import Difference, connected

if TYPE_CHECKING:
    from support.broker import Broker

    from schemas.topics import Topic


def applied(address: str, rows: list[Topic], replicas: int = 1) -> list[Difference]:
    with connected(at(address), replicas) as topics:
        return topics.apply(rows)


def differences(address: str, rows: list[Topic], replicas: int = 1) -> list[Difference]:
    with connected(at(address), replicas) as topics:
        return topics.differences(rows)


@pytest.fixture
def rows() -> list[Topic]:
    """Three topics of this test's own: the broker is everybody's."""
    name = f"t{time.monotonic_ns()}"
    return [
        replace(RAW, name=f"{name}.raw", partitions=2),
        replace(EVENTS, name=f"{name}.events", partitions=3),
        replace(ALERTS, name=f"{name}.alerts", partitions=1),
    ]


def test_what_is_missing_is_made_and_then_nothing_is_left_to_do(
    kafka: str, rows: list[Topic]
) -> None:
    missing = [Difference(row.name, "topic", "there", "missing") for row in rows]
    assert differences(kafka, rows) == missing
    assert applied(kafka, rows) == missing
    assert differences(kafka, rows) == []
    assert applied(kafka, rows) == []


def test_a_setting_that_is_wrong_is_told_and_corrected(kafka: str, rows: list[Topic]) -> None:
    make_topic(kafka, rows[0].name, partitions=2, config={"cleanup.policy": "compact"})
    wanted = {one.setting: one.wanted for one in differences(kafka, rows[:1])}
    month = str(30 * 86_400_000)
    largest = str(RAW.max_bytes)
    assert wanted == {"cleanup.policy": "delete", "retention.ms": month} | {
        "max.message.bytes": largest
    }
    applied(kafka, rows[:1])
    assert differences(kafka, rows[:1]) == []
    longer = [replace(rows[0], retention=timedelta(days=60))]
    (one,) = applied(kafka, longer)
    assert str(one) == f"{rows[0].name}: retention.ms is {month}, and should be {60 * 86_400_000}"
    assert differences(kafka, longer) == []


def test_partitions_and_replicas_are_told_and_never_changed(kafka: str, rows: list[Topic]) -> None:
    applied(kafka, rows)
    more = [replace(rows[1], partitions=5)]
    applied(kafka, more)
    assert differences(kafka, more) == [Difference(rows[1].name, "partitions", "5", "3")]
    left = {(one.setting, one.wanted, one.found) for one in differences(kafka, rows[:1], 3)}
    assert left == {("replicas", "3", "1"), ("min.insync.replicas", "2", "1")}


def test_the_command_makes_checks_and_tells(
    broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    drop_topics(broker.address, *(row.name for row in TOPICS))
    words = ["--kafka", broker.address, "--replicas", "1"]
    assert main(["topics", "check", *words]) == 1
    number = len(TOPICS)
    assert capsys.readouterr().out.splitlines()[-1] == f"{number} topics, {number} differences"
    assert main(["topics", "apply", *words]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{number} topics, 0 differences"
    assert main(["topics", "create", *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"changed": [], "differences": []}
    assert main(["topics", "check", "--bootstrap", *words[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"differences": []}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--kafka", "somewhere.example:9092"], "say SALVAGE_KAFKA_PROTOCOL"),
        (["--kafka", "127.0.0.1"], "expected HOST:PORT"),
        (["--kafka", "127.0.0.1:9092", "--replicas", "0"], "--replicas"),
    ],
)
def test_unusable_settings_are_told(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["topics", "check", *words]) == 2
    assert told in capsys.readouterr().err
