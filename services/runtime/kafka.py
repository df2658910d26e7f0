"""Where Kafka is and how we prove who we are: the same for every client of every service.

The address is an option of the command. Everything about security comes from the environment, so
that a container's description holds it once; the password itself is in a file, never in either.

    SALVAGE_KAFKA_PROTOCOL        PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
    SALVAGE_KAFKA_CAFILE          who signs the brokers' certificates, PEM
    SALVAGE_KAFKA_CERTFILE        our certificate chain, PEM
    SALVAGE_KAFKA_KEYFILE         its private key, PEM
    SALVAGE_KAFKA_MECHANISM       PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
    SALVAGE_KAFKA_USERNAME        with SASL
    SALVAGE_KAFKA_PASSWORD_FILE   with SASL: a file that holds the password and nothing else
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from services.runtime.errors import OperatorError, Unavailable
from services.runtime.logs import logger

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

PREFIX: Final = "SALVAGE_KAFKA_"
PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_FILES: Final = {
    "CAFILE": "ssl_cafile",
    "CERTFILE": "ssl_certfile",
    "KEYFILE": "ssl_keyfile",
}
_QUIET_SECONDS: Final = 60.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster, as its clients are told of it.

    Attributes:
        bootstrap: `host:port` of some of its brokers.
        security: the client library's settings; never printed, it holds the password.
    """

    bootstrap: tuple[str, ...]
    security: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def client(self, name: str) -> dict[str, Any]:
        """The settings that every client shares; `name` tells them apart in the brokers' logs."""
        return {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": f"salvage-{name}",
            "reconnect_backoff_max_ms": 1000,
            "allow_auto_create_topics": False,
            **self.security,
        }


def add_kafka_option(parser: argparse.ArgumentParser, *, required: bool, about: str) -> None:
    """Add `--kafka`."""
    parser.add_argument(
        "--kafka", "--bootstrap", required=required, metavar="HOST:PORT[,...]", help=about
    )


def cluster(bootstrap: str, environment: Mapping[str, str]) -> Cluster:
    """Read the settings, and keep the client library's own log out of ours.

    Args:
        bootstrap: `host:port`, several separated by commas.
        environment: variables, of which those above are read.

    Raises:
        OperatorError: a setting can't be used; it is named, its value is not told.
    """
    brokers = tuple(_broker(part.strip()) for part in bootstrap.split(","))
    given = {
        name.removeprefix(PREFIX): text
        for name, text in environment.items()
        if name.startswith(PREFIX) and text
    }
    protocol = given.get("PROTOCOL")
    if protocol is None and not all(_is_here(broker) for broker in brokers):
        raise OperatorError(f"--kafka: not this machine alone: say {PREFIX}PROTOCOL")
    if protocol not in {None, *PROTOCOLS}:
        raise OperatorError(f"{PREFIX}PROTOCOL: one of {', '.join(PROTOCOLS)}")
    divert_log("kafka")
    return Cluster(brokers, MappingProxyType(_security(protocol or "PLAINTEXT", given)))


def _broker(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise OperatorError("--kafka: expected HOST:PORT, several separated by commas")
    return text


def _is_here(broker: str) -> bool:
    return broker.rpartition(":")[0].strip("[]") in _LOOPBACK


def _security(protocol: str, given: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"security_protocol": protocol}
    for name, setting in _FILES.items():
        if name in given:
            found[setting] = str(_readable(name, given[name]))
    if protocol.startswith("SASL"):
        found |= _login(given)
    return found


def _login(given: Mapping[str, str]) -> dict[str, str]:
    missing = [name for name in ("MECHANISM", "USERNAME", "PASSWORD_FILE") if name not in given]
    if missing:
        raise OperatorError(f"{PREFIX}{missing[0]}: needed with SASL")
    if given["MECHANISM"] not in MECHANISMS:
        raise OperatorError(f"{PREFIX}MECHANISM: one of {', '.join(MECHANISMS)}")
    password = _readable("PASSWORD_FILE", given["PASSWORD_FILE"]).read_text(encoding="utf-8")
    return {
        "sasl_mechanism": given["MECHANISM"],
        "sasl_plain_username": given["USERNAME"],
        "sasl_plain_password": password.rstrip("\r\n"),
    }


def _readable(name: str, text: str) -> Path:
    path = Path(text)
    try:
        path.open("rb").close()
    except OSError as error:
        raise OperatorError(f"{PREFIX}{name}: {error.strerror or 'cannot be read'}") from error
    return path


def unavailable(error: Exception) -> Unavailable:
    """An error of the client library's as one of ours: its type alone, its text may quote data."""
    return Unavailable(f"kafka: {type(error).__name__}")


class _Diverted(logging.Handler):
    """Says that the client library had something to say, and where; never what.

    Its messages quote keys and values of records, and a key is a patient's. It repeats itself many
    times a second while no broker answers; once a minute is enough.
    """

    def __init__(self, said: str) -> None:
        super().__init__()
        self._said = said
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        place = f"{record.name}:{record.lineno}"
        if record.created - self._told.get(place, 0.0) >= _QUIET_SECONDS:
            self._told[place] = record.created
            logger().log(record.levelno, self._said, extra={"detail": place})


def divert_log(library: str, said: str = "kafka client") -> None:
    """Let through of a client library's log only that and where it spoke, as the event `said`."""
    theirs = logging.getLogger(library)
    theirs.handlers[:] = [_Diverted(said)]
    theirs.setLevel(logging.WARNING)  # below, it writes out whole records
    theirs.propagate = False
