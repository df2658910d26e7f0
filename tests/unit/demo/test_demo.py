"""The demo: both doors are used, what is printed can be read, and it ends when it is told to."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import IO, TYPE_CHECKING

import pytest
from sqlalchemy import select
from support.inbox import Browser
from support.memory_book import NOW, cohort_book

from schemas.deadletter import Where
from services.cli import main
from services.demo import screen
from services.demo.site import MESSAGES
from services.demo.traffic import PROFILE, traffic
from services.detector.engine.instants import moment
from services.embedded.folder import NOTIFIER
from services.embedded.reading import read
from services.embedded.store import FILE_NAME
from services.ingest.archive import Format, Record
from services.ingest.profiles.sources import Sources
from services.ingest.sources.files import Arrival
from services.notifier.cases.case import Case
from services.notifier.cases.words import CaseState
from services.notifier.inbox.access.local import PASSWORD
from services.notifier.inbox.words import day
from services.notifier.store import audit, shelf
from services.notifier.store.database import opened
from services.notifier.store.tables import CASES
from services.runtime.clock import SystemClock
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
        lines = list(screen.summary(alerts, {"facts": 1}, NOW))
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
        assert re.search(r"^\d{4}-\d\d-\d\d  . \w+ +suspected +HOSP\|", out, flags=re.MULTILINE)
        assert "12 patients" in out
        assert "0 dead letters" in out
        assert f"On {day(moment(SystemClock().now()))}: " in out  # the past ends today
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

    def test_ctrl_c_ends_a_slow_play_cleanly(self) -> None:
        with demo("--patients", "3", "--seconds", "600") as process:
            assert process.stdout is not None
            address, _ = signed_in_at(process.stdout)
            assert Browser(address).get("/sign-in").status == 200
            rest, complaints = ended(process)
        assert (process.returncode, complaints) == (0, "")
        assert "taken back" in rest

    @pytest.mark.slow
    def test_the_past_ends_today_and_the_link_signs_in_once(self, tmp_path: Path) -> None:
        words = ("--patients", "12", "--seconds", "0", "--data", str(tmp_path))
        with demo(*words) as process:
            assert process.stdout is not None
            address, once = signed_in_at(process.stdout)
            _wait_for(process.stdout, r"closed; the inbox stays open until Ctrl-C: (\S+)")
            browser, late = Browser(address), Browser(address)
            assert (signed_in(browser, once), signed_in(late, once)) == (303, 403)
            every = browser.get("/?view=all&status=closed").text + browser.get("/").text
            assert browser.get("/rules").status == 200
            password = (tmp_path / "site" / PASSWORD).read_text().strip()
            assert signed_in(late, password) == 303
            _, complaints = ended(process)
        assert (process.returncode, complaints) == (0, "")
        assert "Sign out" in every
        lived_through(tmp_path)


def lived_through(folder: Path) -> None:
    """Colleagues closed cases, each at a time of the past; messages stayed in the house."""
    with opened(str(folder / NOTIFIER), alone=False) as database, database.transaction() as one:
        closed = shelf.counts(one).get(CaseState.CLOSED, 0)
        rows = one.execute(select(CASES.c.body)).scalars()
        cases = [Case.model_validate_json(body) for body in rows]
        assert isinstance(audit.verify(one, None), audit.Head)
    assert closed > 0
    today = moment(SystemClock().now())
    done = [case.marks for case in cases if case.marks.disposed is not None]
    times = sorted(marks.disposed for marks in done if marks.disposed is not None)
    assert times[-1] < today
    assert times[-1] - times[0] > timedelta(days=60)
    lines = [json.loads(line) for line in (folder / "site" / MESSAGES).read_text().splitlines()]
    assert {"alert"} <= {line["kind"] for line in lines}
    assert "HOSP|" not in json.dumps(lines)


def demo(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "services.cli", "demo", "--port", "0", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=60)


def signed_in_at(output: IO[str]) -> tuple[str, str]:
    """The address of the link, and the secret behind its mark."""
    link = _wait_for(output, r"^Inbox: (http://127\.0\.0\.1:\d+/sign-in#once=\S+)$")
    address, _, once = link.partition("/sign-in#once=")
    return address, once


def signed_in(browser: Browser, password: str) -> int:
    fields = {"csrf": browser.get("/sign-in").token(), "password": password}
    return browser.post("/sign-in", fields).status


def _wait_for(stream: IO[str], pattern: str) -> str:
    for line in stream:
        found = re.search(pattern, line)
        if found:
            return found[1]
    raise AssertionError(f"never printed: {pattern}")
