"""Notifiers that are killed in the middle, again and again, and a receiver that counts.

`python -m support.notifier_faults`, with `tests` on the path, is the whole run: `make
faults-notifier`. The notifiers are the command itself, the receiver gets real webhooks, and what
ought to arrive is computed by the pure fold of a case, which knows no store and no outbox.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from sqlalchemy import func, select

from schemas.alerts import State
from services.notifier.cases.case import Course
from services.notifier.cases.commands import Alerted
from services.notifier.cases.effects import Notice
from services.notifier.cases.site import Site
from services.notifier.cases.step import step
from services.notifier.roster.loading import load_house
from services.notifier.service.crashpoints import LABELS
from services.notifier.store import audit
from services.notifier.store.database import opened
from services.notifier.store.instants import moment
from services.notifier.store.migrating import migrate
from services.notifier.store.tables import ATTEMPTS, CASES, INPUTS, NOTICES
from services.runtime.clock import SystemClock
from support.broker import HERE
from support.notifying import SITE_YAML, site_folder, told
from support.postgresql import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from schemas.alerts import AlertRevision
    from services.notifier.cases.case import Case
    from services.notifier.store.database import Database

ROOT: Final = Path(__file__).resolve().parents[2]
KEY: Final = "5a" * 32
SIGNING: Final = "whsec_c2Fsdm9nZS13YXRjaCB0ZXN0IHNlY3JldCBvZiAzMiBi"
CHANNELS: Final = """\
channels:
  hook:
    type: webhook
    carries: [digest, message, push, phone]
    url: http://127.0.0.1:{port}/
    secret_file: secret
    timeout: 2
"""
SLOW_LADDER: Final = """\
policy:
  critical:
    answer_within: 4 d
    act_within: 5 d
    reserve: 2 h
    waits: [12 h, 12 h, 12 h, 12 h, 12 h]
    attention: 6 h
"""
"""However long a run takes on a busy machine: no rung begins that the fold was not asked about."""
_MANY: Final = frozenset(("attempt.written", "attempt.committed", "send.begun", "send.ended"))
_PATIENCE: Final = 10.0
_TO_ITS_PLACE: Final = 5.0
_STILL: Final = 45.0
_EVERY_TENTH: Final = 10


class Arrived(NamedTuple):
    """A message at the receiver."""

    key: str
    duplicate: bool


class Receiver:
    """Takes webhooks and writes down what came, in its order."""

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(_PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)

    def wait_for(self, count: int) -> None:
        """Until so many messages are there."""
        deadline = time.monotonic() + _STILL
        while len(self.arrived) < count:
            assert time.monotonic() < deadline, "nothing arrived"
            time.sleep(0.05)

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._take, HERE, 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            data = json.loads(await reader.readexactly(length))["data"]
            self.arrived.append(Arrived(data["key"], data["duplicate"]))
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()


def alerts(count: int, at: datetime) -> Iterator[AlertRevision]:
    """So many alerts, each of a patient of its own; of every tenth it turns out to be wrong."""
    for number in range(count):
        who: dict[str, Any] = {"name": f"a{number}", "patient": f"HOSP|{number:06}", "at": at}
        yield told(**who)
        if number % _EVERY_TENTH == 0:
            yield told(State.RETRACTED, **who, revision=2)


def expected(revisions: Sequence[AlertRevision], site: Site) -> set[str]:
    """Under which keys messages ought to arrive."""
    found: set[str] = set()
    cases: dict[str, Case | None] = {}
    for one in revisions:
        given = Alerted(revision=one, course=Course(patient_id=one.patient_id))
        done = step(cases.get(one.patient_id), given, one.at, site)
        cases[one.patient_id] = done.case
        notices = (each for each in done.effects if isinstance(each, Notice))
        found |= {site.reference(each.notice_id) for each in notices}
    return found


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, how often, on what."""

    alerts: int
    kills: int
    database: str
    notifiers: int
    seed: int = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        lost: keys that ought to have arrived, and did not.
        duplicates: arrivals of what had arrived before.
        unmarked: those of them that don't say so.
        broken: promises of the store that don't hold.
        places: where how many were killed.
    """

    alerts: int
    lost: int
    duplicates: int
    unmarked: int
    kills: int
    broken: tuple[str, ...] = ()
    places: Counter[str] = field(default_factory=Counter)

    @property
    def line(self) -> str:
        """The last line of the run; its form does not change."""
        return (
            f"alerts={self.alerts} notices_lost={self.lost} duplicates={self.duplicates} "
            f"unmarked={self.unmarked} kills={self.kills}"
        )

    @property
    def good(self) -> bool:
        """Whether all promises hold."""
        kept = self.lost == self.unmarked == 0 and not self.broken
        return kept and self.duplicates <= self.kills


class Run:
    """Notifiers at work on a growing file of alerts."""

    def __init__(self, plan: Plan, folder: Path, receiver: Receiver) -> None:
        self._plan, self._folder, self._receiver = plan, folder, receiver
        self._random = random.Random(plan.seed)  # noqa: S311 - the same run again
        self._running: list[subprocess.Popen[bytes]] = []
        self._logs: dict[int, Path] = {}
        self._places: Counter[str] = Counter()
        self._alerts = folder / "alerts.jsonl"
        self._alerts.touch()
        self._site = _site(folder / "site", receiver.port)

    def through(self) -> Outcome:
        """All of it."""
        revisions = list(alerts(self._plan.alerts, moment(SystemClock().now())))
        wanted = expected(revisions, self._site)
        try:
            self._kill_again_and_again([one.to_json() + b"\n" for one in revisions])
            self._until_all(wanted)
            self._end()
        finally:
            for process in self._running:
                process.kill()
                process.wait()
        with opened(self._plan.database, alone=False) as database:
            broken = tuple(_broken(database, len({one.patient_id for one in revisions})))
        counts = Counter(one.key for one in self._receiver.arrived)
        return Outcome(
            alerts=self._plan.alerts,
            lost=len(wanted - counts.keys()),
            duplicates=sum(count - 1 for count in counts.values()),
            unmarked=_unmarked(self._receiver.arrived),
            kills=sum(self._places.values()),
            broken=broken + (("messages that nobody decided",) if counts.keys() - wanted else ()),
            places=self._places,
        )

    def _kill_again_and_again(self, lines: list[bytes]) -> None:
        kills, slots = self._plan.kills, self._plan.notifiers
        self._running = [self._start(slot, self._place(slot)) for slot in range(slots)]
        for number in range(kills):
            part = lines[number * len(lines) // kills : (number + 1) * len(lines) // kills]
            with self._alerts.open("ab") as file:
                file.write(b"".join(part))
            slot = number % slots
            self._killed(self._running[slot])
            last = number >= kills - slots
            at = None if last else self._place(number + slots)
            self._running[slot] = self._start(slot, at)

    def _place(self, number: int) -> str:
        """The places in turn: with a crowd at the door some let a few go by."""
        label = LABELS[number % len(LABELS)]
        most = 20 if label in _MANY else 2 if label.startswith(("step", "outcome")) else 1
        return f"{label}:{self._random.randint(1, most)}"

    def _start(self, slot: int, crash_at: str | None) -> subprocess.Popen[bytes]:
        words = ["notify", "run", "--database", self._plan.database, "--name", f"n{slot}"]
        words += ["--site", str(self._folder / "site"), "--alerts", str(self._alerts)]
        words += [] if crash_at is None else ["--crash-at", crash_at]
        path = self._folder / f"log-{len(self._logs)}"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", *words],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._logs[process.pid] = path
        return process

    def _killed(self, process: subprocess.Popen[bytes]) -> None:
        """It ends itself at its place; if nothing brings it there, it is ended anywhere."""
        assert isinstance(process.args, list)
        place = str(process.args[-1]).partition(":")[0]
        if not self._ended_by_itself(process):
            place = "anywhere"
            process.kill()
            process.wait()
        assert process.returncode == -signal.SIGKILL, self._said(process)
        self._places[place] += 1

    def _ended_by_itself(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it did, some seconds after it had begun to work; a busy machine starts slowly."""
        begun: float | None = None
        last = time.monotonic() + _STILL
        while process.poll() is None:
            now = time.monotonic()
            if begun is None and "notifying" in self._said(process):
                begun = now
            if now > last or (begun is not None and now - begun > _TO_ITS_PLACE):
                return False
            time.sleep(0.02)
        return True

    def _said(self, process: subprocess.Popen[bytes]) -> str:
        return self._logs[process.pid].read_text()[-2000:]

    def _until_all(self, wanted: set[str]) -> None:
        """Until everything is there, or nothing has come for long."""
        count, since = 0, time.monotonic()
        while not wanted <= {one.key for one in self._receiver.arrived}:
            if len(self._receiver.arrived) != count:
                count, since = len(self._receiver.arrived), time.monotonic()
            if time.monotonic() - since > _STILL:
                return
            time.sleep(0.2)

    def _end(self) -> None:
        """What is repeated after the last kill has the time to come, then all end in order."""
        with opened(self._plan.database, alone=False) as database:
            deadline = time.monotonic() + _STILL
            while _unfinished(database) and time.monotonic() < deadline:
                time.sleep(0.2)
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(_STILL) for process in self._running]
        assert codes == [0] * len(codes), [self._said(each) for each in self._running]


def _site(folder: Path, port: int) -> Site:
    teams = site_folder(folder / "teams")
    (teams / "site.yaml").write_text(SITE_YAML + SLOW_LADDER)
    house = load_house(teams)
    (folder / "channels.yaml").write_text(CHANNELS.format(port=port))
    (folder / "secret").write_text(SIGNING)
    (folder / "site.key").write_text(KEY)
    return Site(house.policy, house.teams, bytes.fromhex(KEY))


def _unmarked(arrived: Sequence[Arrived]) -> int:
    seen: set[str] = set()
    count = 0
    for one in arrived:
        count += one.key in seen and not one.duplicate
        seen.add(one.key)
    return count


def _unfinished(database: Database) -> bool:
    with database.transaction() as connection:
        open_ones = NOTICES.c.state.in_(["pending", "sending"])
        return bool(connection.execute(select(func.count()).where(open_ones)).scalar_one())


def _broken(database: Database, patients: int) -> Iterator[str]:
    """Which of the store's promises don't hold."""
    with database.transaction() as connection:

        def count(query: object) -> int:
            return int(connection.execute(query).scalar_one())  # type: ignore[call-overload]

        if isinstance(found := audit.verify(connection), audit.Broken):
            yield f"audit: {found.why}"
        if count(select(func.count()).select_from(CASES)) != patients:
            yield "a case is missing, or there twice"
        if count(select(func.count()).where(INPUTS.c.body.is_not(None))):
            yield "an input was not worked on"
        tried = select(ATTEMPTS.c.notice_id)
        sent = (NOTICES.c.state == "delivered") & NOTICES.c.notice_id.not_in(tried)
        if count(select(func.count()).where(sent)):
            yield "something left without an attempt"
        unknown = ATTEMPTS.c.result.is_(None)
        if count(select(func.count()).where(unknown)):
            yield "an attempt has no end"


def faults(plan: Plan, folder: Path) -> Outcome:
    """Carry out a plan."""
    with Receiver() as receiver:
        return Run(plan, folder, receiver).through()


def main() -> int:
    """Carry out what the command line says."""
    parser = argparse.ArgumentParser(prog="make faults-notifier")
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    args = parser.parse_args()
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database, notifiers = str(folder / "notifier.db"), 1
        if args.db == "postgresql":
            database, notifiers = stack.enter_context(served()).create(), 2
            with opened(database) as made:
                migrate(made)
        done = faults(Plan(args.alerts, args.kills, database, notifiers), folder)
    for what in done.broken:
        sys.stderr.write(f"broken: {what}\n")
    told_places = (f"killed at {place}: {count}\n" for place, count in sorted(done.places.items()))
    sys.stdout.writelines(told_places)
    sys.stdout.write(f"seconds={time.monotonic() - began:.0f}\n{done.line}\n")
    return 0 if done.good else 1


if __name__ == "__main__":
    raise SystemExit(main())
