"""The demo: both doors are used, what is printed can be read, and it ends when it is told to."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from typing import IO, TYPE_CHECKING
from urllib.request import urlopen

import pytest
from support.memory_book import NOW, cohort_book

from schemas.deadletter import Where
from services.cli import main
from services.demo import screen
from services.demo.traffic import PROFILE, traffic
from services.embedded.reading import read
from services.embedded.store import FILE_NAME
from services.ingest.archive import Format, Record
from services.ingest.profiles.sources import Sources
from services.ingest.sources.files import Arrival
from services.simulator.cohort import Cohort, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from services.embedded.player import Sent


@cache
def cohort() -> Cohort:
    return simulate(7, 12, date(2024, 1, 1), 24)


@cache
def messages() -> tuple[Sent, ...]:
    return tuple(traffic(cohort().dispatches))


class TestTraffic:
    def test_half_of_the_patients_come_through_each_door(self) -> None:
        doors: dict[Format, set[str]] = {Format.HL7: set(), Format.EVENTS: set()}
        for message in messages():
            reading = read(_arrival(message), Sources.of(PROFILE))
            doors[message.form] |= {event.patient_id for event in reading.events}
        assert len(doors[Format.HL7]) == len(doors[Format.EVENTS]) == 6
        assert not doors[Format.HL7] & doors[Format.EVENTS]

    def test_nothing_is_refused_and_no_clinical_fact_is_lost(self) -> None:
        """Registrations apart: HL7 v2 tells identity and goals of care as two facts."""
        arrived: Counter[tuple[str, str]] = Counter()
        for message in messages():
            reading = read(_arrival(message), Sources.of(PROFILE))
            assert reading.rejected == ()
            arrived.update((event.patient_id, event.type) for event in reading.events)
        sent = Counter(
            (event.patient_id, event.type)
            for dispatch in cohort().dispatches
            for event in dispatch.events
        )
        assert set(arrived) == set(sent)
        clinical = {key for key in sent if key[1] != "patient"}
        assert {key: arrived[key] for key in clinical} == {key: sent[key] for key in clinical}

    def test_it_is_in_the_order_of_sending(self) -> None:
        times = [message.at for message in messages()]
        assert times == sorted(times)


def _arrival(message: Sent) -> Arrival:
    return Arrival("demo", message.form, Record(Where(), message.raw), None)


class TestScreen:
    @pytest.mark.parametrize("width", [20, 80, 200])
    def test_no_line_is_wider_than_the_terminal(self, width: int) -> None:
        for alert in cohort_book().revisions:
            assert len(screen.alert_line(alert, width)) <= width

    def test_a_file_gets_whole_sentences(self) -> None:
        for alert in cohort_book().revisions:
            line = screen.alert_line(alert, None)
            assert "…" not in line
            assert line.startswith(f"{alert.at:%Y-%m-%d}")
            assert alert.patient_id in line
            assert alert.rule in line

    def test_the_columns_stand_under_their_names(self) -> None:
        line, head = screen.alert_line(cohort_book().revisions[0], None), screen.heading()
        alert = cohort_book().revisions[0]
        assert line.index(alert.state) == head.index("state")
        assert line.index(alert.patient_id) == head.index("patient")
        assert line.index(alert.rule) == head.index("rule")

    def test_the_summary_counts_every_alert_once(self) -> None:
        alerts = cohort_book().alerts()
        lines = list(screen.summary(alerts, {"facts": 1}, NOW, None))
        rows = [
            found for line in lines if (found := re.fullmatch(r"([A-Z0-9-]+) +(\d+) +(\d+)", line))
        ]
        assert sum(int(row[2]) + int(row[3]) for row in rows) == len(alerts)
        assert "1 facts" in lines[0]

    def test_progress_without_messages_is_done(self) -> None:
        at = datetime(2024, 6, 29, tzinfo=UTC)
        assert (
            screen.progress(at, 0, 0, 3) == "29 Jun 2024  100 %  0 of 0 messages  3 alert entries"
        )


class TestCommand:
    def test_it_plays_prints_and_ends(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        words = [
            "demo",
            "--patients",
            "12",
            "--seconds",
            "0",
            "--no-serve",
            "--data",
            str(tmp_path),
        ]
        assert main(words) == 0
        out = capsys.readouterr().out
        assert out.startswith(screen.NOTICE)
        assert re.search(r"^2024-\d\d-\d\d  . \w+ +suspected +HOSP\|", out, flags=re.MULTILINE)
        assert "12 patients" in out
        assert "0 dead letters" in out
        assert "http" not in out
        assert (tmp_path / FILE_NAME).exists()

    def test_a_folder_that_holds_a_store_is_left_alone(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / FILE_NAME).write_bytes(b"precious")
        assert main(["demo", "--no-serve", "--data", str(tmp_path)]) == 2
        assert (tmp_path / FILE_NAME).read_bytes() == b"precious"
        assert "--data" in capsys.readouterr().err

    def test_a_port_in_use_is_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            assert main(["demo", "--patients", "2", "--seconds", "0", "--port", port]) == 1
        assert capsys.readouterr().err.startswith("salvage demo: ")

    @pytest.mark.parametrize("bad", ["0", "-1", "x", "1.5"])
    def test_nonsense_is_refused(self, bad: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["demo", "--patients", bad])
        assert ended.value.code == 2

    @pytest.mark.parametrize("seconds", ["0", "600"])
    def test_ctrl_c_ends_it_cleanly(self, seconds: str) -> None:
        """After the play, while the page is served; and in the middle of a slow play."""
        words = ["demo", "--patients", "3", "--seconds", seconds, "--port", "0"]
        command = [sys.executable, "-m", "services.cli", *words]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            address = _wait_for(process.stdout, r"Page: (http://127\.0\.0\.1:\d+/)")
            if seconds == "0":
                _wait_for(process.stdout, r"The page stays at (\S+)")
            with urlopen(address, timeout=10) as reply:  # noqa: S310 (our own address)
                assert b"synthetic" in reply.read()
            process.send_signal(signal.SIGINT)
            rest, complaints = process.communicate(timeout=20)
        assert process.returncode == 0
        assert complaints == ""
        assert seconds == "0" or "alerts stand" in rest


def _wait_for(stream: IO[str], pattern: str) -> str:
    for line in stream:
        found = re.search(pattern, line)
        if found:
            return found[1]
    raise AssertionError(f"never printed: {pattern}")
