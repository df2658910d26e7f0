"""A folder of files becomes teams; all its mistakes are told at once, by file, line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from services.notifier.roster.careteam import read_care_team
from services.notifier.roster.icalendars import read_calendar
from services.notifier.roster.model import Member, SiteFile, TeamFile
from services.notifier.roster.rotas import Always, Rota, Weekly
from services.notifier.roster.teams import Team, Teams
from services.runtime.errors import OperatorError
from services.runtime.yamltext import Mistake, NotYaml, Text, explained, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from services.notifier.cases.policy import Policy
    from services.notifier.cases.words import Duty
    from services.notifier.roster.model import RotaFile, Swap, WeeklyShift
    from services.notifier.roster.rotas import Calendar

SITE_FILE: Final = "site.yaml"
_STRANGER: Final = "expected the id of a member of one of the teams"
Model = TypeVar("Model", bound=BaseModel)


class BadRoster(OperatorError):  # noqa: N818 - it holds every mistake
    """All mistakes of a folder, in the order of their places."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(map(str, self.mistakes)))


class House(NamedTuple):
    """What a folder says."""

    teams: Teams
    policy: Policy


class _File(NamedTuple):
    """A team's file as read, with where its values stand."""

    path: Path
    text: Text
    said: TeamFile
    members: tuple[Member, ...]

    def mistake(self, message: str, *path: str | int) -> Mistake:
        """A mistake at a place of this file."""
        return Mistake(str(self.path), *self.text.place(path), message)


def load_house(folder: Path) -> House:
    """Read the teams of a folder, and its `site.yaml`.

    Args:
        folder: each `*.yaml` in it but `site.yaml` is a team; calendars and FHIR care teams stand
            beside the file that names them.

    Raises:
        BadRoster: all mistakes.
    """
    mistakes: list[Mistake] = []
    site = _site(folder / SITE_FILE, mistakes)
    files = [_team_file(path, mistakes) for path in _paths(folder)]
    found = [each for each in files if each is not None]
    mistakes += _contradictions(folder, found, whole=len(found) == len(files))
    names = frozenset(member.id for each in found for member in each.members)
    teams = [_team(each, names, mistakes) for each in found]
    if mistakes or site is None:
        raise BadRoster(mistakes)
    return House(Teams(site.time_zone, tuple(teams)), site.policy)


def _paths(folder: Path) -> list[Path]:
    try:
        found = sorted(one for one in folder.iterdir() if one.suffix in (".yaml", ".yml"))
    except OSError as error:
        raise BadRoster([_unreadable(folder, error)]) from None
    teams = [one for one in found if one.name != SITE_FILE]
    if not teams:
        raise BadRoster([Mistake(str(folder), 1, 1, "expected a *.yaml file for each team")])
    return teams


def _site(path: Path, mistakes: list[Mistake]) -> SiteFile | None:
    found = _parsed(path, SiteFile, mistakes)
    return found[0] if found else None


def _team_file(path: Path, mistakes: list[Mistake]) -> _File | None:
    found = _parsed(path, TeamFile, mistakes)
    if found is None:
        return None
    said, text = found
    file = _File(path, text, said, said.members)
    if said.care_team is None:
        return file
    told = _text(path.parent / said.care_team, mistakes)
    members = read_care_team(told, str(path.parent / said.care_team)) if told is not None else []
    mistakes += [each for each in members if isinstance(each, Mistake)]
    named = {each.id for each in said.members}
    more = [each for each in members if isinstance(each, Member) and each.id not in named]
    return file._replace(members=(*said.members, *more))


def _parsed(path: Path, model: type[Model], mistakes: list[Mistake]) -> tuple[Model, Text] | None:
    text = _text(path, mistakes)
    if text is None:
        return None
    try:
        read = read_yaml(text)
    except NotYaml as error:
        mistakes.append(Mistake(str(path), *error.mark, error.message))
        return None
    try:
        return model.model_validate(read.value), read
    except ValidationError as error:
        mistakes += explained(error, read, str(path))
        return None


def _text(path: Path, mistakes: list[Mistake]) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        mistakes.append(Mistake(str(path), 1, 1, "expected UTF-8 text"))
    except OSError as error:
        mistakes.append(_unreadable(path, error))
    return None


def _unreadable(path: Path, error: OSError) -> Mistake:
    return Mistake(str(path), 1, 1, error.strerror or type(error).__name__)


def _contradictions(folder: Path, files: list[_File], *, whole: bool) -> Iterator[Mistake]:
    """What two files say and only one may; and what none says and one must."""
    for what in ("team", "member", "desk", "condition", "care team", "default"):
        seen: dict[str, Path] = {}
        for file in files:
            for name, path in _claims(file, what):
                if name in seen:
                    told = f"{what} {name}: that of {seen[name].name}"
                    yield file.mistake(told, *path)
                seen.setdefault(name, file.path)
    if whole and not any(file.said.default for file in files):
        yield Mistake(str(folder), 1, 1, "expected `default: true` in one team's file")


def _claims(file: _File, what: str) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    said = file.said
    match what:
        case "team":
            yield said.team, ("team",)
        case "member":
            yield from ((one.id, ("members", at, "id")) for at, one in enumerate(file.members))
        case "desk":
            yield said.desk.id, ("desk", "id")
        case "condition":
            for at, name in enumerate(said.covers.conditions):
                yield name, ("covers", "conditions", at)
        case "care team":
            for at, name in enumerate(said.covers.care_teams):
                yield name, ("covers", "care_teams", at)
        case _:
            yield from (("team", ("default",)) for _ in range(said.default))


def _team(file: _File, names: frozenset[str], mistakes: list[Mistake]) -> Team:
    rotas: dict[Duty, Rota] = {}
    for duty, rota in file.said.on_call.items():
        mistakes += _strangers(file, duty, rota, names)
        calendar = _calendar(file, rota, names, mistakes)
        if calendar is not None:
            rotas[duty] = Rota(calendar, rota.swaps, file.said.time_zone)
    return Team(file.said, rotas, file.members)


def _calendar(
    file: _File, rota: RotaFile, names: frozenset[str], mistakes: list[Mistake]
) -> Calendar | None:
    if rota.always is not None:
        return Always(rota.always)
    if rota.weekly is not None:
        return Weekly(rota.weekly, file.said.time_zone)
    path = file.path.parent / str(rota.calendar)
    text = _text(path, mistakes)
    found = [] if text is None else read_calendar(text, str(path), file.said.time_zone, names)
    if isinstance(found, list):
        mistakes += found
        return None
    return found


def _strangers(file: _File, duty: str, rota: RotaFile, names: frozenset[str]) -> Iterator[Mistake]:
    """Names in a rota that are no member's of any team."""
    lists: dict[str, Sequence[WeeklyShift | Swap]]
    lists = {"weekly": rota.weekly or (), "swaps": rota.swaps}
    for key, shifts in lists.items():
        for at, shift in enumerate(shifts):
            if shift.member not in names:
                yield file.mistake(_STRANGER, "on_call", duty, key, at, "member")
    if rota.always is not None and rota.always not in names:
        yield file.mistake(_STRANGER, "on_call", duty, "always")
