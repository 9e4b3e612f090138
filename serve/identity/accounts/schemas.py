"""What sign-up and the way back ask and answer."""

from __future__ import annotations

from datetime import datetime

from pydantic import EmailStr, Field

from serve.identity.accounts.rules import MOST_CHARACTERS
from serve.identity.auth.schemas import LoginRequest
from serve.identity.tenants.schemas import TenantFields
from serve.kernel.envelope import Input, Output
from serve.kernel.resources.schemas import Line

_PASSWORD = Field(
    min_length=10,
    max_length=MOST_CHARACTERS,
    description="At least ten characters, and none of those that everybody tries first.",
    examples=["correct horse battery staple"],
)
_TOKEN = Field(
    min_length=1,
    max_length=200,
    description="What stands behind `=` in the link of the mail.",
    examples=["kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc9aQiRoEtYxW"],
)


class RegisterRequest(Input):
    email: EmailStr = Field(max_length=254, examples=["olga@example.com"])
    password: str = _PASSWORD
    full_name: Line = Field(min_length=1, max_length=200, examples=["Olga Owner"])
    company: TenantFields = Field(description="What you begin with: its first owner is you.")


class EmailRequest(Input):
    email: Line = Field(min_length=3, max_length=254, examples=["olga@example.com"])


class TokenRequest(Input):
    token: str = _TOKEN


class ResetRequest(Input):
    token: str = _TOKEN
    password: str = _PASSWORD


class MailOnItsWay(Output):
    """The same whether or not there is such an account."""

    email: str = Field(description="Where a mail goes, if it may.", examples=["olga@example.com"])
    works_until: datetime = Field(description="The end of the link in it.")


class PasswordReset(Output):
    reset: bool
    ended_sessions: int = Field(description="All sessions of the account are over.", examples=[2])


class EmailConfirmed(Output):
    email: str = Field(examples=["olga@example.com"])


class DeviceRead(Input):
    """The phone, for the list of sessions."""

    name: Line | None = Field(None, max_length=100, examples=["Olga's phone"])
    platform: Line | None = Field(None, max_length=50, examples=["android"])
    app_version: Line | None = Field(None, max_length=50, examples=["4.2.0"])


class MobileLogin(LoginRequest):
    device: DeviceRead | None = Field(None, examples=[{"name": "Olga's phone", "platform": "android"}])


class CustomerCodeRequest(Input):
    tenant: Line = Field(
        min_length=1, max_length=100, description="Slug of the company.", examples=["example-fleet"]
    )
    email: Line = Field(min_length=3, max_length=254, examples=["carla@example.com"])


class CustomerLogin(CustomerCodeRequest):
    code: str = Field(pattern=r"^\d{8}$", description="From the mail.", examples=["01234567"])
    second_factor: Line | None = Field(
        None,
        min_length=6,
        max_length=100,
        description="Of who has one: what the authenticator app shows now, or a recovery code.",
        examples=[None],
    )
