"""Guards of tenants taken away one at a time: what stands for each must notice."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
import pytest

from serve.identity.tenants import service
from serve.kernel.errors import Invalid
from serve.kernel.standing import Standings
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.acting import acting_for
from serve.platform.schedules import firing
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.surface.calls import Surface

PATH = "/api/v1/tenants"
DONE: list[str] = []


@task("tests.sabotage_standing")
async def standing(work: Work) -> None:
    DONE.append(work.id)


def suspend(surface: Surface) -> None:
    firm = surface.firm
    client = firm.client("admin", firm.umbrella)
    client.post(f"{PATH}/{firm.a}/resume")
    assert client.post(f"{PATH}/{firm.a}/suspend", json={"reason": "A try."}).status_code == 200
    firm.running.wait_for(firm.running.app.state.tenants_watch.look())


def who_is_suspended_is_refused(surface: Surface) -> None:
    suspend(surface)
    client = surface.firm.client()
    for path in ("/api/v1/contacts", "/api/v1/settings/general"):  # the short way and the usual one
        assert client.get(path).status_code == 403, path
    assert client.get("/api/v1/auth/me").status_code == 200


def tasks_wait(surface: Surface) -> None:
    firm = surface.firm
    suspend(surface)

    async def ask() -> str:
        async with firm.running.app.state.database.transaction(acting_for(firm.a, None)) as db:
            return str((await enqueue(db, "tests.sabotage_standing", title="A try") or {})["id"])

    task_id = firm.running.wait_for(ask())
    firm.work()
    assert task_id not in DONE


def schedules_wait(surface: Surface) -> None:
    firm = surface.firm
    row_id = uuid4()
    firm.sql(
        "with acting as materialized (select set_config('app.actor', 'platform', true))"
        " insert into schedules (id, tenant_id, name, operation_id, cron, timezone, overlap, catch_up_s, next_run_at)"
        " select %s, %s, 'A try', 'contacts.list', '0 0 * * *', 'UTC', 'allow', 60, now() from acting",
        *(row_id, firm.a),
    )
    suspend(surface)
    firm.running.wait_for(firing.fire_due(firm.running.app.state.worker_database))
    assert firm.sql("select 1 from schedule_runs where schedule_id = %s", row_id) == []


def only_the_umbrella_suspends(surface: Surface) -> None:
    firm = surface.firm

    async def ask(tenant: UUID) -> bool:
        async with firm.running.app.state.database.transaction(acting_for(tenant, None)) as db:
            done = await db.fetch_one("select suspend_tenant($1, 'x', '{}') as done", firm.a)
        return bool(done and done["done"])

    assert not firm.running.wait_for(ask(firm.b))


def nobody_makes_children_of_others(surface: Surface) -> None:
    firm = surface.firm
    place = {"kind": "fleet", "country": "DE", "timezone": "Europe/Berlin", "currency": "EUR"}

    async def steal() -> None:
        async with firm.running.app.state.database.transaction(acting_for(firm.a, None)) as db:
            await service.onboard(db, name="Stolen", owner_user_id=None, parent_id=firm.b, **place)

    try:
        firm.running.wait_for(steal())
    except Invalid:
        return
    raise AssertionError("a child of somebody else was made")


def who_left_is_read_no_more(surface: Surface) -> None:
    """An umbrella's token still names a child that is another's by now."""
    firm = surface.firm
    firm.sql("update tenants set parent_id = %s where id = %s", firm.umbrella, firm.a)
    client = firm.client("owner", firm.umbrella)
    firm.client().post("/api/v1/contacts", json={"full_name": "Ada"})
    firm.sql("update tenants set parent_id = null where id = %s", firm.a)
    firm.running.wait_for(firm.running.app.state.tenants_watch.look())
    assert client.get("/api/v1/contacts").json()["meta"]["total"] == 0


def names_given_up_are_kept(surface: Surface) -> None:
    firm = surface.firm
    mine, theirs = firm.client("owner", firm.b), firm.client("owner", firm.umbrella)
    for slug in ("one-name", "another-name"):
        assert mine.patch(f"{PATH}/{firm.b}", json={"slug": slug}).status_code == 200
    assert theirs.patch(f"{PATH}/{firm.umbrella}", json={"slug": "one-name"}).status_code == 409


def nothing_is_erased_before_its_time(surface: Surface) -> None:
    firm = surface.firm
    firm.sql(
        "update tenants set closing_since = now(), erase_after = now() + interval '1 day' where id = %s",
        firm.b,
    )
    with psycopg.connect(firm.address.url("worker")) as connection:
        try:
            connection.execute("select erase_tenant_rows(%s, 'memberships', 10, %s)", (firm.b, uuid4()))
        except psycopg.errors.InsufficientPrivilege:
            return
        finally:
            connection.rollback()
    raise AssertionError("rows were erased in the time of grace")


def _at_all_times(surface: Surface, patch: Patch) -> None:
    patch.setattr("serve.kernel.tasks.runner.going_on", lambda: ["tests.sabotage_standing"])


SABOTAGES = {
    "nobody is held": Sabotage(
        instead(Standings, "put", lambda self, *about: self._held.clear()), who_is_suspended_is_refused
    ),
    "the short way asks nobody": Sabotage(
        instead(Standings, "is_held", lambda self, tenant_id: False), who_is_suspended_is_refused
    ),
    "the usual way asks nobody": Sabotage(
        instead(Standings, "check", lambda self, caller, call="": None), who_is_suspended_is_refused
    ),
    "every task goes on": Sabotage(_at_all_times, tasks_wait),
    "schedules of all tenants fire": Sabotage(
        instead(firing, "_DUE", firing._DUE.replace("tenant_id not in (select held_tenants())", "true")),
        schedules_wait,
    ),
    "anybody suspends": Sabotage(
        sql(
            "do $$ declare body text := pg_get_functiondef('suspend_tenant'::regproc); begin execute replace("
            "body, '(t.parent_id::text = caller_id or is_installation)', 'true'); end $$"
        ),
        only_the_umbrella_suspends,
    ),
    "the database asks for no umbrella": Sabotage(
        sql(
            "do $$ declare body text := pg_get_functiondef('make_tenant'::regproc); begin"
            " execute replace(body, 'if not found then', 'if false then'); end $$"
        ),
        nobody_makes_children_of_others,
    ),
    "tokens are believed": Sabotage(
        instead(Standings, "within", lambda self, caller: caller), who_left_is_read_no_more
    ),
    "names are free at once": Sabotage(sql("drop trigger keep_slug on tenants"), names_given_up_are_kept),
    "the grace time is not asked for": Sabotage(
        sql(
            "create or replace function check_erasable(p_tenant uuid) returns void language sql"
            " set search_path = public, pg_temp as 'select'"
        ),
        nothing_is_erased_before_its_time,
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
