"""What an invitation is to those who send it, and to whom it was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import EmailStr, Field

from serve.identity.employees.schemas import EmployeeFields
from serve.identity.invitations.rules import State
from serve.identity.users.schemas import Name, Role
from serve.kernel.envelope import Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources.bulk import MOST_ROWS, ShownAs
from serve.kernel.resources.schemas import Line

Token = Annotated[str, Field(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
Password = Annotated[str, Field(min_length=10, max_length=1024, examples=["correct horse battery staple"])]


class InvitationFields(Input):
    email: EmailStr = Field(max_length=254, examples=["nora@example.org"])
    full_name: Name | None = Field(None, examples=["Nora New"])
    role: Role
    message: Annotated[Line, Field(max_length=1000)] | None = Field(
        None, description="Stands in the mail.", examples=["Welcome to the workshop!"]
    )
    job_title: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Mechanic"])
    department_id: UUID | None = Field(None, examples=[None])
    manager_id: UUID | None = Field(None, description="The employee who will lead this one.", examples=[None])
    employee_id: UUID | None = Field(
        None,
        description="The employee that it is for, if there is one; else one is made, or found by the address.",
        examples=[None],
    )


class InvitationRows(Input):
    rows: list[Annotated[dict[str, Any], ShownAs(InvitationFields)]] = Field(
        min_length=1, max_length=MOST_ROWS
    )


class InvitationQuery(Paged):
    state: State | None = None
    role: Line | None = Field(None, max_length=100, description="That they invite to.")
    search: str | None = Field(
        None, max_length=200, pattern=r"^[^\x00]*$", description="Parts of the name or the e-mail address."
    )


class InvitationRead(Output):
    """`state` follows from the moments; `expired` ones can be sent again."""

    id: UUID
    email: str = Field(examples=["nora@example.org"])
    full_name: str | None = Field(examples=["Nora New"])
    role: str = Field(examples=["technician"])
    state: State
    message: str | None = Field(examples=["Welcome to the workshop!"])
    job_title: str | None = Field(examples=["Mechanic"])
    department_id: UUID | None
    manager_id: UUID | None
    employee_id: UUID | None = Field(description="The employee, at the latest once it was accepted.")
    invited_by: UUID | None
    sent_count: int = Field(examples=[1])
    sent_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = Field(examples=[None])
    accepted_by: UUID | None = Field(examples=[None])
    revoked_at: datetime | None = Field(examples=[None])
    created_at: datetime
    updated_at: datetime


class InvitationShown(Output):
    """What the holder of the token may know."""

    tenant_name: str = Field(examples=["Example Fleet"])
    tenant_slug: str = Field(
        description="Its look is that of `/api/v1/b2b/white-label/{slug}`.", examples=["example-fleet"]
    )
    email: str = Field(description="All but its first letter hidden.", examples=["n***@example.org"])
    full_name: str | None = Field(examples=["Nora New"])
    role: str = Field(examples=["technician"])
    expires_at: datetime
    has_account: bool | None = Field(
        description="Log in to accept, or send the password; else choose one. Null: it is not said, because the mail"
        " went by the tenant's own server; whoever has an account logs in, whoever has none chooses a password."
    )


class InvitationLink(Input):
    token: Token = Field(description="Of the mail.", examples=["kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc9aQiRoEtYxW"])


class Acceptance(InvitationLink):
    full_name: Name | None = Field(
        None, description="Of somebody new; else as it stands in the invitation.", examples=["Nora New"]
    )
    password: Password | None = Field(
        None,
        description="Somebody new chooses it; whose address has an account gives theirs, or is logged in.",
        examples=["correct horse battery staple"],
    )


class Registration(EmployeeFields):
    """With `token` and `password` of the employee; without by an administrator, who gives a `role`."""

    full_name: Name | None = Field(None, examples=["Nora New"])  # type: ignore[assignment]
    token: Token | None = Field(None, examples=[None])
    password: Password | None = Field(None, examples=[None])
    role: Role | None = Field(None, examples=["technician"])
