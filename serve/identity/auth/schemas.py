"""What log-in asks and answers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Input, Output


class LoginRequest(Input):
    email: str = Field(min_length=3, max_length=254, examples=["owner@example.com"])
    password: str = Field(min_length=1, max_length=1024, examples=["correct horse battery staple"])
    tenant: str | None = Field(
        None,
        max_length=100,
        description="Slug or id of the tenant to work for; else the first membership.",
        examples=[None],
    )


class MembershipRead(Output):
    tenant_id: UUID
    slug: str = Field(examples=["example-fleet"])
    name: str = Field(examples=["Example Fleet"])
    kind: str = Field(examples=["fleet"])
    role: str = Field(examples=["owner"])
    timezone: str = Field(examples=["Europe/Berlin"])
    currency: str = Field(examples=["EUR"])
    is_simulated: bool


class UserRead(Output):
    id: UUID
    email: str = Field(examples=["owner@example.com"])
    full_name: str = Field(examples=["Olga Owner"])


class SessionRead(Output):
    """An access token and whose it is."""

    access_token: str = Field(examples=["eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTkyIn0.c2ln"])
    token_type: str = Field(examples=["Bearer"])
    expires_at: datetime
    expires_in_s: int = Field(examples=[600])
    user: UserRead
    tenant: MembershipRead = Field(description="The membership that the token is for.")
    memberships: list[MembershipRead]


class MeRead(Output):
    user: UserRead
    tenant: MembershipRead
    memberships: list[MembershipRead]
    permissions: list[str] = Field(examples=[["analytics:read", "self:read"]])
    expires_at: datetime = Field(description="When the access token ends.")


class LoggedOut(Output):
    logged_out: bool
