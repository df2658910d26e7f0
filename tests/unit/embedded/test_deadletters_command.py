"""`salvage deadletters`: what it prints, and that it prints nothing of a patient unasked."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.console import Ran, salvage

from schemas.deadletter import Where
from services.embedded.delivery import Delivery
from services.ingest.archive import Format, Record
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.sources.files import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECEIVED = 1_700_000_000_000_000  # 2023-11-14T22:13:20Z, microseconds
SECRET = re.compile(r"Doe|Jane|4711|19510203|77\.25|patient-doe")


def oru(control: str, pid: str = "4711^^^^MR", value: str = "77.25") -> bytes:
    lines = (
        f"MSH|^~\\&|LAB1|NORTH|||20230105120000||ORU^R01^ORU_R01|{control}|P|2.5.1",
        f"PID|1||{pid}||Doe^Jane||19510203|F",
        f"OBR|1||{control}^LAB|P^Panel^L|||20230105080000|||||||||||||||20230105120000|||F",
        f"OBX|1|NM|PSA1^PSA^L||{value}|ng/mL|||||F",
    )
    return "".join(f"{line}\r" for line in lines).encode()


@pytest.fixture
def data(open_ward: Callable[..., Any], tmp_path: Path) -> Path:
    """A store with two letters, of a file and the journal, and a result that waits for a code."""
    ward = open_ward(name="salvage")
    for at, raw, where in (
        (RECEIVED, oru("A1"), Where(file="patient-doe.hl7", line=3)),
        (RECEIVED + 60_000_000, oru("A2", value="see Jane"), Where(file=JOURNAL, line=9)),
        (RECEIVED, oru("A3", pid="4711^^^NORTH^MR"), Where(file="x.hl7", line=1)),
    ):
        arrival = Arrival("NORTH/LAB1", Format.HL7, Record(where, raw), None)
        ward.runtime.take([Delivery(at, (arrival,))])
    ward.store.close()
    return tmp_path


def letters(data: Path, *words: str) -> Ran:
    action, *rest = words
    return salvage("deadletters", action, "--data", data, *rest)


def ids(data: Path) -> list[str]:
    return [one["id"] for one in letters(data, "list", "--json").lines[0]["dead_letters"]]


def test_list_names_reason_sender_and_part(data: Path) -> None:
    first, second = ids(data)
    told = "unmapped_patient  NORTH/LAB1  once  PID-3: no identifier with an authority"
    assert letters(data, "list").out.splitlines() == [
        f"{first[:12]}  2023-11-14T22:13:20Z  {told}",
        f"{second[:12]}  2023-11-14T22:14:20Z  {told}",
        "2 dead letters",
    ]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 2),
        (("--reason", "unmapped_patient"), 2),
        (("--reason", "no_value"), 0),
        (("--source", "NORTH/LAB1"), 2),
        (("--source", "SOUTH"), 0),
        (("--since", "2023-11-14T22:14:00Z"), 1),
        (("--since", "2023-11-15"), 0),
    ],
)
def test_the_letters_can_be_chosen(data: Path, words: tuple[str, ...], count: int) -> None:
    assert letters(data, "list", *words).out.splitlines()[-1] == f"{count} dead letters"
    (told,) = letters(data, "count", "--json", *words).lines
    assert told["count"] == count


def test_count_says_how_many_and_how_old(data: Path) -> None:
    ran = letters(data, "count")
    days = (datetime.now(UTC) - datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)).days  # noqa: TID251
    assert ran.out.splitlines() == [
        "     2  unmapped_patient  NORTH/LAB1  oldest 2023-11-14T22:13:20Z",
        "     1  unmapped_code  NORTH/LAB1  results that are kept and can't be evaluated",
        f"2 dead letters, the oldest {days} days old",
    ]
    (told,) = letters(data, "count", "--json").lines
    assert told["oldest"] == "2023-11-14T22:13:20Z"
    assert told["age_seconds"] // 86_400 == days
    assert told["heaps"] == [
        {
            "reason": "unmapped_patient",
            "source": "NORTH/LAB1",
            "count": 2,
            "oldest": "2023-11-14T22:13:20Z",
            "newest": "2023-11-14T22:14:20Z",
        }
    ]
    assert told["not_evaluated"] == [
        {"reason": "unmapped_code", "source": "NORTH/LAB1", "count": 1}
    ]


def test_show_tells_of_one_and_where_it_is(data: Path) -> None:
    first, second = ids(data)
    (told,) = letters(data, "show", second[:8], "--json").lines
    assert (told["journal_entry"], told["part"]) == (9, "PID-3")
    assert "line: 3" in letters(data, "show", first).out.splitlines()
    for words, why in ((("0",), "no letter begins so|several"), (("zz",), "no letter begins so")):
        ran = letters(data, "show", *words)
        if ran.code:
            assert re.search(why, ran.err)
    assert letters(data, "show", "zz").code == 2


def test_nothing_of_a_patient_is_printed_unless_asked_for(data: Path) -> None:
    first = ids(data)[0]
    for words in (
        ("list",),
        ("list", "--json", "--all"),
        ("count",),
        ("count", "--json"),
        ("show", first),
        ("show", first, "--json"),
        ("replay", "--dry-run"),
        ("replay", "--dry-run", "--json"),
    ):
        ran = letters(data, *words)
        assert ran.code == 0, ran.err
        assert not SECRET.search(ran.out + ran.err), words
    raw = letters(data, "show", first, "--raw")
    assert raw.out == oru("A1").decode()
    assert raw.err == "salvage deadletters: what follows is a patient's data\n"


def profile(folder: Path, text: str) -> Path:
    path = folder / "p.yaml"
    path.write_text(f"name: NORTH/LAB1\n{text}", encoding="utf-8")
    return path


def test_a_dry_run_shows_what_would_change_and_changes_nothing(data: Path) -> None:
    repaired = profile(data, "identity: {authority: NORTH}\ncodes: [{code: PSA1, analyte: psa}]\n")
    words = ("replay", "--dry-run", "--profile", str(repaired))
    for _ in range(2):
        assert letters(data, *words).out.splitlines() == [
            "2 letters read again; 2 of them would become resolved",
            "facts: 2 new, 0 known before",
            "still refused: not_a_number: 1",
            "dry run: 2 facts, 2 resolved, 1 still refused",
        ]
    assert letters(data, *words, "--json").lines == [
        {
            "letters": 2,
            "closed": 2,
            "facts": 2,
            "known": 0,
            "still_refused": {"not_a_number": 1},
            "not_replayable": {},
            "dry_run": True,
            "state": None,
        }
    ]


@pytest.mark.slow  # compiles all rules, as it would for a user
def test_the_real_run_does_it_once(data: Path) -> None:
    repaired = profile(data, "identity: {authority: NORTH}\ncodes: [{code: PSA1, analyte: psa}]\n")
    words = ("replay", "--profile", str(repaired))
    last = letters(data, *words).out.splitlines()[-1]
    assert last == "done: 2 facts, 2 resolved, 1 still refused"
    (left,) = letters(data, "list", "--json").lines[0]["dead_letters"]
    assert (left["reason"], left["received_at"]) == ("not_a_number", "2023-11-14T22:14:20Z")
    again = letters(data, *words).out.splitlines()[-1]
    assert again == "nothing to do: 0 facts, 0 resolved, 1 still refused"
    every = letters(data, "list", "--all", "--json").lines[0]["dead_letters"]
    assert sum(one["resolved_at"] is not None for one in every) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list", "--reason", "bad"), "invalid choice: 'bad'"),
        (("list", "--since", "yesterday"), "argument --since"),
        (("replay", "--profile", "nowhere.yaml"), "nowhere.yaml:1:1: No such file"),
    ],
)
def test_what_can_not_be_used_is_said(data: Path, words: tuple[str, ...], told: str) -> None:
    ran = letters(data, *words)
    assert ran.code == 2
    assert told in ran.err


def test_without_a_store_there_is_nothing_to_work(tmp_path: Path) -> None:
    for words in (("list",), ("count",), ("show", "a"), ("replay",)):
        ran = letters(tmp_path / "nowhere", *words)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == "salvage deadletters: --data: there is no store\n"


def test_the_json_is_one_object(data: Path) -> None:
    for action in ("list", "count"):
        assert isinstance(json.loads(letters(data, action, "--json").out), dict)
