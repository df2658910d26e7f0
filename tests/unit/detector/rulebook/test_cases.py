"""Case files: what is read, and what is refused, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.detector.language.errors import RuleError
from services.detector.rulebook.cases import parse_cases, read_cases

if TYPE_CHECKING:
    from pathlib import Path

ONE = """\
rule: PROST-BCR-RP
params: {threshold: 0.20}
cases:
- id: BCR-1
  note: both values exactly 0.20
  choice: true
  ctx: {rp: 2021-02-01}
  obs:
  - {t: 2021-04-01, psa: <0.01}
  - {t: 2022-04-01, psa: 0.20, id: a}
  until: 2023-06-01
  expect:
  - {at: 2022-04-01, state: suspected, tag: null}
"""


def test_numbers_and_dates_stay_as_written() -> None:
    (case,) = parse_cases(ONE, "x.cases.yaml")
    assert case.facts[0].says == {"t": "2021-04-01", "psa": "<0.01"}
    assert case.facts[1].says["psa"] == "0.20"
    assert case.params == {"threshold": "0.20"}
    assert case.context == {"rp": "2021-02-01"}
    assert case.expect == [{"at": "2022-04-01", "state": "suspected", "tag": None}]
    assert (case.choice, case.until) == (True, "2023-06-01")


def test_a_case_knows_its_place() -> None:
    (case,) = parse_cases(ONE, "x.cases.yaml")
    assert str(case.place) == "x.cases.yaml:4:3"
    assert str(case.facts[1].place) == "x.cases.yaml:10:5"


def test_an_unquoted_null_is_nothing_and_a_quoted_one_is_a_word() -> None:
    text = (
        "rule: R\ncases:\n- {id: A, obs: [{t: 2020-01-01, psa: null, note: 'null'}], expect: []}\n"
    )
    (case,) = parse_cases(text, "x")
    assert case.facts[0].says["psa"] is None
    assert case.facts[0].says["note"] == "null"


def test_several_documents_are_read_with_their_lines() -> None:
    first, second = parse_cases(ONE + "---\n" + ONE.replace("BCR-1", "BCR-2"), "x")
    assert (first.id, second.id) == ("BCR-1", "BCR-2")
    assert second.place.line == first.place.line + ONE.count("\n") + 1


def test_only_the_yaml_blocks_of_a_page_count(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    about = "```yaml\nanalytes:\n- {k: psa}\n```\n\n```\nrule: NOT-READ\n```\n"
    page.write_text(f"# Page\n\n```yaml\n{ONE}```\nprose\n{about}", encoding="utf-8")
    (case,) = read_cases(page)
    assert (case.rule, case.place.line) == ("PROST-BCR-RP", 7)


def test_a_grade_table_becomes_one_case_a_pair() -> None:
    about = "k: k_lo, ver: 6, term: Hypokalemia, u: mmol/L, ctx: {lln: 3.5}"
    row = f"{{{about}, pairs: [[3.5, 0], [3.4, 1]]}}"
    first, second = parse_cases(f"grade_tables:\n- {row}\n", "x")
    assert first.rule == second.rule == "TOX-CTC-GRADE"
    assert second.expect == {"grade": "1", "term": "Hypokalemia"}
    assert second.context == {"lln": "3.5", "ver": "6"}
    assert second.facts[0].says == {"t": "2023-01-01", "k": "3.4", "unit": "mmol/L"}
    assert first.id != second.id


def test_a_row_of_another_scale_asks_another_rule() -> None:
    row = "{k: anc, daids: true, u: 10*9/L, ctx: {}, pairs: [[1.0, 1]]}"
    (case,) = parse_cases(f"grade_tables:\n- {row}\n", "x")
    assert case.rule == "TOX-DAIDS-GRADE"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("rule: R\ncases: 3\n", "x:2:8: not a list (expected a list)"),
        ("rule: R\ncases:\n- {id: A, obs: []}\n", "x:3:3: `expect` is missing"),
        ("rule: R\ncases:\n- {id: A, expect: []}\n", "x:3:3: `obs` is missing"),
        ("rule: R\ncases:\n- {obs: [], expect: []}\n", "x:3:3: `id` is missing"),
        (
            "rule: R\ncases:\n- {id: A, obs: [], expect: 3}\n",
            "x:3:28: what is expected is a single",
        ),
        ("rule: R\ncases:\n- {id: A, obs: [], expct: []}\n", "x:3:20: unknown key 'expct'"),
        ("rule: R\ncases:\n- {id: A, id: B, obs: [], expect: []}\n", "x:3:11: "),
        ("rule: R\ncases:\n- {id: A, choice: 1, obs: [], expect: []}\n", "x:3:19: not a truth"),
        ("rule: R\ncase: []\ncases: []\n", "x:2:1: unknown key 'case'"),
        ("rule: R\ncases:\n- {id: A, obs: [}\n", "x:3:17: not YAML"),
        ("grade_tables:\n- {k: alt, u: U/L, pairs: [[1]]}\n", "x:2:28: 1 values"),
        ("grade_tables:\n- {k: alt, pairs: [[1, 1]]}\n", "x:2:3: `u` is missing"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(text: str, error: str) -> None:
    with pytest.raises(RuleError) as raised:
        parse_cases(text, "x")
    assert str(raised.value).startswith(error)


def test_an_id_is_given_once() -> None:
    with pytest.raises(RuleError, match=r"x:18:3: a second case of that id, the first is at x:4:3"):
        parse_cases(ONE + "---\n" + ONE, "x")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.cases.yaml"
    path.write_bytes("rule: Ré".encode("latin-1"))
    with pytest.raises(RuleError, match="not UTF-8"):
        read_cases(path)
