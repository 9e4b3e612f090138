"""What everybody may see of a look: without a log-in, remembered, and no other file than the logo."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tests.serve.identity.branding.looks import API, CUSTOM, GREEN, logo, said

pytestmark = pytest.mark.usefixtures("no_look_of_before")


class TestEverybody:
    def test_a_name_that_nobody_has_looks_like_ours(self, firm, owner):
        stranger = firm.running.client()
        nowhere, without = (stranger.get(f"{API}/{slug}") for slug in ("nobody-at-all", "b"))
        assert (nowhere.status_code, without.status_code) == (200, 200)
        assert nowhere.text.replace("nobody-at-all", "b") == without.text
        assert stranger.get(f"{API}/No Slug").status_code == 422

    def test_it_is_asked_once_and_kept(self, firm, owner):
        said(owner.post(CUSTOM, json=GREEN))
        stranger = firm.running.client()
        first = stranger.get(f"{API}/a")
        assert said(first)["legal_lines"] == ["Green GmbH"]
        assert "new-checkout-27" not in first.text
        assert str(firm.a) not in first.text
        again = stranger.get(f"{API}/a", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        said(owner.post(CUSTOM, json={}))
        assert stranger.get(f"{API}/a", headers={"If-None-Match": first.headers["etag"]}).status_code == 200

    def test_the_style_sheet(self, firm, owner):
        rules = {"customization": {"custom_css": ".panel { border-width: 3px }"}}
        said(owner.post(CUSTOM, json=GREEN | rules))
        stranger = firm.running.client()
        url = said(stranger.get(f"{API}/a"))["stylesheet_url"]
        sheet = stranger.get(url)
        assert sheet.headers["content-type"] == "text/css; charset=utf-8"
        assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "--accent: #0f5c4d;" in sheet.text
        assert sheet.text.endswith(".panel{border-width:3px}\n")
        said(owner.post(CUSTOM, json=GREEN))
        assert stranger.get(url).headers["cache-control"] == "public, no-cache"
        assert said(stranger.get(f"{API}/a"))["stylesheet_url"] != url

    def test_the_logo_and_no_other_file(self, firm, owner):
        file_id, other = logo(owner), logo(owner, colour="#ff0000")
        stranger = firm.running.client()
        assert said(stranger.get(f"{API}/a/logo"), 404)["code"] == "BRAND_PICTURE_NOT_FOUND"
        said(owner.post(CUSTOM, json={"branding": {"logo_id": file_id}}))
        url = said(stranger.get(f"{API}/a"))["logo_url"]
        picture = stranger.get(url)
        assert picture.headers["content-type"] == "image/png"
        assert Image.open(BytesIO(picture.content)).size == (240, 80)
        assert stranger.get(url, headers={"If-None-Match": picture.headers["etag"]}).status_code == 304
        assert stranger.get(f"{API}/a/favicon").status_code == 404
        assert stranger.get(f"{API}/b/logo").status_code == 404
        said(owner.post(CUSTOM, json={"branding": {"logo_id": other}, "publish": False}))
        assert stranger.get(url).content == picture.content
        said(owner.delete(f"/api/v1/files/{file_id}"))
        assert stranger.get(url).status_code == 404
