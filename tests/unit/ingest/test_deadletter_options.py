"""`salvage deadletters`: which options go together, told before anything is connected."""

from __future__ import annotations

import io
import sys

import pytest
from support.console import salvage

from services.commands.topicletters import terminal

KAFKA = ("--kafka", "127.0.0.1:1")
DATA = ("--data", "nowhere")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list",), "one of the arguments --data --kafka/--bootstrap is required"),
        (("list", *DATA, *KAFKA), "not allowed with argument"),
        (("list", *DATA, "--topic", "clinical.raw"), "--topic: only with --kafka"),
        (("replay", *DATA, "8d30"), "ID: only with --kafka"),
        (("replay", *DATA, "--again"), "--again: only with --kafka"),
        (("replay", *DATA, "--by", "ops"), "--by: only with --kafka"),
        (("drop", *DATA, "--because", "x"), "drop: only with --kafka"),
        (("drop", *KAFKA, "--because", "x"), "drop: say which"),
        (("drop", *KAFKA, "8d30"), "--because"),
        (("drop", *KAFKA, "8d30", "--because", "two\nlines"), "one line of 1 to 256 characters"),
        (("replay", *KAFKA, "--site", "x.yaml"), "--site: only with --data"),
        (("replay", *KAFKA, "--profile", "nowhere.yaml"), "nowhere.yaml:1:1: No such file"),
        (("list", "--kafka", "somewhere.example:9092"), "say SALVAGE_KAFKA_PROTOCOL"),
    ],
)
def test_what_can_not_be_used_is_said(words: tuple[str, ...], told: str) -> None:
    ran = salvage("deadletters", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_terminal_is_told_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = io.StringIO()
    monkeypatch.setattr(sys, "stderr", watched)
    terminal(2000)(1000)
    assert watched.getvalue() == "", "nobody is watching"
    monkeypatch.setattr(watched, "isatty", lambda: True)
    tell = terminal(2000)
    tell(1000)
    tell(2000)
    assert watched.getvalue() == "\r1,000 of 2,000 records\r2,000 of 2,000 records\n"
