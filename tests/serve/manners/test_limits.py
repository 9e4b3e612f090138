"""Rates: nobody gets more than the rule says, whatever the clock does, and nobody pays for a neighbour."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.kernel.ratelimit import Debts, Rate, RateLimit, class_of, gcra, parse_rates
from tests.serve.test_manners import refused

KPIS = "/api/v1/dashboard/kpis"
# (seconds that the clock moves, whether a request follows, for whom)
SCHEDULES = st.lists(
    st.tuples(
        st.one_of(st.floats(0, 5), st.floats(0, 0.01), st.floats(-3600, 0)),
        st.booleans(),
        st.sampled_from("ab"),
    ),
    max_size=300,
)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class TestRule:
    @given(schedule=SCHEDULES, per_min=st.floats(1, 6000), burst=st.integers(1, 50))
    @settings(max_examples=300, deadline=None)
    def test_never_more_than_the_burst_and_the_rate_over_the_time_that_passed(self, schedule, per_min, burst):
        clock, rate = Clock(), Rate(per_min, burst)
        debts = Debts(clock)
        passed_s, admitted = 0.0, 0
        for step_s, asks, _ in schedule:
            clock.now += step_s
            passed_s += max(step_s, 0.0)  # a clock that goes back gives nothing
            if asks:
                admitted += debts.take([(("read", 1), rate)])[0]
            assert admitted <= burst + per_min / 60 * passed_s + 1e-3

    @given(schedule=SCHEDULES, burst=st.integers(1, 20))
    @settings(max_examples=200, deadline=None)
    def test_a_neighbour_changes_nothing(self, schedule, burst):
        rate = Rate(60, burst)

        def admissions(of: str) -> list[bool]:
            clock = Clock()
            debts = Debts(clock)
            found = []
            for step_s, asks, who in schedule:
                clock.now += step_s
                if asks and (who == "a" or of == "both"):
                    admitted, _ = debts.take([(("read", who), rate)])
                    if who == "a":
                        found.append(admitted)
            return found

        assert admissions("both") == admissions("a")

    def test_whoever_waits_as_told_is_admitted(self):
        clock = Clock()
        limit = RateLimit(per_min=7, burst=3, clock=clock)
        for _ in range(50):
            wait_s = limit.wait_s("x")
            if wait_s:
                clock.now += wait_s - 1
                assert limit.wait_s("x") == 1
                clock.now += 1
            assert limit.wait_s("x") == 0
            limit.count("x")

    def test_a_clock_that_went_back_an_hour_makes_nobody_wait_an_hour(self):
        clock = Clock()
        limit = RateLimit(per_min=60, burst=5, clock=clock)
        for _ in range(5):
            limit.count("x")
        clock.now -= 3600
        assert limit.wait_s("x") == 1
        clock.now += 1
        assert limit.wait_s("x") == 0

    def test_a_refused_request_counts_for_none_of_its_limits(self):
        debts = Debts(Clock())
        mine, ours = (("read", 1), Rate(60, 1)), (("read", "t"), Rate(60, 10))
        assert debts.take([mine, ours])[0]
        assert not debts.take([mine, ours])[0]
        assert debts.debt_s(*ours) == 1.0

    def test_memory_is_bounded_and_keeps_whoever_owes_most(self):
        debts = Debts(Clock(), most_keys=100)
        rate = Rate(60, 10)
        for _ in range(10):
            debts.take([(("read", "greedy"), rate)])
        for each in range(1000):
            debts.take([(("read", each), rate)])
        assert len(debts) <= 101
        assert not debts.take([(("read", "greedy"), rate)])[0]

    @pytest.mark.parametrize("text", ["read", "read=1", "read=0/1", "read=1/0", "lead=1/1", "read=a/1"])
    def test_rates_that_make_no_sense(self, text):
        with pytest.raises(ValueError):
            parse_rates(text)

    def test_classes(self):
        assert class_of("HEAD", "/api/v1/contacts") == "read"
        assert class_of("POST", "/api/v1/contacts") == "write"
        assert class_of("POST", "/api/v1/contacts/search") == "read"
        assert class_of("GET", "/api/v1/auth/me") == "read"
        assert class_of("POST", "/auth/api/auth/login") == "auth"
        assert class_of("POST", "/api/v1/leads/export") == "export"


class TestAnswers:
    @pytest.fixture
    def service(self, home, releases, run_app):
        return run_app(home, rate_limits="read=6/3,auth=6/2", rate_limit_tenant_factor=2)

    def test_headers_count_down_and_the_refusal_says_when_again(self, service):
        client = service.caller()
        left = []
        for _ in range(3):
            response = client.get(KPIS)
            assert response.status_code == 200
            assert response.headers["x-ratelimit-limit"] == "3"
            left.append(response.headers["x-ratelimit-remaining"])
        assert left == ["2", "1", "0"]
        assert int(response.headers["x-ratelimit-reset"]) in range(25, 31)
        response = client.get(KPIS)
        refused(response, 429, "RATE_LIMITED")
        assert int(response.headers["retry-after"]) in range(1, 11)
        assert response.headers["x-ratelimit-remaining"] == "0"
        assert client.post("/api/v1/contacts", json={}).status_code != 429  # another class

    def test_a_tenant_has_its_own_limit_and_a_neighbour_does_not_notice(self, service):
        from tests.serve.small_release import B

        found = [service.caller().get(KPIS).status_code for _ in range(8)]  # a new person each time
        assert found == [200] * 6 + [429] * 2
        assert service.caller(B).get(KPIS).status_code == 200

    def test_strangers_are_counted_by_address(self, service):
        login = {"email": "nobody@example.com", "password": "wrong"}
        found = [service.client().post("/api/v1/auth/login", json=login).status_code for _ in range(3)]
        assert 429 not in found[:2]
        assert found[2] == 429

    def test_what_belongs_to_no_tenant_is_not_limited(self, service):
        assert {service.client().get("/health/live").status_code for _ in range(8)} == {200}


class TestShared:
    @pytest.fixture
    def take(self, db):
        with psycopg.connect(db.url("api"), autocommit=True) as connection:
            yield lambda keys, rate: connection.execute(
                "select * from take_rate(%s, %s, %s)",
                (keys, [rate.interval_s] * len(keys), [rate.burst] * len(keys)),
            ).fetchone()

    def test_the_database_follows_the_same_rule(self, take):
        rate = Rate(6, 3)
        found = [take(["read:x"], rate) for _ in range(4)]
        assert [is_admitted for is_admitted, _ in found] == [True, True, True, False]
        for number, (_, (debt_s,)) in enumerate(found[:3], 1):
            assert number * 10 - 5 < debt_s <= number * 10
        assert gcra(found[2][1][0], 0.0, rate)[0] is False

    def test_refused_by_one_limit_it_counts_for_none_and_keys_keep_their_order(self, take):
        rate = Rate(6, 2)
        take(["z"], rate)
        take(["z"], rate)
        is_admitted, debts_s = take(["z", "a"], rate)
        assert is_admitted is False
        assert debts_s[0] > 15
        assert debts_s[1] == 0
        assert take(["a"], rate)[0] is True

    def test_many_at_once_get_the_burst_and_no_more(self, db):
        rate = Rate(0.001, 20)

        def ask(worker: int) -> int:
            with psycopg.connect(db.url("api"), autocommit=True) as connection:
                keys = ["mine", "ours"] if worker % 2 else ["ours", "mine"]
                rows = [
                    connection.execute(
                        "select is_admitted from take_rate(%s, %s, %s)",
                        (keys, [rate.interval_s] * 2, [20] * 2),
                    ).fetchone()
                    for _ in range(10)
                ]
            return sum(row[0] for row in rows)

        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(ask, range(6))) == 20

    def test_two_processes_count_together_and_one_without_a_database_for_itself(
        self, db, home, releases, run_app
    ):
        given = {"rate_limits": "read=6/2", "rate_limits_shared": True}
        one, other = (run_app(home, database_url=db.base, **given) for _ in range(2))
        person = one.caller()
        token = {"Authorization": person.headers["authorization"]}
        assert person.get(KPIS).status_code == 200
        assert other.client(**token).get(KPIS).status_code == 200
        assert person.get(KPIS).status_code == 429
        assert other.client(**token).get(KPIS).status_code == 429
        alone = run_app(home, database_url="postgresql://localhost:1/none", **given).caller()
        assert [alone.get(KPIS).status_code for _ in range(3)] == [200, 200, 429]
