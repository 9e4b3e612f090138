"""What people of a tenant are to those who manage them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, EmailStr, Field

from serve.kernel.envelope import Day, Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources.bulk import MOST_ROWS, ShownAs
from serve.kernel.resources.schemas import Line

State = Literal["active", "suspended"]
Role = Annotated[
    Line, Field(min_length=1, max_length=100, description="One that you may give.", examples=["agent"])
]
Name = Annotated[Line, Field(min_length=1, max_length=200, examples=["Ann Agent"])]
Email = Annotated[EmailStr, Field(max_length=254, examples=["ann@example.org"])]


def _split(asked: Any) -> Any:
    """``a,b`` is ``a`` and ``b``, whether sent once or as two parameters."""
    words = asked if isinstance(asked, list) else [asked]
    return [part.strip() for word in words for part in (word.split(",") if isinstance(word, str) else [word])]


class UserFields(Input):
    email: Email
    full_name: Name
    role: Role


class UserPatch(Input):
    """What is not sent stays as it is."""

    email: Email | None = Field(None, examples=["ann@example.org"])
    full_name: Name | None = Field(None, examples=["Ann Agent"])
    role: Role | None = Field(None, examples=["agent"])
    state: State | None = Field(None, description="`suspended`: may not come in, until `active` again.")


class UserChange(UserPatch):
    id: UUID


class UserRows(Input):
    rows: list[Annotated[dict[str, Any], ShownAs(UserFields)]] = Field(min_length=1, max_length=MOST_ROWS)


class UserChanges(Input):
    rows: list[Annotated[dict[str, Any], ShownAs(UserChange)]] = Field(min_length=1, max_length=MOST_ROWS)


SORTED = {
    name: f"p.{name}"
    for name in ("full_name", "email", "role", "state", "joined_at", "last_login_at", "department_name")
}


class UserQuery(Paged):
    ids: Annotated[list[UUID], BeforeValidator(_split), Field(max_length=200)] | None = Field(
        None, description="Only these."
    )
    role: Annotated[list[Line], BeforeValidator(_split), Field(max_length=50)] | None = Field(
        None, description="One or several, separated by commas."
    )
    state: State | None = None
    department_id: UUID | None = Field(None, description="Only employees of this department.")
    search: str | None = Field(
        None, max_length=200, pattern=r"^[^\x00]*$", description="Parts of the name or the e-mail address."
    )
    has_logged_in: bool | None = Field(None, description="Whether they have ever logged in here.")
    has_second_factor: bool | None = Field(None, description="Whether they have one.")
    last_login_start: Day | None = Field(None, description="Logged in last on this day (UTC) or later.")
    last_login_end: Day | None = Field(None, description="Logged in last on this day (UTC) or earlier.")
    sort: str = Field(
        "full_name",
        max_length=200,
        description=f"`-` for descending: {', '.join(SORTED)}.",
        examples=["email"],
    )


class UserRead(Output):
    """A person of a tenant. `state` is that of this tenant, `is_active` that of the whole account."""

    id: UUID
    tenant_id: UUID
    email: str = Field(examples=["ann@example.org"])
    full_name: str = Field(examples=["Ann Agent"])
    role: str = Field(examples=["agent"])
    state: State
    is_active: bool
    has_second_factor: bool = Field(description="Whether a password alone does not let them in.")
    joined_at: datetime = Field(description="Since when the person belongs to the tenant.")
    last_login_at: datetime | None = Field(description="For this tenant.")
    employee_id: UUID | None
    job_title: str | None = Field(examples=["Dispatcher"])
    department_id: UUID | None
    department_name: str | None = Field(examples=["Workshop"])
    updated_at: datetime


class SignedOut(Output):
    """What was ended. Who comes again logs in."""

    ended_count: int = Field(description="Sessions that were open.", examples=[3])
    person_count: int = Field(description="Whose they were.", examples=[2])


class UserRemoved(Output):
    """Does not belong to the tenant any more; the person's account is theirs."""

    id: UUID
    removed: Literal[True]
