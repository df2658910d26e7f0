"""Who is reminded of what, and when."""

from __future__ import annotations

from services.detector.adapters.rows import Head
from services.detector.adapters.ticks import GRACE, PATIENCE, Agenda, Due, at_rest

NOW, RULES = 1_700_000_000_000_000, "rules"


def head(wake: int | None, *, pending: int | None = None, meaning: str = RULES) -> Head:
    return Head(7, 0, wake, pending, meaning)


def due(agenda: Agenda, now: int, partition: int = 0, most: int = 10) -> list[Due]:
    return list(agenda.due(partition, now, most))


def test_a_due_date_is_told_at_its_instant_and_not_before() -> None:
    agenda = Agenda(RULES)
    agenda.note(0, "A", head(NOW), NOW - 5)
    assert due(agenda, NOW - 1) == []
    assert due(agenda, NOW, partition=1) == []
    assert due(agenda, NOW) == [Due(0, "A", NOW)]


def test_facts_of_one_instant_have_a_moment_to_come_in() -> None:
    agenda = Agenda(RULES)
    agenda.note(0, "A", head(NOW - 100, pending=7), NOW)
    assert due(agenda, NOW + GRACE - 1) == []
    assert due(agenda, NOW + GRACE) == [Due(0, "A", NOW - 100)]


def test_a_reminder_without_effect_is_repeated_but_not_at_once() -> None:
    agenda = Agenda(RULES)
    agenda.note(0, "A", head(NOW), NOW)
    assert due(agenda, NOW) == [Due(0, "A", NOW)]
    assert due(agenda, NOW + PATIENCE - 1) == []
    assert due(agenda, NOW + PATIENCE) == [Due(0, "A", NOW)]


def test_what_is_noted_last_counts() -> None:
    agenda = Agenda(RULES)
    for wake in (NOW, None):
        agenda.note(0, "A", head(wake), NOW)
    for wake in (NOW, NOW + 50):
        agenda.note(0, "B", head(wake), NOW)
    assert due(agenda, NOW + 49) == []
    assert due(agenda, NOW + 50) == [Due(0, "B", NOW + 50)]


def test_who_was_judged_by_other_rules_is_due_at_once() -> None:
    agenda = Agenda(RULES)
    agenda.note(0, "A", head(None, meaning="older"), NOW)
    assert due(agenda, NOW) == [Due(0, "A", NOW)]


def test_a_change_of_rules_comes_after_what_is_due() -> None:
    agenda = Agenda(RULES)
    for name in "AB":
        agenda.note(0, name, head(None, meaning="older"), NOW)
    agenda.note(0, "C", head(NOW + 1, meaning="older"), NOW + 1)
    agenda.note(0, "D", head(NOW + 2), NOW)
    told = [[one.patient_id for one in due(agenda, NOW + 2, most=2)] for _ in range(3)]
    assert told == [["C", "D"], ["A", "B"], []]
    again = due(agenda, NOW + 2 + PATIENCE)
    assert [one.patient_id for one in again] == ["C", "D", "A", "B"]


def test_many_are_told_a_few_at_a_time() -> None:
    agenda = Agenda(RULES)
    agenda.begin(0)
    for number in range(5):
        agenda.note(0, str(number), head(NOW + number), NOW)
    rounds = [[one.patient_id for one in due(agenda, NOW + 9, most=2)] for _ in range(4)]
    assert rounds == [["0", "1"], ["2", "3"], ["4"], []]
    agenda.clear()
    assert agenda.begun == set()
    assert due(agenda, NOW + 2 * PATIENCE) == []


def test_nobody_is_reminded_where_a_fact_or_a_reminder_waits() -> None:
    ours = [("facts", 0), ("facts", 1), ("facts", 2), ("facts", 3)]
    begun = {*ours[:3], ("inner", 0), ("inner", 1), ("inner", 2)}
    assert at_rest(ours, begun, {}) == [0, 1, 2]
    assert at_rest(ours, begun, {("facts", 1)}) == [0, 2]
    assert at_rest(ours, begun, {("inner", 2)}) == [0, 1]
