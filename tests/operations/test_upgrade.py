"""What an earlier release left behind is opened by this one, and goes on: nothing lost or doubled.

`upgrade/make.py` says how it was made, by that release itself.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.datafolder import judged, published
from support.living import all_rules, as_released, live
from support.mllp import Sender, code, entries, listening, obx, oru

from schemas.alerts import OPEN_STATES
from schemas.events import EVENT
from services.detector.engine.fact import Fact
from services.embedded.database import Database
from services.embedded.schema import STEPS
from services.embedded.store import FILE_NAME as STORE
from services.ingest.journal import FILE_NAME as JOURNAL
from services.ingest.journal import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.alerts import AlertRevision

LEFT = Path(__file__).parent / "upgrade"
STANDING = {str(state) for state in OPEN_STATES}
RELEASES = sorted({path.name.partition(".")[0] for path in LEFT.glob("*.sql")})


@pytest.fixture(params=RELEASES)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A data folder as a release left it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    for text in LEFT.glob(f"{request.param}.*.sql"):
        with closing(
            sqlite3.connect(
                folder / text.name.removeprefix(f"{request.param}.").replace(".sql", ".sqlite")
            )
        ) as db:
            db.executescript(text.read_text())
    return folder


def tables(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def stored(folder: Path) -> Iterator[Fact]:
    """The facts of a folder, as they were written."""
    with closing(sqlite3.connect(folder / STORE)) as db:
        for text, received in db.execute("SELECT event, received FROM facts ORDER BY seq"):
            yield Fact(EVENT.validate_json(text), received)


def versions(facts: Iterable[Fact]) -> list[tuple[object, ...]]:
    return [(fact.event, fact.issued) for fact in facts]


def in_force(revisions: list[AlertRevision]) -> dict[str, tuple[object, ...]]:
    """The last word of each alert."""
    return {
        one.alert_id: (one.rule, one.state, one.severity, one.onset, one.evidence)
        for one in sorted(revisions, key=lambda one: one.revision)
    }


def test_there_is_a_folder_of_the_formats_before_this_one(old: Path) -> None:
    assert tables(old / STORE) < len(STEPS)
    assert tables(old / JOURNAL) < VERSION


def test_it_goes_on_and_what_was_said_stays_said(old: Path) -> None:
    before, facts = published(old), list(stored(old))
    assert len(before) >= 4
    assert len(facts) > 100
    judged(old, all_rules())
    assert tables(old / STORE) == len(STEPS)
    after = published(old)
    kept = {(one.alert_id, one.revision): one.digest for one in after}
    assert {(one.alert_id, one.revision): one.digest for one in before}.items() <= kept.items()
    assert versions(stored(old)) == versions(facts)

    with listening(old) as listener, Sender(listener.port) as sender:
        result = obx(value="140", f3="777-3^^LN", f6="10*3/uL")
        assert code(sender.ask(oru("M2", result, person="000012"))) == "AA M2"
        assert code(sender.ask(oru("M2", result, person="000012"))) == "AA M2"
    assert [entry.form.value for entry in entries(old)] == ["hl7"] * 3
    judged(old, all_rules())
    assert len(list(stored(old))) == len(facts) + 1
    assert len({(one.alert_id, one.revision) for one in published(old)}) == len(published(old))


def test_it_then_says_what_its_facts_say_from_the_beginning(old: Path) -> None:
    """Other rules than then: what they say of old facts is what they'd have said of new ones."""
    judged(old, all_rules())
    found = in_force(published(old))
    facts = sorted(stored(old), key=lambda fact: fact.issued)
    end = Database(old / STORE)
    ((now,),) = end.query("SELECT value FROM meta WHERE key = 'now'")
    end.close()
    expected = in_force(live(as_released(facts), int(now)).revisions)
    standing = {name: said for name, said in expected.items() if said[1] in STANDING}
    assert standing
    assert {name: found.get(name) for name in standing} == standing


def test_its_events_are_read_and_would_be_written_as_they_were(old: Path) -> None:
    with closing(sqlite3.connect(old / STORE)) as db:
        texts = [text for (text,) in db.execute("SELECT event FROM facts")]
    for text in texts:
        event = EVENT.validate_json(text)
        assert event.schema_version == 1
        assert event.to_json().decode() == text


def test_a_release_before_this_one_does_not_open_what_this_one_wrote(
    old: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is no way back but a backup, and that is said before anything is touched."""
    ours = shutil.copytree(old, tmp_path / "ours")
    judged(ours, ())
    monkeypatch.setattr("services.embedded.schema.STEPS", STEPS[:-1])
    with pytest.raises(Exception, match="written by a newer version"):
        Database(ours / STORE)
