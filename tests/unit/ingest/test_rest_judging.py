"""Whatever is asked, the endpoint has an answer, and what it keeps reads as it was judged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.fhir import bundle, encoded, psa

from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.resources import R4
from services.ingest.fhir.verdicts import Verdict
from services.ingest.journal import State
from services.ingest.profiles.sources import ANYBODY
from services.ingest.rest.access import everything, scoped
from services.ingest.rest.call import Call
from services.ingest.rest.judging import judge
from services.ingest.rest.outcome import encoded as answered

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_800_000_000_000_000
ANYBODYS = everything("fhir")
_NAMES = "resourceType id type status entry resource request method url subject contained code meta"
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        ["transaction", "batch", "POST", "PUT", "final", "Patient", "Observation", "1", "\x00"]
    )
)
ANYTHING = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_NAMES.split()), inner, max_size=5)
    ),
    max_leaves=20,
)
CALLS: dict[str, Callable[[bytes], Call]] = {
    "bundle": lambda raw: Call(ANYBODYS, "POST", raw),
    "create": lambda raw: Call(ANYBODYS, "POST", raw, kind="Observation", once="identifier=1"),
    "update": lambda raw: Call(ANYBODYS, "PUT", raw, kind="Observation", number="1"),
    "search": lambda raw: Call(ANYBODYS, "PUT", raw, kind="Patient", search='identifier="1'),
}


def judged(raw: bytes, how: str) -> None:
    """It has an answer that is FHIR; and what it takes is read as anything but refused whole."""
    call = CALLS[how](raw)
    found = judge(call, ANYBODY.read_resources, NOW)
    kind = json.loads(answered(found.body))["resourceType"]
    assert kind in ("OperationOutcome", "Bundle")
    assert (found.state is State.REFUSED) == (found.refused is not None)
    if found.accepted:
        assert found.status < 300
        verdicts = read_resources(call.document).verdicts
        assert verdicts
        assert [one for one in verdicts if one.place == "document" and one.why] == []
    else:
        assert found.status >= 400


@given(raw=st.binary(max_size=100), how=st.sampled_from(sorted(CALLS)))
def test_no_bytes_make_it_raise(raw: bytes, how: str) -> None:
    judged(raw, how)


@given(
    fields=st.dictionaries(st.sampled_from(_NAMES.split()), ANYTHING, max_size=6),
    kind=st.sampled_from(["Observation", "Patient", "Bundle", *sorted(R4)[:3]]),
    how=st.sampled_from(sorted(CALLS)),
)
@settings(max_examples=200)
def test_no_fields_make_it_raise(fields: dict[str, Any], kind: str, how: str) -> None:
    judged(encoded(fields | {"resourceType": kind}), how)
    judged(encoded(bundle(fields, kind="batch")), how)


def test_a_resource_is_kept_in_its_own_bytes() -> None:
    raw = b'  {"resourceType": "Observation",\n "id":"1", "valueDecimal": 0.200}'
    assert raw in CALLS["update"](raw).document
    assert CALLS["bundle"](raw).document == raw


def test_what_differs_in_method_place_or_bytes_is_another_call() -> None:
    raw = encoded(psa())
    contents = {make(raw).content for make in CALLS.values()} | {
        CALLS["update"](raw + b" ").content
    }
    assert len(contents) == len(CALLS) + 1


def test_each_entry_needs_the_scope_of_what_it_does() -> None:
    made = bundle(psa(), kind="batch")
    made["entry"][0]["request"] = {"method": "PUT", "url": "Observation/psa-1"}
    for scope, status in (("system/Observation.u", 200), ("system/Observation.c", 403)):
        call = Call(scoped("lab", [scope]), "POST", encoded(made))
        assert judge(call, ANYBODY.read_resources, NOW).status == status


def test_of_a_transaction_nothing_is_taken_in_part() -> None:
    parts = [{"code": {"text": "a"}, "valueString": "prose that says nothing"}]
    partly = psa(component=parts)
    assert read_resources(encoded(partly)).verdicts[0].verdict is Verdict.PARTLY
    for kind, state in (("transaction", State.REFUSED), ("batch", State.NEW)):
        call = Call(ANYBODYS, "POST", encoded(bundle(partly, kind=kind)))
        assert judge(call, ANYBODY.read_resources, NOW).state is state
