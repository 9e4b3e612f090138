"""Customers: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface


ARTICLES = "/api/v1/knowledge-base"


def _published(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """An article that readers see."""
    row_id = surface.make(BY_NAME[f"POST {ARTICLES}"], tenant)["id"]
    publish = Call(BY_NAME[f"POST {ARTICLES}/{{id}}/publish"], {"id": row_id}, json={})
    assert surface.send(publish, tenant=tenant).status_code == 200
    return publish.ids


def _version(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    return _published(surface, tenant) | {"number": "1"}


def _ticket(surface: Surface, tenant: UUID | None) -> str:
    """Of a customer of theirs."""
    account = surface.make(BY_NAME["POST /api/v1/accounts"], tenant)["id"]
    ((row_id,),) = surface.firm.sql(
        "insert into tickets (tenant_id, account_id, subject, opened_at)"
        " select tenant_id, id, 'The fuel card is refused', now() from accounts where id = %s returning id",
        account,
    )
    return str(row_id)


def _suggested(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """A suggestion with the article that ``_used`` says was of use."""
    tenant = tenant or surface.firm.a
    article_id = _published(surface, tenant)["id"]
    ((row_id,),) = surface.firm.sql(
        "insert into article_suggestions (tenant_id, found_count) values (%s, 1) returning id", tenant
    )
    surface.firm.sql(
        "insert into article_uses (tenant_id, suggestion_id, article_id, rank) values (%s, %s, %s, 1)",
        *(tenant, row_id, article_id),
    )
    return {"id": str(row_id)}


def _used(surface: Surface) -> str:
    """The article that was suggested last."""
    ((row_id,),) = surface.firm.sql("select article_id from article_uses order by id desc limit 1")
    return str(row_id)


BODIES: dict[str, dict[str, Any]] = {
    f"POST {ARTICLES}/suggestions/{{id}}/use": {"article_id": _used},
}

PARAMETERS: dict[str, dict[str, Any]] = {
    f"GET {ARTICLES}/search": {"q": "card"},
    "GET /api/v1/search": {"q": "ada"},
    f"GET {ARTICLES}/suggestions": {"ticket_id": _ticket},
}

MAKE_NOTHING = {
    f"POST {ARTICLES}/suggestions",
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    f"{ARTICLES}/{{id}}/feedback": _published,
    f"{ARTICLES}/{{id}}/versions/{{number}}": _version,
    f"{ARTICLES}/suggestions/{{id}}/use": _suggested,
}
