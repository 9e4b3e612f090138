"""A tenant's own limits hold in every process within two seconds, within what the installation gives."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from serve.app import create_app
from serve.kernel.ratelimit import Pair, Rate
from serve.platform.limits.rules import LimitsInvalid, check_limits, in_force
from serve.platform.limits.service import Watch
from serve.settings import Settings
from tests.conftest import TestCluster
from tests.serve.conftest import Running
from tests.serve.firm import Firm

LIMITS = "/api/v1/api/rate-limiting/advanced"
READ = "/api/v1/contacts"
WITHIN_S = 2.0
NOTHING = {"caller_per_min": None, "caller_burst": None, "tenant_per_min": None, "tenant_burst": None}


@pytest.fixture(scope="module")
def two(pg: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Firm, Running]]:
    """A firm whose installation limits calls, and a second process of it."""
    address = pg.clone()
    settings = Settings(
        throughline_home=tmp_path_factory.mktemp("home"),
        database_url=address.base,
        background_work=False,
        rate_limits="read=6000/600,write=1200/300",
    )
    running, other = (Running(create_app(settings)).start() for _ in range(2))
    try:
        yield Firm(running, address).settle(), other
    finally:
        running.stop()
        other.stop()
        pg.drop(address)


@pytest.fixture
def firm(two: tuple[Firm, Running]) -> Iterator[Firm]:
    firm, _ = two
    yield firm
    firm.client().put(LIMITS, json={"limits": {}})
    for running in two:
        app = running.running.app if isinstance(running, Firm) else running.app
        app.state.manners.limits._debts._full_at.clear()
    wait_until(lambda: limit_of(firm.client()) == "600")


def limit_of(client: httpx.Client) -> str:
    return client.get(READ).headers["x-ratelimit-limit"]


def wait_until(holds, within_s: float = WITHIN_S) -> float:
    asked_at = time.monotonic()
    while not holds():
        assert time.monotonic() - asked_at < within_s
        time.sleep(0.02)
    return time.monotonic() - asked_at


def change(firm: Firm, **limits) -> httpx.Response:
    return firm.client().put(LIMITS, json={"limits": limits})


def test_a_change_holds_in_both_processes_within_two_seconds(firm, two):
    token = {"Authorization": firm.client("agent").headers["authorization"]}
    here, there, worst_s = firm.running.client(**token), two[1].client(**token), 0.0
    for burst in (7, 50, 9):
        assert change(firm, read={"caller_burst": burst, "caller_per_min": 6}).status_code == 200
        for client in (there, here):
            worst_s = max(
                worst_s, wait_until(lambda client=client, burst=burst: limit_of(client) == str(burst))
            )
    print(f"in force after {worst_s:.2f} s at most")
    refused = [there.get(READ).status_code for _ in range(12)]
    assert 429 in refused
    assert limit_of(firm.client("owner", firm.b)) == "600"  # a neighbour's are as they were


def test_everybody_of_the_tenant_together(firm):
    change(firm, read={"tenant_per_min": 1, "tenant_burst": 3})
    wait_until(lambda: limit_of(firm.client("viewer", firm.a)) == "3")
    found = [firm.client(role).get(READ).status_code for role in ("agent", "viewer", "manager", "owner")]
    assert found.count(200) <= 2
    assert found[-1] == 429
    assert firm.client("owner", firm.b).get(READ).status_code == 200
    watch = Watch(
        firm.running.app.state.database,
        firm.running.app.state.worker_database,
        firm.running.app.state.manners.limits,
    )
    firm.running.wait_for(watch.tell())
    events = "select after, actor_kind from events where name = 'rate_limit.reached' and tenant_id = %s"
    [(after, actor)] = firm.sql(events, firm.a)
    assert (after["kind"], after["is_tenants"], actor) == ("read", True, "platform")
    assert firm.client("agent").get(READ).status_code == 429
    firm.running.wait_for(watch.tell())
    assert len(firm.sql(events, firm.a)) == 1, "not twice within the hour"
    assert firm.sql(events, firm.b) == []
    firm.deliver()
    told = "select count(*) from notifications where title like 'Calls were refused%%' and tenant_id = %s"
    assert firm.sql(told, firm.a) == [(2,)]  # its owner and its admin


def test_what_is_used_and_who_was_refused_is_shown(firm):
    change(firm, read={"caller_burst": 5, "caller_per_min": 1})
    agent = firm.client("agent")
    wait_until(lambda: limit_of(agent) == "5")
    while agent.get(READ).status_code == 200:
        pass
    logged = (
        "select 1 from api_requests where status = 429 and user_id = %s"  # once a second, beside the requests
    )
    wait_until(lambda: firm.sql(logged, firm.people[firm.a, "agent"]), within_s=30)
    shown = firm.client("manager").get(LIMITS, params={"endpoint": f"GET {READ}"}).json()["data"]
    assert shown["endpoint"] == f"GET {READ}"
    assert (shown["limits"]["write"], shown["burst"]["read"]) == (None, 5)
    caller, tenant = shown["limits"]["read"]["caller"], shown["limits"]["read"]["tenant"]
    assert (caller["per_min"], caller["burst"], caller["is_own"], tenant["is_own"]) == (1, 5, True, False)
    assert (tenant["per_min"], tenant["burst"], caller["most_burst"]) == (60_000, 6000, 6000)
    assert caller["used"] == 1
    assert tenant["used"] + tenant["remaining"] == 6000
    named = [(each["full_name"], each["method"]) for each in shown["refusals"]]
    assert ("Agent of A", "GET") in named
    theirs = firm.client("manager", firm.b).get(LIMITS).json()["data"]
    assert theirs["refusals"] == []
    assert not theirs["limits"]["read"]["caller"]["is_own"]


def test_only_admins_and_only_within_what_the_installation_gives(firm):
    assert firm.client("manager").put(LIMITS, json={"limits": {}}).status_code == 403
    for limits, field in (
        ({"read": {"tenant_burst": 6001}}, "limits.read.tenant_burst"),
        ({"read": {"caller_per_min": 60_001}}, "limits.read.caller_per_min"),
        ({"read": {"tenant_burst": 10, "caller_burst": 11}}, "limits.read.caller_burst"),
        ({"read": {"caller_burst": 0}}, "limits.read.caller_burst"),
        ({"export": {"caller_burst": 1}}, "limits.export"),
    ):
        refused = change(firm, **limits)
        assert refused.status_code == 422, refused.text
        assert field in {each["field"] for each in refused.json()["error"]["details"]}
    assert firm.sql("select 1 from tenant_limits where tenant_burst > 6000 or caller_per_min > 60000") == []
    assert (
        change(firm, read={"caller_burst": 6000}).status_code == 200
    )  # all that the tenant has, for one key
    wait_until(lambda: limit_of(firm.client("viewer")) == "6000")


def test_what_is_not_sent_is_gone_and_every_change_is_an_event(firm):
    change(firm, read={"caller_burst": 7}, write={"caller_burst": 8})
    change(firm, write={"caller_burst": 8})
    rows = dict(firm.sql("select kind, caller_burst from tenant_limits where tenant_id = %s", firm.a))
    assert rows == {"read": None, "write": 8}
    [(row_id,)] = firm.sql("select id from tenant_limits where tenant_id = %s and kind = 'read'", firm.a)
    (name, before, after) = firm.events(row_id)[-1]
    assert (name, before["caller_burst"], after["caller_burst"]) == ("tenant_limit.updated", 7, None)


def test_a_change_that_is_committed_late_is_not_missed(firm, two):
    """A transaction that began before the others, and ends after a look has seen them."""
    with psycopg.connect(firm.address.url("super")) as late:
        late.execute("select pg_current_xact_id()")
        late.execute(
            "insert into tenant_limits (tenant_id, kind, caller_burst) values (%s, 'read', 11)",
            (firm.umbrella,),
        )
        change(firm, read={"caller_burst": 12})
        wait_until(lambda: limit_of(firm.client("viewer")) == "12")
        assert limit_of(firm.client("viewer", firm.umbrella)) == "600"
        late.commit()
    wait_until(lambda: limit_of(firm.client("viewer", firm.umbrella)) == "11")
    firm.client("owner", firm.umbrella).put(LIMITS, json={"limits": {}})
    wait_until(lambda: limit_of(firm.client("viewer", firm.umbrella)) == "600")


def test_what_was_set_before_a_start_holds_after_it(firm):
    change(firm, read={"caller_burst": 13})
    again = Running(create_app(firm.running.app.state.settings)).start()
    try:
        client = again.client(Authorization=firm.client("viewer").headers["authorization"])
        wait_until(lambda: limit_of(client) == "13")
    finally:
        again.stop()


class TestRules:
    USUAL = Pair(Rate(100, 10), Rate(1000, 100))

    def test_an_installation_that_gives_less_than_before_takes_away(self):
        own = {"caller_per_min": 900, "caller_burst": 90, "tenant_per_min": 5000, "tenant_burst": 500}
        assert in_force(own, self.USUAL) == Pair(Rate(900, 90), Rate(1000, 100))

    def test_a_smaller_tenant_has_smaller_callers(self):
        assert in_force(NOTHING | {"tenant_per_min": 50}, self.USUAL) == Pair(Rate(50, 10), Rate(50, 100))

    def test_everything_that_is_too_much_is_named_at_once(self):
        with pytest.raises(LimitsInvalid) as refused:
            check_limits(
                {"read": NOTHING | {"tenant_burst": 101, "caller_per_min": 1001}}, {"read": self.USUAL}
            )
        assert len(refused.value.details) == 2
