"""One preferred term for what is reported under several words or codes.

The facts are in `adverse_events.toml`. "The same adverse event" has to be told when it is reported
once as `SGPT increased` and then by its code.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["preferred_term"]

_SEPARATORS = re.compile(r"[\s_-]+")


@lru_cache(maxsize=4096)
def preferred_term(term: str, code: Any = None) -> str:
    """The preferred term, in lower case; a term that is in no table stands for itself.

    Args:
        term: as reported: a lower-level term, a CTCAE short name.
        code: its coding (`schemas.events.Coding`, MedDRA), which outweighs the words.
    """
    index, plain = _index(), _plain(term)
    known = None if code is None else index.get(code.code)
    return known or index.get(plain, plain)


@cache
def _index() -> Mapping[str, str]:
    text = resources.files("schemas.terminology").joinpath("adverse_events.toml").read_text("utf-8")
    return index_of(tomllib.loads(text))


def index_of(data: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
    """Words and codes, each with its preferred term.

    Raises:
        ValueError: a word that stands for two of them.
    """
    found: dict[str, str] = {}
    for preferred, row in data["terms"].items():
        name = _plain(preferred)
        for word in (preferred, *row.get("names", ()), *row.get("codes", ())):
            if found.setdefault(_plain(word), name) != name:
                raise ValueError(f"{word} stands for two adverse events")
    return MappingProxyType(found)


def _plain(word: str) -> str:
    return _SEPARATORS.sub(" ", word.casefold()).strip()
