"""Several operations in one call: each for itself or all together, with what earlier ones answered."""

from __future__ import annotations

import doctest
from typing import Any

import httpx
import psycopg
import pytest

from serve.kernel.ratelimit import Limits, Rate
from serve.platform.actions import batch as batches
from serve.platform.actions.schemas import MOST_OPERATIONS
from tests.serve.firm import VAN, Firm

ADA = {"operation_id": "contacts.create", "params": {"full_name": "Ada Byron"}}
NAMELESS = {"operation_id": "contacts.create", "params": {}}
Many = dict[str, Any]


@pytest.fixture
def owner(firm: Firm) -> httpx.Client:
    return firm.client()


def batch(client: httpx.Client, *operations: Many, mode: str = "each", **headers: str) -> httpx.Response:
    return client.post("/api/v1/batch", json={"operations": operations, "mode": mode}, headers=headers)


def contacts(firm: Firm) -> int:
    return firm.sql("select count(*) from contacts")[0][0]


class TestEach:
    def test_one_that_fails_stops_no_other(self, firm, owner):
        before = contacts(firm)
        answer = batch(owner, ADA, NAMELESS, ADA)
        assert answer.status_code == 207
        data = answer.json()["data"]
        assert (data["succeeded"], data["failed"]) == (2, 1)
        assert [each["status"] for each in data["results"]] == [201, 422, 201]
        refused = data["results"][1]
        assert refused["error"]["details"][0]["field"] == "full_name"
        assert refused["operation_id"] == "contacts.create"
        assert contacts(firm) == before + 2

    def test_all_good_is_200(self, owner):
        assert batch(owner, ADA).status_code == 200

    def test_each_asks_for_its_own_permission(self, firm):
        answer = batch(
            firm.client("technician"), ADA, {"operation_id": "vehicles.create", "params": dict(VAN)}
        )
        first, second = answer.json()["data"]["results"]
        assert (first["status"], first["error"]["code"]) == (403, "FORBIDDEN")
        assert second["status"] == 201

    def test_a_key_needs_the_scope_for_batches_and_those_of_the_operations(self, firm, owner):
        def holder(*scopes: str) -> httpx.Client:
            wish = {"name": "K", "scopes": scopes}
            key = owner.post("/api/v1/auth/api-keys", json=wish).json()["data"]["key"]
            return firm.running.client(Authorization=f"Bearer {key}")

        assert batch(holder("contacts:write"), ADA).status_code == 403
        weak = batch(holder("actions:invoke"), ADA).json()["data"]["results"][0]
        assert weak["status"] == 403
        assert batch(holder("actions:invoke", "contacts:write"), ADA).status_code == 200

    def test_another_tenants_row_looks_absent(self, firm, owner):
        theirs = batch(firm.client(tenant=firm.b), ADA).json()["data"]["results"][0]["data"]["id"]
        [result] = batch(owner, {"operation_id": "contacts.get", "params": {"id": theirs}}).json()["data"][
            "results"
        ]
        assert result["status"] == 404

    def test_events_name_the_request(self, firm, owner):
        answer = batch(owner, ADA, **{"x-request-id": "batch-7"})
        made = answer.json()["data"]["results"][0]["data"]["id"]
        assert firm.sql("select request_id from events where entity_id = %s", made) == [("batch-7",)]


class TestReferences:
    def test_a_later_one_uses_what_an_earlier_one_answered(self, firm, owner):
        account = {
            "id": "firm",
            "operation_id": "accounts.create",
            "params": {"name": "Engines"} | _needed(owner),
        }
        person = {
            "operation_id": "contacts.create",
            "params": {
                "full_name": "$$Ada",
                "account_id": "$firm.data.id",
                "attributes": {"from": ["$1.etag"]},
            },
        }
        change = {
            "operation_id": "contacts.patch",
            "params": {"id": "$2.data.id", "if_match": "$2.etag", "job_title": "Countess"},
        }
        answer = batch(owner, account, person, change)
        assert answer.status_code == 200, answer.text
        first, second, third = answer.json()["data"]["results"]
        assert second["data"]["account_id"] == first["data"]["id"]
        assert second["data"]["full_name"] == "$Ada"
        assert second["data"]["attributes"] == {"from": [first["etag"]]}
        assert third["data"]["job_title"] == "Countess"

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            ("$2.data.id", "no earlier operation"),
            ("$ada.data.id", "no earlier operation"),
            ("$1.data.no_such", "which that result has not"),
            ("$1.data.id.deeper", "which that result has not"),
            ("$1", "is no reference"),
            ("$", "is no reference"),
            ("$1.data.__class__", "which that result has not"),
        ],
    )
    def test_one_that_leads_nowhere_is_named(self, owner, reference, said):
        answer = batch(owner, ADA, {"operation_id": "contacts.get", "params": {"id": reference}})
        error = answer.json()["data"]["results"][1]["error"]
        assert error["details"][0]["field"] == "id"
        assert said in error["details"][0]["message"]

    def test_what_rests_on_a_failure_fails(self, owner):
        answer = batch(owner, NAMELESS, {"operation_id": "contacts.get", "params": {"id": "$1.data.id"}})
        assert "which failed" in answer.json()["data"]["results"][1]["error"]["details"][0]["message"]

    def test_a_word_names_one_operation(self, owner):
        answer = batch(owner, ADA | {"id": "x"}, ADA | {"id": "x"})
        assert answer.json()["error"]["details"][0]["field"] == "operations[1].id"


class TestAll:
    def test_the_first_failure_leaves_nothing(self, firm, owner):
        before = (contacts(firm), firm.sql("select count(*) from events"))
        answer = batch(owner, ADA, ADA, NAMELESS, ADA, mode="all")
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["code"] == "BATCH_UNDONE"
        assert error["details"] == [{"field": "operations[2].params.full_name", "message": "Field required"}]
        assert (contacts(firm), firm.sql("select count(*) from events")) == before

    def test_what_the_database_refuses_leaves_nothing_either(self, firm, owner):
        before = contacts(firm)
        same = {
            "operation_id": "contacts.create",
            "params": {"full_name": "X", "external_id": "one-of-a-kind"},
        }
        answer = batch(owner, same, same, mode="all")
        assert answer.json()["error"]["code"] == "BATCH_UNDONE"
        assert contacts(firm) == before

    def test_reads_see_what_was_done_before_them(self, owner):
        get = {"operation_id": "contacts.get", "params": {"id": "$1.data.id"}}
        listed = {"operation_id": "contacts.list", "params": {"ids": "$1.data.id"}}
        first, second, third = batch(owner, ADA, get, listed, mode="all").json()["data"]["results"]
        assert second["data"] == first["data"]
        assert third["data"] == [first["data"]]

    def test_a_total_of_what_was_undone_is_not_remembered(self, owner):
        def total(**asked: Any) -> int:
            return owner.get(
                "/api/v1/contacts", params={"per_page": 1, "job_title": "Ghost", **asked}
            ).json()["meta"]["total"]

        ghost = {"operation_id": "contacts.create", "params": {"full_name": "Ghost", "job_title": "Ghost"}}
        listed = {"operation_id": "contacts.list", "params": {"per_page": 1, "job_title": "Ghost"}}
        batch(owner, ghost, ghost)
        answer = batch(owner, ghost, ghost, listed, mode="all", **{"x-dry-run": "true"})
        assert answer.json()["data"]["results"][2]["meta"]["total"] == 4
        assert total() == 2

    def test_what_cannot_share_the_transaction_is_refused(self, firm, owner):
        before = contacts(firm)
        answer = batch(owner, ADA, {"operation_id": "settings.email.test"}, mode="all")
        assert "CANNOT_SHARE_TRANSACTION" in answer.json()["error"]["message"]
        assert contacts(firm) == before

    def test_a_key_of_an_operation_has_no_place(self, firm, owner):
        answer = batch(owner, ADA | {"idempotency_key": "k"}, mode="all")
        assert answer.json()["error"]["details"][0]["field"] == "operations[0].idempotency_key"


class TestOnceAndDry:
    @pytest.mark.parametrize("mode", ["each", "all"])
    def test_the_same_key_twice_is_one_batch(self, firm, owner, mode):
        first = batch(owner, ADA, ADA, mode=mode, **{"idempotency-key": f"batch-{mode}"})
        before = contacts(firm)
        again = batch(owner, ADA, ADA, mode=mode, **{"idempotency-key": f"batch-{mode}"})
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
        assert contacts(firm) == before
        other = batch(owner, ADA, mode=mode, **{"idempotency-key": f"batch-{mode}"})
        assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"

    def test_with_a_key_one_that_fails_still_stops_no_other(self, firm, owner):
        before = contacts(firm)
        same = {"operation_id": "contacts.create", "params": {"full_name": "X", "external_id": "kept-once"}}
        answer = batch(owner, same, same, ADA, **{"idempotency-key": "batch-some"})
        assert [each["status"] for each in answer.json()["data"]["results"]] == [201, 409, 201]
        assert contacts(firm) == before + 2

    def test_each_has_a_key_of_its_own(self, firm, owner):
        keyed = ADA | {"idempotency_key": "of-ada"}
        before = contacts(firm)
        first, second = batch(owner, keyed, keyed).json()["data"]["results"]
        assert first["data"] == second["data"]
        assert contacts(firm) == before + 1

    def test_its_own_key_counts_beside_that_of_the_whole(self, firm, owner):
        keyed = ADA | {"idempotency_key": "of-ada-too"}
        before = contacts(firm)
        batch(owner, keyed, **{"idempotency-key": "batch-one"})
        batch(owner, keyed, **{"idempotency-key": "batch-two"})
        assert contacts(firm) == before + 1

    @pytest.mark.parametrize("mode", ["each", "all"])
    def test_a_dry_run_leaves_nothing(self, firm, owner, mode):
        before = (contacts(firm), firm.sql("select count(*) from events"))
        delete = {"operation_id": "contacts.delete", "params": {"id": "$1.data.id"}}
        answer = batch(owner, ADA, delete, mode=mode, **{"x-dry-run": "true"})
        data = answer.json()["data"]
        assert (data["dry_run"], data["succeeded"]) == (True, 2)
        assert (contacts(firm), firm.sql("select count(*) from events")) == before

    def test_in_a_dry_run_what_cannot_be_undone_is_refused(self, owner):
        answer = batch(owner, {"operation_id": "settings.email.test"}, **{"x-dry-run": "true"})
        assert answer.json()["data"]["results"][0]["error"]["code"] == "DRY_RUN_NOT_POSSIBLE"


class TestBounds:
    def test_at_most_so_many(self, owner):
        assert batch(owner, *[ADA] * (MOST_OPERATIONS + 1)).status_code == 422
        assert batch(owner).status_code == 422

    @pytest.mark.parametrize("operation_id", ["actions.batch", "auth.log_in", "mcp.call", "contacts.conjure"])
    def test_what_is_no_action_is_refused(self, owner, operation_id):
        [result] = batch(owner, {"operation_id": operation_id}).json()["data"]["results"]
        assert result["error"]["code"] in ("NOT_AN_ACTION", "OPERATION_NOT_FOUND")

    @pytest.mark.parametrize("path", ["/api/v1/batch", "/api/v1/mcp"])
    def test_what_takes_too_long_is_given_up_as_a_whole(self, firm, owner, monkeypatch, path):
        owner.get("/api/v1/mcp")  # which loads the SDK
        running = firm.running.app.state.manners.running
        monkeypatch.setattr(running, "_timeout_s", 0.5)
        monkeypatch.setattr(running, "_pause_s", 0.3)  # so that both are found late in one look
        tool = {"name": "contacts-create", "arguments": ADA["params"]}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool}
        body = call if path.endswith("mcp") else {"operations": [ADA] * 20}
        with psycopg.connect(firm.address.url("super")) as other:
            other.execute("lock table contacts in share mode")
            answer = owner.post(path, json=body)
            other.rollback()
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "TIMED_OUT")
        assert (
            owner.post(path, json=call if path.endswith("mcp") else {"operations": [ADA]}).status_code == 200
        )

    def test_a_batch_is_no_way_around_the_rates(self, firm, owner, monkeypatch):
        manners = firm.running.app.state.manners
        monkeypatch.setattr(manners, "limits", Limits({"write": Rate(1, 3)}, tenant_factor=10))
        results = batch(owner, ADA, ADA, ADA).json()["data"]["results"]
        assert [each["status"] for each in results] == [201, 201, 429]


class TestCatalogue:
    def test_it_lists_what_one_may_do(self, firm, owner):
        def ids(client: httpx.Client, **asked: Any) -> set[str]:
            answer = client.get("/api/v1/actions", params={"per_page": 1000, **asked}).json()
            assert answer["meta"]["total"] == len(answer["data"])
            return {each["id"] for each in answer["data"]}

        everything = ids(owner)
        assert {"contacts.create", "contacts.bulk_delete", "vehicles.list"} <= everything
        few = ids(firm.client("technician"))
        assert "vehicles.create" in few
        assert not {each for each in few if each.startswith("contacts.")}
        assert ids(firm.client("technician"), all=True) == everything
        assert ids(owner, area="contacts", risk="risky") == {
            *("contacts.delete", "contacts.bulk_create", "contacts.bulk_update", "contacts.bulk_delete"),
            *("contacts.bulk_tag", "contacts.untag", "contacts.remove_note", "contacts.merge"),
        }
        found = ids(owner, q="CONTACT history")
        assert found >= {"contacts.history", "contacts.note_history"}
        assert "contacts.create" not in found

    def test_pages(self, owner):
        one = owner.get("/api/v1/actions", params={"per_page": 5}).json()
        two = owner.get("/api/v1/actions", params={"per_page": 5, "page": 2}).json()
        assert [len(one["data"]), len(two["data"])] == [5, 5]
        assert not {each["id"] for each in one["data"]} & {each["id"] for each in two["data"]}

    def test_one_says_what_it_takes_and_answers(self, owner):
        action = owner.get("/api/v1/actions/contacts.patch").json()["data"]
        assert (action["risk"], action["permission"], action["dry_run"]) == ("write", "contacts:write", True)
        assert {"id", "if_match", "full_name"} <= action["input_schema"]["properties"].keys()
        assert action["input_schema"]["required"] == ["id"]
        assert "components" not in str(action)
        assert owner.get("/api/v1/actions/no.such").json()["error"]["code"] == "OPERATION_NOT_FOUND"
        assert owner.get("/api/v1/actions/auth.log_in").json()["error"]["code"] == "NOT_AN_ACTION"


def _needed(client: httpx.Client) -> Many:
    """What an account needs beside its name, by the example of its own action."""
    schema = client.get("/api/v1/actions/accounts.create").json()["data"]["input_schema"]
    return {
        name: schema["properties"][name]["examples"][0]
        for name in schema.get("required", ())
        if name != "name"
    }


def test_the_examples_in_the_words_are_true():
    assert doctest.testmod(batches).failed == 0
