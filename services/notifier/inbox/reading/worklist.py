"""The worklist: which cases stand on a page, in which order, and how many there are of each sort.

Open cases: least time left first, then gravest. Closed ones: what was last touched first. Pages are
cut by the key of their last row and not by a number, so that none is shown twice or left out while
others work.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from sqlalchemy import BigInteger, case, func, literal, or_, select, tuple_, type_coerce

from schemas.alerts import Severity
from services.notifier.cases.case import Case, gravity
from services.notifier.cases.words import CaseState, person
from services.notifier.inbox.reading.contract import (
    VIEWS,
    Filters,
    OwnView,
    SavedView,
    Worklist,
)
from services.notifier.inbox.reading.rows import Kept, rows
from services.notifier.store.tables import CASES, PATIENTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from services.notifier.inbox.access.people import Person
    from services.notifier.inbox.personal.preferences import Preferences

PAGE: Final = 50
_MOST_FOUND: Final = 20
_FAR: Final = 2**62
"""Where cases stand that ask for nothing: behind all others."""
_CLOSED: Final = CASES.c.state == str(CaseState.CLOSED)
_OPEN: Final = CASES.c.state != str(CaseState.CLOSED)
_TIME: Final = func.coalesce(type_coerce(CASES.c.act_by, BigInteger), literal(_FAR, BigInteger))
_RANK: Final = case({str(one): gravity(one) for one in Severity}, value=CASES.c.severity)
_BY_TIME: Final = (_TIME, _RANK, CASES.c.reference)
_BY_TOUCH: Final = (type_coerce(CASES.c.stepped_at, BigInteger), literal(0), CASES.c.reference)

Key = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for: filters, and where the page begins or ends."""

    filters: Filters
    after: Key | None = None
    before: Key | None = None
    rows: int = field(default_factory=lambda: PAGE)

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Choice:
        """From the address; a word that names nothing is ignored, never an error."""
        view, severity = query.get("view", ""), query.get("severity", "")
        known = {str(one) for one in Severity}
        filters = Filters(
            view if view in VIEWS else VIEWS[0],
            severity if severity in known else "",
            query.get("team", ""),
        )
        return cls(filters, _key(query.get("after", "")), _key(query.get("before", "")))

    def of(self, chosen: Preferences) -> Choice:
        """On pages as long as somebody wants them."""
        return replace(self, rows=chosen.rows)


def worklist(connection: Connection, choice: Choice, reader: Person, now: datetime) -> Worklist:
    """One page."""
    backward = choice.before is not None and choice.after is None
    start = choice.before if backward else choice.after
    found = _page(connection, choice, reader, start, backward=backward)
    more, found = len(found) > choice.rows, found[: choice.rows]
    if backward:
        found.reverse()
    kept = _kept(connection, [key[2] for key in found])
    has_next, has_previous = (True, more) if backward else (more, start is not None)
    return Worklist(
        rows=rows(connection, kept, reader, now),
        filters=choice.filters,
        views=_views(connection, choice.filters, reader),
        teams=tuple(sorted(reader.teams)),
        previous=url_of(choice.filters, before=found[0]) if has_previous and found else None,
        next=url_of(choice.filters, after=found[-1]) if has_next and found else None,
    )


def search(connection: Connection, patient: str, reader: Person, now: datetime) -> Worklist:
    """The cases of one patient, by the whole id or by its number without the authority."""
    survivors = select(PATIENTS.c.handed_to).where(_is(PATIENTS.c.patient_id, patient))
    same = or_(_is(CASES.c.patient_id, patient), CASES.c.patient_id.in_(survivors))
    mine = CASES.c.team.in_(reader.teams)
    query = select(CASES.c.reference).where(same, mine).order_by(_CLOSED, *_BY_TIME)
    names = connection.execute(query.limit(_MOST_FOUND)).scalars().all()
    filters = Filters()
    return Worklist(
        rows=rows(connection, _kept(connection, list(names)), reader, now),
        filters=filters,
        views=tuple(replace(one, current=False) for one in _views(connection, filters, reader)),
        teams=tuple(sorted(reader.teams)),
        found=True,
    )


def _is(column: ColumnElement[str], patient: str) -> ColumnElement[bool]:
    return or_(column == patient, column.endswith(f"|{patient}", autoescape=True))


def _page(
    connection: Connection, choice: Choice, reader: Person, start: Key | None, *, backward: bool
) -> list[Key]:
    """Keys of one row more than a page, in the order of reading away from the start."""
    filters = choice.filters
    closed = filters.view == "closed"
    keys = _BY_TOUCH if closed else _BY_TIME
    descending = closed is not backward
    query = select(*keys).where(*_chosen(filters, reader))
    if start is not None:
        here, there = tuple_(*keys), tuple_(*(literal(one) for one in start))
        query = query.where(here < there if descending else here > there)
    ordered = (one.desc() if descending else one.asc() for one in keys)
    found = connection.execute(query.order_by(*ordered).limit(choice.rows + 1))
    return [(int(row[0]), int(row[1]), str(row[2])) for row in found]


def _kept(connection: Connection, references: list[str]) -> list[Kept]:
    query = select(CASES.c.reference, CASES.c.body).where(CASES.c.reference.in_(references))
    bodies = {row.reference: row.body for row in connection.execute(query)}
    return [Kept(Case.model_validate_json(bodies[one]), one) for one in references]


def _chosen(filters: Filters, reader: Person) -> list[ColumnElement[bool]]:
    """What a person may see, and asked for."""
    asked = [*_within(filters, reader), _CLOSED if filters.view == "closed" else _OPEN]
    narrow = _narrow(reader).get(filters.view)
    return asked if narrow is None else [*asked, narrow]


def _within(filters: Filters, reader: Person) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [CASES.c.team.in_(reader.teams)]
    if filters.team:
        found.append(CASES.c.team == filters.team)
    if filters.severity:
        found.append(CASES.c.severity == filters.severity)
    return found


def _narrow(reader: Person) -> dict[str, ColumnElement[bool]]:
    """What is asked of open cases in a view, beside being open."""
    member = reader.identity.member
    return {
        "mine": CASES.c.owner == ("" if member is None else str(person(member))),
        "unowned": CASES.c.owner.startswith("desk:"),
        "overdue": CASES.c.state == str(CaseState.OVERDUE),
        "snoozed": CASES.c.state == str(CaseState.SNOOZED),
    }


def _views(connection: Connection, filters: Filters, reader: Person) -> tuple[SavedView, ...]:
    """Every view with the same other filters, and how many cases it has."""
    within, narrow = _within(filters, reader), _narrow(reader)
    sums = [func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in narrow.values()]
    opened = connection.execute(select(func.count(), *sums).where(_OPEN, *within)).one()
    closed = select(func.count()).select_from(CASES).where(_CLOSED, *within)
    counts: dict[str, int] = dict(zip(("open", *narrow), opened, strict=True))
    counts["closed"] = connection.execute(closed).scalar_one()
    return tuple(
        SavedView(
            view, url_of(replace(filters, view=view)), int(counts[view]), view == filters.view
        )
        for view in VIEWS
    )


def own_views(chosen: Preferences, filters: Filters) -> tuple[OwnView, ...]:
    """The views that somebody has named, as links."""
    return tuple(
        OwnView(one.name, url_of(one.filters), one.filters == filters) for one in chosen.views
    )


def url_of(filters: Filters, **at: Key) -> str:
    """Where the cases of these filters are; with the view, as without one people begin elsewhere.

    Args:
        filters: what is asked for.
        at: where the page begins or ends.
    """
    said: dict[str, Any] = {"view": filters.view}
    said |= {name: one for name in ("severity", "team") if (one := getattr(filters, name))}
    said |= {name: ".".join(map(str, key)) for name, key in at.items()}
    return f"/?{urlencode(said)}"


def _key(text: str) -> Key | None:
    time, _, rest = text.partition(".")
    rank, _, reference = rest.partition(".")
    try:
        found = int(time), int(rank)
    except ValueError:
        return None
    return (*found, reference) if abs(found[0]) <= _FAR and 0 <= found[1] < len(Severity) else None
