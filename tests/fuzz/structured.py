"""Messages from a grammar, by Hypothesis: nearly right, which no change of bytes easily is."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fuzz.targets import gate, tokens

if TYPE_CHECKING:
    from fuzz.ledger import Ledger

_ALPHABETS = st.sampled_from(["|^~\\&", "|^~\\&", "|^~\\&#", "$%*/@", "|^~\\", "|^", "+*@?!"])
_TYPES = st.sampled_from(
    [
        "ORU^R01",
        "ORU^R01",
        "ORU^R01",
        "ADT^A08",
        "ADT^A40",
        "ADT^A03",
        "RAS^O17",
        "RDE^O11",
        "ORM^O01",
        "OMG^O19",
        "ACK",
    ]
)
_TIMES = st.sampled_from(
    ["20260304", "202603041000", "20260304100000+0100", "2026", "20260230", ""]
)
_WORDS = st.sampled_from(
    [
        *("1", "<20", ">=1.5", "1e3", "-7", '""', "", "F", "C", "W", "X", "NM", "ST", "SN", "CWE"),
        *("positive", "not detected", "25836-8^HIV^LN", "2857-1^PSA^LN", "{copies}/mL", "ng/mL"),
        *("1001^^^HOSP^MR", "7^^^^AN~8^^^H&1.2.3&ISO^MR", "10-40", "\\F\\", "\\X41\\", "ORD1^LAB"),
        *("lugano", "PD", "hiv", "started", "disease-control", "Y", "RE", "comfort-only", "TX"),
    ]
)
_NAMES = st.sampled_from(
    [
        "PID",
        "OBR",
        "OBX",
        "OBX",
        "ORC",
        "RXA",
        "RXE",
        "RXR",
        "ZTX",
        "ZIM",
        "ZPT",
        "PV1",
        "MRG",
        "SPM",
        "EVN",
        "NTE",
    ]
)
_FIELD = st.one_of(_WORDS, _WORDS, _TIMES, st.text(max_size=12))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """One message, in any legal delimiters and one of several character sets."""
    marks, charset = draw(_ALPHABETS), draw(st.sampled_from(["utf-8", "iso8859-1", "ascii"]))
    head = ["MSH", "^~\\&", "LAB", "HOSP", "", "", draw(_TIMES), "", draw(_TYPES), draw(_WORDS)]
    head += ["P", draw(st.sampled_from(["2.5.1", "2.3", "", "9"])), "", "", draw(_FIELD), ""]
    lines = ["|".join([*head, "", {"iso8859-1": "8859/1"}.get(charset, "UNICODE UTF-8")])]
    for name, fields in draw(
        st.lists(st.tuples(_NAMES, st.lists(_FIELD, max_size=26)), max_size=8)
    ):
        lines.append("|".join([name, *fields]))
    text = "\r".join(lines).replace("MSH|^~\\&", "\0")
    plain = text.translate({ord(old): new for old, new in zip("|^~\\&", marks, strict=False)})
    return plain.replace("\0", f"MSH{marks}").encode(charset, "ignore")


def hunt(ledger: Ledger, seconds: float) -> None:
    """Try messages for some time."""
    until = monotonic() + seconds

    @settings(
        max_examples=1_000,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(messages())
    def try_one(raw: bytes) -> None:
        if monotonic() < until:
            ledger.put("gate, structured", gate, raw)
            ledger.put("tokens, structured", tokens, raw)

    while monotonic() < until:
        try_one()
