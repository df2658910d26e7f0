"""`docs/fhir.md` shows what happens: its result is sent, and its answer is the real one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from support.mllp import entries
from support.rest import Client, receiving, taken

from schemas.deadletter import Reason
from services.ingest.profiles.files import load_sources
from services.ingest.rest.outcome import status_of

if TYPE_CHECKING:
    from pathlib import Path as Folder

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "fhir.md"


def block(language: str, number: int = 0) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    text: str = found[number]
    return text


def test_the_five_minutes(tmp_path: Folder) -> None:
    asked, answered = block("console", 1).splitlines()
    words = re.fullmatch(r"\$ curl -s -X (\w+) -H '(.*?): (.*?)' --data .* http://.*?(/.*)", asked)
    assert words is not None
    method, name, value, path = words.groups()
    with receiving(tmp_path) as listener, Client(listener.port) as client:
        answer = client.ask(method, path, block("json").encode(), {name: value})
    assert (answer.status, answer.raw.decode()) == (200, answered)
    assert len(entries(tmp_path)) == len(taken(tmp_path)[0]) == 1


def test_the_profile_is_one(tmp_path: Folder) -> None:
    path = tmp_path / "ehr.yaml"
    path.write_text(block("yaml"))
    sources = load_sources([path])
    found = sources.of_document(["https://ehr.example/fhir"])
    assert found is not None
    assert found.resource.server == "EHR"
    assert sources.of_document(["https://other.example/fhir"]) is None


def test_every_row_of_the_list_of_bad_inputs_has_a_test() -> None:
    """Rows 34 to 50; the tests that are about one begin with its number."""
    names = "".join(path.read_text() for path in HERE.glob("test_fhir_*.py"))
    rows = {int(number) for number in re.findall(r"^def test_(\d\d)_", names, re.MULTILINE)}
    assert rows == set(range(34, 51))


def test_every_status_of_a_refusal_is_listed() -> None:
    rows = {
        int(number)
        for line in re.findall(r"^\| ([\d, ]+) \|", PAGE.read_text(), re.MULTILINE)
        for number in line.split(", ")
    }
    assert {status_of(reason).value for reason in Reason} <= rows
