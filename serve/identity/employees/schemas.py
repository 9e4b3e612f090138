"""What an employee is to clients."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, EmailStr, Field

from serve.kernel.envelope import Day, Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line

Status = Literal["invited", "active", "on_leave", "left"]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone; names are such as Europe/Berlin")
    return name


class EmployeeFields(Fields):
    employee_number: Annotated[Line, Field(min_length=1, max_length=50)] | None = Field(
        None, description="Unique.", examples=["E-1001"]
    )
    full_name: Line = Field(min_length=1, max_length=200, examples=["Mia Mechanic"])
    email: EmailStr | None = Field(None, max_length=254, examples=["mia@example.org"])
    phone: Annotated[Line, Field(max_length=50)] | None = Field(None, examples=["+49 421 901820"])
    job_title: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Mechanic"])
    department_id: UUID | None = Field(None, examples=[None])
    manager_id: UUID | None = Field(
        None, description="The employee who leads this one; never somebody below.", examples=[None]
    )
    hired_on: Day | None = Field(None, examples=["2026-01-01"])
    left_on: Day | None = Field(None, description="The last day; goes with status `left`.", examples=[None])
    status: Status = Field(
        "active", description="`invited` until the first day; who has left may come back as `active`."
    )
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")] | None = (
        Field(None, description="Language at work.", examples=["de-DE"])
    )
    timezone: Annotated[str, Field(max_length=64), AfterValidator(_known_zone)] | None = Field(
        None, description="Where the person works; else the tenant's.", examples=["Europe/Berlin"]
    )


class EmployeeRead(read_of(EmployeeFields, "EmployeeBase")):  # type: ignore[misc]
    user_id: UUID | None = Field(description="The person's account here, once there is one.", examples=[None])


class EmploymentEnd(Input):
    left_on: Day | None = Field(
        None, description="The last day; today, where the tenant is, unless said.", examples=[None]
    )
    keep_account: bool = Field(
        False, description="Leave the person's account here on, which is switched off otherwise."
    )


class EmploymentReturn(Input):
    reactivate_account: bool | None = Field(
        None,
        description="Whether the person may come in again; must be said of whose account is switched off.",
        examples=[True],
    )


class OrgChartQuery(Paged):
    root: UUID | None = Field(None, description="Only this employee and who is below; else everybody.")
    levels: int = Field(20, ge=1, le=50, description="How far down from the top.")
    department_id: UUID | None = Field(None, description="Only who is in this department.")


class OrgChartNode(Output):
    """An employee at their place. Who has left is in no chart."""

    id: UUID
    full_name: str = Field(examples=["Mia Mechanic"])
    job_title: str | None = Field(examples=["Mechanic"])
    status: Status
    department_id: UUID | None
    department_name: str | None = Field(examples=["Workshop"])
    manager_id: UUID | None = Field(description="Null at the top.", examples=[None])
    level: int = Field(description="1 at the top.", examples=[1])
    reports_count: int = Field(description="Who is led directly.", examples=[3])
