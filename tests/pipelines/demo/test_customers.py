"""Quotes, reviews and calls of the simulated companies keep the rules of the service."""

import json
from datetime import date, time, timedelta

import polars as pl

from pipelines.demo import promises
from serve.crm.calls.rules import SPOKEN, check_call
from serve.crm.quotes.rules import CONTENT
from serve.crm.quotes.sending import COUNTED, document_of


def in_order(frame: pl.DataFrame, *moments: str) -> None:
    for nth, before in enumerate(moments):
        for after in moments[nth + 1 :]:
            assert frame.filter(pl.col(before) > pl.col(after)).is_empty(), (before, after)


class TestReviews:
    def test_nobody_is_asked_without_work_done_consent_and_address(self, tables):
        requests = tables["review_requests"]
        with_job = requests.join(tables["jobs"], left_on="job_id", right_on="id", suffix="_of_job")
        assert with_job.height == requests.height == requests["job_id"].n_unique()
        assert with_job["status_of_job"].unique().to_list() == ["completed"]
        assert with_job.filter(pl.col("completed_at") > pl.col("created_at")).is_empty()
        asked = with_job.join(tables["contacts"], left_on="contact_id", right_on="id", suffix="_of_contact")
        assert asked.height == requests.height
        assert asked["consent_email"].all()
        assert asked["email"].null_count() == 0
        assert (asked["account_id"] == asked["account_id_of_contact"]).all()
        assert asked.filter(pl.col("created_at_of_contact") > pl.col("created_at")).is_empty()

    def test_nobody_is_asked_twice_within_the_pause(self, tables):
        asked = (
            tables["review_requests"]
            .filter(pl.col("status") != "cancelled")
            .with_columns(at=pl.coalesce("sent_at", "send_at"))
            .sort("contact_id", "at")
            .with_columns(gap=pl.col("at").diff().over("contact_id"))
        )
        assert asked["gap"].drop_nulls().min() >= timedelta(days=90)
        assert asked["gap"].drop_nulls().len() > 100

    def test_nothing_comes_before_its_cause_and_the_status_says_what_came(self, tables):
        requests = tables["review_requests"]
        in_order(requests, "created_at", "sent_at", "opened_at", "answered_at", "expires_at")
        in_order(requests, "created_at", "send_at", "sent_at")
        for status, there, absent in (
            ("queued", (), ("sent_at", "opened_at", "answered_at", "cancelled_at")),
            ("sent", ("sent_at", "expires_at"), ("opened_at", "answered_at", "cancelled_at")),
            ("opened", ("sent_at", "opened_at"), ("answered_at", "cancelled_at")),
            ("answered", ("sent_at", "answered_at", "rating", "answered_by"), ("cancelled_at",)),
            ("expired", ("sent_at", "expires_at"), ("answered_at", "rating", "answered_by")),
            ("cancelled", ("cancelled_at",), ("answered_at", "rating")),
        ):
            of_status = requests.filter(pl.col("status") == status)
            assert of_status.height > 0, status
            for name in there:
                assert of_status[name].null_count() == 0, (status, name)
            for name in absent:
                assert of_status[name].null_count() == of_status.height, (status, name)
        by_link = requests.filter(pl.col("answered_by") == "customer")
        assert by_link["opened_at"].null_count() == 0

    def test_what_is_over_is_expired(self, tables, simulation):
        now = pl.lit(simulation.now_us).cast(pl.Datetime("us", "UTC"))
        open_still = tables["review_requests"].filter(pl.col("status").is_in(["sent", "opened"]))
        assert open_still.filter(pl.col("expires_at") < now).is_empty()
        expired = tables["review_requests"].filter(pl.col("status") == "expired")
        assert expired.filter(pl.col("expires_at") >= now).is_empty()

    def test_bad_work_is_found_in_the_reviews(self, tables):
        answered = tables["review_requests"].filter(pl.col("status") == "answered")
        of_late = answered.join(tables["jobs"], left_on="job_id", right_on="id").group_by("is_late")
        mean = dict(of_late.agg(pl.col("rating").mean()).iter_rows())
        assert mean[True] < mean[False] - 0.5
        assert 0.2 < answered.height / tables["review_requests"].height < 0.6


class TestQuotes:
    def test_nothing_comes_before_its_cause_and_the_status_says_what_came(self, tables, simulation):
        quotes = tables["quotes"]
        in_order(quotes, "created_at", "sent_at", "decided_at", "converted_at")
        in_order(quotes, "sent_at", "decided_at", "expires_at")
        in_order(quotes, "sent_at", "deleted_at")
        decided = ("decided_at", "decided_by")
        for status, there, absent in (
            ("draft", (), ("sent_at", "sent_version", "expires_at", *decided)),
            ("sent", ("sent_at", "sent_version", "expires_at", "valid_until"), decided),
            ("accepted", ("sent_at", "accepted_version", *decided), ()),
            ("declined", ("sent_at", *decided), ("accepted_version", "job_id", "converted_at")),
            ("expired", ("sent_at", "expires_at"), decided),
        ):
            of_status = quotes.filter(pl.col("status") == status)
            assert of_status.height > 0, status
            for name in there:
                assert of_status[name].null_count() == 0, (status, name)
            for name in absent:
                assert of_status[name].null_count() == of_status.height, (status, name)
        now = pl.lit(simulation.now_us).cast(pl.Datetime("us", "UTC"))
        is_over = quotes.filter((pl.col("status") == "sent") & pl.col("deleted_at").is_null())
        assert is_over.filter(pl.col("expires_at") < now).is_empty()

    def test_each_sending_is_kept_and_the_newest_is_the_quotes(self, tables):
        versions = tables["quote_versions"].sort("quote_id", "version")
        assert versions.filter(pl.col("sent_at").diff().over("quote_id") <= timedelta(0)).is_empty()
        newest = versions.group_by("quote_id").agg(pl.len().cast(pl.Int32), pl.all().last())
        sent = tables["quotes"].filter(pl.col("sent_at").is_not_null())
        both = sent.join(newest, left_on="id", right_on="quote_id", suffix="_of_version")
        assert both.height == sent.height == newest.height
        for name in ("sent_at", "expires_at", "total_cents", "account_id"):
            assert (both[name] == both[f"{name}_of_version"]).all(), name
        assert (both["sent_version"] == both["len"]).all()
        assert (both["version_of_version"] == both["version"]).all()
        assert set(newest["len"]) == {1, 2}

    def test_the_time_to_decide_ends_at_a_midnight_of_the_company(self, tables, simulation):
        for world in simulation.worlds:
            own = tables["quotes"].filter(pl.col("tenant_id") == world.tenant_id).drop_nulls("expires_at")
            local = own["expires_at"].dt.convert_time_zone(world.profile.timezone)
            assert (local.dt.time() == time()).all()
            assert (local.dt.date() == own["valid_until"] + timedelta(days=1)).all()

    def test_only_what_nobody_took_is_deleted(self, tables):
        deleted = tables["quotes"].filter(pl.col("deleted_at").is_not_null())
        assert 5 < deleted.height < 0.05 * tables["quotes"].height
        assert "accepted" not in deleted["status"]

    def test_a_kept_document_has_all_that_the_service_keeps(self, tables):
        document = json.loads(tables["quote_versions"]["document"][0])
        values = dict.fromkeys((*CONTENT, *COUNTED, "number", "customer_name", "sender"))
        row = {**values, "valid_until": date(2026, 6, 1)}
        kept = document_of(row, version=1, dated=date(2026, 6, 1), kind="quote")
        assert document.keys() == kept.keys()


class TestCalls:
    def test_the_service_would_take_them(self, tables):
        calls = tables["calls"]
        seconds = pl.col("duration_s")
        assert calls.filter(pl.col("outcome").is_in(SPOKEN) != (seconds > 0)).is_empty()
        assert calls["duration_s"].max() <= 3_600
        for row in calls.head(500).iter_rows(named=True):
            check_call(None, row)

    def test_a_call_is_noted_when_it_is_over(self, tables):
        ended = pl.col("started_at") + pl.duration(seconds="duration_s")
        assert tables["calls"].filter(pl.col("created_at") <= ended).is_empty()
        in_order(tables["calls"], "started_at", "created_at", "deleted_at")

    def test_nobody_is_called_before_they_are_known_and_everybody_by_their_number(self, tables):
        calls = tables["calls"]
        for table, column in (("accounts", "account_id"), ("contacts", "contact_id"), ("jobs", "job_id")):
            since = tables[table].select("id", since="created_at")
            known = calls.join(since, left_on=column, right_on="id")
            assert known.height == calls[column].count() > 1_000
            assert known.filter(pl.col("started_at") < pl.col("since")).is_empty(), table
        with_contact = calls.join(
            tables["contacts"], left_on="contact_id", right_on="id", suffix="_of_contact"
        )
        assert (with_contact["account_id"] == with_contact["account_id_of_contact"]).all()
        with_job = calls.join(tables["jobs"], left_on="job_id", right_on="id", suffix="_of_job")
        assert with_job.filter(pl.col("account_id") != pl.col("account_id_of_job")).is_empty()
        theirs = pl.when(pl.col("direction") == "inbound").then("from_number").otherwise("to_number")
        assert with_contact.filter(theirs != pl.col("phone")).is_empty()
        assert calls.filter(pl.col("direction") == "outbound")["to_number"].null_count() == 0

    def test_leads_are_called_after_they_came(self, tables):
        """Before they are customers by their number, from then on as the contact they are."""
        calls, leads = tables["calls"], tables["leads"]
        pursued = calls.join(leads, on="contact_id", suffix="_of_lead")
        assert pursued.height > 500
        assert pursued.filter(pl.col("started_at") <= pl.col("qualified_at")).is_empty()
        nobodys = calls.filter((pl.col("direction") == "outbound") & pl.col("contact_id").is_null())
        came = leads.drop_nulls("phone").group_by("tenant_id", "phone").agg(pl.min("created_at"))
        of_lead = nobodys.join(came, left_on=["tenant_id", "to_number"], right_on=["tenant_id", "phone"])
        assert of_lead.height == nobodys.height > 400
        assert of_lead.filter(pl.col("started_at") <= pl.col("created_at_right")).is_empty()

    def test_people_work_in_opening_hours_and_miss_what_comes_outside(self, tables, simulation):
        for world in simulation.worlds:
            own = tables["calls"].filter(pl.col("tenant_id") == world.tenant_id)
            hours = promises.hours_of(world.profile, world.calendar)
            is_open = hours.is_open(own["started_at"].dt.epoch("us").to_numpy())
            outside = own.filter(pl.Series(~is_open))
            assert set(outside["direction"]) == {"inbound"}
            assert set(outside["outcome"]) == {"no_answer", "voicemail"}
            taken = own.filter(pl.Series(is_open) & (own["direction"] == "inbound"))
            assert 0.85 < (taken["outcome"] == "answered").mean() < 0.98
            nobody = pl.col("user_id").is_null()
            is_taken = (pl.col("direction") == "outbound") | (pl.col("outcome") == "answered")
            assert own.filter(nobody == is_taken).is_empty()

    def test_orders_on_the_telephone_are_in_the_log(self, tables):
        ordered = tables["calls"].join(
            tables["jobs"], left_on=["job_id", "started_at"], right_on=["id", "requested_at"]
        )
        assert set(ordered["channel"]) == {"phone"}
        assert set(ordered["direction"]) == {"inbound"}
        by_phone = tables["jobs"].filter(pl.col("channel") == "phone").height
        assert 0.5 < ordered.height / by_phone < 1

    def test_a_few_are_taken_out_of_the_log(self, tables):
        calls = tables["calls"]
        assert 0.005 < calls["deleted_at"].count() / calls.height < 0.015


class TestLeads:
    def test_most_lie_about_a_zone_and_buyers_about_that_of_their_account(self, tables):
        leads, zones = (tables[table].select("id", "latitude", "longitude") for table in ("leads", "zones"))
        assert leads["latitude"].is_null().equals(leads["longitude"].is_null())
        assert 0.7 < 1 - leads["latitude"].null_count() / leads.height < 0.9
        accounts = tables["accounts"].select("id", "zone_id").join(zones, left_on="zone_id", right_on="id")
        bought = (
            tables["leads"]
            .filter(pl.col("account_id").is_not_null(), pl.col("latitude").is_not_null())
            .join(accounts, left_on="account_id", right_on="id", suffix="_of_zone")
        )
        assert bought.height > 100
        for name in ("latitude", "longitude"):
            apart = (bought[name] - bought[f"{name}_of_zone"]).abs()
            assert apart.quantile(0.95) < 0.1, name  # the rest are people who stand there twice
