"""What a rule says of itself: which entry of a table counts, and how long there is to act."""

from __future__ import annotations

from datetime import UTC, date, datetime

from schemas.alerts import Kind, Severity
from services.detector.engine.card import Card, TimeToAct
from services.detector.engine.instants import instant

AT = instant(datetime(2024, 1, 31, 15, 30, tzinfo=UTC))


def card(**said: object) -> Card:
    fields = {"rule": "R", "version": "1", "title": "Title", "kind": Kind.FAILURE, **said}
    return Card(**fields)  # type: ignore[arg-type]


def test_the_tag_counts_before_the_state_and_the_state_before_the_default() -> None:
    table = {
        "grown": Severity.CRITICAL,
        "confirmed": Severity.URGENT,
        "default": Severity.IMPORTANT,
    }
    one = card(severity=table)
    assert one.severity_of("grown", "confirmed", None) is Severity.CRITICAL
    assert one.severity_of("other", "confirmed", None) is Severity.URGENT
    assert one.severity_of(None, "confirmed", None) is Severity.URGENT
    assert one.severity_of("other", "window", None) is Severity.IMPORTANT


def test_what_the_arm_says_outweighs_the_table() -> None:
    one = card(severity={"default": Severity.ADVISORY})
    assert one.severity_of("grown", "confirmed", "critical") is Severity.CRITICAL


def test_a_rule_that_says_nothing_is_advisory_untimed_and_called_by_its_title() -> None:
    assert card().severity_of("t", "confirmed", None) is Severity.ADVISORY
    assert card().time_to_act("t", "confirmed") is None
    assert card().sentence("t", "confirmed") == "Title"


def test_sentence_and_time_are_picked_alike() -> None:
    limits = {"grown": TimeToAct(days=1), "default": TimeToAct(days=2)}
    one = card(act_within=limits, sentences={"confirmed": "It is so."})
    assert one.time_to_act("grown", "confirmed") == TimeToAct(days=1)
    assert one.time_to_act(None, "window") == TimeToAct(days=2)
    assert one.sentence("grown", "confirmed") == "It is so."


def test_days_count_from_the_alert_or_from_the_onset() -> None:
    onset = date(2024, 1, 1).toordinal()
    assert TimeToAct(days=10).until(AT, onset) == date(2024, 2, 10)
    assert TimeToAct(days=10, from_onset=True).until(AT, onset) == date(2024, 1, 11)
    assert TimeToAct(days=10, from_onset=True).until(AT, None) == date(2024, 2, 10)


def test_months_are_clamped_to_the_end_of_the_month() -> None:
    assert TimeToAct(months=1).until(AT, None) == date(2024, 2, 29)
    assert TimeToAct(months=13).until(AT, None) == date(2025, 2, 28)


def test_hours_count_from_the_moment_of_the_alert_whatever_the_onset() -> None:
    limit = TimeToAct(hours=48, from_onset=True)
    assert limit.until(AT, 1) == datetime(2024, 2, 2, 15, 30, tzinfo=UTC)
