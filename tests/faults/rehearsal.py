"""Each process and a broker of three is killed under load: the right alert comes, and goes again.

    PYTHONPATH=tests python -m faults.rehearsal

Real brokers, each on a host of its own; `salvage ingest`, `map`, `detect` and `notify run`; and a
real Prometheus with our rules, in which what has to last for minutes lasts for a second. Root,
iproute2, Java and Debian's prometheus; three minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from support.mllp import HERE, Sender, code, obx, oru
from support.notifying import site_folder
from support.processes import Command
from support.prometheus import Prometheus, free_port

from faults import cluster as brokers
from faults.network import Network
from faults.plan import BROKERS
from schemas.topics import TOPICS
from services.ingest.kafka.topics import connected
from services.notifier.store.database import opened
from services.notifier.store.migrating import migrate
from services.runtime.errors import SalvageError
from services.runtime.kafka import PREFIX, cluster

if TYPE_CHECKING:
    from collections.abc import Callable

DOWN = 'alertname="SalvageComponentDown"'
COPIES = 'alertname="SalvageKafkaCopiesMissing"'
TROUBLE = 'alertname="SalvageMapperInTrouble"'
"""What two lost brokers of three are: nothing is acknowledged any more, and nothing mapped.

A detector that has nothing in hand then is in no trouble.
"""
MAPPED = 'sum(salvage_mapper_records_total{verdict="mapped"})'
PATIENCE = 240.0
_PAUSE = 0.2
_RULES = Path(__file__).resolve().parents[2] / "services" / "detector" / "rules" / "hiv"


class Load:
    """A sender that never stops, and sends again what was not accepted; ended when it is left.

    accepted: messages that were.
    """

    def __init__(self, port: int) -> None:
        self.accepted = 0
        self._port, self._stop = port, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with Sender(self._port) as sender:
                    while not self._stop.wait(_PAUSE) and self._sent(sender):
                        pass
            except (OSError, StopIteration):
                self._stop.wait(1.0)  # nobody is there, or said no

    def _sent(self, sender: Sender) -> bool:
        number = self.accepted + 1
        message = oru(f"M{number}", obx(value=str(900 + number)), person=str(number))
        taken = code(sender.ask(message)).startswith("AA")
        self.accepted += taken
        return taken


class Ward:
    """The processes of ours, each on a port that it keeps."""

    def __init__(self, folder: Path, address: str, stack: ExitStack) -> None:
        self.ports = {name: free_port() for name in ("ingest", "map", "detect", "notify")}
        self.mllp = free_port()
        self._stack, self._folder = stack, folder
        database = folder / "notifier.db"
        with opened(str(database)) as made:
            migrate(made)
        site = site_folder(folder / "site" / "teams").parent
        (site / "channels.yaml").write_text("channels:\n  paper: {type: console}\n")
        kafka = ["--kafka", address]
        self._words = {
            "ingest": [*kafka, "--data", str(folder / "journal"), "--mllp", f"{HERE}:{self.mllp}"],
            "map": kafka,
            "detect": [*kafka, "--data", str(folder / "state"), "--rules", str(_RULES)],
            "notify": ["run", *kafka, "--database", str(database), "--site", str(site)],
        }
        self.running = {name: self.started(name) for name in self.ports}

    def started(self, name: str) -> Command:
        """Start one, for the first time or again."""
        port = str(self.ports[name])
        watched = ["--metrics", f"{HERE}:{port}"] if name == "ingest" else ["--port", port]
        return self._stack.enter_context(Command(name, *self._words[name], *watched))

    def kill(self, name: str) -> None:
        """Without a word."""
        self.running[name].kill()

    def again(self, name: str) -> None:
        """As a supervisor would."""
        self.running[name] = self.started(name)

    def look(self) -> None:
        """Start again whoever has ended without being killed."""
        for name, command in self.running.items():
            if command.process.poll() not in {None, -9}:
                self.again(name)


class Rehearsal:
    """Kills, and looks at what Prometheus says."""

    def __init__(self, ward: Ward, load: Load, prometheus: Prometheus) -> None:
        self._ward, self._load, self._prometheus = ward, load, prometheus

    def begin(self) -> None:
        """Everything runs, and nobody complains."""
        self._until("all are seen", 'sum(up{job=~"salvage.*"}) == 4')
        self._until("records are mapped", f"{MAPPED} > 10")
        for alert in (DOWN, COPIES, TROUBLE):
            self._clear(alert)

    def missed(
        self, what: str, kill: Callable[[], None], back: Callable[[], None], *alerts: str
    ) -> None:
        """Kill something under load; these alerts must fire, and clear when it is back."""
        before = self._load.accepted
        _say(f"killed: {what}")
        kill()
        for alert in alerts:
            self._until(f"{alert} fires", f'ALERTS{{{alert},alertstate="firing"}}')
        _say(f"  messages accepted meanwhile: {self._load.accepted - before}")
        back()
        for alert in alerts:
            self._clear(alert)

    def goes_on(self) -> None:
        """With one broker less everything is still received and mapped."""
        (now,) = self._prometheus.query(MAPPED)
        accepted = self._load.accepted
        self._until("mapping goes on", f"{MAPPED} > {float(now['value'][1]) + 20}")
        assert self._load.accepted > accepted, "nothing was accepted"

    def _clear(self, alert: str) -> None:
        self._until(f"{alert} is clear", f"absent(ALERTS{{{alert}}})")

    def _until(self, what: str, expression: str) -> None:
        begun = time.monotonic()
        while not self._prometheus.query(expression):
            self._ward.look()
            assert time.monotonic() - begun < PATIENCE, f"in vain: {what}"
            time.sleep(_PAUSE)
        _say(f"  {what}, after {time.monotonic() - begun:.0f} s")


def main() -> int:
    """Rehearse; 0: every alert came and went."""
    os.environ[f"{PREFIX}PROTOCOL"] = "PLAINTEXT"  # not this machine alone
    hosts = [brokers.host_of(n) for n in range(BROKERS)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-")))
        network = stack.enter_context(Network(*hosts))
        kafka = stack.enter_context(brokers.Cluster(folder / "kafka", network))
        brokers.wait_for("the topics", partial(_topics_made, kafka.address))
        ward = Ward(folder, kafka.address, stack)
        (folder / "prometheus").mkdir()
        targets = {f"salvage-{name}": port for name, port in ward.ports.items()}
        prometheus = Prometheus(folder / "prometheus", targets, free_port())
        stack.enter_context(prometheus)
        load = stack.enter_context(Load(ward.mllp))
        _rehearsed(Rehearsal(ward, load, prometheus), ward, kafka)
        _say(f"{load.accepted} messages were accepted; every alert came and went")
    return 0


def _rehearsed(rehearsal: Rehearsal, ward: Ward, kafka: brokers.Cluster) -> None:
    rehearsal.begin()
    for name in ward.ports:
        alert = f'{DOWN},job="salvage-{name}"'
        rehearsal.missed(name, partial(ward.kill, name), partial(ward.again, name), alert)
    first, second, _ = kafka.brokers
    back = _both(rehearsal.goes_on, first.start)
    rehearsal.missed("a broker of three", first.kill, back, COPIES)
    rehearsal.missed(
        "two brokers of three",
        _both(first.kill, second.kill),
        _both(first.start, second.start),
        TROUBLE,
    )
    rehearsal.goes_on()


def _both(*acts: Callable[[], Any]) -> Callable[[], None]:
    def done() -> None:
        for act in acts:
            act()

    return done


def _topics_made(address: str) -> bool:
    try:
        with connected(cluster(address, os.environ), brokers.REPLICAS) as topics:
            topics.apply(TOPICS)
    except (SalvageError, OSError):
        return False
    return True


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
