"""Escape sequences: how a text says a character that would be taken for a delimiter.

Source: HL7 v2.8.2 §2.7 (H). An unknown or broken sequence stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.remembered import Memo

if TYPE_CHECKING:
    from services.ingest.hl7v2.delimiters import Delimiters


def unescaped(text: str, marks: Delimiters, charset: str) -> str:
    """A text with what its escape sequences stand for.

    Args:
        text: of a field or of a part of it.
        marks: the message's delimiters.
        charset: Python's name of its character set.
    """
    mark = marks.escape
    if not mark or mark not in text:
        return text
    pattern = re.compile(re.escape(mark) + r"([^\r\n]*?)" + re.escape(mark))
    return pattern.sub(lambda match: _meaning(match, marks, charset), text)


def _meaning(match: re.Match[str], marks: Delimiters, charset: str) -> str:
    code, whole = match.group(1), match.group(0)
    named = _MEANINGS[marks].get(code)
    if named is not None:
        return named
    if code.startswith("X"):
        return _hex(code[1:], charset, whole)
    if re.fullmatch(r"\.(sp|in|ti|sk|ce)[+-]?\d*", code):
        return " "
    return whole


def _hex(digits: str, charset: str, whole: str) -> str:
    r"""The text of `\Xhh..\` in the message's own character set."""
    try:
        return bytes.fromhex(digits).decode(charset)
    except ValueError:
        return whole


def _meanings(marks: Delimiters) -> dict[str, str]:
    return {
        "F": marks.field,
        "S": marks.component,
        "T": marks.subcomponent,
        "R": marks.repetition,
        "E": marks.escape,
        "P": marks.truncation,
        "H": "",
        "N": "",
        ".br": "\n",
        ".fi": "",
        ".nf": "",
    }


_MEANINGS = Memo(_meanings, 256)
