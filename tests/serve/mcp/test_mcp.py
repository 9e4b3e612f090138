"""The MCP server as clients meet it: the official SDK's own over real HTTP, in both of its protocols."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from serve.kernel.ratelimit import Limits, Rate
from serve.platform.mcp import tools
from serve.platform.mcp.server import TOOLS_A_PAGE
from tests.serve.firm import Firm

ADA = {"full_name": "Ada Byron"}
Talk = Callable[..., Any]


@pytest.fixture(params=["legacy", "auto"])
def mode(request: pytest.FixtureRequest) -> str:
    """With the handshake of earlier versions, and without."""
    return request.param


@pytest.fixture
def talk(firm: Firm, mode: str) -> Talk:
    """Run a conversation of somebody with the server, from the first message to the last."""

    def held(
        say: Callable[[Client], Awaitable[Any]],
        *,
        role: str = "owner",
        tenant=None,
        query: str = "",
        token: str = "",
    ) -> Any:
        authorization = token or firm.client(role, tenant).headers["authorization"]

        async def conversation() -> Any:
            async with httpx2.AsyncClient(headers={"authorization": authorization}, timeout=30) as http:
                transport = streamable_http_client(f"{firm.running.url}/api/mcp{query}", http_client=http)
                async with Client(transport, mode=mode) as client:
                    try:
                        return await say(client)
                    except MCPError as refusal:  # raised later: not as one of a group
                        return refusal

        told = asyncio.run(conversation())
        if isinstance(told, MCPError):
            raise told
        return told

    return held


def call(name: str, **arguments: Any) -> Callable[[Client], Awaitable[Any]]:
    return lambda client: client.call_tool(name, arguments)


async def all_tools(client: Client) -> dict[str, Any]:
    found, cursor = {}, None
    while True:
        page = await client.list_tools(cursor=cursor)
        assert len(page.tools) <= TOOLS_A_PAGE
        found |= {tool.name: tool for tool in page.tools}
        cursor = page.next_cursor
        if cursor is None:
            return found


class TestTools:
    def test_each_is_an_action_that_one_may_invoke(self, firm, talk):
        listed = talk(all_tools)
        every = {tools.name_of(action) for action in firm.running.app.state.actions}
        assert listed.keys() == every  # an owner may everything
        few = talk(all_tools, role="technician")
        assert "vehicles-create" in few
        assert not {name for name in few if name.startswith(("contacts-", "audit-"))}

    def test_names_are_legal_everywhere_and_lead_back(self, firm):
        for action in firm.running.app.state.actions:
            name = tools.name_of(action)
            assert len(name) <= 64
            assert name.replace("-", "").replace("_", "").isalnum()
            assert tools.operation_id_of(name) == action.id

    def test_schemas_stand_for_themselves(self, talk):
        for tool in talk(all_tools).values():
            for schema in (tool.input_schema, tool.output_schema):
                Draft202012Validator.check_schema(schema)
                assert schema["type"] == "object"
                assert "#/components" not in json.dumps(schema)

    def test_what_a_client_is_told_of_the_risk(self, talk):
        listed = talk(all_tools)
        hints = {name: tool.annotations for name, tool in listed.items()}
        assert hints["contacts-list"].read_only_hint
        assert not hints["contacts-create"].destructive_hint
        assert (hints["contacts-delete"].destructive_hint, hints["contacts-delete"].idempotent_hint) == (
            True,
            True,
        )
        assert "confirm" in listed["contacts-delete"].input_schema["properties"]
        assert "confirm" not in listed["contacts-create"].input_schema["properties"]
        assert {"dry_run", "idempotency_key"} <= listed["contacts-create"].input_schema["properties"].keys()

    def test_words_of_tools_never_hide_a_parameter(self, firm):
        """Of another meaning: a bulk call's own `dry_run` means the same."""
        for action in firm.running.app.state.actions:
            assert not {tools.CONFIRM, tools.IDEMPOTENCY_KEY} & (
                action.in_query | action.body_fields | action.in_path
            )
            if tools.DRY_RUN in action.in_query | action.body_fields:
                assert "bulk" in action.id

    def test_a_client_may_ask_for_fewer(self, talk):
        few = talk(all_tools, query="?areas=contacts,vehicles&read_only=true")
        assert {"contacts-list", "vehicles-get"} <= few.keys()
        assert {name.partition("-")[0] for name in few} == {"contacts", "vehicles"}
        assert all(tool.annotations.read_only_hint for tool in few.values())
        with pytest.raises(MCPError, match="Unknown tool"):
            talk(call("contacts-create", **ADA), query="?read_only=true")
        with pytest.raises(MCPError, match="Unknown tool"):
            talk(call("contacts-list"), query="?areas=vehicles")

    def test_a_cursor_that_is_not_ours_is_refused(self, talk):
        with pytest.raises(MCPError, match="cursor"):
            talk(lambda client: client.list_tools(cursor="' or 1=1"))


class TestCalls:
    def test_a_row_is_made_by_the_person_who_sent_it(self, firm, talk):
        made = talk(call("contacts-create", **ADA), role="agent").structured_content
        assert made["data"]["full_name"] == "Ada Byron"
        assert firm.sql("select 1 from contacts where id = %s", made["data"]["id"]) == [(1,)]
        who = firm.sql("select actor_kind, actor_id from events where entity_id = %s", made["data"]["id"])
        assert who == [("user", firm.people[firm.a, "agent"])]
        got = talk(call("contacts-get", id=made["data"]["id"]))
        assert got.structured_content["data"] == made["data"]
        assert json.loads(got.content[0].text) == got.structured_content

    def test_what_is_answered_is_what_was_promised(self, firm, talk):
        listed = talk(all_tools)
        made = talk(call("contacts-create", **ADA)).structured_content
        for name, arguments in (
            ("contacts-get", {"id": made["data"]["id"]}),
            ("contacts-list", {"per_page": 2}),
            ("contacts-delete", {"id": made["data"]["id"]}),
            ("settings-get", {}),
        ):
            told = talk(call(name, **arguments))
            assert not told.is_error, told
            schema = {**listed[name].output_schema, "additionalProperties": True}
            Draft202012Validator(schema).validate(told.structured_content)

    def test_a_key_comes_in_with_its_scopes(self, firm, talk):
        wish = {"name": "Assistant", "scopes": ["actions:invoke", "contacts:read"]}
        key = firm.client().post("/api/v1/auth/api-keys", json=wish).json()["data"]["key"]
        listed = talk(all_tools, token=f"Bearer {key}")
        assert "contacts-list" in listed
        assert "contacts-create" not in listed
        refused = talk(call("contacts-create", **ADA), token=f"Bearer {key}")
        assert refused.is_error
        assert refused.structured_content["error"]["code"] == "FORBIDDEN"

    def test_a_refusal_is_an_error_of_the_tool_with_the_code(self, talk):
        missing = talk(call("contacts-create"))
        assert (missing.is_error, missing.structured_content["error"]["code"]) == (True, "INVALID")
        assert missing.structured_content["error"]["details"][0]["field"] == "full_name"
        absent = talk(call("contacts-get", id="0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"))
        assert absent.structured_content["error"]["code"] == "CONTACT_NOT_FOUND"

    def test_another_tenants_row_looks_absent(self, firm, talk):
        theirs = talk(call("contacts-create", **ADA), tenant=firm.b).structured_content["data"]["id"]
        assert talk(call("contacts-get", id=theirs)).is_error
        assert talk(call("contacts-delete", id=theirs)).is_error

    @pytest.mark.parametrize(
        "name", ["contacts-conjure", "auth-log_in", "mcp-message", "actions-batch", "", "x" * 500]
    )
    def test_what_is_no_tool_is_unknown(self, talk, name):
        with pytest.raises(MCPError, match="Unknown tool"):
            talk(call(name))

    def test_the_same_key_twice_is_one_call(self, firm, talk, mode):
        first = talk(call("contacts-create", **ADA, idempotency_key=f"mcp-{mode}"))
        again = talk(call("contacts-create", **ADA, idempotency_key=f"mcp-{mode}"))
        assert again.structured_content["data"] == first.structured_content["data"]

    def test_a_dry_run_leaves_nothing(self, firm, talk):
        tried = talk(call("contacts-create", **ADA, dry_run=True)).structured_content
        assert tried["dry_run"] is True
        assert firm.sql("select 1 from contacts where id = %s", tried["data"]["id"]) == []
        odd = talk(call("contacts-create", **ADA, dry_run="yes"))
        assert odd.structured_content["error"]["details"][0]["field"] == "dry_run"

    def test_calls_count_against_the_rates(self, firm, talk, monkeypatch):
        manners = firm.running.app.state.manners
        monkeypatch.setattr(manners, "limits", Limits({"read": Rate(1, 1)}, tenant_factor=10))

        async def thrice(client: Client) -> list[Any]:
            return [await client.call_tool("contacts-list", {}) for _ in range(2)]

        first, second = talk(thrice)
        assert not first.is_error
        assert second.structured_content["error"]["code"] == "RATE_LIMITED"


class TestConfirmation:
    @pytest.fixture
    def contact(self, firm) -> str:
        return firm.client().post("/api/v1/contacts", json=ADA).json()["data"]["id"]

    def is_there(self, firm, contact) -> bool:
        return firm.sql("select deleted_at is null from contacts where id = %s", contact) == [(True,)]

    def test_the_first_call_says_what_would_happen_and_the_second_does_it_once(self, firm, talk, contact):
        shown = talk(call("contacts-delete", id=contact))
        assert not shown.is_error
        assert shown.structured_content["data"]["id"] == contact  # what would be deleted
        assert shown.structured_content["dry_run"] is True
        assert self.is_there(firm, contact)
        token = shown.structured_content["confirmation"]["token"]

        done = talk(call("contacts-delete", id=contact, confirm=token))
        assert not done.is_error, done
        assert not self.is_there(firm, contact)
        firm.client().post(f"/api/v1/contacts/{contact}/restore")
        again = talk(call("contacts-delete", id=contact, confirm=token))
        assert again.structured_content["error"]["code"] == "CONFIRMATION_USED"
        assert self.is_there(firm, contact)

    def test_it_is_for_that_call_of_that_person_alone(self, firm, talk, contact):
        other = firm.client().post("/api/v1/contacts", json=ADA).json()["data"]["id"]
        token = talk(call("contacts-delete", id=contact)).structured_content["confirmation"]["token"]
        for name, arguments, who in (
            ("contacts-delete", {"id": other}, {}),
            ("contacts-delete", {"id": contact, "if_match": '"1"'}, {}),
            ("contacts-bulk_delete", {"ids": [contact]}, {}),
            ("contacts-delete", {"id": contact}, {"role": "manager"}),
            ("contacts-delete", {"id": contact}, {"tenant": firm.b}),
        ):
            refused = talk(call(name, **arguments, confirm=token), **who)
            assert refused.structured_content["error"]["code"] == "CONFIRMATION_WRONG", (name, who)
        for forged in ("", "x", token[:-4] + "AAAA", token.replace(".", "")):
            refused = talk(call("contacts-delete", id=contact, confirm=forged))
            assert refused.structured_content["error"]["code"] == "CONFIRMATION_WRONG"
        assert self.is_there(firm, contact)
        assert not talk(call("contacts-delete", id=contact, confirm=token)).is_error  # refusals spent nothing

    def test_it_ends_after_a_while(self, firm, talk, contact, monkeypatch):
        token = talk(call("contacts-delete", id=contact)).structured_content["confirmation"]["token"]
        confirmations = firm.running.app.state.mcp._desk.confirmations
        now = confirmations._clock()
        monkeypatch.setattr(confirmations, "_clock", lambda: now + 301)
        late = talk(call("contacts-delete", id=contact, confirm=token))
        assert late.structured_content["error"]["code"] == "CONFIRMATION_WRONG"
        assert self.is_there(firm, contact)

    def test_what_would_fail_asks_for_nothing(self, talk):
        refused = talk(call("contacts-delete", id="0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"))
        assert refused.structured_content["error"]["code"] == "CONTACT_NOT_FOUND"
        forbidden = talk(
            call("contacts-delete", id="0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"), role="technician"
        )
        assert forbidden.structured_content["error"]["code"] == "FORBIDDEN"

    def test_what_cannot_be_tried_is_not_done_unconfirmed_either(self, firm, talk):
        wish = {"name": "K", "scopes": ["contacts:read"]}
        key_id = firm.client().post("/api/v1/auth/api-keys", json=wish).json()["data"]["id"]
        shown = talk(call("api_keys-revoke", id=key_id)).structured_content
        assert shown.keys() == {"confirmation", "dry_run"}
        revoked = "select revoked_at is not null from api_keys where id = %s"
        assert firm.sql(revoked, key_id) == [(False,)]
        talk(call("api_keys-revoke", id=key_id, confirm=shown["confirmation"]["token"]))
        assert firm.sql(revoked, key_id) == [(True,)]

    def test_two_at_once_are_one(self, firm, talk):
        ids = [firm.client().post("/api/v1/contacts", json=ADA).json()["data"]["id"] for _ in range(3)]
        token = talk(call("contacts-bulk_delete", ids=ids)).structured_content["confirmation"]["token"]

        async def together(client: Client) -> list[Any]:
            arguments = {"ids": ids, "confirm": token}
            return await asyncio.gather(
                *(client.call_tool("contacts-bulk_delete", arguments) for _ in range(5))
            )

        told = talk(together)
        assert sorted(each.is_error for each in told) == [False, True, True, True, True]
