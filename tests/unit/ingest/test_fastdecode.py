"""The fast reader accepts only what the strict one accepts, and means the same."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.events import Coding, Observation, Status
from schemas.reading import PlainObservation, decode_plain
from services.detector.engine.fact import Fact
from services.ingest.decode import Decoded, decode_event

PLAIN = {
    "schema_version": "1",
    "type": '"observation"',
    "event_id": '"obx-1"',
    "patient_id": '"HOSP|12345"',
    "source": '"LAB"',
    "effective_at": '"2024-03-05T08:30:00+01:00"',
    "issued_at": '"2024-03-05T14:00:00Z"',
    "status": '"final"',
    "analyte": '"psa"',
    "code": '{"system":"http://loinc.org","code":"2857-1","display":"PSA, total"}',
    "value": '"0.20"',
    "unit": '"ng/mL"',
    "reference_low": '"0"',
    "reference_high": '"4.0"',
    "specimen": '"serum"',
    "method": '"ECLIA"',
}
"""Field -> its JSON text, so that a test can write what no JSON writer would."""

OPTIONAL = ("schema_version", "issued_at", "status", "code", "reference_low", "specimen", "method")
NUMBERS = (
    *(
        '"0.20"',
        "0.20",
        "0.1000000000000000055",
        "7",
        "-7",
        '"-7"',
        '"+7"',
        "0",
        "-0",
        '"007"',
        "1.0",
    ),
    *(
        '"1."',
        '".5"',
        '"."',
        '""',
        '" 1"',
        '"1_0"',
        '"1e5"',
        "1E5",
        "1e400",
        "1e-400",
        "NaN",
        '"NaN"',
    ),
    *(
        "Infinity",
        '"Infinity"',
        "true",
        "null",
        "[]",
        "{}",
        "01",
        "9" * 18,
        "9" * 19,
        "9" * 30,
        "9" * 50,
    ),
    *(
        f'"{"9" * 17}.9"',
        f'"{"9" * 18}.9"',
        f'"0.{"0" * 15}1"',
        f'"0.{"0" * 18}1"',
        '"٣"',
        '"²"',
        '"high"',
    ),
)
TIMES = (
    *('"2024-03-05"', '"2024-02-30"', '"2024-W05-1"', '"20240305"', '"2024-3-05"', '"1849-12-31"'),
    *(
        '"1850-01-01"',
        '"2199-12-31"',
        '"2200-01-01"',
        '"0001-01-01"',
        '"9999-12-31"',
        '"\uff12\uff10\uff12\uff14-03-05"',
    ),
    *(
        '"2024-03-05T08:30:00Z"',
        '"2024-03-05T08:30Z"',
        '"2024-03-05T08:30:00"',
        '"2024-03-05t08:30:00Z"',
    ),
    *(
        '"2024-03-05T08:30:00z"',
        '"2024-03-05 08:30:00Z"',
        '"2024-03-05T24:00:00Z"',
        '"2024-03-05T08:30:60Z"',
    ),
    *('"2024-03-05T08:30:00+24:00"', '"2024-03-05T08:30:00+0100"', '"2024-03-05T08:30:00-00:00"'),
    *('"2024-03-05T08:30+01:00:00"', '"2024-03-05T08:30:00.12345"', '"2024-03-05T08:30:00.1234Z"'),
    *(
        '"2024-W10-2T08:30:00Z"',
        '"2024-W10-2T08:30:00+01:00"',
        '"20240305T083000.0+01:00"',
        '"20240305T083000Z"',
    ),
    *('"2024-03-05T083000.1+01:00"', '"2024-03-05T08:30:00+01.00"', '"1850-01-01T00:00:00+14:00"'),
    *(
        '"2199-12-31T23:59:59-12:00"',
        '"2200-01-01T00:00:00+14:00"',
        '""',
        "1709627400",
        "null",
        '"yesterday"',
    ),
)
TEXTS = (
    *(
        '"x"',
        '""',
        '" "',
        '"a b"',
        '":"',
        '":x"',
        '"x\\"y"',
        '"\\u0061"',
        '"\\ud800"',
        '"é"',
        '"\x7f"',
    ),
    *(
        '"\x00"',
        '"\t"',
        '"null"',
        "null",
        "7",
        "true",
        '["x"]',
        f'"{"x" * 256}"',
        f'"{"x" * 257}"',
        "'x'",
    ),
    *(f'"{"é" * 256}"', f'"{"😀" * 256}"', '"\u2028"', '"\x85"', '"{"', '"},{"'),
)
ANALYTES = (
    '"psa"',
    '"hiv_vl"',
    '"hiv_rna"',
    '"PSA"',
    '"wishes"',
    '"organism"',
    '"egfr"',
    '"inr"',
    "null",
)
UNITS = ('"ng/mL"', '"ug/L"', '"{copies}/mL"', '"[IU]/mL"', '"mg/kg"', '"bananas"', '""', "null")
STATUSES = (
    '"final"',
    '"corrected"',
    '"cancelled"',
    '"entered-in-error"',
    '"preliminary"',
    '"FINAL"',
    "1",
)
CODES = (
    '{"system":"http://loinc.org","code":"2857-1"}',
    '{"system":"http://loinc.org","code":"10886-0"}',  # free PSA, refused
    '{"system":"http://loinc.org","code":"20447-9","display":"HIV 1 RNA"}',
    '{"system":"2.16.840.1.113883.6.1","code":"2857-1 "}',
    '{"system":"local","code":"PSA"}',
    '{"system":"http://loinc.org","code":"2857-1","code":"20447-9"}',
    '{"system":"http://loinc.org","code":"2857-1","display":null}',
    '{"system":"http://loinc.org","code":"2857-1","colour":"red"}',
    '{"system":"http://loinc.org"}',
    '{"code":"2857-1","system":"http://loinc.org","display":""}',
    "null",
    "{}",
    "[]",
)
TOKENS: dict[str, tuple[str, ...]] = {
    "schema_version": ("1", "1.0", "2", '"1"', "true", "null", "1e0"),
    "type": ('"observation"', '"treatment"', '"patient"', '"wish"', "null", "1"),
    "effective_at": TIMES,
    "issued_at": TIMES,
    "status": STATUSES,
    "analyte": ANALYTES,
    "code": CODES,
    "value": NUMBERS,
    "reference_low": NUMBERS,
    "reference_high": NUMBERS,
    "comparator": ('"<"', '"<="', '">"', '">="', '"="', '""', "null"),
    "unit": UNITS,
    "value_code": TEXTS,
    "colour": TEXTS,
    "valu\\u0065": NUMBERS,
}
GAPS = st.sampled_from(["", "", "", " ", "  ", "\t", "\n", "\r\n", "\x0b", "\u00a0"])


def _line(**changes: str | None) -> bytes:
    """The plain line with other JSON texts; None leaves a field out."""
    fields = {**PLAIN, **changes}
    return _joined([(name, text) for name, text in fields.items() if text is not None])


def _joined(pairs: list[tuple[str, str]]) -> bytes:
    inside = ",".join(f'"{name}":{text}' for name, text in pairs)
    return f"{{{inside}}}".encode("utf-8", "surrogatepass")


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    """The plain line after a few accidents: fields lost, changed, doubled, moved, spaced out."""
    lost = draw(st.sets(st.sampled_from(OPTIONAL)))
    pairs = [pair for pair in PLAIN.items() if pair[0] not in lost]
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from([*PLAIN, *TOKENS]))
        text = draw(st.sampled_from(TOKENS.get(name, TEXTS)))
        if draw(st.booleans()):
            pairs = [pair for pair in pairs if pair[0] != name]
        pairs.insert(draw(st.integers(0, len(pairs))), (name, text))
    gap = draw(GAPS)
    pieces = [f'"{name}"{draw(GAPS)}:{gap}{text}' for name, text in pairs]
    text = f"{{{gap}{f',{gap}'.join(pieces)}}}{draw(GAPS)}"
    return text.encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A line with some bytes cut out or put in."""
    line = draw(lines())
    at = draw(st.integers(0, len(line)))
    cut = draw(st.integers(0, 4))
    new = draw(
        st.sampled_from([b"", b'"', b":", b",", b"\\", b" ", b"0", b"}", b"{", b"\xff", b"\n"])
    )
    return line[:at] + new + line[at + cut :]


def _same(line: bytes) -> PlainObservation | None:
    """Assert that the two readers agree, if the fast one has anything to say."""
    plain = decode_plain(line)
    if plain is None:
        return None
    strict = decode_event(line)
    assert isinstance(strict, Decoded), strict
    assert strict.notices == ()
    event = strict.event
    assert isinstance(event, Observation)
    for name in Observation.model_fields:
        ours, theirs = getattr(plain, name), getattr(event, name)
        if isinstance(theirs, Coding):
            ours = Coding(system=ours.system, code=ours.code, display=ours.display)
        assert repr(ours) == repr(theirs), name  # tells 0.2 from 0.20, and a date from a moment
        assert type(ours) is type(theirs), name
    assert plain.as_event() == event
    assert plain.to_json() == event.to_json()
    assert plain.model_dump(mode="json") == event.model_dump(mode="json")
    return plain


@given(lines())
@example(_line() + b"\n")
@example(_line(value="0.20", reference_low='"1_0"'))
@example(_joined([*PLAIN.items(), ("value", '"9.9"')]))
@example(_joined([*PLAIN.items(), ("schema_version", "1")]))
@example(_joined([*PLAIN.items(), ("code", "null"), ("code", CODES[0])]))
@example(b'{"value" :"9.9",' + _line()[1:])
@settings(max_examples=600, deadline=None)
def test_a_line_after_a_few_accidents(line: bytes) -> None:
    _same(line)


@given(damaged())
@settings(max_examples=300, deadline=None)
def test_a_damaged_line(line: bytes) -> None:
    _same(line)


@given(
    st.sampled_from(
        ["event_id", "patient_id", "source", "unit", "specimen", "method", "value_code"]
    ),
    st.text(max_size=300),
)
@settings(max_examples=200, deadline=None)
def test_any_text(name: str, text: str) -> None:
    for ascii_only in (True, False):
        _same(_line(**{name: json.dumps(text, ensure_ascii=ascii_only)}))


@pytest.mark.parametrize("name", TOKENS)
def test_every_listed_token(name: str) -> None:
    """One accident at a time, all of them; Hypothesis looks for what they do together."""
    for text in TOKENS[name]:
        _same(_line(**{name: text}))


@pytest.mark.parametrize(
    "written", ["2024-03-05", "2024-03-05T08:30:00Z", "2024-03-05T08:30:00+01:00"]
)
def test_times_with_one_or_two_other_signs(written: str) -> None:
    """The standard library reads many more forms of a time than we do."""
    signs = "05-+:.,TWZz "
    joints = [at for at, sign in enumerate(written) if not sign.isdigit()]
    for one in range(len(written)):
        for sign in signs:
            changed = written[:one] + sign + written[one + 1 :]
            _same(_line(effective_at=f'"{changed}"'))
            for two in (at for at in joints if at > one and one in joints):
                for other in signs:
                    twice = changed[:two] + other + changed[two + 1 :]
                    _same(_line(effective_at=f'"{twice}"'))


FAST = {
    "all fields": _line(),
    "with its line end": _line() + b"\n",
    "few fields": _line(**dict.fromkeys(OPTIONAL)),
    "a bare date": _line(effective_at='"2024-03-05"'),
    "numbers as numbers": _line(value="0.20", reference_low="0", reference_high="4"),
    "an alias": _line(analyte='"hiv_vl"', code=None, unit='"{copies}/mL"'),
    "a code alone": _line(analyte=None),
    "a comparator": _line(comparator='"<"'),
    "a withdrawal": _line(value=None, status='"entered-in-error"'),
    "spaces after colons and commas": json.dumps(json.loads(_line())).encode(),
    "another script": _line(source='"Größe"'),
}


@pytest.mark.parametrize("line", FAST.values(), ids=FAST.keys())
def test_what_feeds_send_is_read_fast(line: bytes) -> None:
    assert _same(line) is not None


SLOW = {
    "a field twice": _joined([*PLAIN.items(), ("value", '"9.9"')]),
    "a field twice, spaced": b'{"value" :"9.9",' + _line()[1:],
    "the type twice": _joined([*PLAIN.items(), ("type", '"observation"')]),
    "a part of the code twice": _line(code=CODES[5]),
    "no type": _line(type=None),
    "a refused code": _line(code=CODES[1]),
    "a code with a page of spaces": _line(code=CODES[0].replace("{", "{" + " " * 2000)),
    "name against code": _line(code=CODES[2]),
    "an unknown unit": _line(unit='"bananas"'),
    "an unknown field": _line(colour='"red"'),
    "limits the wrong way round": _line(reference_low='"5"'),
    "comparator without value": _line(value=None, value_code='"positive"', comparator='"<"'),
    "no value at all": _line(value=None),
    "a digit separator": _line(value='"1_0"'),
    "another event": _joined([*list(PLAIN.items())[2:6], ("type", '"patient"')]),
    "a month alone": _line(effective_at='"2026-02"'),
    "nothing": b"",
    "not UTF-8": _line().replace(b"LAB", b"L\xffB"),
}


@pytest.mark.parametrize("line", SLOW.values(), ids=SLOW.keys())
def test_what_is_not_plain_is_left_to_the_strict_reader(line: bytes) -> None:
    assert decode_plain(line) is None


def test_what_it_says() -> None:
    plain = decode_plain(_line())
    assert plain is not None
    assert (plain.type, plain.schema_version, plain.status) == ("observation", 1, Status.FINAL)
    assert isinstance(plain.effective_at, datetime)
    assert plain.effective_at.isoformat() == "2024-03-05T08:30:00+01:00"
    assert (str(plain.value), plain.reference_high) == ("0.20", Decimal("4.0"))
    bare = decode_plain(FAST["a bare date"])
    assert bare is not None
    assert bare.effective_at == date(2024, 3, 5)


def test_it_is_frozen() -> None:
    plain = decode_plain(_line())
    assert plain is not None
    with pytest.raises(AttributeError):
        plain.value = Decimal(1)  # type: ignore[misc] # what is tested


def test_a_fact_does_not_tell_who_read_its_line() -> None:
    plain, strict = decode_plain(_line()), decode_event(_line())
    assert plain is not None
    assert isinstance(strict, Decoded)
    one, two = Fact(plain, 0), Fact(strict.event, 0)
    assert one.content == two.content
    for name in set(Fact.__slots__) - {"event"}:
        assert getattr(one, name) == getattr(two, name), name
