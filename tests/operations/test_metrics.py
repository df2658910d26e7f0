"""What the processes export: counted rightly, bounded, there from the start, and written down."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.x509 import load_pem_x509_certificate
from prometheus_client import CollectorRegistry
from support.certificates import authority, certificate
from support.mllp import oru
from support.operations import ROOT

from deploy.catalogue import PROCESSES, catalogue
from schemas.deadletter import Where
from services.detector.engine.instants import US_PER_SECOND, moment
from services.embedded.arrivals import MOST_SOURCES
from services.embedded.book import WardBook
from services.embedded.delivery import Delivery, Outcome
from services.embedded.metrics import CHANGES, Metrics
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.ingest.archive import Format, Record
from services.ingest.journal import Entry, Journal
from services.ingest.metrics import IngestMetrics
from services.ingest.sources.files import Arrival
from services.ingest.watching import metrics_of
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NOW = 1_780_000_000 * US_PER_SECOND
HOUR = 3_600 * US_PER_SECOND
MOST_SERIES = 2_000


class Ward:
    """A runtime without rules, on a clock of its own, and what is measured of it."""

    def __init__(self, store: Store) -> None:
        self.clock = ManualClock(NOW)
        self.store = store
        self.restarted()

    def restarted(self) -> None:
        """As a new process on the same store."""
        self.metrics = Metrics(WardBook(self.store.path), clock=self.clock)
        self.runtime = Runtime(self.store, (), self.clock, observe=self.metrics.observe)
        self.runtime.start()

    def take(self, *facts: dict[str, Any], at: int = NOW) -> None:
        """Take facts, received at an instant."""
        arrivals = tuple(
            Arrival("test", Format.EVENTS, Record(Where(), json.dumps(one).encode()), None)
            for one in facts
        )
        self.runtime.take([Delivery(at, arrivals)])

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def series(self) -> int:
        return sum(len(list(family.samples)) for family in self.metrics.registry.collect())


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    store = Store(tmp_path / FILE_NAME, durable=False)
    yield Ward(store)
    store.close()


def fact(number: int = 1, *, issued: int = NOW, source: str = "LAB", **more: str) -> dict[str, Any]:
    """A PSA of one patient for each number, issued at an instant."""
    at = moment(issued).isoformat()
    return {
        "schema_version": 1,
        "type": "observation",
        "event_id": f"E{number}",
        "patient_id": f"HOSP|{number}",
        "source": source,
        "effective_at": at,
        "issued_at": at,
        "status": "final",
        "analyte": "psa",
        "value": "1.5",
        "unit": "ng/mL",
    } | more


# ---------------------------------------------------------------- facts that come


def test_a_fact_is_timed_from_its_receipt_to_the_commit(ward: Ward) -> None:
    ward.clock.set(NOW + 2 * US_PER_SECOND)
    ward.take(fact(issued=NOW - HOUR))
    name = "salvage_end_to_end_seconds"
    assert ward.value(f"{name}_count", stage="run") == 1
    assert ward.value(f"{name}_sum", stage="run") == 2
    assert ward.value("salvage_ingest_event_delay_seconds_sum", source="LAB") == 3_600
    watermark = ward.value("salvage_detector_watermark_timestamp_seconds", source="LAB")
    assert watermark == (NOW - HOUR) / US_PER_SECOND


def test_what_changes_the_past_is_counted_and_the_watermark_never_falls(ward: Ward) -> None:
    ward.take(fact(1), fact(2, issued=NOW - HOUR), fact(3, source="OTHER", issued=NOW - HOUR))
    ward.take(fact(1, issued=NOW + HOUR, status="corrected"))
    late = "salvage_detector_late_events_total"
    assert ward.value(late, source="LAB", action="out_of_order") == 1
    assert ward.value(late, source="LAB", action="corrected") == 1
    assert ward.value(late, source="OTHER", action="out_of_order") == 0
    watermark = ward.value("salvage_detector_watermark_timestamp_seconds", source="LAB")
    assert watermark == (NOW + HOUR) / US_PER_SECOND


def test_a_dead_letter_that_is_read_again_is_not_slow(ward: Ward) -> None:
    """It keeps its first receipt; that people took two days says nothing of our speed."""
    ward.take(fact(1))
    ward.take(fact(2), at=NOW - 48 * HOUR)
    assert ward.value("salvage_end_to_end_seconds_count", stage="run") == 1
    assert ward.value("salvage_facts_total") == 2


def test_a_restart_goes_on_behind_what_is_stored(ward: Ward) -> None:
    ward.take(fact(1))
    ward.restarted()
    watermark = ward.value("salvage_detector_watermark_timestamp_seconds", source="LAB")
    assert watermark == NOW / US_PER_SECOND
    assert ward.value("salvage_end_to_end_seconds_count", stage="run") == 0
    ward.take(fact(2))
    assert ward.value("salvage_end_to_end_seconds_count", stage="run") == 1


def test_a_store_that_cannot_be_read_delays_the_count_and_nothing_else(
    ward: Ward, tmp_path: Path
) -> None:
    metrics = Metrics(WardBook(ward.store.path), clock=ward.clock)
    ward.take(fact(1))
    hidden = tmp_path / "hidden"
    ward.store.path.rename(hidden)
    metrics.observe(Outcome(facts=1))
    hidden.rename(ward.store.path)
    read = metrics.registry.get_sample_value
    assert read("salvage_facts_total") == 1
    assert read("salvage_end_to_end_seconds_count", {"stage": "run"}) == 0
    metrics.observe(Outcome(facts=1))
    assert read("salvage_end_to_end_seconds_count", {"stage": "run"}) == 1


# ---------------------------------------------------------------- what stands


def test_reminders_are_late_after_a_minute(ward: Ward) -> None:
    minute = 60 * US_PER_SECOND
    with ward.store.transaction():
        for patient, due in (("A", NOW + HOUR), ("B", NOW - minute), ("C", NOW - minute - 1)):
            ward.store.replace_rows("timers", patient, {("", "SOME-RULE", due)})
    assert ward.value("salvage_detector_reminders_pending") == 3
    assert ward.value("salvage_detector_reminders_overdue") == 1
    with ward.store.transaction():
        ward.store.suspend(["C"], "somewhere", NOW)  # told by another metric
    assert ward.value("salvage_detector_reminders_overdue") == 0


def test_patients_who_are_set_aside_are_not_counted_as_judged(ward: Ward) -> None:
    assert ward.value("salvage_detector_patients_in_memory") == 0
    ward.take(fact(1), fact(2), fact(2, issued=NOW + 1, status="corrected"))
    assert ward.value("salvage_detector_patients_in_memory") == 2
    with ward.store.transaction():
        ward.store.suspend(["HOSP|1"], "somewhere", NOW)
    assert ward.value("salvage_detector_patients_in_memory") == 1


def test_it_is_told_by_which_rules_is_judged(ward: Ward) -> None:
    (version,) = [
        sample.labels["version"]
        for family in ward.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "salvage_ruleset_info"
    ]
    assert (ward.store.meta("rules") or "").startswith(version) is True
    assert len(version) == 12


def test_what_may_happen_is_there_before_it_happens(ward: Ward) -> None:
    metrics = Metrics(WardBook(ward.store.path), rules=["SOME-RULE"])
    for change in CHANGES:
        labels = {"rule": "SOME-RULE", "change": change}
        assert metrics.registry.get_sample_value("salvage_detector_findings_total", labels) == 0
    assert ward.value("salvage_dead_letters_total", reason="unknown_unit") == 0
    assert ward.value("salvage_suspended_patients") == 0


# ---------------------------------------------------------------- bounds


@pytest.mark.slow
def test_the_number_of_series_does_not_grow_with_patients(ward: Ward) -> None:
    ward.take(fact(1), fact(1, issued=NOW + 1, status="corrected"))
    before = ward.series()
    ward.take(*(fact(number) for number in range(2, 10_001)))
    assert ward.value("salvage_detector_patients_in_memory") == 10_000
    assert ward.series() == before < MOST_SERIES


def test_senders_without_a_profile_share_a_label_beyond_the_fiftieth(ward: Ward) -> None:
    ward.take(*(fact(number, source=f"S{number}") for number in range(MOST_SOURCES + 20)))
    name = "salvage_ingest_event_delay_seconds_count"
    assert ward.value(name, source="S49") == 1
    assert ward.value(name, source="S50") is None
    assert ward.value(name, source="other") == 20
    assert ward.series() < MOST_SERIES


# ---------------------------------------------------------------- the ingest


def entry(raw: bytes, source: str = "HOSP/LAB", received: int = NOW) -> Entry:
    return Entry(received=received, connection="test", place=0, source=source, raw=raw)


def options(folder: Path, **more: Any) -> Namespace:
    return Namespace(**({"data": folder, "source": [], "sources": None, "sender": []} | more))


def test_a_restart_is_no_silence(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with journal.transaction():
        journal.add(entry(oru("M1")))
        journal.add(entry(oru("M2"), received=NOW + HOUR))
    journal.close()
    registry = CollectorRegistry()
    metrics_of(options(tmp_path, sender=["HOSP/LAB", "HOSP/RIS"]), registry)
    name, read = "salvage_ingest_last_message_timestamp_seconds", registry.get_sample_value
    assert read(name, {"source": "HOSP/LAB"}) == (NOW + HOUR) / US_PER_SECOND
    assert read(name, {"source": "HOSP/RIS"}) is None
    for source in ("HOSP/LAB", "HOSP/RIS"):
        limit = read("salvage_ingest_source_max_silence_seconds", {"source": source})
        assert limit == 24 * 3600


def test_a_journal_that_is_no_journal_is_for_its_writer_to_complain_of(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("not a database, but long enough to look at")
    registry = CollectorRegistry()
    metrics_of(options(tmp_path, sender=["HOSP/LAB"]), registry)
    last = "salvage_ingest_last_message_timestamp_seconds"
    assert registry.get_sample_value(last, {"source": "HOSP/LAB"}) is None


def test_a_source_s_limit_has_the_name_under_which_it_is_heard(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    metrics_of(options(tmp_path, sources=ROOT / "deploy" / "sources"), registry)
    limited = {
        sample.labels["source"]: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "salvage_ingest_source_max_silence_seconds"
    }
    assert limited == {"north-lab": 4 * 3600, "https://ehr.example/fhir": 24 * 3600}


@pytest.mark.parametrize(
    ("said", "skew"),
    [
        ("20260304100002+0000", 2.0),
        ("20260304110002+0100", 2.0),
        ("20260304095900+0000^S", -60.0),
        ("20260304100002", None),  # no zone: nobody knows
        ("20260304+0000", None),
        ("2026030410x", None),
        ("", None),
    ],
)
def test_a_sender_s_clock_is_held_against_ours(
    tmp_path: Path, said: str, skew: float | None
) -> None:
    received = 1_772_618_400 * US_PER_SECOND  # 2026-03-04 10:00 UTC
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry, tmp_path, ["HOSP/LAB"])
    metrics.kept([entry(oru("M1", f7=said), received=received)], 0.0)
    found = registry.get_sample_value("salvage_ingest_clock_skew_seconds", {"source": "HOSP/LAB"})
    assert found == skew


def test_room_on_the_disk_is_told_as_soon_as_there_is_a_folder(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    IngestMetrics(registry, tmp_path / "later")
    free = registry.get_sample_value("salvage_journal_disk_free_bytes")
    assert free is not None
    assert free != free  # noqa: PLR0124 - not a number
    (tmp_path / "later").mkdir()
    free = registry.get_sample_value("salvage_journal_disk_free_bytes") or 0
    assert 0 < free <= (registry.get_sample_value("salvage_journal_disk_bytes") or 0)


@pytest.mark.parametrize(
    ("option", "endpoint"), [("tls_certificate", "mllp"), ("fhir_tls_certificate", "fhir")]
)
def test_the_end_of_a_certificate_is_told(tmp_path: Path, option: str, endpoint: str) -> None:
    authority(tmp_path, "authority")
    certificate(tmp_path, "us", "authority", "localhost")
    registry = CollectorRegistry()
    metrics_of(options(tmp_path / "data", **{option: tmp_path / "us.pem"}), registry)
    name = "salvage_tls_certificate_expiry_timestamp_seconds"
    ends = load_pem_x509_certificate((tmp_path / "us.pem").read_bytes()).not_valid_after_utc
    assert registry.get_sample_value(name, {"endpoint": endpoint}) == ends.timestamp()


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_a_certificate_that_is_none_is_for_its_listener_to_complain_of(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "us.pem").write_text(text)
    registry = CollectorRegistry()
    metrics_of(options(tmp_path / "data", tls_certificate=tmp_path / "us.pem"), registry)
    name = "salvage_tls_certificate_expiry_timestamp_seconds"
    assert registry.get_sample_value(name, {"endpoint": "mllp"}) is None


# ---------------------------------------------------------------- the list


def test_one_name_is_one_kind_of_metric_in_every_process(tmp_path: Path) -> None:
    kinds: dict[str, set[str]] = {}
    for process, build in PROCESSES.items():
        folder = tmp_path / process
        folder.mkdir()
        for family in build(folder).collect():
            kinds.setdefault(family.name, set()).add(family.type)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_names_and_labels_follow_prometheus_customs() -> None:
    for metric in catalogue():
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert metric.about
        assert not {"patient", "patient_id", "user", "text"} & set(metric.labels)


def test_whoever_defines_metrics_is_in_the_catalogue() -> None:
    """A module that the catalogue never imports would be missing from pages, rules and boards."""
    defining = re.compile(
        r"^from prometheus_client(?:\.core)? import .*(?:Counter|Gauge|Histo)", re.MULTILINE
    )
    modules = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in (ROOT / "services").rglob("*.py")
        if defining.search(file.read_text())
    }
    assert "services.ingest.metrics" in modules
    asked = "import deploy.catalogue, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert modules - set(done.stdout.split()) == set(), "give its process a line in PROCESSES"


def quoted(pages: Iterable[Path]) -> set[str]:
    """The metrics that pages quote."""
    return {name for page in pages for name in re.findall(r"`(salvage_\w+)`", page.read_text())}


def test_documents_quote_only_metrics_that_exist() -> None:
    known = {name for metric in catalogue() for name in (*metric.series, metric.name)}
    found = quoted((ROOT / "docs").rglob("*.md"))
    assert "salvage_ingest_messages_total" in found
    assert {name for name in found if re.search(r"_(?:total|seconds|bytes)$", name)} <= known
