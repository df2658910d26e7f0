"""`salvage notify` as people and supervisors use it: runs, ends, looks into its store, refuses."""

from __future__ import annotations

import argparse
import json
import stat
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from support.kafka import anew, everything
from support.notifier_faults import CHANNELS, SIGNING, Receiver
from support.notifying import COURSE_ID, site_folder, told, treatment
from support.processes import Command

from schemas.actions import Action, Deed
from schemas.events import EVENT
from schemas.topics import ACTIONS, ALERTS, EVENTS
from services.cli import main
from services.commands.notifying import from_files
from services.embedded.store import FILE_NAME
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.notifier.service.inputs import INCOMING, Occurred
from services.notifier.store.instants import moment
from services.runtime.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    from support.broker import Broker
    from support.postgresql import Server

    from schemas.alerts import AlertRevision
    from services.notifier.inbox.pages.documents import Record

CONSOLE = "channels:\n  paper: {type: console}\n"


def site(folder: Path, channels: str = CONSOLE) -> Path:
    """A site's folder, without a key."""
    site_folder(folder / "teams")
    (folder / "channels.yaml").write_text(channels)
    (folder / "secret").write_text(SIGNING)
    return folder


def lines(path: Path, *revisions: AlertRevision) -> Path:
    """Alerts as a file."""
    path.write_bytes(b"".join(one.to_json() + b"\n" for one in revisions))
    return path


def now_told(**fields: Any) -> AlertRevision:
    """An alert of this moment."""
    return told(at=moment(SystemClock().now()), **fields)


class Ended(NamedTuple):
    """What a command said."""

    stdout: str
    stderr: str


class Salvage:
    """Runs `salvage WORDS` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> Ended:
        assert main(words) == code
        return Ended(*self._capsys.readouterr())


@pytest.fixture
def salvage(capsys: pytest.CaptureFixture[str]) -> Salvage:
    return Salvage(capsys)


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The options of a run with one alert, told to the console."""
    alerts = lines(tmp_path / "alerts.jsonl", now_told())
    folder, database = site(tmp_path / "site"), tmp_path / "n.db"
    return ["--database", str(database), "--site", str(folder), "--alerts", str(alerts)]


def test_a_run_tells_what_is_to_be_told_once(salvage: Salvage, words: list[str]) -> None:
    first = salvage("notify", "run", *words, "--once")
    (message,) = [json.loads(line) for line in first.stdout.splitlines()]
    assert message["recipient"] == "person:anne"
    assert "HOSP" not in first.stdout + first.stderr
    again = salvage("notify", "run", *words, "--once")
    assert again.stdout == ""


def test_the_key_is_made_once_and_for_its_owner_alone(
    salvage: Salvage, words: list[str], tmp_path: Path
) -> None:
    salvage("notify", "run", *words, "--once")
    key = tmp_path / "site" / "site.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_text("00" * 32)
    done = salvage("notify", "run", *words, "--once", code=2)
    assert "another key" in done.stderr
    key.write_text("secret")
    done = salvage("notify", "run", *words, "--once", code=2)
    assert "hexadecimal" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.slow
def test_a_supervisor_watches_it_and_ends_it_in_order(words: list[str]) -> None:
    with Command("notify", "run", *words, "--port", "0") as command:
        where = f"http://127.0.0.1:{command.heard('serving health')['port']}"
        assert _got(f"{where}/livez").status == 200
        while "notifier_deliveries_total" not in (page := _got(f"{where}/metrics").text):
            time.sleep(0.1)
        while _got(f"{where}/readyz").status != 200:
            time.sleep(0.1)
        assert "HOSP" not in page
        assert command.end() == 0
        command.heard("ended")


def test_the_store_can_be_looked_into(salvage: Salvage, words: list[str]) -> None:
    salvage("notify", "run", *words, "--once")
    where = words[:2]
    status = json.loads(salvage("notify", "status", *where).stdout)
    assert status["cases"] == {"assigned": 1}
    assert status["messages"] == {"delivered": 1}
    assert (status["waiting"], status["failing"]) == (0, 0)
    head = salvage("notify", "audit", "head", *where).stdout.strip()
    whole = salvage("notify", "audit", "verify", *where, "--head", head).stdout.strip()
    assert whole == f"audit: whole lines={head.split(':')[0]} head={head}"
    other = f"1:{'0' * 64}"
    broken = salvage("notify", "audit", "verify", *where, "--head", other, code=1)
    assert "not the line that was exported" in broken.stderr


def test_postgresql_is_migrated_by_a_person(
    salvage: Salvage, words: list[str], postgresql: Server
) -> None:
    where = ["--database", postgresql.create()]
    refused = salvage("notify", "run", *where, *words[2:], "--once", code=2)
    assert "salvage notify migrate" in refused.stderr
    salvage("notify", "migrate", *where)
    done = salvage("notify", "run", *where, *words[2:], "--once")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "told_so"),
    [
        (["--database", "mysql://u:secret@h/d"], "--database"),
        (["--alerts", "/nowhere/alerts.jsonl"], "--alerts"),
        (["--site", "/nowhere"], "nowhere"),
        (["--crash-at", "nowhere"], "--crash-at"),
    ],
)
def test_settings_that_can_not_be_used_are_named(
    salvage: Salvage, words: list[str], change: list[str], told_so: str
) -> None:
    refused = salvage("notify", "run", *words, *change, "--once", code=2)
    assert told_so in refused.stderr
    assert "secret" not in refused.stderr


def test_a_site_whose_strongest_notices_nobody_would_get_is_refused(
    salvage: Salvage, words: list[str], tmp_path: Path
) -> None:
    quiet = "channels:\n  paper: {type: console, carries: [message, digest]}\n"
    (tmp_path / "site" / "channels.yaml").write_text(quiet)
    refused = salvage("notify", "run", *words, "--once", code=2)
    assert "nothing carries push, phone" in refused.stderr


def test_an_unusable_line_is_said_and_the_rest_goes_on(
    salvage: Salvage, words: list[str], tmp_path: Path
) -> None:
    alerts = tmp_path / "alerts.jsonl"
    alerts.write_bytes(b'{"patient_id": "HOSP|000009"}\n' + alerts.read_bytes() + b'{"torn')
    done = salvage("notify", "run", *words, "--once")
    assert len(done.stdout.splitlines()) == 1
    assert "unusable record" in done.stderr
    assert "HOSP" not in done.stderr


@pytest.mark.slow
def test_the_store_of_the_embedded_runtime_is_a_feed(salvage: Salvage, tmp_path: Path) -> None:
    watched = tmp_path / "in"
    watched.mkdir()
    (watched / "events.jsonl").write_text(VIREMIA)
    salvage("run", "--data", str(tmp_path / "data"), "--watch", str(watched), "--once")
    done = salvage(
        "notify",
        "run",
        *("--database", str(tmp_path / "n.db")),
        *("--site", str(site(tmp_path / "site"))),
        *("--alerts", str(tmp_path / "data" / FILE_NAME)),
        "--once",
    )
    status = salvage("notify", "status", "--database", str(tmp_path / "n.db"))
    assert json.loads(status.stdout)["cases"], done.stderr
    record = record_beside(tmp_path / "data" / FILE_NAME)
    assert record is not None
    events = [EVENT.validate_json(line) for line in VIREMIA.splitlines()]
    assert record(events[0].patient_id) == events, "for the charts"


def record_beside(alerts: Path) -> Record | None:
    """What the pages would show beside an alert's own evidence."""
    options = argparse.Namespace(
        alerts=alerts, events=None, actions=None, research=None, source=[], sources=None
    )
    with ExitStack() as stack:
        return from_files(options, stack).record


def test_a_file_of_alerts_brings_no_record_beside_them(tmp_path: Path) -> None:
    assert record_beside(lines(tmp_path / "alerts.jsonl", now_told())) is None


@pytest.mark.slow
def test_over_kafka_alerts_come_in_and_deeds_go_out(broker: Broker, tmp_path: Path) -> None:
    where = anew(broker.address)
    begun = INCOMING.validate_json(treatment().body)
    later = INCOMING.validate_json(treatment("t2", course="C2", line=2).body)
    assert isinstance(begun, Occurred)
    assert isinstance(later, Occurred)
    alert = now_told(course=COURSE_ID)
    with Receiver() as receiver, Publisher(where) as publisher:
        publisher.publish(
            [
                Outgoing(ALERTS.name, alert.alert_id, alert.to_json(), ()),
                Outgoing(ALERTS.name, "x", b"{}", ()),
                Outgoing(EVENTS.name, alert.patient_id, begun.event.to_json(), ()),
            ]
        )
        folder = site(tmp_path / "site", CHANNELS.format(port=receiver.port))
        words = ["--database", str(tmp_path / "n.db"), "--site", str(folder)]
        with Command("notify", "run", *words, "--kafka", broker.address) as command:
            command.heard("unusable record")
            receiver.wait_for(1)
            fresh = later.event.model_copy(update={"effective_at": moment(SystemClock().now())})
            publisher.publish([Outgoing(EVENTS.name, alert.patient_id, fresh.to_json(), ())])
            actions = _actions(broker.address)
            assert command.end() == 0
    assert [one.deed for one in actions] == [Deed.SALVAGE_STARTED]
    assert actions[0].event_id == "t2"


class Got(NamedTuple):
    """What a server answered."""

    status: int
    text: str


def _got(url: str) -> Got:
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
            return Got(answer.status, answer.read().decode())
    except HTTPError as error:
        return Got(error.code, error.read().decode())


def _actions(address: str) -> list[Action]:
    """What is published; waits for the first."""
    while not (found := everything(address, ACTIONS.name)):
        time.sleep(0.2)
    return [Action.model_validate_json(one.value or b"") for one in found]


VIREMIA = "".join(
    json.dumps(
        {
            "type": "treatment",
            "event_id": "t1",
            "patient_id": "HOSP|000001",
            "source": "test",
            "effective_at": "2025-01-10",
            "issued_at": "2025-01-10T09:00:00Z",
            "status": "final",
            "course_id": "C1",
            "condition": "hiv",
            "modality": "antiretroviral",
            "line": 1,
            "phase": "started",
        }
    )
    + "\n"
    for _ in range(1)
) + "".join(
    json.dumps(
        {
            "type": "observation",
            "event_id": f"o{number}",
            "patient_id": "HOSP|000001",
            "source": "test",
            "effective_at": day,
            "issued_at": f"{day}T09:00:00Z",
            "status": "final",
            "analyte": "hiv_rna",
            "value": "25000",
            "unit": "{copies}/mL",
        }
    )
    + "\n"
    for number, day in enumerate(("2025-09-01", "2025-12-15"))
)
"""A viral load over 1000 copies twice, three months apart, after six months of treatment."""
