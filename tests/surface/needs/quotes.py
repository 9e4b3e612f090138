"""Quotes that were sent, and the keys of their links."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.surface.needs.common import row_of
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface

QUOTES = "/api/v1/quotes"


def sent(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    made = surface.make(BY_NAME[f"POST {QUOTES}"], tenant)
    surface.firm.sql(
        "delete from settings where category = 'email'"
    )  # a case before may have set half a server
    return _done(surface, tenant, made["id"], "send", {})


def _accepted(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    return _done(surface, tenant, sent(surface, tenant)["id"], "accept", {"name": "Ada Byron"})


def _done(surface: Surface, tenant: UUID | None, row_id: str, what: str, body: Any) -> dict[str, str]:
    call = Call(BY_NAME[f"POST {QUOTES}/{{id}}/{what}"], {"id": row_id}, json=body)
    answer = surface.send(call, tenant=tenant)
    assert answer.is_success, answer.text
    return call.ids


def key_of(surface: Surface) -> str:
    """Of the mail with which a new one was sent."""
    sent(surface, surface.at_work_for)
    ((text,),) = surface.firm.sql("select text from mails order by created_at desc, id desc limit 1")
    found = re.search(r"/quotes/accept\S*#([\w-]+)", text)
    assert found is not None
    return found[1]


BODIES: dict[str, dict[str, Any]] = {
    QUOTES: {"account_id": row_of("/api/v1/accounts"), "recipient_email": "ada@example.org"},
    "/api/v1/estimates": {"account_id": row_of("/api/v1/accounts")},
    f"POST {QUOTES}/{{id}}/send": {"message": "As we said:"},
    f"POST {QUOTES}/{{id}}/accept": {"name": "Ada Byron"},
    f"POST {QUOTES}/{{id}}/decline": {"reason": "Too dear."},
    f"POST {QUOTES}/{{id}}/convert": {"with_deposit": None},
    f"POST {QUOTES}/link": {"token": key_of},
    f"POST {QUOTES}/link/pdf": {"token": key_of},
    f"POST {QUOTES}/link/accept": {"token": key_of},
    f"POST {QUOTES}/link/decline": {"token": key_of},
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    f"{QUOTES}/{{id}}/accept": sent,
    f"{QUOTES}/{{id}}/decline": sent,
    f"{QUOTES}/{{id}}/versions": sent,
    f"{QUOTES}/{{id}}/convert": _accepted,
}
