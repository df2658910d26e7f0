"""Dead letters and topics: closed lists, stable ids, nothing of the value outside `raw`."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.deadletter import RAW_KEPT, DeadLetter, Reason, Where
from schemas.topics import TOPICS, topic

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def _letter(raw: bytes = b"{}", part: str | None = None) -> DeadLetter:
    return DeadLetter.of(
        raw,
        Reason.MISSING_FIELD,
        "patient_id: Field required",
        source="lab",
        received_at=AT,
        part=part,
        where=Where(file="a.jsonl", line=3),
    )


def test_every_reason_has_a_sentence_of_its_own() -> None:
    sentences = [reason.sentence for reason in Reason]
    assert all(sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(list(Reason))


def test_a_dead_letter_survives_its_json() -> None:
    letter = _letter(b"\xff\x00bytes")
    again = DeadLetter.model_validate_json(letter.to_json())
    assert again == letter
    assert again.raw_bytes() == b"\xff\x00bytes"


def test_the_id_follows_content_and_part() -> None:
    assert _letter().id == _letter().id
    assert len({_letter().id, _letter(b"[]").id, _letter(part="OBX[1]-5").id}) == 3


def test_a_large_record_is_kept_by_its_beginning() -> None:
    letter = _letter(b"x" * (RAW_KEPT + 5))
    assert (letter.raw_size, len(letter.raw_bytes())) == (RAW_KEPT + 5, RAW_KEPT)


def test_where_reads_as_editors_write_it() -> None:
    assert str(Where(file="a.jsonl", line=3)) == "a.jsonl:3"
    assert str(Where(topic="clinical.raw", partition=1, offset=7)) == "clinical.raw[1]@7"


def test_topics_have_one_row_each_with_a_key_of_their_message() -> None:
    assert len({row.name for row in TOPICS}) == len(TOPICS)
    for row in TOPICS:
        if row.message is not None:
            assert row.key in str(row.message.json_schema())
    assert topic("clinical.alerts").config()["cleanup.policy"] == "compact"
    assert topic("clinical.raw").config()["retention.ms"] == str(30 * 86_400_000)
    assert topic("clinical.events").config() == {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "max.message.bytes": str(2 * 1024 * 1024),
    }
