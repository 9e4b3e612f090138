"""People of a test's own, whose memberships and passwords may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from serve.identity.auth.attempts import Attempts
from tests.serve.firm import CHEAP, PASSWORD, Firm

AUTH = "/api/v1/auth"
PAGE = {"X-Requested-With": "page"}


@dataclass
class Somebody:
    firm: Firm
    id: UUID
    email: str

    def log_in(self, client: httpx.Client | None = None, **asked: object) -> dict[str, Any]:
        """The session that a log-in opens."""
        body = {"email": self.email, "password": PASSWORD, **asked}
        response = (client or self.firm.running.client()).post(f"{AUTH}/login", json=body)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def client(self, session: dict[str, Any] | None = None) -> httpx.Client:
        """A client with the session's access token."""
        token = (session or self.log_in())["access_token"]
        return self.firm.running.client(Authorization=f"Bearer {token}")

    def security(self) -> list[tuple[str, str, str]]:
        """(name, slug of the tenant, who acted) of the person's security events, oldest first."""
        self.firm.running.wait_for(self.firm.running.app.state.notes.written())
        return self.firm.sql(
            "select e.name, t.slug, e.actor_kind from events e join tenants t on t.id = e.tenant_id"
            " where e.category = 'security' and e.entity_id = %s order by e.position",
            self.id,
        )


@pytest.fixture(autouse=True)
def nobody_has_failed_yet(request: pytest.FixtureRequest) -> None:
    """All tests come from one address: what one of them did wrong is not held against the next."""
    if "firm" in request.fixturenames:
        firm = request.getfixturevalue("firm")
        firm.running.app.state.login.attempts = Attempts(10, "a secret of ours")


@pytest.fixture
def somebody(firm) -> Callable[..., Somebody]:
    """``somebody(a="manager", b="viewer")``: a new person with these roles."""

    def make(**roles: str) -> Somebody:
        email = f"p{uuid4().hex}@example.com"
        [(user_id,)] = firm.sql(
            "insert into users (email, full_name, password_hash) values (%s, 'Sam Body', %s) returning id",
            *(email, CHEAP.hash(PASSWORD)),
        )
        for slug, role in (roles or {"a": "manager"}).items():
            firm.sql(
                "insert into memberships (user_id, tenant_id, role) select %s, id, %s from tenants where slug = %s",
                *(user_id, role, slug),
            )
        return Somebody(firm, user_id, email)

    return make


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]
