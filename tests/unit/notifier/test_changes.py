"""The journal says what each revision changed, newest first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from schemas.alerts import AlertRevision, Evidence, Role
from services.notifier.inbox.changes import journal

AT = datetime(2024, 6, 29, tzinfo=UTC)


def revision(number: int, **more: Any) -> AlertRevision:
    return AlertRevision.model_validate(
        {
            "alert_id": "a",
            "revision": number,
            "digest": str(number),
            "change": "raised",
            "episode": 1,
            "state": "suspected",
            "kind": "failure",
            "severity": "important",
            "patient_id": "HOSP|1",
            "rule": "R",
            "rule_version": "1",
            "title": "T",
            "summary": "S",
            "at": AT,
            **more,
        }
    )


def evidence(event_id: str, value: str) -> Evidence:
    return Evidence(
        event_id=event_id,
        role=Role.TRIGGER,
        at=date(2024, 6, 29),
        what="psa",
        value=value,
        unit="ug/L",
    )


def changes(old: AlertRevision, new: AlertRevision) -> set[str]:
    return set(journal([old, new])[0].changes)


def test_the_first_is_raised_and_the_newest_comes_first() -> None:
    entries = journal([revision(1), revision(2)])
    assert [entry.revision.revision for entry in entries] == [2, 1]
    assert entries[1].changes == ("raised as suspected",)


def test_state_severity_tag_and_dates() -> None:
    new = revision(
        2, state="confirmed", severity="urgent", tag="pfi_lt_6mo", act_by="2024-08-24", episode=2
    )
    assert changes(revision(1), new) == {
        "suspected → confirmed",
        "severity important → urgent",
        "now called “platinum-free interval under 6 months”",
        "act by 24 Aug 2024",
        "episode 2 begins",
    }


def test_a_confirming_test_that_does_not_come() -> None:
    assert changes(revision(1), revision(2, confirmation_overdue=True)) == {
        "the confirming test is overdue"
    }


def test_evidence_that_comes_goes_or_is_corrected() -> None:
    old = revision(1, evidence=[evidence("x", "0.31"), evidence("y", "1")])
    new = revision(2, evidence=[evidence("x", "0.03"), evidence("z", "2")])
    name = "Prostate-specific antigen, total"
    assert changes(old, new) == {
        f"evidence corrected: {name} 0.31 µg/L of 29 Jun 2024 → 0.03 µg/L",
        f"evidence added: {name} 2 µg/L of 29 Jun 2024",
        f"evidence gone: {name} 1 µg/L of 29 Jun 2024",
    }


def test_evidence_that_no_longer_holds_is_said_once() -> None:
    old = revision(1, evidence=[evidence("x", "0.31"), evidence("y", "1")])
    assert changes(old, revision(2, state="retracted")) == {
        "suspected → retracted",
        "the evidence no longer holds",
    }


def test_a_tag_that_only_repeats_the_state_is_not_news() -> None:
    new = revision(2, state="confirmed", tag="confirmed")
    assert changes(revision(1), new) == {"suspected → confirmed"}


def test_nothing_changed_says_nothing() -> None:
    assert changes(revision(1), revision(2)) == set()
