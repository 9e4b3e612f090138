"""Sessions as people read them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from serve.kernel.envelope import Output


class OpenSession(Output):
    id: UUID
    is_current: bool = Field(description="The one that asks.")
    tenant_id: UUID
    tenant_name: str = Field(examples=["Example Fleet"])
    kind: Literal["web", "mobile", "customer", "impersonation"]
    methods: list[str] = Field(
        description="How the person proved who they are.", examples=[["password", "totp"]]
    )
    user_agent: str | None = Field(examples=["Mozilla/5.0"])
    address: str | None = Field(examples=["203.0.113.7"])
    created_at: datetime
    authenticated_at: datetime = Field(description="When they last proved it.")
    used_at: datetime = Field(description="When it was last carried on.")
    expires_at: datetime


class SessionsEnded(Output):
    ended_count: int = Field(examples=[2])
