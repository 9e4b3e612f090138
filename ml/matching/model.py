"""Fit, predict: Fellegi and Sunter's model by splink, without labels."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import splink.comparison_level_library as level
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from ml.matching.features import SHARED, prepared

THRESHOLD = 0.95
"""From this chance on two rows are taken for one person; chosen on the tuning set alone."""

FIELDS = ("name", "email", "phone", "company", "city")
_RULES = (
    block_on("email"),
    block_on("phone"),
    block_on("name"),
    block_on("local"),
    block_on("family", "city"),
    block_on("family", "company"),
    block_on("given", "company"),
    block_on("substr(given, 1, 4)", "substr(family, 1, 4)"),
)
_SHARED = ", ".join(f"'{each}'" for each in sorted(SHARED))


@dataclass(frozen=True)
class Matcher:
    """A fitted model: splink's settings, with m and u of each level."""

    settings: dict[str, Any]


def fit(frame: pl.DataFrame, *, seed: int = 7) -> Matcher:
    """Learn how often fields agree, of strangers and of one person, from rows with ``features.WANTED``."""
    linker = _linker(prepared(frame), _settings())
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=seed)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("name", "email"), block_on("name", "phone")], recall=0.6
    )
    for field in ("email", "name", "phone"):
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(field), record_sample_proportion=1.0
        )
    return Matcher(linker.misc.save_model_to_json())


def predict(matcher: Matcher, frame: pl.DataFrame, *, least: float = 0.5) -> pl.DataFrame:
    """Pairs with at least that chance: ``left_id``, ``right_id``, ``chance``, and the bits of each of ``FIELDS``."""
    linker = _linker(prepared(frame), matcher.settings)
    found = linker.inference.predict(threshold_match_probability=least)
    pairs: pl.DataFrame = found.as_duckdbpyrelation().pl()
    bits = [
        pl.sum_horizontal(
            pl.col(name) for name in pairs.columns if name in (f"mw_{field}", f"mw_tf_adj_{field}")
        ).alias(field)
        for field in FIELDS
    ]
    return pairs.select(
        pl.col("unique_id_l").alias("left_id"),
        pl.col("unique_id_r").alias("right_id"),
        pl.col("match_probability").alias("chance"),
        *bits,
    ).sort("left_id", "right_id")


def _settings() -> SettingsCreator:
    alike = "jaro_winkler_similarity({0}_l, {0}_r) >= {1}"
    same_family = f"(family_l = family_r or {alike.format('family', 0.92)})"
    same_given = f"(given_l = given_r or {alike.format('given', 0.88)})"
    initial = (
        "(least(length(given_l), length(given_r)) = 1 and substr(given_l, 1, 1) = substr(given_r, 1, 1))"
    )
    slip = (
        "damerau_levenshtein(email_l, email_r) = 1"
        " and regexp_replace(email_l, '[^0-9]', '', 'g') = regexp_replace(email_r, '[^0-9]', '', 'g')"
    )
    name = cl.CustomComparison(
        [
            level.NullLevel("name"),
            level.ExactMatchLevel("name", term_frequency_adjustments=True),
            level.CustomLevel(f"{same_family} and {same_given}", "much like it"),
            level.CustomLevel(f"{same_family} and {initial}", "the family name and an initial"),
            level.CustomLevel(f"{same_family} and {alike.format('given', 0.75)}", "a nickname, it may be"),
            _rare(level.CustomLevel("family_l = family_r", "of one family"), 0.0005),
            _rare(level.CustomLevel("given_l = given_r", "another family name"), 0.015),
            _rare(level.ElseLevel(), 0.002),
        ],
        output_column_name="name",
    )
    email = cl.CustomComparison(
        [
            level.NullLevel("email"),
            level.CustomLevel(
                f"email_l = email_r and local_l in ({_SHARED})", "the same, which several may read"
            ),
            level.ExactMatchLevel("email", term_frequency_adjustments=True),
            level.CustomLevel("local_l = local_r and length(local_l) > 5", "the same before the @"),
            level.CustomLevel(slip, "but for one letter"),
            level.ElseLevel(),
        ],
        output_column_name="email",
    )
    company = cl.CustomComparison(
        [
            level.NullLevel("company"),
            level.ExactMatchLevel("company", term_frequency_adjustments=True),
            level.ElseLevel(),
        ],
        output_column_name="company",
    )
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            name,
            email,
            cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
            company,
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=list(_RULES),
        retain_intermediate_calculation_columns=True,
    )


def _rare(one: Any, share: float) -> Any:
    """Expectation maximisation would take the members of a household for one person where they share a telephone."""
    return one.configure(m_probability=share, fix_m_probability=True)


def _linker(rows: pl.DataFrame, settings: SettingsCreator | dict[str, Any]) -> Linker:
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(duckdb.connect())
    return Linker(api.register(rows.to_arrow()), settings, log_level=logging.ERROR)


def groups(pairs: pl.DataFrame, *, least: float = THRESHOLD) -> dict[str, str]:
    """Which rows are one person, by the first id of each: whoever is one with one of them is one with all."""
    first: dict[str, str] = {}

    def of(row_id: str) -> str:
        while (above := first.setdefault(row_id, row_id)) != row_id:
            first[row_id] = row_id = first.setdefault(above, above)
        return row_id

    for left, right in pairs.filter(pl.col("chance") >= least).select("left_id", "right_id").iter_rows():
        one, other = sorted((of(left), of(right)))
        first[other] = one
    return {row_id: of(row_id) for row_id in sorted(first)}
