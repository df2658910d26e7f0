"""A real Apache Kafka to test against, on this machine alone: a broker in a JVM.

Maven fetches the jars that deploy/kafka/pom.xml names into `build/kafka` (43 MB, once),
`kafka.tools.StorageTool` formats a folder (1 s) and `kafka.Kafka` serves it as its own controller
(KRaft; 3 s until it listens, 150 MB).

What we learned: `group.initial.rebalance.delay.ms=0`, else each group waits 3 s for company; the
class path's `*` is Java's, so no shell may see it; without a logging library Kafka is silent, and
what it has to say about a bad setting is found on its standard error; the data of a broker that was
killed is taken up again in the time of a usual start.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


HERE: Final = "127.0.0.1"
PATIENCE: Final = 90.0
ROOT: Final = Path(__file__).resolve().parents[2]
POM: Final = ROOT / "deploy" / "kafka" / "pom.xml"
PROPERTIES: Final = ROOT / "deploy" / "kafka" / "single.properties"
CACHE: Final = ROOT / "build" / "kafka"
FORMATTED: Final = CACHE / "formatted"
_CLUSTER_ID: Final = "c2FsdmFnZS13YXRjaC10ZQ"


class NoBroker(Exception):  # noqa: N818 - a state of this machine
    """No broker can be had here; the text says why."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    servers = [socket.create_server((HERE, 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in servers]
    for server in servers:
        server.close()
    return ports


def jars() -> Path:
    """The folder of Kafka's jars, fetched if need be.

    Raises:
        NoBroker: no Java, no Maven, or nothing to fetch from.
    """
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise NoBroker(f"no {tool} on this machine")
    folder, wanted = CACHE / "jars", hashlib.sha256(POM.read_bytes()).hexdigest()
    with locked(CACHE / "lock"):
        done = CACHE / "complete"
        if not done.exists() or done.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(FORMATTED, ignore_errors=True)
            _fetch(folder)
            done.write_text(wanted)
    return folder


def _fetch(folder: Path) -> None:
    words = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*words, f"-DoutputDirectory={folder}"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NoBroker("Maven could not fetch Kafka's jars")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among all processes that ask for this file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Broker:
    """A broker of one's own, that can be stopped and hurt.

    address: where it listens.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """Make its folder; `start` starts it.

        Args:
            folder: its data and settings.
            settings: added to the usual ones; `listeners` adds to ours.
        """
        port, controller, *_ = free_ports(2)
        self.address = f"{HERE}:{port}"
        self.port = port
        self._folder = folder
        self._jars = jars()
        self._process: subprocess.Popen[bytes] | None = None
        more = dict(settings or {})
        extra = more.pop("listeners", "")
        lines = {
            "controller.quorum.voters": f"1@{HERE}:{controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{HERE}:{controller}{extra}",
            "log.dirs": str(folder / "data"),
        }
        text = "".join(f"{name}={value}\n" for name, value in (lines | more).items())
        folder.mkdir(parents=True, exist_ok=True)
        self._settings = folder / "server.properties"
        self._settings.write_text(PROPERTIES.read_text() + text)

    def format(self, *words: str) -> None:
        """Prepare the data folder; `words` are the tool's."""
        tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, *words]
        done = subprocess.run(
            [*self._java(), *tool, "-c", str(self._settings)], capture_output=True, check=False
        )
        if done.returncode != 0:
            raise NoBroker("the broker's folder could not be prepared")

    def start(self) -> None:
        """Start it, and wait until it listens.

        Raises:
            NoBroker: it ended, or doesn't listen in time.
        """
        if not (self._folder / "data").exists():
            self._copy_formatted()
        dies_with_us = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*dies_with_us, *self._java(), "kafka.Kafka", str(self._settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while not listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise NoBroker("the broker did not start")
            time.sleep(0.05)

    def _copy_formatted(self) -> None:
        """A prepared folder, which is the same for all: a start of Java that is saved."""
        ours = self._folder / "data"
        with locked(CACHE / "lock"):
            if not FORMATTED.exists():
                self.format()
                ours.rename(FORMATTED)
        shutil.copytree(FORMATTED, ours)

    def pause(self) -> None:
        """Let it stand still: it holds its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to tidy up; twice does no harm."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _java(self) -> list[str]:
        small = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *small, "-cp", f"{self._jars}/*"]


def listens(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection((HERE, port), timeout=1.0):
        return True
    return False


@contextmanager
def needed() -> Iterator[None]:
    """Without a broker a test is skipped; but not in CI."""
    try:
        yield
    except NoBroker as error:
        lacking(f"no Kafka to test against: {error}")
