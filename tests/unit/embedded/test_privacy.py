"""No patient and no value in logs, metrics, errors or the plain terminal."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from schemas.deadletter import Where
from services.embedded.delivery import Delivery
from services.embedded.metrics import Metrics
from services.embedded.runtime import Runtime
from services.embedded.terminal import Terminal
from services.ingest.archive import Format, Record
from services.ingest.sources.files import Arrival
from services.runtime.logs import FIELDS, JsonLines, logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detector.engine.rule import CompiledRule

SECRET = re.compile(r"HOSP\||SECRET|Jane|7\.77")


def formatted(**fields: Any) -> dict[str, Any]:
    record = logging.LogRecord("salvage", logging.INFO, __file__, 1, "event", (), None)
    vars(record).update(fields)
    found: dict[str, Any] = json.loads(JsonLines().format(record))
    return found


def test_a_log_line_holds_the_named_fields_and_no_other() -> None:
    line = formatted(facts=3, patient_id="SECRET", value="7.77")
    assert set(line) == {"at", "level", "event", "facts"}
    assert "patient_id" not in FIELDS


def test_an_exceptions_own_words_are_not_logged(log: io.StringIO) -> None:
    try:
        int("SECRET")
    except ValueError:
        logger().exception("failed %s", "SECRET")
    line = json.loads(log.getvalue())
    assert line["error"].startswith("ValueError at test_privacy.py:")
    assert not SECRET.search(log.getvalue())


HOSTILE = (
    b'{"type":"observation","patient_id":"HOSP|SECRET","value":"7.77"}',
    b'{"Jane":"SECRET"}',
    b"MSH|^~\\&|SECRET",
    b'{"schema_version":1,"type":"SECRET"}',
)


def test_nothing_of_a_refused_record_is_logged_or_counted_by_name(
    open_ward: Callable[..., Any],
    rules: tuple[CompiledRule, ...],
    script: list[Delivery],
    log: io.StringIO,
) -> None:
    ward = open_ward()
    metrics = Metrics(ward.book)
    runtime = Runtime(ward.store, rules, ward.clock, observe=metrics.observe)
    runtime.start()
    for raw in HOSTILE:
        for form in Format:
            where = Where(file="Jane-SECRET.hl7")
            runtime.take([Delivery(1, (Arrival("test", form, Record(where, raw), None),))])
    runtime.take(script)
    exposition = metrics.exposition().decode()
    assert not SECRET.search(log.getvalue() + exposition)
    for event in ward.book.events("HOSP|000011"):
        assert event.event_id not in exposition
    assert 'salvage_dead_letters_total{reason="missing_field"}' in exposition
    assert f"salvage_facts_total {ward.book.counts()['facts']}.0" in exposition
    published = sum(
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "salvage_detector_findings_total"
    )
    assert published == ward.book.latest_sequence() > 0


@pytest.mark.parametrize("as_json", [True, False])
def test_the_terminal_shows_patients_only_when_asked(
    open_ward: Callable[..., Any], script: list[Delivery], *, as_json: bool
) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    plain, full = io.StringIO(), io.StringIO()
    for revision in ward.told:
        Terminal(plain, as_json=as_json, show_patients=False)(revision)
        Terminal(full, as_json=as_json, show_patients=True)(revision)
    for revision in ward.told:
        for told in (revision.patient_id, revision.summary, revision.course_id or "HOSP|"):
            assert told not in plain.getvalue()
        assert revision.patient_id in full.getvalue()
        assert revision.alert_id[:12] in plain.getvalue()
        assert revision.rule in plain.getvalue()
    assert len(plain.getvalue().splitlines()) == len(ward.told)


def test_a_name_can_not_steer_the_terminal(
    open_ward: Callable[..., Any], script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    stream = io.StringIO()
    hostile = ward.told[0].model_copy(update={"patient_id": "\x1b[2J\nHOSP"})
    Terminal(stream, as_json=False, show_patients=True)(hostile)
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
