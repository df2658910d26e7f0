"""What a rule says, once read from its file: frozen values, no behaviour.

`reader` makes these from YAML, `checker` proves them sound, `compiler` turns them into
operators of the engine. `docs/rule-language.md` explains every field for authors.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from services.detector.language.ast import NOWHERE, Duration, Node, Place


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or choice that a site may override."""

    name: str
    value: Node  # Quantity, Duration or Name
    about: str = ""
    confidence: str | None = None  # "H", "C", "CHOICE", "E"
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Series:
    """Facts that a rule reads, under a name.

    kind: "observation", "imaging", "treatment", "adverse_event".
    Observations: `analytes`. Imaging: `modalities` (DICOM), `criteria`. Treatments: `modalities`,
    `phases`, `regimens`, and `own`: facts of the rule's own course only. Adverse events: `terms`.
    `since`: only facts on or after this time are seen at all. `unless`: facts for which this
    condition holds are not seen at all.
    """

    name: str
    kind: str
    analytes: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    regimens: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    own: bool = False
    since: Node | None = None
    unless: Node | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Arm:
    """One way in which a criterion can hold: a condition, and what it is then called."""

    when: Node
    tag: str | None = None
    grade: int | None = None
    severity: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Confirm:
    """How a suspicion becomes a confirmed finding.

    after: least time between the first qualifying fact and the confirming one.
    more_than: the same, but strictly longer.
    within: most time between them; then the suspicion lapses.
    gap: longest time between two neighbouring samples of the run; a longer one starts it anew.
    not_before: no confirmation before this time.
    when: what the confirming fact must fulfil; the `suspect` conditions if not given.
    across_lines: the confirming fact may come after the next line has begun.
    """

    after: Duration | None = None
    more_than: Duration | None = None
    within: Duration | None = None
    gap: Duration | None = None
    not_before: Node | None = None
    when: Node | None = None
    tag: str | None = None
    across_lines: bool = False


@dataclass(frozen=True, slots=True)
class Refute:
    """What takes a suspicion (or, with `confirmed: true`, a confirmed finding) back."""

    when: Node
    after: Duration | None = None
    confirmed_tag: str | None = None  # only a confirmed finding with this tag
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Milestone:
    """Only the first usable fact in a period is judged; none at all is overdue at its end."""

    start: Node
    end: Node
    missing: str | None = None  # tag of the overdue entry; None: absence is not reported


@dataclass(frozen=True, slots=True)
class Pattern:
    """Judged at each fact of `each`: suspected, confirmed at once, or confirmed by a later one."""

    name: str
    each: tuple[str, ...]
    given: Node | None = None  # `if`: facts for which this is not true are passed over
    suspect: tuple[Arm, ...] = ()
    confirmed: tuple[Arm, ...] = ()
    confirm: Confirm | None = None
    refute: tuple[Refute, ...] = ()
    reset: Node | None = None
    milestone: Milestone | None = None
    tags: tuple[Arm, ...] = ()  # tag added to a confirmed finding when the condition holds
    place: Place = field(default=NOWHERE, compare=False)
    never_refuted: bool = False  # `refute: never`: not even by a fact that does not qualify


@dataclass(frozen=True, slots=True)
class Tiers:
    """A level that only goes up; each rise is an entry. Arms are in rising order."""

    name: str
    each: tuple[str, ...]
    arms: tuple[Arm, ...]
    state: str = "window"  # or "confirmed"
    given: Node | None = None
    rearm: Duration | None = None  # so long without any tier: the next one opens a new episode
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What starts a deadline: the clock, or a fact of a series for which `when` holds.

    valid_from, due: times; in them `date` is the anchor's date.
    """

    series: str | None  # None: the clock
    due: Node
    valid_from: Node | None = None
    when: Node | None = None
    tag: str | None = None
    severity: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """Evidence that ought to exist by a date. A later anchor replaces an earlier one."""

    name: str
    evidence: tuple[str, ...]
    anchors: tuple[Anchor, ...]
    given: Node | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a sequence: a fact of `each` that fulfils `when`."""

    each: tuple[str, ...]
    when: Node


@dataclass(frozen=True, slots=True)
class Nearest:
    """Looks at the fact of `each` nearest to the first leg, no further away than `within`."""

    each: tuple[str, ...]
    within: Duration
    when: Node


@dataclass(frozen=True, slots=True)
class Sequence:
    """`first`, then `then`, no more than `within` later: confirmed. `first` alone: suspected.

    unless: refutes when it holds of the nearest fact. unless_missing: tag when there is none.
    """

    name: str
    first: Leg
    then: Leg
    within: Duration
    unless: Nearest | None = None
    unless_missing: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Grading:
    """A function, not an alert: a grade for every observation of the graded analytes."""

    name: str
    table: str  # "ctcae"
    version: Node
    baseline_within: Duration
    place: Place = field(default=NOWHERE, compare=False)


Criterion = Pattern | Tiers | Missing | Sequence | Grading


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a number comes from. confidence: H, C ("to be checked"), CHOICE or E (ours)."""

    cite: str
    confidence: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ActWithin:
    """Time left from the first qualifying evidence (`onset`) or from the alert (`at`)."""

    duration: Duration
    counted_from: str = "at"  # "at" or "onset"
    tier: str = "act"
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue, whole."""

    id: str
    title: str
    kind: str  # failure, intolerance, overdue, window, function
    plain: str
    criteria: tuple[Criterion, ...]
    series: tuple[Series, ...]
    conditions: tuple[str, ...] = ()  # of the course; empty and no modalities: the whole patient
    modalities: tuple[str, ...] = ()
    regimens: tuple[str, ...] = ()
    clock: tuple[str, ...] | None = None  # ("first"|"last", phase, …further phases), or None
    ends: tuple[str, ...] = ()  # "new-line", phases of the own course ("stopped", …), series names
    lets: tuple[tuple[str, Node], ...] = ()
    params: tuple[Parameter, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()  # state or tag -> severity
    act_within: tuple[tuple[str, ActWithin], ...] = ()  # state or tag -> time
    sentence: str = ""  # the summary, with {placeholders}; of `sentences` the `default`
    misses: tuple[str, ...] = ()
    false_alarms: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    readiness: tuple[str, ...] = ()
    source: tuple[Citation, ...] = ()
    place: Place = field(default=NOWHERE, compare=False)
    sentences: tuple[tuple[str, str], ...] = ()  # state or tag -> sentence, before `sentence`
    places: tuple[tuple[str, Place], ...] = field(default=(), compare=False, repr=False)

    @property
    def per_course(self) -> bool:
        """Whether there is an instance for each matching course, or one for the whole patient."""
        return bool(self.conditions or self.modalities or self.regimens)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, if the rule has one."""
        return next((p for p in self.params if p.name == name), None)

    def place_of(self, path: str) -> Place:
        """Where a part of the rule stands: `severity.confirmed`, `criteria.0.confirm.within`.

        Falls back to the nearest enclosing part that was written down, at last to the rule.
        """
        known = dict(self.places)
        while path not in known and "." in path:
            path = path.rpartition(".")[0]
        return known.get(path, self.place)
