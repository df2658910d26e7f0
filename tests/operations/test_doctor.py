"""`salvage doctor` finds the trouble that is there, each check its own, and none where none is."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from argparse import Namespace
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Info, generate_latest
from support.console import salvage
from support.datafolder import changed, judged, kept, received, rules_above
from support.findings import Told, told_of
from support.mllp import listening

from services.commands.checkup import folder as folder_checks
from services.commands.checkup import parts
from services.commands.checkup.finding import Finding, State
from services.commands.checkup.judged import judged as judging
from services.commands.checkup.rulebook import compiled, lock
from services.commands.checkup.rulebook import packs as packs_of
from services.detector.rulebook.library import PACKS
from services.embedded.folder import owned
from services.embedded.schema import STEPS
from services.embedded.store import FILE_NAME as STORE
from services.ingest.journal import FILE_NAME as JOURNAL
from services.runtime.clock import SystemClock
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OURS = len(STEPS)
EARLIER = (
    "DROP TABLE persons",
    "DROP TABLE documents",
    "ALTER TABLE alerts DROP COLUMN trace",
)
"""What takes a store's tables back to their second version."""


def asked(*words: str | Path, code: int) -> Told:
    """What the doctor says; its exit code must be this one."""
    ran = salvage("doctor", *words, "--json")
    assert ran.code == code, ran.out + ran.err
    rows = json.loads(ran.out)["findings"]
    return told_of(
        Finding(row["check"], State(row["state"]), row["told"], row["do"]) for row in rows
    )


def of_data(data: Path) -> Told:
    """What it says of a folder, without the rules, whose reading takes its time."""
    return told_of(parts.of_data(Namespace(data=data, judge=False), SystemClock()))


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all is well; not to be changed."""
    return kept(tmp_path_factory.mktemp("doctor") / "data", "1200", "800", "90000")


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return shutil.copytree(sound, tmp_path / "data")


def test_where_all_is_well_it_says_so_and_goes_by_the_installed_rules(data: Path) -> None:
    judged(data, compiled(None))
    with owned(data):
        told = asked("--data", data, "--judge", code=0)
    assert {state for state, _ in told.values()} == {"ok"}
    assert told["journal"][1] == "3 of 3 entries are read, all of them are stored"
    assert {"packs", "process", "judging"} < told.keys()


def test_the_last_line_counts_and_nothing_of_a_patient_is_printed(data: Path) -> None:
    changed(data / STORE, "UPDATE facts SET event = replace(event, '90000', '90001')")
    ran = salvage("doctor", "--data", data)
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "17 findings: 15 ok, 1 warning, 1 wrong"
    assert "   -> " in ran.out
    assert not any(word in ran.out for word in ("1001", "1003", "90000", "90001"))


def test_no_folder_is_unusable(tmp_path: Path) -> None:
    ran = salvage("doctor", "--data", tmp_path / "none")
    assert ran.code == 2
    assert ran.err == "salvage doctor: --data: there is no such folder\n"


def opened_to_others(data: Path) -> None:
    data.chmod(0o755)


def cut_short(data: Path) -> None:
    path = data / STORE
    path.write_bytes(path.read_bytes()[:-4096])


def no_store(data: Path) -> None:
    (data / STORE).unlink()
    (data / JOURNAL).unlink()


def from_the_future(data: Path) -> None:
    changed(data / STORE, f"PRAGMA user_version = {len(STEPS) + 1}")


def another_journal(data: Path) -> None:
    changed(data / JOURNAL, "UPDATE identity SET id = 'another'")


def shorter_journal(data: Path) -> None:
    changed(data / JOURNAL, "DELETE FROM entries WHERE seq = 3")


def forgotten(data: Path) -> None:
    changed(
        data / STORE,
        "DELETE FROM facts WHERE seq = 2",
        "DELETE FROM raw WHERE id = 2",
    )


def not_judged(data: Path) -> None:
    received(data, "1300", first=4)


def altered(data: Path) -> None:
    changed(data / STORE, "UPDATE facts SET event = replace(event, '90000', '9')")


def revision_lost(data: Path) -> None:
    changed(data / STORE, "DELETE FROM alerts WHERE sequence = 2")


def suspended(data: Path) -> None:
    changed(data / STORE, "INSERT INTO suspended VALUES ('HOSP|1', 'KeyError at lane.py:41', 1)")


def old_letter(data: Path) -> None:
    changed(
        data / STORE,
        "INSERT INTO deadletters VALUES ('i', '', 'value_unparsable', 'LAB', 1, 1, '{}', NULL)",
    )


def clock_back(data: Path) -> None:
    changed(
        data / STORE, "UPDATE meta SET value = (strftime('%s') + 3600) * 1000000 WHERE key = 'now'"
    )


def nobody_looked(data: Path) -> None:
    changed(data / STORE, "INSERT INTO timers VALUES ('HOSP|1001', '', 'SMALL', 1)")


TROUBLE = [
    (opened_to_others, "access", "wrong", "others may enter"),
    (cut_short, "integrity", "wrong", ""),
    (no_store, "integrity", "wrong", "neither a store nor a journal"),
    (from_the_future, "schema", "wrong", f"version {OURS + 1} of the tables, ours is {OURS}"),
    (another_journal, "journal", "wrong", "not the journal that the store has read"),
    (shorter_journal, "journal", "wrong", "ends 1 entries before"),
    (forgotten, "journal", "wrong", "1 messages that were acknowledged are not in the store"),
    (not_judged, "journal", "wrong", "1 received messages wait"),
    (altered, "facts", "wrong", "1 facts are not what their digest says"),
    (revision_lost, "alerts", "wrong", "revisions are missing"),
    (suspended, "patients", "wrong", "1 patients are not judged"),
    (old_letter, "letters", "wrong", "1 value_unparsable"),
    (clock_back, "clock", "wrong", "s from now"),
    (nobody_looked, "clock", "wrong", "1 patients were due"),
]


@pytest.mark.parametrize(
    ("harm", "check", "state", "text"), TROUBLE, ids=[one[0].__name__ for one in TROUBLE]
)
def test_it_finds(
    data: Path, harm: Callable[[Path], None], check: str, state: str, text: str
) -> None:
    harm(data)
    told = of_data(data)
    assert told[check][0] == state
    assert text in told[check][1]


def test_a_file_of_an_older_release_is_told_and_no_fault(data: Path) -> None:
    changed(data / STORE, *EARLIER, "PRAGMA user_version = 2")
    told = of_data(data)
    said = f"salvage.sqlite: version 2 of the tables, ours is {OURS}"
    assert told["schema"] == ("warning", said)
    assert "facts" not in told  # what it can't know it doesn't ask


def test_of_a_folder_that_only_receives_it_asks_who_receives(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with listening(data):
        assert of_data(data)["process"] == ("ok", "salvage ingest is at work")
    assert of_data(data)["process"] == ("warning", "nobody receives here")
    assert "facts" not in of_data(data)


def test_a_write_ahead_log_that_grows_is_told(data: Path) -> None:
    with (data / f"{STORE}-wal").open("wb") as log:
        log.truncate(folder_checks.MOST_LOG + 1)
    (found,) = folder_checks.logs(data)
    assert found.state is State.WARNING


def test_a_full_disk_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_checks, "LEAST_SHARE", 101)
    (found,) = folder_checks.space(data)
    assert found.state is State.WRONG
    assert "JournalDiskFilling" in found.do


def test_facts_and_alerts_that_disagree_are_told(data: Path) -> None:
    def told(rules: int) -> tuple[State, str]:
        (found,) = judging(data, rules_above(rules), SystemClock())
        return found.state, found.told

    assert told(1000)[0] is State.WELL
    assert told(50000) == (
        State.WARNING,
        "at the next start with these rules 1 revisions would be published",
    )
    changed(
        data / STORE,
        "DELETE FROM rule_states WHERE patient_id = (SELECT patient_id FROM alerts LIMIT 1)",
        "DELETE FROM alerts WHERE sequence = 1",
    )
    assert told(1000)[0] is State.WRONG
    assert [path.name for path in data.iterdir() if "judging" in path.name] == []


# ---------------------------------------------------------------- rules


def test_a_rule_that_was_changed_in_place_is_told(tmp_path: Path) -> None:
    packs = shutil.copytree(PACKS, tmp_path / "rules")
    file = packs / "prostate" / "prost-bcr-rp.yaml"
    text = file.read_text()
    assert "0.2 ng/mL" in text
    file.write_text(text.replace("0.2 ng/mL", "0.3 ng/mL"))
    (found,) = lock(packs)
    assert found.state is State.WRONG
    assert "PROST-BCR-RP no longer does what version" in found.told


def test_a_mistake_of_the_site_is_told_with_its_place(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("rules:\n  NO-SUCH-RULE: {enabled: false}\n")
    (found,) = packs_of(site)
    assert found.state is State.WRONG
    assert "site.yaml" in found.told


# ---------------------------------------------------------------- processes


@contextmanager
def process(status: int, body: dict[str, str], build: str | None) -> Iterator[str]:
    """Something that answers as our processes do."""
    registry = CollectorRegistry()
    if build is not None:
        Info("salvage_build", "which software this is", registry=registry).info({"version": build})

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked_metrics = self.path == "/metrics"
            self.send_response(200 if asked_metrics else status)
            self.end_headers()
            self.wfile.write(
                generate_latest(registry) if asked_metrics else json.dumps(body).encode()
            )

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_process_that_is_not_at_work_says_why() -> None:
    body = {"status": "failing", "reason": "the store is not available"}
    with process(503, body, "0.0.1") as url:
        told = told_of(parts.of_process(url))
    assert told["ready"] == ("wrong", f"{url} is not at work: the store is not available")
    assert told["metrics"][0] == "warning"
    assert "runs 0.0.1" in told["metrics"][1]


def test_a_process_that_is_not_there_and_one_that_is_not_ours() -> None:
    with process(200, {"status": "ok"}, None) as url:
        told = told_of(parts.of_process(f"{url}/"))
        assert told["ready"] == ("ok", f"{url} is at work")
        assert told["metrics"][0] == "wrong"
    assert told_of(parts.of_process(url))["ready"] == ("wrong", f"{url} does not answer")
    with pytest.raises(OperatorError, match="--url"):
        list(parts.of_process("file:///etc/passwd"))
