"""The canary's parts: what it sends, whom it believes, what it says of itself; its rule."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook
from support.cases import alert

from schemas.canary import AUTHORITY, CONDITION, RULE, is_canary, is_of_canary, sign
from schemas.deadletter import Where
from schemas.events import Observation, Status, Treatment
from services.cli import main
from services.commands.canary.metrics import CanaryMetrics, Stage
from services.commands.canary.receiving import TOLERANCE, Receiver
from services.commands.canary.sending import Failed, Line
from services.commands.canary.story import Story
from services.commands.chosen import chosen_rules
from services.detector.adapters.replay import replay
from services.detector.language.errors import RuleErrors
from services.detector.rulebook.library import CANARY, PACKS, load_rules, rules_in_force
from services.embedded.reading import read
from services.embedded.terminal import Terminal
from services.ingest.archive import Format, Record
from services.ingest.mllp.framing import frame
from services.ingest.profiles.sources import Sources
from services.ingest.sources.files import Arrival
from services.notifier.channels.loading import BadChannels, load_channels
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from schemas.events import Event

NOW = 1_780_000_000_000_000
FEW = str(PACKS / "hiv")
KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


def events(raw: bytes) -> tuple[Event, ...]:
    """What the ingest makes of a message."""
    found = read(Arrival("", Format.HL7, Record(Where(), raw), None), Sources())
    assert found.rejected == ()
    return found.events


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site that asks for the canary's rule."""
    file = tmp_path / "rules.yaml"
    file.write_text("canary: true\n")
    return file


# ---------------------------------------------------------------- what it sends


def test_its_messages_raise_its_alert_and_take_it_back(clock: ManualClock, site: Path) -> None:
    story = Story(clock)
    (course,), (result,) = events(story.course()), events(story.result())
    expected = story.sign
    (withdrawal,) = events(story.withdrawal())
    assert isinstance(course, Treatment)
    assert course.condition == CONDITION
    assert isinstance(withdrawal, Observation)
    assert withdrawal.status is Status.ENTERED_IN_ERROR
    assert all(is_canary(one.patient_id) for one in (course, result, withdrawal))
    until = datetime.fromtimestamp(NOW / 1e6, UTC) + timedelta(hours=1)
    told = replay([course, result, withdrawal], chosen_rules(FEW, site), until=until)
    raised, taken_back = told.revisions
    assert is_of_canary(raised)
    assert sign(raised) == expected
    assert taken_back.state == "retracted"


def test_no_two_messages_are_of_one_second_and_no_patient_lasts(clock: ManualClock) -> None:
    story = Story(clock)
    issued = [events(story.result())[0].issued_at for _ in range(5)]
    assert len(set(issued)) == 5
    assert not story.is_over
    clock.set(NOW + 24 * 3_600 * 1_000_000)
    assert story.is_over
    (one,), (other,) = events(story.course()), events(Story(clock).course())
    assert one.patient_id != other.patient_id


def test_only_both_names_make_it_the_canarys() -> None:
    about: dict[str, Any] = {"rule": RULE, "patient_id": f"{AUTHORITY}|1"}
    assert is_of_canary(alert(**about).revision)
    assert not is_of_canary(alert(**about | {"rule": "HIV-VF-WHO"}).revision)
    assert not is_of_canary(alert(**about | {"patient_id": "HOSP|1"}).revision)
    assert not is_canary(f"{AUTHORITY}2|1")


# ---------------------------------------------------------------- its rule


def test_its_rule_is_in_force_where_a_site_asks_for_it_and_in_no_catalogue(
    site: Path, tmp_path: Path
) -> None:
    few = Path(FEW)
    catalogue = {one.id for one in load_rules(few, site)}
    assert {one.id for one in rules_in_force(few, site)} - catalogue == {RULE}
    assert not CANARY.is_relative_to(PACKS)
    for text in ("", "canary: false\n"):
        (tmp_path / "none.yaml").write_text(text)
        assert {one.id for one in rules_in_force(few, tmp_path / "none.yaml")} == catalogue
    assert {one.id for one in rules_in_force(few)} == catalogue


def test_a_wish_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("canary: perhaps\n")
    with pytest.raises(RuleErrors, match=r"rules\.yaml:1"):
        rules_in_force(Path(FEW), tmp_path / "rules.yaml")


def test_the_terminal_passes_it_over() -> None:
    stream = StringIO()
    terminal = Terminal(stream, as_json=True, show_patients=True)
    terminal(alert(rule=RULE, patient_id=f"{AUTHORITY}|1").revision)
    assert stream.getvalue() == ""
    terminal(alert().revision)
    assert "HOSP|000001" in stream.getvalue()


# ---------------------------------------------------------------- whom it believes


class Heard:
    """A receiver at a port, and what it counts."""

    def __init__(self, clock: ManualClock) -> None:
        self.registry = CollectorRegistry()
        self.metrics = CanaryMetrics(self.registry, 0.0)
        self.receiver = Receiver(KEY, clock, self.metrics)
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[ClientSession]:
        async with self.receiver.serving("127.0.0.1", 0, None) as self.port, ClientSession() as us:
            yield us

    async def told(self, us: ClientSession, body: str, headers: dict[str, str]) -> int:
        url = f"http://127.0.0.1:{self.port}/"
        async with us.post(url, data=body, headers=headers) as answer:
            return answer.status

    def unsigned(self) -> float | None:
        name = "salvage_canary_failures_total"
        return self.registry.get_sample_value(name, {"stage": Stage.UNSIGNED})


def headers(body: str, at: int, secret: str = SECRET) -> dict[str, str]:
    """As another project's library signs."""
    moment = datetime.fromtimestamp(at, UTC)
    signature = Webhook(secret).sign("m1", moment, body)
    return {"webhook-id": "m1", "webhook-timestamp": str(at), "webhook-signature": signature}


def body_of(reference: object) -> str:
    return json.dumps({"type": "salvage.test", "data": {"reference": reference}})


def test_it_hears_of_its_own_by_the_notifiers_signature(clock: ManualClock) -> None:
    asyncio.run(hears_of_its_own(clock))


async def hears_of_its_own(clock: ManualClock) -> None:
    heard, now = Heard(clock), NOW // 1_000_000
    async with heard.listening() as us:
        with heard.receiver.awaited("one") as event:
            for other in ("two", None, 7):
                body = body_of(other)
                assert await heard.told(us, body, headers(body, now)) == 204
            for nonsense in ("[]", "{}", "no json"):
                assert await heard.told(us, nonsense, headers(nonsense, now)) == 204
            assert not event.is_set()
            body = body_of("one")
            assert await heard.told(us, body, headers(body, now)) == 204
            assert event.is_set()
        assert await heard.told(us, body, headers(body, now)) == 204, "it comes late"
    assert heard.unsigned() == 0


def test_it_believes_nobody_else(clock: ManualClock) -> None:
    asyncio.run(believes_nobody_else(clock))


async def believes_nobody_else(clock: ManualClock) -> None:
    heard, now, body = Heard(clock), NOW // 1_000_000, body_of("one")
    stranger = f"whsec_{base64.b64encode(bytes(32)).decode()}"
    good = headers(body, now)
    bad: list[dict[str, str]] = [
        {},
        headers(body, now, stranger),
        headers(body, now - TOLERANCE - 1),
        headers(body, now + TOLERANCE + 1),
        good | {"webhook-timestamp": str(now - 1)},
        good | {"webhook-timestamp": "soon"},
        good | {"webhook-id": "m2"},
        good | {"webhook-signature": "v1,ä"},
        headers(body + " ", now),
    ]
    async with heard.listening() as us:
        with heard.receiver.awaited("one") as event:
            for each in bad:
                assert await heard.told(us, body, each) == 401, each
            assert not event.is_set()
            previous = good | {"webhook-signature": f"v1,AAAA {good['webhook-signature']}"}
            assert await heard.told(us, body, previous) == 204
            assert event.is_set()
    assert heard.unsigned() == len(bad)


def test_only_who_says_so_sends_its_webhooks_in_the_clear(tmp_path: Path) -> None:
    """The messages name no patient, and are signed; still it has to be said."""
    file = tmp_path / "channels.yaml"
    section = "url: http://canary:8096/, type: webhook, secret_file: s"
    file.write_text(f"channels:\n  canary: {{{section}, plaintext: true}}\n")
    assert [one.name for one in load_channels(file).channels] == ["canary"]
    for told in ("", ", plaintext: false"):
        file.write_text(f"channels:\n  canary: {{{section}{told}}}\n")
        with pytest.raises(BadChannels, match="http is for this machine alone"):
            load_channels(file)


# ---------------------------------------------------------------- whom it sends to


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[Line]:
    """Somebody who answers so; None: who closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        if answer is not None:
            writer.write(frame(answer))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Line("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("answer", "stage"),
    [
        (b"MSH|^~\\&\rMSA|AE|M1\r", Stage.REFUSED),
        (b"MSH|^~\\&\rMSA|AR|M1\r", Stage.REFUSED),
        (None, Stage.SENDING),
    ],
)
def test_only_an_acceptance_is_one(answer: bytes | None, stage: Stage) -> None:
    asyncio.run(only_an_acceptance(answer, stage))


async def only_an_acceptance(answer: bytes | None, stage: Stage) -> None:
    async with answering(b"MSH|^~\\&\rMSA|AA|M1\r") as line:
        await line.send(b"MSH|x\r")
    async with answering(answer) as line:
        with pytest.raises(Failed) as failed:
            await line.send(b"MSH|x\r")
    assert failed.value.stage is stage
    with pytest.raises(Failed) as failed:
        await line.send(b"MSH|x\r")  # nobody is there any more
    assert failed.value.stage is Stage.SENDING


def test_settings_that_can_not_be_used_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    usual = ["canary", "--secret-file", str(tmp_path / "secret"), "--mllp"]
    for words, option in (
        ([*usual, "mllp.example:2575"], "--mllp"),
        ([*usual, "nowhere"], "--mllp"),
        ([*usual, "127.0.0.1:1", "--receive", "here"], "--receive"),
        ([*usual, "127.0.0.1:1", "--receive-certificate", "nowhere.pem"], "--receive-certificate"),
        (["canary", "--secret-file", "nowhere", "--mllp", "127.0.0.1:1"], "--secret-file"),
    ):
        assert main(words) == 2
        told = capsys.readouterr().err
        assert option in told
        assert SECRET not in told
