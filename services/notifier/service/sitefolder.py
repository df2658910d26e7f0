"""A site's folder: its teams, its channels, and the key from which references are made.

FOLDER/teams/          as `salvage route --teams` reads it
FOLDER/channels.yaml   see docs/channels.md
FOLDER/site.key        made at the first start, if it isn't there
FOLDER/research.yaml   what is shared with research; without it nothing is
"""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from services.notifier.cases.site import Site
from services.notifier.channels.loading import FILE_NAME, load_channels
from services.notifier.research.settings import FILE_NAME as RESEARCH
from services.notifier.research.settings import load_sharing
from services.notifier.roster.loading import load_house
from services.notifier.store import meta
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from services.notifier.channels.loading import Channels
    from services.notifier.research.settings import Sharing
    from services.notifier.roster.teams import Teams
    from services.notifier.store.database import Database

TEAMS: Final = "teams"
KEY: Final = "site.key"
_BYTES: Final = 32
_MARK: Final = "site-key"


class Folder(NamedTuple):
    """What a site's folder says."""

    site: Site
    teams: Teams
    channels: Channels
    sharing: Sharing | None


def read_folder(folder: Path) -> Folder:
    """Read a site's folder.

    Raises:
        OperatorError: all mistakes of the file that has any.
    """
    house = load_house(folder / TEAMS)
    channels = load_channels(folder / FILE_NAME)
    sharing = load_sharing(folder / RESEARCH)
    site = Site(house.policy, house.teams, _key(folder / KEY))
    return Folder(site, house.teams, channels, sharing)


def _key(path: Path) -> bytes:
    """The site's key; made of chance if there is none yet."""
    try:
        if not path.exists():
            _make(path)
        found = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise OperatorError(f"--site: {KEY}: {error.strerror}") from error
    except ValueError:
        found = b""
    if len(found) < _BYTES:
        raise OperatorError(f"--site: {KEY}: expected {2 * _BYTES} hexadecimal digits or more")
    return found


def _make(path: Path) -> None:
    """All of it or nothing, for its owner alone; whoever comes second uses the first one's."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secrets.token_hex(_BYTES) + "\n")
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()


def same_key(database: Database, key: bytes) -> None:
    """Make sure that all notifiers of a database call a case by the same name.

    Raises:
        OperatorError: the database was begun with another key.
    """
    mark = hashlib.sha256(b"salvage-watch " + key).hexdigest()
    with database.transaction() as connection:
        found = meta.agree(connection, _MARK, mark)
    if found != mark:
        raise OperatorError(f"--site: {KEY}: another key than this database was begun with")
