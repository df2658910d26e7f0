"""The processes: what they use, and what they are."""

from __future__ import annotations

from typing import Final

from deploy.grafana.boards.asking import OURS, RATE, lines
from deploy.grafana.panels import Board

RUNTIME: Final = Board(
    "salvage-runtime",
    "salvage-watch: the processes",
    "Processor, memory, files and versions of every process.",
    (
        lines(
            "Processor",
            "Seconds of processor time in a second.",
            "percentunit",
            (f"rate(process_cpu_seconds_total{{{OURS}}}{RATE})", "{{job}} {{instance}}"),
        ),
        lines(
            "Memory",
            "Resident memory.",
            "bytes",
            (f"process_resident_memory_bytes{{{OURS}}}", "{{job}} {{instance}}"),
        ),
        lines(
            "Open files",
            "Files and connections that are open, of those that may be.",
            "percentunit",
            (
                f"process_open_fds{{{OURS}}} / process_max_fds{{{OURS}}}",
                "{{job}} {{instance}}",
            ),
        ),
        lines(
            "Garbage collections",
            "Collections in a second, by generation.",
            "ops",
            (
                f"sum by (job, generation) (rate(python_gc_collections_total{{{OURS}}}{RATE}))",
                "{{job}} generation {{generation}}",
            ),
        ),
        lines(
            "Running since",
            "Time since the start. Alert: SalvageCrashLooping.",
            "s",
            (f"time() - process_start_time_seconds{{{OURS}}}", "{{job}} {{instance}}"),
        ),
        lines(
            "Certificates",
            "Time until the listeners' certificates expire. Alert: SalvageCertificateExpiring.",
            "s",
            (
                "salvage_tls_certificate_expiry_timestamp_seconds - time()",
                "{{endpoint}} {{instance}}",
            ),
        ),
        lines(
            "Versions",
            "Software and rule sets that run. Alert: SalvageVersionsDiffer.",
            "short",
            ("count by (version) (salvage_build_info)", "software {{version}}"),
            ("count by (version) (salvage_ruleset_info)", "rules {{version}}"),
        ),
    ),
)
