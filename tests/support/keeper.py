"""One Kafka for all processes of a test run (pytest-xdist makes several).

How it is had, in this order:

1. `SALVAGE_TEST_KAFKA` names one, `HOST:PORT`; its topics are made and left there.
2. `SALVAGE_TEST_KAFKA_IMAGE` names an image, which Testcontainers starts (`support.container`).
3. A broker in a JVM (`support.broker`).

The first process that needs it starts a keeper, which starts the broker. Each process that uses it
holds the end of a pipe open; the keeper ends the broker when nobody does any more, also if tests
were killed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support.broker import ROOT, Broker, NoBroker, locked
from support.container import contained

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS: Final = "SALVAGE_TEST_KAFKA"
IMAGE: Final = "SALVAGE_TEST_KAFKA_IMAGE"


@contextmanager
def shared(folder: Path) -> Iterator[str]:
    """The address of the broker that all processes of a run use.

    Args:
        folder: the same for all of them.

    Raises:
        NoBroker: none can be had.
    """
    if os.environ.get(ADDRESS):
        yield os.environ[ADDRESS]
        return
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "lock"):
        user = _joined(folder) or _begun(folder)
    try:
        yield json.loads((folder / "address").read_text())
    finally:
        os.close(user)


def _joined(folder: Path) -> int | None:
    """The pipe to a keeper that is there."""
    with suppress(OSError):
        return os.open(folder / "users", os.O_WRONLY | os.O_NONBLOCK)
    return None


def _begun(folder: Path) -> int:
    """The pipe to a new keeper."""
    for name in ("users", "address", "failure"):
        (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / "users")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    # Not a child to wait for: it may outlive the process that starts it.
    keeper = os.posix_spawn(
        sys.executable,
        [sys.executable, "-W", "ignore", "-m", "support.keeper", str(folder)],
        os.environ | {"PYTHONPATH": path},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)
        ],
        setsid=True,
    )
    while (user := _joined(folder)) is None:
        if os.waitpid(keeper, os.WNOHANG) != (0, 0):
            failure = folder / "failure"
            raise NoBroker(failure.read_text() if failure.exists() else "the keeper has ended")
        time.sleep(0.05)
    return user


def keep(folder: Path) -> None:
    """Keep a broker until nobody uses it any more."""
    try:
        with _one(folder) as address:
            (folder / "address").write_text(json.dumps(address))
            with (folder / "users").open("rb") as users:
                users.read()  # nobody writes; it returns when the last one has gone
    except NoBroker as error:
        (folder / "failure").write_text(str(error))


@contextmanager
def _one(folder: Path) -> Iterator[str]:
    """The address of a broker: in a container if an image is named, else in a JVM."""
    if os.environ.get(IMAGE):
        with contained(folder, os.environ[IMAGE]) as address:
            yield address
        return
    broker = Broker(folder / f"broker-{os.getpid()}")
    try:
        broker.start()
        yield broker.address
    finally:
        broker.kill()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
