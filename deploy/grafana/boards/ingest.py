"""What comes in, by source."""

from __future__ import annotations

from typing import Final

from deploy.grafana.boards.asking import OF_SOURCE, RATE, lines, quantiles
from deploy.grafana.panels import Board, Limit, Variable

_MESSAGES: Final = f"salvage_ingest_messages_total{{{OF_SOURCE}}}"

INGEST: Final = Board(
    "salvage-ingest",
    "salvage-watch: what comes in",
    "Per source: does it come, is it taken, how old is it when it comes.",
    (
        lines(
            "Messages",
            "Received messages by source and by what became of them.",
            "ops",
            (
                f"sum by (source, outcome) (rate({_MESSAGES}{RATE}))",
                "{{source}} {{outcome}}",
            ),
        ),
        lines(
            "Share refused",
            "Negative answers per answer, 15 minutes. Alert: SalvageNackRateHigh.",
            "percentunit",
            (
                f"source:salvage_ingest_nacks_per_ack:ratio_increase15m{{{OF_SOURCE}}}",
                "{{source}}",
            ),
            limits=(Limit(0.05, "orange"),),
        ),
        lines(
            "Answers",
            "HL7 v2 acknowledgements: A accepted, E error, R refused.",
            "ops",
            (
                f"sum by (source, code) (rate(salvage_ingest_acks_total{{{OF_SOURCE}}}{RATE}))",
                "{{source}} {{code}}",
            ),
        ),
        lines(
            "Refusals",
            "Why messages or parts of them could not be used.",
            "short",
            (
                f"sum by (source, reason) (salvage_ingest_refusals_total{{{OF_SOURCE}}})",
                "{{source}} {{reason}}",
            ),
        ),
        lines(
            "Silence and its limit",
            "Since when nothing has come, and how long that may last. Alert: SalvageSourceSilent.",
            "s",
            (f"source:salvage_ingest_silence:seconds{{{OF_SOURCE}}}", "{{source}}"),
            (
                f"max by (source) (salvage_ingest_source_max_silence_seconds{{{OF_SOURCE}}})",
                "limit of {{source}}",
            ),
        ),
        lines(
            "Delay of facts",
            "From the issue of a fact at its source to its receipt here.",
            "s",
            *quantiles("salvage_ingest_event_delay_seconds", "source", f"{{{OF_SOURCE}}}")[:2],
        ),
        lines(
            "Clock of the source",
            "How far the newest message was sent after its receipt. Alert: SalvageClockSkew.",
            "s",
            (
                f"max by (source) (salvage_ingest_clock_skew_seconds{{{OF_SOURCE}}})",
                "{{source}}",
            ),
            limits=(Limit(60, "orange"),),
        ),
        lines(
            "Connections",
            "Open connections, frames without an answer yet, and connections that ended badly.",
            "short",
            ("sum(salvage_ingest_connections)", "open"),
            ("sum(salvage_ingest_waiting_messages)", "frames waiting"),
            (
                f"sum by (reason) (increase(salvage_ingest_connection_errors_total{RATE}))",
                "{{reason}}",
            ),
        ),
        lines(
            "Answer time",
            "From the end of a frame to its answer, and the part of it that is the disk.",
            "s",
            *quantiles("salvage_ingest_answer_seconds"),
            (quantiles("salvage_journal_fsync_seconds")[2][0], "disk p99"),
        ),
        lines(
            "Oddities between frames",
            "Junk, torn and oversized frames: a sender or a line that is not as it should be.",
            "short",
            (f"sum by (kind) (increase(salvage_ingest_framing_total{RATE}))", "{{kind}}"),
        ),
        lines(
            "Journal",
            "Size of the journal, and room left on its disk.",
            "bytes",
            ("max by (instance) (salvage_journal_bytes)", "journal {{instance}}"),
            ("min by (instance) (salvage_journal_disk_free_bytes)", "free {{instance}}"),
        ),
        lines(
            "Dead letters",
            "Records or parts that were refused, since the start of the process, by reason.",
            "short",
            ("sum by (reason) (salvage_dead_letters_total) > 0", "{{reason}}"),
        ),
    ),
    (Variable("source", "salvage_ingest_acks_total"),),
)
