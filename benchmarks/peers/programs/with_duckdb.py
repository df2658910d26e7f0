"""DuckDB, asked once at the end: latest versions, window functions, first of each episode."""

from __future__ import annotations

from csv import writer
from typing import TYPE_CHECKING

import duckdb

from benchmarks.peers.programs.stand import (
    GAP,
    RISE,
    VIRAL_LIMIT,
    WINDOW,
    measured,
    read_rows,
)

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.programs.stand import Alert

TABLE = """
CREATE TABLE stream (event VARCHAR, patient VARCHAR, day INTEGER, analyte VARCHAR,
                     value BIGINT, high BIGINT, issued BIGINT, arrived BIGINT)
"""
QUERY = f"""
WITH latest AS (
  SELECT * FROM stream QUALIFY row_number() OVER (PARTITION BY event ORDER BY issued DESC) = 1
), psa AS (
  SELECT *, coalesce(value >= min(value) OVER (PARTITION BY patient ORDER BY day
              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + {RISE}, false) AS qualifies,
         NOT qualifies AS ends, 'BENCH-PSA' AS rule
  FROM latest WHERE analyte = 'psa'
), viral AS (
  SELECT *, coalesce(value > {VIRAL_LIMIT} AND lag(value) OVER w > {VIRAL_LIMIT}
              AND day - lag(day) OVER w >= {GAP}, false) AS qualifies,
         value <= {VIRAL_LIMIT} AS ends, 'BENCH-VL' AS rule
  FROM latest WHERE analyte = 'hiv_rna' WINDOW w AS (PARTITION BY patient ORDER BY day)
), liver_rows AS (
  SELECT *, value > CASE analyte WHEN 'alt' THEN 3 ELSE 2 END * high AS above
  FROM latest WHERE analyte IN ('alt', 'bilirubin')
), liver AS (
  SELECT * EXCLUDE above, above AND coalesce(day - CASE analyte
              WHEN 'alt' THEN max(day) FILTER (above AND analyte = 'bilirubin') OVER w
              ELSE max(day) FILTER (above AND analyte = 'alt') OVER w END <= {WINDOW}, false)
              AS qualifies,
         NOT above AS ends, 'BENCH-LIVER' AS rule
  FROM liver_rows WINDOW w AS (PARTITION BY patient ORDER BY day)
), numbered AS (
  SELECT *, count(*) FILTER (ends) OVER (PARTITION BY patient, rule ORDER BY day) AS episode
  FROM (FROM psa UNION ALL FROM viral UNION ALL FROM liver)
)
SELECT patient, rule, event FROM numbered WHERE qualifies
QUALIFY row_number() OVER (PARTITION BY patient, rule, episode ORDER BY day) = 1
"""  # noqa: S608 - our own constants


def loaded(folder: Path) -> duckdb.DuckDBPyConnection:
    """The stream as a table, for one thread."""
    database = duckdb.connect(config={"threads": 1})
    database.execute(TABLE)
    csv = folder / "rows.csv"
    with csv.open("w", encoding="utf-8", newline="") as file:
        writer(file).writerows(read_rows(folder))
    database.execute("COPY stream FROM ? (NULL '', HEADER false)", [str(csv)])
    return database


def run(database: duckdb.DuckDBPyConnection) -> list[Alert]:
    """All three rules over the latest version of every event."""
    found: list[Alert] = database.execute(QUERY).fetchall()
    return found


if __name__ == "__main__":
    measured(run, loaded)
