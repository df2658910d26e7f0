"""The copy of the changelog on the disk: a beginning of it, or a complaint; never anything else."""

from __future__ import annotations

import shutil
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from services.detector.adapters.rows import Head, Row, key_of, numbered, prefix_of
from services.detector.adapters.shelf import Shelf
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOG = [(f"HOSP|{number % 7}", 1 + number // 7) for number in range(700)]


def record(patient_id: str, number: int, place: str = "t@1") -> tuple[bytes, bytes]:
    head = Head(number, 0, None, None, "rules", "d" * 200)
    value = Row(head, place).to_bytes()
    return key_of(patient_id, number, value), value


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a process leaves it that was killed: what is older in tables, what is new in a log."""
    alive, killed = tmp_path_factory.mktemp("shelf") / "alive", tmp_path_factory.mktemp("killed")
    for part in (LOG[:500], LOG[500:]):
        shelf = Shelf(alive)
        for patient_id, number in part:
            shelf.add(shelf.end, *record(patient_id, number))
        if part[-1] is LOG[-1]:
            shutil.copytree(alive, killed, dirs_exist_ok=True)
        shelf.close()
    return killed


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    found = Shelf(tmp_path / "new" / "shelf")
    yield found
    found.close()


def test_a_new_one_is_empty(shelf: Shelf) -> None:
    assert shelf.end == 0
    assert shelf.starting(b"") == []
    assert list(shelf.newest()) == []


def test_it_has_what_was_put_there_when_it_is_opened_again(stock: Path, tmp_path: Path) -> None:
    shelf = Shelf(shutil.copytree(stock, tmp_path / "shelf"))
    assert shelf.end == len(LOG)
    theirs = shelf.starting(prefix_of("HOSP|3"))
    assert theirs == [record("HOSP|3", number) for number in range(1, 101)], "by number"
    assert shelf.starting(prefix_of("HOSP|")) == []
    newest = {name: head.number for name, head in shelf.newest()}
    assert newest == {f"HOSP|{number}": 100 for number in range(7)}
    shelf.close()


def test_of_two_rows_with_one_number_the_first_stays(shelf: Shelf) -> None:
    first, other = record("HOSP|1", 1), record("HOSP|1", 1, "t@2")
    for offset, one in enumerate((first, other, first)):
        shelf.add(offset, *one)
    assert shelf.starting(numbered("HOSP|1", 1)) == [first]
    assert shelf.end == 3


def test_two_processes_cannot_share_it(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.end == 0
    with pytest.raises(OperatorError, match="another process uses the folder"):
        Shelf(tmp_path / "new" / "shelf")


@pytest.mark.parametrize("seed", range(24))
def test_damaged_files_are_refused_or_hold_a_beginning(
    seed: int, stock: Path, tmp_path: Path
) -> None:
    """As a worker finds them: some places are read at the start, others later."""
    random = Random(seed)  # noqa: S311 - no secrets
    path = shutil.copytree(stock, tmp_path / "shelf")
    files = {one.suffix: one for one in path.iterdir() if one.stat().st_size > 10_000}
    damaged = files[(".sst", ".log")[seed % 2]]
    with damaged.open("r+b") as file:
        for _ in range(6):
            file.seek(random.randrange(damaged.stat().st_size))
            file.write(random.randbytes(3))
    try:
        shelf = Shelf(path)
        found = shelf.starting(b"HOSP|")
        heads = dict(shelf.newest())
    except OperatorError as error:
        assert "damaged; remove the folder" in str(error)  # noqa: PT017 - one of two good ends
    else:
        assert found == sorted(record(*one) for one in LOG[: shelf.end])
        assert {name: head.number for name, head in heads.items()} == dict(LOG[: shelf.end])
        shelf.close()


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("IO error: No space left on device: While appending", "the disk is full"),
        ("IO error: While open a file for appending: Permission denied", "can't be written"),
        ("Corruption: block checksum mismatch", "damaged; remove the folder"),
    ],
)
def test_what_is_wrong_with_the_disk_is_said_in_our_words(
    said: str, advice: str, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Exception(said)  # noqa: TRY002 - as theirs are

    whole = shelf._db  # noqa: SLF001
    monkeypatch.setattr(shelf, "_db", SimpleNamespace(write=fails, iter=whole.iter))
    with pytest.raises(OperatorError, match=advice) as caught:
        shelf.add(0, *record("HOSP|1", 1))
    assert said not in str(caught.value)
    assert shelf.end == 0
    monkeypatch.undo()
