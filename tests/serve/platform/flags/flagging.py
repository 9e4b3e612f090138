"""Flags that tests make and ask for."""

from __future__ import annotations

from uuid import UUID, uuid4

from serve.kernel.caller import Caller
from tests.serve.firm import Firm

FLAGS = "/api/v1/feature-flags"


def make(firm: Firm, tenant: UUID | None = None, **values) -> dict:
    body = {"key": f"flag-{uuid4().hex[:8]}", "name": "A flag", "is_enabled": True, **values}
    made = firm.client(tenant=tenant).post(FLAGS, json=body)
    assert made.status_code == 201, made.text
    return made.json()["data"]


def given(client, key: str, **body) -> dict | None:
    answer = client.post(f"{FLAGS}/evaluate", json={"keys": [key], **body})
    assert answer.status_code == 200, answer.text
    return next(iter(answer.json()["data"]), None)


def caller_of(firm: Firm, role: str = "owner") -> Caller:
    return Caller(
        user_id=firm.people[firm.a, role],
        email=f"{role}@a.example",
        tenant_id=firm.a,
        tenant_ids=(firm.a,),
        role=role,
        permissions=frozenset(),
        token_id="t",
        expires_at_s=0,
    )


def settled(firm: Firm) -> None:
    """What was noted beside the requests is in the database."""
    state = firm.running.app.state
    firm.running.wait_for(state.flags.sightings.write(state.worker_database))


def fresh(firm: Firm) -> None:
    """The next look is not at the copy of a second ago."""
    firm.running.app.state.flags.copies._copies.clear()
