"""The topics of a cluster, held to the table of `schemas.topics`."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from services.ingest.kafka.clients import made
from services.runtime.errors import OperatorError
from services.runtime.kafka import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from schemas.topics import Topic
    from services.runtime.kafka import Cluster

PATIENCE_MS: Final = 10_000
REPLICAS: Final = 3
_LOOKS: Final = 50
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not as the table has it."""

    topic: str
    setting: str
    wanted: str
    found: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.topic}: {self.setting} is {self.found}, and should be {self.wanted}"


class Topics:
    """Compares and corrects the topics of a cluster."""

    def __init__(self, admin: Any, replicas: int) -> None:
        """Wire; `connected` does it.

        Args:
            admin: the client library's.
            replicas: brokers that should hold each partition.
        """
        self._admin = admin
        self._replicas = replicas

    def differences(self, wanted: Iterable[Topic]) -> list[Difference]:
        """How the cluster differs from the table."""
        rows = list(wanted)
        there = self._there(rows)
        missing = [
            Difference(row.name, "topic", "there", "missing")
            for row in rows
            if row.name not in there
        ]
        settings = self._settings([row for row in rows if row.name in there])
        return missing + [
            difference
            for row in rows
            if row.name in there
            for difference in self._of(row, there[row.name], settings[row.name])
        ]

    def apply(self, wanted: Iterable[Topic]) -> list[Difference]:
        """Make what is missing, and set what can be set; what is right is left alone.

        The number of partitions is never changed: records of one key would no longer be in one
        partition. Nor are replicas moved.

        Returns:
            What differed.
        """
        rows = {row.name: row for row in wanted}
        found = self.differences(rows.values())
        for name in {one.topic for one in found}:
            if any(one.setting == "topic" for one in found if one.topic == name):
                self._create(rows[name])
            else:
                self._set(rows[name], [one for one in found if one.topic == name])
        self._settled([rows[name] for name in {one.topic for one in found}])
        return found

    def config(self, row: Topic) -> dict[str, str]:
        """A topic's settings, by Kafka's names.

        One replica may be lost and the rest still take records; with fewer none would be safe.
        """
        return row.config() | {"min.insync.replicas": str(max(1, self._replicas - 1))}

    def _there(self, rows: Iterable[Topic]) -> dict[str, Any]:
        described = self._admin.describe_topics([row.name for row in rows])
        return {one["name"]: one for one in described if not one["error_code"]}

    def _settings(self, rows: list[Topic]) -> dict[str, dict[str, str]]:
        if not rows:
            return {}
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, row.name, dict.fromkeys(self.config(row)))
            for row in rows
        ]
        found = self._admin.describe_configs(asked, config_filter="all")["topic"]
        return {
            name: {key: setting["value"] for key, setting in settings.items()}
            for name, settings in found.items()
        }

    def _of(self, row: Topic, there: Any, settings: Mapping[str, str]) -> Iterator[Difference]:
        partitions = there["partitions"]
        if len(partitions) != row.partitions:
            yield Difference(row.name, "partitions", str(row.partitions), str(len(partitions)))
        replicas = min((len(one["replica_nodes"]) for one in partitions), default=0)
        if replicas != self._replicas:
            yield Difference(row.name, "replicas", str(self._replicas), str(replicas))
        for name, value in self.config(row).items():
            if settings.get(name) != value:
                yield Difference(row.name, name, value, settings.get(name, "unknown"))

    def _create(self, row: Topic) -> None:
        asked = {
            "num_partitions": row.partitions,
            "replication_factor": self._replicas,
            "configs": self.config(row),
        }
        try:
            self._admin.create_topics({row.name: asked}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return  # somebody else did the same just now

    def _set(self, row: Topic, found: Iterable[Difference]) -> None:
        config = self.config(row)
        values = {one.setting: config[one.setting] for one in found if one.setting in config}
        if values:
            self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, row.name, values)])

    def _settled(self, rows: list[Topic]) -> None:
        """Wait a little until the brokers tell what they were told; they do so a moment later."""
        for _ in range(_LOOKS):
            wrong = {one.setting for one in self.differences(rows)}
            if not wrong - {"partitions", "replicas"}:
                return
            time.sleep(_LOOK_SECONDS)


@contextmanager
def connected(cluster: Cluster, replicas: int = REPLICAS) -> Iterator[Topics]:
    """The topics of a cluster.

    Raises:
        Unavailable: no broker answers, or it refuses.
    """
    settings = cluster.client("topics")
    del settings["allow_auto_create_topics"]  # an administrator says what he wants
    admin = made(KafkaAdminClient, **settings, bootstrap_timeout_ms=PATIENCE_MS)
    try:
        yield Topics(admin, replicas)
    except KafkaError as error:
        raise unavailable(error) from error
    finally:
        admin.close()


def require(cluster: Cluster, wanted: Iterable[Topic]) -> None:
    """Make sure that topics are there and take the largest record that we may publish.

    Raises:
        OperatorError: one isn't, or doesn't.
        Unavailable: no broker answers, or it refuses.
    """
    rows = {row.name: row for row in wanted}
    with connected(cluster) as topics:
        found = topics.differences(rows.values())
    for one in found:
        if one.setting == "topic":
            raise OperatorError(f"{one}: see `salvage topics`")
        if one.setting == "max.message.bytes" and int(one.found) < rows[one.topic].max_bytes:
            raise OperatorError(f"{one}: see `salvage topics`")
