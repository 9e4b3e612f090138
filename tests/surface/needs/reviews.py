"""People who may be asked for a review, and the keys of links."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from serve.crm.reviews.service import CONSENT, PURPOSE
from serve.identity.account_tokens.service import issue_token
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface

REQUESTS = "/api/v1/review-requests"


def _somebody(surface: Surface) -> str:
    """A new contact, of a firm that has said on which ground it asks."""
    tenant = surface.at_work_for
    ground = {"key": CONSENT, "name": "Reviews", "lawful_basis": "legitimate_interests"}
    said = surface.send(Call(BY_NAME["POST /api/v1/privacy/purposes"], json=ground), tenant=tenant)
    assert said.status_code in (201, 409), said.text
    person: str = surface.make(BY_NAME["POST /api/v1/contacts"], tenant)["id"]
    return person


def _link(surface: Surface) -> str:
    """What would stand in the mail."""
    tenant = surface.at_work_for or surface.firm.a
    row_id = UUID(surface.make(BY_NAME[f"POST {REQUESTS}"], tenant)["id"])

    async def made() -> str:
        async with surface.firm.running.app.state.database.transaction() as db:
            return await issue_token(
                db, PURPOSE, life=timedelta(hours=1), tenant_id=tenant, subject_id=row_id
            )

    token: str = surface.firm.running.wait_for(made())
    return token


BODIES: dict[str, dict[str, Any]] = {
    f"POST {REQUESTS}": {"contact_id": _somebody, "job_id": None, "send_at": None},
    f"PATCH {REQUESTS}/{{id}}": {"status": "queued", "rating": 5, "comment": "On time."},
    "POST /api/v1/review-links": {"token": _link},
    "POST /api/v1/review-links/show": {"token": _link},
}
