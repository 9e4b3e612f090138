"""What the incremental extraction relies on: every write is stamped, every deletion leaves a tombstone."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg import errors

from .conftest import insert_lead

XID = "select change_xid, pg_current_xact_id()::text::bigint from leads"


class TestStamps:
    def test_a_row_carries_the_transaction_of_its_last_writer(self, store, tenants):
        a, _ = tenants
        with store.connect("api", a) as api:
            insert_lead(api, a)
            [(inserted, current)] = api.execute(XID).fetchall()
            assert inserted == current
        with store.connect("api", a) as api:
            api.execute("update leads set status = 'contacted'")
            [(updated, current)] = api.execute(XID).fetchall()
            assert updated == current > inserted
            assert api.execute("select updated_at > created_at from leads").fetchall() == [(True,)]

    def test_a_savepoint_carries_the_id_of_its_transaction(self, store, tenants):
        with store.connect("api", tenants[0]) as api:
            with api.transaction():
                insert_lead(api, tenants[0])
            [(inserted, current)] = api.execute(XID).fetchall()
        assert inserted == current

    def test_writers_cannot_forge_it(self, store, tenants):
        store.add_lead(tenants[0])
        for statement in (
            "update leads set change_xid = 1",
            "insert into zones (tenant_id, name, city, country, change_xid) select id, 'n', 'c', 'DE', 1 from tenants",
        ):
            with store.connect("api", tenants[0]) as api, pytest.raises(errors.InsufficientPrivilege):
                api.execute(statement)

    def test_a_score_written_back_is_no_change(self, store, tenants):
        """Or every scoring would extract all leads again, for a column that is not even extracted."""
        store.add_lead(tenants[0])
        with store.connect("worker", tenants[0]) as worker:
            [before] = worker.execute("select change_xid, updated_at from leads").fetchall()
            worker.execute("update leads set score = 0.5, score_reasons = '[]', scored_at = now()")
            assert worker.execute("select change_xid, updated_at from leads").fetchall() == [before]

    def test_telemetry_is_stamped_though_it_has_no_update_time(self, store, tenants):
        vehicle = add_reading(store, tenants[0], "2026-01-31 23:30+00")
        with store.connect("worker", tenants[0]) as worker:
            worker.execute("update telemetry set recorded_at = '2026-02-01' where vehicle_id = %s", [vehicle])
            [(stamped,)] = worker.execute(
                "select change_xid = pg_current_xact_id()::text::bigint from telemetry"
            ).fetchall()
        assert stamped


class TestTombstones:
    TOMBSTONES = "select table_name, row_id, tenant_id from tombstones"

    def test_each_deleted_row_leaves_one(self, store, tenants):
        a, b = tenants
        leads = {store.add_lead(a) for _ in range(3)}
        store.add_lead(b)
        with store.connect("api", a) as api:
            assert api.execute("delete from leads").rowcount == 3
            [(current,)] = api.execute("select pg_current_xact_id()::text::bigint").fetchall()
        assert set(store.rows("extract", self.TOMBSTONES)) == {("leads", lead, a) for lead in leads}
        assert store.rows("extract", "select distinct change_xid from tombstones") == [(current,)]

    def test_a_deletion_that_is_rolled_back_leaves_none(self, store, tenants):
        store.add_lead(tenants[0])
        with store.connect("api", tenants[0]) as api:
            api.execute("delete from leads")
            api.rollback()
        assert store.rows("extract", self.TOMBSTONES) == []

    def test_rows_that_go_with_their_parent_leave_theirs(self, store, tenants):
        a, _ = tenants
        lead = store.add_lead(a)
        [(activity,)] = store.rows(
            "api",
            "insert into lead_activities (tenant_id, lead_id, kind, happened_at) values (%s, %s, 'call', now())"
            " returning id",
            *(a, lead),
            tenant=a,
        )
        with store.connect("api", a) as api:
            api.execute("delete from leads")
        assert set(store.rows("extract", self.TOMBSTONES)) == {
            ("leads", lead, a),
            ("lead_activities", activity, a),
        }

    def test_readings_leave_theirs_under_the_name_of_the_whole_table(self, store, tenants):
        add_reading(store, tenants[0], "2026-01-05")
        with store.connect("worker", tenants[0]) as worker:
            worker.execute("delete from telemetry")
        assert store.rows("extract", "select table_name, tenant_id from tombstones") == [
            ("telemetry", tenants[0])
        ]

    def test_a_membership_leaves_one_when_its_user_goes(self, store, tenants):
        with store.connect("owner") as owner:
            owner.execute("insert into users (email, full_name, password_hash) values ('u@x.org', 'U', 'h')")
            owner.execute(
                "insert into memberships (user_id, tenant_id, role) select id, %s, 'viewer' from users",
                [tenants[0]],
            )
            owner.execute("delete from users")
        assert store.rows("extract", "select table_name, tenant_id from tombstones") == [
            ("memberships", tenants[0])
        ]

    def test_truncate_is_refused_even_to_the_owner(self, store):
        for table in ("telemetry", "tickets"):
            with pytest.raises(errors.FeatureNotSupported, match="TRUNCATE of"):
                store.rows("owner", f"truncate {table} cascade")


class TestPartitions:
    def test_months_are_made_once_in_utc(self, store):
        assert store.rows("worker", "select ensure_telemetry_partitions('2024-11-30', '2025-02-01')") == [
            (4,)
        ]
        assert store.rows("worker", "select ensure_telemetry_partitions('2025-01-31', '2025-03-01')") == [
            (1,)
        ]
        with store.connect("super") as connection:
            connection.execute("set timezone = 'America/New_York'")
            [(bounds,)] = connection.execute(
                "select pg_get_expr(relpartbound, oid) from pg_class where relname = 'telemetry_2025_01'"
            ).fetchall()
        assert bounds == "FOR VALUES FROM ('2024-12-31 19:00:00-05') TO ('2025-01-31 19:00:00-05')"

    def test_a_reading_lands_on_its_month_however_late(self, store, tenants):
        add_reading(store, tenants[0], "2026-01-31 23:59:59.999+00")
        assert store.rows("api", "select tableoid::regclass::text from telemetry", tenant=tenants[0]) == [
            ("telemetry_2026_01",)
        ]

    @pytest.mark.parametrize("months", ["'2025-02-01', '2025-01-01'", "'1900-01-01', '2100-01-01'"])
    def test_a_senseless_range_is_refused(self, store, months):
        with pytest.raises(errors.InvalidParameterValue):
            store.rows("worker", f"select ensure_telemetry_partitions({months})")


def add_reading(store, tenant, recorded_at):
    vehicle = store.add_vehicle(tenant, registration=str(uuid4()))
    with store.connect("worker", tenant) as worker:
        worker.execute("select ensure_telemetry_partitions('2026-01-01', '2026-02-28')")
        worker.execute(
            "insert into telemetry (tenant_id, vehicle_id, recorded_at, vibration_mm_s) values (%s, %s, %s, 3.1)",
            (tenant, vehicle, recorded_at),
        )
    return vehicle
