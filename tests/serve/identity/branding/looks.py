"""Looks that tests set, and what is stored of them."""

from __future__ import annotations

from io import BytesIO

import httpx
from PIL import Image

API = "/api/v1/b2b/white-label"
CUSTOM = f"{API}/customization"
GREEN = {
    "branding": {"product_name": "Green Desk", "light": {"accent": "#0f5c4d"}, "legal_lines": ["Green GmbH"]}
}


def said(response: httpx.Response, status: int = 200):
    assert response.status_code == status, response.text
    return response.json()["data"] if status < 300 else response.json()["error"]


def stored(firm, tenant=None) -> list:
    return firm.sql(
        "select number, is_published, note, restored_from from brand_versions where tenant_id = %s order by number",
        str(tenant or firm.a),
    )


def logo(client: httpx.Client, size=(240, 80), colour="#0f5c4d") -> str:
    picture = BytesIO()
    Image.new("RGB", size, colour).save(picture, "PNG")
    made = client.post("/api/v1/files", files={"file": ("logo.png", picture.getvalue(), "image/png")})
    return said(made, 201)["id"]
