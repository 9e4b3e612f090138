"""A nightly export gets a key: it may do what it was given, no more, and only as long as it lasts."""

from __future__ import annotations

GROUP = "api_keys"


def test_a_program_with_a_key(office):
    manager, owner = office.person("manager"), office.person("owner")
    wish = {"name": "Nightly export", "scopes": ["contacts:read", "audit:read"]}
    beyond = manager("POST /api/v1/auth/api-keys", wish, refused=422)  # no manager reads the audit log
    assert beyond.error["details"][0]["field"] == "scopes[1]"
    wish["scopes"] = ["contacts:read"]
    made = manager("POST /api/v1/auth/api-keys", wish)
    program, key_id = office.holder(made.data["key"]), made.data["id"]

    # It may read contacts, and nothing else.
    assert program("GET /api/v1/contacts").data == []
    ada = {"full_name": "Ada Byron"}
    assert "contacts:write" in program("POST /api/v1/contacts", ada, refused=403).error["message"]
    program("GET /api/v1/accounts", refused=403)
    program("POST /api/v1/auth/api-keys", wish, refused=403)
    tried = manager("POST /api/v1/auth/api-keys/{id}/test", id=key_id).data
    assert (tried["accepted"], tried["permissions"]) == (True, ["contacts:read"])
    [listed] = manager("GET /api/v1/auth/api-keys").data
    assert listed["last_used_at"]
    assert "key" not in listed

    # With one scope more it writes, and whoever looks sees whose key it was.
    wider = wish | {"scopes": ["contacts:read", "contacts:write"]}
    changed = manager("PUT /api/v1/auth/api-keys/{id}", wider, id=key_id, if_match=made.etag)
    manager("PUT /api/v1/auth/api-keys/{id}", wish, id=key_id, if_match=made.etag, refused=412)
    contact = program("POST /api/v1/contacts", ada).data["id"]
    [entry] = owner("GET /api/audit", entity_id=contact).data
    assert (entry["actor_kind"], entry["actor_id"]) == ("api_key", key_id)
    assert entry["actor_name"] == "Manager of A"

    # The service restarts; the key stays what it is. Its person becomes a viewer; the key writes no more.
    office.restart()
    assert program("GET /api/v1/contacts/{id}", id=contact).data["full_name"] == "Ada Byron"
    office.firm.sql("update memberships set role = 'viewer' where user_id = %s", manager.id)
    manager.log_in()  # tokens of before count no more
    assert manager("POST /api/v1/auth/api-keys/{id}/test", id=key_id).data["without_effect"] == [
        "contacts:write"
    ]
    office.firm.sql("update memberships set role = 'manager' where user_id = %s", manager.id)
    manager.log_in()

    # The owner sees everybody's keys and revokes this one: from then on it opens nothing.
    office.person("agent")("GET /api/v1/auth/api-keys", everyone="true", refused=403)
    assert key_id in {each["id"] for each in owner("GET /api/v1/auth/api-keys", everyone="true").data}
    owner("DELETE /api/v1/auth/api-keys/{id}", id=key_id, if_match=changed.etag)
    program("GET /api/v1/contacts", refused=401)
    tried = manager("POST /api/v1/auth/api-keys/{id}/test", id=key_id).data
    assert (tried["accepted"], tried["reason"]) == (False, "revoked")
    assert manager("GET /api/v1/auth/api-keys").data[0]["status"] == "revoked"
    manager("PUT /api/v1/auth/api-keys/{id}", wish, id=key_id, refused=409)
    office.catch_up()
    names = {each["name"] for each in owner("GET /api/v1/audit/security-events", entity_id=manager.id).data}
    assert {"api_key.issued", "api_key.revoked"} <= names
