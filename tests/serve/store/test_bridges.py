"""Functions that reach across tenants: log-in, cluster identity, scores coming back, requests to the pipeline."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

COLUMNS = "(tenant_id, entity, entity_id, score, reasons, model_version, release_id)"
APPLY = "select apply_score_batch('r1')"


class TestLogIn:
    @pytest.fixture
    def user(self, store, tenants):
        with store.connect("owner") as owner:
            [(user,)] = owner.execute(
                "insert into users (email, full_name, password_hash) values ('Ada@Example.org', 'Ada', 'hash')"
                " returning id"
            ).fetchall()
            for tenant, role in zip(tenants, ("owner", "viewer"), strict=True):
                owner.execute(
                    "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)",
                    (user, tenant, role),
                )
        return user

    def test_the_api_finds_a_user_by_email_in_any_case(self, store, user):
        found = store.rows("api", "select * from auth_user_by_email('ADA@example.ORG')")
        assert found == [(user, "hash", True, "Ada")]
        assert store.rows("api", "select * from auth_user_by_email('ada')") == []

    def test_two_users_cannot_share_an_email(self, store, user):
        with pytest.raises(errors.UniqueViolation):
            store.rows(
                "owner",
                "insert into users (email, full_name, password_hash) values ('ada@example.org', '', '')",
            )

    def test_it_learns_their_tenants_and_roles_before_any_tenant_is_set(self, store, tenants, user):
        memberships = store.rows("api", "select tenant_id, slug, role from auth_memberships(%s)", user)
        assert memberships == [(tenants[0], "a", "owner"), (tenants[1], "b", "viewer")]

    def test_a_log_in_is_noted(self, store, user):
        store.rows("api", "select auth_touch_login(%s)", user)
        assert store.rows("owner", "select last_login_at is not null from users") == [(True,)]

    def test_other_roles_may_not_ask(self, store, user):
        for role in ("worker", "extract"):
            with pytest.raises(errors.InsufficientPrivilege):
                store.rows(role, "select * from auth_user_by_email('ada@example.org')")


class TestScores:
    @pytest.fixture
    def rows(self, store, tenants):
        """A lead and a vehicle of A, a lead of B."""
        a, b = tenants
        return store.add_lead(a), store.add_vehicle(a), store.add_lead(b)

    def put(self, store, *scores):
        """COPY, as the pipeline does."""
        with (
            store.connect("worker") as worker,
            worker.cursor() as cursor,
            cursor.copy(f"copy score_batches {COLUMNS} from stdin") as copy,
        ):
            for tenant, entity, row, score in scores:
                copy.write_row((tenant, entity, row, score, Jsonb([{"feature": "f"}]), "v1", "r1"))

    def test_they_reach_the_rows_of_every_tenant(self, store, tenants, rows):
        (a, b), (lead, vehicle, theirs) = tenants, rows
        self.put(store, (a, "lead", lead, 0.25), (a, "vehicle", vehicle, 0.5), (b, "lead", theirs, 0.75))
        assert store.rows("worker", APPLY) == [(3,)]
        assert store.rows("api", "select score, score_reasons from leads", tenant=a) == [
            (0.25, [{"feature": "f"}])
        ]
        assert store.rows("api", "select failure_score from vehicles", tenant=a) == [(0.5,)]
        assert store.rows("api", "select score from leads", tenant=b) == [(0.75,)]

    def test_a_batch_is_applied_once(self, store, tenants, rows):
        self.put(store, (tenants[0], "lead", rows[0], 0.25))
        assert store.rows("worker", APPLY) == [(1,)]
        assert store.rows("worker", APPLY) == [(0,)]
        assert store.rows("worker", "select count(*) from score_batches where applied_at is null") == [(0,)]

    def test_a_score_that_did_not_change_writes_nothing(self, store, tenants, rows):
        self.put(store, (tenants[0], "lead", rows[0], 0.25))
        store.rows("worker", APPLY)
        place = store.rows("api", "select ctid, scored_at from leads", tenant=tenants[0])
        with store.connect("worker") as worker:
            worker.execute(
                "insert into score_batches (tenant_id, entity, entity_id, score, reasons, model_version, release_id)"
                " select tenant_id, entity, entity_id, score, reasons, 'v2', 'r2' from score_batches"
            )
            assert worker.execute("select apply_score_batch('r2')").fetchone() == (0,)
        assert store.rows("api", "select ctid, scored_at from leads", tenant=tenants[0]) == place

    def test_a_score_never_reaches_another_tenants_row(self, store, tenants, rows):
        (a, b), (lead, _, _) = tenants, rows
        self.put(store, (b, "lead", lead, 0.9))
        assert store.rows("worker", APPLY) == [(0,)]
        assert store.rows("api", "select score from leads", tenant=a) == [(None,)]

    def test_the_callers_tenant_is_left_as_it_was(self, store, tenants, rows):
        a, b = tenants
        self.put(store, (b, "lead", rows[2], 0.9))
        with store.connect("worker", a) as worker:
            worker.execute(APPLY)
            settings = "select current_setting('app.tenant_id'), current_setting('app.tenant_ids')"
            assert worker.execute(settings).fetchone() == (str(a), str(a))

    def test_a_repeated_copy_is_refused_rather_than_doubled(self, store, tenants, rows):
        self.put(store, (tenants[0], "lead", rows[0], 0.25))
        with pytest.raises(errors.UniqueViolation):
            self.put(store, (tenants[0], "lead", rows[0], 0.25))


class TestPipelineRequests:
    ASK = "insert into pipeline_requests (tenant_id, kind) values (%s, 'refresh')"

    def test_a_tenant_asks_for_itself_and_the_worker_answers_all(self, store, tenants):
        a, b = tenants
        for tenant in tenants:
            with store.connect("api", tenant) as api:
                api.execute(self.ASK, [tenant])
        with store.connect("worker") as worker:
            assert worker.execute("update pipeline_requests set status = 'done'").rowcount == 2
            worker.execute("insert into pipeline_requests (kind) values ('train')")
        assert store.rows("api", "select status from pipeline_requests", tenant=a) == [("done",)]
        with store.connect("api", a) as api, pytest.raises(errors.InsufficientPrivilege):
            api.execute(self.ASK, [b])


class TestPersons:
    def test_a_household_is_a_person_and_a_company_is_not(self, store, tenants):
        with store.connect("api", tenants[0]) as api:
            for kind in ("company", "household"):
                api.execute(
                    "insert into accounts (tenant_id, kind, name, segment, country)"
                    " values (%s, %s, %s, 'consumer', 'DE')",
                    (tenants[0], kind, f"the {kind}"),
                )
        query = "select accounts.kind, company_name, full_name from accounts join persons p using (id)"
        assert sorted(store.rows("extract", query)) == [
            ("company", "the company", None),
            ("household", None, "the household"),
        ]


def test_the_cluster_says_which_history_its_transaction_ids_belong_to(store):
    [(system, timeline, database)] = store.rows("extract", "select * from cluster_identity()")
    assert store.rows("super", "select system_identifier::text from pg_control_system()") == [(system,)]
    assert timeline == 1
    assert store.rows("super", "select oid from pg_database where datname = current_database()") == [
        (database,)
    ]


def test_ids_are_uuids_of_version_7(store, tenants):
    lead = store.add_lead(tenants[0])
    assert lead.version == 7
    assert lead != uuid4()
