"""Strict reading of canonical events: every bad line gets its reason, and no value in it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.deadletter import Reason
from schemas.events import Event, Observation, Treatment
from services.ingest.coding import resolve
from services.ingest.decode import Decoded, Rejected, decode_event

PSA = {
    "type": "observation",
    "event_id": "obx-1",
    "patient_id": "HOSP|12345",
    "source": "LAB",
    "effective_at": "2024-03-05",
    "analyte": "psa",
    "value": "0.20",
    "unit": "ng/mL",
}


def _line(**changes: object) -> bytes:
    fields = {name: value for name, value in {**PSA, **changes}.items() if value is not None}
    return json.dumps(fields).encode()


def _with(text: str) -> bytes:
    """The PSA line with its value replaced by raw JSON."""
    return _line().replace(b'"0.20"', text.encode())


def _event(line: bytes) -> Event:
    decoded = decode_event(line)
    assert isinstance(decoded, Decoded), decoded
    return decoded.event


def _observation(line: bytes) -> Observation:
    event = _event(line)
    assert isinstance(event, Observation)
    return event


BAD = {
    "unknown type": (_line(type="wish"), Reason.UNKNOWN_TYPE, "type"),
    "no type": (_line(type=None), Reason.MISSING_FIELD, "type"),
    "missing field": (_line(patient_id=None), Reason.MISSING_FIELD, "patient_id"),
    "no value": (_line(value=None), Reason.MISSING_FIELD, "value"),
    "extra field": (_line(colour="red"), Reason.UNKNOWN_FIELD, "colour"),
    "unknown version": (_line(schema_version=9), Reason.UNKNOWN_VERSION, "schema_version"),
    "NaN": (_with("NaN"), Reason.NOT_A_NUMBER, ""),
    "Infinity": (_with("-Infinity"), Reason.NOT_A_NUMBER, ""),
    "NaN as text": (_line(value="NaN"), Reason.NOT_A_NUMBER, "value"),
    "30-digit integer": (_with("9" * 30), Reason.NOT_A_NUMBER, "value"),
    "million-digit integer": (_with("9" * 1_000_000), Reason.NOT_A_NUMBER, ""),
    "1e400": (_with("1e400"), Reason.NOT_A_NUMBER, "value"),
    "absurd exponent": (_with("1e" + "9" * 30), Reason.NOT_A_NUMBER, ""),
    "word for a number": (_line(value="high"), Reason.NOT_A_NUMBER, "value"),
    "number for a text": (_line(source=7), Reason.BAD_FIELD, "source"),
    "duplicate key": (_line()[:-1] + b', "value": "9.9"}', Reason.DUPLICATE_KEY, ""),
    "duplicate key by escape": (
        _line()[:-1] + b', "v\\u0061lue": "9.9"}',
        Reason.DUPLICATE_KEY,
        "",
    ),
    "invalid UTF-8": (_line().replace(b"LAB", b"L\xffB"), Reason.NOT_UTF8, "byte"),
    "byte order mark": (b"\xef\xbb\xbf" + _line(), Reason.NOT_UTF8, "byte order mark"),
    "lone surrogate": (_line().replace(b"LAB", b"\\ud800"), Reason.BAD_FIELD, "source"),
    "NUL in a text": (_line(source="L\0B"), Reason.BAD_FIELD, "source"),
    "depth bomb of arrays": (b"[" * 100_000, Reason.TOO_DEEP, ""),
    "depth bomb of objects": (b'{"a":' * 100_000, Reason.TOO_DEEP, ""),
    "closed depth bomb": (b"[" * 65 + b"]" * 65, Reason.TOO_DEEP, ""),
    "too large": (_line(source="x" * 2_000_000), Reason.TOO_LARGE, ""),
    "not JSON": (b"MSH|^~\\&|", Reason.MALFORMED_JSON, "column"),
    "cut off": (_line()[:-5], Reason.MALFORMED_JSON, "column"),
    "two objects": (_line() + _line(), Reason.MALFORMED_JSON, "column"),
    "an array": (b"[1, 2]", Reason.MALFORMED_JSON, "object"),
    "a bare number": (b"42", Reason.MALFORMED_JSON, "object"),
    "nothing": (b"", Reason.EMPTY_INPUT, ""),
    "white space": (b" \r\n", Reason.EMPTY_INPUT, ""),
    "no such day": (_line(effective_at="2026-02-30"), Reason.IMPOSSIBLE_DATE, "effective_at"),
    "no offset": (_line(issued_at="2026-02-03T10:00:00"), Reason.IMPOSSIBLE_DATE, "issued_at"),
    "no such month": (_line(effective_at="2026-13"), Reason.IMPOSSIBLE_DATE, "effective_at"),
    "no such year": (_line(effective_at="1849"), Reason.IMPOSSIBLE_DATE, "effective_at"),
    "issued in a month": (_line(issued_at="2026-02"), Reason.IMPOSSIBLE_DATE, "issued_at"),
    "unknown status": (_line(status="finalx"), Reason.BAD_FIELD, "status"),
    "unknown comparator": (_line(comparator="~"), Reason.BAD_FIELD, "comparator"),
}


@pytest.mark.parametrize(("line", "reason", "field"), BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_refused_with_its_reason_and_field(
    line: bytes, reason: Reason, field: str
) -> None:
    refused = decode_event(line)
    assert isinstance(refused, Rejected)
    assert refused.reason is reason
    assert field in refused.detail


def test_no_detail_quotes_a_value() -> None:
    marker = "Verysecret"
    for change in (
        {"type": marker},
        {"status": marker},
        {"value": marker},
        {"source": marker * 99},
    ):
        refused = decode_event(_line(**change))
        assert isinstance(refused, Rejected)
        assert marker not in refused.detail


def test_sixty_four_levels_are_read_and_brackets_in_texts_do_not_count() -> None:
    refused = decode_event(b"[" * 64 + b"]" * 64)
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.MALFORMED_JSON
    assert _event(_line(source="[{" * 90 + '\\"')).source.startswith("[{")


def test_many_brackets_side_by_side_are_not_deep() -> None:
    refused = decode_event(b"[" + b"[], " * 100 + b"{}]")
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.MALFORMED_JSON


def test_a_megabyte_of_open_quotes_is_refused_in_one_pass() -> None:
    hostile = b"[" * 70 + b'"\\"' * 300_000
    refused = decode_event(hostile)
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.TOO_DEEP


def test_decimals_keep_their_digits() -> None:
    assert str(_observation(_with("0.20")).value) == "0.20"
    assert _observation(_with("1.2")).value == Decimal("1.2")
    assert _observation(_with("7")).value == Decimal(7)


def test_an_alias_becomes_our_key() -> None:
    assert _observation(_line(analyte="plt", unit="10*9/L")).analyte == "platelets"


def test_a_code_alone_becomes_our_key() -> None:
    code = {"system": "http://loinc.org", "code": "2857-1"}
    assert _observation(_line(analyte=None, code=code)).analyte == "psa"


NOTICED = {
    "unknown analyte": ({"analyte": "moon_phase"}, Reason.UNMAPPED_CODE),
    "unknown code": (
        {"analyte": None, "code": {"system": "http://loinc.org", "code": "99999-9"}},
        Reason.UNMAPPED_CODE,
    ),
    "unknown unit": ({"unit": "furlong"}, Reason.UNKNOWN_UNIT),
    "no unit": ({"unit": None}, Reason.UNKNOWN_UNIT),
    "refused code": (
        {"analyte": None, "code": {"system": "http://loinc.org", "code": "10886-0"}},
        Reason.REFUSED_CODE,
    ),
}


@pytest.mark.parametrize(("changes", "reason"), NOTICED.values(), ids=NOTICED.keys())
def test_what_cannot_be_evaluated_is_kept_and_told(
    changes: dict[str, object], reason: Reason
) -> None:
    decoded = decode_event(_line(**changes))
    assert isinstance(decoded, Decoded)
    assert [notice.reason for notice in decoded.notices] == [reason]


def test_a_code_that_contradicts_the_name_takes_the_name_away() -> None:
    code = {"system": "http://loinc.org", "code": "2160-0"}  # creatinine
    decoded = decode_event(_line(code=code))
    assert isinstance(decoded, Decoded)
    assert isinstance(decoded.event, Observation)
    assert decoded.event.analyte is None
    assert [notice.reason for notice in decoded.notices] == [Reason.CODE_CONFLICT]


def test_free_psa_is_not_psa_whatever_it_is_called() -> None:
    decoded = decode_event(_line(code={"system": "http://loinc.org", "code": "10886-0"}))
    assert isinstance(decoded, Decoded)
    assert isinstance(decoded.event, Observation)
    assert decoded.event.analyte is None


def test_resolving_twice_changes_nothing() -> None:
    once, first = resolve(_observation(_line(analyte="plt", unit="K/uL")))
    assert resolve(once) == (once, first)


_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=30)
_TEXTS = _TEXTS.filter(lambda text: "\x7f" not in text)
_TIMES = st.dates(date(1900, 1, 1), date(2199, 12, 30)) | st.datetimes(
    datetime(1900, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2199, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
_VALUES = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4
)
_OBSERVATIONS = st.builds(
    Observation,
    type=st.just("observation"),
    event_id=_TEXTS,
    patient_id=_TEXTS,
    source=_TEXTS,
    effective_at=_TIMES,
    analyte=st.sampled_from(["psa", "platelets", "moon_phase"]),
    value=_VALUES,
    comparator=st.sampled_from(["<", ">=", None]),
    unit=st.none() | _TEXTS,
)
_TREATMENTS = st.builds(
    Treatment,
    type=st.just("treatment"),
    event_id=_TEXTS,
    patient_id=_TEXTS,
    source=_TEXTS,
    effective_at=_TIMES,
    course_id=_TEXTS,
    condition=_TEXTS,
    modality=_TEXTS,
    phase=st.sampled_from(["started", "held", "completed"]),
    cycle=st.none() | st.integers(0, 1000),
    drug_classes=st.none() | st.tuples(_TEXTS, _TEXTS),
)


@settings(max_examples=60, deadline=None)
@given(_OBSERVATIONS | _TREATMENTS)
def test_any_valid_event_survives_its_json(event: Event) -> None:
    assert _event(event.to_json()) == event
    assert _event(event.to_json() + b"\r\n") == event


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode()))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(decode_event(data), Decoded | Rejected)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(_line())), st.binary(max_size=4), st.integers(0, 4))
def test_no_damaged_event_raises(at: int, inserted: bytes, dropped: int) -> None:
    line = _line()
    assert isinstance(decode_event(line[:at] + inserted + line[at + dropped :]), Decoded | Rejected)
