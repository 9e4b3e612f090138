"""An action is the same call as over HTTP: who may, what is valid, whose it is, what is left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from serve.kernel.actions import Outcome, PrincipalGone, principal_of
from serve.kernel.caller import Caller
from serve.kernel.ids import uuid7
from serve.kernel.ratelimit import Limits, Rate
from tests.serve.firm import VAN


def contact(**fields):
    return {"full_name": "Ada Byron", **fields}


class TestTheSameCall:
    def test_a_row_is_made_and_its_event_says_who(self, firm, invoke, person):
        made = invoke("contacts.create", contact(job_title="Hull"), request_id="req-7")
        assert (made.status, made.error) == (201, None)
        assert made.headers["location"] == f"/api/v1/contacts/{made.data['id']}"
        assert firm.sql("select job_title from contacts where id = %s", made.data["id"]) == [("Hull",)]
        who = firm.sql(
            "select actor_kind, actor_id, request_id from events where entity_id = %s", made.data["id"]
        )
        assert who == [("user", person().user_id, "req-7")]

    def test_it_answers_what_http_answers(self, firm, invoke):
        made = invoke("contacts.create", contact())
        got = invoke("contacts.get", {"id": made.data["id"]})
        assert got.data == firm.client().get(f"/api/v1/contacts/{made.data['id']}").json()["data"]
        listed = invoke("contacts.list", {"ids": made.data["id"], "perPage": 5})
        assert ([row["id"] for row in listed.data], listed.meta["per_page"]) == ([made.data["id"]], 5)

    def test_a_header_is_a_parameter_too(self, invoke):
        made = invoke("contacts.create", contact())
        patched = invoke(
            "contacts.patch", {"id": made.data["id"], "job_title": "Leeds", "if_match": made.headers["etag"]}
        )
        assert patched.data["job_title"] == "Leeds"
        late = invoke(
            "contacts.patch", {"id": made.data["id"], "job_title": "York", "if_match": made.headers["etag"]}
        )
        assert late.status == 412

    def test_a_role_without_the_permission_is_refused(self, firm, invoke, person):
        before = firm.sql("select count(*) from contacts")
        refused = invoke("contacts.create", contact(), person("viewer"))
        assert (refused.status, refused.error["code"]) == (403, "FORBIDDEN")
        assert "contacts:write" in refused.error["message"]
        assert firm.sql("select count(*) from contacts") == before

    def test_another_tenants_row_looks_absent(self, firm, invoke, person):
        theirs = invoke("contacts.create", contact(), person(tenant=firm.b))
        assert invoke("contacts.get", {"id": theirs.data["id"]}).status == 404
        assert invoke("contacts.patch", {"id": theirs.data["id"], "job_title": "x"}).status == 404

    def test_what_is_not_valid_is_named(self, invoke):
        missing = invoke("contacts.create", {"job_title": "Hull"})
        assert (missing.status, missing.error["details"][0]["field"]) == (422, "full_name")
        unknown = invoke("contacts.create", contact(no_such=1))
        assert unknown.error["details"][0]["field"] == "no_such"
        parameter = invoke("contacts.list", {"no_such": 1})
        assert parameter.error["details"] == [
            {"field": "no_such", "message": "is not a parameter of this address"}
        ]

    def test_a_key_makes_two_calls_one(self, firm, invoke):
        first = invoke("contacts.create", contact(), idempotency_key="k-1")
        again = invoke("contacts.create", contact(), idempotency_key="k-1")
        assert again.data == first.data
        assert again.headers["idempotency-replayed"] == "true"
        other = invoke("contacts.create", contact(job_title="Hull"), idempotency_key="k-1")
        assert other.error["code"] == "IDEMPOTENCY_KEY_REUSED"

    def test_a_key_is_shared_with_http(self, firm, invoke, person):
        first = invoke("contacts.create", contact(), idempotency_key="k-2")
        client = firm.client()
        body = b'{"full_name":"Ada Byron"}'
        headers = {"idempotency-key": "k-2", "content-type": "application/json"}
        again = client.post("/api/v1/contacts", content=body, headers=headers)
        assert again.json()["data"] == first.data

    def test_large_and_deep_bodies_are_refused(self, firm, invoke):
        most = firm.running.app.state.settings.max_body_bytes
        assert invoke("contacts.create", contact(job_title="x" * most)).status == 413
        deep: dict = {}
        for _ in range(70):
            deep = {"a": deep}
        assert invoke("contacts.create", contact(attributes=deep)).error["code"] == "TOO_DEEP"

    def test_it_is_in_the_request_log_and_counted(self, firm, invoke, person):
        invoke("contacts.stats")
        state = firm.running.app.state
        firm.running.wait_for(state.manners.requests.write(state.worker_database))
        rows = firm.sql("select user_id from api_requests where route = '/api/v1/contacts/stats'")
        assert rows == [(person().user_id,)]
        assert 'route="/api/v1/contacts/stats"' in state.manners.meters.text().decode()


class TestCause:
    def test_events_name_it(self, firm, invoke):
        cause = uuid7()
        made = invoke("contacts.create", contact(), cause=cause)
        told = invoke("notifications.send", {"user_ids": [], "title": "T", "body": "B"}, cause=cause)
        assert told.succeeded, told.error
        assert firm.sql("select cause_id from events where entity_id = %s", made.data["id"]) == [(cause,)]

    def test_it_ends_with_the_call(self, firm, invoke):
        invoke("contacts.create", contact(), cause=uuid7())
        made = invoke("contacts.create", contact())
        assert firm.sql("select cause_id from events where entity_id = %s", made.data["id"]) == [(None,)]

    def test_two_at_once_keep_theirs(self, firm, actions, person):
        causes = [uuid7() for _ in range(20)]
        caller = person()

        async def all_at_once():
            calls = [actions.invoke("contacts.create", contact(), caller, cause=cause) for cause in causes]
            return await asyncio.gather(*calls)

        for cause, made in zip(causes, firm.running.wait_for(all_at_once()), strict=True):
            assert firm.sql("select cause_id from events where entity_id = %s", made.data["id"]) == [(cause,)]


class TestWhatIsAsked:
    def test_unknown_operations(self, invoke):
        assert invoke("contacts.conjure").error["code"] == "OPERATION_NOT_FOUND"

    @pytest.mark.parametrize(
        "operation", ["auth.log_in", "auth.change_me", "api_keys.create", "contacts.import"]
    )
    def test_what_is_no_action_says_why(self, invoke, operation):
        refused = invoke(operation)
        assert refused.error["code"] == "NOT_AN_ACTION"
        assert operation in refused.error["message"]

    def test_a_word_in_the_place_of_an_id_is_no_other_operation(self, firm, invoke):
        """Else whoever may patch one contact would reach the call that patches many."""
        row = invoke("contacts.create", contact()).data
        rows = {"rows": [{"id": row["id"], "job_title": "Changed"}]}
        for word in ("bulk", "bulk/", "../contacts/bulk", "bulk?x=", "bulk%2f"):
            refused = invoke("contacts.patch", {"id": word, "body": rows})
            assert refused.status == 422, word
            assert firm.sql("select job_title from contacts where id = %s", row["id"]) == [(None,)], word

    def test_what_is_missing_in_the_path_is_named(self, invoke):
        refused = invoke("contacts.get")
        assert refused.error["details"] == [{"field": "id", "message": "is missing"}]

    @pytest.mark.parametrize(
        "odd", [{"a": 1}, [], "", None, ["x", "y"], True, float("nan"), "a\x00b", "ä" * 300]
    )
    def test_odd_ids_are_refused(self, invoke, odd):
        assert 400 <= invoke("contacts.get", {"id": odd}).status < 500

    @pytest.mark.parametrize("odd", ["a\r\nx-dry-run: true", "ä", ["x"], {"a": 1}])
    def test_a_header_cannot_carry_another(self, invoke, odd):
        made = invoke("contacts.create", contact())
        refused = invoke("contacts.patch", {"id": made.data["id"], "job_title": "x", "if_match": odd})
        assert refused.status == 422
        assert invoke("contacts.create", contact(), idempotency_key="a\r\nb").status == 422

    def test_a_field_is_given_once(self, invoke):
        twice = invoke("contacts.create", contact(body={"full_name": "Grace"}))
        assert twice.error["details"] == [{"field": "full_name", "message": "is given twice"}]
        assert invoke("contacts.create", {"body": {"full_name": "Grace"}}).data["full_name"] == "Grace"
        assert invoke("contacts.create", contact(body=[1])).status == 422

    def test_fields_with_a_name_of_the_path_go_by_body(self, firm, invoke):
        changed = invoke("settings.category.change", {"category": "general", "locale": "en-GB"})
        assert changed.succeeded, changed.error
        both = {"category": "general", "body": {"category": "x"}}
        assert invoke("settings.category.change", both).error["details"][0]["field"] == "category"

    def test_what_takes_a_proof_is_refused_to_who_brings_none(self, firm, invoke):
        """As a task or a schedule does, which act for a person who is not there."""
        refused = invoke("settings.category.change", {"category": "security", "session_idle_h": 5})
        assert refused.error["code"] == "STEP_UP_NEEDED"
        assert invoke("users.remove", {"id": str(uuid4())}).error["code"] == "STEP_UP_NEEDED"


class TestDryRun:
    def test_nothing_is_left(self, firm, invoke):
        before = firm.sql("select count(*) from events")
        tried = invoke("contacts.create", contact(), dry_run=True, idempotency_key="dry-1")
        assert tried.was_dry_run
        assert tried.data["full_name"] == "Ada Byron"
        assert invoke("contacts.get", {"id": tried.data["id"]}).status == 404
        assert firm.sql("select count(*) from events") == before
        really = invoke("contacts.create", contact(), idempotency_key="dry-1")
        assert "idempotency-replayed" not in really.headers

    def test_it_refuses_what_really_would_be(self, invoke, person):
        assert invoke("contacts.create", {}, dry_run=True).status == 422
        assert invoke("contacts.create", contact(), person("viewer"), dry_run=True).status == 403
        assert invoke("contacts.delete", {"id": str(uuid4())}, dry_run=True).status == 404

    def test_a_delete_is_undone(self, invoke):
        made = invoke("vehicles.create", VAN)
        assert invoke("vehicles.delete", {"id": made.data["id"]}, dry_run=True).was_dry_run
        assert invoke("vehicles.get", {"id": made.data["id"]}).succeeded

    @pytest.mark.parametrize("operation", ["settings.email.test", "api_keys.revoke"])
    def test_what_cannot_be_undone_says_so(self, invoke, operation):
        refused = invoke(operation, {"id": str(uuid4())}, dry_run=True)
        assert refused.error["code"] == "DRY_RUN_NOT_POSSIBLE"

    def test_a_key_that_is_none_is_refused_then_too(self, firm):
        headers = {"X-Dry-Run": "true", "Idempotency-Key": ""}
        answer = firm.client().post("/api/v1/contacts", json=contact(), headers=headers)
        assert answer.status_code == 422
        assert answer.json()["error"]["details"][0]["field"] == "Idempotency-Key"

    def test_over_http(self, firm):
        client = firm.client()
        tried = client.post("/api/v1/contacts", json=contact(), headers={"X-Dry-Run": "true"})
        assert (tried.status_code, tried.headers["x-dry-run"]) == (201, "true")
        assert client.get(tried.headers["location"]).status_code == 404
        odd = client.post("/api/v1/contacts", json=contact(), headers={"X-Dry-Run": "perhaps"})
        assert odd.json()["error"]["details"][0]["field"] == "X-Dry-Run"
        refused = client.post("/api/v1/settings/email/test", headers={"X-Dry-Run": "true"})
        assert refused.json()["error"]["code"] == "DRY_RUN_NOT_POSSIBLE"
        import_ = client.post(
            "/api/v1/contacts/import",
            files={"file": ("a.csv", b"full_name\nA\n", "text/csv")},
            headers={"X-Dry-Run": "true"},
        )
        assert import_.json()["error"]["code"] == "DRY_RUN_NOT_POSSIBLE"


class TestWithin:
    def test_what_was_done_before_is_seen_and_all_ends_together(self, firm, actions, person):
        caller, database = person(), firm.running.app.state.database

        async def work():
            async with database.transaction(caller) as db:
                made = await actions.invoke("contacts.create", contact(), caller, within=db)
                got = await actions.invoke("contacts.get", {"id": made.data["id"]}, caller, within=db)
                listed = await actions.invoke("contacts.list", {"ids": made.data["id"]}, caller, within=db)
                refused = await actions.invoke("settings.email.test", {}, caller, within=db)
                kept.extend((made, got, listed, refused))
                raise ZeroDivisionError

        kept: list[Outcome] = []
        with pytest.raises(ZeroDivisionError):
            firm.running.wait_for(work())
        made, got, listed, refused = kept
        assert got.data == made.data
        assert listed.data == [made.data]
        assert refused.error["code"] == "CANNOT_SHARE_TRANSACTION"
        assert firm.sql("select 1 from contacts where id = %s", made.data["id"]) == []


class TestLimits:
    def test_work_of_the_platform_does_not_count_and_other_does(self, firm, invoke, monkeypatch):
        manners = firm.running.app.state.manners
        monkeypatch.setattr(manners, "limits", Limits({"read": Rate(1, 1)}, tenant_factor=1))
        assert [invoke("contacts.list").status for _ in range(3)] == [200, 200, 200]
        counted = [invoke("contacts.list", is_limited=True) for _ in range(2)]
        assert [each.status for each in counted] == [200, 429]
        assert counted[1].headers["retry-after"]

    def test_actions_do_not_nest_without_end(self, firm, actions, person, monkeypatch):
        """Such as a workflow that runs itself."""
        caller, call = person(), actions._call

        async def again(scope, body):
            return await actions.invoke("contacts.list", {}, caller)

        monkeypatch.setattr(actions, "_call", again)
        assert (
            firm.running.wait_for(actions.invoke("contacts.list", {}, caller)).error["code"]
            == "TOO_MANY_LEVELS"
        )
        monkeypatch.setattr(actions, "_call", call)
        assert firm.running.wait_for(actions.invoke("contacts.list", {}, caller)).succeeded

    def test_what_runs_is_finished_when_the_process_is_about_to_stop(self, firm, invoke):
        draining = firm.running.app.state.manners.draining
        draining.has_begun = True
        try:
            assert invoke("contacts.list").succeeded
            assert firm.client().get("/api/v1/contacts").status_code == 503
        finally:
            draining.has_begun = False


class TestFromOutside:
    def test_nobody_presets_a_caller(self, firm):
        """Neither a header nor anything else of a request reaches the scope's state."""
        names = ("caller", "state", "throughline.inside", "x-caller", "transaction")
        for name in names:
            stranger = firm.running.client(**{name: str(firm.people[firm.a, "owner"])})
            assert stranger.get("/api/v1/contacts").status_code == 401


class TestPrincipals:
    def test_a_role_counts_as_it_is_now(self, firm, invoke, person):
        user_id = firm.people[firm.b, "agent"]
        assert "contacts:write" in person("agent", firm.b).permissions
        firm.sql("update memberships set role = 'viewer' where user_id = %s", user_id)
        assert "contacts:write" not in person("agent", firm.b).permissions
        firm.sql("update memberships set role = 'agent' where user_id = %s", user_id)

    def test_an_umbrella_reads_its_children(self, firm, person):
        assert set(person(tenant=firm.umbrella).tenant_ids) == {firm.umbrella, firm.a}

    def test_who_is_gone_acts_no_more(self, firm, person):
        user_id = firm.people[firm.b, "technician"]
        firm.sql("update users set is_active = false where id = %s", user_id)
        with pytest.raises(PrincipalGone):
            person("technician", firm.b)
        firm.sql("update users set is_active = true where id = %s", user_id)
        database = firm.running.app.state.database
        for tenant, user in ((firm.a, user_id), (firm.b, uuid4()), (uuid4(), user_id)):
            with pytest.raises(PrincipalGone):
                firm.running.wait_for(principal_of(database, tenant, user_id=user))

    def test_a_key_has_what_its_person_and_its_scopes_have(self, firm, invoke):
        client, database = firm.client("manager"), firm.running.app.state.database
        wish = {"name": "K", "scopes": ["contacts:read", "vehicles:read"]}
        key_id = client.post("/api/v1/auth/api-keys", json=wish).json()["data"]["id"]

        def holder(tenant: UUID = firm.a, user_id: UUID | None = None) -> Caller:
            return firm.running.wait_for(
                principal_of(database, tenant, user_id=user_id, api_key_id=UUID(key_id))
            )

        caller = holder()
        assert caller.permissions == {"contacts:read", "vehicles:read"}
        assert caller.actor == f"api_key:{key_id}"
        assert invoke("contacts.list", {}, caller).succeeded
        assert invoke("contacts.create", contact(), caller).status == 403
        assert holder(user_id=firm.people[firm.a, "manager"]) == caller
        for tenant, user in ((firm.b, None), (firm.umbrella, None), (firm.a, firm.people[firm.a, "owner"])):
            with pytest.raises(PrincipalGone):
                holder(tenant, user)
        client.delete(f"/api/v1/auth/api-keys/{key_id}")
        with pytest.raises(PrincipalGone):
            holder()

    def test_one_must_be_named(self, firm):
        with pytest.raises(ValueError, match="a person or a key"):
            firm.running.wait_for(principal_of(firm.running.app.state.database, firm.a))

    def test_a_caller_of_another_tenant_changes_nothing_here(self, firm, invoke, person):
        """A caller made up of one tenant's person and another's id still sees what the database lets them."""
        made = invoke("contacts.create", contact())
        mixed = replace(person(), tenant_id=firm.b, tenant_ids=(firm.b,))
        assert invoke("contacts.get", {"id": made.data["id"]}, mixed).status == 404
