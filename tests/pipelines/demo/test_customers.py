"""Quotes and reviews of the simulated companies keep the rules of the service."""

import json
from datetime import date, time, timedelta

import polars as pl

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
