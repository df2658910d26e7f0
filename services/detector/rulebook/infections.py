"""Words of cases about infections: what stands for several facts, or for one of another name."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from services.detector.language.errors import RuleError
from services.detector.rulebook.drafts import Draft, Frame, draft, observation, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from services.detector.rulebook.cases import Case, Plain

CONTEXT = frozenset({"first_pos", "species", "gm0", "cavitation", "ppi_stop", "followup"})
"""`ctx` keys that this module knows."""

RESULTS = frozenset({"diarrhoea", "ct_change", "anc_recovery"})
"""Keys of a fact that are more than one result in its own words."""

REGIMENS: Mapping[str, str] = {
    "28": "artemether-lumefantrine",
    "42": "dihydroartemisinin-piperaquine",
}
"""`ctx: followup`, days of follow-up after malaria -> a regimen that is followed so long."""

ACID_SUPPRESSION: Mapping[str, str] = {"ppi_start": "started", "ppi_stop": "stopped"}
"""`event` words that are steps of treatment with a proton-pump inhibitor -> the phase."""

_BEDSIDE = frozenset({"diarrhoea", "anc_recovery"})
_BASELINE_SCAN = 100
_PPI_BEFORE = timedelta(days=14)
_DAY = timedelta(days=1)
_PRESENCE = {"true": "present", "false": "absent"}


def speaks(case: Case) -> bool:
    """Whether a case has any of the words of which `told_before` makes facts."""
    scanned = any("ct_change" in written.says for written in case.facts)
    return scanned or not CONTEXT.isdisjoint(case.context)


def told_before(case: Case, start: date | datetime) -> Iterator[Draft]:
    """The facts of these `ctx` keys.

    Args:
        case: the story.
        start: of the treatment that is watched; its end, for what is counted from there.

    Raises:
        RuleError: a value that means nothing.
    """
    says, frame = case.context, Frame(start, start, {}, case.place)
    if "first_pos" in says:
        first = time_of(says["first_pos"], case.place)
        grown = Frame(first, first, {}, case.place)
        yield observation("blood_culture", says.get("species"), grown)
    if "gm0" in says:
        yield observation("galactomannan", says["gm0"], frame)
    if "cavitation" in says:
        yield observation("cavitation", _present(says["cavitation"], frame), frame)
    if "ppi_stop" in says:
        yield from _acid_suppressed(case, start)
    if any("ct_change" in written.says for written in case.facts):
        yield _scan(_BASELINE_SCAN, frame)


def regimen_of_follow_up(case: Case) -> str | None:
    """A regimen that is followed as long as a case says, if it does; of other lengths the usual."""
    days = case.context.get("followup")
    return None if days is None else REGIMENS.get(str(days), REGIMENS["28"])


def bedside_first(names: Iterable[str]) -> list[str]:
    """What the ward sees stands in the chart before others answer: so in a case."""
    return sorted(names, key=lambda name: name not in _BEDSIDE)


def results(name: str, value: Plain, frame: Frame) -> Iterator[Draft]:
    """The facts of one of `RESULTS`."""
    if name == "diarrhoea":
        yield observation(name, _present(value, frame), frame)
    elif name == "ct_change":
        yield _scan(_BASELINE_SCAN + _percent(value, frame), frame)
    else:
        yield from _neutrophils(_present(value, frame) == "present", frame)


def _percent(value: Plain, frame: Frame) -> int:
    """A whole number of percent, which is one of millimetres of a baseline of 100."""
    try:
        return int(str(value))
    except ValueError:
        raise RuleError(frame.place, "not a whole number of percent", "25") from None


def _scan(millimetres: int, frame: Frame) -> Draft:
    said = {"modality": "CT", "sum_of_diameters_mm": str(millimetres)}
    return draft("imaging_report", frame, said)


def _present(value: Plain, frame: Frame) -> str:
    if str(value) not in _PRESENCE:
        raise RuleError(frame.place, "not a truth value", "true or false")
    return _PRESENCE[str(value)]


def _neutrophils(recovered: bool, frame: Frame) -> Iterator[Draft]:  # noqa: FBT001
    """Too few the day before; on the day itself they have come back, or not."""
    if not isinstance(frame.effective, date):
        raise RuleError(frame.place, "a month is no day of a count", "a day")
    before = frame.effective - _DAY
    earlier = Frame(before, frame.received, {}, frame.place)
    today = Frame(frame.effective, frame.received, {}, frame.place)
    yield observation("neutrophils", "0.2", earlier)
    yield observation("neutrophils", "0.8" if recovered else "0.2", today)


def _acid_suppressed(case: Case, end: date | datetime) -> Iterator[Draft]:
    """A proton-pump inhibitor from before the end of the eradication; `null`: still taken."""
    stop = case.context["ppi_stop"]
    steps = [("ppi_start", end - _PPI_BEFORE)]
    if stop is not None:
        steps.append(("ppi_stop", time_of(stop, case.place)))
    for word, when in steps:
        yield acid_suppression(word, Frame(when, when, {}, case.place))


def acid_suppression(word: str, frame: Frame) -> Draft:
    """A step of treatment with a proton-pump inhibitor: one of `ACID_SUPPRESSION`."""
    said = {
        "course_id": "acid-suppression",
        "condition": "dyspepsia",
        "modality": "acid-suppression",
        "regimen": "omeprazole",
        "drug_classes": ("proton-pump-inhibitor",),
        "phase": ACID_SUPPRESSION[word],
        "line": None,
    }
    return draft("treatment", frame, said)
