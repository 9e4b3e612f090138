"""Customers: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
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


MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    f"{ARTICLES}/{{id}}/feedback": _published,
    f"{ARTICLES}/{{id}}/versions/{{number}}": _version,
}
