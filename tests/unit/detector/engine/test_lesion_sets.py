"""Sets of lesions: what two reports share without a third, and how large the new ones are."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.alerts import Role
from schemas.events import EVENT
from services.detector.engine import lesions
from services.detector.engine.fact import Fact
from services.detector.engine.terms import Context, Term
from services.detector.engine.truth import Unknown


def report(name: str, *new: str, **said: object) -> Fact:
    identity = {"event_id": name, "patient_id": "HOSP|1", "source": "RIS"}
    when = {"effective_at": "2024-01-01", "issued_at": "2024-01-01T12:00:00Z"}
    about = {"type": "imaging_report", "modality": "NM", "new_lesions": list(new)}
    return Fact(EVENT.validate_python({**identity, **when, **about, **said}), 0)


def term(found: object) -> Term:
    cited = ((found, Role.SUPPORT),) if isinstance(found, Fact) else ()
    return Term("fact", "f", lambda _: found, cite=lambda *_: cited)


def here(fact: Fact) -> Context:
    return Context(fact, None, None, (), (), 0)


@pytest.mark.parametrize(
    ("now", "other", "third", "count"),
    [
        ("abc", "abc", "", 3),
        ("abc", "abc", "a", 2),
        ("abc", "abd", "a", 1),
        ("ab", "ab", "ab", 0),
        ("", "ab", "", 0),
    ],
)
def test_what_two_share_without_a_third(now: str, other: str, third: str, count: int) -> None:
    known = term(report("third", *third))
    shared = lesions.shared(term(report("other", *other)), "shared", without=known)
    assert shared.evaluate(here(report("now", *now))) == Decimal(count)


def test_lesions_without_a_name_are_no_part_of_a_set() -> None:
    unnamed = report("other", "unequivocal", "a")
    shared = lesions.shared(term(unnamed), "shared", without=term(report("third")))
    assert shared.evaluate(here(report("now", "unequivocal", "a"))) == 1


def test_both_other_reports_are_evidence() -> None:
    other, third = report("other", "a"), report("third")
    shared = lesions.shared(term(other), "shared", without=term(third))
    proof = shared.prove(here(report("now", "a")))
    assert [fact for fact, _ in proof.cited] == [other, third]


def test_a_report_that_is_not_there_shares_nothing() -> None:
    fact, none, doubt = report("now", "a"), term(None), term(Unknown("no report"))
    some = term(report("other", "a"))
    assert lesions.shared(none, "shared", without=some).evaluate(here(fact)) is None
    assert lesions.shared(some, "shared", without=none).evaluate(here(fact)) is None
    assert isinstance(lesions.shared(some, "shared", without=doubt).evaluate(here(fact)), Unknown)


def test_only_new_lesions_that_were_measured_have_a_size() -> None:
    sizes = [{"id": "a", "mm": "12.5"}, {"id": "b", "mm": "4"}, {"id": "old", "mm": "30"}]
    assert lesions.size_of_new(report("now", "a", "b", lesions=sizes)) == Decimal("16.5")
    assert lesions.size_of_new(report("now", "a", "b")) is None
    assert lesions.size_of_new(report("now", lesions=sizes)) is None
