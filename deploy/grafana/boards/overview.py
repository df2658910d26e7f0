"""Whether patients are safe, at a glance."""

from __future__ import annotations

from typing import Final

from deploy.grafana.boards.asking import OURS, RATE, lines, number, quantiles
from deploy.grafana.panels import Board, Limit

_FIRING: Final = 'ALERTS{alertstate="firing",alertname=~"Salvage.*",severity=~"critical|warning"}'
_SILENT: Final = (
    "source:salvage_ingest_silence:seconds "
    "> on (source) group_left () max by (source) (salvage_ingest_source_max_silence_seconds)"
)

OVERVIEW: Final = Board(
    "salvage-overview",
    "salvage-watch: is it safe?",
    "Green from left to right: every message is taken, judged in time, and nothing waits for us.",
    (
        number(
            "Alerts firing",
            "Alerts about salvage-watch itself, without the watchdog. Their pages: docs/runbooks/.",
            f"count({_FIRING}) or vector(0)",
            width=6,
        ),
        number(
            "Since the canary came home",
            "A result that becomes an alert, all the way. Alert: SalvageCanaryStale.",
            "time() - min(salvage_canary_last_success_timestamp_seconds)",
            Limit(600),
            unit="s",
            width=6,
        ),
        number(
            "Processes that don't answer",
            "What they do is not done. Alert: SalvageComponentDown.",
            f"count(up{{{OURS}}} == 0) or vector(0)",
            width=6,
        ),
        number(
            "Sources silent",
            "Nothing has come for longer than it may. Alert: SalvageSourceSilent.",
            f"count({_SILENT}) or vector(0)",
            width=6,
        ),
        number(
            "Patients set aside",
            "Our code failed at them; nobody judges them. Alert: SalvagePatientsSuspended.",
            "sum(salvage_suspended_patients)",
            width=8,
        ),
        number(
            "Patients looked at too late",
            "It was time a minute ago or longer. Alert: SalvageTimersLate.",
            "sum(salvage_detector_reminders_overdue)",
            width=8,
        ),
        number(
            "Oldest dead letter",
            "Somebody must look. Alert: SalvageDeadLetterAging.",
            "time() - min(salvage_dead_letter_oldest_timestamp_seconds) or vector(0)",
            Limit(4 * 3600),
            unit="s",
            width=8,
        ),
        lines(
            "From a message to its alerts",
            "From receipt until alerts are published. Alert: SalvageEndToEndSlow.",
            "s",
            *quantiles("salvage_end_to_end_seconds", "stage"),
            limits=(Limit(60, "orange"), Limit(900)),
        ),
        lines(
            "Alert revisions",
            "What the rules said of patients, by what it changed.",
            "short",
            (f"sum by (change) (increase(salvage_detector_findings_total{RATE}))", "{{change}}"),
        ),
        lines(
            "Facts",
            "Versions of clinical facts that were new, and those that were known before.",
            "ops",
            (f"sum(rate(salvage_facts_total{RATE}))", "new"),
            (f"sum(rate(salvage_fact_repeats_total{RATE}))", "known before"),
        ),
        lines(
            "Open dead letters",
            "What could not be used and nobody has seen to, by reason.",
            "short",
            ("sum by (reason) (salvage_dead_letters_open)", "{{reason}}"),
        ),
    ),
)
