"""What a coded result says: positive or negative by whatever word, and which organism grew.

The facts are in `coded.toml`. Laboratories write `neg`, `Not detected` or a SNOMED CT code for one
and the same thing; a word that stands in no table stands for itself and is never guessed at.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Organism", "all_organisms", "finding", "organism"]

_T = TypeVar("_T")
_SEPARATORS = re.compile(r"[\s_.-]+")


@dataclass(frozen=True, slots=True)
class Organism:
    """What may grow in a culture, or be seen in its smear.

    key: our name. title: for people. genus: in lower case, None for a mere shape (`GPC_clusters`).
    names, codes: what else stands for it.
    """

    key: str
    title: str
    genus: str | None = None
    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class _Words(NamedTuple):
    findings: Mapping[str, str]
    organisms: Mapping[str, Organism]


@cache
def _words() -> _Words:
    text = resources.files("schemas.terminology").joinpath("coded.toml").read_text("utf-8")
    return words_of(tomllib.loads(text))


def words_of(data: Mapping[str, Mapping[str, Any]]) -> _Words:
    """Build the indexes.

    Raises:
        ValueError: a word that stands for two things.
    """
    findings: dict[str, str] = {}
    organisms: dict[str, Organism] = {}
    for name, words in data["findings"].items():
        for word in dict.fromkeys([name, *words]):
            _put(findings, word, name)
    for key, row in data["organisms"].items():
        one = _organism_of(key, row)
        for word in (one.key, *one.names, *one.codes):
            _put(organisms, word, one)
    both = findings.keys() & organisms.keys()
    if both:
        raise ValueError(f"{sorted(both)} stand for a finding and an organism")
    return _Words(MappingProxyType(findings), MappingProxyType(organisms))


def _organism_of(key: str, row: Mapping[str, Any]) -> Organism:
    """One table of the file; an unknown key in it is an error of ours, raised as TypeError."""
    given = dict(row)
    names, codes = tuple(given.pop("names", ())), tuple(given.pop("codes", ()))
    return Organism(key=key, names=names, codes=codes, **given)


def _put(index: dict[str, _T], word: str, meaning: _T) -> None:
    plain = _plain(word)
    if plain in index:
        raise ValueError(f"{word} stands for two things in the table of coded results")
    index[plain] = meaning


def _plain(word: str) -> str:
    """Without what laboratories write in different ways: case, dots, hyphens, underscores."""
    return _SEPARATORS.sub(" ", word.casefold()).strip()


def finding(code: str) -> str | None:
    """`positive`, `negative`, `contaminated` or `indeterminate`; None for any other word."""
    return _words().findings.get(_plain(code))


def organism(code: str) -> Organism | None:
    """The organism of that key, name or code; None for one that we don't know."""
    return _words().organisms.get(_plain(code))


def all_organisms() -> tuple[Organism, ...]:
    """Every organism, in the order of the table."""
    return tuple(dict.fromkeys(_words().organisms.values()))
