"""Sign-ins, people at work, seats and adoption, counted a second time: in plain Python over the rows as they landed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

import polars as pl
import pytest

from tests.transforms.demo import UNTIL
from tests.transforms.line import Line
from tests.transforms.published import Published
from warehouse.metrics import MetricQuery

WINDOWS = {"active_people_daily": 1, "active_people_weekly": 7, "active_people_monthly": 28}
DAY = timedelta(days=1)


@dataclass
class Known:
    """One tenant's rows of staging."""

    sign_ins: pl.DataFrame
    requests: pl.DataFrame
    seat_changes: pl.DataFrame
    invitations: pl.DataFrame

    @cached_property
    def at_work_on(self) -> Mapping[date, set[str]]:
        """Who was at work here on which day."""
        found: dict[date, set[str]] = defaultdict(set)
        came = self.sign_ins.filter(pl.col("outcome") == "succeeded").select("user_id", at="happened_at")
        asked = self.requests.filter(pl.col("user_id").is_not_null()).select("user_id", at="requested_at")
        for user, at in pl.concat([came, asked]).iter_rows():
            found[at.date()].add(user)
        return found

    def within(self, day: date, days: int) -> set[str]:
        """Who was at work here on one of the days that end with this one."""
        return set().union(*(self.at_work_on.get(day - n * DAY, set()) for n in range(days)))

    def states(self, day: date) -> Mapping[str, str]:
        """What everybody was at the end of the day."""
        found: dict[str, str] = {}
        for user, at, state in self.seat_changes.sort("happened_at").iter_rows():
            if at.date() <= day:
                found[user] = state
        return found


@pytest.fixture(scope="module")
def known(demo: Line, published: Published) -> Mapping[UUID, Known]:
    def of(tenant: UUID, table: str, columns: str) -> pl.DataFrame:
        return demo.read(f"select {columns} from staging.stg_{table} where tenant_id = '{tenant}'")

    found = {}
    for tenant in published.tenants:
        found[tenant] = Known(
            of(tenant, "sign_ins", "user_id::varchar as user_id, happened_at, outcome, method, country"),
            of(tenant, "api_requests", "user_id::varchar as user_id, requested_at"),
            of(tenant, "seat_changes", "user_id::varchar as user_id, happened_at, state"),
            of(
                tenant,
                "invitations",
                "accepted_by::varchar as user_id, created_at, accepted_at, revoked_at, expires_at",
            ),
        )
    return found


def days(first: date) -> Iterator[date]:
    while first <= UNTIL:
        yield first
        first += DAY


@pytest.mark.parametrize("metric", WINDOWS)
def test_a_person_counts_once_in_a_window(
    published: Published, known: Mapping[UUID, Known], metric: str
) -> None:
    for tenant, rows in known.items():
        series = published.series(tenant, metric, "day")
        expected = {day: len(rows.within(day, WINDOWS[metric])) for day in days(min(rows.at_work_on))}
        assert series == expected
        assert max(series.values()) > 8


def test_stickiness_is_the_mean_day_per_mean_month(published: Published, known: Mapping[UUID, Known]) -> None:
    first, last = date(2026, 1, 1), date(2026, 3, 31)
    for tenant, rows in known.items():
        (found,) = published.ask(tenant, MetricQuery(("stickiness",), start=first, end=last)).to_pylist()
        span = [first + n * DAY for n in range((last - first).days + 1)]
        daily = sum(len(rows.within(day, 1)) for day in span)
        monthly = sum(len(rows.within(day, 28)) for day in span)
        assert found["stickiness"] == pytest.approx(daily / monthly)
        assert 0.3 < daily / monthly < 0.9


def test_seats_are_those_of_the_days_end_and_used_by_who_came_lately(
    published: Published, known: Mapping[UUID, Known]
) -> None:
    metrics = ("seats", "seats_used", "seats_unused", "seats_suspended", "seats_used_share")
    for tenant, rows in known.items():
        answer = published.ask(
            tenant, MetricQuery(metrics, ("metric_time",), grain="day", start=date(2024, 7, 2))
        )
        assert answer.num_rows > 700
        for row in answer.to_pylist():
            day = row["metric_time__day"]
            states = rows.states(day)
            seats = {user for user, state in states.items() if state == "active"}
            used = seats & rows.within(day, 28)
            assert (row["seats"], row["seats_used"], row["seats_unused"]) == (
                *(len(seats), len(used)),
                len(seats) - len(used),
            )
            assert row["seats_suspended"] == Counter(states.values())["suspended"]
            assert row["seats_used_share"] == pytest.approx(len(used) / len(seats))
        assert row["seats_unused"] >= 3  # those who come no more
        assert row["seats_suspended"] == 1


def test_sign_ins_by_method_and_month(published: Published, known: Mapping[UUID, Known]) -> None:
    metrics = ("sign_ins", "failed_sign_ins", "failed_sign_in_share", "people_signed_in")
    for tenant, rows in known.items():
        query = MetricQuery(metrics, ("metric_time", "sign_in__method"), grain="month")
        found = {
            (row["metric_time__month"], row["sign_in__method"]): tuple(row[name] for name in metrics)
            for row in published.ask(tenant, query).to_pylist()
        }
        expected = {}
        for (at, method), frame in rows.sign_ins.group_by(
            pl.col("happened_at").dt.date().dt.truncate("1mo"), "method"
        ):
            came = frame.filter(pl.col("outcome") == "succeeded")
            failed = frame.height - came.height
            expected[at, method] = (
                *(came.height, failed),
                pytest.approx(failed / frame.height),
                came["user_id"].n_unique(),
            )
        assert found == expected
        assert {method for _, method in found} == {"password", "totp", "passkey", "oidc"}


def test_the_daily_table_adds_up_to_the_attempts(demo: Line, known: Mapping[UUID, Known]) -> None:
    for tenant, rows in known.items():
        table = demo.read(
            "select method, outcome, sum(sign_in_count)::bigint as count from marts.sign_ins_daily"
            f" where tenant_id = '{tenant}' group by all order by all"
        )
        counted = rows.sign_ins.group_by("method", "outcome").len("count").sort("method", "outcome")
        assert table.rows() == counted.rows()


def test_who_was_invited_is_activated_by_three_days_of_the_first_28(
    published: Published, known: Mapping[UUID, Known]
) -> None:
    metrics = (
        "invitations_sent",
        "invitations_accepted",
        "people_activated",
        "people_judged",
        "activation_share",
    )
    for tenant, rows in known.items():
        activated = judged = 0
        for user, _, accepted, revoked, expires in rows.invitations.iter_rows():
            if accepted is None:
                judged += revoked is not None or expires.date() < UNTIL
                continue
            first = accepted.date()
            came = sum(user in rows.at_work_on.get(first + n * DAY, ()) for n in range(28))
            activated += came >= 3
            judged += came >= 3 or first + 28 * DAY <= UNTIL
        (found,) = published.ask(tenant, MetricQuery(metrics)).to_pylist()
        assert tuple(found.values()) == (
            *(rows.invitations.height, rows.invitations["accepted_at"].count(), activated, judged),
            pytest.approx(activated / judged),
        )
        assert (rows.invitations.height, judged) == (11, 10)
        assert 0 < activated < judged
        months = published.column(tenant, "select month, activated_count from marts.adoption_monthly")
        assert sum(months.values()) == activated
