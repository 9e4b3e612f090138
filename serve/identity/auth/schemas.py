"""What log-in asks and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import EmailStr, Field

from serve.kernel.envelope import Input, Output
from serve.kernel.resources.schemas import Line


class LoginRequest(Input):
    email: Line = Field(min_length=3, max_length=254, examples=["owner@example.com"])
    password: str = Field(min_length=1, max_length=1024, examples=["correct horse battery staple"])
    tenant: Line | None = Field(
        None,
        max_length=100,
        description="Slug or id of the tenant to work for; else the first membership.",
        examples=[None],
    )
    code: Line | None = Field(
        None,
        min_length=6,
        max_length=100,
        description="With a second factor: what the authenticator app shows now, or a recovery code.",
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
    """An access token, whose it is, and what carries the session on."""

    access_token: str = Field(examples=["eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTkyIn0.c2ln"])
    token_type: str = Field(examples=["Bearer"])
    expires_at: datetime = Field(description="When the access token ends.")
    expires_in_s: int = Field(examples=[600])
    refresh_token: str | None = Field(
        description="Works once, at `/api/v1/auth/refresh`; null when the cookie has it.",
        examples=["kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc9aQiRoEtYxW"],
    )
    session_expires_at: datetime = Field(description="When the session ends if nobody refreshes it before.")
    user: UserRead
    tenant: MembershipRead = Field(description="The membership that the token is for.")
    memberships: list[MembershipRead]


class RefreshRequest(Input):
    refresh_token: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The one you got last; browsers leave it out and send the cookie.",
        examples=["kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc9aQiRoEtYxW"],
    )
    tenant: Line | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="Slug or id of another membership to go on for; else the session keeps its tenant.",
        examples=[None],
    )


class AvatarRead(Output):
    file_id: UUID
    url: str = Field(examples=["/api/v1/files/019a0000-0000-7000-8000-000000000001/download"])


class ProfileRead(Output):
    """What a person says of themselves."""

    phone: str | None = Field(examples=["+49 421 555 0100"])
    job_title: str | None = Field(examples=["Head of fleet"])
    avatar: AvatarRead | None = Field(description="In this tenant.", examples=[None])
    email_verified_at: datetime | None = Field(description="Null: nobody has confirmed the address.")
    has_password: bool = Field(description="False for who comes in by another way alone.")
    created_at: datetime
    last_login_at: datetime | None


class OwnSession(Output):
    """How the caller is here."""

    id: UUID | None = Field(description="Null for an API key.")
    kind: Literal["web", "mobile", "customer", "enrolment", "impersonation", "api_key"] = Field(
        description="All but `web` and `api_key` are good for that alone."
    )
    methods: list[str] = Field(
        description="How the person proved who they are.", examples=[["password", "totp"]]
    )
    authenticated_at: datetime | None = Field(description="When they last did.")
    impersonator_id: UUID | None = Field(description="Who looks with this person's eyes.", examples=[None])
    cause_id: UUID | None = Field(
        description="The elevation or impersonation that events name as their cause.", examples=[None]
    )


class MeRead(Output):
    user: UserRead
    profile: ProfileRead
    session: OwnSession
    tenant: MembershipRead
    memberships: list[MembershipRead]
    permissions: list[str] = Field(examples=[["analytics:read", "self:read"]])
    expires_at: datetime | None = Field(
        description="When the access token or the API key ends; null for a key without an end."
    )


class MeChange(Input):
    """What is not sent stays as it is."""

    full_name: Line | None = Field(None, min_length=1, max_length=200, examples=["Olga Owner"])
    phone: Line | None = Field(None, max_length=50, description="Null empties it.", examples=["+49 421 555"])
    job_title: Line | None = Field(
        None, max_length=100, description="Null empties it.", examples=["Head of fleet"]
    )
    email: EmailStr | None = Field(None, max_length=254, examples=["owner@example.com"])
    password: str | None = Field(
        None, min_length=10, max_length=1024, description="A new password.", examples=[None]
    )
    current_password: str | None = Field(
        None,
        max_length=1024,
        description="Needed to change e-mail or password.",
        examples=["correct horse battery staple"],
    )


class LoggedOut(Output):
    logged_out: bool
