"""Sources and dead letters in the inbox: what operations see of a data folder, and do about it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from support.datafolder import RULES, filed
from support.inbox import alone, for_one, open_inbox
from support.letters import SECRET, nameless, repaired
from support.mllp import oru

from services.embedded.replays import ReplayFeed
from services.embedded.runtime import Runtime
from services.embedded.store import FILE_NAME, Store
from services.embedded.upkeep import StoreUpkeep
from services.ingest.profiles.files import load_sources
from services.notifier.inbox.access.roles import Role
from services.notifier.inbox.pages import render
from services.notifier.store.instants import micros
from services.notifier.store.tables import AUDIT
from services.runtime.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.inbox import Answer, Browser, Desk
    from support.notifying import Bench

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SENDER = "NORTH/LAB"


@pytest.fixture
def data(bench: Bench, tmp_path: Path) -> Path:
    """Messages came: two of a patient whose authority nobody knew, and then one that is used."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    filed(folder, SENDER, bench.now - timedelta(days=2), nameless("N1"), nameless("N2"))
    filed(folder, SENDER, bench.now - timedelta(hours=2), oru("M1"))
    return folder


@pytest.fixture
def desk(bench: Bench, data: Path, tmp_path: Path) -> Iterator[Desk]:
    """An inbox beside that folder, whose profile knows the authority by now."""
    text = repaired(tmp_path).read_text() + "max_silence: 3 h\n"
    (tmp_path / "north.yaml").write_text(text)
    upkeep = StoreUpkeep(data, load_sources([tmp_path / "north.yaml"], None))
    clock = ManualClock(micros(bench.now))
    with open_inbox(bench, clock, render, for_one, alone(tmp_path), upkeep=upkeep) as found:
        yield found


@pytest.fixture
def ops(desk: Desk) -> Browser:
    return desk.signed_in(None, Role.OPS)


def rows(page: Answer) -> list[list[str]]:
    """The cells of a page's tables."""
    found = re.findall(r"<tr>((?:<td|<th scope=\"row\").*?)</tr>", page.text, flags=re.DOTALL)
    cells = (re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", one, flags=re.DOTALL) for one in found)
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in one] for one in cells]


def letter_ids(page: Answer) -> list[str]:
    return re.findall(r'href="/letters/([0-9a-f]{32,})"', page.text)


def test_each_source_with_its_silence_and_what_came_of_it_today(desk: Desk, ops: Browser) -> None:
    (source,) = (one for one in rows(ops.get("/sources")) if one[0] == SENDER)
    assert source[1:4:2] == ["heard 2 h ago", "3 h"]
    assert source[5:] == ["1", "1", "0", "2"], "messages and facts of today, letters, open ones"
    clock = desk.parts.clock
    assert isinstance(clock, ManualClock)
    clock.set(micros(desk.bench.now + timedelta(minutes=70)))
    lead = desk.signed_in("anne", Role.LEAD)
    assert "Silent for longer than they may be: NORTH/LAB." in lead.get("/sources").text
    assert lead.get("/letters").status == 403


def test_letters_by_reason_source_and_age_and_one_without_its_content(ops: Browser) -> None:
    page = ops.get("/letters")
    heap, *letters = rows(page)
    assert (heap[0], heap[2], len(letters)) == ("unmapped patient", "2", 2)
    for query, count in (
        ("reason=unmapped_patient&source=NORTH/LAB", 2),
        ("reason=bad_field", 0),
        ("source=elsewhere", 0),
        ("age=day", 2),
        ("age=week", 0),
        ("age=forged&handled=no", 2),
    ):
        assert len(letter_ids(ops.get(f"/letters?{query}"))) == count, query
    one = ops.get(f"/letters/{letter_ids(page)[0]}")
    assert "The patient has no identifier with an assigning authority." in one.text
    assert ops.get("/letters/0000").status == 404
    for answer in (page, one, ops.get("/sources"), ops.get("/api/v1/letters")):
        assert not SECRET.search(answer.text)
        assert "erika" not in answer.text, "files may be named after people"


def test_a_letter_is_read_again_with_a_reason_and_the_runtime_takes_it(
    desk: Desk, ops: Browser, data: Path
) -> None:
    first, second = letter_ids(ops.get("/letters"))
    fields = {"csrf": ops.csrf, "letter": first}
    assert ops.post("/letters/replay", fields).status == 422, "why?"
    assert ops.post("/letters/replay", {"csrf": ops.csrf, "why": "all of them"}).status == 422
    assert ops.post("/letters/replay", {"letter": first, "why": "forged"}).status == 403
    assert not (data / "replays.sqlite").exists()
    done = ops.post("/letters/replay", {**fields, "why": "the profile knows them now"})
    assert (done.status, "1 letter read again; resolved thereby: 1." in done.text) == (
        200,
        True,
    )
    lines = [json.loads(one) for (one,) in desk.bench.rows(select(AUDIT.c.body))]
    (line,) = (one for one in lines if one["what"] == "letters-replay")
    assert (line["by"], line["why"], line["letter"]) == (
        "subject-of-None",
        "the profile knows them now",
        first,
    )
    take(data)
    assert letter_ids(ops.get("/letters")) == [second]
    assert "resolved" in ops.get(f"/letters/{first}").text


def take(folder: Path) -> None:
    """As the running process does."""
    store = Store(folder / FILE_NAME, durable=False)
    clock = ManualClock(2_000_000_000_000_000)
    runtime = Runtime(store, RULES, clock)
    runtime.start()
    for batch in ReplayFeed(folder, store, clock).batches():
        runtime.take(batch)
    store.close()


def test_programs_do_the_same(ops: Browser, data: Path) -> None:
    token = {"X-CSRF": ops.csrf}
    found = json.loads(ops.get("/api/v1/letters").text)
    assert [one["reason"] for one in found["letters"]] == ["unmapped_patient"] * 2
    heap = {"reason": "unmapped_patient", "source": SENDER, "why": "repaired"}
    done = ops.send("/api/v1/letters/replay", json.dumps(heap), **token)
    assert json.loads(done.text)["letters"] == 2
    take(data)
    assert json.loads(ops.get("/api/v1/letters").text)["letters"] == []
    dropped = ops.send("/api/v1/letters/drop", json.dumps(heap), **token)
    assert (dropped.status, json.loads(dropped.text)["title"]) == (409, "Not possible here")
    sources = json.loads(ops.get("/api/v1/sources").text)["heard"]["sources"]
    assert [(one["name"], one["open"]) for one in sources] == [(SENDER, 0)]


def test_what_is_away_is_said_and_what_was_never_there_too(
    ops: Browser, data: Path, desk: Desk
) -> None:
    (data / FILE_NAME).rename(data / "elsewhere")
    assert (ops.get("/sources").status, ops.get("/letters").status) == (503, 503)
    object.__setattr__(desk.parts, "upkeep", None)
    assert "runs apart from what takes messages in" in ops.get("/sources").text
    assert "runs apart from what keeps the dead letters" in ops.get("/letters").text
    fields = {"csrf": ops.csrf, "letter": "x", "why": "y"}
    assert ops.post("/letters/replay", fields).status == 409
