"""A new way to do something comes to a company: first to a few, then to all, and every step can be looked back at."""

from __future__ import annotations

import time

GROUP = "flags"
NEVER_S = 2.0


def test_a_new_checkout_comes_step_by_step(office):
    owner, manager, agent = (office.person(role) for role in ("owner", "manager", "agent"))

    def has(person, expected: bool) -> None:
        """What the person gets, at the latest two seconds after the change."""
        asked_at = time.monotonic()
        body = {"keys": ["new-checkout"], "note_exposure": True}
        while person("POST /api/v1/feature-flags/evaluate", body).data[0]["value"] is not expected:
            assert time.monotonic() - asked_at < NEVER_S
            time.sleep(0.05)

    # It is there, and off. Whoever only works with it may not touch it.
    agent("POST /api/v1/feature-flags", {"key": "new-checkout", "name": "New checkout"}, refused=403)
    made = owner("POST /api/v1/feature-flags", {"key": "new-checkout", "name": "New checkout"}).data
    assert [each["key"] for each in manager("GET /api/v1/feature-flags").data] == ["new-checkout"]
    assert office.person("manager", tenant="b")("GET /api/v1/feature-flags").data == []

    # The managers first; before it is saved it is clear whom that reaches.
    managers = {"name": "Managers", "conditions": [{"attribute": "role", "values": ["manager"]}]}
    flag = owner("GET /api/v1/feature-flags/{id}", id=made["id"])
    plan = {"is_enabled": True, "percent": 0, "rules": [managers]}
    seen = manager("POST /api/v1/feature-flags/{id}/preview", {"changes": plan}, id=made["id"]).data
    assert [each["role"] for each in seen["members"] if each["is_changed"]] == ["manager"]
    body = {"key": "new-checkout", "name": "New checkout", **plan}
    owner("PUT /api/v1/feature-flags/{id}", body, id=made["id"], if_match=flag.etag)
    owner("PUT /api/v1/feature-flags/{id}", body, id=made["id"], if_match=flag.etag, refused=412)
    has(manager, True)
    has(agent, False)
    rating = {"rating": 4, "comment": "Quicker."}
    manager("PUT /api/v1/feature-flags/{id}/feedback", rating, id=made["id"])
    # An agent wants to be among the first, and half of the beta users get it the short way.
    agent("PUT /api/v1/experimental/beta-users/me")
    half = {
        "flag_id": made["id"],
        "name": "Short or long",
        "hypothesis": "Short brings more jobs.",
        "primary_metric": "revenue_cents",
        "variants": [{"name": "short", "value": True}, {"name": "long", "value": False}],
        "conditions": [{"attribute": "is_beta", "values": [True]}],
    }
    tried = owner("POST /api/v1/experiments", half).data
    owner("POST /api/v1/experiments/{id}/start", id=tried["id"])
    asked_at = time.monotonic()
    while True:
        asked = {"keys": ["new-checkout"], "note_exposure": True}
        [found] = agent("POST /api/v1/feature-flags/evaluate", asked).data
        if found["reason"] == "experiment":
            break
        assert time.monotonic() - asked_at < NEVER_S
    state = office.running.app.state
    office.running.wait_for(state.flags.sightings.write(state.worker_database))
    seen = manager("GET /api/v1/experimental/features").data
    assert [each["user_id"] for each in seen["beta_users"]] == [agent.id]
    [flag] = seen["feature_flags"]
    assert flag["experiment_id"] == tried["id"]
    [ran] = seen["metrics"]["experiments"]
    assert {each["variant"]: each["exposed_count"] for each in ran["variants"]}[found["variant"]] == 1
    [used] = seen["metrics"]["features"]
    assert (used["feedback_count"], used["rating_mean"]) == (1, 4.0)
    owner("POST /api/v1/experiments/{id}/stop", id=tried["id"])
    owner("POST /api/v1/experiments/{id}/start", id=tried["id"], refused=409)

    # Everybody, also after a restart.
    manager("PUT /api/v1/feature-flags/{id}", {**body, "percent": 100, "rules": []}, id=made["id"])
    has(agent, True)
    office.restart()
    has(agent, True)
    history = manager("GET /api/v1/feature-flags/{id}/history", id=made["id"]).data
    assert [(change["actor_name"], change["name"]) for change in history] == [
        ("Manager of A", "flag.updated"),
        ("Owner of A", "flag.updated"),
        ("Owner of A", "flag.created"),
    ]
    assert history[0]["before"]["percent"] == 0


def test_what_the_api_gives_and_what_goes_away(office):
    owner, manager, agent = (office.person(role) for role in ("owner", "manager", "agent"))
    versions = manager("GET /api/v1/api/versioning/management").data
    assert versions["current_version"] == "v1"
    assert all(each["sunset_on"] for each in versions["deprecated_calls"])
    owner("PUT /api/v1/api/versioning/management", {"sunsets": []})
    manager("PUT /api/v1/api/versioning/management", {"sunsets": []}, refused=403)
    limits = manager("GET /api/v1/api/rate-limiting/advanced", endpoint="GET /api/v1/contacts").data
    assert limits["endpoint"] == "GET /api/v1/contacts"
    assert limits["limits"].keys() == limits["burst"].keys() == {"read", "write", "export", "auth"}
    assert owner("PUT /api/v1/api/rate-limiting/advanced", {"limits": {}}).data["refusals"] == []
    manager("PUT /api/v1/api/rate-limiting/advanced", {"limits": {}}, refused=403)
    agent("GET /api/v1/api/rate-limiting/advanced", refused=403)
