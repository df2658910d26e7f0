"""Messages put together from parts that are valid already.

What comes from outside is validated field by field. An alert is made of facts that were, and of
the words of a rule that was checked: to validate it once more would cost more than to derive it.
So would a plain observation, whose reader has looked at every part.
Law of this file: whoever uses it gives every field of the message, in its order, and tests validate
what they wrote (`tests/unit/detector/engine/test_writing.py`, `tests/property/test_proof.py`,
`tests/unit/ingest/test_fastdecode.py`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from schemas.base import Model

M = TypeVar("M", bound="Model")

_set = object.__setattr__


def assembled(kind: type[M], fields: dict[str, Any]) -> M:
    """A message of valid parts.

    Args:
        kind: the model.
        fields: every one of them in its order, each of the type that validation would give.
    """
    message = kind.__new__(kind)
    _set(message, "__dict__", fields)
    _set(message, "__pydantic_fields_set__", _names(kind))
    _set(message, "__pydantic_extra__", None)
    _set(message, "__pydantic_private__", None)
    return message


@cache
def _names(kind: type[Model]) -> set[str]:
    return set(kind.model_fields)
