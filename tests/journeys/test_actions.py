"""A manager lets an assistant tidy up the contacts: it may do what the manager allows it, and nothing unasked."""

from __future__ import annotations

from itertools import count
from typing import Any

GROUP = "actions"
NUMBERS = count(1)


def ask(somebody: Any, method: str, **params: Any) -> Any:
    """One message to the MCP server."""
    message = {"jsonrpc": "2.0", "id": next(NUMBERS), "method": method, "params": params}
    return somebody("POST /api/mcp", message).response.json()["result"]


def use(somebody: Any, tool: str, **arguments: Any) -> Any:
    return ask(somebody, "tools/call", name=tool, arguments=arguments)


def test_an_assistant_tidies_up(office):
    manager, owner = office.person("manager"), office.person("owner")

    # The manager looks at what there is to do, and takes over ten contacts and a firm in one call.
    found = manager("GET /api/v1/actions", q="contact", per_page=100).data
    assert {"contacts.create", "contacts.bulk_delete"} <= {each["id"] for each in found}
    firm = {
        "id": "firm",
        "operation_id": "accounts.create",
        "params": {"name": "Engines", "kind": "business"},
    }
    schema = manager("GET /api/v1/actions/{operation_id}", operation_id="accounts.create").data[
        "input_schema"
    ]
    firm["params"] = {
        name: "Engines" if name == "name" else schema["properties"][name]["examples"][0]
        for name in schema["required"]
    }
    people = [
        {
            "operation_id": "contacts.create",
            "params": {
                "full_name": f"Person {n}",
                "account_id": "$firm.data.id",
                "external_id": f"old-{n % 9}",
            },
        }
        for n in range(10)
    ]
    key = {"operations": [firm, *people], "mode": "all"}
    undone = manager("POST /api/v1/batch", key, refused=422)  # two have one external id
    assert undone.error["code"] == "BATCH_UNDONE"
    assert manager("GET /api/v1/contacts").data == []
    taken = manager("POST /api/v1/batch", {"operations": [firm, *people]}).data  # each for itself
    assert (taken["succeeded"], taken["failed"]) == (10, 1)
    ids = [each["data"]["id"] for each in taken["results"][1:] if each["error"] is None]

    # An assistant gets a key for contacts (their tags too) and vehicles alone, and sees no tool besides.
    wish = {
        "name": "Assistant",
        "scopes": ["actions:invoke", "contacts:read", "contacts:write", "vehicles:read"],
    }
    made = manager("POST /api/v1/auth/api-keys", wish).data
    assistant = office.holder(made["key"])
    health = assistant("GET /api/mcp").data
    listed = ask(assistant, "tools/list")["tools"]
    assert health["tools"] == len(listed)
    assert {each["name"].partition("-")[0] for each in listed} == {
        "actions",
        "contacts",
        "duplicates",
        "tags",
        "vehicles",
    }
    office.stranger()("GET /api/mcp", refused=401)

    # It corrects a name, and the history says who did it for whom.
    use(assistant, "contacts-patch", id=ids[0], full_name="Ada Byron")
    [entry] = owner("GET /api/audit", entity_id=ids[0], name="contact.updated").data
    assert (entry["actor_kind"], entry["actor_id"]) == ("api_key", made["id"])

    # Nine at once are not deleted by a mere call; the manager reads what would go, and says yes to just that.
    shown = use(assistant, "contacts-bulk_delete", ids=ids)["structuredContent"]
    assert shown["data"]["succeeded"] == 9
    assert manager("GET /api/v1/contacts").meta["total"] == 9
    token = shown["confirmation"]["token"]
    other = use(assistant, "contacts-bulk_delete", ids=ids[:2], confirm=token)
    assert other["structuredContent"]["error"]["code"] == "CONFIRMATION_WRONG"

    # The service restarts, as services do: the word that was given still counts, once.
    office.restart()
    done = use(assistant, "contacts-bulk_delete", ids=ids, confirm=token)
    assert done["isError"] is False
    assert manager("GET /api/v1/contacts").data == []
    again = use(assistant, "contacts-bulk_delete", ids=ids, confirm=token)
    assert again["structuredContent"]["error"]["code"] == "CONFIRMATION_USED"

    # The key is revoked: the door is shut.
    manager("DELETE /api/v1/auth/api-keys/{id}", id=made["id"])
    assistant("POST /api/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, refused=401)
