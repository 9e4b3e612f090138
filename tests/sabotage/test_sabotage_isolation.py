"""Walls between tenants taken down one at a time, in a real database: the live check must notice each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from serve.identity.security import trials
from serve.kernel.isolation import WRITE
from serve.ports.storage import Storage
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, sql
from tests.surface.calls import Surface
from tests.surface.needs.tenants import ISOLATION
from tests.surface.operations import BY_NAME


def finds_nothing(*tried: str) -> Callable[[Surface], None]:
    """The check holds; with the wall down these are among what it crossed."""

    def check(surface: Surface) -> None:
        surface.ready(BY_NAME["GET /api/v1/contacts"])
        surface.ready(BY_NAME["GET /api/v1/files"])
        row = live(surface)
        crossed = {each["tried"] for each in row["findings"] if each["outcome"] == "broken"}
        if crossed:
            assert crossed >= set(tried), f"crossed by other ways than expected: {crossed}"
        assert not crossed, crossed
        assert row["outcome"] == "held"

    return check


def live(surface: Surface) -> Any:
    client = surface.firm.client()
    assert client.post(f"{ISOLATION}/check").status_code == 202
    surface.firm.work()
    return client.get(f"{ISOLATION}/checks", params={"per_page": 1, "sort": "-finished_at"}).json()["data"][0]


def policy(name: str, rule: str) -> Callable[[Surface, Patch], None]:
    return sql(f"drop policy {name} on contacts; create policy {name} on contacts {rule}")


def one_folder(surface: Surface, patch: Patch) -> None:
    """Bytes of all tenants under one name."""
    folder = surface.firm.a
    patch.setattr(
        Storage, "_path", lambda self, tenant_id, file_id: f"{self._root}/{folder}/{UUID(str(file_id))}"
    )


def names_are_trusted(surface: Surface, patch: Patch) -> None:
    patch.setattr(Storage, "_path", lambda self, tenant_id, file_id: f"{self._root}/{tenant_id}/{file_id}")


SABOTAGES = {
    "row security is not forced": Sabotage(
        sql("alter table contacts no force row level security"), finds_nothing("declared")
    ),
    "row security is off": Sabotage(
        sql("alter table contacts disable row level security"),
        finds_nothing(
            "declared", "read_without_tenant", "read_as_stranger", "insert_for_us", "delete_as_parent"
        ),
    ),
    "a reviewed policy is rewritten": Sabotage(
        sql("alter policy owner_reads on api_keys using (tenant_id is not null)"), finds_nothing("declared")
    ),
    "scores are for requests too": Sabotage(
        sql("grant select on score_batches to throughline_api"), finds_nothing("declared")
    ),
    "a policy is gone": Sabotage(sql("drop policy tenant_deletes on contacts"), finds_nothing("declared")),
    "everybody reads": Sabotage(
        policy("tenant_reads", "for select using (true)"),
        finds_nothing("read_without_tenant", "read_as_stranger"),
    ),
    "everybody adds rows": Sabotage(
        policy("tenant_inserts", "for insert with check (true)"), finds_nothing("insert_for_us")
    ),
    "a parent changes its children": Sabotage(
        policy("tenant_updates", f"for update using (true) with check {WRITE}"), finds_nothing("declared")
    ),
    "rows may be given away": Sabotage(
        policy("tenant_updates", f"for update using {WRITE} with check (true)"), finds_nothing("give_away")
    ),
    "a parent deletes its children's rows": Sabotage(
        policy("tenant_deletes", "for delete using (true)"), finds_nothing("delete_as_parent")
    ),
    "one more policy": Sabotage(
        sql("create policy quick_fix on contacts for select using (true)"),
        finds_nothing("declared", "read_as_stranger"),
    ),
    "a partition may be asked": Sabotage(
        sql(
            "do $$ begin execute format('grant select on %I to throughline_api', (select relname from pg_class"
            " where relispartition and relkind = 'r' limit 1)); end $$"
        ),
        finds_nothing("declared", "read_partition"),
    ),
    "accounts of people may be read": Sabotage(
        sql("grant select on users to throughline_api"), finds_nothing("read_at_all")
    ),
    "a function looks wherever it is told": Sabotage(
        sql("alter function tenant_members() reset search_path"), finds_nothing("declared")
    ),
    "a function tells everybody's people": Sabotage(
        sql(
            "create or replace function tenant_members() returns table (user_id uuid, tenant_id uuid, full_name text,"
            " email text, role text, is_active boolean) language sql stable security definer"
            " set search_path = public, pg_temp as $$ select u.id, m.tenant_id, u.full_name, u.email, m.role,"
            " u.is_active from memberships m join users u on u.id = m.user_id $$"
        ),
        finds_nothing("asked_as_stranger", "asked_without_tenant"),
    ),
    "files of all tenants lie together": Sabotage(one_folder, finds_nothing("open_as_stranger")),
    "names of files are trusted": Sabotage(names_are_trusted, finds_nothing("leave_the_folder")),
    "answers are remembered without their tenant": Sabotage(
        instead(
            trials,
            "answer_etag",
            lambda release, tenant, route, parameters, kind: f"{release}{route}",
        ),
        finds_nothing("ask_as_stranger"),
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError) as noticed:
        sabotage.check(surface)
    assert "crossed by other ways" not in str(noticed.value)
