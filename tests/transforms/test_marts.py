"""What must hold of the marts together: on two invented years, on arbitrary rows, and after increments."""

from __future__ import annotations

import random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.demo import truths
from tests.transforms.line import Line
from tests.transforms.test_incremental import TENANT, ident, some_row

MINE = ("intermediate", "features", "marts")
OF_ONE_TENANT = {"tenant_id": TENANT}
"""Rows refer to each other by few ids; across tenants they never do."""


def test_every_mart_has_rows(demo: Line) -> None:
    empty = [
        name for name in demo.tables("marts") if demo.read(f"select 1 from marts.{name} limit 1").is_empty()
    ]
    assert empty == []


def test_keys_and_identities_hold_on_the_demo(demo: Line) -> None:
    demo.dbt("test", "--select", *MINE, "--exclude", "test_type:unit")


class TestPlantedTruths:
    def test_the_campaign_made_to_pay_does_and_the_one_made_to_lose_does_not(self, demo: Line) -> None:
        roi = dict(
            demo.read(
                """
                select subject_name, sum(profit_cents) / sum(investment_cents) as roi
                from marts.roi
                where subject_kind = 'campaign'
                group by subject_name
                """
            ).rows()
        )
        assert max(roi, key=lambda name: roi[name]) == truths.PROFITABLE_CAMPAIGN
        assert roi[truths.PROFITABLE_CAMPAIGN] > 2
        assert roi[truths.LOSING_CAMPAIGN] < -0.4

    def test_referrals_win_more_often_than_bought_lists(self, demo: Line) -> None:
        rates = dict(
            demo.read(
                "select source, sum(won_count) / sum(won_count + lost_count) from marts.lead_funnel group by source"
            ).rows()
        )
        assert rates["referral"] > 2 * rates["bought_list"]


class TestArbitraryRows:
    """Nothing here makes sense as a business, so only what the arithmetic itself promises is asked for."""

    ROWS = 40

    @pytest.fixture(scope="class")
    def line(self, tmp_path_factory: pytest.TempPathFactory) -> Line:
        """Three loads of every table, with changes and deletions, built one by one."""
        line = Line(tmp_path_factory.mktemp("arbitrary"))
        chance = random.Random(3)
        for nth in range(3):
            for table, contract in line.contracts.items():
                new = [ident(nth * self.ROWS + number) for number in range(self.ROWS)]
                known = [ident(number) for number in range(nth * self.ROWS)]
                changed = chance.sample(known, len(known) // 4)
                rows = [some_row(contract, key, chance) | OF_ONE_TENANT for key in changed + new]
                line.load(table, rows, deleted=chance.sample(sorted({*known} - {*changed}), len(known) // 8))
            line.build()
        return line

    def everything(self, line: Line) -> dict[str, pl.DataFrame]:
        return {
            f"{schema}.{name}": line.read(f"select * from {schema}.{name}")
            for schema in MINE
            for name in line.tables(schema)
        }

    def test_increments_give_what_a_full_build_gives(self, line: Line) -> None:
        after_increments = self.everything(line)
        line.build(full_refresh=True)
        full = self.everything(line)
        assert after_increments.keys() == full.keys()
        for name, frame in full.items():
            assert_frame_equal(after_increments[name], frame, check_row_order=False, check_exact=False)

    def test_keys_and_identities_hold(self, line: Line) -> None:
        line.dbt("test", "--select", *MINE, "--exclude", "test_type:unit")
