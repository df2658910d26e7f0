"""What people write about causes, in plain words: does it count, and what kind of reason is it?

The facts are in `causality.toml`. The reading errs on the side of safety: an adverse event of which
nobody could tell the cause counts as caused by treatment.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["OTHER", "REASONS", "counts_as_caused", "kind_of_reason"]

_SEPARATORS = re.compile(r"[\s_-]+")
OTHER = "other"
REASONS = ("toxicity", "weight", "kidney", "rounding", "choice", "logistics", "recovery", OTHER)
"""Kinds of reasons for which a dose is changed."""


class _Words(NamedTuple):
    acquitting: frozenset[str]
    reasons: Mapping[str, str]


@cache
def _words() -> _Words:
    text = resources.files("schemas.terminology").joinpath("causality.toml").read_text("utf-8")
    return words_of(tomllib.loads(text))


def words_of(data: Mapping[str, Mapping[str, Sequence[str]]]) -> _Words:
    """Build the indexes.

    Raises:
        ValueError: a word that both counts and doesn't, or that is two kinds of reason.
    """
    said = data["attribution"]
    does_not, does = {*map(_plain, said["does_not"])}, {*map(_plain, said["counts"])}
    if does_not & (does | {*map(_plain, said["open"])}):
        raise ValueError("a word of attribution that counts and doesn't")
    reasons: dict[str, str] = {}
    for kind, words in data["reasons"].items():
        for word in words:
            if reasons.setdefault(_plain(word), kind) != kind:
                raise ValueError(f"{word} is two kinds of reason")
    return _Words(frozenset(does_not), MappingProxyType(reasons))


def counts_as_caused(attribution: str | None) -> bool:
    """Whether an adverse event counts as caused by a drug.

    Args:
        attribution: of CTEP (five levels), WHO-UMC, or `related`/`not related`; None: nobody said.
    """
    return attribution is None or _plain(attribution) not in _words().acquitting


def kind_of_reason(reason: str) -> str:
    """One of `REASONS` for what was written as the reason of a change of treatment."""
    return _words().reasons.get(_plain(reason), OTHER)


def _plain(word: str) -> str:
    return _SEPARATORS.sub(" ", word.casefold()).strip()
