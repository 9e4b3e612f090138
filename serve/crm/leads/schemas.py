"""What a lead is to clients, and what is done with one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import EmailStr, Field

from serve.crm.quotes.schemas import MOST_LINES, LineFields
from serve.crm.tags.schemas import Tags
from serve.kernel.envelope import Day, Input, Moment, Output
from serve.kernel.resources import Fields, read_of
from serve.kernel.resources.schemas import FreeMap, Line

Status = Literal["new", "contacted", "qualified", "won", "lost"]
Kind = Literal["call", "email", "reply", "meeting", "visit"]
Outcome = Literal["reached", "no_answer", "left_message", "not_interested", "bounced"]
Reason = Annotated[Line, Field(min_length=1, max_length=500)]
Cents = Annotated[int, Field(ge=0, le=10**15)]


class LeadFields(Fields):
    full_name: Annotated[Line, Field(max_length=200)] | None = Field(
        None,
        description="Where nobody is named it is the company, the address, the number or your own id.",
        examples=["Ada Byron"],
    )
    email: EmailStr | None = Field(None, max_length=254, examples=["ada@example.org"])
    phone: Annotated[Line, Field(max_length=50)] | None = Field(None, examples=["+49 421 901820"])
    company: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Nordlicht Logistik GmbH"])
    job_title: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Head of fleet"])
    website: Annotated[Line, Field(max_length=500)] | None = Field(None, examples=["https://example.org"])
    source: Line = Field(
        "manual",
        min_length=1,
        max_length=100,
        description="Where it came from, in your own words.",
        examples=["referral"],
    )
    status: Status = Field("new", description="What may follow what: `GET /api/v1/leads/statuses`.")
    lost_reason: Reason | None = Field(
        None, description="Goes with status `lost`, and only with it.", examples=[None]
    )
    owner_id: UUID | None = Field(None, description="Who of yours works on it.", examples=[None])
    account_id: UUID | None = Field(None, examples=[None])
    contact_id: UUID | None = Field(None, examples=[None])
    campaign_id: UUID | None = Field(None, description="The campaign that brought it.", examples=[None])
    zone_id: UUID | None = Field(None, examples=[None])
    location_id: UUID | None = Field(
        None, description="The place of yours that it belongs to, wherever it lies.", examples=[None]
    )
    city: Annotated[Line, Field(max_length=200)] | None = Field(None, examples=["Bremen"])
    postcode: Annotated[Line, Field(max_length=20)] | None = Field(None, examples=["28195"])
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(
        None, description="ISO 3166 code.", examples=["DE"]
    )
    latitude: float | None = Field(None, ge=-90, le=90, description="Goes with longitude.", examples=[53.08])
    longitude: float | None = Field(None, ge=-180, le=180, examples=[8.8])
    tags: Tags = Field([], description="A new one becomes part of the vocabulary.", examples=[["vip"]])
    consent_email: bool = Field(False, description="Whether the person agreed to get mail.")
    cost_cents: Cents = Field(0, description="What it cost to get the lead.", examples=[900])
    value_cents: Cents | None = Field(
        None, description="What it may be worth; a lead that is won says it.", examples=[250_000]
    )
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = Field(
        None, description="Of both amounts, ISO 4217; your own unless said.", examples=["EUR"]
    )
    first_replied_at: Moment | None = Field(
        None, description="Your first answer; the first contact that you log sets it.", examples=[None]
    )
    won_at: Moment | None = Field(None, description="Now, unless said, when it is won.", examples=[None])
    lost_at: Moment | None = Field(None, description="Now, unless said, when it is lost.", examples=[None])
    attributes: FreeMap = Field({}, description="What else you know.", examples=[{"vans": 6}])


class LeadRead(read_of(LeadFields, "LeadBase")):  # type: ignore[misc]
    first_reply_s: float | None = Field(
        description="Seconds from its coming to your first answer.", examples=[5400.0]
    )
    contacted_at: datetime | None = Field(description="When it was first contacted.")
    qualified_at: datetime | None = Field(description="When it was first qualified.")
    converted_at: datetime | None = Field(
        description="When it became a contact: `GET …/conversion` says what else was made."
    )
    coordinates_source: Literal["given", "known_place", "geocoder"] | None = Field(
        description="`given` by somebody or a file; found by the address among what you know (`known_place`) or by the"
        " `geocoder` of the settings. Empty, too, where they were loaded.",
        examples=["given"],
    )
    located_at: datetime | None = Field(
        description="When its address was last looked up; without coordinates nobody knew it then.",
        examples=[None],
    )
    score: float | None = Field(
        description="Chance, 0 to 1, that it is won within 30 days; empty until it was scored.",
        examples=[0.31],
    )
    score_reasons: Any | None = Field(description="What speaks for it, strongest first.", examples=[None])
    scored_at: datetime | None


class StatusChange(Input):
    status: Status = Field(examples=["qualified"])
    lost_reason: Reason | None = Field(None, description="Needed to lose it.", examples=[None])
    value_cents: Cents | None = Field(
        None, description="Needed to win it, where it is not known yet.", examples=[250_000]
    )


class StatusLine(Output):
    """A status, and what may come after it."""

    status: Status = Field(examples=["contacted"])
    next: list[Status] = Field(examples=[["qualified", "won", "lost"]])
    needs: list[str] = Field(description="Fields that a lead of this status has.", examples=[[]])


class ContactMade(Input):
    kind: Kind = Field(
        "call", description="`reply` is an answer to their message, `visit` one of your pages."
    )
    direction: Literal["in", "out"] = Field("out", description="`out` is from you to them.")
    outcome: Outcome | None = Field(None, examples=["reached"])
    happened_at: Moment | None = Field(None, description="Now, unless said.", examples=[None])
    duration_s: float | None = Field(None, ge=0, le=86_400, examples=[180.0])
    summary: Annotated[Line, Field(max_length=5000)] | None = Field(
        None, description="What was said.", examples=["Asks for an offer for six vans."]
    )


class Activity(Output):
    """Something that was done with a lead, or that the lead did."""

    id: UUID
    lead_id: UUID
    kind: Literal["visit", "call", "email", "reply", "meeting", "note"]
    direction: Literal["in", "out"] | None
    outcome: Outcome | None
    happened_at: datetime
    duration_s: float | None = Field(examples=[180.0])
    summary: str | None = Field(examples=["Asks for an offer for six vans."])
    user_id: UUID | None = Field(description="Who of yours it was.")


class Contacted(Output):
    """The contact that was logged, and the lead after it."""

    activity: Activity
    lead: LeadRead


class TimelineEntry(Output):
    """Something that happened with a lead; newest first."""

    at: datetime
    kind: Literal["change", "activity", "note", "call"] = Field(
        description="`call`: one of the log of calls, with the lead's contact.", examples=["change"]
    )
    name: str = Field(description="What happened.", examples=["lead.contacted"])
    id: UUID = Field(description="Of the event, the activity, the note or the call.")
    actor_kind: str | None = Field(description="Who or what did it.", examples=["user"])
    actor_id: UUID | None
    actor_name: str | None = Field(examples=["Olga Owner"])
    text: str | None = Field(description="What a note or an activity says.", examples=[None])
    before: dict[str, Any] | None = Field(
        description="Of a change: the values that changed.", examples=[{"status": "new"}]
    )
    after: dict[str, Any] | None = Field(
        description="Of a change: what they became; of an activity: what is known of it.",
        examples=[{"status": "contacted"}],
    )


class NewAccount(Input):
    """The customer to be made; what is not said follows from the lead."""

    kind: Literal["company", "household"] | None = Field(
        None, description="A company where the lead names one, else a household.", examples=["company"]
    )
    name: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(
        None, description="The company, or the person.", examples=["Nordlicht Logistik GmbH"]
    )
    segment: Literal["enterprise", "smb", "consumer"] | None = Field(
        None, description="`smb` for a company, `consumer` for a household.", examples=["smb"]
    )
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = Field(
        None, description="ISO 3166 code; that of the lead, else your own.", examples=["DE"]
    )


class NewJob(Input):
    """The work that was agreed upon."""

    service: Annotated[Line, Field(min_length=1, max_length=200)] = Field(examples=["Replace the boiler"])
    price_cents: Cents = Field(0, description="Without tax, in the currency of the lead.", examples=[240_000])
    due_at: Moment | None = Field(None, examples=[None])
    zone_id: UUID | None = Field(None, description="That of the lead unless said.", examples=[None])


class NewQuote(Input):
    """A draft of a quote, which you can change and send like any other."""

    title: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(None, examples=["New boiler"])
    lines: list[LineFields] = Field([], max_length=MOST_LINES, examples=[[]])
    deposit_basis_points: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        None, description="The share that is paid in advance: 3000 is 30 %.", examples=[None]
    )
    valid_until: Day | None = Field(None, examples=[None])


class Conversion(Input):
    """What a lead becomes. Without a word: a contact, and an account where the lead has a company."""

    contact_id: UUID | None = Field(
        None,
        description="A contact that is there already and stays as it is; else a new one.",
        examples=[None],
    )
    account_id: UUID | None = Field(
        None,
        description="An account that is there already and stays as it is; that of the contact or the lead unless said.",
        examples=[None],
    )
    account: NewAccount | None = Field(
        None,
        description="Make a new account. One is made anyway where none is known and the lead has a company, or a job or"
        " a quote needs one.",
        examples=[{"kind": "company"}],
    )
    job: NewJob | None = Field(None, description="Make a job too; the lead is won then.", examples=[None])
    quote: NewQuote | None = Field(None, description="Make a quote too.", examples=[{"title": "New boiler"}])
    status: Literal["qualified", "won"] | None = Field(
        None,
        description="Of the lead after it: `won` with a job, else `qualified`; one that is won stays so.",
        examples=["qualified"],
    )
    value_cents: Cents | None = Field(
        None,
        description="What it is worth. A lead that is won needs it: else its own value counts, or the job's price.",
        examples=[250_000],
    )


class ConversionRead(Output):
    """What a lead became. Rows that are not in `made` were there before."""

    id: UUID
    lead_id: UUID
    contact_id: UUID
    account_id: UUID | None
    quote_id: UUID | None
    job_id: UUID | None
    made: list[Literal["contact", "account", "quote", "job"]] = Field(
        description="What is new.", examples=[["contact", "account"]]
    )
    created_at: datetime = Field(description="When it was converted.")
    user_id: UUID | None = Field(description="Who of yours did it.")
    undo_until: datetime = Field(
        description="Until then it can be undone, while nothing of what was made was worked with."
    )
    undone_at: datetime | None = Field(examples=[None])


class Converted(Output):
    """The conversion, and the lead after it."""

    conversion: ConversionRead
    lead: LeadRead
