"""Which rows are one person: precision and recall on labelled rows that the matcher's author did not tune on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.common import Bar, Options, Result, console
from benchmarks.people_lists import HELD_OUT, HELD_OUT_2, HELD_OUT_3, TUNING, Lists
from benchmarks.people_set import rows_of_people
from ml.matching import model
from ml.matching.features import WANTED

SETS: dict[str, tuple[Lists, int]] = {
    "tuning": (TUNING, 11),
    "held out first": (HELD_OUT, 1729),
    "held out second": (HELD_OUT_2, 2718),
    "held out": (HELD_OUT_3, 3141),
}
"""The sets that were held out first and second were measured when earlier models were fixed, too; the last one with the
last model alone."""
PEOPLE, FEW = 4_000, 400
CLASSES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99)
"""Where classes of chances begin."""
CARD = Path(model.__file__).with_name("CARD.md")


def measure(options: Options) -> Result:
    """All sets; the bar is on the one that was held out last."""
    result = Result("people", "rows that are one person, found without labels (splink on DuckDB)")
    console.print(_error_model())
    for name, (lists, seed) in SETS.items():
        figures = measured(lists, seed, people=FEW if options.quick else PEOPLE)
        result.facts[name] = figures
        console.print(name, {each: figure for each, figure in figures.items() if each != "reliability"})
    console.print("held out: pairs by their chance, what it says and what is so")
    for each in result.facts["held out"]["reliability"]:
        console.print(each)
    held = result.facts["held out"]
    result.bars = [
        Bar("precision on the held-out set", held["precision"], least=0.99),
        Bar("recall on the held-out set", held["recall"], least=0.90),
    ]
    return result


def measured(lists: Lists, seed: int, *, people: int) -> dict[str, Any]:
    """Of pairs of rows, at the matcher's threshold. ``silent_share`` is the part of true pairs of which neither address
    nor number nor company is the same as it is written, whatever finds them."""
    rows = rows_of_people(lists, people=people, seed=seed)
    frame = rows.select(WANTED)
    started = time.perf_counter()
    found = model.predict(model.fit(frame), frame, least=CLASSES[0])
    took_s = time.perf_counter() - started
    person = dict(rows.select("unique_id", "person").iter_rows())
    of = {side: pl.col(side).replace_strict(person) for side in ("left_id", "right_id")}
    found = found.with_columns(is_so=of["left_id"] == of["right_id"])
    pairs = found.filter(pl.col("chance") >= model.THRESHOLD)
    true = list(_true_pairs(rows))
    hits = int(pairs["is_so"].sum())
    told = {row["unique_id"]: row for row in model.prepared(frame).iter_rows(named=True)}
    silent = sum(
        not any(
            told[left][name] and told[left][name] == told[right][name]
            for name in ("email", "phone", "company")
        )
        for left, right in true
    )
    return {
        "rows": float(rows.height),
        "true_pairs": float(len(true)),
        "precision": round(hits / max(pairs.height, 1), 4),
        "recall": round(hits / len(true), 4),
        "silent_share": round(silent / len(true), 4),
        "took_s": round(took_s, 1),
        "reliability": reliability(found),
    }


def reliability(found: pl.DataFrame) -> list[dict[str, float]]:
    """Pairs by classes of their chance: the mean of what is said, and the share of those of whom it is so."""
    table = []
    for least, below in pairwise((*CLASSES, 1.01)):
        within = found.filter(pl.col("chance").is_between(least, below, closed="left"))
        if within.height:
            said, so = within.select(pl.col("chance").mean(), pl.col("is_so").mean()).row(0)
            table.append({"from": least, "pairs": within.height, "said": round(said, 3), "so": round(so, 3)})
    return table


def _true_pairs(rows: pl.DataFrame) -> Iterable[tuple[str, str]]:
    for ids in rows.group_by("person", maintain_order=True).agg("unique_id")["unique_id"]:
        yield from combinations(ids.to_list(), 2)


def _error_model() -> str:
    text = CARD.read_text()
    return text[text.index("## The error model") : text.index("## Result")]
