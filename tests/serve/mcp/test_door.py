"""What comes to the MCP server's door without a client that knows how: never a failure of ours."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.serve.firm import Firm

PATH = "/api/v1/mcp"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
MODERN = {"mcp-protocol-version": "2026-07-28"}


@pytest.fixture
def owner(firm: Firm) -> httpx.Client:
    return firm.client()


def post(client: httpx.Client, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": "application/json", "accept": "application/json", **headers}
    return client.post(PATH, content=content, headers=sent)


class TestWhoMayComeIn:
    def test_strangers_are_refused(self, firm):
        answer = post(firm.running.client(), LIST)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")

    def test_a_key_needs_the_scope(self, firm, owner):
        wish = {"name": "K", "scopes": ["contacts:read"]}
        key = owner.post("/api/v1/auth/api-keys", json=wish).json()["data"]["key"]
        answer = post(firm.running.client(Authorization=f"Bearer {key}"), LIST)
        assert (answer.status_code, "actions:invoke" in answer.text) == (403, True)

    def test_a_cookie_opens_nothing(self, firm, owner):
        token = owner.headers["authorization"].partition(" ")[2]
        browser = firm.running.client(Cookie=f"throughline_access={token}")
        assert post(browser, LIST).json()["error"]["code"] == "CSRF"
        assert post(browser, LIST, **{"x-requested-with": "page"}).json()["error"]["code"] == "TOKEN_NEEDED"
        assert browser.get(PATH).json()["error"]["code"] == "TOKEN_NEEDED"

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "file://", ""])
    def test_pages_of_other_sites_are_refused(self, owner, origin):
        refused = post(owner, LIST, origin=origin)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ORIGIN_REFUSED")
        assert owner.get(PATH, headers={"origin": origin}).status_code == 403

    def test_our_own_page_may(self, firm, owner):
        assert post(owner, LIST, origin=firm.running.url).status_code == 200


class TestHealth:
    def test_it_says_what_it_speaks(self, owner):
        data = owner.get("/api/mcp").json()["data"]
        assert data["transport"] == "streamable_http"
        assert {"2026-07-28", "2025-11-25"} <= set(data["protocol_versions"])
        assert data["tools"] > owner.get(PATH, params={"areas": "contacts"}).json()["data"]["tools"] > 5
        unknown = owner.get(PATH, params={"areas": "contacts,spells"})
        assert unknown.json()["error"]["details"][0]["message"] == "spells is no area"

    def test_it_opens_no_stream(self, owner):
        answer = owner.get(PATH, headers={"accept": "text/event-stream"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert owner.delete(PATH).status_code == 405


ODD = [
    b"",
    b"{",
    b"nonsense",
    b"\xff\xfe",
    b"null",
    b"7",
    b'"text"',
    b"[]",
    json.dumps([LIST, LIST]).encode(),
    b"{}",
    b'{"jsonrpc": "2.0"}',
    b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": null, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": true, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": 5}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": "x"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "initialize"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 7}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "contacts-list", "arguments": []}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "contacts\\u0000list"}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": 5}}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen"}',
    b'{"jsonrpc": "2.0", "id": 1, "result": {}}',
    b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}}',
    json.dumps(LIST | {"id": "x" * 60_000}).encode(),
    b'{"jsonrpc": "2.0", "id": ' + b"9" * 400 + b', "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": {"progressToken": {}}}}',
    b'{"jsonrpc": "2.0", "id": 1e400, "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": NaN, "method": "ping"}',
]


class TestAbuse:
    @pytest.mark.parametrize("headers", [{}, MODERN], ids=["handshake", "modern"])
    @pytest.mark.parametrize("body", ODD, ids=lambda body: body[:60].decode("latin-1"))
    def test_odd_messages_are_answered_as_json_rpc_does(self, owner, body, headers):
        answer = post(owner, body, **headers)
        assert answer.status_code < 500, answer.text
        if answer.content and answer.status_code != 202:
            told = answer.json()
            assert told.keys() & {"error", "result"}, told
        if answer.status_code >= 400:
            assert "Traceback" not in answer.text

    @pytest.mark.parametrize("version", ["1.0", "2030-01-01", "x" * 1000, "", "2025-11-25, 2026-07-28"])
    def test_versions_that_nobody_speaks(self, owner, version):
        answer = post(owner, LIST, **{"mcp-protocol-version": version})
        assert answer.status_code in (200, 400), answer.text

    def test_a_version_that_we_do_not_know_is_offered_another(self, owner):
        params = {
            "protocolVersion": "1999-01-01",
            "capabilities": {},
            "clientInfo": {"name": "x", "version": "1"},
        }
        answer = post(owner, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
        assert answer.json()["result"]["protocolVersion"] == "2025-11-25"

    @pytest.mark.parametrize("headers", [{}, MODERN], ids=["handshake", "modern"])
    @pytest.mark.parametrize(
        "method", [f"notifications/{each}" for each in ("initialized", "cancelled", "no_such")]
    )
    def test_notifications_are_taken_and_get_no_answer(self, owner, method, headers):
        answer = post(owner, {"jsonrpc": "2.0", "method": method, "params": {"requestId": 1}}, **headers)
        assert answer.status_code == 202
        assert answer.content in (b"", b"null")

    def test_other_kinds_of_content_are_refused(self, owner):
        assert post(owner, LIST, **{"content-type": "text/plain"}).status_code == 415
        assert post(owner, LIST, accept="text/html").status_code == 406

    def test_the_limits_of_bodies_hold(self, firm, owner):
        most = firm.running.app.state.settings.max_body_bytes
        assert post(owner, LIST | {"id": "x" * most}).json()["error"]["code"] == "BODY_TOO_LARGE"
        deep: dict[str, Any] = {}
        for _ in range(100):
            deep = {"a": deep}
        assert post(owner, LIST | {"params": deep}).json()["error"]["code"] == "TOO_DEEP"

    def test_a_session_of_nobodys_is_of_no_consequence(self, owner):
        """There are none: another process may have answered before."""
        assert post(owner, LIST, **{"mcp-session-id": "made-up"}).status_code == 200

    def test_nothing_is_left_running(self, firm, owner):
        async def count() -> int:
            return len(asyncio.all_tasks())

        post(owner, LIST)
        before = firm.running.wait_for(count())
        for _ in range(20):
            post(owner, LIST)
        assert firm.running.wait_for(count()) <= before
