"""Source profiles over MLLP: who is answered what, and how a new sender's messages are worked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest
from support.console import salvage
from support.mllp import HERE, Sender, code, entries, listening, obx, oru
from support.processes import Command

from services.embedded.book import WardBook
from services.embedded.store import FILE_NAME
from services.ingest.mllp.options import add_listener_options, rules
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from services.ingest.mllp.gate import Rules

HOSP = """
name: HOSP/LAB
senders: [{facility: HOSP, application: LAB}]
ignore: [MFN]
"""
WEST = """
name: west
senders: [{facility: WEST}]
ack_policy: custody
sequence_numbers: true
test_traffic: true
"""


def asked(folder: Path, *words: str) -> Rules:
    """The rules of a listener with these options."""
    parser = argparse.ArgumentParser()
    add_listener_options(parser, required=True)
    return rules(parser.parse_args(["--mllp", f"{HERE}:0", "--sources", str(folder), *words]))


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "hosp.yaml").write_text(HOSP)
    (folder / "west.yaml").write_text(WEST)
    return folder


BAD = obx(value="see note")


def test_each_sender_is_answered_by_its_own_profile(tmp_path: Path, profiles: Path) -> None:
    with listening(tmp_path, asked(profiles)) as listener, Sender(listener.port) as sender:

        def answer(control: str, *results: str, **fields: str) -> str:
            return code(sender.ask(oru(control, *results, **fields)))

        assert answer("A1") == "AA A1"
        assert answer("A2", BAD) == "AE 102 A2"
        assert answer("A3", f11="T") == "AR 202 A3"
        assert answer("A4", f9="MFN^M02") == "AA A4"
        assert answer("A5", f13="7") == "AA A5", "a number that nobody asked for"
        assert answer("W1", BAD, f4="WEST", f13="1") == "AA W1"
        assert answer("W2", f4="WEST", f13="2", f11="T") == "AA W2"
        assert answer("W3", f4="WEST", f13="9").startswith("AE 102 W3"), "a gap"
        assert answer("W4", f4="WEST", f13="3", f9="MFN^M02").startswith("AA W4")
        assert answer("S1", f4="SOUTH") == "AR 207 S1"
    kept = [(one.source, str(one.state)) for one in entries(tmp_path)]
    assert kept == [
        *(("HOSP/LAB", "new"), ("HOSP/LAB", "new"), ("HOSP/LAB", "refused")),
        *(("HOSP/LAB", "ignored"), ("HOSP/LAB", "new")),
        *(("west", "new"), ("west", "new"), ("west", "refused"), ("west", "refused")),
        ("SOUTH/LAB", "refused"),
    ]


@pytest.mark.parametrize("option", [["--custody"], ["--test-traffic"], ["--ignore", "MFN"]])
def test_what_belongs_into_a_profile_is_no_option(profiles: Path, option: list[str]) -> None:
    with pytest.raises(OperatorError, match="say so in the source profiles"):
        asked(profiles, *option)


def test_who_may_speak_here_is_asked_before_whose_profile_it_is(
    tmp_path: Path, profiles: Path
) -> None:
    allowed = asked(profiles, "--sender", "HOSP/LAB")
    with listening(tmp_path, allowed) as listener, Sender(listener.port) as sender:
        assert code(sender.ask(oru("A1"))) == "AA A1"
        assert code(sender.ask(oru("W1", f4="WEST"))) == "AR 207 W1"
    refused = entries(tmp_path)[-1].refused
    assert refused is not None
    assert (refused.reason, refused.part) == ("bad_field", "MSH-3")


@pytest.mark.slow  # processes of their own, and all rules
def test_a_new_senders_messages_are_worked_while_the_system_runs(
    tmp_path: Path, profiles: Path
) -> None:
    data, words = tmp_path / "data", ("--sources", str(profiles))
    with Command("run", "--data", str(data), "--port", "0", "--mllp", f"{HERE}:0", *words) as run:
        with Sender(run.heard("receiving")["port"]) as sender:
            assert code(sender.ask(oru("A1"))) == "AA A1"
            assert code(sender.ask(oru("S1", person="7", f4="SOUTH"))) == "AR 207 S1"
        while not [line for line in run.lines if '"dead letter"' in line]:
            run.heard("dead letter")
        (told,) = salvage("deadletters", "count", "--data", data, "--json").lines
        assert [heap["reason"] for heap in told["heaps"]] == ["unknown_sender"]
        (profiles / "south.yaml").write_text("name: south\nsenders: [{facility: SOUTH}]\n")
        ran = salvage("deadletters", "replay", "--data", data, *words, "--wait", "30")
        assert ran.out.splitlines()[-1] == (
            "done by the running process: 1 facts, 1 resolved, 0 still refused"
        )
        assert run.process.poll() is None
    book = WardBook(data / FILE_NAME)
    assert (book.counts()["facts"], book.counts()["dead_letters"]) == (2, 0)
    assert [one.source for one in book.events("HOSP|7")] == ["south"]
