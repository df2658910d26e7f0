"""What a site shares with research: nothing, unless its folder has a `research.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, ValidationError

from services.notifier.channels.settings import FOLDER, File, Part, read_secret
from services.runtime.errors import OperatorError
from services.runtime.yamltext import NotYaml, explained, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME: Final = "research.yaml"
_BYTES: Final = 32


class Settings(Part):
    """The file.

    Attributes:
        rules: ids of the rules whose findings are shared.
        conditions: those of whose courses they are shared.
        key_file: secret from which pseudonyms and shifts are made; of this feed alone.
        shift_days: dates move by so many days at most (CHOICE: half a year), and by one at least.
    """

    rules: Annotated[frozenset[str], Field(min_length=1)]
    conditions: Annotated[frozenset[str], Field(min_length=1)]
    key_file: File
    shift_days: Annotated[int, Field(ge=30, le=3650)] = 182


@dataclass(frozen=True, slots=True)
class Sharing:
    """What is shared, and the secret."""

    rules: frozenset[str]
    conditions: frozenset[str]
    shift_days: int
    key: bytes = field(repr=False)

    def covers(self, rule: str, condition: str) -> bool:
        """Whether findings of a rule in courses of a condition are shared."""
        return rule in self.rules and condition in self.conditions


def load_sharing(path: Path) -> Sharing | None:
    """Read a site's file; None if it has none, and shares nothing.

    Raises:
        OperatorError: all its mistakes, or the key can't be used.
    """
    if not path.exists():
        return None
    try:
        text = read_yaml(path.read_text(encoding="utf-8"))
        found = Settings.model_validate(text.value, context={FOLDER: path.parent})
    except NotYaml as error:
        raise OperatorError(f"{path.name}: {error.message}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path.name}: cannot be read: {type(error).__name__}") from None
    except ValidationError as error:
        raise OperatorError("\n".join(map(str, explained(error, text, path.name)))) from None
    return Sharing(found.rules, found.conditions, found.shift_days, _key(found.key_file))


def _key(path: Path) -> bytes:
    try:
        found = bytes.fromhex(read_secret(path, f"{FILE_NAME}: key_file"))
    except ValueError:
        found = b""
    if len(found) < _BYTES:
        told = f"expected {2 * _BYTES} hexadecimal digits or more"
        raise OperatorError(f"{FILE_NAME}: key_file: {told}")
    return found
