"""A firm at work: the service on a real database with two strangers, an umbrella, and people of every role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from argon2 import PasswordHasher

from serve.kernel.permissions import ROLES
from tests.serve.conftest import Running
from tests.serve.working import work
from warehouse.postgres import Address

PASSWORD = "a password of ours"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
VAN = {
    "registration": "HB-R 1",
    "make": "Opel",
    "model": "Vivaro",
    "model_year": 2024,
    "acquired_date": "2024-01-01",
    "acquisition_cost_cents": 1,
    "currency": "EUR",
}
"""A vehicle as it may be sent; a second one of a tenant needs another registration."""


@dataclass
class Firm:
    """``a`` and ``b`` know nothing of each other; ``umbrella`` is the parent of ``a``."""

    running: Running
    address: Address
    a: UUID = field(default_factory=uuid4)
    b: UUID = field(default_factory=uuid4)
    umbrella: UUID = field(default_factory=uuid4)
    people: dict[tuple[UUID, str], UUID] = field(default_factory=dict)

    def settle(self) -> Firm:
        """Tenants, and one person for each tenant and role: ``owner@a.example``."""
        password_hash = CHEAP.hash(PASSWORD)
        with psycopg.connect(self.address.url("super")) as connection:
            for tenant, slug, parent in (
                (self.umbrella, "umbrella", None),
                (self.a, "a", self.umbrella),
                (self.b, "b", None),
            ):
                connection.execute(
                    "insert into tenants (id, slug, name, kind, parent_id, country, currency)"
                    " values (%s, %s, %s, 'fleet', %s, 'DE', 'EUR')",
                    (tenant, slug, slug.title(), parent),
                )
                for role in ROLES:
                    row = connection.execute(
                        "insert into users (email, full_name, password_hash) values (%s, %s, %s) returning id",
                        (f"{role}@{slug}.example", f"{role.title()} of {slug.title()}", password_hash),
                    ).fetchone()
                    assert row is not None
                    self.people[tenant, role] = row[0]
                    connection.execute(
                        "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)",
                        (row[0], tenant, role),
                    )
        self.running.wait_for(self.running.app.state.relay.register())
        return self

    def client(
        self, role: str = "owner", tenant: UUID | None = None, *, in_session: bool = False
    ) -> httpx.Client:
        """Somebody of that role at work for the tenant (``a`` unless said); ``in_session``: one that can be ended."""
        tenant = tenant or self.a
        reads = [tenant, self.a] if tenant == self.umbrella else [tenant]
        slug = {self.a: "a", self.b: "b", self.umbrella: "umbrella"}[tenant]
        token, _ = self.running.app.state.tokens.issue(
            self.people[tenant, role],
            email=f"{role}@{slug}.example",
            tenant_id=tenant,
            tenant_ids=reads,
            role=role,
            methods=("password", "totp"),
            session_id=self._session(self.people[tenant, role], tenant) if in_session else None,
        )
        return self.running.client(Authorization=f"Bearer {token}")

    def _session(self, user_id: UUID, tenant: UUID) -> UUID:
        [(session_id,)] = self.sql(
            "with made as (insert into sessions (user_id, tenant_id, expires_at)"
            "  values (%s, %s, now() + interval '1 day') returning id)"
            " insert into refresh_tokens (hash, session_id) select sha256(uuid_send(id)), id from made"
            " returning session_id",
            *(user_id, tenant),
        )
        return UUID(str(session_id))

    def sql(self, query: str, *values: object) -> list[Any]:
        """As the superuser, past every policy: what really is in the store."""
        with psycopg.connect(self.address.url("super")) as connection:
            cursor = connection.execute(query, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """The tenant ``a`` is suspended within; at the end the service knows that it goes on."""
        self.sql("update tenants set suspended_at = now() where id = %s", self.a)
        try:
            yield
        finally:
            self.sql("update tenants set suspended_at = null where id = %s", self.a)
            self.running.wait_for(self.running.app.state.tenants_watch.look())

    def deliver(self) -> None:
        """Hand everything that has happened so far to the readers of events; no loop does in tests."""
        self.running.wait_for(self.running.app.state.relay.catch_up())

    def work(self, *, waits_too: bool = False) -> int:
        """Carry out what is queued, as a worker would, one task after the other; how many runs that took."""
        return int(self.running.wait_for(work(self.running.app.state, waits_too=waits_too)))

    def account_mails(self) -> list[Any]:
        """Send the mails about accounts that wait; gives what was sent now: ``kind``, ``to_address``, ``text``."""
        sent = self.running.wait_for(self.running.app.state.account_mails.send_due())
        return list(sent)

    def events(self, entity_id: object) -> list[Any]:
        """(name, before, after) of a row's events, oldest first."""
        return self.sql(
            "select name, before, after from events where entity_id = %s order by position", str(entity_id)
        )
