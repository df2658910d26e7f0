"""What fuzzing begins with: a message of each kind, and the words that it is made of."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from services.ingest.mllp.framing import frame
from services.simulator.cohort import simulate
from services.simulator.hl7 import messages

if TYPE_CHECKING:
    from random import Random

WORDS = (
    *(b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"\r\n", b"\x0b", b"\x1c", b"\x1c\r", b"\0"),
    *(b"MSH|^~\\&|", b"\rMSH|^~\\&|", b"\rPID|", b"\rOBR|", b"\rOBX|", b"\rORC|", b"\rZTX|"),
    *(
        b"\rTXA|",
        b"MDM^T11",
        b"|AU|",
        b"|CA|",
        b"\rZIM|",
        b"\rMRG|",
        b"\rPV1|",
        b"\rSPM|",
        b"BHS|^~\\&|\r",
        b"BTS|1\r",
        b"FHS|",
        b"FTS|1",
    ),
    *(b"ADT^A40", b"ADT^A08", b"ORU^R01", b"RAS^O17", b"ACK", b"AL", b"NE", b"|T|", b"|2.3|"),
    *(b'""', b"<", b">=", b"1e9", b"9" * 30, b"-1", b"1,25", b"20260230", b"20260304+0000"),
    *(b"\\X41\\", b"\\F\\", b"\\.br\\", b"\\Xff\\", b"\xb5", b"\xc2\xb5", b"\xf0\x9f\xa6\xa0"),
    *(b"|UNICODE UTF-8", b"|8859/1", b"|BIG-5", b"^^^HOSP^MR", b"|NM|", b"|SN|", b"|CWE|", b"|F|"),
)


REPORT = b"".join(
    segment + b"\r"
    for segment in (
        b"MSH|^~\\&|RIS|HOSP|SALVAGE|WARD|20240306100000+0000||MDM^T10^MDM_T02|R1|P|2.5.1",
        b"EVN|T10|20240306100000+0000",
        b"PID|1||1001^^^HOSP^MR~77^^^CITY^PI||Test^Patient||19500101|M",
        b"OBR|1||F1^RIS|PETCT^PET^L|||20240305|||||||||||||||||PT",
        b"TXA|1|PN^Report|TX|20240305||20240306||||||D2^RIS|D1^RIS||||AU||AV",
        b"OBX|1|TX|R^Report^L||Nothing new.||||||F",
        b"OBX|2|NM|26464-8^WBC^LN||3.2|10*9/L|||||F",
        b"ZIM|lugano|PMD|5|||end-of-treatment",
    )
)
"""A replaced report: the simulator sends none."""


@cache
def seeds() -> tuple[bytes, ...]:
    """Messages of every type, a few of each that the simulator sends; framed and in a batch."""
    kinds: dict[bytes, list[bytes]] = {}
    for raw in messages(simulate(11, 12, date(2021, 1, 1), 12).dispatches):
        kinds.setdefault(raw.split(b"|")[8], []).append(raw)
    found = [raw for some in kinds.values() for raw in some[:6]]
    batch = b"BHS|^~\\&|LAB|HOSP\r" + b"".join(found[:2]) + b"BTS|2\r"
    return (*found, REPORT, frame(found[0]), frame(found[0]) + frame(found[1]), batch)


def mutant(random: Random) -> bytes:
    """A seed with a few things put in, taken out, repeated, or exchanged with another's."""
    data = bytearray(random.choice(seeds()))
    for _ in range(random.randint(1, 6)):
        at, length = random.randrange(len(data) + 1), random.choice((1, 2, 3, 8, 40, 300))
        match random.randrange(6):
            case 0:
                data[at:at] = random.choice(WORDS)
            case 1:
                data[at : at + length] = random.choice(WORDS)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length] * random.randint(1, 4)
            case 4:
                data[at : at + 1] = random.randbytes(1)
            case _:
                other = random.choice(seeds())
                begin = random.randrange(len(other))
                data[at : at + length] = other[begin : begin + length]
    return bytes(data)
