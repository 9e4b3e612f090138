"""Fit, predict: Fellegi and Sunter's model by splink, without labels; then relatives, then rows taken together."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import splink.comparison_level_library as level
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from ml.matching import kin, nicknames
from ml.matching.features import RARE, SHARED, prepared
from ml.matching.together import COMPARED, Evidence, together

THRESHOLD = 0.75
"""From this chance on two rows are taken for one person; chosen on the tuning set alone."""

FIELDS = ("name", "email", "phone", "company", "city")
"""What speaks for or against a pair, in bits."""

SLOPE, SHIFT_BITS = 1.11, 1.25
"""What a chance's bits are multiplied by and raised by so that it is kept: fitted on the tuning set alone."""

LEAST = 0.001
"""Pairs below this chance are not looked at again when rows are taken together."""

UNSEEN = 1e-6
DIFFERING = 0.01
"""So often at least does each field differ, and agree, between two rows of one person, whatever these rows say."""

_RULES = (
    block_on("email"),
    block_on("phone"),
    block_on("name"),
    block_on("family", "city"),
    block_on("family", "company"),
    block_on("given", "company"),
    block_on("substr(given, 1, 1)", "family"),
    block_on("substr(given, 1, 3)", "substr(family, 1, 3)"),
)


@dataclass(frozen=True)
class Matcher:
    """A fitted model: splink's settings, with m and u of each level, and what relatives and colleagues share."""

    settings: dict[str, Any]
    kinds: list[kin.Kin]


def fit(frame: pl.DataFrame, *, seed: int = 7) -> Matcher:
    """Learn how often fields agree, of strangers, relatives and one person, from rows with ``features.WANTED``.

    Raises
    ------
    ValueError, SplinkException
        If no two rows of one name share an address or a telephone: there is nothing to learn from.
    """
    rows = prepared(frame)
    linker = _linker(rows, _settings(nicknames.learned(rows)))
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=seed)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("name", "email"), block_on("name", "phone")], recall=0.6
    )
    # With one given name they are no relatives; the given name itself is learned where other things agree.
    for field, other in (("email", "given"), ("phone", "given"), ("given", "family")):
        if _agree(rows, field, other):
            _learn(linker, field, other)
    _learn(linker, *(("email", "phone") if _agree(rows, "email", "phone") else ("email",)))
    settings = _whole(linker.misc.save_model_to_json())
    pairs = _compared(_linker(rows, settings))
    return Matcher(settings, kin.learned(rows, pairs, settings))


def _agree(rows: pl.DataFrame, *fields: str) -> bool:
    """Whether any two rows do: splink fails where there are none, and does not work on afterwards."""
    return bool(rows.drop_nulls(fields).select(fields).is_duplicated().any())


def _learn(linker: Linker, *fields: str) -> None:
    linker.training.estimate_parameters_using_expectation_maximisation(
        block_on(*fields), record_sample_proportion=1.0
    )


def predict(matcher: Matcher, frame: pl.DataFrame, *, least: float = 0.5) -> pl.DataFrame:
    """Pairs with at least that chance: ``left_id``, ``right_id``, ``chance``, the bits of each of ``FIELDS``, and
    ``others``: the bits by which further rows raise or lower it, as when both are like a third or two of one family.
    """
    rows = prepared(frame)
    pairs = _compared(_linker(rows, matcher.settings))
    evidence = Evidence(rows, pairs, matcher.settings, matcher.kinds)
    bits = {pair: SLOPE * found + SHIFT_BITS for pair, found in together(evidence).items()}
    chances = {pair: chance for pair, found in bits.items() if (chance := 1 / (1 + 2**-found)) >= least}
    told = pl.DataFrame(
        {
            "left_id": [evidence.ids[left] for left, _ in chances],
            "right_id": [evidence.ids[right] for _, right in chances],
            "chance": list(chances.values()),
        },
        schema={"left_id": pl.String, "right_id": pl.String, "chance": pl.Float64},
    )
    told = told.with_columns(bits=pl.Series([bits[pair] for pair in chances], dtype=pl.Float64))
    alone = pairs.select("left_id", "right_id", *COMPARED)
    return (
        told.join(alone, on=["left_id", "right_id"], how="left")
        .with_columns(pl.col(COMPARED).fill_null(0.0))
        .select(
            "left_id",
            "right_id",
            "chance",
            (pl.col("given") + pl.col("family")).alias("name"),
            "email",
            "phone",
            "company",
            "city",
            (pl.col("bits") - evidence.prior_bits - pl.sum_horizontal(COMPARED)).alias("others"),
        )
        .sort("left_id", "right_id")
    )


def _compared(linker: Linker) -> pl.DataFrame:
    """Pairs worth a second look, by ``left_id`` and ``right_id`` (the smaller one left), with the bits of each of
    ``COMPARED`` and, as ``is_<field>``, whether it agrees (empty where one of both says nothing)."""
    found = linker.inference.predict(threshold_match_probability=LEAST)
    pairs: pl.DataFrame = found.as_duckdbpyrelation().pl()
    # splink leaves out what was never learned.
    missing = [f"gamma_{field}" for field in COMPARED if f"gamma_{field}" not in pairs.columns]
    pairs = pairs.with_columns(pl.lit(-1).alias(name) for name in missing)
    bits = [
        pl.sum_horizontal(
            pl.lit(0.0),
            *(pl.col(name) for name in pairs.columns if name in (f"mw_{field}", f"mw_tf_adj_{field}")),
        ).alias(field)
        for field in COMPARED
    ]
    agree = [
        pl.when(pl.col(f"gamma_{field}") >= 0).then(pl.col(f"gamma_{field}") > 0).alias(f"is_{field}")
        for field in COMPARED
    ]
    left, right = pl.col("unique_id_l"), pl.col("unique_id_r")
    return pairs.select(
        pl.min_horizontal(left, right).alias("left_id"),
        pl.max_horizontal(left, right).alias("right_id"),
        pl.col("match_probability").alias("chance"),
        *bits,
        *agree,
    ).sort("left_id", "right_id")


def _settings(nicknames_known: list[tuple[str, str]]) -> SettingsCreator:
    initial = "least(length(given_l), length(given_r)) = 1 and given_l[1] = given_r[1]"
    known = [f"{one} {other}" for pair in nicknames_known for one, other in (pair, pair[::-1])]
    given = cl.CustomComparison(
        [
            level.NullLevel("given"),
            level.ExactMatchLevel("given", term_frequency_adjustments=True),
            level.CustomLevel(initial, "an initial of it"),
            level.CustomLevel(f"given_l || ' ' || given_r in ({_quoted(known)})", "a nickname of it"),
            level.CustomLevel(_alike("given"), "much like it"),
            _rare(level.ElseLevel(), 0.004),
        ],
        output_column_name="given",
    )
    family = cl.CustomComparison(
        [
            level.NullLevel("family"),
            level.ExactMatchLevel("family", term_frequency_adjustments=True),
            level.CustomLevel(_alike("family"), "much like it"),
            _rare(level.ElseLevel(), 0.03),
        ],
        output_column_name="family",
    )
    email = cl.CustomComparison(
        [
            level.NullLevel("email"),
            level.CustomLevel(
                f"email_l = email_r and local_l in ({_quoted(sorted(SHARED))})",
                "the same, which several may read",
            ),
            level.ExactMatchLevel("email", term_frequency_adjustments=True),
            level.CustomLevel(
                "digits_l = digits_r and abs(length(email_l) - length(email_r)) <= 1"
                " and damerau_levenshtein(email_l, email_r) = 1",
                "but for one letter",
            ),
            level.ElseLevel(),
        ],
        output_column_name="email",
    )
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[given, family, email, *(_same(field) for field in ("phone", "company", "city"))],
        blocking_rules_to_generate_predictions=list(_RULES),
        retain_intermediate_calculation_columns=True,
    )


def _same(field: str) -> Any:
    return cl.ExactMatch(field).configure(term_frequency_adjustments=True)


def _alike(field: str) -> str:
    """Two words that both stand in several rows (Petra and Peter) are two names, however alike they are."""
    return (
        f"least({field}_rows_l, {field}_rows_r) <= {RARE}"
        f" and jaro_winkler_similarity({field}_l, {field}_r) >= 0.92"
    )


def _quoted(words: list[str]) -> str:
    return ", ".join(f"'{each}'" for each in words) or "''"


def _rare(one: Any, share: float) -> Any:
    """Expectation maximisation would take the members of a household for one person where they share a telephone."""
    return one.configure(m_probability=share, fix_m_probability=True)


def _whole(settings: dict[str, Any]) -> dict[str, Any]:
    """What was never seen says nothing, and the shares of each comparison's levels add up to one again."""
    for comparison in settings["comparisons"]:
        levels = [each for each in comparison["comparison_levels"] if not each.get("is_null_level")]
        for each in levels:
            if not (each.get("m_probability") and each.get("u_probability")):
                each |= {"m_probability": UNSEEN, "u_probability": UNSEEN}
        last = min(max(levels[-1]["m_probability"], DIFFERING), 1 - DIFFERING)
        levels[-1]["m_probability"] = last
        learned = sum(each["m_probability"] for each in levels[:-1])
        for each in levels[:-1]:
            each["m_probability"] *= (1 - last) / learned
    return settings


def _linker(rows: pl.DataFrame, settings: SettingsCreator | dict[str, Any]) -> Linker:
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(duckdb.connect())
    linker = Linker(api.register(rows.to_arrow()), settings, log_level=logging.ERROR)
    for field in ("phone", "email"):
        # Several rows of one person make a number no more frequent: those of others do.
        names = rows.drop_nulls(field).group_by(field).agg(pl.col("given").n_unique().alias(f"tf_{field}"))
        of_all = rows[field].drop_nulls().len()
        shares = names.with_columns(pl.col(f"tf_{field}") / max(of_all, 1))
        linker.table_management.register_term_frequency_lookup(api.register(shares.to_arrow()), field)
    return linker


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
