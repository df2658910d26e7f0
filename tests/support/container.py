"""Apache Kafka in a container, by Testcontainers.

Any image that Testcontainers' `KafkaContainer` takes will do; `SALVAGE_TEST_KAFKA_IMAGE` names one.
Where no registry can be reached we make one in a few seconds of what is on the machine: a Java by
`jlink` with the modules that Kafka needs, the libraries that `ldd` names, a static busybox, the
jars that Maven fetched (`support.broker`), and the three scripts that `KafkaContainer` calls.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from support.broker import PROPERTIES, NoBroker, jars
from support.dockerd import NoEngine, docker

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS: Final = "local/kafka-for-tests:7.9.0"
"""`KafkaContainer` wants a version of Confluent's; from 7 on they are their own controllers."""
SCRIPTS: Final = Path(__file__).parent / "image"
MODULES: Final = (
    "java.base,java.desktop,java.logging,java.management,java.naming,java.security.jgss,"
    "java.security.sasl,java.sql,java.xml,jdk.crypto.ec,jdk.management,jdk.security.auth,jdk.unsupported"
)
PATIENCE: Final = 60
_SHELL: Final = (
    "cat cut env grep hostname mkdir sed sh sleep tr".split()  # noqa: SIM905 - it is a list of words
)


@contextmanager
def contained(folder: Path, image: str | None = None) -> Iterator[str]:
    """The address of a Kafka in a container.

    Args:
        folder: for an engine of our own, if none is there; and for the image that we make.
        image: a name; None: ours, made now.

    Raises:
        NoBroker: no engine can be had, or the image can't be made or doesn't start.
    """
    try:
        with docker(folder) as engine, _settings(engine):
            if image is None:
                import_image(folder / "root", engine)
            with _started(image or OURS) as address:
                yield address
    except NoEngine as error:
        raise NoBroker(str(error)) from error


@contextmanager
def _settings(engine: str) -> Iterator[None]:
    """What Testcontainers reads when it is imported."""
    ours = {
        "DOCKER_HOST": engine,
        "TESTCONTAINERS_RYUK_DISABLED": "true",  # its image can't be had either
        "TESTCONTAINERS_CONNECTION_MODE": "docker_host",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _started(image: str) -> Iterator[str]:
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415 - reads its settings

    container = KafkaContainer(image).with_kraft()
    container.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    try:
        try:
            container.start(timeout=PATIENCE)
        except (RuntimeError, TimeoutError) as error:
            raise NoBroker(f"the container did not start: {_last_words(container)}") from error
        yield container.get_bootstrap_server()
    finally:
        container.stop()


def _last_words(container: Any) -> str:
    said = b"".join(container.get_logs()).decode(errors="replace").strip().splitlines()
    return said[-1] if said else "it said nothing"


# -- the image


def import_image(root: Path, engine: str) -> None:
    """Make our image, and give it to an engine.

    Args:
        root: a folder that becomes the image's file system.
        engine: its address.

    Raises:
        NoBroker: something of it is not on this machine.
    """
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    _shell(root)
    _java(root)
    _kafka(root)
    words = ["docker", "--host", engine, "import", "--change", "ENV PATH=/bin:/opt/java/bin"]
    pack = ["tar", "-C", str(root), "-c", "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packed:
        done = subprocess.run(
            [*words, "-", OURS], stdin=packed.stdout, capture_output=True, check=False
        )
    shutil.rmtree(root)
    if done.returncode != 0:
        raise NoBroker("the engine does not take our image")


def _shell(root: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox is None or "=>" in _said("ldd", busybox):
        raise NoBroker("no static busybox on this machine")
    for name in ("bin", "tmp", "etc"):
        (root / name).mkdir()
    shutil.copy(busybox, root / "bin" / "busybox")
    for name in _SHELL:
        (root / "bin" / name).symlink_to("busybox")


def _java(root: Path) -> None:
    """A Java, and the system's libraries that it is linked to."""
    jlink = shutil.which("jlink")
    if jlink is None:
        raise NoBroker("no jlink on this machine")
    java = root / "opt" / "java"
    java.parent.mkdir()
    few = ["--no-header-files", "--no-man-pages", "--add-modules", MODULES]
    if subprocess.run([jlink, *few, "--output", str(java)], check=False).returncode != 0:
        raise NoBroker("jlink could not make a Java")
    binaries = [str(java / "bin" / "java"), *map(str, java.glob("lib/**/*.so"))]
    for path in sorted(set(re.findall(r"\s(/\S+) \(0x", _said("ldd", *binaries)))):
        target = root / path.lstrip("/")
        if not path.startswith(str(root)):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)  # what a link leads to


def _kafka(root: Path) -> None:
    shutil.copytree(jars(), root / "opt" / "kafka")
    (root / "etc" / "kafka").mkdir()
    shutil.copy(PROPERTIES, root / "etc" / "kafka" / "image.properties")
    scripts = root / "etc" / "confluent" / "docker"
    scripts.mkdir(parents=True)
    (scripts / "bash-config").touch()
    for name, folder in (("configure", scripts), ("launch", scripts), ("kafka-storage", "bin")):
        copied = shutil.copy(SCRIPTS / name, root / folder / name)
        Path(copied).chmod(0o755)


def _said(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
