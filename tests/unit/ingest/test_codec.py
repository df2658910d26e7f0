"""The encoding rules of HL7 v2, chapter 2."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.deadletter import Reason
from services.ingest.hl7v2.codec import Message, Refused, Segment, parse

HEAD = "MSH|^~\\&|APP|FAC|||20240102||ORU^R01|1|P|2.5.1"


def _message(*segments: str, head: str = HEAD, encoding: str = "utf-8") -> Message:
    return parse("\r".join([head, *segments]).encode(encoding))


def _field(text: str) -> Segment:
    return _message(f"OBX|{text}").segments[1]


def _refusal(raw: bytes) -> Reason:
    with pytest.raises(Refused) as caught:
        parse(raw)
    return caught.value.rejected.reason


def test_msh_counts_its_own_separator_as_its_first_field() -> None:
    header = _message().header
    assert header.raw(1) == "|"
    assert header.raw(2) == "^~\\&"
    assert (header.get(3), header.get(9), header.get(9, 2), header.get(12)) == (
        "APP",
        "ORU",
        "R01",
        "2.5.1",
    )


def test_repetitions_components_and_subcomponents_count_from_one() -> None:
    field = _field("a&b^c~d^^e&f")
    assert [field.get(1), field.get(1, 1, 2), field.get(1, 2)] == ["a", "b", "c"]
    assert [field.get(1, repeat=2), field.get(1, 3, 2, repeat=2)] == ["d", "f"]
    assert field.repeats(1) == 2
    assert (field.get(1, 9), field.get(1, repeat=3), field.get(7), field.repeats(7)) == (
        "",
        "",
        "",
        0,
    )


def test_null_is_not_empty() -> None:
    segment = _field('""||x')
    assert (segment.is_null(1), segment.is_null(2), segment.is_null(3)) == (True, False, False)
    assert (segment.get(1), segment.get(2)) == ("", "")


ESCAPES = {
    r"5\T\6": "5&6",
    r"\F\\S\\R\\E\ ": "|^~\\",
    r"a\X26\b": "a&b",
    r"\Xc3a9\t": "ét",
    r"line\.br\next": "line\nnext",
    r"\H\bold\N\ ": "bold",
    r"a\.sp2\b": "a b",
    r"kept \Zxx\ whole": r"kept \Zxx\ whole",
    r"kept \X4\ whole": r"kept \X4\ whole",
    r"kept \Xff\ whole": r"kept \Xff\ whole",
    "trailing \\": "trailing \\",
}


@pytest.mark.parametrize(("sent", "meant"), ESCAPES.items(), ids=ESCAPES.values())
def test_escapes(sent: str, meant: str) -> None:
    assert _field(sent).get(1) == meant


def test_an_escaped_separator_does_not_separate() -> None:
    field = _field(r"a\S\b^c")
    assert (field.get(1), field.get(1, 2)) == ("a^b", "c")


def test_the_delimiters_are_those_of_the_message() -> None:
    other = parse(b"MSH^~|\\&^APP^FAC\rPID^1^^12~~~HOSP|13~~~OLD").segments[1]
    assert (other.get(3), other.get(3, 4), other.get(3, repeat=2)) == ("12", "HOSP", "13")
    five = _message("PID|1||a#b", head=HEAD.replace("^~\\&", "^~\\&#")).segments[1]
    assert five.get(3) == "a#b"
    short = parse(b"MSH|^|A|B\rPID|1||a^b~c&d\\T\\").segments[1]
    assert (short.get(3), short.get(3, 2)) == ("a", r"b~c&d\T\ ".strip())


BAD = {
    "nothing": (b"", Reason.MALFORMED_HL7),
    "not MSH": (b"PID|1\r", Reason.MALFORMED_HL7),
    "MSH only": (b"MSH", Reason.MALFORMED_HL7),
    "no MSH-2": (b"MSH|", Reason.MALFORMED_HL7),
    "empty MSH-2": (b"MSH||A", Reason.MALFORMED_HL7),
    "doubled escape": (b"MSH|^~\\\\&|A", Reason.MALFORMED_HL7),
    "letters": (b"MSH|abcd|A", Reason.MALFORMED_HL7),
    "digits": (b"MSH|12345678|A", Reason.MALFORMED_HL7),
    "six": (b"MSH|^~\\&#!|A", Reason.MALFORMED_HL7),
    "all the same": (b"MSH{{{{{|A", Reason.MALFORMED_HL7),
    "no segment": (HEAD.encode() + b"\rrubbish", Reason.MALFORMED_HL7),
    "other separator": (HEAD.encode() + b"\rPID^1", Reason.MALFORMED_HL7),
    "NUL": (HEAD.encode() + b"\rPID|\x00", Reason.MALFORMED_HL7),
    "not UTF-8": (HEAD.encode() + b"\rPID|\xb5", Reason.BAD_CHARSET),
    "not ASCII": (HEAD.encode() + b"||||||ASCII\rPID|\xc3\xa9", Reason.BAD_CHARSET),
    "unknown set": (HEAD.encode() + b"||||||KLINGON\rPID|1", Reason.BAD_CHARSET),
    "too many segments": (HEAD.encode() + b"\rNTE|1" * 20_001, Reason.TOO_LARGE),
}


@pytest.mark.parametrize(("raw", "reason"), BAD.values(), ids=BAD.keys())
def test_what_is_not_a_message_is_refused(raw: bytes, reason: Reason) -> None:
    assert _refusal(raw) is reason


CHARSETS = {"8859/1": "latin-1", "8859/15": "iso8859-15", "UNICODE UTF-8": "utf-8"}


@pytest.mark.parametrize(("name", "encoding"), CHARSETS.items())
def test_the_character_set_is_that_of_msh_18(name: str, encoding: str) -> None:
    message = _message("PID|µg", head=HEAD + "||||||" + name + "~ASCII", encoding=encoding)
    assert message.segments[1].get(1) == "µg"


def test_where_msh_18_is_empty_the_profile_decides() -> None:
    raw = (HEAD + "\rPID|µg").encode("latin-1")
    assert parse(raw, "latin-1").segments[1].get(1) == "µg"


def test_segments_end_with_cr_lf_or_crlf() -> None:
    for end in (b"\r", b"\n", b"\r\n", b"\r\n\r\n"):
        message = parse(end.join([HEAD.encode(), b"PID|1", b"OBX|2", b""]))
        assert [segment.name for segment in message.segments] == ["MSH", "PID", "OBX"]


def test_a_line_feed_within_segments_that_end_with_cr_is_content() -> None:
    message = parse(HEAD.encode() + b"\rNTE|1||first\nsecond\rPID|1")
    assert message.segments[1].get(3) == "first\nsecond"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_raise_anything_but_a_refusal(data: bytes, at: int) -> None:
    good = (HEAD + "\rPID|1||a^b&c~d|\\T\\").encode()
    for raw in (data, b"MSH" + data, good[:at] + data[:5] + good[at:]):
        try:
            message = parse(raw)
        except Refused:
            continue
        for segment in message.segments:
            for number in range(1, len(segment.fields) + 2):
                segment.get(number, 2, 2, repeat=2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126)), max_size=5))
def test_escaped_text_comes_back(parts: list[str]) -> None:
    table = {"|": r"\F\ ", "^": r"\S\ ", "&": r"\T\ ", "~": r"\R\ ", "\\": r"\E\ "}
    escaped = ["".join(table.get(c, c).strip() for c in part) for part in parts]
    segment = _field("^".join(escaped))
    for number, part in enumerate(parts, 1):
        if escaped != ['""']:
            assert segment.get(1, number) == ("" if part == '""' else part)
