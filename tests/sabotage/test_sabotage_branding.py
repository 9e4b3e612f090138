"""What stands before a look that could do harm, taken away piece by piece: the check that stands for it notices."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image

from serve.identity.branding import clients, css, letters, papers, schemas, service, theme
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, of, sql
from tests.serve.identity.branding.test_papers import LETTER, LOOK, SOURCE
from tests.surface import checks, tenancy
from tests.surface.calls import Surface

LOOKS = "/api/v1/b2b/white-label"
CUSTOM = f"{LOOKS}/customization"


def send(surface: Surface, method: str, path: str, body: Any = None, **who: Any) -> httpx.Response:
    headers = {"authorization": surface.token(**who)} if who.get("role", "owner") else {}
    return surface.http.request(method, path, json=body, headers=headers)


def refused(surface: Surface, code: str, body: dict[str, Any], **who: Any) -> None:
    answer = send(surface, "POST", CUSTOM, body, **who)
    assert answer.status_code in (404, 422), answer.text
    assert answer.json()["error"]["code"] == code


def logo(surface: Surface, tenant: UUID | None = None) -> str:
    picture = BytesIO()
    Image.new("RGB", (30, 10), "#0f5c4d").save(picture, "PNG")
    made = surface.http.post(
        "/api/v1/files",
        files={"file": ("logo.png", picture.getvalue(), "image/png")},
        headers={"authorization": surface.token(tenant=tenant)},
    )
    return str(made.json()["data"]["id"])


# What must hold


def scripts_are_refused(surface: Surface) -> None:
    refused(surface, "SCRIPT_REFUSED", {"branding": {"product_name": "javascript:alert(1)"}})


def covers_are_refused(surface: Surface) -> None:
    refused(surface, "STYLE_REFUSED", {"customization": {"custom_css": ".panel { position: fixed }"}})


def addresses_are_refused(surface: Surface) -> None:
    body = {"customization": {"custom_css": ".panel { color: url(//evil.example) }"}}
    refused(surface, "STYLE_REFUSED", body)


def what_is_typed_is_not_read(surface: Surface) -> None:
    body = {"customization": {"custom_css": "input[value^=a] { color: var(--ink) }"}}
    refused(surface, "STYLE_REFUSED", body)


def texts_can_be_read(surface: Surface) -> None:
    refused(surface, "CONTRAST_TOO_LOW", {"branding": {"light": {"ink": "#dddddd"}}})


def pictures_are_ones_own(surface: Surface) -> None:
    body = {"branding": {"logo_id": logo(surface, surface.firm.b)}}
    refused(surface, "BRAND_PICTURE_REFUSED", body)


def a_sibling_is_nowhere(surface: Surface) -> None:
    """Nobody dresses a tenant that is not theirs, though its rows may be read."""
    firm = surface.firm
    firm.sql("update tenants set parent_id = %s where id = %s", str(firm.b), str(firm.umbrella))
    answer = send(surface, "POST", CUSTOM, {"client_id": str(firm.a)}, tenant=firm.umbrella)
    firm.sql("update tenants set parent_id = null where id = %s", str(firm.umbrella))
    assert answer.status_code == 200, "its child"
    firm.sql("update tenants set parent_id = null where id = %s", str(firm.a))
    answer = send(surface, "POST", CUSTOM, {"client_id": str(firm.a)}, tenant=firm.umbrella)
    firm.sql("update tenants set parent_id = %s where id = %s", str(firm.umbrella), str(firm.a))
    assert answer.status_code == 404, "not any more"


def drafts_are_not_shown(surface: Surface) -> None:
    body = {"branding": {"product_name": "Draft"}, "publish": False}
    assert send(surface, "POST", CUSTOM, body).status_code == 200
    shown = send(surface, "GET", f"{LOOKS}/a", role=None).json()["data"]
    assert shown["product_name"] != "Draft"


def one_is_shown(surface: Surface) -> None:
    for _ in range(2):
        assert send(surface, "POST", CUSTOM, {}).status_code == 200
    [(count,)] = surface.firm.sql("select count(*) from brand_versions where is_published")
    assert count == 1


def history_knows(surface: Surface) -> None:
    assert send(surface, "POST", CUSTOM, {}).status_code == 200
    [(events,)] = surface.firm.sql("select count(*) from events where name = 'brand.published'")
    [(versions,)] = surface.firm.sql("select count(*) from brand_versions where published_at is not null")
    assert events == versions


def features_follow(surface: Surface) -> None:
    assert send(surface, "POST", CUSTOM, {"features": ["maps"]}).json()["data"]["features"] == ["maps"]
    said = send(surface, "POST", CUSTOM, {"features": []}).json()["data"]["features"]
    [(is_on,)] = surface.firm.sql("select is_enabled from flags where key = 'maps'")
    assert (said, is_on) == ([], False)


def mails_hold_no_markup(surface: Surface) -> None:
    assert send(surface, "POST", CUSTOM, {}).status_code == 200
    mail = {"to_address": "ada@example.org", "subject": "x", "text": "<script>alert(1)</script>"}
    made = send(surface, "POST", "/api/v1/mails", mail)
    assert made.status_code == 201, made.text
    assert "<script" not in made.json()["data"]["html"]


def papers_are_the_same(surface: Surface) -> None:
    brand = papers.Brand(LOOK)
    assert papers.typeset(SOURCE, LETTER, brand) == papers.typeset(SOURCE, LETTER, brand)


def templates_fetch_nothing(surface: Surface) -> None:
    """Refused by us, before the typesetter could ask anybody."""
    with pytest.raises(papers.PaperFailed) as failed:
        papers.typeset('#import "@preview/cetz:0.3.0"', LETTER, papers.Brand(LOOK))
    assert "templates fetch no packages" in str(failed.value)


def versions_out_of_reach(surface: Surface) -> None:
    firm = surface.firm
    assert send(surface, "POST", CUSTOM, {}, tenant=firm.b).status_code == 200
    tenancy.is_out_of_reach(firm.address, "brand_versions", theirs=firm.b, mine=firm.a)


# Ways to do harm that take more than a line


def whoever_can_be_read(surface: Surface, patch: Patch) -> None:
    patch.setattr(
        clients, "_FOUND", "select id, slug, name from tenants where id::text = $1 and $2 is not null"
    )


def any_value(surface: Surface, patch: Patch) -> None:
    patch.setitem(css.PROPERTIES, "color", lambda tokens: "red")


def the_one_before_stays(surface: Surface, patch: Patch) -> None:
    patch.setattr(service, "_HIDE", "select 1")
    surface.firm.sql("drop index brand_versions_one_published_key")


def features_are_words(surface: Surface, patch: Patch) -> None:
    async def switch(db: Any, wanted: Any) -> None:
        pass

    patch.setattr(service, "switch", switch)


def now_and_then(surface: Surface, patch: Patch) -> None:
    numbers = iter(range(100))
    real = papers._shown
    patch.setattr(papers, "_shown", lambda brand: real(brand) | {"name": f"No {next(numbers)}"})


SABOTAGES = {
    "scripts are not looked for": Sabotage(
        instead(schemas, "scripts_in", lambda sent: ()), scripts_are_refused
    ),
    "style rules are taken as they are": Sabotage(
        instead(css, "styles", lambda source: source), covers_are_refused
    ),
    "values are not looked at": Sabotage(any_value, addresses_are_refused),
    "selectors are taken as they are": Sabotage(
        instead(css, "_selector", lambda rule: "*"), what_is_typed_is_not_read
    ),
    "contrast is not looked at": Sabotage(
        instead(theme, "unreadable", lambda colours: ()), texts_can_be_read
    ),
    "pictures are not looked at": Sabotage(
        instead(
            service,
            "_PICTURE",
            "select 'image/png' as media_type, 1 as size_bytes, 1 as width_px,"
            " 1 as height_px from (select $1::uuid) x",
        ),
        pictures_are_ones_own,
    ),
    "whoever may be read may be dressed": Sabotage(whoever_can_be_read, a_sibling_is_nowhere),
    "the newest is shown, published or not": Sabotage(
        sql(
            "create or replace function public_brand(p_slug text)"
            " returns table (tenant_id uuid, number integer, content jsonb)"
            " language sql stable security definer set search_path = public, pg_temp as $$"
            " select v.tenant_id, v.number, v.content from tenants t join brand_versions v on v.tenant_id = t.id"
            " where t.slug = p_slug order by v.number desc limit 1 $$"
        ),
        drafts_are_not_shown,
    ),
    "what was shown before stays": Sabotage(
        the_one_before_stays,
        one_is_shown,
    ),
    "the trigger of events is dropped": Sabotage(
        sql("drop trigger record_created on brand_versions"), history_knows
    ),
    "If-Match is ignored": Sabotage(
        instead(service, "matches", lambda if_match, etag: True),
        of(checks.updates_ask_for_the_version, f"POST {CUSTOM}"),
    ),
    "features are words alone": Sabotage(features_are_words, features_follow),
    "mails hold texts as they are": Sabotage(
        instead(letters, "escape", lambda text: text), mails_hold_no_markup
    ),
    "papers differ": Sabotage(now_and_then, papers_are_the_same),
    "templates may fetch packages": Sabotage(
        instead(papers, "_PACKAGE", papers.re.compile(r"$^")), templates_fetch_nothing
    ),
    "versions of all tenants may be read": Sabotage(
        sql(
            "drop policy tenant_reads on brand_versions;"
            " create policy tenant_reads on brand_versions for select using (true)"
        ),
        versions_out_of_reach,
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
