"""Pairs that may be one person: what does not follow from the document, because a matching finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface

CONTACTS, PEOPLE = "/api/v1/contacts", "/api/v1/people"
_FOUND = """
    insert into person_links (tenant_id, left_kind, left_id, right_kind, right_id, probability, evidence, model_version,
        found_at)
    values (%s, 'contact', least(%s, %s)::uuid, 'contact', greatest(%s, %s)::uuid, 0.97, '{"email": 11.5}', 'm1', now())
    returning id
"""


def _found(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """Two contacts that may be one person."""
    one, other = (surface.make(BY_NAME[f"POST {CONTACTS}"], tenant)["id"] for _ in range(2))
    [(link_id,)] = surface.firm.sql(_FOUND, tenant or surface.firm.a, one, other, one, other)
    return {"id": str(link_id)}


def _decided(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    ids = _found(surface, tenant)
    confirm = Call(BY_NAME[f"POST {PEOPLE}/links/{{id}}/confirm"], ids)
    answer = surface.send(confirm, tenant=tenant)
    assert answer.status_code == 200, answer.text
    return ids


def _person(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    return {"kind": "contact", "id": surface.make(BY_NAME[f"POST {CONTACTS}"], tenant)["id"]}


MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    f"{PEOPLE}/links/{{id}}/reopen": _decided,
    f"{PEOPLE}/links/{{id}}": _found,
    f"{PEOPLE}/{{kind}}": _person,
}

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {f"GET {PEOPLE}/links": _found}
