"""polars, asked once at the end: latest versions, window expressions, first of each episode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from benchmarks.peers.programs.stand import (
    GAP,
    RISE,
    VIRAL_LIMIT,
    WINDOW,
    Row,
    measured,
    read_rows,
)

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.programs.stand import Alert

col = pl.col
NEVER = -1_000_000


def frame(folder: Path) -> pl.DataFrame:
    """The stream as columns."""
    return pl.DataFrame(read_rows(folder), schema=list(Row._fields), orient="row")


def run(stream: pl.DataFrame) -> list[Alert]:
    """All three rules over the latest version of every event."""
    latest = stream.sort("issued").unique("event", keep="last").sort("patient", "day")
    rules = {
        "BENCH-PSA": _psa(latest.filter(col("analyte") == "psa")),
        "BENCH-VL": _viral_load(latest.filter(col("analyte") == "hiv_rna")),
        "BENCH-LIVER": _liver(latest.filter(col("analyte").is_in(["alt", "bilirubin"]))),
    }
    return [
        (patient, rule, event)
        for rule, rows in rules.items()
        for patient, event in _first_of_each_episode(rows).iter_rows()
    ]


def _psa(rows: pl.DataFrame) -> pl.DataFrame:
    nadir = col("value").cum_min().shift(1).over("patient")
    rows = rows.with_columns(qualifies=(col("value") >= nadir + RISE).fill_null(value=False))
    return rows.with_columns(ends=~col("qualifies"))


def _viral_load(rows: pl.DataFrame) -> pl.DataFrame:
    above = col("value") > VIRAL_LIMIT
    before = (col("value").shift(1) > VIRAL_LIMIT).over("patient")
    gap = (col("day") - col("day").shift(1)).over("patient")
    qualifies = (above & before & (gap >= GAP)).fill_null(value=False)
    return rows.with_columns(qualifies=qualifies, ends=~above)


def _liver(rows: pl.DataFrame) -> pl.DataFrame:
    alt = col("analyte") == "alt"
    rows = rows.with_columns(above=col("value") > pl.when(alt).then(3).otherwise(2) * col("high"))

    def last(of: pl.Expr) -> pl.Expr:
        day = pl.when(of & col("above")).then(col("day")).otherwise(NEVER)
        return day.cum_max().over("patient")

    other = pl.when(alt).then(last(~alt)).otherwise(last(alt))
    near = col("day") - other <= WINDOW
    return rows.with_columns(qualifies=col("above") & near, ends=~col("above"))


def _first_of_each_episode(rows: pl.DataFrame) -> pl.DataFrame:
    """What ends an episode is counted; the first qualifying row after each end is an alert."""
    numbered = rows.with_columns(episode=col("ends").cum_sum().over("patient"))
    found = numbered.filter("qualifies").unique(["patient", "episode"], keep="first")
    return found.select("patient", "event")


if __name__ == "__main__":
    measured(run, frame)
