"""Writing into a record by FHIR, to servers that do what their CapabilityStatements say.

The statements in `capabilities/` are synthetic: written by hand after those of such servers.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey
from support.messages import AT, KEY, OLDER, PATIENT, alert, correction, message, record
from support.peers import Manner
from support.peers.fhir import SECRET, STATEMENTS, Chart, fhir_peer, statement

from schemas.actions import Disposition
from schemas.alerts import State
from services.notifier.cases.words import CaseState, Cause
from services.notifier.channels.contract import Kind, Outcome, Result
from services.notifier.channels.fhirout.capabilities import Mode
from services.notifier.channels.kinds.fhir import Fhir, Settings
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from services.notifier.channels.contract import Message

MODES = {
    "hapi": Mode.DETECTED_ISSUE_TASK,
    "oracle-like": Mode.COMMUNICATION,
    "epic-like": Mode.DOCUMENT_REFERENCE,
    "minimal": Mode.INBOX_ONLY,
}


@asynccontextmanager
async def writing(chart: Chart, folder: Path | None = None, **more: Any) -> AsyncIterator[Fhir]:
    section = {"type": "fhir", **chart.peer.section, **more}
    channel = Fhir("record", Settings.model_validate(section, context={"folder": folder or "."}))
    await channel.open()
    try:
        yield channel
    finally:
        await channel.close()


def write(
    about: str, *said: Message, prepare: Callable[[Chart], None] = lambda _: None
) -> tuple[list[Outcome], Chart]:
    """Write messages into a server of that name."""

    async def run() -> tuple[list[Outcome], Chart]:
        async with fhir_peer(statement(about)) as (_, chart):
            prepare(chart)
            async with writing(chart) as channel:
                return [await channel.send(one) for one in said], chart

    return asyncio.run(run())


def test_every_statement_is_tried() -> None:
    assert {path.stem for path in STATEMENTS.glob("*.json")} == set(MODES)


@pytest.mark.parametrize(("about", "mode"), MODES.items())
def test_the_richest_way_is_taken(about: str, mode: Mode) -> None:
    async def run() -> tuple[Mode | None, Outcome, Chart]:
        async with fhir_peer(statement(about)) as (_, chart), writing(chart) as channel:
            return channel.mode, await channel.send(message()), chart

    found, outcome, chart = asyncio.run(run())
    assert found is mode
    created = {
        Mode.DETECTED_ISSUE_TASK: [("DetectedIssue", "final"), ("Task", "requested")],
        Mode.COMMUNICATION: [("Communication", "completed")],
        Mode.DOCUMENT_REFERENCE: [("DocumentReference", "current")],
        Mode.INBOX_ONLY: [],
    }
    assert chart.kinds() == created[mode]
    if mode is Mode.INBOX_ONLY:
        assert outcome == Outcome(Result.PERMANENT, "fhir-inbox-only")
    else:
        assert outcome == Outcome(Result.DELIVERED, receipt=f"{chart.kinds()[0][0]}/1")


def test_where_nothing_tells_a_repeat_it_says_what_it_is() -> None:
    """Neither conditional create nor a search by identifier: the second one is there twice."""
    _, chart = write("epic-like", message(), message(duplicate=True))
    texts = [one.sealed for one in chart.peer.arrived]
    assert len(chart.content) == 2
    assert ["may be a repeat" in text for text in texts] == [False, True]


@pytest.mark.parametrize("about", ["hapi", "searching"])
def test_the_same_message_is_there_once(about: str) -> None:
    """By conditional create, or by looking first."""

    def prepare(chart: Chart) -> None:
        if about == "searching":
            for one in chart.about["rest"][0]["resource"]:
                one["conditionalCreate"] = False

    outcomes, chart = write("hapi", message(), message(duplicate=True), prepare=prepare)
    assert [one.result for one in outcomes] == [Result.DELIVERED] * 2
    assert outcomes[0].receipt == outcomes[1].receipt
    assert [kind for kind, _ in chart.kinds()] == ["DetectedIssue", "Task"]


def test_what_was_interrupted_between_two_resources_is_finished() -> None:
    def refuse_tasks(chart: Chart) -> None:
        chart.peer.manner = Manner.TEMPORARY

    async def run() -> tuple[list[Outcome], Chart]:
        async with fhir_peer() as (peer, chart), writing(chart) as channel:
            await channel.send(message())
            del chart.content["Task/2"]
            refuse_tasks(chart)
            first = await channel.send(message(duplicate=True))
            peer.manner = Manner.TAKE
            return [first, await channel.send(message(duplicate=True))], chart

    outcomes, chart = asyncio.run(run())
    assert [one.result for one in outcomes] == [Result.TEMPORARY, Result.DELIVERED]
    assert [kind for kind, _ in chart.kinds()] == ["DetectedIssue", "Task"]


# --- Corrections ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "after"),
    [
        (
            "hapi",
            [
                ("DetectedIssue", "entered-in-error"),
                ("Task", "entered-in-error"),
                ("DetectedIssue", "corrected"),
                ("Task", "requested"),
            ],
        ),
        ("oracle-like", [("Communication", "completed")] * 2),
        ("epic-like", [("DocumentReference", "current")] * 2),
    ],
)
def test_what_was_retracted_is_marked_where_the_server_lets_us(
    about: str, after: list[tuple[str, str]]
) -> None:
    _, chart = write(about, message(), correction(corrects=(KEY,)))
    assert chart.kinds() == after
    assert [one.corrects for one in chart.peer.arrived if one.corrects] == [(KEY,)]


@pytest.mark.parametrize(
    ("said", "state", "after"),
    [
        # Another finding of the case holds: the old words are replaced, not wrong as a whole.
        (
            {"record": record(alert(State.RETRACTED), alert(name="b"))},
            CaseState.ASSIGNED,
            ["amended", "cancelled", "corrected", "requested"],
        ),
        ({"cause": Cause.RESOLVED}, CaseState.ASSIGNED, ["amended", "cancelled", "corrected"]),
        ({}, CaseState.CLOSED, ["entered-in-error", "entered-in-error", "corrected"]),
    ],
)
def test_a_correction_says_what_holds_now(
    said: dict[str, Any], state: CaseState, after: list[str]
) -> None:
    case = said.pop("record", record(alert(State.RETRACTED))).model_copy(update={"state": state})
    _, chart = write("hapi", message(), correction(corrects=(KEY,), record=case, **said))
    assert [status for _, status in chart.kinds()][: len(after)] == after
    assert ("Task" in {kind for kind, _ in chart.kinds()[2:]}) is (state is not CaseState.CLOSED)


def test_a_correction_is_written_once_however_often_it_comes() -> None:
    said = correction(corrects=(KEY,))
    _, chart = write("hapi", message(), said, said.model_copy(update={"duplicate": True}))
    assert len(chart.content) == 4
    versions = [one["meta"]["versionId"] for one in chart.content.values()]
    assert versions == ["2", "2", "1", "1"]


def test_a_resource_that_was_changed_meanwhile_is_not_overwritten() -> None:
    async def run() -> tuple[list[Outcome], Chart]:
        async with fhir_peer() as (_, chart), writing(chart) as channel:
            await channel.send(message())
            chart.content["DetectedIssue/1"]["meta"]["versionId"] = "7"
            stale = json.loads(json.dumps(chart.content["DetectedIssue/1"]))
            stale["meta"]["versionId"] = "6"
            having = chart._having  # noqa: SLF001 - the server's search answers late
            setattr(chart, "_having", lambda *_: [stale])  # noqa: B010
            first = await channel.send(correction(corrects=(KEY,)))
            setattr(chart, "_having", having)  # noqa: B010
            return [first, await channel.send(correction(corrects=(KEY,)))], chart

    outcomes, chart = asyncio.run(run())
    assert outcomes[0] == Outcome(Result.TEMPORARY, "fhir-changed-meanwhile")
    assert outcomes[1].result is Result.DELIVERED
    assert chart.content["DetectedIssue/1"]["status"] == "entered-in-error"


def test_what_is_not_there_any_more_can_be_corrected_all_the_same() -> None:
    outcomes, chart = write("hapi", correction(corrects=(OLDER,)))
    assert outcomes[0].result is Result.DELIVERED
    assert chart.peer.arrived[0].corrects == (OLDER,)


# --- Closed cases ---------------------------------------------------------------------------------


def closing(disposition: Disposition | None = None, *, settled: bool = False) -> Message:
    """The message that the case asks nothing any more."""
    how = {"disposition": disposition, "settled": settled}
    case = record(state=CaseState.CLOSED, closed_at=AT, **how)
    return message(key="3f" * 16, kind=Kind.CLOSED, corrects=(KEY,), record=case)


@pytest.mark.parametrize(
    ("said", "issue", "task"),
    [
        (closing(Disposition.SALVAGE_REFERRED), "final", "completed"),
        (closing(Disposition.WRONG_PATIENT), "entered-in-error", "completed"),
        (closing(settled=True), "final", "completed"),
        (closing(), "final", "cancelled"),
    ],
)
def test_a_closed_case_asks_nothing_of_the_record(said: Message, issue: str, task: str) -> None:
    outcomes, chart = write("hapi", message(), said)
    assert [one.result for one in outcomes] == [Result.DELIVERED] * 2
    assert chart.kinds() == [("DetectedIssue", issue), ("Task", task)], "nothing is created"


def test_the_disposition_stands_beside_what_was_found_and_done_once() -> None:
    said = closing(Disposition.SALVAGE_REFERRED)
    _, chart = write("hapi", message(), said, said.model_copy(update={"duplicate": True}))
    issue, task = chart.content.values()
    mitigation = {"action": {"text": "salvage_referred"}, "date": "2026-11-23T10:30:00Z"}
    assert issue["mitigation"] == [mitigation]
    (output,) = task["output"]
    assert output["valueString"] == "salvage_referred"
    assert [one["meta"]["versionId"] for one in (issue, task)] == ["2", "2"]


def test_what_was_taken_back_before_stays_so() -> None:
    said = closing(Disposition.SALVAGE_REFERRED)
    _, chart = write("hapi", message(), correction(corrects=(KEY,)), said)
    statuses = [status for _, status in chart.kinds()]
    assert statuses[:2] == ["entered-in-error"] * 2


@pytest.mark.parametrize("about", ["oracle-like", "epic-like", "minimal"])
def test_where_no_work_was_opened_none_is_ended(about: str) -> None:
    outcomes, chart = write(about, message(), closing(Disposition.SALVAGE_REFERRED))
    assert outcomes[1].result is Result.DELIVERED
    assert {one["meta"]["versionId"] for one in chart.content.values()} <= {"1"}


# --- Whose it is, and as whom ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patients", "reason"), [(0, "patient-not-found"), (2, "patient-ambiguous")]
)
def test_nobody_is_guessed(patients: int, reason: str) -> None:
    def prepare(chart: Chart) -> None:
        chart.patients = patients

    outcomes, chart = write("hapi", message(), prepare=prepare)
    assert outcomes == [Outcome(Result.PERMANENT, reason)]
    assert chart.content == {}


def test_a_patients_number_is_in_no_address() -> None:
    _, chart = write("hapi", message(), correction(corrects=(KEY,)))
    assert len(chart.asked) > 8
    assert [one for one in chart.asked if PATIENT.partition("|")[2] in one] == []


def test_a_token_is_asked_for_and_again_when_it_ends_early(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)

    async def run() -> tuple[list[Outcome], Chart]:
        async with fhir_peer() as (peer, chart):
            chart.login = True
            base = peer.section["url"].removesuffix("/fhir")
            login = {"token_url": f"{base}/token", "client": "salvage", "scope": "system/*.write"}
            login |= dict.fromkeys(["client_secret_file"], "secret")
            async with writing(chart, tmp_path, login=login) as channel:
                outcomes = [await channel.send(message())]
                chart.tokens += 7  # what was given so far holds no more
                outcomes += [await channel.send(message()) for _ in range(2)]
            (tmp_path / "secret").write_text("another")
            async with writing(chart, tmp_path, login=login) as channel:
                return [*outcomes, await channel.send(message())], chart

    outcomes, chart = asyncio.run(run())
    assert [(one.result, one.reason) for one in outcomes] == [
        (Result.DELIVERED, ""),
        (Result.TEMPORARY, "http-401"),
        (Result.DELIVERED, ""),
        (Result.PERMANENT, "oauth-401"),
    ]
    assert len(chart.content) == 2


def test_a_key_may_prove_who_we_are(tmp_path: Path) -> None:
    ours, another = (ECKey.generate_key("P-384", {"kid": "k1"}) for _ in range(2))

    async def run() -> list[Outcome]:
        async with fhir_peer() as (peer, chart):
            chart.login, chart.key = True, ours
            login = {"token_url": peer.section["url"].replace("/fhir", "/token")}
            login |= {"client": "salvage", "key_file": "key.jwk"}
            outcomes = []
            for key in (ours, another):
                (tmp_path / "key.jwk").write_text(json.dumps(key.as_dict(private=True)))
                async with writing(chart, tmp_path, login=login) as channel:
                    outcomes.append(await channel.send(message()))
            return outcomes

    good, bad = asyncio.run(run())
    assert good.result is Result.DELIVERED
    assert bad == Outcome(Result.TEMPORARY, "oauth-500")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("{}", "not a JWK"),
        ('{"kty": "EC"}', "not a JWK"),
        (json.dumps(ECKey.generate_key("P-384").as_dict(private=True)), "with an id"),
        (json.dumps(ECKey.generate_key("P-384", {"kid": "k"}).as_dict(private=False)), "private"),
    ],
)
def test_a_key_that_is_none_is_refused(text: str | None, told: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "key.jwk").write_text(text)
    login = {"token_url": "https://a.example/t", "client": "c", "key_file": "key.jwk"}
    section = {"type": "fhir", "url": "https://a.example", "patient_systems": {"H": "urn:oid:1"}}
    settings = Settings.model_validate(section | {"login": login}, context={"folder": tmp_path})
    with pytest.raises(OperatorError, match=rf"record\.login\.key_file: .*{told}"):
        asyncio.run(Fhir("record", settings).open())


def test_a_login_page_is_no_answer() -> None:
    async def run() -> list[Outcome]:
        async with fhir_peer() as (_, chart), writing(chart) as channel:
            chart.page = True
            return [await channel.send(message())]

    assert asyncio.run(run()) == [Outcome(Result.TEMPORARY, "not-fhir")]


def test_a_server_that_slept_at_the_start_is_asked_again() -> None:
    async def run() -> tuple[Mode | None, list[Outcome], Mode | None]:
        async with fhir_peer() as (_, chart):
            chart.page = True
            async with writing(chart) as channel:
                before = channel.mode
                first = await channel.send(message())
                chart.page = False
                outcomes = [first, await channel.send(message())]
                return before, outcomes, channel.mode

    before, outcomes, after = asyncio.run(run())
    assert (before, after) == (None, Mode.DETECTED_ISSUE_TASK)
    assert [one.result for one in outcomes] == [Result.TEMPORARY, Result.DELIVERED]
