"""Tickets: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from serve.crm.tickets.satisfaction import PURPOSE
from serve.identity.account_tokens.service import issue_token
from tests.surface.needs.common import number, row_of
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface

TICKETS = "/api/v1/tickets"


def _resolved(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    row_id = surface.make(BY_NAME[f"POST {TICKETS}"], tenant)["id"]
    resolve = Call(BY_NAME[f"POST {TICKETS}/{{id}}/resolve"], {"id": row_id}, json={"resolution": "Done"})
    assert surface.send(resolve, tenant=tenant).status_code == 200
    return resolve.ids


def _beside(surface: Surface, tenant: UUID | None, **fields: str) -> dict[str, Any]:
    """A ticket with these values in the place of the usual ones."""
    made = BY_NAME[f"POST {TICKETS}"]
    answer = surface.send(Call(made, json={"subject": "Another", **fields}), tenant=tenant)
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()["data"]
    return row


def _one_of_two(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """A ticket that may be merged into the one that ``_other`` makes."""
    row = surface.make(BY_NAME[f"POST {TICKETS}"], tenant)
    _ACCOUNT[:] = [row["account_id"]]
    return {"id": row["id"]}


def _other(surface: Surface) -> str:
    row_id: str = _beside(surface, surface.at_work_for, account_id=_ACCOUNT[0])["id"]
    return row_id


def _merged(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    target = surface.make(BY_NAME[f"POST {TICKETS}"], tenant)
    source = _beside(surface, tenant, account_id=target["account_id"])
    merge = Call(
        BY_NAME[f"POST {TICKETS}/{{id}}/merge"], {"id": source["id"]}, json={"into_id": target["id"]}
    )
    assert surface.send(merge, tenant=tenant).status_code == 200
    return merge.ids


def _of_somebody_of(surface: Surface, tenant: UUID | None) -> str:
    """A ticket of a contact with a name."""
    account_id = surface.make(BY_NAME["POST /api/v1/accounts"], tenant)["id"]
    person = {"full_name": "Ada Byron", "account_id": account_id}
    contact = surface.send(Call(BY_NAME["POST /api/v1/contacts"], json=person), tenant=tenant)
    row_id: str = _beside(surface, tenant, contact_id=contact.json()["data"]["id"])["id"]
    return row_id


def _rating_link(surface: Surface) -> str:
    """What would stand in the mail about a ticket that was resolved."""
    tenant = surface.at_work_for or surface.firm.a
    row_id = UUID(_resolved(surface, tenant)["id"])

    async def made() -> str:
        async with surface.firm.running.app.state.database.transaction() as db:
            return await issue_token(
                db, PURPOSE, life=timedelta(hours=1), tenant_id=tenant, subject_id=row_id
            )

    token: str = surface.firm.running.wait_for(made())
    return token


_ACCOUNT: list[str] = []
_OF_AN_ACCOUNT: dict[str, Any] = {"account_id": row_of("/api/v1/accounts")}

BODIES: dict[str, dict[str, Any]] = {
    f"POST {TICKETS}": _OF_AN_ACCOUNT,
    f"PATCH {TICKETS}/{{id}}": _OF_AN_ACCOUNT,
    "POST /api/v1/crm/tickets": _OF_AN_ACCOUNT,
    "POST /api/v1/communication/tickets": _OF_AN_ACCOUNT,
    f"POST {TICKETS}/{{id}}/resolve": {"resolution": "Done", "ask_rating": False},
    f"POST {TICKETS}/{{id}}/merge": {"into_id": _other},
    "POST /api/v1/ticket-ratings": {"token": _rating_link},
    "POST /api/v1/ticket-ratings/show": {"token": _rating_link},
    "/api/v1/canned-replies": {"shortcut": number("text-{}")},
    "/api/v1/business-calendars": {"name": number("Office {}")},
    "/api/v1/sla-policies": {"name": number("Policy {}"), "is_default": False, "raises_priority": False},
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "GET /api/v1/canned-replies/{id}/render": {"ticket_id": _of_somebody_of},
    "GET /api/v1/business-calendars/{id}/days": {"date_start": "2026-12-21", "date_end": "2026-12-27"},
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    f"{TICKETS}/{{id}}/reopen": _resolved,
    f"{TICKETS}/{{id}}/satisfaction": _resolved,
    f"{TICKETS}/{{id}}/unmerge": _merged,
    f"{TICKETS}/{{id}}/merge": _one_of_two,
}
