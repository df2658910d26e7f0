"""Kafka as a hospital runs it: TLS with certificates from both sides, and a password."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.broker import HERE, ROOT, Broker, free_ports, needed
from support.certificates import authority, certificate
from support.processes import Command

from schemas.topics import TOPICS
from services.ingest.kafka.publisher import Outgoing, Publisher
from services.ingest.kafka.source import TopicReader
from services.ingest.kafka.topics import connected
from services.runtime.kafka import PREFIX, cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"  # noqa: S105 - of a broker that lives for a minute


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a broker's certificate and one of ours, and the password's file."""
    path = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "stranger"):
        authority(path, name)
    for name in ("broker", "salvage"):
        certificate(path, name, "ca", "localhost")
    both = (path / "broker.key").read_text() + (path / "broker.pem").read_text()
    (path / "keystore.pem").write_text(both)
    (path / "password").write_text(f"{PASSWORD}\n")
    (path / "wrong").write_text("wrong\n")
    return path


@pytest.fixture(scope="module")
def secured(folder: Path) -> Iterator[str]:
    """A broker's address at which only who proves who he is gets in."""
    (port,) = free_ports(1)
    settings = {
        "listeners": f",SASL_SSL://localhost:{port}",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "keystore.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.sasl_ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    with needed():
        broker = Broker(folder / "broker", settings)
        broker.format("--add-scram", f"SCRAM-SHA-512=[name=salvage,password={PASSWORD}]")
        broker.start()
    yield f"localhost:{port}"
    broker.kill()


def environment(folder: Path, **other: str) -> dict[str, str]:
    usual = {
        "PROTOCOL": "SASL_SSL",
        "CAFILE": str(folder / "ca.pem"),
        "CERTFILE": str(folder / "salvage.pem"),
        "KEYFILE": str(folder / "salvage.key"),
        "MECHANISM": "SCRAM-SHA-512",
        "USERNAME": "salvage",
        "PASSWORD_FILE": str(folder / "password"),
    }
    return {f"{PREFIX}{name}": text for name, text in (usual | other).items()}


def test_every_kind_of_client_gets_in(secured: str, folder: Path) -> None:
    where = cluster(secured, environment(folder))
    with connected(where, replicas=1) as topics:
        topics.apply(TOPICS)
        assert topics.differences(TOPICS) == []
    with Publisher(where) as publisher:
        publisher.publish([Outgoing("clinical.events", "P", b"x", (), 1_000_000)])
    reader = TopicReader(where, ["clinical.events"], {})
    assert [one.value for one in reader.read(10)] == [b"x"]
    reader.close()
    assert PASSWORD not in repr(where)


INTRUDERS = """
import json, sys
from services.ingest.kafka.publisher import Publisher
from services.runtime.errors import Unavailable
from services.runtime.kafka import cluster

for address, environment in json.load(sys.stdin):
    try:
        Publisher(cluster(address, environment), patience=1.0)
        print("in")
    except Unavailable as error:
        print(error)
"""
"""In a process of its own: the library leaves refused connections to the garbage collector."""


def test_nobody_else_does(secured: str, folder: Path) -> None:
    """With a wrong password, name or no certificate; or if the broker is not who it should be."""
    elsewhere = secured.replace("localhost", HERE)  # its certificate names localhost
    tried = [
        (secured, environment(folder)),
        (secured, environment(folder, PASSWORD_FILE=str(folder / "wrong"))),
        (secured, environment(folder, USERNAME="somebody")),
        (secured, environment(folder, CERTFILE="", KEYFILE="")),
        (elsewhere, environment(folder)),
    ]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTRUDERS],
        cwd=ROOT,
        input=json.dumps(tried),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    first, *rest = done.stdout.splitlines()
    assert first == "in"
    assert len(rest) == 4
    assert all(line.startswith("kafka: ") for line in rest)
    assert PASSWORD not in done.stdout + done.stderr


def detecting(secured: str, folder: Path, **other: str) -> Command:
    rules = str(ROOT / "services" / "detector" / "rules" / "hiv")
    words = ["--data", str(folder / "state"), "--port", "0", "--replicas", "1", "--rules", rules]
    return Command("detect", "--kafka", secured, *words, environment=environment(folder, **other))


def test_the_detector_works_there(secured: str, folder: Path) -> None:
    """It reads what is no fact, and says so on the topic of dead letters."""
    where = cluster(secured, environment(folder))
    with connected(where, replicas=1) as topics:
        topics.apply(TOPICS)
    with Publisher(where) as publisher:
        publisher.publish([Outgoing("clinical.events", "P", b"{", (), 1_000_000)])
    reader = TopicReader(where, ["clinical.deadletters"], {})
    with detecting(secured, folder) as detector:
        found: list[str] = []
        while not found:
            assert detector.process.poll() is None, detector.lines
            found = [one.headers["reason"] for one in reader.read(10)]
        assert detector.end() == 0
        assert PASSWORD not in "".join(detector.lines)
    reader.close()
    assert "malformed_json" in found


@pytest.mark.parametrize(
    ("setting", "file", "told"),
    [
        ("PASSWORD_FILE", "wrong", "PASSWORD_FILE: the broker refuses them"),
        ("CAFILE", "stranger.pem", "nobody there vouches for the broker's certificate"),
        ("CAFILE", "password", "SALVAGE_KAFKA_CAFILE: holds no certificate"),
        ("KEYFILE", "broker.key", "no certificate and its key"),
    ],
)
def test_the_detector_says_what_is_wrong_with_its_settings(
    secured: str, folder: Path, setting: str, file: str, told: str
) -> None:
    with detecting(secured, folder, **{setting: str(folder / file)}) as detector:
        assert detector.process.wait(30) == 2
        detector.kill()
        said = "".join(detector.lines)
    assert told in said
    assert "correct horse" not in said
    assert str(folder) not in said
