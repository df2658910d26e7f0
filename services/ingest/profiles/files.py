"""Profile files become sources; what is wrong with one is told by file, line, column and hint."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from services.ingest.profiles.meaning import source_of
from services.ingest.profiles.model import SourceProfile
from services.ingest.profiles.sources import Source, Sources
from services.ingest.profiles.words import near
from services.runtime.errors import OperatorError
from services.runtime.yamltext import Mistake, NotYaml, explained, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic import BaseModel

SUFFIXES: Final = (".yaml", ".yml")


class BadProfiles(OperatorError):  # noqa: N818 - it holds every mistake
    """All mistakes of the profiles at once, in the order of the text."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


def load_sources(files: Sequence[Path] = (), folder: Path | None = None) -> Sources:
    """The sources that files, and the files of a folder, declare.

    Args:
        files: profile files.
        folder: of which each `*.yaml` and `*.yml` is one; subfolders are not looked into.

    Raises:
        BadProfiles: mistakes in a file, or files that contradict each other.
    """
    chosen = [*files, *(_files_of(folder) if folder is not None else ())]
    if not chosen:
        return Sources()
    mistakes: list[Mistake] = []
    sources: list[tuple[Path, Source]] = []
    for file in dict.fromkeys(chosen):
        try:
            sources.append((file, source_of(_read(file))))
        except BadProfiles as bad:
            mistakes += bad.mistakes
    mistakes += _contradictions(sources)
    if mistakes:
        raise BadProfiles(mistakes)
    return Sources(tuple(source for _, source in sources))


def read_profile(text: str, file: str) -> SourceProfile:
    """Read one profile.

    Raises:
        BadProfiles: all its mistakes.
    """
    try:
        said = read_yaml(text)
    except NotYaml as error:
        raise BadProfiles([Mistake(file, *error.mark, error.message)]) from None
    if not isinstance(said.value, dict):
        raise BadProfiles([Mistake(file, 1, 1, "expected keys and values, e.g. name: north-lab")])
    try:
        return SourceProfile.model_validate(said.value)
    except ValidationError as error:
        raise BadProfiles(explained(error, said, file, _nearest_key)) from None


def _read(path: Path) -> SourceProfile:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadProfiles([Mistake(str(path), 1, 1, "not UTF-8 text")]) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadProfiles([Mistake(str(path), 1, 1, reason)]) from None
    return read_profile(text, str(path))


def _files_of(folder: Path) -> list[Path]:
    try:
        found = sorted(one for one in folder.iterdir() if one.suffix in SUFFIXES)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadProfiles([Mistake(str(folder), 1, 1, reason)]) from None
    if not found:
        raise BadProfiles([Mistake(str(folder), 1, 1, "no *.yaml file in it")])
    return found


def _nearest_key(path: Sequence[str | int]) -> str:
    return near(str(path[-1]), _keys_of(SourceProfile, path[:-1]))


def _keys_of(model: type[BaseModel], path: Sequence[object]) -> Iterable[str]:
    """The keys that a profile may have at a place."""
    current: Any = model
    for part in path:
        field = current.model_fields.get(part) if isinstance(part, str) else None
        if field is not None:
            inner = getattr(field.annotation, "__args__", (field.annotation,))
            current = inner[0]
    return current.model_fields if hasattr(current, "model_fields") else ()


def _contradictions(sources: Sequence[tuple[Path, Source]]) -> list[Mistake]:
    """Two profiles for one sender, or of one name: each could be the right one."""
    found: list[Mistake] = []
    for (first, one), (second, other) in combinations(sources, 2):
        if one.name == other.name:
            found.append(Mistake(str(second), 1, 1, f"the name {one.name!r} is that of {first}"))
        if any(mine.clashes(theirs) for mine in one.spoken for theirs in other.spoken):
            told = f"a sender could be that of {first} too; make one of them exact"
            found.append(Mistake(str(second), 1, 1, told))
    return found
