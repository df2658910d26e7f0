"""The runtime: the same alerts as the replay, whatever happens on the way."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from schemas.base import as_utc
from schemas.deadletter import Where
from schemas.events import EVENT
from services.detector.adapters.replay import replay
from services.detector.engine.fact import Fact
from services.detector.engine.instants import instant
from services.detector.engine.monitor import Monitor
from services.embedded.delivery import Delivery
from services.embedded.monitor import WardMonitor
from services.embedded.player import deliveries, play, sent
from services.ingest.archive import Format, Record
from services.ingest.sources.files import Arrival, Mark
from services.runtime.errors import InvariantBroken, Unavailable

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Sequence

    from schemas.alerts import AlertRevision
    from schemas.events import Event
    from services.detector.engine.rule import CompiledRule

    Rules = tuple[CompiledRule, ...]
    Opener = Callable[..., Any]


def in_order(revisions: Iterable[AlertRevision]) -> list[AlertRevision]:
    return sorted(revisions, key=lambda one: (one.at, one.alert_id, one.revision))


def arrival(raw: bytes, mark: Mark | None = None, form: Format = Format.EVENTS) -> Arrival:
    return Arrival("test", form, Record(Where(), raw), mark)


def one_by_one(raws: Iterable[bytes], start: int) -> list[Delivery]:
    return [Delivery(start + n, (arrival(raw),)) for n, raw in enumerate(raws)]


def psa(event_id: str, day: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "observation",
        "event_id": event_id,
        "patient_id": "HOSP|1",
        "source": "LAB",
        "effective_at": day,
        "issued_at": f"{day}T12:00:00Z",
        "analyte": "psa",
        "value": value,
        "unit": "ng/mL",
        **more,
    }


def radiotherapy(patient_id: str = "HOSP|1") -> dict[str, Any]:
    return {
        "type": "treatment",
        "event_id": "rt",
        "patient_id": patient_id,
        "source": "EHR",
        "effective_at": "2020-01-01",
        "issued_at": "2020-01-01T12:00:00Z",
        "course_id": "c1",
        "condition": "prostate-cancer",
        "modality": "radiotherapy",
        "phase": "completed",
    }


PHOENIX = (
    radiotherapy(),
    psa("a", "2020-07-01", "0.5"),
    psa("b", "2021-01-01", "2.6"),
)


def typed(facts: Sequence[dict[str, Any]]) -> list[Event]:
    return [EVENT.validate_python(fact) for fact in facts]


def told(ward: Any, facts: Sequence[dict[str, Any]]) -> list[AlertRevision]:
    """Play facts at the moments of their issue; what was published of Phoenix."""
    for _ in play(deliveries(map(sent, typed(facts))), ward.runtime, ward.clock):
        pass
    return [one for one in ward.published() if one.rule == "PROST-PHOENIX"]


# -- the same as the replay


def test_a_play_says_exactly_what_the_replay_says(
    open_ward: Opener, rules: Rules, events: list[Event], script: list[Delivery]
) -> None:
    ward = open_ward()
    for _ in play(script, ward.runtime, ward.clock):
        pass
    expected = replay(events, rules).revisions
    assert expected
    assert ward.told == expected
    assert ward.published() == in_order(expected)


def test_deadlines_come_due_while_nothing_arrives(
    open_ward: Opener, rules: Rules, events: list[Event], script: list[Delivery]
) -> None:
    ward = open_ward()
    until = as_utc(typed([psa("x", "2027-06-30", "1")])[0].effective_at)
    for _ in play(script, ward.runtime, ward.clock, until=until):
        pass
    expected = replay(events, rules, until=until).revisions
    assert len(expected) > len(replay(events, rules).revisions)
    assert ward.published() == in_order(expected)


def test_a_tick_before_the_due_moment_says_nothing_and_at_it_the_alert(
    open_ward: Opener, script: list[Delivery]
) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    due = ward.runtime.next_due()
    assert due is not None
    ward.clock.set(due - 1)
    assert ward.runtime.tick().revisions == []
    ward.clock.set(due)
    found = ward.runtime.tick().revisions
    assert found
    assert {instant(one.at) for one in found} == {due}


# -- restarts


@pytest.mark.parametrize("every", [1, 7, 60])
def test_restarts_change_nothing(
    open_ward: Opener, rules: Rules, events: list[Event], script: list[Delivery], every: int
) -> None:
    script = script if every > 1 else script[:60]
    known = {a.record.raw for one in script for a in one.arrivals}
    expected = replay([one for one in events if one.to_json() in known], rules).revisions
    heard: list[AlertRevision] = []
    for start in range(0, len(script), every):
        ward = open_ward()
        assert ward.told == []  # the facts say what they said
        for _ in play(script[start : start + every], ward.runtime, ward.clock):
            pass
        heard += ward.told
    assert ward.published() == in_order(expected)
    assert heard == expected


def test_what_is_built_from_the_facts_is_what_was_stored(
    open_ward: Opener, script: list[Delivery]
) -> None:
    ward = open_ward()
    for at in range(0, len(script), 40):  # rows are written, changed and deleted on the way
        ward.runtime.take(script[at : at + 40])
    before = dump_tables(ward.store.path)
    ward.store.set_meta("rules", "others")  # so that everything is derived and written anew
    ward = open_ward()
    assert ward.told == []
    assert dump_tables(ward.store.path) == before


def dump_tables(path: object) -> list[tuple[Any, ...]]:
    with sqlite3.connect(str(path)) as db:
        return [
            row
            for table in ("rule_states", "timers", "undecided", "identities", "alerts", "facts")
            for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608
        ]


def test_other_rules_say_their_own_after_a_restart(open_ward: Opener, rules: Rules) -> None:
    without = tuple(rule for rule in rules if rule.id != "PROST-PHOENIX")
    ward = open_ward(without)
    assert told(ward, PHOENIX) == []
    ward = open_ward(rules)
    (found,) = [one for one in ward.told if one.rule == "PROST-PHOENIX"]
    assert (found.revision, found.state, found.cause) == (1, "confirmed", "rule-change")
    ward = open_ward(rules)
    assert ward.told == []
    fixed = psa("b", "2021-01-01", "0.6", status="corrected", issued_at="2021-02-01T12:00:00Z")
    assert [one.cause for one in told(ward, [fixed])] == ["rule-change", None]


def test_a_rule_that_comes_back_goes_on_with_its_journal(open_ward: Opener, rules: Rules) -> None:
    """Its alert still stands, so nothing is said; and the next revision has the next number."""
    without = tuple(rule for rule in rules if rule.id != "PROST-PHOENIX")
    assert len(told(open_ward(rules), PHOENIX)) == 1
    assert open_ward(without).told == []
    ward = open_ward(rules)
    assert ward.told == []
    fixed = psa("b", "2021-01-01", "0.6", status="corrected", issued_at="2021-02-01T12:00:00Z")
    found = told(ward, [fixed])
    assert [(one.revision, one.state) for one in found] == [(1, "confirmed"), (2, "retracted")]


# -- repetition and disorder


def test_repetition_says_nothing_more(open_ward: Opener, script: list[Delivery]) -> None:
    ward = open_ward()
    ward.runtime.take(script)
    before, counts = ward.published(), ward.book.counts()
    outcome = ward.runtime.take(script)
    assert (outcome.facts, outcome.revisions) == (0, [])
    assert outcome.repeats >= counts["facts"]
    assert (ward.published(), ward.book.counts()) == (before, counts)


def test_a_fact_without_issue_time_is_known_from_its_first_receipt(open_ward: Opener) -> None:
    """Sent again a year later it is still the same version, not a newer one."""
    ward = open_ward()
    old = {k: v for k, v in psa("a", "2020-07-01", "0.5").items() if k != "issued_at"}
    new = old | {"value": "0.7"}
    raws = [typed([fact])[0].to_json() for fact in (old, new, old)]
    ward.runtime.take(one_by_one(raws, start=instant(as_utc(typed([old])[0].effective_at))))
    (event,) = ward.book.events("HOSP|1")
    assert str(event.value) == "0.7"


def test_an_untidy_arrival_is_judged_as_the_engine_alone_judges_it(
    open_ward: Opener, lines: list[bytes], rules: Rules, events: list[Event]
) -> None:
    """Storage, batches and a restart in the middle add nothing and take nothing away."""
    order = random.Random(5).sample(range(len(lines)), len(lines))  # noqa: S311 - seeded
    start = max(instant(one.issued_at) for one in events if one.issued_at)
    engine = Monitor(rules)
    expected = [
        revision
        for place, n in enumerate(order)
        for revision in engine.receive([Fact(events[n], start + place)], start + place)
    ]
    arriving = one_by_one([lines[n] for n in order], start)
    open_ward().runtime.take(arriving[:300])
    ward = open_ward()
    ward.runtime.take(arriving[300:310])
    ward.runtime.take(arriving[310:])
    assert ward.published() == in_order(expected)


def test_what_waited_is_judged_at_its_issue(open_ward: Opener, rules: Rules) -> None:
    """Else a queue after an outage would be a storm of alerts about results further down in it."""
    ward = open_ward()
    today = instant(as_utc(typed([psa("x", "2026-01-01", "1")])[0].effective_at))
    raws = [event.to_json() for event in typed(PHOENIX)]
    outcome = ward.runtime.take([Delivery(today, (arrival(raw),), waited=True) for raw in raws])
    assert outcome.revisions == replay(typed(PHOENIX), rules).revisions
    assert ward.runtime.now == instant(typed(PHOENIX)[-1].issued_at)  # type: ignore[arg-type]


# -- bad input


def test_malformed_input_goes_to_the_dead_letters_and_the_rest_is_taken(open_ward: Opener) -> None:
    ward = open_ward()
    raws = [event.to_json() for event in typed(PHOENIX)]
    bad = [b"{", b'{"type":"observation"}', b"\xff\xfe", b""]
    outcome = ward.runtime.take(one_by_one([bad[0], raws[0], *bad[1:], *raws[1:]], start=1))
    assert outcome.facts == len(raws)
    assert [letter.reason for letter in outcome.deadletters] == [
        "malformed_json",
        "missing_field",
        "not_utf8",
        "empty_input",
    ]
    assert ward.book.counts()["dead_letters"] == len(bad)
    ward.runtime.take(one_by_one(bad, start=2))
    assert ward.book.counts()["dead_letters"] == len(bad)


def test_what_was_odd_is_counted_and_listed(open_ward: Opener) -> None:
    ward = open_ward()
    odd = typed([psa("a", "2020-07-01", "0.5", unit="furlong"), psa("b", "2020-07-02", "1")])
    outcome = ward.runtime.take(one_by_one([event.to_json() for event in odd], start=1))
    assert [notice.reason for notice in outcome.notices] == ["unknown_unit"]
    (oddity,) = ward.book.oddities()
    assert (oddity.source, oddity.reason, oddity.times) == ("test", "unknown_unit", 1)


# -- all or nothing


@pytest.mark.parametrize(
    "step", ["add_fact", "add_revision", "set_journal", "set_mark", "set_meta"]
)
def test_a_transaction_that_fails_anywhere_leaves_nothing_behind(
    open_ward: Opener, script: list[Delivery], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ward = open_ward()
    ward.runtime.take(script[:100])
    marked = [
        Delivery(one.at, tuple(arrival(a.record.raw, Mark("f", "d", "s", n)) for a in one.arrivals))
        for n, one in enumerate(script[100:])
    ]
    before, marks = dump_tables(ward.store.path), ward.store.marks()

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(ward.store, step, fail)
        with pytest.raises(Unavailable):
            ward.runtime.take(marked)
    assert (dump_tables(ward.store.path), ward.store.marks()) == (before, marks)
    ward.runtime.take(marked)
    after = dump_tables(ward.store.path)
    straight = open_ward(name="straight")
    straight.runtime.take(script[:100])
    straight.runtime.take(marked)
    assert dump_tables(straight.store.path) == after


def test_a_commit_that_fails_leaves_nothing_behind(
    open_ward: Opener, script: list[Delivery]
) -> None:
    """A deferred constraint is only looked at by COMMIT itself."""
    ward = open_ward()
    ward.runtime.take(script[:100])
    before = dump_tables(ward.store.path)
    db = ward.store._db  # noqa: SLF001
    db.execute("CREATE TABLE snag (x REFERENCES meta (key) DEFERRABLE INITIALLY DEFERRED)")
    db.execute(
        "CREATE TRIGGER trip AFTER INSERT ON facts BEGIN INSERT INTO snag VALUES ('none'); END"
    )
    with pytest.raises(InvariantBroken):
        ward.runtime.take(script[100:])
    assert dump_tables(ward.store.path) == before
    db.execute("DROP TRIGGER trip")
    db.execute("DELETE FROM suspended")
    ward = open_ward()
    ward.runtime.take(script[100:])
    straight = open_ward(name="straight")
    straight.runtime.take(script)
    assert ward.published() == straight.published()


def test_a_store_that_is_locked_is_tried_again(open_ward: Opener, script: list[Delivery]) -> None:
    ward = open_ward()
    ward.store._db.execute("PRAGMA busy_timeout=1")  # noqa: SLF001
    other = sqlite3.connect(ward.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        ward.runtime.take(script)
    other.execute("ROLLBACK")
    other.close()
    assert ward.book.counts()["facts"] == 0
    assert ward.told == []
    assert ward.runtime.take(script).facts == ward.book.counts()["facts"] > 0


# -- defects of ours


def break_at(monkeypatch: pytest.MonkeyPatch, *patients: str) -> None:
    """Let the engine fail at some patients."""
    whole = WardMonitor.state_of

    def state_of(self: WardMonitor, patient_id: str) -> Any:
        self.at_work = patient_id
        if patient_id in patients:
            raise KeyError("secret value")
        self.at_work = None
        return whole(self, patient_id)

    monkeypatch.setattr(WardMonitor, "state_of", state_of)


def test_a_defect_at_one_patient_concerns_nobody_else(
    open_ward: Opener,
    script: list[Delivery],
    monkeypatch: pytest.MonkeyPatch,
    log: io.StringIO,
) -> None:
    whole = open_ward(name="whole")
    whole.runtime.take(script)
    victim = whole.published()[0].patient_id
    ward = open_ward()
    with monkeypatch.context() as broken:
        break_at(broken, victim)
        ward.runtime.take(script)
        ward = open_ward()  # nor after a restart
        assert ward.book.counts()["suspended"] == 1
    others = [one for one in whole.published() if one.patient_id != victim]
    assert others
    assert ward.published() == others
    assert ward.book.counts()["facts"] == whole.book.counts()["facts"]  # nothing accepted is lost
    assert '"event": "defect"' in log.getvalue()
    assert "secret value" not in log.getvalue()
    assert victim not in log.getvalue()


def test_a_suspended_patient_is_judged_again_by_new_rules(
    open_ward: Opener, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = open_ward(rules[1:])
    with monkeypatch.context() as broken:
        break_at(broken, "HOSP|1")
        assert told(ward, PHOENIX) == []
    assert told(open_ward(rules[1:]), []) == []
    ward = open_ward(rules)
    assert [(one.rule, one.cause) for one in ward.told] == [("PROST-PHOENIX", None)]
    assert ward.book.counts()["suspended"] == 0


def test_a_suspended_patient_is_judged_again_when_asked(
    open_ward: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defect was put right without a new version."""
    ward = open_ward()
    with monkeypatch.context() as broken:
        break_at(broken, "HOSP|1")
        assert told(ward, PHOENIX) == []
    ward = open_ward()
    assert ward.book.counts()["suspended"] == 1
    assert [one.rule for one in ward.runtime.start(resume=True).revisions] == ["PROST-PHOENIX"]
    assert ward.book.counts()["suspended"] == 0


def test_a_defect_everywhere_stops_the_process(
    open_ward: Opener, script: list[Delivery], events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = open_ward()
    break_at(monkeypatch, *{event.patient_id for event in events})
    with pytest.raises(InvariantBroken):
        ward.runtime.take(script)
    assert (ward.book.counts()["facts"], ward.book.counts()["suspended"]) == (0, 0)
