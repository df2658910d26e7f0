"""How many copies of partitions are out of step, by what a client last heard of its cluster.

A broker of three may be lost, and everything goes on: nothing else of ours would notice.
"""

from __future__ import annotations

from typing import Any, Final

HEARD_MS: Final = 30_000
"""Milliseconds after which a client asks its cluster again."""


def missing(cluster: Any) -> dict[str, int]:
    """Of each topic that a client uses, the copies that are not in sync with their leaders.

    Args:
        cluster: what kafka-python knows of it; nobody is asked.
    """
    return {
        topic: sum(len(set(one.replica_nodes) - set(one.isr_nodes)) for one in partitions.values())
        for topic, partitions in cluster._partitions.items()  # noqa: SLF001 - no public way
    }
