"""Fit, predict: Fellegi and Sunter's model by splink, without labels; then relatives, then rows taken together."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import splink.comparison_level_library as level
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from ml.matching import kin, nicknames
from ml.matching.features import RARE, SHARED, prepared
from ml.matching.together import COMPARED, Evidence, together

THRESHOLD = 0.85
"""From this chance on two rows are taken for one person; chosen on the tuning set alone."""

FIELDS = ("name", "email", "phone", "company", "city")
"""What speaks for or against a pair, in bits."""

SLOPE, SHIFT_BITS = 1.11, 1.05
"""What a chance's bits are multiplied by and raised by so that it is kept: fitted on the tuning set alone."""

LEAST = 0.001
"""Pairs below this chance are not looked at again when rows are taken together."""

UNSEEN = 1e-6
DIFFERING = 0.01
"""So often at least does each field differ, and agree, between two rows of one person, whatever these rows say."""

TYPICAL = Path(__file__).with_name("typical.json")
"""What the tuning set has taught, for tenants whose own rows do not teach it. `python -m benchmarks.people_typical`
makes it anew."""

LEAST_TO_LEARN_FROM = 100
"""So many pairs have to agree in what a training rule asks for: fewer teach less than what is typical."""
LEAST_SHARED, LEAST_BESIDE = 100, 0.02
"""So many addresses (or numbers) have to stand in several rows to tell at how many there are several people; so many
there always are."""
LEAST_RANDOM = 20_000
"""So many pairs (200 rows) tell how often strangers agree."""
FOUND_SHARE = 0.6
"""Of the pairs that are one person so many are found by one name with one address or number."""
FILLED_UP = {"given": 200, "family": 200, "company": 200, "city": 200, "email": 1_000, "phone": 1_000}
"""With fewer rows how frequent a value is is told as if there were so many, the others being typical: of thirty
people two with one number are no sign that every fifteenth has it."""

_ALIKE = (
    ("email",),
    ("phone",),
    ("name",),
    ("family", "city"),
    ("family", "company"),
    ("given", "company"),
    ("substr(given, 1, 1)", "family"),
    ("substr(given, 1, 3)", "substr(family, 1, 3)"),
)
"""Rows that agree in all that one of these names are compared."""


@dataclass(frozen=True)
class Matcher:
    """A fitted model: splink's settings, with m and u of each level, what relatives and colleagues share, and
    what is typical where rows do not tell."""

    settings: dict[str, Any]
    kinds: list[kin.Kin]
    usual: dict[str, Any]


def typical() -> dict[str, Any]:
    """``levels``: (m, u) by field; ``relatives``: how many of them share a field."""
    told: dict[str, Any] = json.loads(TYPICAL.read_text())
    return told


def fit(frame: pl.DataFrame, *, seed: int = 7, otherwise: dict[str, Any] | None = None) -> Matcher:
    """Learn how often fields agree, of strangers, relatives and one person, from rows with ``features.WANTED``.

    What too few of these rows show is as it is typically, or ``otherwise``. Any number of rows will do, in any order:
    the same rows teach the same to the last bit.
    """
    usual = typical() if otherwise is None else otherwise
    rows = prepared(frame)
    begun = _settings(nicknames.learned(rows), _share_of_one_person(rows))
    linker = _linker(rows, begun, usual, is_training=True)
    if rows.height * (rows.height - 1) / 2 >= LEAST_RANDOM:
        linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=seed)
    # With one given name they are no relatives; the given name itself is learned where other things agree.
    for rule in (("email", "given"), ("phone", "given"), ("given", "family")):
        if _agreeing(rows, *rule) >= LEAST_TO_LEARN_FROM:
            _learn(linker, *rule)
    for agreed in (("email", "phone"), ("email",)):
        if _agreeing(rows, *agreed) >= LEAST_TO_LEARN_FROM:
            _learn(linker, *agreed)
            break
    settings = _whole(linker.misc.save_model_to_json(), usual)
    pairs = _compared(_linker(rows, settings, usual))
    return Matcher(settings, kin.learned(rows, pairs, settings, usual["relatives"]), usual)


def _share_of_one_person(rows: pl.DataFrame) -> float:
    """Of all pairs; one at least is taken to be there."""
    by_email, by_phone = (_agreeing(rows, "name", field) for field in ("email", "phone"))
    found = by_email + by_phone - _agreeing(rows, "name", "email", "phone")
    return min(max(found / FOUND_SHARE, 1) / max(rows.height * (rows.height - 1) / 2, 1), 0.5)


def _agreeing(rows: pl.DataFrame, *fields: str) -> int:
    """How many pairs do."""
    counts = rows.drop_nulls(fields).group_by(fields).len()["len"].cast(pl.Int64)
    return int((counts * (counts - 1) // 2).sum())


def pairs_at_most(frame: pl.DataFrame) -> int:
    """How many pairs of these rows (with ``features.WANTED``) would be compared; those alike in two ways are two."""
    with duckdb.connect() as connection:
        connection.register("rows_of", prepared(frame).to_arrow())
        counted = " union all ".join(
            f"select count(*) as count from rows_of where {' and '.join(f'{each} is not null' for each in alike)}"
            f" group by {', '.join(alike)}"
            for alike in _ALIKE
        )
        [(count,)] = connection.sql(
            f"select coalesce(sum(count * (count - 1) // 2), 0)::bigint from ({counted})"
        ).fetchall()
    return int(count)


def _learn(linker: Linker, *fields: str) -> None:
    linker.training.estimate_parameters_using_expectation_maximisation(
        block_on(*fields), record_sample_proportion=1.0
    )


def predict(matcher: Matcher, frame: pl.DataFrame, *, least: float = 0.5) -> pl.DataFrame:
    """Pairs with at least that chance: ``left_id``, ``right_id``, ``chance``, the bits of each of ``FIELDS``, and
    ``others``: the bits by which further rows raise or lower it, as when both are like a third.
    """
    rows = prepared(frame)
    pairs = _compared(_linker(rows, matcher.settings, matcher.usual))
    evidence = Evidence(rows, pairs, matcher.settings, matcher.kinds)
    bits = together(evidence)
    chances = {pair: chance for pair, found in bits.items() if (chance := _chance(found)) >= least}
    told = pl.DataFrame(
        {
            "left_id": [evidence.ids[left] for left, _ in chances],
            "right_id": [evidence.ids[right] for _, right in chances],
            "chance": list(chances.values()),
        },
        schema={"left_id": pl.String, "right_id": pl.String, "chance": pl.Float64},
    )
    others = [SLOPE * (bits[pair] - evidence.alone(pair)) for pair in chances]
    told = told.with_columns(others=pl.Series(others, dtype=pl.Float64))
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
            "others",
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


def _chance(bits: float) -> float:
    return 1 / (1 + 2 ** -(SLOPE * bits + SHIFT_BITS))


def _settings(nicknames_known: list[tuple[str, str]], share: float) -> SettingsCreator:
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
            level.CustomLevel(
                "contains(mailbox_r, ' ' || family_l || ' ') or contains(mailbox_l, ' ' || family_r || ' ')",
                "in the other's mail address",
            ),
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
        probability_two_random_records_match=share,
        comparisons=[given, family, email, *(_same(field) for field in ("phone", "company", "city"))],
        blocking_rules_to_generate_predictions=[block_on(*alike) for alike in _ALIKE],
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


def _whole(settings: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """What was not learned is as usual, what nobody has seen says nothing, and the shares of each comparison's levels
    add up to one again."""
    # A name drawn anew each time, of which nothing depends.
    settings.pop("linker_uid", None)
    for comparison in settings["comparisons"]:
        levels = [each for each in comparison["comparison_levels"] if not each.get("is_null_level")]
        known = usual["levels"].get(comparison["output_column_name"]) or [(UNSEEN, UNSEEN)] * len(levels)
        for each, (m, u) in zip(levels, known, strict=True):
            each["m_probability"] = each.get("m_probability") or m
            each["u_probability"] = each.get("u_probability") or u
        last = min(max(levels[-1]["m_probability"], DIFFERING), 1 - DIFFERING)
        levels[-1]["m_probability"] = last
        learned = sum(each["m_probability"] for each in levels[:-1])
        for each in levels[:-1]:
            each["m_probability"] *= (1 - last) / learned
    return settings


def _linker(
    rows: pl.DataFrame,
    settings: SettingsCreator | dict[str, Any],
    usual: dict[str, Any],
    *,
    is_training: bool = False,
) -> Linker:
    logging.getLogger("splink").setLevel(logging.ERROR)
    # Several threads draw other random pairs each time and add up in another order.
    api = DuckDBAPI(duckdb.connect(config={"threads": 1} if is_training else {}))
    linker = Linker(api.register(rows.to_arrow()), settings, log_level=logging.ERROR)
    for field, filled_up in FILLED_UP.items():
        counted = pl.len().cast(pl.Float64)
        if field in usual["beside"]:
            # Several rows of one person make a number no more frequent: those of others do.
            counted = pl.col("given").n_unique() - 1 + beside(rows, field, usual)
        values = rows.drop_nulls(field).group_by(field).agg(counted.alias("count"))
        row_count = rows[field].drop_nulls().len()
        added = max(filled_up - row_count, 0)
        usually = usual["agreeing"].get(field, 0.0)
        shares = values.select(
            field, ((pl.col("count") + added * usually) / max(row_count + added, 1)).alias(f"tf_{field}")
        )
        linker.table_management.register_term_frequency_lookup(api.register(shares.to_arrow()), field)
    return linker


def beside(rows: pl.DataFrame, field: str, usual: dict[str, Any]) -> float:
    """At how many of the addresses or numbers that stand in several rows there is somebody else besides."""
    shared = rows.drop_nulls((field, "given")).group_by(field).agg(pl.len(), pl.col("given").n_unique())
    is_several = shared.filter(pl.col("len") > 1)["given"] > 1
    if is_several.len() < LEAST_SHARED:
        return float(usual["beside"][field])
    return max(float(is_several.sum()) / is_several.len(), LEAST_BESIDE)


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
