"""The simulated tables agree with each other, with the contracts and with the calendar."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pipelines.demo import Size, increment, simulate
from warehouse.contracts import load_contracts

PLANNED_AHEAD = {
    *("due_at", "due_date", "expires_at", "expires_date", "month", "valid_until"),
    *("first_reply_due_at", "resolution_due_at", "send_at"),
}


@pytest.fixture(scope="module")
def end(simulation):
    """The moment at which the last visible day is over."""
    return datetime.combine(simulation.until + timedelta(days=1), datetime.min.time(), UTC)


class TestSameSeed:
    def test_gives_the_same_rows_to_the_byte(self, tiny):
        again = simulate(Size.TINY, seed=2, until=tiny.until)
        for (table, frame), (other, twin) in zip(tiny.frames(), again.frames(), strict=True):
            assert table == other
            assert frame.equals(twin, null_equal=True), table
            assert frame.write_csv() == twin.write_csv()

    def test_another_seed_gives_another_business(self, tiny):
        other = simulate(Size.TINY, seed=3, until=tiny.until)
        jobs, others = (next(f for t, f in s.frames() if t == "jobs") for s in (tiny, other))
        assert jobs.join(others, on="id").is_empty()

    def test_ids_are_version_7_and_carry_the_rows_time(self, tables):
        jobs = tables["jobs"].with_columns(
            version=pl.col("id").str.slice(14, 1),
            variant=pl.col("id").str.slice(19, 1),
            millisecond=pl.col("id").str.replace("-", "").str.head(12).str.to_integer(base=16),
        )
        assert jobs["version"].unique().to_list() == ["7"]
        assert set(jobs["variant"].unique()) == set("89ab")
        assert (jobs["millisecond"] == jobs["requested_at"].dt.epoch("ms")).all()


class TestTime:
    def test_nothing_happens_after_the_last_day(self, tables, simulation, end):
        for table, frame in tables.items():
            for name, kind in frame.schema.items():
                if name in PLANNED_AHEAD:
                    continue
                if kind == pl.Datetime:
                    assert frame.filter(pl.col(name) >= end).is_empty(), (table, name)
                if kind == pl.Date:
                    assert frame.filter(pl.col(name) > simulation.until).is_empty(), (table, name)

    def test_the_last_days_are_as_busy_as_others(self, tables, simulation):
        for table, time in (
            ("jobs", "requested_at"),
            ("telemetry", "recorded_at"),
            ("invoices", "issued_at"),
        ):
            days = tables[table].group_by(day=pl.col(time).dt.date()).len()
            last_week = days.filter(pl.col("day") > simulation.until - timedelta(days=7))["len"].sum()
            assert last_week > 0.6 * days["len"].sum() / 730 * 7, table

    def test_rows_change_no_earlier_than_they_begin(self, tables):
        for table, frame in tables.items():
            if "updated_at" in frame.columns:
                assert frame.filter(pl.col("updated_at") < pl.col("created_at")).is_empty(), table

    def test_telemetry_comes_in_chunks_of_one_month_in_bounded_size(self, simulation):
        chunks = [frame for table, frame in simulation.frames() if table == "telemetry"]
        assert len(chunks) > 24
        for chunk in chunks:
            assert chunk["recorded_at"].dt.truncate("1mo").n_unique() <= 1
            assert chunk.height < 500_000

    def test_small_has_half_a_million_readings(self, tables):
        assert tables["telemetry"].height >= 500_000


class TestContracts:
    def test_every_row_would_land(self, tables):
        for table, contract in load_contracts().items():
            if table not in tables:
                continue
            frame = tables[table]
            for column in contract.columns.values():
                if column.name not in frame.columns:  # filled by the store: attributes, company_name
                    continue
                values = frame[column.name]
                where = (table, column.name)
                assert column.nullable or values.null_count() == 0, where
                if column.one_of:
                    assert set(values.drop_nulls().unique()) <= set(column.one_of), where
                if column.min is not None:
                    assert values.min() is None or values.min() >= column.min, where
                if column.max is not None:
                    assert values.max() is None or values.max() <= column.max, where

    def test_life_is_as_messy_as_it_is(self, tables):
        seen = {
            ("jobs", "status"): {"new", "assigned", "completed", "cancelled"},
            ("leads", "status"): {"new", "contacted", "qualified", "won", "lost"},
            ("accounts", "status"): {"active", "churned", "prospect"},
            ("invoices", "status"): {"sent", "paid", "overdue", "void", "returned"},
            ("payments", "status"): {"succeeded", "failed", "refunded"},
            ("quotes", "status"): {"draft", "sent", "accepted", "declined", "expired"},
            ("tickets", "status"): {"pending", "resolved", "closed"},
            ("review_requests", "status"): {"queued", "sent", "opened", "answered", "expired", "cancelled"},
            ("calls", "direction"): {"inbound", "outbound"},
            ("calls", "outcome"): {"answered", "voicemail", "no_answer", "busy", "declined", "failed"},
            ("review_requests", "answered_by"): {"customer", "staff"},
            ("subscriptions", "status"): {"active", "cancelled", "paused"},
            ("campaigns", "status"): {"running", "finished"},
            ("vehicles", "status"): {"active", "retired"},
            ("compliance_documents", "status"): {"valid", "expired"},
            ("work_orders", "kind"): {"preventive", "corrective", "inspection"},
        }
        for (table, column), expected in seen.items():
            assert set(tables[table][column].unique()) >= expected, table
        late = tables["invoices"].filter(pl.col("paid_at").dt.date() > pl.col("due_date"))
        assert late.height > 50
        for table, column in (("telemetry", "pressure_kpa"), ("jobs", "rating"), ("contacts", "email")):
            assert 0 < tables[table][column].null_count() < tables[table].height


class TestJobs:
    def test_history_is_in_order_and_ends_in_the_jobs_status(self, tables):
        history = tables["job_status_changes"].sort("job_id", "changed_at", maintain_order=True)
        steps = history.with_columns(
            before=pl.col("to_status").shift().over("job_id"),
            earlier=pl.col("changed_at").shift().over("job_id"),
        )
        assert steps.filter(pl.col("from_status").ne_missing(pl.col("before"))).is_empty()
        assert steps.filter(pl.col("changed_at") <= pl.col("earlier")).is_empty()
        last = history.group_by("job_id").agg(pl.col("to_status").last())
        jobs = tables["jobs"].join(last, left_on="id", right_on="job_id", how="left")
        assert jobs.filter(pl.col("status").ne_missing(pl.col("to_status"))).is_empty()

    def test_moments_follow_each_other(self, tables):
        jobs = tables["jobs"]
        for first, then in (
            ("requested_at", "assigned_at"),
            ("assigned_at", "started_at"),
            ("started_at", "completed_at"),
            ("requested_at", "cancelled_at"),
        ):
            assert jobs.filter(pl.col(first) > pl.col(then)).is_empty(), (first, then)
        done = jobs.filter(pl.col("status") == "completed")
        assert (done["is_late"] == (done["completed_at"] > done["due_at"])).all()


class TestMoney:
    def test_invoices_add_up(self, tables):
        lines = tables["invoice_lines"]
        assert (lines["net_cents"] == (lines["quantity"] * lines["unit_price_cents"])).all()
        sums = lines.group_by("invoice_id").agg(
            pl.col("net_cents").sum().alias("lines"), pl.col("line_no").sort()
        )
        invoices = tables["invoices"].join(sums, left_on="id", right_on="invoice_id", how="left")
        assert (invoices["net_cents"] == invoices["lines"]).all()
        assert (invoices["total_cents"] == invoices["net_cents"] + invoices["tax_cents"]).all()
        assert (invoices["is_return"] == (invoices["net_cents"] < 0)).all()
        assert (invoices["is_return"] == (invoices["status"] == "returned")).all()

    def test_exactly_the_paid_invoices_have_one_succeeded_payment_of_their_total(self, tables):
        paid = (
            tables["payments"]
            .filter(pl.col("status") == "succeeded")
            .group_by("invoice_id")
            .agg(
                pl.len().alias("times"), pl.col("amount_cents").sum(), pl.col("paid_at").max().alias("moment")
            )
        )
        invoices = tables["invoices"].join(paid, left_on="id", right_on="invoice_id", how="full")
        is_paid = pl.col("status") == "paid"
        agrees = (
            (pl.col("times") == 1)
            & (pl.col("amount_cents") == pl.col("total_cents"))
            & (pl.col("moment") == pl.col("paid_at"))
        )
        assert invoices.filter(is_paid != agrees.fill_null(False)).is_empty()

    def test_a_job_is_billed_what_it_costs(self, tables):
        costs = tables["invoice_lines"].group_by("invoice_id").agg(pl.col("cost_cents").sum().alias("lines"))
        billed = (
            tables["invoices"]
            .filter(~pl.col("is_return"))
            .join(costs, left_on="id", right_on="invoice_id")
            .join(tables["jobs"], left_on="job_id", right_on="id")
        )
        assert billed.height == billed["job_id"].n_unique()
        assert (billed["net_cents"] == billed["price_cents"]).all()
        assert (billed["lines"] == billed["cost_cents"]).all()

    def test_a_campaign_costs_what_was_spent_on_it(self, tables):
        spent = tables["expenses"].group_by("campaign_id").agg(pl.col("amount_cents").sum())
        campaigns = tables["campaigns"].join(spent, left_on="id", right_on="campaign_id", how="left")
        assert (campaigns["cost_cents"] == campaigns["amount_cents"].fill_null(0)).all()

    def test_a_subscription_is_billed_monthly(self, tables):
        bills = tables["invoices"].filter(pl.col("job_id").is_null())
        gaps = bills.sort("issued_at").select(
            (pl.col("issued_at").dt.date() - pl.col("issued_at").shift().dt.date())
            .dt.total_days()
            .over("account_id")
        )
        assert set(gaps["issued_at"].drop_nulls().unique()) <= {28, 29, 30, 31}


class TestFleet:
    def test_odometers_never_run_backwards(self, tables):
        steps = (
            tables["telemetry"]
            .sort("vehicle_id", "recorded_at")
            .select(pl.col("odometer_km").diff().over("vehicle_id"))
        )
        assert steps["odometer_km"].min() >= 0

    def test_trips_and_odometer_tell_the_same_distance(self, tables):
        day = pl.col("started_at").dt.date().alias("day")
        trips = tables["trips"].group_by("vehicle_id", day).agg(pl.col("distance_km").sum())
        readings = (
            tables["telemetry"]
            .group_by("vehicle_id", day=pl.col("recorded_at").dt.date())
            .agg(km=pl.col("odometer_km").max() - pl.col("odometer_km").min(), readings=pl.len())
        )
        both = trips.join(readings, on=["vehicle_id", "day"], how="full")
        assert both["day"].null_count() == 0  # no reading on a day without a trip
        assert (both["km"].fill_null(0) <= both["distance_km"] + 0.01).all()
        assert 0.9 < both["km"].sum() / both["distance_km"].sum() < 1

    def test_a_vehicles_odometer_is_where_its_last_trip_ended(self, tables):
        last = tables["telemetry"].group_by("vehicle_id").agg(pl.col("odometer_km").max().alias("last"))
        vehicles = tables["vehicles"].join(last, left_on="id", right_on="vehicle_id")
        ahead = vehicles["odometer_km"] - vehicles["last"]
        assert ahead.min() > -0.001
        assert ahead.max() < 60

    def test_everything_lies_within_the_vehicles_life(self, tables):
        for table, time in (
            ("work_orders", "opened_at"),
            ("trips", "started_at"),
            ("fuel_logs", "filled_at"),
        ):
            lived = tables[table].join(tables["vehicles"], left_on="vehicle_id", right_on="id")
            assert lived.filter(pl.col(time).dt.date() < pl.col("acquired_date")).is_empty(), table

    def test_nobody_drives_a_broken_vehicle(self, tables):
        repairs = tables["work_orders"].filter("is_failure").select("vehicle_id", "opened_at", "completed_at")
        trips = tables["trips"].sort("started_at")
        after = repairs.sort("opened_at").join_asof(
            trips.select("vehicle_id", "started_at"),
            left_on="opened_at",
            right_on="started_at",
            by="vehicle_id",
            strategy="forward",
            check_sortedness=False,
        )
        assert after.filter(pl.col("started_at") < pl.col("completed_at")).is_empty()
        assert after.filter(pl.col("completed_at").is_null() & pl.col("started_at").is_not_null()).is_empty()


class TestIncrement:
    @pytest.fixture(scope="class")
    def later(self, simulation):
        return [(table, new, changed) for table, new, changed in increment(simulation, 0.01)]

    def test_one_per_cent_of_the_readings_are_new(self, later, tables):
        new = pl.concat([frame for table, frame, _ in later if table == "telemetry"])
        assert 0.008 < new.height / tables["telemetry"].height < 0.016
        assert new.join(tables["telemetry"], on="id").is_empty()

    def test_readings_that_were_on_their_way_arrive_for_their_own_day(self, later, end):
        new = pl.concat([frame for table, frame, _ in later if table == "telemetry"])
        assert not new.filter(pl.col("recorded_at") < end).is_empty()
        assert new["created_at"].min() >= end

    def test_new_rows_are_new_and_changed_rows_were_known(self, later, tables):
        news = {table: (new, changed) for table, new, changed in later if table != "telemetry"}
        assert {"jobs", "invoices", "payments", "leads"} <= {t for t, (new, _) in news.items() if new.height}
        assert {"jobs", "invoices", "leads"} <= {t for t, (_, changed) in news.items() if changed.height}
        for table, (new, changed) in news.items():
            assert new.join(tables[table], on="id").is_empty()
            assert changed.join(tables[table], on="id", how="anti").is_empty()

    def test_nothing_known_disappears(self, simulation):
        looks = zip(
            simulation.tables(simulation.now_us),
            simulation.tables(simulation.now_us + 8 * 86_400_000_000),
            strict=True,
        )
        for (table, before), (_, after) in looks:
            assert before.join(after, on="id", how="anti").is_empty(), table
