"""Prose about a code base rots in months, so what it quotes is looked up: paths, targets, commands.

Quoted means: between backticks, or in a fenced block. A placeholder (`<name>`, `*`) stands for
anything; a documented path with one must fit at least one file.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md"))
    if path.is_file()
)
# Pages of rules quote the rule language, in which `salvage` is an intent.
BY_HAND = [document for document in DOCUMENTS if document.parent.name != "rules"]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))

ROOMS = r"\.ci|benchmarks|deploy|docs|examples|requirements|schemas|services|tests"
"""What a path of this repository begins with. `ng/mL` and `application/json` are not paths."""
DOORS = r"Makefile|pyproject\.toml|LICENSE|[A-Z]+\.md"
"""Files at the top."""

_PATH = re.compile(rf"(?<![\w./<>-])(?:(?:{ROOMS})(?:/[\w.<>*{{}},-]*)+|{DOORS})(?![\w:(])")
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)[^)]*\)")
_TARGET = re.compile(r"(?<![\w-])make ([a-z][a-z-]*)")
_COMMAND = re.compile(r"(?<![\w./-])salvage((?: [a-z][a-z-]*(?![\w./=]))+)([^|;&#`]*)")
_OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")


def quoted(text: str) -> Iterator[str]:
    """The code in a Markdown text: lines of fenced blocks, then what stands between backticks."""
    blocks = re.compile(r"^ *(`{3,}|~{3,})[^\n]*\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
    for block in blocks.finditer(text):
        yield from block[2].splitlines()
    yield from re.findall(r"`([^`\n]+)`", blocks.sub("", text))


def paths_in(text: str) -> set[str]:
    """Paths of this repository that a Markdown text quotes."""
    found = (match[0] for code in quoted(text) for match in _PATH.finditer(code))
    return {path.rstrip(".,") for path in found}


def exists(path: str) -> bool:
    """Whether a path, or one that fits its placeholders, is in the tree."""
    pattern = re.sub(r"<[^>]*>", "*", path).rstrip("/")
    if match := re.search(r"\{([^}]*)\}", pattern):
        ways = (pattern.replace(match[0], word) for word in match[1].split(","))
        return all(exists(way) for way in ways)
    return any(True for _ in ROOT.glob(pattern))


def targets_in(text: str) -> set[str]:
    """Targets of make that a Markdown text quotes."""
    return {match[1] for code in quoted(text) for match in _TARGET.finditer(code)}


@cache
def targets() -> frozenset[str]:
    """Targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    return frozenset(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))


def commands_in(text: str) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Invocations of `salvage` that a Markdown text quotes: the words, and the options."""
    return {
        (tuple(match[1].split()), tuple(_OPTION.findall(match[2])))
        for code in quoted(text)
        for match in _COMMAND.finditer(code)
    }


@cache
def help_of(words: tuple[str, ...]) -> str | None:
    """What `salvage WORDS --help` prints; None when there is no such command."""
    from services.cli import main  # noqa: PLC0415  the other tests need no command line

    printed = io.StringIO()
    code: object
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        try:
            code = main([*words, "--help"])
        except SystemExit as end:
            code = end.code
    return printed.getvalue() if code in (0, None) else None


def name_of(document: Path) -> str:
    """A test's name: the document's path in the repository."""
    return document.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_quoted_path_exists(document: Path) -> None:
    assert {path for path in paths_in(document.read_text()) if not exists(path)} == set()


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "CHANGELOG.md"], ids=name_of)
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = set(_LINK.findall(document.read_text()))
    assert {link for link in links if not (document.parent / link).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_quoted_make_target_exists(document: Path) -> None:
    assert targets_in(document.read_text()) <= targets()


@pytest.mark.parametrize("document", BY_HAND, ids=name_of)
def test_every_quoted_command_exists_with_its_options(document: Path) -> None:
    for words, options in commands_in(document.read_text()):
        text = help_of(words)
        assert text is not None, f"there is no `salvage {' '.join(words)}`"
        assert [o for o in options if not re.search(rf"{o}\b", text)] == [], f"of {words}"


def test_rotten_prose_is_noticed() -> None:
    text = (
        "Look into `services/detector/mute/` and `services/<name>/__init__.py`, `ng/mL`,\n"
        "```console\n$ make tests    # and ./docs/nowhere.md\n$ salvage rules tset --vectors x\n"
        "```\n"
        "and make sure that `salvage.events.v1` is no command; see [that](docs/nowhere.md)."
    )
    assert paths_in(text) == {"services/detector/mute/", "services/<name>/__init__.py"}
    assert {path for path in paths_in(text) if not exists(path)} == {"services/detector/mute/"}
    assert targets_in(text) - targets() == {"tests"}
    assert commands_in(text) == {(("rules", "tset"), ("--vectors",))}
    assert _LINK.findall(text) == ["docs/nowhere.md"]


def test_an_unknown_command_is_noticed() -> None:
    assert help_of(("no-such-command",)) is None
    assert help_of(()) is not None


# --- Decisions --------------------------------------------------------------------------------


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.name[:5] for path in DECISIONS]
    assert all(re.fullmatch(r"\d{4}-", number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("part", ["Date", "Status", "Context", "Decision", "Consequences"])
def test_a_decision_has_all_its_parts(decision: Path, part: str) -> None:
    assert re.search(rf"^[#*\- ]*{part}\b", decision.read_text(), re.MULTILINE)


# --- What no file may hold ------------------------------------------------------------------------

WITHOUT_ADDRESSES = ("Makefile", "pyproject.toml", ".ci/*", "requirements/*")
_ADDRESS = re.compile(r"https?://|index-url|find-links\s+\S", re.IGNORECASE)
_PLACE = re.compile(
    r"(?<![\w./])/(?:home|root|work|farm|Users)/[A-Za-z.]|(?<![\w./])/tmp/[a-z]|\b[A-Z]:\\Users\\"
)
_MADE = re.compile(r"\.(?!ci$|gitignore$|editorconfig$).*|__pycache__|dist|build|.*\.egg-info")


def addresses_in(text: str) -> list[str]:
    """Lines of a build file that name a host, and so tie it to one network."""
    return [line for line in text.splitlines() if _ADDRESS.search(line)]


def places_in(text: str) -> list[str]:
    """Lines that hold a path which exists on one machine only."""
    return [line for line in text.splitlines() if _PLACE.search(line)]


def files() -> Iterator[Path]:
    """Every file that we keep, without what tools have made."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not _MADE.fullmatch(name)]
        yield from (Path(folder, name) for name in names if not _MADE.fullmatch(name))


def test_build_files_name_no_address() -> None:
    judged = [file for pattern in WITHOUT_ADDRESSES for file in ROOT.glob(pattern)]
    assert {"Makefile", "pyproject.toml", "run", "runtime.txt"} <= {file.name for file in judged}
    assert [line for file in judged for line in addresses_in(file.read_text())] == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    found = [
        f"{name_of(file)}: {line[:120]}"
        for file in files()
        for line in places_in(file.read_text(errors="replace"))
    ]
    assert found == []


def test_addresses_and_places_are_noticed() -> None:
    assert addresses_in("--index-url x\na\nhttps" + "://example.org/simple\n# find-links") == [
        "--index-url x",
        "https" + "://example.org/simple",
    ]
    bad = ["see /ho" + "me/alex/notes", "cp /tm" + "p/x y", "C:\\Us" + "ers\\a"]
    assert places_in("\n".join([*bad, "docs/work/x", "/metrics and ../shared/data"])) == bad
