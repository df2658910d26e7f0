"""What a rule says, once read from its file: frozen values, no behaviour.

`reader` makes these from YAML, `checker` proves them sound, `compiler` turns them into
operators of the engine. `docs/rule-language.md` explains every field for authors.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from services.detector.language.ast import NOWHERE, Duration, Node, Place


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or choice that a site may override. `choices`: the words that it may be."""

    name: str
    value: Node  # Quantity, Duration or Name
    about: str = ""
    confidence: str | None = None  # "H", "C", "CHOICE", "E"
    place: Place = field(default=NOWHERE, compare=False)
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Facts that a rule reads, under a name.

    kind: "observation", "imaging", "treatment", "adverse_event".
    Observations: `analytes`. Imaging: `modalities` (DICOM), `criteria`. Treatments: `modalities`,
    `phases`, `regimens`, and `own`: facts of the rule's own course only. Adverse events: `terms`,
    or all terms but `other_than`.
    `since`: only facts on or after this time are seen at all. `unless`: facts for which this
    condition holds are not seen at all; `only`: nor are those for which this doesn't. `apart`:
    results of other specimens, methods and analytes are no part of what a fact is compared with.
    `preliminary`: such results count like final ones.
    `classes`: of drugs; `any_condition`: treatment of
    whatever condition, not only of the course's own.
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
    only: Node | None = None
    apart: bool = False
    place: Place = field(default=NOWHERE, compare=False)
    classes: tuple[str, ...] = ()
    any_condition: bool = False
    preliminary: bool = False
    other_than: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """One way in which a criterion can hold: a condition, and what it is then called."""

    when: Node
    tag: str | None = None
    grade: int | None = None
    severity: str | None = None
    value: Node | None = None  # before the criterion's own
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
    info: str | None = None  # not refuted but settled, as information with this tag
    anew: bool = False  # the fact that refutes is judged once more


@dataclass(frozen=True, slots=True)
class Undecided:
    """Facts that can't be judged, and why: reported, and otherwise passed over."""

    when: Node
    because: str


@dataclass(frozen=True, slots=True)
class Stay:
    """A suspicion that stands for so long, and nobody says otherwise, is confirmed.

    since: counted from there, if that is later than the suspicion. when: of which suspicions.
    """

    duration: Duration
    since: Node | None = None
    when: Node | None = None
    tag: str | None = None
    severity: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Milestone:
    """Only the first usable fact in a period is judged; none at all is overdue at its end."""

    start: Node
    end: Node
    missing: str | None = None  # tag of the overdue entry; None: absence is not reported
    due: Node | None = None  # the day at whose end absence is reported, if not `end`
    unusable: str | None = None  # tag instead, if there were only facts that can't be judged
    late: bool = False  # whether a usable fact after the period clears what was missing


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
    info: tuple[Arm, ...] = ()  # worth knowing: asks for nothing, hinders nothing
    graver: tuple[Arm, ...] = ()  # another severity, whatever the tag
    renames: bool = True  # a suspicion is begun anew when another arm comes to hold
    place: Place = field(default=NOWHERE, compare=False)
    never_refuted: bool = False  # `refute: never`: not even by a fact that does not qualify
    value: Node | None = None  # a number that every entry carries
    together: bool = False  # one episode for all that its series keep apart
    action: tuple[Arm, ...] = ()  # which of the source's options it names for such a finding
    stays: tuple[Stay, ...] = ()  # confirmed by the calendar
    untold: bool = False  # suspicions are told nobody
    undecided: tuple[Undecided, ...] = ()


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
    value: Node | None = None
    suspect: tuple[Arm, ...] = ()  # below every tier, and of preliminary facts
    refute: Node | None = None  # ends the level, or the suspicion
    escalates: bool = False  # a rise goes on with the same finding, whose onset stays
    resumes: bool = False  # what ended and holds again goes on with the same episode
    undecided: tuple[Undecided, ...] = ()


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
    preliminary: bool = False  # whether a preliminary report is evidence


@dataclass(frozen=True, slots=True)
class Unreported:
    """A final report that ought to follow a preliminary one of `each`, by `due`."""

    name: str
    each: tuple[str, ...]
    due: Node
    tag: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A fact of `each` that ends a wait, if `when` holds of it."""

    each: tuple[str, ...]
    when: Node | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class DueAnswer:
    """So long after the finding became known an answer ought to be there."""

    after: Duration
    tag: str | None = None
    severity: str | None = None
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An answer that ought to follow a finding of other criteria, which serve this one alone."""

    name: str
    findings: tuple[str, ...]
    answers: tuple[Answer, ...]
    due: tuple[DueAnswer, ...]
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
    table: str  # "ctcae" or "daids"
    version: Node | None  # None: of daids there is one
    baseline_within: Duration
    place: Place = field(default=NOWHERE, compare=False)


Criterion = Pattern | Tiers | Missing | Unreported | Unanswered | Sequence | Grading


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
class Retired:
    """Since when a rule is no longer run, and why. It stays, for what it once said."""

    on: str  # YYYY-MM-DD
    reason: str


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
    drug_classes: tuple[str, ...] = ()
    line: int | None = None  # of the course; one of which no line is told gets an instance, too
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
    version: int = 1  # raised by whoever changes what the rule does
    retired: Retired | None = None
    closer_watch: Node | None = None  # while it holds, findings are one severity higher
    places: tuple[tuple[str, Place], ...] = field(default=(), compare=False, repr=False)

    @property
    def per_course(self) -> bool:
        """Whether there is an instance for each matching course, or one for the whole patient."""
        return bool(self.conditions or self.modalities or self.regimens or self.drug_classes)

    @property
    def to_be_checked(self) -> bool:
        """Whether a number or a citation comes from a secondary source."""
        marks = {*(p.confidence for p in self.params), *(c.confidence for c in self.source)}
        return "C" in marks

    @property
    def serving(self) -> frozenset[str]:
        """Criteria that only serve another one, and say nothing themselves."""
        waits = [one for one in self.criteria if isinstance(one, Unanswered)]
        return frozenset(name for one in waits for name in one.findings)

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
