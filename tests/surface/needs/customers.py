"""Leads, contacts and accounts: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.serve.crm import lead_model
from tests.surface.needs.common import number
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface

WITH_NOTES = ("accounts", "contacts", "leads")
WITH_TAGS = (*WITH_NOTES, "tickets")


def part_of(collection: str, part: str, name: str, body: dict[str, Any]) -> Callable[..., dict[str, str]]:
    """A new row, and a new part of it: ``name`` is the part's place in the path."""

    def make(surface: Surface, tenant: UUID | None) -> dict[str, str]:
        row_id = surface.make(BY_NAME[f"POST {collection}"], tenant)["id"]
        added = BY_NAME[f"POST {collection}/{{id}}/{part}"]
        made = surface.send(Call(added, {"id": row_id}, json=body), tenant=tenant)
        assert made.is_success, made.text
        data = made.json()["data"]
        return {"id": row_id, name: (data[0] if isinstance(data, list) else data)["id"]}

    return make


def _row(collection: str) -> Callable[[Surface], list[str]]:
    made_by = f"POST {collection}"
    return lambda surface: [surface.make(BY_NAME[made_by], surface.at_work_for)["id"]]


def _colleague(surface: Surface) -> str:
    return str(surface.firm.people[surface.at_work_for or surface.firm.a, "agent"])


def _members(surface: Surface) -> list[dict[str, str]]:
    return [{"user_id": _colleague(surface)}]


def _with_a_model(surface: Surface, tenant: UUID | None) -> None:
    lead_model.publish(surface.firm.running.app.state.models, tenant or surface.firm.a)


def _analysed(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    row_id = surface.make(BY_NAME["POST /api/v1/leads"], tenant)["id"]
    analyse = Call(BY_NAME["POST /api/v1/leads/{id}/analyze"], {"id": row_id})
    assert surface.send(analyse, tenant=tenant).is_success
    return analyse.ids


def _converted(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    row_id = surface.make(BY_NAME["POST /api/v1/leads"], tenant)["id"]
    convert = Call(BY_NAME["POST /api/v1/leads/{id}/convert"], {"id": row_id}, json={})
    assert surface.send(convert, tenant=tenant).is_success
    return convert.ids


MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    f"/api/v1/{name}/{{id}}/{part}/{{": part_of(f"/api/v1/{name}", part, place, body)
    for names, part, place, body in (
        (WITH_NOTES, "notes", "note_id", {"body": "Call again."}),
        (WITH_TAGS, "tags", "tag_id", {"name": "surface"}),
    )
    for name in names
} | {"/api/v1/leads/{id}/conversion": _converted, "/api/v1/leads/{id}/analysis": _analysed}
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/tags": {"name": number("tag {}")},
    "/api/v1/lead-assignment-rules": {"name": number("Rule {}"), "members": _members, "is_active": False},
    "POST /api/v1/leads/{id}/assign": {"user_id": _colleague},
    **{f"POST /api/v1/{name}/bulk-tag": {"ids": _row(f"/api/v1/{name}")} for name in WITH_TAGS},
    **{
        f"POST /api/v1/{path}": {"tag_id": None, "name": "surface"}
        for path in (
            "leads/{id}/tags",
            "leads/{id}/tag",
            "contacts/{id}/tags",
            "accounts/{id}/tags",
            "tickets/{id}/tags",
        )
    },
    "PATCH /api/v1/leads/{id}/status": {"status": "contacted"},
}

PREPARED: dict[str, Callable[[Surface, UUID | None], Any]] = {
    "POST /api/v1/leads/{id}/score": _with_a_model,
}
