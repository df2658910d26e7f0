"""How Faust is set up; measured and reasoned in docs/adr/0013-detector-on-kafka.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.topics import EVENTS, STATE
from services.detector.adapters.credentials import tls
from services.detector.adapters.outbox import SENDER

if TYPE_CHECKING:
    from pathlib import Path

    from services.runtime.kafka import Cluster

CHANGELOG: Final = STATE.name
LARGEST: Final = STATE.max_bytes
"""Bytes of a row at most."""
PATIENCE: Final = 15.0
"""Seconds for a record to be acknowledged, before we speak of trouble."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Kafka is, and where the rows are kept on this machine.

    standby: whether copies of others' rows are kept, too.
    """

    cluster: Cluster
    folder: Path
    partitions: int = EVENTS.partitions
    standby: bool = False


def connection(cluster: Cluster) -> dict[str, Any]:
    """Where Kafka is, and who we are, as aiokafka has it."""
    given = dict(cluster.security)
    names = ("security_protocol", *(name for name in given if name.startswith("sasl_")))
    return {
        "bootstrap_servers": list(cluster.bootstrap),
        "client_id": SENDER,
        "ssl_context": tls(given),
        **{name: given[name] for name in names if name in given},
    }


def options(settings: Settings) -> dict[str, Any]:
    """Faust's settings, but for who we are."""
    return {
        "broker": [f"kafka://{address}" for address in settings.cluster.bootstrap],
        "datadir": str(settings.folder / "faust"),
        "topic_partitions": settings.partitions,
        # All topics are made before, with our settings.
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "value_serializer": "raw",
        "key_serializer": "raw",
        "processing_guarantee": "at_least_once",
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": LARGEST,
        "broker_session_timeout": 10.0,
        "broker_heartbeat_interval": 2.0,
        "broker_request_timeout": 20.0,
        "broker_commit_interval": 1.0,
        "stream_wait_empty": False,
        "web_enabled": False,
        "web_tables_enabled": False,
    }
