"""What the calls about tenants ask and answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field

from serve.identity.tenants import rules
from serve.kernel.envelope import Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources import patch_of
from serve.kernel.resources.schemas import Line

Kind = Literal["fleet", "marketplace", "field_service"]
State = Literal["active", "awaiting_owner", "suspended", "closing", "closed"]


def _slug(text: str) -> str:
    if (problem := rules.slug_problem(text)) is not None:
        raise ValueError(problem)
    return text


def _country(text: str) -> str:
    if text not in rules.countries():
        raise ValueError("is not a country of ISO 3166, such as DE")
    return text


def _currency(text: str) -> str:
    if text not in rules.currencies():
        raise ValueError("is not a currency of ISO 4217 that is in use, such as EUR")
    return text


def _timezone(text: str) -> str:
    if text not in rules.timezones():
        raise ValueError("is not a time zone; names are such as Europe/Berlin")
    return text


def _split(asked: object) -> object:
    words = asked if isinstance(asked, list) else [asked]
    return [part.strip() for word in words for part in str(word).split(",")]


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Slug = Annotated[
    str,
    Field(min_length=2, max_length=rules.MOST_SLUG_CHARS, pattern=rf"^{rules.SLUG.pattern}$"),
    AfterValidator(_slug),
]
Country = Annotated[
    str, AfterValidator(_country), Field(json_schema_extra={"enum": sorted(rules.countries())})
]
Currency = Annotated[
    str, AfterValidator(_currency), Field(json_schema_extra={"enum": sorted(rules.currencies())})
]
Timezone = Annotated[str, Field(max_length=64), AfterValidator(_timezone)]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


class TenantNames(Input):
    """How a tenant is named and counts."""

    name: Name = Field(examples=["Example Fleet North"])
    slug: Slug = Field(
        description="In addresses and at log-in. One given up stays out of others' reach for 90 days.",
        examples=["example-fleet-north"],
    )
    country: Country = Field(description="ISO 3166.", examples=["DE"])
    timezone: Timezone = Field(description="Where its days begin.", examples=["Europe/Berlin"])
    currency: Currency = Field(description="ISO 4217: of amounts in reports.", examples=["EUR"])


class TenantFields(TenantNames):
    """A new tenant. Whoever makes it is its first owner."""

    slug: Slug | None = Field(  # type: ignore[assignment]
        None, description="In addresses and at log-in; made from the name unless said.", examples=[None]
    )
    kind: Kind = Field(examples=["fleet"])


class FirstOwner(Input):
    """Whoever is invited to be the first owner of a new tenant."""

    email: EmailStr = Field(max_length=254, examples=["nora@example.org"])
    full_name: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(
        None, examples=["Nora New"]
    )
    message: Annotated[Line, Field(max_length=1000)] | None = Field(
        None, description="Stands in the mail.", examples=["All is prepared."]
    )


class ChildFields(TenantFields):
    """A child of the caller's tenant. Whoever makes it is its first owner, unless somebody else is named."""

    first_owner: FirstOwner | None = Field(
        None,
        description="Is invited by mail; until this one has accepted, nothing is done in the tenant.",
        examples=[None],
    )
    has_seat: bool = Field(
        False,
        description="With a `first_owner`: whether you belong to the tenant too, as an administrator.",
        examples=[False],
    )


TenantPatch = patch_of(TenantNames, "TenantPatch")


class TenantRead(Output):
    id: UUID
    slug: str = Field(examples=["example-fleet-north"])
    name: str = Field(examples=["Example Fleet North"])
    kind: str = Field(examples=["fleet"])
    parent_id: UUID | None = Field(description="Its umbrella, which may read what it has.")
    country: str = Field(examples=["DE"])
    timezone: str = Field(examples=["Europe/Berlin"])
    currency: str = Field(examples=["EUR"])
    is_simulated: bool = Field(description="Whether its rows are those of a demonstration.")
    data_from: date | None
    data_until: date | None
    state: State = Field(description="Only an active tenant does anything.")
    awaiting_owner_since: datetime | None = Field(
        description="Until its first owner, who was invited, has come."
    )
    suspended_at: datetime | None
    suspended_because: str | None
    closing_since: datetime | None
    erase_after: datetime | None = Field(description="Until then its owner may open it again.")
    closed_at: datetime | None = Field(description="Since then nothing is left but this.")
    created_at: datetime


class TenantQuery(Paged):
    sort: str | None = Field(
        None, max_length=200, description="name, slug, kind, state, country, created_at; `-` for descending."
    )
    search: str | None = Field(
        None, min_length=1, max_length=200, pattern=r"^[^\x00]*$", description="Part of the name or the slug."
    )
    kind: (
        Annotated[list[Literal["fleet", "marketplace", "field_service", "source"]], BeforeValidator(_split)]
        | None
    ) = Field(None, max_length=10, description="Only of these kinds.")
    state: Annotated[list[State], BeforeValidator(_split)] | None = Field(
        None, max_length=10, description="Only in these states."
    )
    country: Annotated[list[Country], BeforeValidator(_split)] | None = Field(
        None, max_length=200, description="Only of these countries."
    )
    is_child: bool | None = Field(None, description="The children alone, or the caller's tenant alone.")


class Suspension(Input):
    reason: Reason = Field(
        description="Its people are told.", examples=["Invoices of three months are open."]
    )


class Closing(Input):
    confirm_slug: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")] = Field(
        description="The slug of the tenant, so that nobody closes the wrong one.",
        examples=["example-fleet-north"],
    )
    reason: Reason = Field(description="Stays in the record.", examples=["The company is sold."])


class OnboardingStep(Output):
    key: str = Field(examples=["mail_server"])
    title: str = Field(examples=["Mail goes out by a server of its own."])
    is_done: bool
    call: str = Field(description="The call that does it.", examples=["PUT /api/v1/settings/email"])


class Onboarding(Output):
    steps: list[OnboardingStep]
    done_count: int = Field(examples=[3])
    step_count: int = Field(examples=[7])
