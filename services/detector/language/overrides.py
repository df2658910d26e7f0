"""A site's own file: rules switched off, parameters and severities changed, packs left alone.

rules:
  PROST-BCR-RP:
    enabled: false
  PROST-PHOENIX:
    params: {rise: 2.5 ng/mL}
    severity: {confirmed: important}
canary: true                        # also judge by the rule of operations' canary; usually not
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from schemas.base import digest
from services.detector.language.ast import Duration, Node, Place, Quantity
from services.detector.language.checker import check
from services.detector.language.document import Mapping, Scalar, Yaml, read_document
from services.detector.language.errors import RuleError, RuleErrors, joined, unknown
from services.detector.language.fields import Form, Reading
from services.detector.language.frame import read_setting
from services.detector.language.kinds import SHOWN
from services.detector.language.spec import Anchor, Arm, Parameter
from services.detector.language.words import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.detector.language.spec import Rule
    from services.detector.language.vocabulary import Terminology

VERSION_DIGITS: Final = 16


def apply(
    rules: Sequence[Rule], text: str, file: str, terminology: Terminology | None = None
) -> tuple[Rule, ...]:
    """Apply a site's file.

    Args:
        rules: sound rules, as they come.
        text: the site's YAML text; an empty one changes nothing.
        file: its name, for the places of mistakes.
        terminology: what is measured in what; the published tables if not given.

    Returns:
        The rules that are left, in the same order, changed as the site wants them.

    Raises:
        RuleErrors: an unknown rule, parameter, state or tag, a value of another kind, or a change
            that makes a rule senseless; each with its place in the site's file.
    """
    try:
        wanted = _Site(read_document(text, file) if text.strip() else _nothing(file))
    except RuleError as error:
        raise RuleErrors([error]) from None
    wanted.check_ids({rule.id for rule in rules})
    changed = [wanted.changed(rule, terminology) for rule in rules]
    if wanted.reading.errors:
        raise RuleErrors(wanted.reading.errors)
    return tuple(rule for rule in changed if rule is not None)


def wants_canary(text: str, file: str) -> bool:
    """Whether a site's file asks for the canary's rule; `apply` tells what is wrong with it."""
    try:
        return _Site(read_document(text, file) if text.strip() else _nothing(file)).canary
    except RuleError:
        return False


def with_parameters(rule: Rule, values: dict[str, Node]) -> Rule:
    """The rule with other values for some of its parameters.

    A duration in the frame (`confirm: {after: $gap}`) follows its parameter.

    Raises:
        KeyError: the rule has no parameter of that name.
    """
    missing = values.keys() - {p.name for p in rule.params}
    if missing:
        raise KeyError(joined(sorted(missing)))
    if not values:
        return rule
    given = {n: v for n, v in values.items() if isinstance(v, Duration)}

    def follow(part: Any) -> Any:
        if isinstance(part, Duration) and part.param in given:
            new = given[part.param]
            return replace(part, amount=new.amount, unit=new.unit)
        if isinstance(part, Parameter) and part.name in values:
            return replace(part, value=values[part.name])
        return part

    return _rebuilt(rule, follow)  # type: ignore[no-any-return]  # it is what it was


def version(rule: Rule) -> str:
    """Identity of what a rule says, its parameters included.

    Returns:
        16 hex digits, the same for every layout, comment and spelling of a number (`0.20`, `0.2`).
    """
    return digest(_canonical(rule))[:VERSION_DIGITS]


def _canonical(value: object) -> object:
    """Plain lists of what was said.

    Fields left at their default are left out, so that a new field of the language changes no
    version.
    """
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if not is_dataclass(value) or isinstance(value, type):
        return value
    said: list[object] = [type(value).__name__]
    for field in fields(value):
        given = getattr(value, field.name)
        if field.compare and (field.default is MISSING or given != field.default):
            said.append([field.name, _canonical(given)])
    return said


def _rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of a tree of values, with each part changed from below; places stay."""
    if isinstance(value, tuple):
        return tuple(_rebuilt(item, change) for item in value)
    if not is_dataclass(value) or isinstance(value, Place | type):
        return value
    new = {
        field.name: _rebuilt(getattr(value, field.name), change)
        for field in fields(value)
        if field.name not in ("place", "places")
    }
    return change(replace(value, **new))


def _nothing(file: str) -> Mapping:
    return Mapping((), Place(file, 1, 1))


class _Site:
    """The file, read; changes one rule after another."""

    def __init__(self, document: Yaml) -> None:
        self.reading = Reading()
        form = Form(self.reading, document, ("rules", "canary"), "")
        self.canary = form.get("canary", self.reading.truth) is True
        self._wanted = dict(self._entry(*entry) for entry in form.entries("rules"))

    def _entry(self, key: Scalar, node: Yaml) -> tuple[str, tuple[Scalar, Form]]:
        known = ("enabled", "params", "severity")
        return key.text, (key, Form(self.reading, node, known, key.text))

    def check_ids(self, ids: set[str]) -> None:
        """Every rule named has to exist: a misspelt one would stay switched on."""
        for name, (key, _) in self._wanted.items():
            if name not in ids:
                self.reading.wrong(key.place, *unknown("rule", name, ids))

    def changed(self, rule: Rule, terminology: Terminology | None) -> Rule | None:
        """The rule as the site wants it; None when it is switched off."""
        if rule.id not in self._wanted:
            return rule
        key, form = self._wanted[rule.id]
        if form.get("enabled", self.reading.truth) is False:
            return None
        before = len(self.reading.errors)
        values = self._parameters(rule, form)
        new = self._with_severities(with_parameters(rule, values), form)
        if len(self.reading.errors) == before:
            self._still_sound(rule, new, _Blame(rule, values, key.place, terminology))
        return new

    def _parameters(self, rule: Rule, form: Form) -> dict[str, Node]:
        values: dict[str, Node] = {}
        for key, node in form.entries("params"):
            old = rule.parameter(key.text)
            if old is None:
                known = [p.name for p in rule.params]
                self.reading.wrong(key.place, *unknown("parameter", key.text, known))
                continue
            before = len(self.reading.errors)
            value = read_setting(self.reading, node)
            if len(self.reading.errors) == before and type(value) is not type(old.value):
                message = f"{key.text!r} is {_shown(value)}"
                self.reading.wrong(node.place, message, _shown(old.value))
                continue
            values[key.text] = value
        return values

    def _with_severities(self, rule: Rule, form: Form) -> Rule:
        """The site's word counts before the rule's, also before one beside a condition."""
        given: dict[str, str] = {}
        for key, node in form.entries("severity"):
            self.reading.places[f"{rule.id}.severity.{key.text}"] = key.place
            given[key.text] = self.reading.one_of(node, SEVERITIES)

        def own(part: Any) -> Any:
            if isinstance(part, Arm | Anchor) and part.severity and part.tag in given:
                return replace(part, severity=given[part.tag])
            return part

        severity = tuple((dict(rule.severity) | given).items())
        return replace(_rebuilt(rule, own), severity=severity)  # type: ignore[no-any-return]

    def _still_sound(self, old: Rule, new: Rule, blame: _Blame) -> None:
        """What is wrong only now is the site's doing, and is told where the site said it."""
        for error in blame.new_in(new):
            message = f"with this, {old.id} makes no sense: {error.message} ({error.place})"
            place = self._severity_of(new, error) or blame.place_of(error)
            self.reading.wrong(place, message, error.expected)

    def _severity_of(self, rule: Rule, error: RuleError) -> Place | None:
        """Where the site gave a severity to a state or tag that the mistake is about."""
        for path, where in self.reading.places.items():
            key = path.removeprefix(f"{rule.id}.severity.")
            if key != path and repr(key) in error.message:
                return where
        return None


class _Blame:
    """Which of a site's values makes a rule senseless: the one that does so alone."""

    def __init__(
        self, rule: Rule, values: dict[str, Node], place: Place, terminology: Terminology | None
    ) -> None:
        self._rule = rule
        self._values = values
        self._place = place
        self._terminology = terminology
        self._known = {(e.place, e.message) for e in check(rule, terminology)}

    def new_in(self, rule: Rule) -> list[RuleError]:
        """Mistakes that the pack itself doesn't have."""
        found = check(rule, self._terminology)
        return [e for e in found if (e.place, e.message) not in self._known]

    def place_of(self, error: RuleError) -> Place:
        """Where the guilty value stands; the rule's name if only several together are guilty."""
        for name, value in self._values.items():
            alone = self.new_in(with_parameters(self._rule, {name: value}))
            if any((e.place, e.message) == (error.place, error.message) for e in alone):
                return value.place
        return self._place


def _shown(value: Node) -> str:
    if isinstance(value, Quantity):
        return SHOWN["number"]
    return SHOWN["duration"] if isinstance(value, Duration) else SHOWN["word"]
