"""What answers mean, without anybody to give them; and what a card says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from support.messages import alert, record

from schemas.alerts import Severity, State
from services.notifier.channels.attempts import Progress, attempt
from services.notifier.channels.cdshooks.cards import LONGEST, cards, reference_of
from services.notifier.channels.contract import Outcome, Result, delivered
from services.notifier.channels.fhirout.capabilities import Ability, Mode, negotiated
from services.notifier.channels.kinds import apprise
from services.notifier.channels.settings import authority_of

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("patient", "found"),
    [
        ("HOSP|12", ("urn:oid:1", "12")),
        ("HOSP|1|2", ("urn:oid:1", "1|2")),
        ("OTHER|12", None),
        ("HOSP|", None),
        ("HOSP", None),
        ("12", None),
    ],
)
def test_whose_number_it_is_is_not_guessed(patient: str, found: tuple[str, str] | None) -> None:
    assert authority_of(patient, {"HOSP": "urn:oid:1"}) == found


# --- Apprise --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "result", "reason"),
    [
        ("Failed to send JSON: Internal server error., error=500.", Result.TEMPORARY, "http-500"),
        ("Failed to send X notification: error=429.", Result.TEMPORARY, "http-429"),
        ("Failed to send X: Unauthorized, error=401.", Result.PERMANENT, "http-401"),
        ("Socket Exception: (Caused by NewConnectionError(..", Result.TEMPORARY, "not-reached"),
        ("Socket Exception: ('Connection aborted.', ..", Result.UNKNOWN, "no-status"),
        ("error=12", Result.UNKNOWN, "no-status"),
        ("error=200", Result.UNKNOWN, "no-status"),
        ("", Result.UNKNOWN, "no-status"),
    ],
)
def test_what_apprise_writes_into_its_log(log: str, result: Result, reason: str) -> None:
    found = apprise.judged(log)
    assert (found.result, found.reason) == (result, reason)


# --- FHIR -----------------------------------------------------------------------------------------


def about(*resources: object, **changes: object) -> dict[str, object]:
    """A CapabilityStatement."""
    others: dict[str, object] = {"mode": "client", "resource": [{"type": "Task"}]}
    rest = [others, {"mode": "server", "resource": list(resources)}]
    said = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest}
    return said | changes


CREATE = [{"code": "create"}]


@pytest.mark.parametrize(
    ("resources", "mode"),
    [
        ([], Mode.INBOX_ONLY),
        ([{"type": "DetectedIssue", "interaction": CREATE}], Mode.INBOX_ONLY),
        (
            [{"type": one, "interaction": CREATE} for one in ("Task", "DetectedIssue")],
            Mode.DETECTED_ISSUE_TASK,
        ),
        (
            [{"type": one, "interaction": CREATE} for one in ("Task", "DocumentReference")],
            Mode.DOCUMENT_REFERENCE,
        ),
        ([{"type": "Communication", "interaction": [{"code": "read"}]}], Mode.INBOX_ONLY),
        (["Task", None, {"interaction": "create"}, {"type": 7}], Mode.INBOX_ONLY),
    ],
)
def test_what_is_not_offered_is_not_taken(resources: list[object], mode: Mode) -> None:
    assert negotiated(about(*resources)).mode is mode


@pytest.mark.parametrize(
    "said", [{}, {"resourceType": "Bundle"}, about(fhirVersion="5.0.0"), about(fhirVersion=None)]
)
def test_what_is_no_statement_of_r4(said: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not"):
        negotiated(said)


def test_how_repeats_are_recognised() -> None:
    assert not Ability(create=True).recognises
    assert Ability(once=True).recognises
    assert Ability(finds=True).recognises


# --- CDS Hooks ------------------------------------------------------------------------------------


def test_a_summary_is_shorter_than_140_characters() -> None:
    for length in (1, LONGEST, LONGEST + 1, 400):
        (card,) = cards([record(alert(title="x" * length))], NOW)
        assert len(card["summary"]) == min(length, LONGEST)
        assert card["summary"].endswith("…") is (length > LONGEST)


@pytest.mark.parametrize(
    ("severity", "indicator"),
    list(zip(Severity, ["critical", "warning", "warning", "info"], strict=True)),
)
def test_the_gravest_alert_that_holds_gives_the_headline(
    severity: Severity, indicator: str
) -> None:
    lesser = alert(name="b", severity=Severity.ADVISORY, title="lesser")
    fallen = alert(State.RETRACTED, name="c", severity=Severity.CRITICAL, title="fallen")
    case = record(fallen, alert(severity=severity, title="headline"))
    (card,) = cards([case.model_copy(update={"alerts": (lesser, *case.alerts)})], NOW)
    assert card["indicator"] == indicator
    if severity is not Severity.ADVISORY:
        assert card["summary"] == "headline"
    assert "No longer holds: fallen" in card["detail"]


def test_a_case_of_which_nothing_holds_is_shown_until_it_is_closed() -> None:
    case = record(alert(State.RETRACTED)).model_copy(update={"reference": None, "link": None})
    (card,) = cards([case], NOW)
    assert (card["indicator"], "uuid" in card, "links" in card) == ("info", False, False)


@pytest.mark.parametrize("text", ["", "None", "x" * 32])
def test_a_cards_id_is_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"UUID|invalid literal"):
        reference_of(text)


# --- Attempts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "error", "outcome"),
    [
        (False, ConnectionResetError, Outcome(Result.TEMPORARY, "not-reached")),
        (True, ConnectionResetError, Outcome(Result.UNKNOWN, "cut-after-data")),
        (False, TimeoutError, Outcome(Result.TEMPORARY, "timeout")),
        (True, TimeoutError, Outcome(Result.UNKNOWN, "timeout-after-data")),
        (True, None, delivered()),
    ],
)
def test_the_line_between_nothing_taken_and_nobody_knows(
    error: type[Exception] | None, outcome: Outcome, *, left: bool
) -> None:
    async def work(progress: Progress) -> Outcome:
        progress.left = left
        if error is not None:
            raise error
        return delivered()

    assert asyncio.run(attempt(timedelta(seconds=5), work)) == outcome


def test_an_attempt_ends_in_time() -> None:
    async def work(progress: Progress) -> Outcome:
        progress.left = True
        await asyncio.sleep(60)
        return delivered()

    found = asyncio.run(attempt(timedelta(milliseconds=20), work))
    assert found == Outcome(Result.UNKNOWN, "timeout-after-data")
