"""Letters of a topic and their replays: lines for people, fields for programs.

Nothing of a patient. What the embedded store's letters have, these have in the same words.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from services.commands import letterlines
from services.embedded.letters import Heap, Kept
from services.ingest.kafka.records import microseconds

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Sequence

    from services.ingest.kafka.letters import Letter
    from services.ingest.kafka.replaying import Outcome

OPEN, BUSY = "open", "being replayed"


def state_of(one: Letter, now: int) -> str:
    """What is the matter with a letter at an instant, microseconds UTC."""
    if any(held.held_by_another("", now) for held in one.held):
        return BUSY
    return OPEN if one.end is None else one.end.step.value


def line_of(one: Letter, now: int) -> str:
    """A letter on one line."""
    parts = [letterlines.line_of(_kept(one, resolved=False))]
    parts += [f"read {one.tries} times"] if one.tries > 1 else []
    state = state_of(one, now)
    return "  ".join(parts if state == OPEN else [*parts, state])


def fields_of(one: Letter, now: int) -> dict[str, Any]:
    """A letter without its bytes."""
    return letterlines.letter_fields(_kept(one, resolved=True)) | {
        "topic": one.about.where.topic,
        "state": state_of(one, now),
        "tries": one.tries,
        "first": one.first,
    }


def about_of(one: Letter, led_to: Sequence[str], now: int) -> dict[str, Any]:
    """All that may be said of a letter.

    Args:
        one: the letter.
        led_to: ids of letters to which its replay led.
        now: the instant, microseconds UTC.
    """
    end = one.end
    return {
        **fields_of(one, now),
        **letterlines.place_fields(one.about.where),
        "led_to": list(led_to),
        "handled_by": None if end is None else end.by,
        "because": None if end is None else end.because,
        "meaning": one.about.reason.sentence,
    }


def heaps_of(letters: Iterable[Letter]) -> list[Heap]:
    """How many there are by reason and source, the largest heap first."""

    def name(one: Letter) -> tuple[str, str]:
        return one.about.reason.value, one.about.source

    found = [
        Heap(reason, source, len(times), min(times), max(times))
        for (reason, source), heap in groupby(sorted(letters, key=name), key=name)
        for times in [[one.received for one in heap]]
    ]
    return sorted(found, key=lambda heap: (-heap.count, heap.reason, heap.source))


def outcome_fields(done: Outcome, *, dry_run: bool) -> dict[str, Any]:
    """What a replay did."""
    return {
        "records": done.records,
        "letters": done.letters,
        "closed": done.closed,
        "facts": done.facts,
        "still_refused": _counted(done.refused),
        "not_replayable": _counted(done.untried),
        "elsewhere": done.elsewhere,
        "dry_run": dry_run,
    }


def outcome_lines(done: Outcome, *, dry_run: bool, read_here: bool) -> Iterator[str]:
    """The last line has always this form (docs/kafka.md)."""
    if read_here:
        yield f"read here first: {done.facts} facts, {done.closed} letters resolved"
    for reason, count in _counted(done.refused).items():
        yield f"still refused: {reason}: {count}"
    for reason, count in _counted(done.untried).items():
        yield f"not replayable, to be sent again: {reason}: {count}"
    if done.elsewhere:
        yield f"in the hands of another replay: {done.elsewhere}"
    told = "dry run: would send" if dry_run else "done: sent"
    yield f"{told} {done.records} records, of {done.letters} letters"


def drop_fields(done: Outcome) -> dict[str, Any]:
    """What a drop did."""
    return {"letters": done.letters, "elsewhere": done.elsewhere}


def drop_line(done: Outcome) -> str:
    """The same for people."""
    left = f"; {done.elsewhere} in the hands of a replay" if done.elsewhere else ""
    return f"dropped {done.letters} letters{left}"


def _kept(one: Letter, *, resolved: bool) -> Kept:
    end = one.end if resolved else None
    at = None if end is None else microseconds(end.at)
    return Kept((one.id, str(one.about.where)), one.about, one.received, one.times, at)


def _counted(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
