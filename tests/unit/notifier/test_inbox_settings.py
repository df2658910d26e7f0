"""A site's `inbox.yaml`: what would open the house to others is refused, by line and column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.notifying import site_folder

from services.notifier.commands.inbox import prepared
from services.notifier.commands.place import Place
from services.notifier.inbox.access.roles import Right, Role, rights_of
from services.notifier.inbox.access.settings import read_settings
from services.notifier.inbox.web.serving import bound
from services.notifier.roster.loading import load_house
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from services.notifier.roster.teams import Teams

DOCUMENT = Path(__file__).parents[3] / "docs" / "inbox.md"
LOCAL = "local: {member: anne, roles: [lead]}"
PROVIDER = "provider: {issuer: https://id.example, client: us, roles: {g: viewer}%s}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"public: http://hospital.example\n{LOCAL}", "http is for this machine"),
        (f"public: https://h.example\n{LOCAL}", "`local` is for this machine alone"),
        ("public: http://127.0.0.1:8642", "exactly one"),
        (f"public: http://127.0.0.1\n{LOCAL}\n{PROVIDER % ''}", "exactly one"),
        (f"public: http://127.0.0.1/a\n{LOCAL}", "without a path"),
        ("public: http://127.0.0.1\nlocal: {member: a, roles: [king]}", r"2:\d+: local.roles"),
        (f"public: http://127.0.0.1\n{LOCAL}\npassword: x", "3:1: unknown key 'password'"),
        ("public: https://h.example\n" + PROVIDER % ", scope: profile", "scope"),
        ("public: https://h.example\n" + PROVIDER % ", client_secret: x", "unknown key"),
        (f"public: http://127.0.0.1\n{LOCAL}\nkey_file: k", "both or none"),
        (f"public: http://127.0.0.1\n{LOCAL}\nprivacy: {{}}", "exactly one of `member` and `team`"),
        ("[", "inbox.yaml:1"),
    ],
)
def test_what_would_open_the_house_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "inbox.yaml"
    file.write_text(text)
    with pytest.raises(OperatorError, match=why):
        read_settings(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"inbox\.yaml"):
        read_settings(tmp_path / "inbox.yaml")


def test_a_house_with_a_provider(tmp_path: Path) -> None:
    file = tmp_path / "inbox.yaml"
    file.write_text("public: https://Inbox.example:443/\n" + PROVIDER % ", client_secret_file: s")
    found = read_settings(file)
    assert (found.public, found.is_secure) == ("https://inbox.example", True)
    assert found.provider is not None
    assert found.provider.client_secret_file == tmp_path / "s"
    assert found.provider.roles == {"g": Role.VIEWER}


@pytest.fixture
def teams(tmp_path: Path) -> Teams:
    return load_house(site_folder(tmp_path / "teams")).teams


def test_every_mistake_is_told_before_anything_begins(tmp_path: Path, teams: Teams) -> None:
    assert prepared(None, tmp_path, teams) is None
    with pytest.raises(OperatorError, match=r"inbox\.yaml"):
        prepared(Place("127.0.0.1", 0), tmp_path, teams)
    (tmp_path / "inbox.yaml").write_text(f"public: http://127.0.0.1:8642\n{LOCAL}")
    opening = prepared(Place("127.0.0.1", 0), tmp_path, teams)
    assert opening is not None
    with opening.listener, pytest.raises(OperatorError, match="--serve-inbox"):
        prepared(Place("127.0.0.1", opening.listener.getsockname()[1]), tmp_path, teams)
    assert opening.links == "http://127.0.0.1:8642/case/"


@pytest.mark.parametrize("who", ["member: stranger", "team: nowhere"])
def test_an_emergency_is_told_to_somebody_whom_the_roster_has(
    tmp_path: Path, teams: Teams, who: str
) -> None:
    text = f"public: http://127.0.0.1:8642\n{LOCAL}\nprivacy: {{{who}}}"
    (tmp_path / "inbox.yaml").write_text(text)
    with pytest.raises(OperatorError, match="the roster has no such"):
        prepared(Place("127.0.0.1", 0), tmp_path, teams)


def test_the_documents_examples_are_settings(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(examples) == 2
    for text in examples:
        (tmp_path / "inbox.yaml").write_text(text)
        read_settings(tmp_path / "inbox.yaml")


RIGHTS = {
    "worklist, case": {Right.READ},
    "decide": {Right.DECIDE},
    "assign": {Right.ASSIGN},
    "open another": {Right.BREAK_GLASS},
    "who is on call": {Right.ROSTER},
    "who would be told": {Right.ROUTE},
    "how the rules do": {Right.RULES},
    "sources": {Right.SOURCES},
    "dead letters": {Right.LETTERS},
    "audit trail": {Right.AUDIT, Right.REVIEW},
}
"""What the lines of the document's table are about, by how they begin."""


def test_the_document_says_what_each_role_may_do() -> None:
    lines = [line.split("|")[1:-1] for line in DOCUMENT.read_text().splitlines()]
    table = {cells[0].strip(): cells[1:] for cells in lines if len(cells) == len(Role) + 1}
    assert set().union(*RIGHTS.values()) == set(Right)
    for begins, rights in RIGHTS.items():
        (cells,) = (found for name, found in table.items() if name.startswith(begins))
        told = {role for role, cell in zip(Role, cells, strict=True) if "yes" in cell}
        for right in rights:
            assert told == {role for role in Role if right in rights_of([role])}, begins


def test_nothing_of_a_patient_goes_over_a_network_in_the_clear() -> None:
    with pytest.raises(OperatorError, match="only this machine"):
        bound("0.0.0.0", 0, secure=False)  # noqa: S104 - it is refused
