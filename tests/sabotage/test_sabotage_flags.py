"""What flags, experiments and own limits stand on, taken away piece by piece: the check that stands for it notices."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from serve.kernel import following
from serve.kernel.ratelimit import Pair, Rate
from serve.platform.experiments import endpoints as experiments
from serve.platform.flags import copies, rules
from serve.platform.flags.copies import Copies, TenantFlags
from serve.platform.limits import service as limits
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.surface.calls import Surface
from tests.surface.operations import BY_NAME

FLAGS = "/api/v1/feature-flags"
BURSTS = itertools.count(3)
PEOPLE = [f"person-{number}" for number in range(200)]


def send(surface: Surface, method: str, path: str, body: Any = None, **who: Any) -> httpx.Response:
    headers = {"authorization": surface.token(**who)}
    surface.firm.running.app.state.flags.copies._copies.clear()  # no copy of a second ago
    return surface.http.request(method, path, json=body, headers=headers)


def flag_of(surface: Surface, tenant: UUID | None = None, **values: Any) -> dict[str, Any]:
    body = {"key": f"flag-{time.monotonic_ns()}", "name": "A flag", "is_enabled": True, **values}
    made = send(surface, "POST", FLAGS, body, tenant=tenant)
    assert made.status_code == 201, made.text
    data: dict[str, Any] = made.json()["data"]
    return data


def given(surface: Surface, flag: dict[str, Any], *, role: str = "owner", **asked: Any) -> dict[str, Any]:
    answer = send(surface, "POST", f"{FLAGS}/evaluate", {"keys": [flag["key"]], **asked}, role=role)
    [found] = answer.json()["data"]
    return dict(found)


# What must hold


def whoever_is_in_stays_in(surface: Surface) -> None:
    flag = flag_of(surface, percent=20)

    def taken() -> set[str]:
        return {each for each in PEOPLE if given(surface, flag, context={"subject": each})["value"]}

    first = taken()
    send(surface, "PATCH", f"{FLAGS}/{flag['id']}", {"percent": 40})
    assert first < taken()


def nobody_says_who_one_is(surface: Surface) -> None:
    rule = {"conditions": [{"attribute": "role", "values": ["owner"]}], "variant": "on"}
    flag = flag_of(surface, percent=0, rules=[rule])
    assert given(surface, flag)["value"] is True
    assert given(surface, flag, role="viewer", attributes={"role": "owner"})["value"] is False


def flags_are_ones_own(surface: Surface) -> None:
    theirs = flag_of(surface, surface.firm.b)
    mine = flag_of(surface)
    answer = send(surface, "POST", f"{FLAGS}/evaluate", {}, tenant=surface.firm.umbrella)
    assert not {theirs["key"], mine["key"]} & {each["key"] for each in answer.json()["data"]}


def changes_are_seen(surface: Surface) -> None:
    """By a copy that was read before, within its second."""
    flag = flag_of(surface)
    owner = {"authorization": surface.token()}
    send(surface, "POST", f"{FLAGS}/evaluate", {})
    surface.http.patch(f"{FLAGS}/{flag['id']}", json={"is_enabled": False}, headers=owner)
    deadline = time.monotonic() + 2
    while True:
        asked = {"keys": [flag["key"]]}
        [found] = surface.http.post(f"{FLAGS}/evaluate", json=asked, headers=owner).json()["data"]
        if found["value"] is False:
            return
        assert time.monotonic() < deadline, "an old copy"
        time.sleep(0.1)


def running_experiment(surface: Surface) -> tuple[dict[str, Any], dict[str, Any]]:
    flag = flag_of(surface, percent=0)
    make = BY_NAME["POST /api/v1/experiments"]
    body = surface.ready(make).json | {"flag_id": flag["id"], "percent": 100}
    tried = send(surface, "POST", "/api/v1/experiments", body).json()["data"]
    assert send(surface, "POST", f"/api/v1/experiments/{tried['id']}/start").status_code == 200
    return flag, tried


def variants_stay(surface: Surface) -> None:
    flag, tried = running_experiment(surface)

    def variants() -> list[str]:
        return [given(surface, flag, context={"subject": each})["variant"] for each in PEOPLE]

    first = variants()
    uneven = [{**each, "weight": place * 9 + 1} for place, each in enumerate(tried["variants"])]
    send(surface, "PATCH", f"/api/v1/experiments/{tried['id']}", {"variants": uneven})
    assert variants() == first


def exposures_are_one(surface: Surface) -> None:
    flag, tried = running_experiment(surface)
    state = surface.firm.running.app.state
    for _ in range(2):
        given(surface, flag, context={"subject": "s"}, note_exposure=True)
        surface.firm.running.wait_for(state.flags.sightings.write(state.worker_database))
        state.flags.sightings._known.clear()  # as in another process
    seen = surface.firm.sql("select count(*) from flag_exposures where experiment_id = %s", tried["id"])
    assert seen == [(1,)]


LIMITS = "/api/v1/api/rate-limiting/advanced"


def own_limits_stay_within(surface: Surface) -> None:
    surface.firm.running.app.state.manners.limits.usual = {"export": Pair(Rate(60, 10), Rate(600, 100))}
    refused = send(surface, "PUT", LIMITS, {"limits": {"export": {"tenant_burst": 101}}})
    assert refused.status_code == 422
    assert surface.firm.sql("select 1 from tenant_limits where tenant_burst > 100") == []


def late_changes_are_followed(surface: Surface) -> None:
    """A row whose transaction began before the others and ends after a look has seen them."""
    firm = surface.firm
    known = firm.running.app.state.manners.limits
    known.usual = {"export": Pair(Rate(60, 10), Rate(600, 100))}
    row = "insert into tenant_limits (tenant_id, kind, caller_burst) values (%s, 'export', %s)"

    def wait_for(tenant: UUID, burst: int) -> None:
        deadline = time.monotonic() + 3
        while known.pair_of(tenant, "export").caller.burst != burst:
            assert time.monotonic() < deadline, "missed"
            time.sleep(0.05)

    with psycopg.connect(firm.address.url("super")) as late:
        late.execute("delete from tenant_limits")
        late.commit()
        for_a, for_b = next(BURSTS), next(BURSTS)  # others than the time before
        late.execute(row, (firm.a, for_a))
        firm.sql(row, firm.b, for_b)
        wait_for(firm.b, for_b)
        late.commit()
    wait_for(firm.a, for_a)


# Ways to do harm that take more than a line


def chance(surface: Surface, patch: Patch) -> None:
    patch.setattr(rules, "bucket", lambda salt, subject: random.random() * 100)


def claims_count(surface: Surface, patch: Patch) -> None:
    context = TenantFlags.context

    def careless(self: TenantFlags, user_id: Any, email: str, role: str, attributes: Any = None) -> Any:
        known = context(self, user_id, email, role)
        return replace(known, attributes={**known.attributes, **(attributes or {})})

    patch.setattr(TenantFlags, "context", careless)


def one_copy_for_all(surface: Surface, patch: Patch) -> None:
    """Flags are read as whoever may read more than one tenant sees them."""
    patch.setattr(copies, "replace", lambda caller, **changes: caller)


def copies_never_change(surface: Surface, patch: Patch) -> None:
    look = Copies._look

    async def once(self: Copies, copy: Any, caller: Any) -> None:
        if copy.flags is None:
            await look(self, copy, caller)

    patch.setattr(Copies, "_look", once)


def only_what_is_newer(surface: Surface, patch: Patch) -> None:
    """The next look begins behind the newest row that was seen, as one would think it might."""
    news = following.Followed.news

    async def newer(self: following.Followed) -> Any:
        rows = await news(self)
        rows = [row for row in rows if row["change_xid"] > getattr(self, "newest", 0)]
        self.newest = max((row["change_xid"] for row in rows), default=getattr(self, "newest", 0))
        return rows

    patch.setattr(following.Followed, "news", newer)


SABOTAGES = {
    "buckets are drawn by chance": Sabotage(chance, whoever_is_in_stays_in),
    "what somebody claims counts": Sabotage(claims_count, nobody_says_who_one_is),
    "flags of all tenants that may be read": Sabotage(one_copy_for_all, flags_are_ones_own),
    "copies are never looked at again": Sabotage(copies_never_change, changes_are_seen),
    "a running experiment may be changed": Sabotage(
        instead(experiments.experiments, "rule", lambda before, after: None), variants_stay
    ),
    "who saw it is noted again and again": Sabotage(
        sql("drop index flag_exposures_experiment_id_key"), exposures_are_one
    ),
    "own limits are not looked at": Sabotage(
        instead(limits, "check_limits", lambda own, usual: None), own_limits_stay_within
    ),
    "rows are followed by the newest seen": Sabotage(only_what_is_newer, late_changes_are_followed),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
