"""Source profiles: what is wrong with one is told by place, and what it says is what is read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.fhir import encoded

from schemas.deadletter import Reason
from schemas.events import Observation
from services.commands.sources import schema_text
from services.ingest.journal import State
from services.ingest.mllp.gate import Rules, examine
from services.ingest.mllp.verdict import Code
from services.ingest.profiles.files import BadProfiles, load_sources, read_profile
from services.ingest.profiles.gating import rules_for
from services.ingest.profiles.meaning import source_of
from services.ingest.profiles.patterns import matches, overlap
from services.ingest.profiles.sources import ANYBODY, Sender, Source, Sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ingest.hl7v2.mapping import Mapped

EXAMPLES = Path(__file__).resolve().parents[3] / "deploy"
RECEIVED = 1_900_000_000_000_000  # 2030, microseconds


def sources(*texts: str) -> Sources:
    return Sources(tuple(source_of(read_profile(text, "p.yaml")) for text in texts))


def message(
    *obx: str,
    pid3: str = "7^^^NORTH^MR",
    sender: str = "LAB1|NORTH",
    kind: str = "ORU^R01",
    processing: str = "P",
) -> bytes:
    lines = (
        f"MSH|^~\\&|{sender}|||20240105120000||{kind}|A1|{processing}|2.5.1",
        f"PID|1||{pid3}",
        "OBR|1||F1^LAB|P^Panel^L|||20240105080000|||||||||||||||20240105120000|||F",
        *(f"OBX|{at}|{each}" for at, each in enumerate(obx, start=1)),
    )
    return "".join(line + "\r" for line in lines).encode("latin-1")


PSA = "NM|PSA1^PSA^L||3.25|ng/ml|||||F"


def results(found: Mapped) -> list[Observation]:
    return [event for event in found.events if isinstance(event, Observation)]


def one(found: Mapped) -> Observation:
    (event,) = results(found)
    return event


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nsender: []\n", "p.yaml:2:1: unknown key 'sender'; did you mean 'senders'?"),
        (
            "name: a\nidentity:\n  autority: X\n",
            "p.yaml:3:3: unknown key 'autority'; did you mean 'authority'?",
        ),
        (
            "name: a\ncodes:\n- {code: X, analyte: psaa}\n",
            "p.yaml:3:22: codes.0.analyte: unknown analyte 'psaa'; did you mean 'psa'?",
        ),
        (
            "name: a\ntime_zone: Europe/Zurch\n",
            (
                "p.yaml:2:12: time_zone: unknown time zone 'Europe/Zurch'; "
                "did you mean 'Europe/Zurich'?"
            ),
        ),
        (
            "name: a\ntime_zone: +19:00\n",
            "p.yaml:2:12: time_zone: no place on Earth has the offset '+19:00'",
        ),
        (
            "name: a\ncodes:\n- {code: X, loinc: 2857-1, analyte: hiv_rna}\n",
            "p.yaml:3:3: codes.0: loinc 2857-1 is psa, and not hiv_rna",
        ),
        (
            "name: a\nreceivers:\n- {}\n",
            "p.yaml:3:3: receivers.0: needs facility and/or application",
        ),
        ("name: a\ncodes:\n- {code: X}\n", "p.yaml:3:3: codes.0: needs loinc or analyte"),
        ("name: a\ncodes:\n- {analyte: psa}\n", "p.yaml:3:3: the key 'code' is missing"),
        (
            "name: a\ncodes:\n- {code: X, analyte: psa}\n- {code: X, analyte: alt}\n",
            "p.yaml:1:1: codes: 'X' of the same system again",
        ),
        (
            "name: a\nunits:\n  ng/ml: ngg/mL\n",
            (
                "p.yaml:3:10: units.ng/ml: 'ngg/mL' is no UCUM unit that we know; "
                "did you mean 'ng/mL'?"
            ),
        ),
        (
            "name: a\nvalues:\n  positiv: posittive\n",
            (
                "p.yaml:3:12: values.positiv: 'posittive' is no finding that rules know; "
                "did you mean 'positive'?"
            ),
        ),
        (
            "name: a\nvalues:\n  1: positive\n",
            ("p.yaml:3:3: values.1: '1' is a number, and would hide the same number of any result"),
        ),
        ("name: a\ntest_traffic: yes\n", "p.yaml:2:15: test_traffic: expected true or false"),
        (
            "name: a\ncharset: latin-99\n",
            "p.yaml:2:10: charset: unknown character set 'latin-99', expected e.g. 8859/1, utf-8",
        ),
        (
            "name: a\ncharset: utf-16\n",
            "p.yaml:2:10: charset: 'utf-16' writes delimiters in another way than ASCII does",
        ),
        (
            "name: a\nsenders:\n- {facility: X, fhir: Y}\n",
            "p.yaml:3:3: senders.0: needs facility and/or application (HL7 v2), or fhir",
        ),
        (
            "name: a\nidentity: {authority: X, facility_is_authority: true}\n",
            "p.yaml:2:11: identity: authority and facility_is_authority exclude each other",
        ),
        (
            "name: a\nignore: [Claims]\n",
            (
                "p.yaml:2:10: ignore.0: 'Claims' is no message type such as MFN^M02, "
                "and no resource type; did you mean 'Claim'?"
            ),
        ),
        ("about: x\n", "p.yaml:1:1: the key 'name' is missing"),
        ("name: a\nname: b\n", "p.yaml:2:1: key 'name' again"),
        ("codes: " + "[" * 5_000, "p.yaml:1:23: too deeply nested"),
        ("name: &x a\nabout: *x\n", "p.yaml:2:8: an alias (*name); write it out"),
        ("name: !!python/name:os.system a\n", "p.yaml:1:7: a YAML tag; plain text is enough"),
        ("- a\n", "p.yaml:1:1: expected keys and values, e.g. name: north-lab"),
        ("", "p.yaml:1:1: the file is empty"),
    ],
)
def test_a_mistake_is_told_by_its_place_and_with_a_hint(text: str, told: str) -> None:
    with pytest.raises(BadProfiles) as caught:
        read_profile(text, "p.yaml")
    assert str(caught.value) == told


def test_a_loinc_code_that_stands_for_another_quantity_is_refused() -> None:
    with pytest.raises(BadProfiles, match=r"p.yaml:2:27: codes.0.loinc: no analyte of ours has"):
        read_profile("name: a\ncodes: [{code: X, loinc:  99999-9}]\n", "p.yaml")


@pytest.mark.parametrize("text", ["name: [", "a: b: c", "name: a\n---\nname: b\n"])
def test_what_is_not_one_document_of_yaml_has_a_place(text: str) -> None:
    with pytest.raises(BadProfiles, match=r"^p.yaml:\d+:\d+: not YAML: "):
        read_profile(text, "p.yaml")


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\nx: 1\ny: 2\n")
    (tmp_path / "b.yml").write_text("name: b\ntime_zone: Nowhere/Town\n")
    (tmp_path / "notes.txt").write_text("not a profile")
    with pytest.raises(BadProfiles) as caught:
        load_sources(folder=tmp_path)
    places = [(Path(one.file).name, one.line) for one in caught.value.mistakes]
    assert places == [("a.yaml", 2), ("a.yaml", 3), ("b.yml", 2)]


@pytest.mark.parametrize(
    "text", ["senders: [{facility: NORTH}]", "senders: [{facility: 'N*'}]", ""]
)
def test_two_profiles_for_one_sender_contradict_each_other(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text("name: a\nsenders: [{facility: 'NO*', application: 'L*'}]\n")
    (tmp_path / "b.yaml").write_text(f"name: b\n{text}\n")
    with pytest.raises(BadProfiles, match=r"b.yaml:1:1: a sender could be that of .*a.yaml too"):
        load_sources(folder=tmp_path)


def test_two_profiles_of_one_name_contradict_each_other(tmp_path: Path) -> None:
    for file, application in (("a", "X"), ("b", "Y")):
        text = f"name: lab\nsenders: [{{application: {application}}}]\n"
        (tmp_path / f"{file}.yaml").write_text(text)
    with pytest.raises(BadProfiles, match="the name 'lab' is that of"):
        load_sources(folder=tmp_path)


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_folder_without_profiles_is_a_mistake(tmp_path: Path, place: str) -> None:
    with pytest.raises(BadProfiles, match=r"No such file|no \*.yaml file in it"):
        load_sources(folder=tmp_path / place)


def test_the_examples_are_good_profiles_and_the_schema_is_current() -> None:
    found = load_sources(folder=EXAMPLES / "sources")
    assert sorted(source.name for source in found.declared) == ["city-ehr", "north-lab"]
    published = (EXAMPLES / "source-profile.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "salvage sources schema > deploy/source-profile.schema.json"


# ---------------------------------------------------------------- whose profile


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        ("LAB*", "*1", True),
        ("LAB*", "LIS*", False),
        ("A*B*C", "AB*", True),
        ("A*B", "A*C", False),
        ("", "*", True),
        ("AB", "AB", True),
        ("A", "AB", False),
        ("*a", "b*", True),
    ],
)
def test_patterns_overlap_where_some_name_fits_both(left: str, right: str, *, both: bool) -> None:
    assert overlap(left, right) is overlap(right, left) is both
    names = ["", "A", "AB", "ABC", "AC", "LAB1", "LIS1", "bxa", "ba", "AxBC"]
    assert any(matches(left, name) and matches(right, name) for name in names) is both


def test_a_name_beyond_all_names_fits_nothing_and_costs_no_time() -> None:
    assert matches("*a*b*c", "abc")
    assert not matches("*a*b*c", "ab" * 1_000_000)


def test_a_pattern_is_taken_by_the_letter() -> None:
    assert matches("a.b*", "a.bc")
    assert not matches("a.b*", "axbc")
    assert not matches("LAB", "LAB1")


NORTH = "name: north\nsenders: [{facility: NORTH, application: 'LAB*'}]\n"
WEST = "name: west\nsenders: [{facility: WEST}]\n"


def test_the_profile_is_chosen_by_the_sending_system() -> None:
    both = sources(NORTH, WEST)
    assert one(both.read_message(message(PSA))).source == "north"
    assert one(both.read_message(message(PSA, sender="X|WEST"))).source == "west"
    assert one(both.read_message(message(PSA, sender="^LAB1^L|NORTH"))).source == "north"


def test_who_is_in_no_profile_is_refused_and_without_profiles_nobody_is() -> None:
    found = sources(NORTH).read_message(message(PSA, sender="LAB1|SOUTH"))
    assert [(why.reason, why.part) for why in found.rejected] == [(Reason.UNKNOWN_SENDER, "MSH-3")]
    assert found.events == []
    assert one(ANYBODY.read_message(message(PSA, sender="LAB1|SOUTH"))).source == "SOUTH/LAB1"


def test_an_exact_name_goes_before_a_pattern() -> None:
    exact = "name: exact\nsenders: [{facility: NORTH, application: LAB9}]\n"
    both = sources(NORTH, exact)
    assert one(both.read_message(message(PSA, sender="LAB9|NORTH"))).source == "exact"
    assert one(both.read_message(message(PSA, sender="LAB8|NORTH"))).source == "north"


def test_of_two_that_fit_equally_none_is_taken() -> None:
    """Loading refuses such profiles; here they meet all the same."""
    twins = Sources((Source("a", (Sender("N*"),)), Source("b", (Sender("*H"),))))
    (why,) = twins.read_message(message(PSA)).rejected
    assert why.reason is Reason.UNKNOWN_SENDER


# ---------------------------------------------------------------- what it says


DIALECT = """
name: north
time_zone: Europe/Zurich
charset: 8859/1
decimal_comma: true
codes:
- {system: L, code: PSA1, loinc: 2857-1}
- {code: HIVQ, analyte: hiv_rna}
- {system: LN, code: 12345-6, analyte: alt}
units: {ng/ml: ng/mL, Kop/ml: "{copies}/mL", µmol/l: umol/L}
values: {Nicht  Nachweisbar: not detected, nachweisbar: detected, P: positive}
"""


def test_codes_units_and_commas_are_read_as_the_site_says() -> None:
    found = one(sources(DIALECT).read_message(message("NM|PSA1^PSA^L||3,25|ng/ml|||||F")))
    assert (found.analyte, found.value, found.unit) == ("psa", Decimal("3.25"), "ng/mL")
    assert found.code is not None
    assert (found.code.system, found.code.code) == ("L", "PSA1")


def test_the_same_code_of_another_system_means_nothing() -> None:
    found = sources(DIALECT).read_message(message("NM|PSA1^PSA^OTHER||3.2|ng/mL|||||F"))
    assert one(found).analyte is None
    assert [notice.reason for notice in found.notices] == [Reason.UNMAPPED_CODE]


def test_a_code_without_a_system_holds_for_all_and_loinc_by_its_names() -> None:
    read = sources(DIALECT).read_message
    assert one(read(message("NM|HIVQ^HIV||50|Kop/ml|||||F"))).analyte == "hiv_rna"
    assert one(read(message("NM|HIVQ^HIV^X||50|Kop/ml|||||F"))).analyte == "hiv_rna"
    assert one(read(message("NM|12345-6^ALT^LN||50|U/L|||||F"))).analyte == "alt"


@pytest.mark.parametrize(
    "sent", ["ST|HIVQ^H^L||nicht nachweisbar", "ST|HIVQ^H^L||NICHT Nachweisbar"]
)
def test_a_word_of_the_site_is_our_finding(sent: str) -> None:
    found = one(sources(DIALECT).read_message(message(f"{sent}|Kop/ml|||||F")))
    expected = ("not detected", Decimal(0), "{copies}/mL")
    assert (found.value_code, found.value, found.unit) == expected
    plain = ANYBODY.read_message(message(f"{sent}|Kop/ml|||||F"))
    assert [why.reason for why in plain.rejected] == [Reason.NO_VALUE]


def test_a_coded_finding_is_looked_up_by_code_and_by_text() -> None:
    read = sources(DIALECT).read_message
    by_code = one(read(message("CWE|HIVQ^H^L||P^Reaktiv^L||||||F")))
    by_text = one(read(message("CWE|HIVQ^H^L||Q^nachweisbar^L||||||F")))
    assert (by_code.value_code, by_text.value_code) == ("positive", "detected")


def test_times_without_a_zone_are_the_site_s_and_bytes_its_character_set() -> None:
    found = one(sources(DIALECT).read_message(message("NM|HIVQ^H^L||5|µmol/l|||||F")))
    assert found.effective_at == datetime(2024, 1, 5, 7, tzinfo=UTC)
    assert found.unit == "umol/L"


def test_only_the_named_authorities_name_a_patient() -> None:
    text = "name: n\nidentity: {only: [NORTH], authorities: {1.2.3: NORTH}}\n"
    read = sources(text).read_message
    both = message(PSA, pid3="55^^^INSURER^PI~7^^^&1.2.3&ISO^MR")
    assert one(read(both)).patient_id == "NORTH|7"
    (why,) = read(message(PSA, pid3="55^^^INSURER^MR")).rejected
    assert why.reason is Reason.UNMAPPED_PATIENT


def test_the_facility_may_be_the_authority_of_numbers_without_one() -> None:
    read = sources("name: n\nidentity: {facility_is_authority: true}\n").read_message
    assert one(read(message(PSA, pid3="7^^^^MR"))).patient_id == "NORTH|7"
    assert one(read(message(PSA, pid3="7^^^OWN^MR"))).patient_id == "OWN|7"
    (why,) = read(message(PSA, pid3="7^^^^MR", sender="LAB1|")).rejected
    assert why.reason is Reason.UNMAPPED_PATIENT


def test_an_ignored_type_is_passed_over_and_test_traffic_is_refused_unless_wanted() -> None:
    read = sources("name: n\nignore: [MFN, ADT^A01]\n").read_message
    for kind in ("MFN^M02", "MFN", "ADT^A01"):
        found = read(message(PSA, kind=kind))
        assert ([n.reason for n in found.notices], found.rejected) == ([Reason.NOT_A_RESULT], [])
    (why,) = read(message(PSA, processing="T")).rejected
    assert why.reason is Reason.REFUSED_PROCESSING
    assert results(
        sources("name: n\ntest_traffic: true\n").read_message(message(PSA, processing="T"))
    )


OURS = "name: n\nreceivers: [{application: SALVAGE, facility: 'WARD*'}, {facility: CLINIC}]\n"


@pytest.mark.parametrize(
    ("receiver", "is_ours"),
    [
        ("SALVAGE|WARD7", True),
        ("SALVAGE^1.2.3^ISO|WARD", True),
        ("^SALVAGE|^WARD", True),
        ("BILLING|CLINIC", True),
        ("BILLING|WARD7", False),
        ("SALVAGE|EAST", False),
        ("salvage|WARD7", False),
        ("|", True),
        ("SALVAGE|", True),
        ("BILLING|", True),  # the second name of ours leaves the application open
        ("|EAST", False),
    ],
)
def test_what_is_addressed_to_others_is_refused(receiver: str, *, is_ours: bool) -> None:
    raw = message(PSA).replace(b"|LAB1|NORTH|||", f"|LAB1|NORTH|{receiver}|".encode(), 1)
    read = sources(OURS).read_message(raw)
    wrong = [] if is_ours else [Reason.OTHER_RECEIVER]
    assert [why.reason for why in read.rejected] == wrong
    assert bool(read.events) == is_ours
    assert results(sources("name: n\n").read_message(raw)), "off unless configured"
    assert verdict(raw, sources(OURS + "ack_policy: custody\n"))[0] == (
        Code.ACCEPT if is_ours else Code.REJECT
    )


# ---------------------------------------------------------------- at the gate


def verdict(raw: bytes, declared: Sources) -> tuple[str, str, str | None]:
    found = examine(raw, rules_for(declared), None, RECEIVED)
    why = None if found.refused is None else str(found.refused.reason)
    return found.verdict.code, found.state, why


def test_the_gate_judges_each_sender_by_its_own_profile() -> None:
    custody = (
        "name: west\nsenders: [{facility: WEST}]\nack_policy: custody\nsequence_numbers: true\n"
    )
    both = sources(NORTH + "ignore: [MFN]\n", custody)
    assert verdict(message(PSA), both) == (Code.ACCEPT, State.NEW, None)
    assert verdict(message(PSA, kind="MFN^M02"), both) == (Code.ACCEPT, State.IGNORED, None)
    found = examine(message(PSA, sender="X|WEST"), rules_for(both), None, RECEIVED)
    assert (found.custody, found.numbered, found.source) == (True, True, "west")
    found = examine(message(PSA), rules_for(both), None, RECEIVED)
    assert (found.custody, found.numbered, found.source) == (False, False, "north")


def test_the_gate_refuses_a_sender_of_no_profile_and_may_hear_it_again() -> None:
    raw = message(PSA, sender="LAB1|SOUTH")
    assert verdict(raw, sources(NORTH)) == (Code.REJECT, State.REFUSED, "unknown_sender")
    assert verdict(raw, ANYBODY) == (Code.ACCEPT, State.NEW, None)


def test_who_may_speak_at_all_is_asked_first() -> None:
    rules = rules_for(sources(NORTH), frozenset({"ELSE/WHERE"}))
    found = examine(message(PSA), rules, None, RECEIVED)
    assert found.refused is not None
    assert found.refused.reason is Reason.BAD_FIELD
    assert examine(message(PSA), Rules(), frozenset({"ELSE/WHERE"}), RECEIVED).refused is not None


# ---------------------------------------------------------------- FHIR


def observation(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "meta": {"source": "https://ehr.example/fhir#r1", "lastUpdated": "2024-01-05T12:00:00Z"},
        "status": "final",
        "code": {"coding": [{"system": "urn:city:lab", "code": "4711"}]},
        "subject": {"reference": "Patient/7"},
        "effectiveDateTime": "2024-01-05",
        "valueQuantity": {"value": Decimal("3.2"), "unit": "ng/ml"},
        **more,
    }


CITY = """
name: city
senders: [{fhir: "https://ehr.example/*"}]
identity: {fhir_server: CITY}
ignore: [Claim]
codes: [{system: "urn:city:lab", code: "4711", analyte: psa}]
units: {ng/ml: ng/mL}
values: {nachweisbar: detected}
"""


def fhir_results(found: Sequence[Any]) -> list[Observation]:
    return [event for event in found if isinstance(event, Observation)]


def test_fhir_is_read_by_the_profile_of_its_sender() -> None:
    (found,) = fhir_results(sources(CITY, NORTH).read_resources(encoded(observation())).events)
    assert (found.source, found.patient_id) == ("city", "CITY|7")
    assert (found.analyte, found.value, found.unit) == ("psa", Decimal("3.2"), "ng/mL")


@pytest.mark.parametrize(
    ("resource", "sender"),
    [
        (observation(meta={"source": "https://other.example"}), None),
        (observation(meta={}), None),
        (observation(), "somebody-else"),
    ],
)
def test_fhir_of_an_unknown_sender_is_refused(resource: object, sender: str | None) -> None:
    found = sources(CITY).read_resources(encoded(resource), sender)
    assert [why.reason for why in found.rejected] == [Reason.UNKNOWN_SENDER]
    assert [(one.verdict, one.reason) for one in found.verdicts] == [
        ("refused", Reason.UNKNOWN_SENDER)
    ]


def test_the_connection_s_word_about_the_sender_goes_before_the_document_s() -> None:
    read = sources(CITY).read_resources
    assert read(encoded(observation(meta={})), "https://ehr.example/x").events
    assert read(encoded(observation()), "fhir").events, "a caller of whom nothing is known"
    assert read(encoded(observation(meta={})), "fhir").rejected


def test_a_bundle_s_addresses_name_its_server() -> None:
    entry = {"fullUrl": "https://ehr.example/fhir/Observation/o1", "resource": observation(meta={})}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}
    assert sources(CITY).read_resources(encoded(bundle)).events


@pytest.mark.parametrize("meta", ["x", {"source": 7}, [], None])
def test_a_malformed_word_about_the_sender_is_none(meta: object) -> None:
    """The others of the Bundle still tell whose it is."""
    entries = [{"resource": observation()}, {"resource": observation(id="o2", meta=meta)}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    found = fhir_results(sources(CITY).read_resources(encoded(bundle)).events)
    assert {one.patient_id for one in found} == {"CITY|7"}


def test_words_and_ignored_resources_of_fhir() -> None:
    read = sources(CITY).read_resources
    coded = observation(valueString="Nachweisbar")
    del coded["valueQuantity"]
    (found,) = fhir_results(read(encoded(coded)).events)
    assert found.value_code == "detected"
    claim = {"resourceType": "Claim", "meta": {"source": "https://ehr.example/fhir"}}
    (notice,) = read(encoded(claim)).notices
    assert notice.detail == "Claim: the site passes it over"


def test_no_bytes_make_a_profile_raise() -> None:
    declared = sources(CITY, NORTH)
    for raw in (b"", b"{", b"MSH", b"MSH|^~\\&|", b"\xff\xfe", b'{"resourceType": 7}', b"<a/>"):
        assert declared.read_message(raw).rejected
        assert declared.read_resources(raw).rejected
