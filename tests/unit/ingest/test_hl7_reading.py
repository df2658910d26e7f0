"""Reading fast says what reading plainly says: fields, what is remembered, and ids."""

from __future__ import annotations

import gc
from datetime import UTC, date, datetime, timedelta

import pytest
from fuzz.corpus import seeds
from hypothesis import example, given
from hypothesis import strategies as st
from support.mllp import obx, oru

from schemas.base import digest
from schemas.deadletter import Reason
from schemas.events import Observation
from schemas.partial import PartialDate
from schemas.remembered import Memo
from services.ingest.hl7v2.codec import MAX_REPEATS, NULL, Delimiters, Refused, Segment
from services.ingest.hl7v2.identity import fact_id
from services.ingest.hl7v2.mapping import read_message
from services.ingest.hl7v2.people import before_birth
from services.ingest.mllp.acknowledge import Stamp, answers, read_header
from services.ingest.mllp.verdict import ACCEPTED

ALPHABETS = ["|^~\\&", "|^~\\", "|^", "$%*/@", "|&^~\\"]
parts = st.text(alphabet='ab1 ^~\\&%*/@"<>.é²\n', max_size=14)


def plainly(text: str, marks: Delimiters, component: int, sub: int, repeat: int) -> str:
    """The definition, without a thought for speed; escapes left out."""
    for mark, number in (
        (marks.repetition, repeat),
        (marks.component, component),
        (marks.subcomponent, sub),
    ):
        pieces = text.split(mark) if mark else [text]
        text = pieces[number - 1] if number <= len(pieces) else ""
    return "" if text == NULL else text.strip()


@given(parts, st.sampled_from(ALPHABETS), *[st.integers(1, 3)] * 3)
@example('""', "|^~\\&", 1, 1, 1)
@example("²é", "|^", 1, 2, 1)
def test_a_part_of_a_field_is_what_stands_between_delimiters(
    text: str, alphabet: str, component: int, sub: int, repeat: int
) -> None:
    marks = Delimiters.read("MSH" + alphabet)
    text = text.replace(marks.escape, "") if marks.escape else text
    segment = Segment("OBX", (text,), marks, "utf-8")
    expected = plainly(text, marks, component, sub, repeat)
    assert segment.get(1, component, sub, repeat=repeat) == expected
    assert segment.get(2, component, sub, repeat=repeat) == ""


@given(st.lists(parts, min_size=1, max_size=5), st.sampled_from(ALPHABETS))
def test_each_repetition_stands_alone(texts: list[str], alphabet: str) -> None:
    marks = Delimiters.read("MSH" + alphabet)
    text = (marks.repetition or "").join(texts)
    segment = Segment("PID", ("x", text, "y"), marks, "utf-8")
    each = list(segment.each(2))
    assert [one.get(2) for one in each] == [
        segment.get(2, repeat=at) for at in range(1, segment.repeats(2) + 1)
    ]
    assert all((one.get(1), one.get(3)) == ("x", "y") for one in each)


def test_a_list_has_an_end() -> None:
    marks = Delimiters.read("MSH|^~\\&")
    longest = Segment("PID", ("~".join("a" * MAX_REPEATS),), marks, "utf-8")
    assert len(list(longest.each(1))) == MAX_REPEATS
    longer = Segment("PID", (longest.fields[0] + "~a",), marks, "utf-8")
    with pytest.raises(Refused, match="PID-1") as refusal:
        list(longer.each(1))
    assert refusal.value.rejected.reason is Reason.TOO_LARGE


def test_what_is_remembered_changes_nothing() -> None:
    messages = [raw for raw in seeds() if raw.startswith(b"MSH")]
    warm = [read_message(raw) for _ in "12" for raw in messages][len(messages) :]
    for memo in [one for one in gc.get_objects() if isinstance(one, Memo)]:
        memo.clear()
    assert [read_message(raw) for raw in messages] == warm


@given(
    st.text(),
    st.lists(st.one_of(st.text(), st.integers(0, 9), st.tuples(st.text(), st.text()))),
)
@example("".join(map(chr, range(0x300))), [])
def test_an_id_is_the_digest_that_others_would_make(
    patient: str, more: list[str | int | tuple[str, ...]]
) -> None:
    assert fact_id("obx", patient, *more) == digest("hl7v2", "obx", patient, *more)


WORDS = [
    ("ASCII", "ascii", "negative"),
    ("8859/2", "iso8859-2", "żółć"),
    ("8859/5", "iso8859-5", "Проба"),
    ("8859/7", "iso8859-7", "δείγμα"),
    ("8859/15", "iso8859-15", "10 €"),
    ("GB 18030-2000", "gb18030", "阴性"),
    ("BIG-5", "big5", "成功"),  # its second byte is a backslash, the usual escape character
    ("KS X 1001", "euc_kr", "음성"),
    ("UNICODE UTF-8", "utf-8", "µ 🦠"),
]


@pytest.mark.parametrize(("name", "encoding", "word"), WORDS)
def test_a_word_comes_through_in_each_character_set(name: str, encoding: str, word: str) -> None:
    found = obx(value=f"X^{word}^L", f2="CWE", f3="biopsy^^99SW", f6="")
    sent = oru("M1", found, f5=word if name != "BIG-5" else "", f18=name)
    raw = sent.decode().encode(encoding)
    (event,) = read_message(raw).events
    assert isinstance(event, Observation)
    assert event.value_code == word
    header, refused = read_header(raw, "utf-8")
    (answer,) = answers(header, ACCEPTED, Stamp("SW1", datetime(2026, 3, 4, tzinfo=UTC)))
    assert refused is None
    assert answer.split(b"|")[2] == raw.split(b"|")[4], "MSH-5 went back as it came"


BORN = date(2026, 3, 4)


@pytest.mark.parametrize(
    ("at", "before"),
    [
        (date(2026, 3, 2), True),
        (date(2026, 3, 3), False),
        (datetime(2026, 3, 2, 23, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 3, tzinfo=UTC), False),
        (PartialDate(2026, 2), True),
        (PartialDate(2026, 3), False),
        (PartialDate(2025), True),
        (PartialDate(2026), False),
    ],
)
def test_a_result_may_be_a_day_older_than_its_patient(
    at: date | datetime | PartialDate, *, before: bool
) -> None:
    assert before_birth(at, BORN) is before
    assert before_birth(at, None) is False
    assert before_birth(BORN - timedelta(days=1), BORN) is False
