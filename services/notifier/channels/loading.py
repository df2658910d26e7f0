"""The channels' file becomes channels; all its mistakes are told at once, by line and column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import ValidationError

from services.notifier.channels.registry import known, settings_of
from services.notifier.channels.settings import FOLDER, ChannelSettings
from services.runtime.errors import OperatorError
from services.runtime.yamltext import KEY, Mistake, NotYaml, Path, Text, explained, read_yaml

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable

    from services.notifier.channels.contract import Channel
    from services.notifier.channels.service import Service
    from services.notifier.channels.settings import ServiceSettings

    Found = ChannelSettings | ServiceSettings

FILE_NAME: Final = "channels.yaml"
"""In the site's folder. It is no team, so teams are read from a folder of their own."""
_TOP: Final = "channels"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SECRETS: Final = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)


class BadChannels(OperatorError):  # noqa: N818 - it holds every mistake
    """All mistakes of a file, in the order of their places."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


class Channels(NamedTuple):
    """What a site has: channels that carry, and services that are asked. None is open yet."""

    channels: tuple[Channel, ...]
    services: tuple[Service, ...]


def load_channels(path: pathlib.Path) -> Channels:
    """Read a site's channels.

    Args:
        path: the file; names of files in it are relative to its folder.

    Raises:
        BadChannels: all mistakes.
    """
    found = load_settings(path)
    carry = {name: one for name, one in found.items() if isinstance(one, ChannelSettings)}
    asked = {name: one for name, one in found.items() if not isinstance(one, ChannelSettings)}
    return Channels(
        tuple(one.channel(name) for name, one in carry.items()),
        tuple(one.service(name) for name, one in asked.items()),
    )


def load_settings(path: pathlib.Path) -> dict[str, Found]:
    """The settings of each channel by its name.

    Raises:
        BadChannels: all mistakes.
    """
    text = _read(path)
    sections = text.value.get(_TOP) if isinstance(text.value, dict) else None
    if not isinstance(sections, dict) or len(text.value) != 1:
        raise BadChannels([_mistake(path, text, (), "expected one key, `channels`, with sections")])
    mistakes: list[Mistake] = []
    found = {
        name: one
        for name, section in sections.items()
        if (one := _section(name, section, text, path, mistakes)) is not None
    }
    if mistakes:
        raise BadChannels(mistakes)
    return found


def _read(path: pathlib.Path) -> Text:
    try:
        return read_yaml(path.read_text(encoding="utf-8"))
    except NotYaml as error:
        raise BadChannels([Mistake(str(path), *error.mark, error.message)]) from None
    except UnicodeDecodeError:
        raise BadChannels([Mistake(str(path), 1, 1, "expected UTF-8 text")]) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadChannels([Mistake(str(path), 1, 1, reason)]) from None


def _section(
    name: str, section: object, text: Text, file: pathlib.Path, mistakes: list[Mistake]
) -> Found | None:
    path: Path = (_TOP, name)
    kind = section.get("type") if isinstance(section, dict) else None
    if not _NAME.fullmatch(name):
        told = "expected a name of a-z, 0-9 and hyphens"
        mistakes.append(_mistake(file, text, (*path, KEY), told))
    elif kind not in known():
        told = f"type: expected one of {', '.join(known())}"
        mistakes.append(_mistake(file, text, (*path, "type"), told))
    else:
        try:
            return settings_of(str(kind)).model_validate(
                section, context={FOLDER: file.parent.resolve()}
            )
        except ValidationError as error:
            mistakes += _explained(error, text, path, file)
    return None


def _explained(
    error: ValidationError, text: Text, path: Path, file: pathlib.Path
) -> Iterable[Mistake]:
    """What a section's model says, at its places in the whole file."""
    inside = Text(text.value, {at[2:]: mark for at, mark in text.places.items() if at[:2] == path})
    return explained(error, inside, str(file), _hint)


def _hint(path: Path) -> str:
    """Whoever writes a secret into the settings learns where it belongs."""
    name = str(path[-1])
    return "; a secret stands in a file, named by a key that ends in `_file`" * bool(
        _SECRETS.search(name)
    )


def _mistake(file: pathlib.Path, text: Text, path: Path, message: str) -> Mistake:
    return Mistake(str(file), *text.place(path), message)
