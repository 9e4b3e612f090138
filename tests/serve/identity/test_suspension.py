"""A tenant that stands still: at once, for everybody of it, and for nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from serve import cli
from serve.identity.account_mails.service import queue_account_mail
from serve.identity.accounts.mails import SIGN_IN_CODE
from serve.identity.tenants import operating
from serve.kernel.tasks import Work, enqueue, task
from serve.kernel.tasks.acting import acting_for
from serve.kernel.tasks.runner import Runner
from serve.platform.schedules.firing import fire_due
from tests.serve.realtime.listening import socket

PATH = "/api/v1/tenants"
WHY = {"reason": "Invoices are open."}
DONE: list[str] = []


@task("tests.standing")
async def standing(work: Work) -> None:
    async def do(_):
        DONE.append(work.id)

    await work.step("do", do)


@pytest.fixture
def look(firm):
    """Every process does this twice a second."""
    return lambda: firm.running.wait_for(firm.running.app.state.tenants_watch.look())


@pytest.fixture
def suspended(firm, look):
    """The tenant ``a``, by its umbrella; afterwards it goes on."""

    def suspend():
        answer = firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/suspend", json=WHY)
        assert answer.status_code == 200, answer.text
        look()
        return answer.json()["data"]

    yield suspend
    firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
    look()


def code(answer):
    return answer.status_code, answer.json().get("error", {}).get("code")


class TestWhoMay:
    def test_what_the_operator_has_suspended_the_umbrella_does_not_lift(self, firm, suspended, look):
        parent = firm.client("admin", firm.umbrella)

        async def operator(reason):
            async with firm.running.app.state.worker_database.transaction() as db:
                await db.execute("select set_config('app.actor', 'operator', true)")
                return await operating._held(db, "a", reason)

        for before in (False, True):  # nobody had suspended it, or the umbrella had
            if before:
                suspended()
            assert firm.running.wait_for(operator("Spam.")) is True
            assert firm.running.wait_for(operator("Spam.")) is False
            look()
            assert code(parent.post(f"{PATH}/{firm.a}/resume")) == (409, "SUSPENDED_BY_INSTALLATION")
            assert code(firm.client().get("/api/v1/contacts")) == (403, "TENANT_SUSPENDED")
            assert firm.running.wait_for(operator(None)) is True
            look()
            assert firm.client().get("/api/v1/contacts").status_code == 200


class TestCalls:
    def test_people_and_keys_are_refused_and_others_are_not(self, firm, suspended, look):
        owner = firm.client()
        made = owner.post("/api/v1/auth/api-keys", json={"name": "k", "scopes": ["contacts:read"]})
        key = firm.running.client(**{"X-API-Key": made.json()["data"]["key"]})
        assert key.get("/api/v1/contacts").status_code == 200
        row = suspended()
        assert (row["state"], row["suspended_because"]) == ("suspended", WHY["reason"])
        for client, path in (
            (owner, "contacts"),
            (key, "contacts"),
            (owner, "settings/general"),
            (owner, "tasks"),
        ):
            assert code(client.get(f"/api/v1/{path}")) == (403, "TENANT_SUSPENDED")
        contact = {"full_name": "Nobody"}
        assert code(owner.post("/api/v1/contacts", json=contact)) == (403, "TENANT_SUSPENDED")
        assert firm.sql("select 1 from contacts where full_name = 'Nobody'") == []
        assert firm.client("owner", firm.b).get("/api/v1/contacts").status_code == 200
        assert firm.client("owner", firm.umbrella).get("/api/v1/contacts").status_code == 200
        firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
        look()
        assert owner.get("/api/v1/contacts").status_code == key.get("/api/v1/contacts").status_code == 200
        names = [name for name, *_ in firm.events(firm.a)]
        assert names[-2:] == ["tenant.suspended", "tenant.resumed"]

    def test_one_may_still_see_oneself_and_leave(self, firm, suspended):
        suspended()
        credentials = {"email": "manager@a.example", "password": "a password of ours"}
        session = firm.running.client().post("/api/v1/auth/login", json=credentials).json()["data"]
        client = firm.running.client(Authorization=f"Bearer {session['access_token']}")
        assert client.get("/api/v1/auth/me").json()["data"]["user"]["email"] == credentials["email"]
        assert code(client.put("/api/v1/auth/me", json={"full_name": "X"})) == (403, "TENANT_SUSPENDED")
        assert client.post("/api/v1/auth/logout").status_code == 200
        assert firm.client("owner").get(f"{PATH}/{firm.a}").json()["data"]["state"] == "suspended"

    def test_a_process_that_starts_now_knows_it_from_the_first_call(self, firm, suspended):
        suspended()
        from serve.app import create_app
        from tests.serve.conftest import Running

        other = Running(create_app(firm.running.app.state.settings)).start()
        try:
            client = other.client(Authorization=firm.client().headers["authorization"])
            assert code(client.get("/api/v1/contacts")) == (403, "TENANT_SUSPENDED")
        finally:
            other.stop()

    def test_who_listens_is_sent_away(self, firm, suspended):
        token = firm.client().headers["authorization"].removeprefix("Bearer ")
        theirs = firm.client("owner", firm.b).headers["authorization"].removeprefix("Bearer ")
        with socket(firm.running, token) as mine, socket(firm.running, theirs) as other:
            mine.hear("ready")
            other.hear("ready")
            suspended()
            assert mine.closed() == 4403
            other.say(type="ping")
            other.hear("pong")
        with socket(firm.running, token) as again:
            assert again.closed() == 4403


class TestWho:
    def test_nobody_but_the_umbrella(self, firm):
        for client, status in (
            (firm.client("admin", firm.b), 404),
            (firm.client("owner"), 403),
            (firm.client("manager", firm.umbrella), 403),
        ):
            assert client.post(f"{PATH}/{firm.a}/suspend", json=WHY).status_code == status
        assert firm.sql("select state from tenants where id = %s", firm.a) == [("active",)]

    def test_the_database_asks_who_says_so(self, firm):
        async def ask(caller):
            async with firm.running.app.state.database.transaction(caller) as db:
                done = await db.fetch_one("select suspend_tenant($1, 'x', '{}') as done", firm.a)
            return done["done"]

        for caller in (acting_for(firm.b, None), acting_for(firm.a, None), None):
            assert not firm.running.wait_for(ask(caller))

    def test_twice_is_a_conflict(self, firm, suspended):
        client = firm.client("admin", firm.umbrella)
        assert code(client.post(f"{PATH}/{firm.a}/resume")) == (409, "TENANT_NOT_AT_REST")
        suspended()
        assert code(client.post(f"{PATH}/{firm.a}/suspend", json=WHY)) == (409, "TENANT_AT_REST")


class TestWork:
    def ask(self, firm, tenant):
        async def do():
            async with firm.running.app.state.database.transaction(acting_for(tenant, None)) as db:
                return (await enqueue(db, "tests.standing", title="A try"))["id"]

        return firm.running.wait_for(do())

    def test_tasks_wait_and_go_on_afterwards(self, firm, suspended, look):
        mine, theirs = self.ask(firm, firm.a), self.ask(firm, firm.b)
        suspended()
        firm.work()
        assert (mine in DONE, theirs in DONE) == (False, True)
        assert firm.sql("select status from tasks where id = %s", mine) == [("queued",)]
        later = self.ask(firm, firm.a)
        firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
        look()
        runs = firm.sql(
            "select count(*) from dbos.workflow_status where status = 'ENQUEUED' and workflow_uuid = any (%s)",
            [f"{mine}.2", f"{later}.2"],
        )
        assert runs == [(2,)]  # what came up meanwhile was passed over, so both come up again
        firm.work()
        assert {mine, later} <= set(DONE)

    def test_what_runs_is_taken_back(self, firm, suspended, look):
        mine = self.ask(firm, firm.a)
        firm.sql("update tasks set status = 'running', worker = 'tests' where id = %s", mine)
        suspended()
        assert firm.sql("select status, run from tasks where id = %s", mine) == [("queued", 2)]
        state = firm.running.app.state
        firm.running.wait_for(Runner(state.worker_database, "tests", state).run(str(firm.a), mine, 2))
        assert mine not in DONE
        firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
        firm.work()
        assert DONE.count(mine) == 1

    def test_mails_wait(self, firm, suspended, look):
        mail = firm.client().post(
            "/api/v1/mails", json={"to_address": "ada@example.org", "subject": "Hello", "text": "Hello."}
        )
        assert mail.status_code == 201, mail.text
        suspended()
        firm.work()
        sent = "select state from mails where id = %s"
        assert firm.sql(sent, mail.json()["data"]["id"]) == [("queued",)]
        firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
        look()
        firm.work()
        assert firm.sql(sent, mail.json()["data"]["id"]) == [("sent",)]

    def test_schedules_wait_and_are_caught_up_with(self, firm, suspended, look):
        body = {
            "name": "Each morning",
            "operation_id": "contacts.list",
            "params": {},
            "cron": "0 6 * * *",
            "timezone": "UTC",
        }
        ids = {
            tenant: firm.client("owner", tenant).post("/api/v1/schedules", json=body).json()["data"]["id"]
            for tenant in (firm.a, firm.b)
        }
        suspended()
        moment = datetime.now(UTC) + timedelta(days=2)
        firm.running.wait_for(fire_due(firm.running.app.state.worker_database, moment))
        runs = "select count(*) from schedule_runs where schedule_id = %s"
        assert firm.sql(runs, ids[firm.a]) == [(0,)]
        assert firm.sql(runs, ids[firm.b]) == [(1,)]
        firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
        look()
        firm.running.wait_for(fire_due(firm.running.app.state.worker_database, moment))
        assert firm.sql(runs, ids[firm.a]) == [(1,)]


class TestAccountMails:
    """Of a tenant that stands still."""

    def test_invitations_wait(self, firm, suspended, look):
        invited = firm.client().post(
            "/api/v1/employees/invite", json={"email": "waits@example.org", "role": "viewer"}
        )
        assert invited.status_code == 201, invited.text
        suspended()
        assert firm.account_mails() == []
        firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
        assert [mail.to_address for mail in firm.account_mails()] == ["waits@example.org"]

    def test_for_too_long_they_are_given_up_and_say_why(self, firm, suspended):
        firm.client().post("/api/v1/employees/invite", json={"email": "late@example.org", "role": "viewer"})
        suspended()
        firm.sql("update account_mails set created_at = now() - interval '8 days' where state = 'queued'")
        firm.client("admin", firm.umbrella).post(f"{PATH}/{firm.a}/resume")
        assert firm.account_mails() == []
        [(state, error, content)] = firm.sql(
            "select state, error, content from account_mails order by id desc limit 1"
        )
        assert (state, content) == ("failed", None)
        assert "stood still" in error

    def test_what_is_about_a_person_goes_in_the_name_of_the_installation(self, firm, suspended):
        server = {"smtp_host": "127.0.0.1", "smtp_port": 9, "from_address": "office@a.example"}
        assert firm.client().put("/api/v1/settings/email", json=server).status_code == 200
        suspended()

        async def code():
            async with firm.running.app.state.database.transaction() as db:
                values = {"name": "Ann", "company": "A", "code": "123456"}
                await queue_account_mail(
                    db, SIGN_IN_CODE, to_address="ann@example.org", values=values, tenant_id=firm.a
                )

        firm.running.wait_for(code())
        before = set(firm.running.app.state.mail.outbox.folder.glob("*.eml"))
        [sent] = firm.account_mails()  # nobody listens at the tenant's server
        assert sent.to_address == "ann@example.org"
        [path] = set(firm.running.app.state.mail.outbox.folder.glob("*.eml")) - before
        assert "office@a.example" not in path.read_text()


class TestOperator:
    def test_whoever_runs_the_installation_makes_suspends_and_resumes(self, firm, look, monkeypatch):
        settings = firm.running.app.state.settings
        monkeypatch.setenv("THROUGHLINE_HOME", str(settings.throughline_home))
        monkeypatch.setenv("DATABASE_URL", settings.database_url)
        run = lambda *words: CliRunner().invoke(cli.app, ["tenant", *words])  # noqa: E731
        place = ("--country", "DE", "--timezone", "Europe/Berlin", "--currency", "EUR")
        assert run("create", "By Hand", "--owner", "x@nowhere.example", *place).exit_code == 1
        made = run("create", "By Hand", "--owner", "owner@a.example", *place)
        assert made.exit_code == 0, made.output
        state = "select state from tenants where slug = 'by-hand'"
        assert run("suspend", "by-hand", "It was a try.").exit_code == 0
        assert firm.sql(state) == [("suspended",)]
        assert run("suspend", "by-hand", "Twice.").exit_code == 1
        assert run("resume", "by-hand").exit_code == 0
        assert firm.sql(state) == [("active",)]
        names = firm.sql(
            "select name, actor_kind from events where tenant_id = %s order by position", made.stdout.strip()
        )
        assert ("tenant.suspended", "operator") in names
