"""The desk and its rows, without Kafka: the same alerts as the replay, and rows that stay small."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.living import all_rules, rule_named
from support.partition import Partition

from schemas.alerts import AlertRevision
from schemas.events import EVENT
from schemas.topics import ALERTS, DEADLETTERS, EVENTS
from services.detector.adapters import desk as desk_module
from services.detector.adapters.keyed import Judging, Person
from services.detector.adapters.outbox import INNER, Record
from services.detector.adapters.replay import replay
from services.detector.adapters.rows import FORMAT, Row, applied, difference, head_of
from services.detector.engine.instants import US_PER_DAY, instant, moment
from services.runtime.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.events import Event

COHORT = Path(__file__).resolve().parents[4] / "examples" / "cohort-small.jsonl"
PHOENIX = "PROST-PHOENIX"


def phoenix() -> Judging:
    return Judging.by([rule_named(PHOENIX)])


def event(patient_id: str, event_id: str, day: str, **fields: Any) -> Event:
    frame = {
        "event_id": event_id,
        "patient_id": patient_id,
        "source": "LAB",
        "effective_at": day,
        "issued_at": f"{day}T12:00:00Z",
    }
    return EVENT.validate_python(frame | fields)


def psa(event_id: str, day: str, value: str, patient_id: str = "HOSP|1") -> Event:
    said = {"type": "observation", "analyte": "psa", "value": value, "unit": "ng/mL"}
    return event(patient_id, event_id, day, **said)


def radiotherapy(patient_id: str = "HOSP|1") -> Event:
    course = {"course_id": "c1", "condition": "prostate-cancer", "modality": "radiotherapy"}
    return event(patient_id, "rt", "2020-01-01", type="treatment", phase="completed", **course)


def merge(patient_id: str, survivor: str, day: str) -> Event:
    return event(patient_id, "adt", day, type="patient", merged_into=survivor)


FAILING = (radiotherapy(), psa("a", "2020-07-01", "0.5"), psa("b", "2021-01-01", "2.6"))


def issued(one: Event) -> int:
    assert one.issued_at is not None
    return instant(one.issued_at)


def published(partition: Partition, events: Iterable[Event]) -> Partition:
    for one in events:
        partition.put(one, issued(one))
    partition.work()
    return partition


def a_day_later(partition: Partition) -> Partition:
    """What waits is judged; nothing comes due."""
    last = max(record.at for record in partition.topics[EVENTS.name])
    partition.let_pass(last + US_PER_DAY)
    return partition


def alerts(partition: Partition) -> list[AlertRevision]:
    sent = (one for one in partition.sent if one.topic == ALERTS.name)
    return [AlertRevision.model_validate_json(one.value) for one in sent]


def reasons(partition: Partition) -> list[str]:
    sent = (one for one in partition.sent if one.topic == DEADLETTERS.name)
    return [dict(one.headers)["reason"] for one in sent]


# -- the same as the replay


def test_a_cohort_gives_what_the_replay_says() -> None:
    events = [EVENT.validate_json(line) for line in COHORT.read_bytes().splitlines()]
    until = max(map(issued, events)) + 100 * US_PER_DAY
    partition = published(Partition(Judging.by(all_rules())), events)
    partition.let_pass(until)
    expected = replay(events, all_rules(), until=moment(until)).revisions
    assert len(expected) > 40

    def order(one: AlertRevision) -> tuple[str, int]:
        return one.alert_id, one.revision

    assert sorted(alerts(partition), key=order) == sorted(expected, key=order)


def test_what_is_received_at_one_instant_is_judged_together() -> None:
    """As one message with several results: what closes an alert may be in it too."""
    together = psa("b", "2021-01-01", "2.6"), psa("c", "2021-01-01", "0.4")
    partition = published(Partition(phoenix()), (*FAILING[:2], *together))
    assert alerts(partition) == [], "it may not be complete"
    events = (*FAILING[:2], *together)
    expected = replay(events, [rule_named(PHOENIX)]).revisions
    assert alerts(a_day_later(partition)) == expected


# -- again


def test_a_record_that_comes_again_has_its_alerts_sent_again_and_changes_nothing() -> None:
    partition = published(Partition(phoenix()), (*FAILING, psa("c", "2021-02-01", "2.7")))
    sent, changelog = list(partition.sent), list(partition.changelog)
    assert sent
    partition.committed[EVENTS.name] = 0
    partition.moved()
    partition.work()
    assert partition.sent == [*sent, *sent]
    assert partition.changelog == changelog


def test_a_missing_row_is_not_passed_over() -> None:
    partition = published(Partition(phoenix()), FAILING)
    del partition.local.rows[min(partition.local.rows)]
    partition.committed[EVENTS.name] = 0
    partition.start()
    with pytest.raises(OperatorError, match="a row of the state is missing"):
        partition.work()


def test_of_two_rows_with_one_number_the_first_counts() -> None:
    """A worker that stood still goes on with what another has judged meanwhile, and more."""
    more = psa("c", "2021-02-01", "2.7"), psa("d", "2021-03-01", "0.4")
    partition = published(Partition(phoenix()), FAILING)
    asleep = partition.twin()
    a_day_later(published(partition, more))
    rows, sent = dict(partition.local.rows), list(partition.sent)
    asleep.work()
    assert len(asleep.changelog) > len(rows), "it wrote"
    assert asleep.local.rows == rows, "and it doesn't count"
    assert {(one.key, one.value) for one in asleep.sent} == {(one.key, one.value) for one in sent}
    partition.moved()
    assert partition.local.rows == rows


def test_an_event_that_is_published_again_is_no_news_and_no_row() -> None:
    partition = a_day_later(published(Partition(phoenix()), FAILING))
    sent, rows = list(partition.sent), dict(partition.local.rows)
    assert a_day_later(published(partition, FAILING)).sent == sent
    assert partition.local.rows == rows


def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one() -> None:
    partition = published(Partition(phoenix()), FAILING)
    partition.topics[EVENTS.name].clear()
    partition.committed[EVENTS.name] = 0
    with pytest.raises(OperatorError, match=r"clinical\.events was made anew"):
        published(partition, FAILING[1:])


# -- size


def test_a_row_does_not_grow_with_the_history() -> None:
    """Neither with facts nor with the revisions of an alert that comes and goes."""
    day = instant(moment(issued(FAILING[-1])))
    partition = published(Partition(phoenix()), FAILING)
    for number in range(300):
        day += US_PER_DAY
        when = f"{moment(day):%Y-%m-%d}"
        partition.put(psa(f"n{number:03}", when, ("2.6", "0.4", "2.9")[number % 3]), day)
    partition.work()
    sizes = [len(value) for _, value in partition.changelog]
    early, late = sizes[10:100], sizes[-90:]
    assert max(late) <= 1.1 * max(early)
    assert sum(late) <= 1.1 * sum(early)


def test_of_a_journal_only_what_is_new_is_written() -> None:
    steps = [["fall", "suspected", f"one {n}", "", n] for n in range(50)]
    before = {"rule": "R", "course": None, "revisions": 50, "steps": [["a", 1], *steps]}
    more = [["fall", "confirmed", "two", "", 50], ["z", 2]]
    after = {**before, "revisions": 52, "steps": [["a", 1], *steps, *more]}
    change = difference(before, after)
    assert change is not None
    assert change["steps"] == [["fall", 50, more[:1]], ["z", 0, more[1:]]]
    assert applied(before, change) == after
    back = difference(after, before)
    assert back is not None
    assert applied(after, back)["steps"] == before["steps"]
    assert difference(after, dict(after)) is None


def test_a_row_is_read_as_it_was_written() -> None:
    partition = a_day_later(published(Partition(phoenix()), FAILING))
    for value in partition.local.rows.values():
        row = Row.read(value)
        assert row.to_bytes() == value
        assert row.head == head_of(value)


def test_rows_of_a_later_format_are_not_guessed_at() -> None:
    partition = published(Partition(phoenix()), FAILING)
    (key, value), *_ = partition.local.rows.items()
    partition.local.rows[key] = value.replace(b"[%d," % FORMAT, b"[%d," % (FORMAT + 1), 1)
    with pytest.raises(OperatorError, match="newer version"):
        partition.start()


# -- what can't be used


def test_each_poison_is_a_dead_letter_and_the_next_record_goes_on() -> None:
    line = FAILING[0].to_json()
    partition = Partition(phoenix())
    poison = [(b"\xff", "HOSP|1"), (None, "HOSP|1"), (b"{}", "HOSP|1"), (line, "X"), (line, None)]
    for value, key in poison:
        partition.put_raw(value, key, 1_000_000)
    a_day_later(published(partition, FAILING))
    expected = ["malformed_json", "tombstone", "bad_field", "key_mismatch", "key_mismatch"]
    assert reasons(partition) == expected
    assert [one.rule for one in alerts(partition)] == [PHOENIX]


@pytest.mark.parametrize("value", [b"\xff", b"[]", b"{}", b'{"event": "{}", "received": 1}'])
def test_what_is_not_ours_among_our_own_records_is_a_dead_letter(value: bytes) -> None:
    partition = published(Partition(phoenix()), FAILING)
    like = partition.topics[EVENTS.name][0]
    partition.topics[INNER].append(replace(like, topic=INNER, value=value))
    partition.work()
    assert reasons(partition) == ["bad_field"]


def test_a_defect_at_one_patient_stops_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried several times; the facts are kept, and judged when software or rules have changed."""
    tries: list[str] = []
    awake = Person._awake  # noqa: SLF001

    def fails(self: Person, *args: Any) -> Any:
        if self.patient_id == "HOSP|1":
            tries.append(self.patient_id)
            raise ZeroDivisionError
        return awake(self, *args)

    monkeypatch.setattr(Person, "_awake", fails)
    partition = Partition(phoenix())
    other = [one.model_copy(update={"patient_id": "HOSP|2"}) for one in FAILING]
    a_day_later(
        published(partition, [one for both in zip(FAILING, other, strict=True) for one in both])
    )
    assert reasons(partition) == ["defect"]
    assert len(tries) == desk_module.ATTEMPTS
    assert {one.patient_id for one in alerts(partition)} == {"HOSP|2"}

    monkeypatch.undo()
    partition.judging = replace(partition.judging, meaning="repaired")
    partition.moved()
    a_day_later(partition)
    assert {one.patient_id for one in alerts(partition)} == {"HOSP|1", "HOSP|2"}


def test_a_failure_that_passes_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a patient: what was begun is thrown away."""
    kept, failures = Person._kept, [ZeroDivisionError()]  # noqa: SLF001

    def fails(self: Person, *args: Any) -> Row:
        if self.head.number == len(FAILING) and failures:
            raise failures.pop()
        return kept(self, *args)

    monkeypatch.setattr(Person, "_kept", fails)
    partition = a_day_later(published(Partition(phoenix()), FAILING))
    assert not failures
    assert alerts(partition) == replay(FAILING, [rule_named(PHOENIX)]).revisions
    assert reasons(partition) == []


def test_a_restart_goes_on_with_what_was_published() -> None:
    correction = FAILING[2].model_copy(
        update={"issued_at": moment(issued(FAILING[2]) + US_PER_DAY)}
    )
    corrected = correction.model_copy(update={"value": FAILING[1].value})  # type: ignore[union-attr]
    partition = a_day_later(published(Partition(phoenix()), FAILING))
    partition.moved()
    a_day_later(published(partition, [corrected]))
    told = alerts(partition)
    assert [one.state for one in told] == ["confirmed", "retracted"]
    assert told == replay((*FAILING, corrected), [rule_named(PHOENIX)]).revisions


def test_other_rules_are_heard_of_without_a_new_fact() -> None:
    partition = a_day_later(published(Partition(Judging.by([rule_named("HIV-VF-WHO")])), FAILING))
    assert alerts(partition) == []
    partition.judging = phoenix()
    partition.start()
    a_day_later(partition)
    assert [(one.rule, one.cause) for one in alerts(partition)] == [(PHOENIX, "rule-change")]
    partition.start()
    a_day_later(partition)
    assert len(alerts(partition)) == 1, "once"


def test_what_a_fact_brings_after_a_change_of_rules_is_not_due_to_the_rules() -> None:
    """The fact that waits when the rules change, and the one that comes afterwards."""
    partition = published(Partition(Judging.by([rule_named("HIV-VF-WHO")])), FAILING)
    partition.judging = phoenix()
    partition.start()
    a_day_later(partition)
    correction = {"issued_at": moment(issued(FAILING[2]) + US_PER_DAY), "value": Decimal("0.4")}
    a_day_later(published(partition, [FAILING[2].model_copy(update=correction)]))
    assert [(one.state, one.cause) for one in alerts(partition)] == [
        ("confirmed", None),
        ("retracted", None),
    ]


def test_what_was_due_when_the_rules_changed_is_not_due_to_the_rules() -> None:
    """No viral load for a year after the start: the rule that asks for it was there before."""
    begun = event(
        "HOSP|1",
        "art",
        "2020-01-01",
        type="treatment",
        phase="started",
        course_id="c1",
        condition="hiv",
        modality="antiretroviral",
    )
    asking, late = rule_named("HIV-VL-OVERDUE"), issued(begun) + 900 * US_PER_DAY
    partition = a_day_later(published(Partition(Judging.by([asking])), [begun]))
    partition.judging = Judging.by([asking, rule_named(PHOENIX)])
    partition.start(late)
    partition.let_pass(late)
    found = alerts(partition)
    assert found
    assert {one.cause for one in found} == {None}
    assert {one.rule for one in found} == {asking.id}


# -- records that turn out to be one person's


def test_the_surviving_record_is_judged_by_the_facts_of_both() -> None:
    partition = Partition(phoenix())
    course, low, high = FAILING
    high = high.model_copy(update={"patient_id": "HOSP|2"})
    a_day_later(published(partition, (course, low, high)))
    assert alerts(partition) == []
    a_day_later(published(partition, [merge("HOSP|2", "HOSP|1", "2021-03-01")]))
    (found,) = alerts(partition)
    assert found.patient_id == "HOSP|1"
    a_day_later(published(partition, [psa("c", "2021-04-01", "0.3", "HOSP|2")]))
    corrected = high.model_copy(
        update={"value": low.value, "issued_at": moment(issued(high) + 100 * US_PER_DAY)}  # type: ignore[union-attr]
    )
    a_day_later(published(partition, [corrected]))
    assert [one.state for one in alerts(partition)][-1] == "retracted"


def test_a_merged_record_takes_back_what_was_said_of_it_alone() -> None:
    partition = a_day_later(published(Partition(phoenix()), FAILING))
    a_day_later(published(partition, [merge("HOSP|1", "HOSP|0", "2021-03-01")]))
    found = [(one.patient_id, one.revision, one.state.value) for one in alerts(partition)]
    assert found[0] == ("HOSP|1", 1, "confirmed")
    assert sorted(found[1:]) == [("HOSP|0", 1, "confirmed"), ("HOSP|1", 2, "retracted")]


def test_records_that_were_merged_in_a_circle_come_to_rest() -> None:
    circle = [merge("HOSP|1", "HOSP|2", "2021-03-01"), merge("HOSP|2", "HOSP|1", "2021-03-01")]
    partition = a_day_later(published(Partition(phoenix()), [*FAILING, *circle]))
    last = {one.patient_id: one.state for one in alerts(partition)}
    assert last["HOSP|1"] == "confirmed"
    assert len(partition.topics[INNER]) < 40


def test_an_alert_goes_on_with_the_trace_of_the_fact_that_raised_it() -> None:
    """The fact has waited, and it is a reminder at which it is judged."""
    partition = Partition(phoenix())
    for number, one in enumerate(FAILING):
        sent = {"traceparent": f"00-{number + 1:032x}-{number + 1:016x}-01", "source": "HOSP"}
        record = Record(
            EVENTS.name, 0, number, one.patient_id.encode(), one.to_json(), issued(one), sent
        )
        partition.topics[EVENTS.name].append(record)
    partition.work()
    a_day_later(partition)
    (said,) = (dict(one.headers) for one in partition.sent if one.topic == ALERTS.name)
    assert said["traceparent"][:36] == f"00-{3:032x}-"
    assert said["traceparent"].endswith("-01")
    first = [one.headers for one in partition.sent]
    partition.sent.clear()
    partition.moved()
    partition.committed = dict.fromkeys(partition.committed, 0)
    partition.work()
    assert [one.headers for one in partition.sent] == first, "said again, it is the same"


def test_a_merged_record_s_facts_bring_their_traces() -> None:
    partition = Partition(phoenix())
    trace = f"00-{7:032x}-{7:016x}-00"
    for number, one in enumerate([FAILING[0], merge("HOSP|1", "HOSP|2", "2022-01-01")]):
        key, value = one.patient_id.encode(), one.to_json()
        record = Record(EVENTS.name, 0, number, key, value, issued(one), {"traceparent": trace})
        partition.topics[EVENTS.name].append(record)
    partition.work()
    assert [dict(one.headers) for one in partition.topics[INNER]] == [{"traceparent": trace}] * 2
