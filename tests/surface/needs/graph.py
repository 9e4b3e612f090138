"""Rows that were put together: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.surface.needs.common import row_of
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface

CONTACTS, MERGES = "/api/v1/contacts", "/api/v1/merges"


def _merged(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """Two contacts that are one."""
    one, other = (surface.make(BY_NAME[f"POST {CONTACTS}"], tenant)["id"] for _ in range(2))
    merge = Call(BY_NAME[f"POST {CONTACTS}/{{id}}/merge"], {"id": one}, json={"from_id": other})
    answer = surface.send(merge, tenant=tenant)
    assert answer.status_code == 200, answer.text
    return {"id": answer.json()["data"]["id"]}


BODIES: dict[str, dict[str, Any]] = {
    f"POST {path}/{{id}}/merge": {"from_id": row_of(path), "take": []}
    for path in (CONTACTS, "/api/v1/leads", "/api/v1/accounts")
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {f"{MERGES}/{{id}}": _merged}

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {f"GET {MERGES}": _merged}
