"""Parameters and `let` names written out: what the compiler sees has neither."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from services.detector.language.ast import Name, Node, Param
from services.detector.language.errors import RuleError, RuleErrors

if TYPE_CHECKING:
    from services.detector.language.spec import Rule

T = TypeVar("T")


class Substitution:
    """Writes out the parameters and `let` names of one rule."""

    def __init__(self, rule: Rule) -> None:
        """Take the names from the rule; a `let` may use those above it."""
        self._params = {param.name: param.value for param in rule.params}
        self._lets: dict[str, Node] = {}
        for name, node in rule.lets:
            self._lets[name] = self(node)

    def __call__(self, value: T) -> T:
        """The value with every `$param` and `let` name replaced, at any depth."""
        written: T = self._write(value)
        return written

    def _write(self, value: Any) -> Any:
        if isinstance(value, Param):
            if value.name not in self._params:
                raise RuleErrors([RuleError(value.place, f"no parameter ${value.name}")])
            return self._params[value.name]
        if isinstance(value, Name) and value.name in self._lets:
            return self._lets[value.name]
        if isinstance(value, tuple):
            return tuple(self._write(item) for item in value)
        if isinstance(value, Node):
            changed = {
                field.name: new
                for field in fields(value)
                if (new := self._write(old := getattr(value, field.name))) is not old
            }
            return replace(value, **changed) if changed else value
        return value
