"""Whatever arrives, the reader answers with events or reasons, and never with an exception."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support import SHARED
from support.fhir import JANE, bundle, encoded, psa

from services.ingest.fhir.mapping import read_resources
from services.ingest.fhir.profile import Profile
from services.ingest.fhir.resources import R4
from services.ingest.fhir.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

KNOWN = Profile(server="EHR", origin="https://ehr.example/fhir", with_specimen=True)
WORDS = ["final", "Patient/7", "#a", "urn:uuid:1", "2024-02", "2024-02-30", "", "\x00", "4", "~"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
)
_NAMES = (
    "resourceType id status code coding system subject reference identifier value valueQuantity "
    "valueString component contained extension url entry resource fullUrl request method "
    "effectivePeriod start link other"
)
NAMES = st.sampled_from(_NAMES.split())
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


def judged(raw: bytes) -> None:
    """Read it; every part has a verdict, and every verdict but "used" has its reason."""
    mapped = read_resources(raw, KNOWN)
    assert mapped.verdicts
    for verdict in mapped.verdicts:
        assert (verdict.verdict is Verdict.USED) == (verdict.reason is None)
    used = {verdict.verdict for verdict in mapped.verdicts} & {Verdict.USED, Verdict.PARTLY}
    assert bool(mapped.events) == bool(used)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    judged(raw)


@given(kind=st.sampled_from(sorted(R4)), fields=st.dictionaries(NAMES, ANYTHING, max_size=8))
@settings(max_examples=200)
def test_no_fields_make_it_raise(kind: str, fields: dict[str, Any]) -> None:
    judged(encoded({**fields, "resourceType": kind}))


@cache
def real() -> list[dict[str, Any]]:
    """Published resources that we read, each kind a few; without the data, our own."""
    path = SHARED / "data" / "fhir_r4_examples" / "r4_examples.ndjson.gz"
    made: list[dict[str, Any]] = [psa(), bundle(psa(), {"resourceType": "Patient", **JANE})]
    if not path.exists():
        return [json.loads(encoded(resource)) for resource in made]
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [resource for line in lines if len(line) < 6000 and (resource := json.loads(line))]


def _places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a resource."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    for key, item in pairs:
        found += _places(item, (*path, key))
    return found


@given(st.data())
@settings(max_examples=300)
def test_no_change_of_a_real_resource_makes_it_raise(data: st.DataObject) -> None:
    resource = json.loads(json.dumps(data.draw(st.sampled_from(real()))))
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(resource)
        if not places:
            break
        *way, last = data.draw(st.sampled_from(places))
        holder = resource
        for step in way:
            holder = holder[step]
        holder[last] = data.draw(ANYTHING)
    judged(encoded(resource))
