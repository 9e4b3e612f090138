"""What tenants can see and touch of each other: nothing, but for an umbrella that reads its children."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from .conftest import act_as, insert_lead


class TestStrangers:
    def test_without_a_tenant_nothing_is_seen(self, store, tenants):
        a, _ = tenants
        store.add_lead(a)
        store.rows(
            "api", "insert into departments (tenant_id, name) values (%s, 'A') returning id", a, tenant=a
        )
        assert store.rows("api", "select name from departments", tenant=a) == [("A",)]
        for role in ("api", "worker", "owner"):
            table = (
                "departments" if role == "owner" else "leads"
            )  # the owner may read persons, for their view
            assert store.rows(role, f"select count(*) from {table}") == [(0,)], role

    def test_a_tenant_sees_its_own_rows_alone(self, store, tenants):
        a, b = tenants
        lead, _ = store.add_lead(a), store.add_lead(b)
        assert store.rows("api", "select id from leads", tenant=a) == [(lead,)]
        assert store.rows("api", "select slug from tenants", tenant=a) == [("a",)]

    def test_a_tenant_cannot_write_for_another(self, store, tenants):
        a, b = tenants
        _, theirs = store.add_lead(a), store.add_lead(b)
        with (
            store.connect("api", a) as api,
            pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
        ):
            insert_lead(api, b)
        with store.connect("api", a) as api:
            assert api.execute("update leads set status = 'lost' where id = %s", [theirs]).rowcount == 0
            assert api.execute("delete from leads where id = %s", [theirs]).rowcount == 0
        with (
            store.connect("api", a) as api,
            pytest.raises(errors.InsufficientPrivilege, match="row-level security"),
        ):
            api.execute("update leads set tenant_id = %s", [b])

    def test_a_reference_cannot_reach_into_another_tenant(self, store, tenants):
        a, b = tenants
        theirs = store.add_lead(b)
        with store.connect("api", a) as api, pytest.raises(errors.ForeignKeyViolation):
            api.execute(
                "insert into lead_activities (tenant_id, lead_id, kind, happened_at) values (%s, %s, 'call', now())",
                (a, theirs),
            )

    def test_after_a_transaction_its_tenant_is_gone(self, store, tenants):
        """The setting is then '' and not NULL: a policy that casts it would raise instead of showing nothing."""
        store.add_lead(tenants[0])
        with psycopg.connect(store.address.url("api"), autocommit=True) as api:
            with api.transaction():
                act_as(api, tenants[0])
                assert api.execute("select count(*) from leads").fetchone() == (1,)
            assert api.execute("select current_setting('app.tenant_ids', true)").fetchone() == ("",)
            assert api.execute("select count(*) from leads").fetchone() == (0,)
            with pytest.raises(errors.InsufficientPrivilege):
                insert_lead(api, tenants[0])


class TestUmbrella:
    @pytest.fixture
    def family(self, store, tenants):
        """Umbrella A, its child, and the lead of each."""
        a, _ = tenants
        child = store.add_tenant("child", parent=a)
        return a, child, store.add_lead(a), store.add_lead(child)

    def test_it_reads_its_children(self, store, family):
        a, child, *leads = family
        [readable] = store.rows("api", "select array_agg(t) from auth_readable_tenants(%s) t", a)
        assert set(readable[0]) == {a, child}
        with store.connect("api", a, reads=readable[0]) as api:
            assert {lead for (lead,) in api.execute("select id from leads")} == set(leads)

    def test_it_cannot_change_take_or_delete_what_it_reads(self, store, family):
        a, child, _, theirs = family
        for statement in (
            "update leads set status = 'lost' where id = %s",
            f"update leads set tenant_id = '{a}' where id = %s",
            "delete from leads where id = %s",
        ):
            with store.connect("api", a, reads=[a, child]) as api:
                assert api.execute(statement, [theirs]).rowcount == 0, statement
        with store.connect("api", a, reads=[a, child]) as api, pytest.raises(errors.InsufficientPrivilege):
            insert_lead(api, child)

    def test_a_child_does_not_read_its_umbrella(self, store, family):
        _, child, *_ = family
        assert store.rows("api", "select auth_readable_tenants(%s)", child) == [(child,)]


class TestTenantRow:
    def test_a_tenant_names_itself_but_does_not_choose_its_parent(self, store, tenants):
        a, b = tenants
        with store.connect("api", a) as api:
            assert api.execute("update tenants set name = 'New'").rowcount == 1
        with (
            store.connect("api", a) as api,
            pytest.raises(errors.InsufficientPrivilege, match="permission denied"),
        ):
            api.execute("update tenants set parent_id = %s", [b])


def test_the_policies_are_conditions_of_an_index(store, tenants):
    with store.connect("api", tenants[0]) as api:
        api.execute("set local enable_seqscan = off")
        for statement in ("select * from leads", "update leads set status = 'lost'", "delete from leads"):
            plan = "\n".join(line for (line,) in api.execute(f"explain {statement}"))
            assert "Index Cond: (tenant_id = " in plan, plan
            assert "Filter" not in plan, plan


def test_partitions_are_reached_through_their_parent_alone(store, tenants):
    [(partition,)] = store.rows(
        "owner",
        "select min(inhrelid::regclass::text) from pg_inherits where inhparent = 'telemetry'::regclass",
    )
    for role in ("api", "worker", "extract"):
        with pytest.raises(errors.InsufficientPrivilege):
            store.rows(role, f"select count(*) from {partition}", tenant=tenants[0])


def test_the_extraction_reads_all_tenants_but_no_names(store, tenants):
    for tenant in tenants:
        store.add_lead(tenant)
    assert store.rows("extract", "select count(id) from leads") == [(2,)]
    with pytest.raises(errors.InsufficientPrivilege):
        store.rows("extract", "select full_name from leads")
    assert (
        store.rows("extract", "select kind, full_name, email from persons")
        == [("lead", "Ada Byron", "ada@example.org")] * 2
    )
    with pytest.raises(errors.InsufficientPrivilege):
        store.rows("extract", "delete from tombstones returning id")
