"""What is written and read of people's requests, exports and holds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import EmailStr, Field, model_validator

from serve.kernel.envelope import Input, Output, ZonedMoment
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import Line

Kind = Literal["access", "erasure", "rectification", "restriction"]
Subject = Literal["contact", "lead", "provider", "account", "user", "employee"]
Reason = Annotated[Line, Field(min_length=1, max_length=2000)]


class RequestFields(Fields):
    """What a person asks for about their own data."""

    kind: Kind = Field(examples=["access"])
    subject_kind: Literal["contact", "lead", "provider", "account", "user", "employee", "address"] = Field(
        description="What the person is here; `address`: whoever has this e-mail address.",
        examples=["address"],
    )
    subject_id: UUID | None = Field(None, description="Id of the person's row.", examples=[None])
    email: EmailStr | None = Field(
        None, max_length=254, description="Where they wrote from.", examples=["ada@example.org"]
    )
    note: Line | None = Field(None, max_length=5000, examples=["By mail of Monday"])
    received_at: ZonedMoment | None = Field(
        None, description="Now unless said; it is due 30 days later.", examples=[None]
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if (self.subject_kind == "address") != (self.subject_id is None):
            raise ValueError(
                "subject_id is the id of the person's row, and nothing with subject_kind address"
            )
        if self.subject_kind == "address" and self.email is None:
            raise ValueError("email says whose data it is, with subject_kind address")
        return self


class RequestRead(read_of(RequestFields, "PrivacyRequestBase")):  # type: ignore[misc]
    status: Literal["received", "verified", "running", "done", "refused", "failed", "withdrawn"]
    due_at: datetime
    identity_verified_at: datetime | None
    identity_verified_by: UUID | None
    identity_method: str | None = Field(examples=["called back"])
    decided_at: datetime | None
    decided_by: UUID | None
    decision_reason: str | None = Field(examples=["asked for by the person"])
    task_id: UUID | None = Field(description="The work that does it.")
    finished_at: datetime | None
    result: Any = Field(
        description="Of an erasure: `erased` rows by table; what was `kept`, why and until when; and `proof`: where the"
        " person was searched for afterwards, and the places that are left."
    )


class Verified(Input):
    method: Annotated[Line, Field(min_length=1, max_length=200)] = Field(
        description="How you know that it is them.", examples=["called back"]
    )


class Approved(Input):
    reason: Reason | None = Field(None, examples=["asked for by the person"])
    is_rebuilt: bool = Field(
        False, description="Of an erasure: build a new release at once, not with the next hour's run."
    )


class Refused(Input):
    reason: Reason = Field(
        description="What the person is told.", examples=["we could not make sure who asked"]
    )


class PlannedTable(Output):
    """What a table knows of the person, and what an erasure would do with it."""

    table: str = Field(examples=["contacts"])
    count: int = Field(examples=[1])
    fate: str = Field(description="`blanked`, `deleted` or `kept`.", examples=["blanked"])
    reason: str | None = Field(description="Of what is kept, or of what stays of it.")


class PersonRow(Output):
    kind: str = Field(examples=["contact"])
    id: UUID


class ErasurePreview(Output):
    """Who is meant, and what there is."""

    rows: list[PersonRow] = Field(description="Rows taken for this person: check that they are.")
    known_by: list[str] = Field(
        description="E-mail addresses, numbers and names.", examples=[["ada@example.org"]]
    )
    tables: list[PlannedTable]
    hold: str | None = Field(description="Why an erasure would be refused now.", examples=[None])


class RegisteredTable(Output):
    """What a table knows of people, and what an erasure does with it."""

    table: str = Field(examples=["contacts"])
    knows: list[str] = Field(description="Columns with personal data.", examples=[["full_name", "email"]])
    fate: str = Field(description="`blanked`, `deleted`, `kept` or `nothing`.", examples=["blanked"])
    reason: str | None


class HoldFields(Fields):
    """A reason for which a person's data must not be erased now."""

    subject_kind: Subject = Field(examples=["contact"])
    subject_id: UUID
    reason: Reason = Field(examples=["lawsuit 12/2026"])
    until_date: date | None = Field(None, description="The last day; without one until it is released.")


class HoldRead(read_of(HoldFields, "PrivacyHoldBase")):  # type: ignore[misc]
    released_at: datetime | None
    released_by: UUID | None


class Export(Output):
    """An export of one's own data, and how far it is."""

    task_id: UUID
    status: str = Field(examples=["queued"])
    finished_at: datetime | None
    url: str | None = Field(description="Where to fetch it; for 7 days.", examples=[None])


class AccountEnd(Input):
    """Erases one's own account, for ever."""

    password: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="Of who has one; others have just shown who they are.",
        examples=["a password of ours"],
    )


class AccountEnded(Output):
    """Nobody can log in with the account any more; the tenants' rows about it go in the background."""

    erased_at: datetime
    tenant_ids: list[UUID]
