"""The planted truths can be found in the tables, by plain means, in size small."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipelines.demo import truths
from pipelines.demo.draw import DAY_US

HORIZON_DAYS = 14


def fitted_auc(features: np.ndarray, label: np.ndarray, is_late: np.ndarray) -> float:
    """Rank quality on the later rows of a plain model fitted on the earlier ones."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features[~is_late], label[~is_late])
    return roc_auc_score(label[is_late], model.predict_proba(features[is_late])[:, 1])


class TestFailures:
    @pytest.fixture(scope="class")
    def vehicle_days(self, tables):
        days = (
            tables["telemetry"]
            .group_by("vehicle_id", pl.col("recorded_at").dt.date().alias("day"))
            .agg(pl.mean("vibration_mm_s", "temperature_c", "voltage_v"), pl.max("odometer_km"))
            .sort("vehicle_id", "day")
        )
        usual = [
            (pl.col(name) - pl.col(name).rolling_median(25, min_samples=5).shift(5).over("vehicle_id")).alias(
                f"{name}_rise"
            )
            for name in ("vibration_mm_s", "temperature_c", "voltage_v")
        ]
        failures = (
            tables["work_orders"]
            .filter("is_failure")
            .select("vehicle_id", day=pl.col("opened_at").dt.date(), failed_on=pl.col("opened_at").dt.date())
        )
        services = (
            tables["work_orders"]
            .filter(pl.col("kind") == "preventive")
            .select("vehicle_id", day=pl.col("opened_at").dt.date(), service_km="odometer_km")
        )
        return (
            days.with_columns(usual)
            .sort("day")
            .join_asof(
                failures.sort("day"), on="day", by="vehicle_id", strategy="forward", check_sortedness=False
            )
            .join_asof(services.sort("day"), on="day", by="vehicle_id", check_sortedness=False)
            .with_columns(
                days_left=(pl.col("failed_on") - pl.col("day")).dt.total_days(),
                km_since_service=pl.col("odometer_km") - pl.col("service_km"),
            )
        )

    def test_vibration_and_temperature_drift_in_the_days_before(self, vehicle_days):
        near = vehicle_days.filter(pl.col("days_left").is_between(1, 3))
        far = vehicle_days.filter((pl.col("days_left") > 30) | pl.col("days_left").is_null())
        for name, least in (("vibration_mm_s_rise", 0.5), ("temperature_c_rise", 2.5)):
            assert near[name].mean() > far[name].mean() + least

    def test_the_next_two_weeks_can_be_foreseen(self, vehicle_days):
        known = vehicle_days.drop_nulls(
            ["vibration_mm_s_rise", "temperature_c_rise", "voltage_v_rise", "km_since_service"]
        ).filter(pl.col("day") <= vehicle_days["day"].max() - timedelta(days=HORIZON_DAYS))
        label = (known["days_left"].fill_null(999) <= HORIZON_DAYS).to_numpy()
        features = known.select(
            "vibration_mm_s_rise", "temperature_c_rise", "voltage_v_rise", "km_since_service"
        ).to_numpy()
        cut = known["day"].quantile(0.7)
        assert fitted_auc(features, label, (known["day"] > cut).to_numpy()) > 0.75

    def test_long_unserviced_vehicles_fail_more(self, vehicle_days):
        known = vehicle_days.drop_nulls("km_since_service")
        rate = known.group_by(late=pl.col("km_since_service") > truths.SERVICE_EVERY_KM).agg(
            rate=(pl.col("days_left") == 0).mean()
        )
        by_service = dict(rate.iter_rows())
        assert by_service[True] > 1.8 * by_service[False]

    def test_one_vehicle_is_a_money_pit(self, tables):
        costs = (
            tables["work_orders"]
            .group_by("vehicle_id")
            .agg(cents=(pl.col("labour_cents") + pl.col("parts_cents")).sum())
            .join(tables["vehicles"], left_on="vehicle_id", right_on="id")
            .sort("cents", descending=True)
        )
        assert costs["registration"][0] == truths.MONEY_PIT_REGISTRATION
        assert costs["cents"][0] > 1.5 * costs["cents"][1]


class TestChurn:
    @pytest.fixture(scope="class")
    def account_months(self, tables):
        """What a careful reader of the tables knows at each month's end, and who leaves within 60 days."""
        last = tables["jobs"]["requested_at"].max()
        frames = []
        for months_ago in range(3, 20):
            at = last - timedelta(days=30 * months_ago)
            since = at - timedelta(days=90)

            def counted(name, time, rule, since=since, at=at):
                return (
                    rule.filter(pl.col(time).is_between(since, at))
                    .group_by("account_id")
                    .agg(pl.len().alias(name))
                )

            jobs, tickets = tables["jobs"], tables["tickets"]
            parts = [
                counted("late", "completed_at", jobs.filter("is_late")),
                counted("cancelled", "cancelled_at", jobs),
                counted("failed", "paid_at", tables["payments"].filter(pl.col("status") == "failed")),
                tickets.filter((pl.col("opened_at") < at) & ((pl.col("resolved_at") > at).fill_null(True)))
                .group_by("account_id")
                .agg(open=pl.len()),
                jobs.filter(pl.col("requested_at") < at)
                .group_by("account_id")
                .agg(silent=(at - pl.col("requested_at").max()).dt.total_days()),
                jobs.filter(pl.col("completed_at").is_between(at - timedelta(days=180), at))
                .group_by("account_id")
                .agg(gap=truths.CONTENT_RATING - pl.col("rating").mean()),
            ]
            known = tables["accounts"].filter(
                (pl.col("since_date") < at.date())
                & (pl.col("churned_at").fill_null(datetime.max.replace(tzinfo=UTC)) > at)
            )
            for part in parts:
                known = known.join(part, left_on="id", right_on="account_id", how="left")
            frames.append(
                known.select(
                    pl.col("late", "cancelled", "failed", "open").fill_null(0).clip(0, 3),
                    pl.col("gap").fill_null(0).clip(0, 3),
                    (pl.col("silent").fill_null(150) / 30).clip(0, 5),
                    leaves=(pl.col("churned_at") < at + timedelta(days=60)).fill_null(False),
                    months_ago=pl.lit(months_ago),
                )
            )
        return pl.concat(frames)

    def test_trouble_and_silence_foretell_who_leaves(self, account_months):
        names = ["late", "cancelled", "failed", "open", "gap", "silent"]
        is_late = (account_months["months_ago"] < 9).to_numpy()
        found = fitted_auc(
            account_months.select(names).to_numpy(), account_months["leaves"].to_numpy(), is_late
        )
        assert found > 0.68

    def test_each_cause_raises_it_by_itself(self, account_months):
        causes = ["late", "cancelled", "failed", "open", "gap", "silent"]
        model = LogisticRegression().fit(account_months.select(causes).to_numpy(), account_months["leaves"])
        effect = dict(zip(causes, model.coef_[0].round(2), strict=True))
        assert all(log_odds > 0.25 for log_odds in effect.values()), effect

    def test_those_who_left_order_nothing_more_and_pay_no_subscription(self, tables):
        churned = tables["accounts"].filter(pl.col("status") == "churned").select("id", "churned_at")
        orders = tables["jobs"].join(churned, left_on="account_id", right_on="id")
        assert orders.filter(pl.col("requested_at") > pl.col("churned_at")).is_empty()
        subscriptions = tables["subscriptions"].join(churned, left_on="account_id", right_on="id")
        assert subscriptions["status"].unique().to_list() == ["cancelled"]
        assert (subscriptions["cancelled_date"] == subscriptions["churned_at"].dt.date()).all()


class TestLeads:
    @pytest.fixture(scope="class")
    def closed(self, simulation):
        now = simulation.now_us
        leads = [world.leads for world in simulation.worlds]
        columns = {
            "hours": [(lead.replied_us - lead.created_us) / (DAY_US / 24) for lead in leads],
            "answered": [lead.replied_us > 0 for lead in leads],
            "source": [lead.source for lead in leads],
            "visits": [lead.visits for lead in leads],
            "won": [lead.is_won for lead in leads],
            "chance": [lead.win_chance for lead in leads],
            "closed": [lead.closed_us < now for lead in leads],
            "created": [lead.created_us for lead in leads],
        }
        return pl.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()}).filter("closed")

    def test_the_true_chance_is_calibrated(self, closed):
        bins = closed.group_by(pl.col("chance").qcut(5)).agg(pl.mean("won"), pl.mean("chance").alias("mean"))
        assert (bins["won"] - bins["mean"]).abs().max() < 0.05

    def test_speed_decides_most_then_source_then_little_else(self, closed):
        hours = closed["hours"].to_numpy()
        log_hours = np.log1p(np.where(closed["answered"].to_numpy(), hours, truths.UNANSWERED_REPLY_HOURS))
        source = np.asarray(truths.SOURCE_EFFECT)[closed["source"].to_numpy()]
        won = closed["won"].to_numpy()
        by_speed, by_source = roc_auc_score(won, -log_hours), roc_auc_score(won, source)
        by_visits = roc_auc_score(won, closed["visits"].to_numpy())
        assert by_speed > 0.70 > by_source > 0.58 > by_visits > 0.5

    def test_a_plain_model_comes_close_to_the_truth(self, closed):
        closed = closed.sort("created")
        hours = np.where(
            closed["answered"].to_numpy(), closed["hours"].to_numpy(), truths.UNANSWERED_REPLY_HOURS
        )
        sources = np.eye(len(truths.SOURCES))[closed["source"].to_numpy()]
        features = np.column_stack([np.log1p(hours), sources, np.log1p(closed["visits"].to_numpy())])
        is_late = np.arange(len(closed)) > 0.7 * len(closed)
        won = closed["won"].to_numpy()
        best = roc_auc_score(won[is_late], closed["chance"].to_numpy()[is_late])
        assert best > 0.78
        assert fitted_auc(features, won, is_late) > best - 0.03


class TestMoney:
    @pytest.fixture(scope="class")
    def daily(self, tables):
        """Net revenue a day over all tenants, money not converted: only its shape matters."""
        return (
            tables["invoices"]
            .filter(pl.col("status") != "void")
            .group_by(day=pl.col("issued_at").dt.date())
            .agg(revenue=pl.col("net_cents").sum(), jobs=pl.col("job_id").is_not_null().sum())
            .sort("day")
        )

    def test_weeks_have_a_shape(self, daily):
        by_weekday = daily.group_by(weekday=pl.col("day").dt.weekday()).agg(pl.mean("jobs"))
        mean = dict(by_weekday.iter_rows())
        assert mean[7] < 0.5 * mean[2]
        assert mean[1] > mean[6]

    def test_summers_are_better_than_winters(self, daily):
        by_month = daily.group_by(month=pl.col("day").dt.month()).agg(pl.mean("revenue"))
        mean = dict(by_month.iter_rows())
        assert mean[6] + mean[7] > 1.25 * (mean[12] + mean[1])

    def test_holidays_are_quiet(self, tables, simulation):
        for world in simulation.worlds:
            calendar = world.calendar
            completed = world.customers.jobs.completed_us
            day = completed[completed > 0] // DAY_US - calendar.first_day
            jobs = np.bincount(day, minlength=calendar.days)[: calendar.days]
            workday = calendar.weekday[: calendar.days] < 5
            holiday = calendar.is_holiday[: calendar.days]
            assert jobs[workday & holiday].mean() < 0.6 * jobs[workday & ~holiday].mean()

    def test_one_campaign_pays_and_one_burns_money_in_every_tenant(self, tables):
        returns = (
            tables["leads"]
            .filter(pl.col("status") == "won")
            .group_by("campaign_id")
            .agg(pl.col("value_cents").sum())
        )
        roi = (
            tables["campaigns"]
            .join(returns, left_on="id", right_on="campaign_id", how="left")
            .with_columns(roi=pl.col("value_cents").fill_null(0) / pl.col("cost_cents") - 1)
        )
        assert roi.filter(pl.col("name") == truths.PROFITABLE_CAMPAIGN)["roi"].min() > 2
        assert roi.filter(pl.col("name") == truths.LOSING_CAMPAIGN)["roi"].max() < -0.3


class TestPeople:
    """Who logs in, when and from where."""

    @pytest.fixture(scope="class")
    def came(self, tables):
        tenants = tables["tenants"].select(tenant_id="id", slug="slug")
        return tables["sign_ins"].filter(pl.col("outcome") == "succeeded").join(tenants, on="tenant_id")

    def test_the_week_has_its_rhythm(self, came):
        count = dict(came.group_by(pl.col("happened_at").dt.weekday()).len().iter_rows())
        assert 0.8 < count[5] / count[2] < 1.05
        assert 0.2 < count[6] / count[2] < 0.4
        assert 0.05 < count[7] / count[2] < 0.2

    def test_some_come_no_more_and_keep_their_seats(self, came, tables, simulation):
        end = datetime.combine(simulation.until, datetime.min.time(), UTC)
        last = dict(came.group_by("user_id").agg(pl.max("happened_at")).iter_rows())
        active = tables["memberships"].filter(pl.col("state") == "active")
        silent = active.filter(
            pl.col("user_id").replace_strict(last, default=None) < end - timedelta(days=100)
        )
        assert silent.group_by("tenant_id").len()["len"].to_list() == [3, 3, 3]
        asked = tables["api_requests"].filter(pl.col("requested_at") > end - timedelta(days=100))
        assert asked.join(silent, on=["tenant_id", "user_id"]).is_empty()

    def test_nobody_comes_in_without_a_seat(self, came, tables):
        changes = (
            tables["seat_changes"].sort("happened_at").select("tenant_id", "user_id", "happened_at", "state")
        )
        state = came.sort("happened_at").join_asof(
            changes, on="happened_at", by=["tenant_id", "user_id"], check_sortedness=False
        )["state"]
        assert set(state) == {"active"}

    def test_one_traveller_is_faster_than_any_plane(self, came):
        steps = came.sort("user_id", "happened_at").with_columns(
            before=pl.col("country").shift().over("user_id"),
            hours=pl.col("happened_at").diff().over("user_id").dt.total_seconds() / 3600,
        )
        far = steps.filter((pl.col("country") == truths.FAR_TRAVEL_COUNTRY) & (pl.col("hours") < 3))
        assert far.select("slug", "before").rows() == [(truths.FAR_TRAVELLER_OF, "US")]
        assert far["hours"].item() == pytest.approx(truths.FAR_TRAVEL_MINUTES / 60)

    def test_one_account_is_attacked(self, tables):
        failed = tables["sign_ins"].filter(pl.col("outcome") == "failed")
        assert 0.04 < failed.height / tables["sign_ins"].height < 0.08
        bursts = failed.group_by(
            "tenant_id", "user_id", pl.col("happened_at").dt.truncate("15m").alias("quarter")
        ).agg(count=pl.len(), addresses=pl.col("address").n_unique())
        assert bursts.filter(pl.col("count") > 5)["addresses"].to_list() == [3]
