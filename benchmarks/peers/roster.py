"""Who is measured: name, environment with its program, and what has to be said with the figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peers.environments import PROGRAMS, Here, Maven, Npm, Pip
from benchmarks.peers.table import FROM_BYTES, OURS

if TYPE_CHECKING:
    from benchmarks.peers.environments import Environment


@dataclass(frozen=True, slots=True)
class Peer:
    """One way of doing the work.

    key: for `--only`.
    most: patients, where more would take too long.
    broker: whether the program needs Kafka; its address is added to the words.
    """

    key: str
    name: str
    environment: Environment
    words: tuple[str, ...] = ()
    note: str = ""
    most: int | None = None
    broker: bool = False


_BYTEWAX = Pip("bytewax", ("bytewax==0.21.1",))
_QUIX = Pip("quixstreams", ("quixstreams==3.28.1",))
_CQL = Npm("cql", ("cql-execution@3.3.2", "@cqframework/cql@5.3.0"))
_RULES = str(PROGRAMS / "rules.cql")
_DROOLS = Maven("drools", "10.2.0", "peers.Drools")
_FLINK = Maven(
    "flink",
    "2.3.0",
    "peers.Flink",
    (
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        "--add-opens=java.base/java.util=ALL-UNNAMED",
    ),
)
_LAST = "stream; as it arrives, no versions"
_BATCH = "batch; asks all data once, at the end"

PEERS = (
    Peer("hand", "by hand, from events", Here("by_hand"), note=_LAST),
    Peer("hand-bytes", "by hand, from bytes", Here("by_hand"), ("bytes",), _LAST),
    Peer("ours", OURS, Here("ours"), note="stream; with words and evidence"),
    Peer("ours-bytes", FROM_BYTES, Here("ours"), ("bytes",), "the same"),
    Peer("polars", "polars", Pip("polars", ("polars==2.1.0",)), note=_BATCH),
    Peer("duckdb", "DuckDB, one thread", Pip("duckdb", ("duckdb==2.0.0",)), note=_BATCH),
    Peer("bytewax-1", "Bytewax, batch 1", _BYTEWAX, ("1",), _LAST),
    Peer("bytewax-256", "Bytewax, batch 256", _BYTEWAX, ("256",), _LAST),
    Peer(
        "pathway",
        "Pathway",
        Pip("pathway", ("pathway==0.33.0",)),
        note="stream; commits every 1,000; versions by us",
    ),
    Peer("cql-once", "cql-execution, once", _CQL, ("once", _RULES), _BATCH, most=500),
    Peer(
        "cql-each",
        "cql-execution, at each event",
        _CQL,
        ("each", _RULES),
        "asks for the patient at each event",
        most=50,
    ),
    Peer("drools", "Drools", _DROOLS, ("plain",), "stream; what was inferred stays"),
    Peer("drools-tms", "Drools, logical", _DROOLS, ("logical",), "stream; truth maintenance"),
    Peer("flink", "Flink CEP", _FLINK, note="stream; start included; episodes told apart by us"),
    Peer("quix", "Quix Streams", _QUIX, note="stream on Kafka, without the broker", broker=True),
)
