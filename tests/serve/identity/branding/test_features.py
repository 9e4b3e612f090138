"""What a client's look says of features is what its people get."""

from __future__ import annotations

import pytest

from tests.serve.identity.branding.looks import CUSTOM, said, stored

pytestmark = pytest.mark.usefixtures("no_look_of_before")


class TestFeatures:
    def has(self, firm, key: str, tenant=None) -> bool | None:
        """What somebody of the client gets, past the copy in memory."""
        firm.running.app.state.flags.copies._copies.clear()
        found = firm.client("agent", tenant).post("/api/v1/feature-flags/evaluate", json={"keys": [key]})
        [given] = said(found) or [{"value": None}]
        return given["value"]

    def test_what_the_array_says_is_what_people_get(self, firm, owner):
        said(owner.post(CUSTOM, json={"features": ["maps-21", "chat-21", "maps-21"]}))
        assert said(owner.get(CUSTOM))["features"] == ["chat-21", "maps-21"]
        assert (self.has(firm, "maps-21"), self.has(firm, "chat-21"), self.has(firm, "chat-21", firm.b)) == (
            True,
            True,
            None,
        )
        said(owner.post(CUSTOM, json={"features": ["chat-21"]}))
        assert said(owner.get(CUSTOM))["features"] == ["chat-21"]
        assert (self.has(firm, "maps-21"), self.has(firm, "chat-21")) == (False, True)
        said(owner.post(f"{CUSTOM}/versions/1/rollback", json={}))
        assert self.has(firm, "maps-21")

    def test_a_draft_switches_nothing(self, firm, owner):
        said(owner.post(CUSTOM, json={"features": ["maps-22"], "publish": False}))
        assert (said(owner.get(CUSTOM))["features"], self.has(firm, "maps-22")) == ([], None)

    def test_a_flag_that_is_there_keeps_its_own_rules(self, firm, owner):
        rule = {
            "name": "Agents not",
            "conditions": [{"attribute": "role", "values": ["agent"]}],
            "variant": "off",
        }
        flag = said(
            owner.post("/api/v1/feature-flags", json={"key": "maps-23", "name": "Maps", "rules": [rule]}), 201
        )
        said(owner.post(CUSTOM, json={"features": ["maps-23"]}))
        assert self.has(firm, "maps-23")
        said(owner.post(CUSTOM, json={"features": []}))
        kept = said(owner.get(f"/api/v1/feature-flags/{flag['id']}"))
        assert ([each["name"] for each in kept["rules"]], kept["is_enabled"]) == (["Agents not"], False)

    def test_what_somebody_switches_off_is_not_said_to_be_on(self, firm, owner):
        said(owner.post(CUSTOM, json={"features": ["maps-24"]}))
        [(row_id,)] = firm.sql("select id::text from flags where key = 'maps-24'")
        said(owner.patch(f"/api/v1/feature-flags/{row_id}", json={"is_enabled": False}))
        assert said(owner.get(CUSTOM))["features"] == []
        said(owner.delete(f"/api/v1/feature-flags/{row_id}"))
        assert said(owner.post(CUSTOM, json={"features": ["maps-24"]}))["features"] == ["maps-24"]

    def test_what_cannot_be_one_is_refused_by_its_place(self, firm, owner):
        variants = {"kind": "variants", "variants": [{"name": "x"}], "default_variant": "x"}
        said(owner.post("/api/v1/feature-flags", json={"key": "several-25", "name": "x"} | variants), 201)
        old = said(owner.post("/api/v1/feature-flags", json={"key": "old-25", "name": "x"}), 201)["id"]
        said(owner.post(f"/api/v1/feature-flags/{old}/archive"))
        error = said(owner.post(CUSTOM, json={"features": ["maps-25", "several-25", "old-25"]}), 422)
        assert error["code"] == "FEATURE_REFUSED"
        assert [each["field"] for each in error["details"]] == ["features[1]", "features[2]"]
        assert stored(firm) == []
        assert firm.sql("select 1 from flags where key = 'maps-25'") == []
