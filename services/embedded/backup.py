"""A data folder at one moment, as files that can be carried away: made, looked through, put back.

Laws of this file:
- what is restored has lost nothing that its own files speak of: whatever says how far something
  was read is copied before what was read, and that only grows;
- a backup is whole or not there, and says what it holds: `MANIFEST.json` lists each file's digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from io import BytesIO
from typing import TYPE_CHECKING, Final

from schemas.base import digest
from services.embedded.copies import copied, damage
from services.embedded.folder import NOTIFIER
from services.embedded.readonly import reading
from services.embedded.replays import FILE_NAME as REPLAYS
from services.embedded.schema import STEPS
from services.embedded.store import FILE_NAME as STORE
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.journal import VERSION
from services.runtime.errors import OperatorError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from services.runtime.clock import Clock

MANIFEST: Final = "MANIFEST.json"
FORMAT: Final = 1
_CURSORS: Final = "polling-*.json"
_IN_ORDER: Final = (NOTIFIER, STORE, REPLAYS, JOURNAL)
"""The notifier's database says how far the store was read, and the store of the other two; before
them the cursors of FHIR polling."""
_KNOWN: Final = {STORE: len(STEPS), JOURNAL: VERSION}
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """One file of a backup. `tables` is the version of its tables, 0 where it has none."""

    name: str
    size: int
    sha256: str
    tables: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `at`: when it was begun, microseconds UTC."""

    at: int
    software: str
    files: tuple[Kept, ...]


# ---------------------------------------------------------------- making one


def back_up(folder: Path, target: Path, clock: Clock) -> Manifest:
    """Copy a data folder while others work in it.

    Args:
        folder: of `salvage run` or `salvage ingest`.
        target: a folder that is not there yet; it is there when all of it is on the disk.
        clock: says when.

    Raises:
        OperatorError: there is nothing to back up, the target is there, or can't be made.
        Unavailable: a file can't be read or written, or its copy is damaged.
    """
    names = list(_names(folder))
    if not names:
        raise OperatorError("--data: there is neither a store nor a journal")
    part, at = _begun(target), clock.now()
    try:
        files = tuple(_kept(folder, part, name) for name in names)
        manifest = Manifest(at, version("salvage-watch"), files)
        _write(part / MANIFEST, BytesIO(_text(manifest)))
        _sync(part)
        part.rename(target)
        _sync(target.parent)
    except OSError as error:
        raise Unavailable(f"the backup cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _names(folder: Path) -> Iterator[str]:
    yield from sorted(path.name for path in folder.glob(_CURSORS))
    yield from (name for name in _IN_ORDER if (folder / name).exists())


def _begun(target: Path) -> Path:
    if target.exists():
        raise OperatorError("the backup's folder is there already; name another one")
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        part.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise OperatorError(f"the backup's folder cannot be made: {error.strerror}") from error
    return part


def _kept(folder: Path, part: Path, name: str) -> Kept:
    copy = part / name
    if name in _IN_ORDER:
        copied(folder / name, copy)
        _sound(copy)
    else:
        _write(copy, BytesIO((folder / name).read_bytes()))
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    return Kept(name, copy.stat().st_size, _sha256(copy), _tables(copy))


def _sound(path: Path) -> None:
    with reading(path) as db:
        found = damage(db)
    if found:
        raise Unavailable(f"{path.name}: {found}")


def _tables(path: Path) -> int:
    if path.name not in _KNOWN:
        return 0
    with reading(path) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


# ---------------------------------------------------------------- looking one through


def checked(backup: Path) -> Manifest:
    """Make sure that a backup is what it was when it was made, and that we can use it.

    Raises:
        OperatorError: it isn't; the file is named.
    """
    manifest = _read(backup / MANIFEST)
    for one in manifest.files:
        path = backup / one.name
        if not path.is_file():
            raise OperatorError(f"{one.name}: missing in the backup")
        if path.stat().st_size != one.size or _sha256(path) != one.sha256:
            raise OperatorError(f"{one.name}: not what was backed up")
        if one.tables > _KNOWN.get(one.name, 0):
            raise OperatorError(f"{one.name}: backed up by a newer version of salvage-watch")
    return manifest


def _read(path: Path) -> Manifest:
    try:
        told = json.loads(path.read_bytes())
        seal, form = told.pop("seal"), told.pop("format")
        files = tuple(Kept(**one) for one in told.pop("files"))
        manifest = Manifest(files=files, **told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError(f"{MANIFEST}: not the list of a backup of ours") from error
    if form != FORMAT or seal != _seal(manifest):
        raise OperatorError(f"{MANIFEST}: of another release, or changed")
    return manifest


def _text(manifest: Manifest) -> bytes:
    told = {"format": FORMAT, "seal": _seal(manifest), **asdict(manifest)}
    return json.dumps(told, indent=2).encode() + b"\n"


def _seal(manifest: Manifest) -> str:
    """A digest of the list itself: a line that is lost must show."""
    return digest(json.dumps(asdict(manifest), sort_keys=True))


# ---------------------------------------------------------------- putting one back


def restore(backup: Path, folder: Path) -> Manifest:
    """Put a backup into a folder where nothing is.

    Raises:
        OperatorError: the backup is not whole, or something is in the folder.
        Unavailable: it can't be written; nothing is there then.
    """
    manifest = checked(backup)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OperatorError("--data: something is there; move it away first, and keep it")
    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    try:
        part.mkdir(mode=0o700, parents=True)
        for one in manifest.files:
            with (backup / one.name).open("rb") as file:
                _write(part / one.name, file)
            if _sha256(part / one.name) != one.sha256:
                raise Unavailable(f"{one.name}: not what was read")
        _sync(part)
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        raise Unavailable(f"the folder cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _write(path: Path, content: BinaryIO) -> None:
    """A file for its owner alone, on the disk."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        shutil.copyfileobj(content, file, _BLOCK)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
