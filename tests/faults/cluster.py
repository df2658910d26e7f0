"""Three brokers of Apache Kafka, each its own controller's third, each on a host of its own."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from support.broker import PROPERTIES, NoBroker, jars

from faults.plan import BROKERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.network import Network

PORT, CONTROLLER = 9092, 9093
REPLICAS = 3
PATIENCE = 60.0
_CLUSTER_ID = "c2FsdmFnZS13YXRjaC1mYQ"
_JAVA = ["java", "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_SETTINGS = {
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}


class Broker:
    """One of them.

    address: where it listens.
    """

    def __init__(self, number: int, folder: Path, network: Network) -> None:
        """Make its folder.

        Args:
            number: from 0.
            folder: its data and settings.
            network: with its host, and the others'.
        """
        host = host_of(number)
        self.address = f"{network.address(host)}:{PORT}"
        self._within = network.within(host)
        self._folder, self._settings = folder, folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        self._jars = jars()
        voters = (f"{n + 1}@{network.address(host_of(n))}:{CONTROLLER}" for n in range(BROKERS))
        lines = _SETTINGS | {
            "node.id": str(number + 1),
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"PLAINTEXT://{self.address},"
            f"CONTROLLER://{network.address(host)}:{CONTROLLER}",
            "log.dirs": str(folder / "data"),
        }
        folder.mkdir(parents=True)
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        self._settings.write_text(PROPERTIES.read_text() + text)

    def format(self) -> None:
        """Prepare its data folder."""
        words = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._settings)]
        done = subprocess.run([*self._java(), *words], capture_output=True, check=False)
        if done.returncode != 0:
            raise NoBroker("a broker's folder could not be prepared")

    def start(self) -> None:
        """Start it; it takes some seconds."""
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._within, *self._java(), "kafka.Kafka", str(self._settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it without a chance to tidy up; twice does no harm."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _java(self) -> list[str]:
        return [*_JAVA, "-cp", f"{self._jars}/*"]


class Cluster:
    """All three; ended when it is left.

    address: of all, as clients have it.
    """

    def __init__(self, folder: Path, network: Network) -> None:
        self.brokers = [Broker(n, folder / host_of(n), network) for n in range(BROKERS)]
        self.address = ",".join(one.address for one in self.brokers)

    def __enter__(self) -> Self:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Broker.format, self.brokers))
        for one in self.brokers:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.brokers:
            one.kill()


def host_of(number: int) -> str:
    """The name of a broker's host."""
    return f"b{number}"


def wait_for(what: str, done: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Until something is so.

    Raises:
        NoBroker: it isn't in time.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise NoBroker(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.5)
