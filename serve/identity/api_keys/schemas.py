"""What a key is to clients. The key itself is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from serve.identity.api_keys.rules import Reason, Status
from serve.identity.auth.schemas import UserRead
from serve.kernel.envelope import Input, Output, ZonedMoment
from serve.kernel.paging import Paged
from serve.kernel.resources.schemas import Line

Scope = Annotated[Line, Field(min_length=1, max_length=100)]


class ApiKeyFields(Input):
    name: Line = Field(min_length=1, max_length=100, examples=["Nightly export"])
    scopes: list[Scope] = Field(
        min_length=1,
        max_length=100,
        description="Permissions of the key: some of your own.",
        examples=[["contacts:read"]],
    )
    expires_at: ZonedMoment | None = Field(
        None, description="When it ends; without it, when it is revoked.", examples=[None]
    )


class ApiKeyRotation(Input):
    overlap_h: int = Field(
        24, ge=0, le=720, description="How long the old key goes on beside the new one, hours; 0 ends it now."
    )


class ApiKeyQuery(Paged):
    everyone: bool = Field(False, description="Keys of everybody in the tenant; needs `api_keys:write`.")


class ApiKeyRead(Output):
    id: UUID
    user_id: UUID = Field(description="Whose key it is: it can never do more than this person.")
    user_name: str | None = Field(
        description="Null when the person has left the tenant.", examples=["Olga Owner"]
    )
    name: str = Field(examples=["Nightly export"])
    prefix: str = Field(description="How the key begins.", examples=["tl_Jq3xT7b1"])
    scopes: list[str] = Field(examples=[["contacts:read"]])
    status: Status
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None = Field(examples=[None])
    created_at: datetime
    updated_at: datetime


class ApiKeyMade(ApiKeyRead):
    key: str = Field(
        description="The key. Keep it now: nobody can show it again.",
        examples=["tl_Jq3xT7b1_kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc9aQiRoEtYxW"],
    )


class ApiKeyTest(Output):
    """What would happen to a request with the key now."""

    accepted: bool
    reason: Reason | None = Field(description="Why not.", examples=[None])
    message: str = Field(examples=["The key is let in as Olga Owner."])
    user: UserRead
    tenant_id: UUID
    role: str | None = Field(description="The person's role today.", examples=["owner"])
    permissions: list[str] = Field(
        description="Its scopes, as far as the role gives them; none when it is turned away.",
        examples=[["contacts:read"]],
    )
    without_effect: list[str] = Field(
        description="Scopes that the role does not give any more.", examples=[[]]
    )


class ApiKeyGone(Output):
    id: UUID
    status: Literal["revoked"]
    revoked_at: datetime
