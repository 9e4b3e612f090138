"""A tenant is closed: exported whole, held, opened again or erased without a rest, and nobody else notices."""

from __future__ import annotations

import io
import json
import zipfile
from hashlib import sha256
from itertools import count
from uuid import UUID

import psycopg
import pytest

from serve.identity.tenants import closing, export
from serve.kernel.tables import all_tables
from serve.kernel.tasks.runner import Runner
from serve.kernel.tasks.work import Work
from tests.serve.firm import PASSWORD
from tests.surface import tenancy

PATH = "/api/v1/tenants"
NUMBERS = count(1)
REFUSED = (403, "TENANT_SUSPENDED")


class Died(BaseException):
    """As if the process had ended here."""


def code(answer):
    return answer.status_code, answer.json().get("error", {}).get("code")


def contents(firm, tenant_id):
    """Every table's rows of a tenant as a count and a sum over what is in them."""
    rows = (
        "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text from {} t where tenant_id = %s"
    )
    return {
        table: firm.sql(rows.format(table), tenant_id)[0] for table in tenancy.tenant_tables(firm.address)
    }


class Branch:
    """A child of ``b`` whose owner is b's owner; ``alone`` belongs to nobody else."""

    def __init__(self, firm):
        self.firm = firm
        made = firm.client("owner", firm.b).post(
            PATH,
            json={
                "name": f"Branch {next(NUMBERS)}",
                "kind": "fleet",
                "country": "DE",
                "timezone": "Europe/Berlin",
                "currency": "EUR",
            },
        )
        self.row = made.json()["data"]
        self.id = UUID(self.row["id"])
        self.url = f"{PATH}/{self.id}"
        self.owner = self.client(firm.people[firm.b, "owner"], "owner")
        ((self.alone,),) = firm.sql(
            "insert into users (email, full_name, password_hash) values (%s, 'Alone', 'x') returning id",
            f"alone@{self.row['slug']}.example",
        )
        firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'admin')", self.alone, self.id
        )
        self.admin = self.client(self.alone, "admin")

    def client(self, user_id, role):
        token, _ = self.firm.running.app.state.tokens.issue(
            user_id, email="x@example.com", tenant_id=self.id, tenant_ids=[self.id], role=role
        )
        return self.firm.running.client(Authorization=f"Bearer {token}")

    def close(self):
        wish = {"confirm_slug": self.row["slug"], "reason": "Sold."}
        answer = self.owner.post(f"{self.url}/close", json=wish)
        assert answer.status_code == 200, answer.text
        self.look()
        return answer.json()["data"]

    def look(self):
        self.firm.running.wait_for(self.firm.running.app.state.tenants_watch.look())

    def archive(self):
        answer = self.owner.get(f"{self.url}/export")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
        return zipfile.ZipFile(io.BytesIO(answer.content))

    def fill(self):
        """A row in every table."""
        with psycopg.connect(self.firm.address.url("super")) as connection:
            for table in tenancy.tenant_tables(self.firm.address):
                if table not in ("tenant_closings", "tombstones", "pipeline_requests"):
                    tenancy.insert_row(connection, table, self.id)

    def erase(self):
        """The time of grace is over."""
        self.firm.sql("update tenants set erase_after = now() - interval '1 second' where id = %s", self.id)
        ((task_id, run),) = self.firm.sql(
            "select id, run from tasks where tenant_id = %s and kind = 'tenants.erase'", self.id
        )
        state = self.firm.running.app.state
        self.firm.running.wait_for(
            Runner(state.worker_database, "tests", state).run(str(self.id), str(task_id), run)
        )


@pytest.fixture
def branch(firm):
    return Branch(firm)


class TestExport:
    def test_every_table_is_in_it_or_left_out_with_a_reason(self):
        names = {table.name for table in export.tables()}
        of_tenants = {name for name, table in all_tables().tables.items() if "tenant_id" in table.columns}
        assert names | (export.LEFT_OUT.keys() & of_tenants) == of_tenants
        assert not names & export.LEFT_OUT.keys()

    def test_it_holds_what_the_store_holds(self, firm, branch):
        for n in range(3):
            branch.owner.post("/api/v1/contacts", json={"full_name": f"Ada {n}"})
        uploaded = branch.owner.post("/api/v1/files", files={"file": ("note.txt", b"A note of ours.")})
        file_id = uploaded.json()["data"]["id"]
        started = branch.owner.post(f"{branch.url}/export")
        assert started.status_code == 202
        firm.work()
        task = branch.owner.get(started.json()["data"]["url"]).json()["data"]
        assert (task["status"], task["result"]["file_count"]) == ("succeeded", 1)
        archive = branch.archive()
        manifest = json.loads(archive.read("manifest.json"))
        for name, about in manifest["tables"].items():
            content = archive.read(f"tables/{name}.jsonl")
            rows = [json.loads(line) for line in content.splitlines()]
            assert (len(rows), sha256(content).hexdigest()) == (about["rows"], about["sha256"]), name
            if name in ("contacts", "files", "settings", "accounts", "vehicles"):
                stored = {
                    str(row_id)
                    for (row_id,) in firm.sql(f"select id from {name} where tenant_id = %s", branch.id)
                }
                assert {row["id"] for row in rows} == stored, name
            assert {row.get("tenant_id", str(branch.id)) for row in rows} <= {str(branch.id)}, name
        assert manifest["tables"]["contacts"]["rows"] == 3
        assert archive.read(f"files/{file_id}") == b"A note of ours."
        people = [json.loads(line) for line in archive.read("tables/people.jsonl").splitlines()]
        assert {row["role"] for row in people} == {"owner", "admin"}
        assert set(archive.namelist()) == {
            "manifest.json",
            f"files/{file_id}",
            *(f"tables/{name}.jsonl" for name in manifest["tables"]),
        }

    def test_nobody_else_fetches_it(self, firm, branch):
        branch.owner.post(f"{branch.url}/export")
        firm.work()
        for client in (firm.client("owner", firm.b), firm.client("owner")):
            assert client.get(f"{branch.url}/export").status_code == 404
            assert client.post(f"{branch.url}/export").status_code == 404
        assert branch.client(branch.alone, "manager").get(f"{branch.url}/export").status_code == 403


class TestGrace:
    def test_only_its_owner_closes_it_and_says_its_name(self, firm, branch):
        wish = {"confirm_slug": branch.row["slug"], "reason": "Sold."}
        assert branch.admin.post(f"{branch.url}/close", json=wish).status_code == 403
        assert firm.client("owner", firm.b).post(f"{branch.url}/close", json=wish).status_code == 404
        wrong = branch.owner.post(f"{branch.url}/close", json=wish | {"confirm_slug": "b"})
        assert wrong.json()["error"]["details"][0]["field"] == "confirm_slug"
        assert firm.sql("select state from tenants where id = %s", branch.id) == [("active",)]

    def test_an_umbrella_closes_its_children_first(self, firm, branch):
        wish = {"confirm_slug": "b", "reason": "Sold."}
        answer = firm.client("owner", firm.b).post(f"{PATH}/{firm.b}/close", json=wish)
        assert code(answer) == (409, "TENANT_HAS_CHILDREN")

    def test_it_stands_still_is_exported_and_may_be_opened_again(self, firm, branch):
        branch.owner.post("/api/v1/contacts", json={"full_name": "Ada"})
        row = branch.close()
        assert row["state"] == "closing"
        assert code(branch.owner.get("/api/v1/contacts")) == REFUSED
        assert code(branch.admin.post(f"{branch.url}/reopen")) == (403, "FORBIDDEN")
        firm.work()  # the export goes on although the tenant stands still, and the erasing waits
        assert json.loads(branch.archive().read("manifest.json"))["tables"]["contacts"]["rows"] == 1
        assert branch.owner.post(f"{branch.url}/reopen").json()["data"]["state"] == "active"
        branch.look()
        assert branch.owner.get("/api/v1/contacts").json()["meta"]["total"] == 1
        assert firm.sql(
            "select status from tasks where tenant_id = %s and kind = 'tenants.erase'", branch.id
        ) == [("cancelled",)]
        assert branch.owner.post(f"{branch.url}/reopen").json()["data"]["state"] == "active"

    def test_when_the_time_is_over_nobody_opens_it_again(self, firm, branch):
        branch.close()
        firm.sql("update tenants set erase_after = now() - interval '1 second' where id = %s", branch.id)
        assert code(branch.owner.post(f"{branch.url}/reopen")) == (409, "GRACE_OVER")

    def test_a_suspended_tenant_opened_again_is_suspended_still(self, firm, branch):
        firm.client("admin", firm.b).post(f"{branch.url}/suspend", json={"reason": "Open invoices."})
        branch.look()
        branch.close()
        assert branch.owner.post(f"{branch.url}/reopen").json()["data"]["state"] == "suspended"

    def test_nothing_is_erased_before_its_time(self, firm, branch):
        branch.close()
        ((task_id,),) = firm.sql(
            "select id from tasks where tenant_id = %s and kind = 'tenants.erase'", branch.id
        )
        with psycopg.connect(firm.address.url("worker")) as connection:
            for statement in (
                f"select erase_tenant_rows('{branch.id}', 'settings', 10, '{task_id}')",
                f"select finish_closing('{branch.id}', '{task_id}', '{{}}')",
                f"select erase_people('{branch.id}', array['{branch.alone}']::uuid[])",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
                connection.rollback()


def is_nobody(firm, user_id) -> bool:
    """Nothing of the person is left in the account, and nobody comes in by it."""
    ((row,),) = firm.sql("select to_jsonb(u) from users u where id = %s", user_id)
    left = {name for name, value in row.items() if value is not None}
    doors = firm.sql(
        "select user_id from passkeys union select user_id from totp_secrets union select user_id from sessions"
    )
    return (
        (row["email"], row["full_name"], row["is_active"])
        == (f"erased-{user_id}@invalid", "Erased person", False)
        and left <= {"id", "email", "full_name", "is_active", "created_at", "updated_at", "change_xid"}
        and (user_id,) not in doors
    )


class TestErasing:
    def test_who_was_elsewhere_once_is_nobody_and_what_others_noted_stays(self, firm, branch):
        firm.sql("update users set phone = '+49 1', job_title = 'Boss' where id = %s", branch.alone)
        firm.sql(
            "insert into totp_secrets (user_id, sealed_secret, confirmed_at) values (%s, ''::bytea, now())",
            branch.alone,
        )
        firm.sql(
            "insert into api_keys (tenant_id, user_id, name, prefix, scopes, revoked_at)"
            " values (%s, %s, 'old', 'tl_old', '[]', now())",
            *(firm.a, branch.alone),
        )
        ((trail,),) = firm.sql(
            "insert into impersonations (tenant_id, user_id, impersonator_id, reason, ends_at)"
            " values (%s, %s, %s, 'help', now()) returning id",
            *(firm.a, branch.alone, firm.people[firm.a, "owner"]),
        )
        branch.close()
        branch.erase()
        assert is_nobody(firm, branch.alone)
        assert firm.sql("select 1 from impersonations where id = %s", trail) == [(1,)]

    def test_killed_midway_it_leaves_nothing_in_the_end_and_touches_nobody_else(
        self, firm, branch, monkeypatch
    ):
        branch.owner.post("/api/v1/contacts", json={"full_name": "Ada"})
        branch.owner.post("/api/v1/files", files={"file": ("note.txt", b"A note of ours.")})
        branch.fill()
        branch.close()
        others = {tenant: contents(firm, tenant) for tenant in (firm.a, firm.b)}
        filled = {table for table, (rows, _) in contents(firm, branch.id).items() if rows}
        assert len(filled) > 40
        told = count(1)
        progress = Work.progress

        async def dies(self, **said):
            if next(told) == 25:
                raise Died
            await progress(self, **said)

        monkeypatch.setattr(Work, "progress", dies)
        with pytest.raises(Died):
            branch.erase()
        left = {table for table, (rows, _) in contents(firm, branch.id).items() if rows}
        assert len(filled) / 4 < len(left) < len(filled)
        monkeypatch.undo()
        branch.erase()

        left = {table for table, (rows, _) in contents(firm, branch.id).items() if rows}
        assert left - {"events"} <= closing.KEPT.keys()
        assert [name for name, *_ in firm.events(branch.id)] == ["tenant.closed"]
        assert firm.sql("select count(*) from events where tenant_id = %s", branch.id) == [(1,)]
        storage = firm.running.app.state.files.storage
        assert storage.files(branch.id) == set()
        assert is_nobody(firm, branch.alone)
        assert firm.sql("select 1 from users where id = %s", firm.people[firm.b, "owner"]) == [(1,)]
        for tenant, before in others.items():
            after = contents(firm, tenant)
            changed = {name for name in after if after[name] != before[name]}
            assert changed <= {"api_requests"}  # whose rows come later than the requests, by themselves
            assert after["api_requests"][0] >= before["api_requests"][0]

        [(state, slug)] = firm.sql("select state, slug from tenants where id = %s", branch.id)
        assert (state, slug) == ("closed", f"closed-{branch.id}")
        [(counts, kept, reason)] = firm.sql(
            "select row_counts, kept, reason from tenant_closings where tenant_id = %s", branch.id
        )
        assert (counts["contacts"], kept, reason) == (2, closing.KEPT, "Sold.")
        asked = firm.sql(
            "select params -> 'ids' -> 'contacts' from pipeline_requests"
            " where kind = 'erase' and params ->> 'tenant_id' = %s and params -> 'ids' ? 'contacts'",
            str(branch.id),
        )
        assert sum(len(ids) for (ids,) in asked) == 2
        branch.look()
        assert code(branch.owner.get(branch.url))[0] in (200, 401, 403)
        assert code(branch.owner.get("/api/v1/contacts"))[0] in (401, 403)
        shown = firm.client("owner", firm.b).get(branch.url).json()["data"]
        assert (shown["state"], shown["name"]) == ("closed", branch.row["name"])
        credentials = {"email": f"alone@{branch.row['slug']}.example", "password": PASSWORD}
        assert firm.running.client().post("/api/v1/auth/login", json=credentials).status_code == 401
