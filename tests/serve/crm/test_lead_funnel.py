"""Figures of leads: counted again by hand, and as the warehouse counts them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.crm.funnel.rules import quantile, span_of
from serve.kernel.errors import Invalid
from tests.serve.crm.conftest import LEADS
from tests.serve.crm.test_lead_features import in_the_warehouse, rendered

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
SPAN = {"date_start": "2026-03-01", "date_end": "2026-03-31"}
OPEN = ("new", "contacted", "qualified")


@pytest.fixture
def many(firm):
    """Leads of March by their columns, of two sources of their own."""
    drawn, made = random.Random(11), []
    sources = [f"funnel-{uuid4()}" for _ in range(2)]
    for _ in range(80):
        created = BEGIN + timedelta(days=drawn.uniform(0, 30.9))
        status = drawn.choice([*OPEN, "won", "lost"])
        passed = {
            "first_replied_at": drawn.random() < 0.6 and created + timedelta(hours=drawn.uniform(0, 60)),
            "contacted_at": (status == "contacted" or drawn.random() < 0.5) and created + timedelta(hours=9),
            "qualified_at": (status == "qualified" or drawn.random() < 0.3) and created + timedelta(days=3),
            "won_at": status == "won" and created + timedelta(days=drawn.uniform(4, 20)),
            "lost_at": status == "lost" and created + timedelta(days=5),
        }
        row = {
            "source": drawn.choice(sources),
            "status": status,
            "created_at": created,
            **{name: value or None for name, value in passed.items()},
        }
        ((row["id"],),) = firm.sql(
            f"insert into leads (tenant_id, full_name, cost_cents, currency, {', '.join(row)})"
            f" values (%s, 'F', 5, 'EUR', {', '.join(['%s'] * len(row))}) returning id",
            *(firm.a, *row.values()),
        )
        made.append(row)
    return made


def by_hand(rows):
    contact = [
        (row, max(min(filter(None, (row["contacted_at"], row["first_replied_at"]))), row["created_at"]))
        for row in rows
        if row["contacted_at"] or row["first_replied_at"]
    ]
    past = ("contacted", "qualified", "won")
    won = [row for row in rows if row["status"] == "won"]
    return {
        "came_count": len(rows),
        "contacted_count": sum(
            bool(
                row["first_replied_at"] or row["contacted_at"] or row["qualified_at"] or row["status"] in past
            )
            for row in rows
        ),
        "qualified_count": sum(bool(row["qualified_at"] or row["status"] in past[1:]) for row in rows),
        "won_count": len(won),
        "lost_count": sum(row["status"] == "lost" for row in rows),
        "open_count": sum(row["status"] in OPEN for row in rows),
        "median_contact_s": median((at - row["created_at"]).total_seconds() for row, at in contact),
        "median_qualify_s": median(
            max((row["qualified_at"] - at).total_seconds(), 0) for row, at in contact if row["qualified_at"]
        ),
        "median_win_s": median((row["won_at"] - row["created_at"]).total_seconds() for row in won),
    }


def asked(client, call="funnel", **params):
    answer = client.get(f"{LEADS}/{call}", params={**SPAN, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


class TestFunnel:
    def test_it_is_what_one_counts_by_hand(self, owner, many):
        for source in {row["source"] for row in many}:
            rows = [row for row in many if row["source"] == source]
            told = asked(owner, source=source)
            expected = by_hand(rows)
            assert {name: told[name] for name in expected} == pytest.approx(expected)
            assert told["overall_share"] == pytest.approx(expected["won_count"] / len(rows))
            assert told["won_share"] == pytest.approx(expected["won_count"] / expected["qualified_count"])
            [one] = told["by_source"]
            assert one == {name: told[name] for name in one if name != "source"} | {"source": source}
            assert (
                told["came_count"] >= told["contacted_count"] >= told["qualified_count"] >= told["won_count"]
            )

    def test_sources_add_up(self, owner, many):
        told = asked(owner)
        for step in ("came", "contacted", "qualified", "won", "lost", "open"):
            assert sum(each[f"{step}_count"] for each in told["by_source"]) == told[f"{step}_count"]

    def test_the_warehouse_counts_the_same(self, firm, owner, many):
        """But what was qualified or contacted before it was lost, of which it does not know."""
        connection = in_the_warehouse(firm, [str(row["id"]) for row in many])[1]
        mart = connection.sql(rendered("transforms/models/marts/crm/lead_funnel.sql"))
        for row in mart.fetchall():
            theirs = dict(zip(mart.columns, row, strict=True))
            told = asked(owner, source=theirs["source"])
            assert told["came_count"] == theirs["lead_count"]
            for name in ("won_count", "lost_count"):
                assert told[name] == theirs[name]
            assert told["win_rate"] == pytest.approx(theirs["win_rate"])
            for name in ("contacted_count", "qualified_count"):
                unknown = told["lost_count"]
                assert theirs[name] <= told[name] <= theirs[name] + unknown
            replies = asked(owner, "first-reply", source=theirs["source"])
            assert replies["median_s"] == pytest.approx(theirs["median_reply_hours"] * 3600)

    def test_only_leads_of_the_period_count(self, firm, owner, many):
        source = many[0]["source"]
        firm.sql(
            "insert into leads (tenant_id, full_name, cost_cents, currency, source, created_at)"
            " values (%s, 'F', 0, 'EUR', %s, '2026-02-28 23:59:59.9Z'), (%s, 'F', 0, 'EUR', %s, '2026-04-01 00:00Z')",
            *(firm.a, source, firm.a, source),
        )
        count = sum(row["source"] == source for row in many)
        assert asked(owner, source=source)["came_count"] == count
        assert asked(owner, source=source, date_start="2026-02-28")["came_count"] == count + 1
        assert asked(owner, source=source, date_end="2026-04-01")["came_count"] == count + 1

    def test_of_nothing_there_are_no_shares(self, owner):
        told = asked(owner, source=f"none-{uuid4()}")
        assert (told["came_count"], told["overall_share"], told["by_source"]) == (0, None, [])

    def test_another_tenant_counts_nothing_of_it(self, firm, many):
        assert asked(firm.client("owner", firm.b), source=many[0]["source"])["came_count"] == 0

    @pytest.mark.parametrize(
        ("params", "field"),
        [
            ({"date_start": "2026-04-01", "date_end": "2026-03-01"}, "date_end"),
            ({"date_start": "1900-01-01", "date_end": "2026-03-01"}, "date_end"),
            ({"country": "Germany"}, "country"),
            ({"owner_id": "me"}, "owner_id"),
        ],
    )
    def test_what_is_wrong_is_named(self, owner, params, field):
        refused = owner.get(f"{LEADS}/funnel", params=params)
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, field)


class TestReplies:
    def test_who_was_answered_in_time(self, owner, many):
        source = many[0]["source"]
        rows = [row for row in many if row["source"] == source]
        taken = sorted(
            (row["first_replied_at"] - row["created_at"]).total_seconds()
            for row in rows
            if row["first_replied_at"]
        )
        late = sum(row["first_replied_at"] is None and row["status"] in OPEN for row in rows)
        told = asked(owner, "first-reply", source=source, target_s=86_400)
        in_time = sum(each <= 86_400 for each in taken)
        assert (told["came_count"], told["answered_count"], told["in_time_count"]) == (
            len(rows),
            len(taken),
            in_time,
        )
        assert told["median_s"] == pytest.approx(quantile(taken, 0.5))
        assert told["p90_s"] == pytest.approx(quantile(taken, 0.9))
        assert told["waiting_count"] == 0
        assert told["in_time_share"] == pytest.approx(in_time / (len(taken) + late))

    def test_whoever_still_has_time_is_not_late(self, owner, lead):
        source = f"now-{uuid4()}"
        lead(source=source)
        today = datetime.now(UTC).date().isoformat()
        told = asked(owner, "first-reply", source=source, date_start=today, date_end=today)
        assert (told["target_s"], told["waiting_count"], told["in_time_share"]) == (3600, 1, None)

    def test_working_time_counts_by_a_calendar(self, firm, owner):
        source = f"cal-{uuid4()}"
        hours = [{"day": day, "opens": "08:00", "closes": "17:00"} for day in ("friday", "monday")]
        body = {"name": source, "timezone": "UTC", "hours": hours}
        calendar = owner.post("/api/v1/business-calendars", json=body).json()["data"]["id"]
        firm.sql(  # on a Friday at half past four, answered on Monday at half past eight
            "insert into leads (tenant_id, full_name, cost_cents, currency, source, created_at, first_replied_at)"
            " values (%s, 'F', 0, 'EUR', %s, '2026-03-06 16:30Z', '2026-03-09 08:30Z')",
            *(firm.a, source),
        )
        told = asked(owner, "first-reply", source=source, calendar_id=calendar)
        assert (told["median_s"], told["in_time_share"]) == (3600.0, 1.0)
        assert asked(owner, "first-reply", source=source)["in_time_share"] == 0.0
        refused = owner.get(f"{LEADS}/first-reply", params={"calendar_id": str(uuid4())})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "calendar_id")


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_among_the_values(values, place):
    found = quantile(sorted(values), place)
    assert found is not None
    assert min(values) <= found <= max(values) or found == pytest.approx(min(values))
    assert quantile(sorted(values), 0.5) == pytest.approx(median(values))


def test_a_span_is_never_empty():
    today = datetime(2026, 3, 31).date()
    assert span_of(None, None, today=today)[1] == today
    with pytest.raises(Invalid):
        span_of(today, today - timedelta(days=1), today=today)
