"""A client's look over HTTP: what was asked is what is stored, shown, published and taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.serve.identity.branding.looks import API, CUSTOM, GREEN, logo, said, stored
from tests.serve.identity.branding.smuggling import BODIES, STYLES, TEXTS, UNFINISHED

pytestmark = pytest.mark.usefixtures("no_look_of_before")


class TestSetting:
    def test_what_is_set_is_what_is_shown(self, firm, owner):
        body = GREEN | {
            "customization": {"radiusPx": 4, "font": "serif"},
            "features": ["new-checkout-1"],
            "note": "Spring",
        }
        answer = owner.post(CUSTOM, json=body | {"clientId": str(firm.a)})
        data = said(answer)
        assert (data["version"], data["newest_version"]) == (1, 1)
        assert (data["branding"]["product_name"], data["branding"]["light"]["accent"]) == (
            "Green Desk",
            "#0f5c4d",
        )
        assert (data["customization"]["radius_px"], data["features"]) == (4, ["new-checkout-1"])
        assert answer.json()["meta"] == {"client_id": str(firm.a), "slug": "a"}
        read = firm.client("viewer").get(CUSTOM)
        assert (said(read), read.headers["etag"]) == (data, answer.headers["etag"])
        assert stored(firm) == [(1, True, "Spring", None)]
        made_by = firm.sql("select made_by from brand_versions")
        assert made_by == [(firm.people[firm.a, "owner"],)]

    def test_without_anything_it_is_ours(self, owner):
        data = said(owner.get(CUSTOM))
        assert (data["version"], data["newest_version"], data["features"]) == (None, None, [])
        assert data["branding"]["product_name"] is None

    def test_only_who_may(self, firm):
        for role in ("manager", "agent", "viewer", "customer"):
            refused = firm.client(role).post(CUSTOM, json=GREEN)
            assert "branding:write" in said(refused, 403)["message"]
            assert firm.client(role).delete(CUSTOM).status_code == 403
            assert firm.client(role).get(f"{CUSTOM}/versions").status_code == 403
        assert firm.client("admin").post(CUSTOM, json=GREEN).status_code == 200

    def test_a_stranger_is_nowhere(self, firm, owner):
        b = firm.client(tenant=firm.b)
        said(b.post(CUSTOM, json=GREEN))
        for client_id in (
            str(firm.b),
            "b",
            str(firm.umbrella),
            "umbrella",
            str(uuid4()),
            "nobody",
            "x' or '1'='1",
        ):
            answers = [
                owner.post(CUSTOM, json=GREEN | {"client_id": client_id}),
                owner.post(f"{CUSTOM}/preview", json=GREEN | {"client_id": client_id}),
                owner.post(f"{CUSTOM}/versions/1/rollback", json={"client_id": client_id}),
                owner.post(f"{CUSTOM}/versions/1/publish", params={"client_id": client_id}),
                owner.get(CUSTOM, params={"client_id": client_id}),
                owner.get(f"{CUSTOM}/versions", params={"client_id": client_id}),
                owner.get(f"{CUSTOM}/versions/1", params={"client_id": client_id}),
                owner.delete(CUSTOM, params={"client_id": client_id}),
            ]
            assert {said(each, 404)["code"] for each in answers} == {"CLIENT_NOT_FOUND"}
        assert stored(firm) == []
        assert stored(firm, firm.b) == [(1, True, None, None)]

    def test_an_umbrella_dresses_its_child(self, firm, owner):
        above = firm.client("admin", tenant=firm.umbrella)
        said(above.post(CUSTOM, json={"branding": {"product_name": "Umbrella"}}))
        answer = above.post(CUSTOM, json=GREEN | {"client_id": "a", "features": ["maps-5"]})
        assert answer.json()["meta"]["client_id"] == str(firm.a)
        assert said(owner.get(CUSTOM)) == said(answer)
        assert said(above.get(CUSTOM))["branding"]["product_name"] == "Umbrella"
        assert stored(firm) == [(1, True, None, None)]
        events = firm.sql(
            "select name, actor_id from events where tenant_id = %s and entity_type in ('brand_version', 'flag')"
            " order by position desc limit 2",
            str(firm.a),
        )
        admin = firm.people[firm.umbrella, "admin"]
        assert sorted(events) == [("brand.published", admin), ("flag.created", admin)]
        assert (
            firm.client("manager", tenant=firm.umbrella).post(CUSTOM, json={"client_id": "a"}).status_code
            == 403
        )
        assert said(above.delete(CUSTOM, params={"client_id": str(firm.a)}))["version"] is None

    def test_repeated_with_a_key_it_is_one(self, firm):
        above = firm.client(tenant=firm.umbrella)
        key = {"Idempotency-Key": str(uuid4())}
        first, again = (above.post(CUSTOM, json=GREEN | {"client_id": "a"}, headers=key) for _ in range(2))
        assert said(first) == said(again)
        assert again.headers["idempotency-replayed"] == "true"
        assert len(stored(firm)) == 1

    def test_a_try_changes_nothing(self, firm, owner):
        tried = owner.post(CUSTOM, json=GREEN | {"features": ["maps-7"]}, headers={"X-Dry-Run": "true"})
        assert said(tried)["version"] == 1
        assert (stored(firm), firm.sql("select 1 from flags where key = 'maps-7'")) == ([], [])


class TestRefusals:
    def test_a_colour_that_cannot_be_read(self, firm, owner):
        for publish in (True, False):
            body = {"branding": {"light": {"accent": "#ffd400"}}, "publish": publish}
            error = said(owner.post(CUSTOM, json=body), 422)
            assert error["code"] == "CONTRAST_TOO_LOW"
            assert {
                "field": "branding.light.accent",
                "message": "accent_ink on accent has a contrast of 1.43 to 1; text needs 4.5 to 1",
            } in error["details"]
        assert stored(firm) == []

    @pytest.mark.parametrize("body", BODIES, ids=str)
    def test_scripts(self, firm, owner, body):
        for path in (CUSTOM, f"{CUSTOM}/preview"):
            error = said(owner.post(path, json=body), 422)
            assert (error["code"], len(error["details"])) == ("SCRIPT_REFUSED", 1)
        assert stored(firm) == []

    def test_nothing_of_the_corpus_is_kept(self, firm, owner):
        for source in STYLES:
            if source not in UNFINISHED:
                assert (
                    owner.post(CUSTOM, json={"customization": {"custom_css": source}}).status_code == 422
                ), source
        for text in TEXTS:
            for field in ("product_name", "support_address"):
                assert owner.post(CUSTOM, json={"branding": {field: text}}).status_code == 422, text
            assert owner.post(CUSTOM, json={"branding": {"legal_lines": [text]}}).status_code == 422, text
            assert owner.post(CUSTOM, json={"note": text}).status_code == 422, text
        assert stored(firm) == []

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"branding": {"light": {"ink": "red"}}}, "branding.light.ink"),
            ({"branding": {"legalLines": ["x"] * 5}}, "branding.legalLines"),
            ({"customization": {"font": "Comic Sans"}}, "customization.font"),
            ({"customization": {"radius_px": 25}}, "customization.radius_px"),
            ({"customization": {"custom_css": "x" * 20_001}}, "customization.custom_css"),
            ({"features": ["No Key"]}, "features[0]"),
            ({"brandings": {}}, "brandings"),
        ],
    )
    def test_a_wrong_value_names_its_field(self, owner, body, field):
        assert [each["field"] for each in said(owner.post(CUSTOM, json=body), 422)["details"]] == [field]

    def test_pictures_are_the_clients_own_and_pictures(self, firm, owner):
        theirs = logo(firm.client(tenant=firm.b))
        note = said(owner.post("/api/v1/files", files={"file": ("note.txt", b"words", "text/plain")}), 201)[
            "id"
        ]
        large = logo(owner, size=(2100, 2000))
        gone = logo(owner)
        said(owner.delete(f"/api/v1/files/{gone}"))
        for file_id, why in (
            (theirs, "names none of the client's files"),
            (gone, "names none of the client's files"),
            (note, "must be PNG, JPEG, GIF or WebP"),
            (large, "must not have more than 4 million pixels"),
        ):
            error = said(owner.post(CUSTOM, json={"branding": {"logo_id": file_id}}), 422)
            assert error["code"] == "BRAND_PICTURE_REFUSED"
            assert error["details"] == [{"field": "branding.logo_id", "message": why}]


class TestVersions:
    def test_from_draft_to_rollback(self, firm, owner):
        said(owner.post(CUSTOM, json=GREEN))
        draft = said(owner.post(CUSTOM, json={"branding": {"product_name": "Blue"}, "publish": False}))
        assert (draft["version"], draft["newest_version"]) == (1, 2)
        assert said(owner.get(f"{API}/a"))["product_name"] == "Green Desk"
        shown = said(owner.post(f"{CUSTOM}/versions/2/publish"))
        assert (shown["version"], shown["branding"]["product_name"]) == (2, "Blue")
        assert said(owner.get(f"{API}/a"))["product_name"] == "Blue"
        back = said(owner.post(f"{CUSTOM}/versions/1/rollback", json={}))
        assert (back["version"], back["branding"]["product_name"]) == (3, "Green Desk")
        assert stored(firm) == [(1, False, None, None), (2, False, None, None), (3, True, "As version 1", 1)]
        listed = owner.get(f"{CUSTOM}/versions", params={"per_page": 2})
        assert [each["number"] for each in said(listed)] == [3, 2]
        assert listed.json()["meta"]["total"] == 3
        one = said(owner.get(f"{CUSTOM}/versions/2"))
        assert (one["branding"]["product_name"], one["is_published"]) == ("Blue", False)
        names = firm.sql(
            "select name from events where entity_type = 'brand_version' and tenant_id = %s"
            " order by position desc limit 6",
            str(firm.a),
        )
        assert [name for (name,) in names][::-1] == [
            *("brand.published", "brand.drafted", "brand.replaced", "brand.published", "brand.replaced"),
            "brand.published",
        ]

    def test_taken_back_it_is_ours_and_the_versions_stay(self, firm, owner):
        assert said(owner.delete(CUSTOM), 409)["code"] == "NOTHING_PUBLISHED"
        said(owner.post(CUSTOM, json=GREEN | {"features": ["maps-14"]}))
        gone = said(owner.delete(CUSTOM))
        assert (gone["version"], gone["newest_version"], gone["features"]) == (None, 1, [])
        assert said(owner.get(f"{API}/a"))["product_name"] == "Throughline"
        assert said(owner.post(f"{CUSTOM}/versions/1/publish"))["features"] == ["maps-14"]

    def test_a_lost_update_is_refused(self, firm, owner):
        read = owner.get(CUSTOM).headers["etag"]
        first = owner.post(CUSTOM, json=GREEN, headers={"If-Match": read})
        assert first.status_code == 200
        late = [
            owner.post(CUSTOM, json=GREEN, headers={"If-Match": read}),
            owner.post(f"{CUSTOM}/versions/1/publish", headers={"If-Match": read}),
            owner.post(f"{CUSTOM}/versions/1/rollback", json={}, headers={"If-Match": read}),
            owner.delete(CUSTOM, headers={"If-Match": read}),
        ]
        assert {said(each, 412)["code"] for each in late} == {"CHANGED_MEANWHILE"}
        assert late[0].headers["etag"] == first.headers["etag"]
        assert len(stored(firm)) == 1

    def test_at_once_each_is_a_version_and_one_is_shown(self, firm):
        clients = [firm.client() for _ in range(6)]

        def change(index: int) -> int:
            return clients[index].post(CUSTOM, json={"branding": {"product_name": f"No {index}"}}).status_code

        with ThreadPoolExecutor(6) as threads:
            assert set(threads.map(change, range(6))) == {200}
        assert [(number, is_published) for number, is_published, _, _ in stored(firm)] == [
            (number, number == 6) for number in range(1, 7)
        ]

    def test_of_many_with_one_etag_one_wins(self, firm):
        read = firm.client().get(CUSTOM).headers["etag"]
        clients = [firm.client() for _ in range(6)]

        def change(client: httpx.Client) -> int:
            return client.post(CUSTOM, json=GREEN, headers={"If-Match": read}).status_code

        with ThreadPoolExecutor(6) as threads:
            assert sorted(threads.map(change, clients)) == [200, *[412] * 5]
        assert len(stored(firm)) == 1

    def test_an_unknown_one(self, owner):
        for answer in (
            owner.get(f"{CUSTOM}/versions/7"),
            owner.post(f"{CUSTOM}/versions/7/publish"),
            owner.post(f"{CUSTOM}/versions/7/rollback", json={}),
        ):
            assert said(answer, 404)["code"] == "BRAND_VERSION_NOT_FOUND"
        assert owner.get(f"{CUSTOM}/versions/0").status_code == 422

    def test_what_is_published_later_is_checked_again(self, firm, owner):
        file_id = logo(owner)
        said(owner.post(CUSTOM, json={"branding": {"logo_id": file_id}, "publish": False}))
        said(owner.delete(f"/api/v1/files/{file_id}"))
        assert said(owner.post(f"{CUSTOM}/versions/1/publish"), 422)["code"] == "BRAND_PICTURE_REFUSED"
        assert stored(firm) == [(1, False, None, None)]

    def test_what_no_longer_fits_is_ours(self, firm, owner):
        said(owner.post(CUSTOM, json=GREEN))
        firm.sql("""update brand_versions set content = '{"branding": {"product_name": "<script>"}}'""")
        assert said(owner.get(f"{API}/a"))["product_name"] == "Throughline"
        assert said(owner.get(CUSTOM))["version"] == 1
