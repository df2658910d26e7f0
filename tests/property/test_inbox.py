"""Whatever stands in an address or a cookie is read, or is nothing; it never leads elsewhere."""

from __future__ import annotations

import base64
import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.alerts import Severity
from services.notifier.inbox.reading.contract import VIEWS
from services.notifier.inbox.reading.worklist import Choice
from services.notifier.inbox.web.entry import packed, unpacked, way

TEXTS = st.text() | st.from_regex(r"-?[0-9]{1,30}\.[0-9]{1,3}\.[0-9a-f]{0,32}", fullmatch=True)
QUERIES = st.dictionaries(st.sampled_from(["view", "severity", "after", "before"]), TEXTS)


@given(QUERIES)
@example({"after": "9" * 30 + ".0.x"})
def test_any_address_is_a_worklist(query: dict[str, str]) -> None:
    found = Choice.read(query)
    assert found.filters.view in VIEWS
    assert found.filters.severity in ("", *map(str, Severity))
    for key in (found.after, found.before):
        assert key is None or (abs(key[0]) < 2**63 and key[1] < len(Severity))


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
@example(base64.urlsafe_b64encode(b"[1]").decode())
@example(base64.urlsafe_b64encode(json.dumps({"secret": 1}).encode()).decode())
def test_any_cookie_is_read_or_nothing(text: str) -> None:
    found = unpacked(text)
    assert found == {} or isinstance(found["secret"], str)


@given(TEXTS | st.from_regex(r"/{1,2}[a-z.]*(/[a-z]*)?", fullmatch=True))
@example("//elsewhere.example")
@example("/case/" + "a" * 32 + "\n")
def test_a_sign_in_leads_to_a_page_of_ours(to: str) -> None:
    assert re.fullmatch(r"/(case/[0-9a-f]{32}|[a-z]*)", way(unpacked(packed(to=to))))
